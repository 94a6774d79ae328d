//! AWS Organizations for the proxy: a tree of accounts and the policies on it. The emulator has one too, in which every
//! account manages an organization of its own.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::call::{Answer, Call, Seen};

const TYPE: &str = "application/x-amz-json-1.1";

/// An organization. Its management account and the delegated ones may look at all of it; members may ask only which it is.
#[derive(Debug, Clone, Default)]
pub(crate) struct Organization {
    pub(crate) id: String,
    pub(crate) management: String,
    pub(crate) delegated: Vec<String>,
    /// Account or unit to what is above it.
    pub(crate) parents: BTreeMap<String, String>,
    /// Target and type to the ids of its policies.
    pub(crate) attached: BTreeMap<(String, String), Vec<String>>,
    /// By id.
    pub(crate) documents: BTreeMap<String, Value>,
}

impl Organization {
    /// The accounts stand under one unit below the root; AWS's own policies are attached everywhere.
    pub(crate) fn of(accounts: &[&str], management: &str) -> Self {
        let mut made = Self { id: "o-acme".into(), management: management.into(), ..Self::default() };
        let (unit, root) = ("ou-root-team", "r-root");
        made.parents = accounts.iter().map(|account| ((*account).to_owned(), unit.to_owned())).collect();
        made.parents.insert(unit.to_owned(), root.to_owned());
        made.parents.insert(management.to_owned(), root.to_owned());
        for target in made.parents.keys().cloned().chain([root.to_owned()]).collect::<Vec<_>>() {
            for (kind, own) in [("SERVICE", "p-FullAWSAccess"), ("RESOURCE", "p-RCPFullAWSAccess")] {
                made.attached.insert((target.clone(), format!("{kind}_CONTROL_POLICY")), vec![own.to_owned()]);
            }
        }
        made
    }

    /// Attaches a policy beside what is there.
    pub(crate) fn attach(&mut self, target: &str, kind: &str, id: &str, document: Value) {
        let names = self.attached.entry((target.to_owned(), format!("{kind}_CONTROL_POLICY"))).or_default();
        names.push(id.to_owned());
        self.documents.insert(id.to_owned(), document);
    }

    /// The service's answer; `None` for calls of other services.
    pub(crate) fn answer(&self, seen: &Seen, call: &Call) -> Option<Answer> {
        if call.service != "organizations" {
            return None;
        }
        let asked: Value = serde_json::from_slice(&seen.body).unwrap_or_default();
        let text = |name: &str| asked[name].as_str().unwrap_or_default().to_owned();
        let caller = caller(call);
        if call.operation == "DescribeOrganization" {
            let member = caller == self.management || self.parents.contains_key(&caller);
            return Some(if member { self.described() } else { failure("AWSOrganizationsNotInUseException") });
        }
        if caller != self.management && !self.delegated.contains(&caller) {
            return Some(failure("AccessDeniedException"));
        }
        Some(match call.operation.as_str() {
            "ListParents" => match self.parents.get(&text("ChildId")) {
                Some(parent) => done(&json!({ "Parents": [{ "Id": parent, "Type": "ORGANIZATIONAL_UNIT" }] })),
                None => failure("ChildNotFoundException"),
            },
            "ListPoliciesForTarget" => {
                let names = self.attached.get(&(text("TargetId"), text("Filter")));
                let policies: Vec<Value> = names.into_iter().flatten().map(|id| json!({ "Id": id })).collect();
                done(&json!({ "Policies": policies }))
            }
            "DescribePolicy" => match self.documents.get(&text("PolicyId")) {
                Some(document) => {
                    done(&json!({ "Policy": { "PolicySummary": {}, "Content": document.to_string() } }))
                }
                None => failure("PolicyNotFoundException"),
            },
            _ => failure("UnsupportedAPIEndpointException"),
        })
    }

    fn described(&self) -> Answer {
        done(
            &json!({ "Organization": { "Id": self.id, "MasterAccountId": self.management, "FeatureSet": "ALL" } }),
        )
    }
}

/// Whether that account calls.
pub(crate) fn is_by(call: &Call, account: &str) -> bool {
    caller(call) == account
}

/// The account that calls: the proxy names it by its root key, or by the role that was assumed.
fn caller(call: &Call) -> String {
    let owner = call.detail.split(' ').find_map(|part| part.strip_prefix("as=")).unwrap_or_default();
    owner.split(':').nth(4).unwrap_or(owner).to_owned()
}

fn done(body: &Value) -> Answer {
    Answer::new(200, TYPE, body.to_string())
}

fn failure(code: &str) -> Answer {
    Answer::new(400, TYPE, json!({ "__type": code, "Message": "no" }).to_string())
}

/// What an account answers that may not look at its organization, as most may not.
pub(crate) fn refused(call: &Call) -> Option<Answer> {
    (call.service == "organizations").then(|| failure("AccessDeniedException"))
}
