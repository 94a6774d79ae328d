//! A second, two-valued evaluator written after the prose of the IAM guide, for worlds in which
//! everything is known: the two must agree on every one of them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]
// `json!(…)` reads best as it is.
#![allow(clippy::needless_pass_by_value)]

mod support;

use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Value, json};
use std::cell::Cell;
use support::*;

const SESSION: &str = "arn:aws:sts::111122223333:assumed-role/node/i-0abc";
const TOKEN: &str = "ecr:GetAuthorizationToken";
const ACTIONS: [&str; 3] = [TOKEN, "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"];

/// How a statement of a resource policy names somebody.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Who {
    Everyone,
    Role,
    Session,
    Account,
    Stranger,
    Dead,
}

#[derive(Clone, Debug)]
struct Rule {
    deny: bool,
    actions: Vec<&'static str>,
    /// Everything, this repository, or another.
    resource: u8,
    who: Who,
}

impl Rule {
    fn json(&self, of_resource: bool) -> Value {
        let mut json = json!({"Effect": if self.deny { "Deny" } else { "Allow" }, "Action": self.actions});
        if of_resource {
            json["Principal"] = match self.who {
                Who::Everyone => json!("*"),
                Who::Role => json!({ "AWS": ROLE_ARN }),
                Who::Session => json!({ "AWS": SESSION }),
                Who::Account => json!({ "AWS": format!("arn:aws:iam::{OWN}:root") }),
                Who::Stranger => json!({"AWS": "arn:aws:iam::999999999999:root"}),
                Who::Dead => json!({ "AWS": DEAD_ID }),
            };
        } else {
            json["Resource"] = json!(match self.resource {
                0 => "*",
                1 => "arn:aws:ecr:*:*:repository/ledger/*",
                _ => "arn:aws:ecr:*:*:repository/other/*",
            });
        }
        json
    }

    fn acts_on(&self, action: &str, of_resource: bool) -> bool {
        let resource = of_resource || self.resource == 0 || (self.resource == 1 && action != TOKEN);
        self.actions.contains(&action) && resource
    }

    fn is_us(&self) -> bool {
        !matches!(self.who, Who::Stranger | Who::Dead)
    }
}

fn rules() -> impl Strategy<Value = Vec<Rule>> {
    let who = select(vec![Who::Everyone, Who::Role, Who::Session, Who::Account, Who::Stranger, Who::Dead]);
    let actions = prop_oneof![Just(ACTIONS.to_vec()), subsequence(ACTIONS.to_vec(), 1..=3)];
    let resource = prop_oneof![3 => Just(0_u8), 2 => Just(1), 1 => Just(2)];
    let rule = (0..7_u8, actions, resource, who).prop_map(|(deny, actions, resource, who)| Rule {
        deny: deny == 0,
        actions,
        resource,
        who,
    });
    proptest::collection::vec(rule, 0..4)
}

struct Policies<'a> {
    identity: &'a [Rule],
    boundary: Option<&'a [Rule]>,
    resource: &'a [Rule],
    one_account: bool,
}

impl Policies<'_> {
    fn allows(&self, action: &str) -> bool {
        let own =
            |rules: &[Rule], deny: bool| rules.iter().any(|rule| rule.deny == deny && rule.acts_on(action, false));
        let reaches = |rule: &&Rule| action != TOKEN && rule.is_us() && rule.acts_on(action, true);
        let denied = own(self.identity, true)
            || self.boundary.is_some_and(|boundary| own(boundary, true))
            || self.resource.iter().filter(reaches).any(|rule| rule.deny);
        let bounded = self.boundary.is_none_or(|boundary| own(boundary, false));
        let identity = own(self.identity, false) && bounded;
        let mut granted = self.resource.iter().filter(reaches).filter(|rule| !rule.deny);
        !denied
            && if action == TOKEN {
                identity
            } else if self.one_account {
                identity
                    || granted.any(|rule| match rule.who {
                        Who::Everyone | Who::Session => true,
                        Who::Role => bounded,
                        _ => false,
                    })
            } else {
                identity && granted.next().is_some()
            }
    }
}

#[test]
fn both_evaluators_agree_on_every_known_world() {
    let seen = Cell::new((0_u32, 0_u32));
    let config = ProptestConfig { cases: 30_000, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(identity in rules(), boundary in proptest::option::weighted(0.3, rules()), resource in rules(),
        one_account in any::<bool>(), base in any::<bool>())| {
        let mut identity = identity;
        if base {
            identity.push(Rule { deny: false, actions: ACTIONS.to_vec(), resource: 0, who: Who::Everyone });
        }
        let write = |rules: &[Rule], of_resource: bool| {
            policy(Value::Array(rules.iter().map(|rule| rule.json(of_resource)).collect()))
        };
        let mut world = if one_account { World::one_account() } else { World::two_accounts() };
        world = world.by(SESSION).inline(&write(&identity, false)).repository_policy(&write(&resource, true));
        if let Some(boundary) = &boundary {
            world = world.boundary(&write(boundary, false));
        }
        let policies =
            Policies { identity: &identity, boundary: boundary.as_deref(), resource: &resource, one_account };
        let expected = ACTIONS.iter().all(|action| policies.allows(action));
        let verdict = world.verdict();
        let (allowed, denied) = seen.get();
        seen.set(if expected { (allowed + 1, denied) } else { (allowed, denied + 1) });
        let says = word(&verdict);
        let agrees = if expected { says == "allowed" } else { says.starts_with("denied") };
        prop_assert!(agrees, "expected {}, got {}\n{}", expected, says, named(&verdict));
    });
    println!("{:?} worlds allowed and denied", seen.get());
    assert!(seen.get().0 > 2_000, "{:?}", seen.get());
}
