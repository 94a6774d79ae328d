//! Laws of repairs over random roles, repositories and policies of two accounts.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]
// `json!(…)` reads best as it is.
#![allow(clippy::needless_pass_by_value)]

mod support;

use proptest::prelude::*;
use proptest::sample::select;
use pullaudit_core::{
    Action, Change, Facts, FixPolicy, ImageRef, Mode, Proposal, Question, Read, Safety, Section, Vantage, Verdict,
    judge,
};
use pullaudit_eks::facts::table;
use pullaudit_eks::weigh::EksFacts;
use serde_json::{Value, json};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::mem::discriminant;
use support::{DEAD_ID, OTHER, OWN, REGION, World, document, grant, policy, pull_all, role_arn, token_only};

const ROLES: [&str; 2] = ["arn:aws:iam::111122223333:role/eks/node", "arn:aws:iam::111122223333:role/second"];
const REPOSITORIES: [(&str, &str); 4] =
    [(OWN, "ledger/api"), (OWN, "ledger/web"), (OTHER, "ledger/api"), (OTHER, "shared")];

fn of_role() -> impl Strategy<Value = Value> {
    select(vec![
        token_only(),
        pull_all(),
        json!({"Effect": "Allow", "Action": "ecr:*", "Resource": format!("arn:aws:ecr:*:{OWN}:repository/ledger/api")}),
        json!({"Effect": "Allow", "Action": "ecr:*", "Resource": format!("arn:aws:ecr:*:{OTHER}:repository/*")}),
        json!({"Effect": "Deny", "Action": "ecr:BatchGetImage", "Resource": "arn:aws:ecr:*:*:repository/ledger/web"}),
        json!({"Sid": "PullauditPull", "Effect": "Allow", "Action": "s3:Get*", "Resource": ["*"]}),
        json!({"Sid": "PullauditPull", "Effect": "Allow", "Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
            "Resource": "arn:aws:ecr:eu-central-1:111122223333:repository/ledger/api"}),
    ])
}

fn of_repository() -> impl Strategy<Value = Value> {
    let everyone_denied = json!({"Effect": "Deny", "Principal": "*", "Action": "ecr:*"});
    let endpoint = json!({"Effect": "Allow", "Principal": {"AWS": OWN}, "Action": "ecr:*",
        "Condition": {"StringEquals": {"aws:SourceVpce": "vpce-1"}}});
    select(vec![
        grant(json!({"AWS": ROLES[0]})),
        grant(json!({"AWS": DEAD_ID})),
        grant(json!({"AWS": [DEAD_ID, "999999999999"]})),
        grant(json!({"AWS": OWN})),
        json!({"Sid": "PullauditPull", "Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": ["ecr:BatchGetImage"], "Condition": {"StringLike": {"aws:sourceArn": ["b", "a"]}}}),
        json!({"Sid": "PullauditPull", "Effect": "Allow", "Principal": {"AWS": ROLES[1]},
            "Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]}),
        endpoint,
        everyone_denied,
    ])
}

/// What one role and its boundary say, and what one repository does.
fn worlds() -> impl Strategy<Value = Section> {
    let list = || proptest::collection::vec(of_role(), 0..3);
    let role = (list(), proptest::option::of(list()), proptest::option::weighted(0.1, list()), any::<bool>());
    let policies = proptest::option::of(proptest::collection::vec(of_repository(), 1..4));
    let repository = (policies, 0..12_u8);
    let rule = proptest::option::weighted(0.2, select(vec!["ledger", "other"]));
    (proptest::collection::vec(role, 2), proptest::collection::vec(repository, 4), rule).prop_map(
        |(roles, repositories, rule)| {
            let mut section = World::two_accounts().section;
            for account in [OWN, OTHER] {
                let registry = format!("{account}/{REGION}");
                section.put(table::REGISTRY_POLICIES, &registry, Read::Absent);
                section.put(table::ACCOUNT_SETTINGS, &registry, Read::Got(json!({"registryPolicyScope": "V2"})));
                let rules: Vec<Value> = rule.iter().map(|prefix| json!({ "prefix": prefix })).collect();
                section.put(table::PULL_THROUGH, &registry, Read::Got(json!(rules)));
            }
            for (arn, (other, own, boundary, tagged)) in ROLES.iter().zip(roles) {
                put_role(&mut section, arn, &other, own, boundary, tagged);
            }
            for ((account, name), (policies, state)) in REPOSITORIES.iter().zip(repositories) {
                put_repository(&mut section, account, name, policies, state);
            }
            section
        },
    )
}

fn put_role(
    section: &mut Section,
    arn: &str,
    other: &[Value],
    own: Option<Vec<Value>>,
    boundary: Option<Vec<Value>>,
    tagged: bool,
) {
    let name = arn.rsplit('/').next().unwrap();
    let key = format!("{OWN}/{name}");
    let mut role = json!({"arn": arn, "roleId": format!("AROALIVEROLE{:0>8}", name.to_uppercase())});
    if tagged {
        role["tags"] = json!({"ManagedBy": "terraform"});
    }
    if let Some(boundary) = boundary {
        let arn = format!("arn:aws:iam::{OWN}:policy/boundary-{name}");
        role["boundary"] = json!(arn);
        section.put(table::POLICIES, arn, document(&policy(json!(boundary))));
    }
    section.put(table::ROLES, &key, Read::Got(role));
    section.put(table::ATTACHED, &key, Read::Got(json!([])));
    let mut names = vec!["other"];
    section.put(table::INLINE, format!("{key}/other"), document(&policy(json!(other))));
    if let Some(own) = own {
        names.push("pullaudit-pull");
        section.put(table::INLINE, format!("{key}/pullaudit-pull"), document(&policy(json!(own))));
    }
    section.put(table::INLINE_NAMES, &key, Read::Got(json!(names)));
}

fn put_repository(section: &mut Section, account: &str, name: &str, policies: Option<Vec<Value>>, state: u8) {
    let key = format!("{account}/{REGION}/{name}");
    let arn = format!("arn:aws:ecr:{REGION}:{account}:repository/{name}");
    section.put(table::REPOSITORIES, &key, Read::Got(json!({ "arn": arn })));
    let row = match (policies, state) {
        (_, 0) => support::refused("repository policy"),
        (Some(list), _) => document(&policy(json!(list))),
        (None, _) => Read::Absent,
    };
    section.put(table::REPOSITORY_POLICIES, &key, row);
    let image = if state == 1 { Read::Absent } else { Read::Got(json!({"digest": "sha256:11"})) };
    section.put(table::IMAGES, format!("{key}:v1"), image);
}

fn questions() -> Vec<Question> {
    let one = |arn: &str, account: &str, name: &str| Question {
        by: role_arn(arn),
        from: Vantage::default(),
        image: ImageRef::parse(&format!("{account}.dkr.ecr.{REGION}.amazonaws.com/{name}:v1")).unwrap(),
    };
    ROLES.iter().flat_map(|arn| REPOSITORIES.iter().map(|(account, name)| one(arn, account, name))).collect()
}

fn verdict(facts: &dyn Facts, question: &Question) -> Verdict {
    judge(facts.weigh(question, "2026-11-25T14:00:00Z".parse().unwrap()).as_ref(), Mode::Default)
}

fn allowed(facts: &dyn Facts, question: &Question) -> bool {
    matches!(verdict(facts, question), Verdict::Allowed { .. })
}

fn denied(facts: &EksFacts) -> Vec<Question> {
    questions().into_iter().filter(|one| matches!(verdict(facts, one), Verdict::Denied { .. })).collect()
}

fn propose(facts: &EksFacts, denied: &[Question], policy: FixPolicy) -> Proposal {
    let at = "2026-11-25T14:00:00Z".parse().unwrap();
    facts.remedies(&denied.iter().collect::<Vec<_>>(), at, policy)
}

fn statements(body: Option<&Value>) -> Vec<Value> {
    let text = body.and_then(|body| body.get("PolicyDocument").or(body.get("policyText")));
    let Some(text) = text.and_then(Value::as_str) else { return Vec::new() };
    serde_json::from_str::<Value>(text).unwrap()["Statement"].as_array().unwrap().clone()
}

fn policies() -> impl Strategy<Value = FixPolicy> {
    (any::<bool>(), any::<bool>()).prop_map(|(broad, prune)| FixPolicy { broad, prune, ..FixPolicy::default() })
}

/// Every denied question is turned by its whole set of changes and by no smaller one, or is held back once; no
/// other question is worse for it.
#[test]
fn a_remedy_turns_what_it_says_and_nothing_less_does() {
    let ways = RefCell::new(BTreeSet::new());
    let config = ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(section in worlds(), policy in policies())| {
        let facts = EksFacts::open(&section).unwrap();
        let denied = denied(&facts);
        let proposal = propose(&facts, &denied, policy);
        let mut told: Vec<usize> = proposal.held_back.iter().flat_map(|held| held.questions.clone()).collect();
        for remedy in &proposal.remedies {
            let set: Vec<&Change> =
                proposal.changes.iter().filter(|change| remedy.changes.contains(&change.id)).collect();
            prop_assert_eq!(set.len(), remedy.changes.len());
            ways.borrow_mut().insert(set.iter().map(|one| one.document.contains(":repository/")).collect::<Vec<_>>());
            for number in &remedy.questions {
                prop_assert!(allowed(facts.after(&set).unwrap().as_ref(), &denied[*number]));
                for left_out in 0..set.len() {
                    let mut less = set.clone();
                    less.remove(left_out);
                    prop_assert!(!allowed(facts.after(&less).unwrap().as_ref(), &denied[*number]));
                }
            }
            told.extend(&remedy.questions);
        }
        told.sort_unstable();
        prop_assert_eq!(told, (0..denied.len()).collect::<Vec<_>>());
        let then = facts.after(&proposal.changes.iter().collect::<Vec<_>>()).unwrap();
        for one in questions() {
            prop_assert!(!allowed(&facts, &one) || allowed(then.as_ref(), &one));
        }
    });
    // The role's side, the owner's, and both were needed somewhere.
    assert_eq!(ways.into_inner(), BTreeSet::from([vec![false], vec![true], vec![false, true]]));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 250, failure_persistence: None, ..ProptestConfig::default() })]

    /// One change a document; what others said stands as it stood, in its order, but for ids that `prune` maps;
    /// nothing in a shared or an owned document goes without consent.
    #[test]
    fn a_document_is_changed_once_and_others_find_theirs_in_it(section in worlds(), prune in any::<bool>()) {
        let facts = EksFacts::open(&section).unwrap();
        let proposal = propose(&facts, &denied(&facts), FixPolicy { prune, ..FixPolicy::default() });
        let mut documents: Vec<&String> = proposal.changes.iter().map(|change| &change.document).collect();
        documents.sort();
        documents.dedup();
        prop_assert_eq!(documents.len(), proposal.changes.len());
        for change in &proposal.changes {
            let (before, after) = (statements(change.before.as_ref()), statements(change.after.as_ref()));
            prop_assert!(after.len() >= before.len());
            for (old, new) in before.iter().zip(&after) {
                let ours = old["Sid"] == "PullauditPull" && old.get("Condition").is_none() && old["Action"].is_array();
                let mapped = prune && old.to_string().contains(DEAD_ID);
                let (was, is) = (old.to_string(), new.to_string());
                prop_assert!(ours || mapped || was == is, "{} {}", was, is);
                prop_assert!(old["Effect"] == new["Effect"] && old["Action"] == new["Action"]);
            }
            if change.document.contains(":repository/") {
                prop_assert_eq!(change.safety, Safety::NeedsConsent);
            }
            let tagged = section.tables[table::ROLES].iter().any(|(_, row)| {
                let row = row.got().unwrap();
                change.document.starts_with(row["arn"].as_str().unwrap()) && row.get("tags").is_some()
            });
            prop_assert!(!tagged || change.safety == Safety::NeedsConsent);
        }
    }

    /// Adding and taking back leaves every verdict as it was; planning again proposes the same.
    #[test]
    fn what_is_taken_back_was_never_there(section in worlds()) {
        let facts = EksFacts::open(&section).unwrap();
        let denied = denied(&facts);
        let proposal = propose(&facts, &denied, FixPolicy::default());
        let taken: Vec<Change> = proposal.changes.iter().map(|change| Change {
            action: Action::Remove, before: change.after.clone(), after: change.before.clone(), ..change.clone()
        }).collect();
        let both: Vec<&Change> = proposal.changes.iter().chain(&taken).collect();
        let then = facts.after(&both).unwrap();
        for one in questions() {
            let (was, is) = (verdict(&facts, &one), verdict(then.as_ref(), &one));
            prop_assert_eq!((discriminant(&was), was.code()), (discriminant(&is), is.code()));
        }
        let added: Vec<&Change> = proposal.changes.iter().collect();
        let written = facts.after(&added).unwrap();
        prop_assert!(proposal.remedies.iter().flat_map(|remedy| &remedy.questions).all(|number| allowed(written.as_ref(), &denied[*number])));
        prop_assert_eq!(&propose(&facts, &denied, FixPolicy::default()), &proposal);
    }
}
