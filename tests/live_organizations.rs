//! Policies of an organization: the whole program, with the organization behind the proxy.
#![cfg(feature = "live")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on says so by a panic")]

#[path = "live/mod.rs"]
mod live;
#[path = "servers/mod.rs"]
mod servers;

use live::{Fleet, OTHER, OWN, Ran, config, environment, run, verdicts};
use serde_json::{Value, json};
use servers::aws::Keys;
use servers::kubernetes::ADMIN;
use servers::organization::{Organization, is_by};
use servers::proxy::{Proxy, Trouble};
use std::collections::BTreeMap;

const MANAGEMENT: &str = "999999999999";
const UNIT: &str = "ou-root-team";

struct Ground<'a> {
    fleet: &'a Fleet,
    proxy: Proxy,
    folder: tempfile::TempDir,
}

impl<'a> Ground<'a> {
    fn new(fleet: &'a Fleet, organization: Organization) -> Self {
        let proxy = fleet.aws.registries();
        proxy.guard(move |seen, call| organization.answer(seen, call));
        Self { fleet, proxy, folder: tempfile::tempdir().unwrap() }
    }

    fn audit(&self, more: &[&str]) -> Ran {
        let kubeconfig = self.fleet.kubernetes.kubeconfig(ADMIN, live::CLUSTER, None);
        let mut environment = environment(&Keys::root(OWN), &self.proxy, Some(&kubeconfig));
        environment.push(("AWS_MAX_ATTEMPTS", "1".to_owned()));
        let config = config(self.folder.path()).display().to_string();
        let arguments = ["audit", "--config", &config, "-n", "shop", "-n", "jobs", "-o", "json", "--all"];
        run(&arguments.iter().copied().chain(more.iter().copied()).collect::<Vec<_>>(), &environment)
    }

    fn verdicts(&self, more: &[&str]) -> BTreeMap<String, String> {
        verdicts(&self.audit(more).report())
    }

    /// How often each call to the organization was made.
    fn calls(&self) -> BTreeMap<String, usize> {
        self.proxy.counts().into_iter().filter(|(call, _)| call.starts_with("organizations:")).collect()
    }
}

/// One of ours may look at it.
fn organization() -> Organization {
    Organization { delegated: vec![OWN.to_owned()], ..Organization::of(&[OWN, OTHER], MANAGEMENT) }
}

fn document(statement: &Value) -> Value {
    json!({ "Version": "2012-10-17", "Statement": [statement] })
}

fn word(verdict: &str) -> &str {
    verdict.split(' ').next().unwrap()
}

#[test]
fn an_organization_that_limits_nothing_settles_what_was_assumed() {
    let Some(fleet) = live::shared("limits nothing") else { return };
    let refused = fleet.place(&Keys::root(OWN), Some(ADMIN));
    let (assumed, strictly) = (verdicts(&refused.json(&[])), verdicts(&refused.json(&["--strict"])));
    let ground = Ground::new(fleet, organization());
    assert_eq!(ground.verdicts(&[]), assumed);
    let settled = ground.verdicts(&["--strict"]);
    assert_eq!(settled, assumed, "nothing is left to assume");
    assert_ne!(strictly, assumed);
    // Which organization, once an account; what is above each account and the unit; two lists for each target; no
    // document, since AWS's own are known.
    let calls = ground.calls();
    let of = |operation: &str| -> usize {
        let named = |call: &&String| call.starts_with(&format!("organizations:{operation} "));
        calls.iter().filter(|(call, _)| named(call)).map(|(_, count)| count / 2).sum()
    };
    assert_eq!(
        ["DescribeOrganization", "ListParents", "ListPoliciesForTarget", "DescribePolicy"].map(of),
        [2, 3, 8, 0],
        "{calls:#?}"
    );
}

#[test]
fn what_an_organization_denies_is_denied_and_the_policy_is_named() {
    let Some(fleet) = live::shared("denies") else { return };
    let clean = Ground::new(fleet, organization()).verdicts(&[]);
    let mut limited = organization();
    let deny = json!({ "Effect": "Deny", "NotAction": ["iam:*", "sts:*"], "Resource": "*",
        "Condition": { "StringNotEquals": { "aws:RequestedRegion": ["eu-nowhere-1"] } } });
    limited.attach(UNIT, "SERVICE", "p-regions", document(&deny));
    let ground = Ground::new(fleet, limited);
    let report = ground.audit(&[]).report();
    let denied = verdicts(&report);
    assert!(clean.values().any(|verdict| verdict == "allowed allowed"));
    for (check, verdict) in &clean {
        let now = &denied[check];
        // A pull secret of a service account, which was not read, might log in as somebody else.
        let expected = ["denied scp-denies", "unknown pull-secret-unjudged"];
        assert!(word(verdict) != "allowed" || expected.contains(&now.as_str()), "{check}: {now}");
        assert!(word(verdict) == "allowed" || word(now) == word(verdict), "{check}: {now}");
    }
    assert!(report.to_string().contains("service control policy p-regions, statement 1"), "{report:#}");

    // A perimeter around the other account's registry alone: its own accounts may, and those of nobody else.
    let mut closed = organization();
    let perimeter = json!({ "Effect": "Deny", "Principal": "*", "Action": "ecr:*", "Resource": "*",
        "Condition": { "StringNotEquals": { "aws:PrincipalAccount": OTHER } } });
    closed.attach(OTHER, "RESOURCE", "p-perimeter", document(&perimeter));
    let closed = Ground::new(fleet, closed).verdicts(&[]);
    let turned: Vec<_> = clean.iter().filter(|(check, verdict)| closed[*check] != **verdict).collect();
    assert!(turned.iter().any(|(check, _)| check.starts_with("ledger-batch ")), "{turned:?}");
    for (check, _) in turned {
        assert!(
            closed[check] == "denied rcp-denies" || word(&clean[check]) == "denied",
            "{check}: {}",
            closed[check]
        );
    }
    // The same perimeter by organization lets both accounts in.
    let mut open = organization();
    let perimeter = json!({ "Effect": "Deny", "Principal": "*", "Action": "ecr:*", "Resource": "*",
        "Condition": { "StringNotEquals": { "aws:PrincipalOrgID": "o-acme" } } });
    open.attach(OTHER, "RESOURCE", "p-perimeter", document(&perimeter));
    assert_eq!(Ground::new(fleet, open).verdicts(&[]), clean);
}

#[test]
fn without_an_organization_nothing_is_assumed_and_a_member_that_may_not_look_assumes() {
    let Some(fleet) = live::shared("no organization") else { return };
    let assumed = verdicts(&fleet.place(&Keys::root(OWN), Some(ADMIN)).json(&[]));
    let none = Ground::new(fleet, Organization::of(&[], MANAGEMENT));
    assert_eq!(none.verdicts(&["--strict"]), assumed);
    assert_eq!(none.calls().values().sum::<usize>(), 2, "{:?}", none.calls());
    // Members that may not look: one refused call an account, and the reading is named.
    let member = Ground::new(fleet, Organization::of(&[OWN, OTHER], MANAGEMENT));
    let report = member.audit(&["--strict"]).report();
    assert!(report.to_string().contains("organizations:ListPoliciesForTarget"), "{report:#}");
    assert_eq!(member.calls().values().sum::<usize>(), 4, "{:?}", member.calls());
}

/// Each of the four calls taken away: no verdict flips, and the right is named.
#[test]
fn each_call_that_is_refused_is_named_and_flips_nothing() {
    let Some(fleet) = live::shared("refused calls") else { return };
    let mut limited = organization();
    let deny = json!({ "Effect": "Deny", "Action": "s3:*", "Resource": "*" });
    limited.attach(UNIT, "SERVICE", "p-buckets", document(&deny));
    let ground = Ground::new(fleet, limited);
    let clean = ground.verdicts(&["--strict"]);
    for operation in ["DescribeOrganization", "ListParents", "ListPoliciesForTarget", "DescribePolicy"] {
        for trouble in [Trouble::Forbidden, Trouble::Lost] {
            ground.proxy.reset();
            ground.proxy.fault(move |call| call.operation == operation, trouble);
            let report = ground.audit(&["--strict"]).report();
            let lost = verdicts(&report);
            for (check, verdict) in &lost {
                assert!(
                    ["unknown", word(&clean[check])].contains(&word(verdict)),
                    "{operation} {check}: {verdict}"
                );
            }
            assert_ne!(lost, clean, "{operation}");
            // Where nobody may see what is above, nobody is asked for the lists either.
            let named = report.to_string();
            let right = format!("organizations:{operation}");
            assert!(
                named.contains(&right) || operation == "ListParents" && named.contains("ListPoliciesForTarget"),
                "{right}"
            );
        }
    }
}

/// Ids of roots and units are unique to their organization only.
#[test]
fn two_organizations_may_share_a_root_id() {
    let Some(fleet) = live::shared("two organizations") else { return };
    let tree = |id: &str, account: &str| Organization {
        id: id.to_owned(),
        delegated: vec![account.to_owned()],
        ..Organization::of(&[account], MANAGEMENT)
    };
    let ground = |own: Organization, other: Organization| {
        let proxy = fleet.aws.registries();
        proxy.guard(
            move |seen, call| if is_by(call, OTHER) { other.answer(seen, call) } else { own.answer(seen, call) },
        );
        Ground { fleet, proxy, folder: tempfile::tempdir().unwrap() }
    };
    let clean = ground(tree("o-acme", OWN), tree("o-other", OTHER)).verdicts(&["--strict"]);
    assert!(clean.values().any(|verdict| word(verdict) == "allowed"), "{clean:?}");
    let mut closed = tree("o-acme", OWN);
    let deny = json!({ "Effect": "Deny", "Action": "ecr:*", "Resource": "*" });
    closed.attach("r-root", "SERVICE", "p-closed", document(&deny));
    let denied = ground(closed, tree("o-other", OTHER)).verdicts(&["--strict"]);
    for (check, verdict) in &clean {
        let now = &denied[check];
        // A pull secret of a service account, which was not read, might log in as somebody else.
        let expected = ["denied scp-denies", "unknown pull-secret-unjudged"];
        assert!(word(verdict) != "allowed" || expected.contains(&now.as_str()), "{check}: {now}");
    }
}
