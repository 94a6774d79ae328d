//! The least change: it turns what it says, without it nothing turns, and what it would not help is held
//! back.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]
// `json!(…)` reads best as it is.
#![allow(clippy::needless_pass_by_value)]

mod support;

use jiff::Timestamp;
use proptest::prelude::*;
use proptest::sample::select;
use pullaudit_aks::facts::table;
use pullaudit_core::{
    Action, Change, Credential, Facts, FixPolicy, ImageRef, Mode, Proposal, Question, Read, Safety, Vantage,
    Verdict, judge,
};
use serde_json::{Value, json};
use support::*;

const AT: Timestamp = Timestamp::UNIX_EPOCH;

fn question(by: Credential, repository: &str) -> Question {
    let image = ImageRef::parse(&format!("acmeprod.azurecr.io/{repository}:1")).unwrap();
    Question { by, from: Vantage::default(), image }
}

fn of_identity(repositories: &[&str]) -> Vec<Question> {
    repositories.iter().map(|repository| question(identity(OBJECT), repository)).collect()
}

fn propose(world: &World, questions: &[Question]) -> Proposal {
    world.facts().remedies(&questions.iter().collect::<Vec<_>>(), AT, FixPolicy::default())
}

fn verdict(facts: &dyn Facts, question: &Question) -> Verdict {
    judge(facts.weigh(question, AT).as_ref(), Mode::Strict)
}

fn turned(world: &World, changes: &[Change], question: &Question) -> bool {
    let then = world.facts().after(&changes.iter().collect::<Vec<_>>()).unwrap();
    matches!(verdict(then.as_ref(), question), Verdict::Allowed { .. })
}

#[test]
fn a_legacy_registry_gets_acr_pull_on_itself_for_the_object_id() {
    let questions = of_identity(&["team/app", "team/web"]);
    let proposal = propose(&World::legacy(), &questions);
    let [change] = proposal.changes.as_slice() else { panic!("{proposal:?}") };
    assert_eq!((proposal.remedies[0].questions.as_slice(), change.safety), ([0, 1].as_slice(), Safety::Safe));
    assert!(
        change
            .document
            .starts_with(&format!("{}/providers/Microsoft.Authorization/roleAssignments/", registry_id()))
    );
    let properties = &change.after.as_ref().unwrap()["properties"];
    assert!(properties["roleDefinitionId"].as_str().unwrap().ends_with(ACR_PULL));
    assert_eq!(
        (&properties["principalId"], &properties["principalType"]),
        (&json!(OBJECT), &json!("ServicePrincipal"))
    );
    assert_eq!(properties.get("condition"), None);
    assert_eq!(change.rests_on.len(), 3);
    assert!(change.command.contains(&format!("--role AcrPull --scope {}", registry_id())));
}

#[test]
fn a_built_in_role_that_nobody_holds_yet_need_not_be_read() {
    for mut world in [World::legacy(), World::abac()] {
        world.0.tables.get_mut(table::DEFINITIONS).unwrap().clear();
        let questions = of_identity(&["team/app"]);
        let proposal = propose(&world, &questions);
        assert!(turned(&world, &proposal.changes, &questions[0]), "{proposal:?}");
    }
}

#[test]
fn the_same_grant_has_the_same_id_in_every_run_and_another_one_another() {
    let id = |world: &World, by: Credential| propose(world, &[question(by, "team/app")]).changes[0].id.clone();
    let first = id(&World::legacy(), identity(OBJECT));
    assert_eq!(first, id(&World::legacy(), identity(&OBJECT.to_uppercase())));
    assert_ne!(first, id(&World::abac(), identity(OBJECT)));
}

#[test]
fn an_abac_registry_gets_a_reader_of_exactly_the_repositories_in_use() {
    let questions = of_identity(&["team/app", "team/web", "ops/agent"]);
    let world = World::abac();
    let proposal = propose(&world, &questions);
    for asked in &questions {
        assert!(turned(&world, &proposal.changes, asked), "{asked:?}");
    }
    for other in ["team/ap", "team/app2", "team", "ops/agent/x"] {
        assert!(!turned(&world, &proposal.changes, &question(identity(OBJECT), other)), "{other}");
    }
    let properties = &proposal.changes[0].after.as_ref().unwrap()["properties"];
    assert_eq!(properties["conditionVersion"], "2.0");
}

#[test]
fn what_a_grant_would_not_help_is_held_back_with_its_reason() {
    let everybody = json!([{ "id": "00000000-0000-0000-0000-000000000000", "type": "SystemDefined" }]);
    let lock = deny("mrg-lock", "/", everybody, json!(["*"]));
    let closed = json!({ "roleAssignmentMode": "LegacyRegistryPermissions", "publicNetworkAccess": "Disabled" });
    for (world, reason) in [
        (World::legacy().denied(json!([lock])), "deny assignment mrg-lock"),
        (World::with(closed), "public network access is disabled"),
        (World::with(json!({})), "mode is not known"),
    ] {
        let proposal = propose(&world, &of_identity(&["team/app"]));
        assert!(proposal.changes.is_empty() && proposal.remedies.is_empty(), "{proposal:?}");
        assert!(proposal.held_back[0].why.contains(reason), "{}", proposal.held_back[0].why);
    }
}

#[test]
fn an_assignment_that_azure_would_not_take_twice_is_not_written_again() {
    let condition = on_repository("StringEquals 'other'");
    let grant = with_condition(assignment(OBJECT, READER, &registry_id()), &condition);
    let proposal = propose(&World::abac().granted(json!([grant])), &of_identity(&["team/app"]));
    assert!(proposal.changes.is_empty());
    assert!(proposal.held_back[0].why.contains("already gives"), "{:?}", proposal.held_back);
}

/// The assignment that a change leaves.
fn written(change: &Change) -> Value {
    let mut standing = change.after.clone().unwrap();
    standing["name"] = json!(change.id);
    standing["id"] = json!(change.document);
    standing["properties"]["scope"] = json!(registry_id());
    standing
}

#[test]
fn a_grant_of_ours_is_opened_for_a_new_repository_and_no_other_assignment_is_made() {
    let first = propose(&World::abac(), &of_identity(&["team/app", "ops/agent"])).changes.remove(0);
    let world = World::abac().granted(json!([written(&first)]));
    let proposal = propose(&world, &of_identity(&["team/web"]));
    let [change] = proposal.changes.as_slice() else { panic!("{proposal:?}") };
    assert_eq!((change.action, &change.document, change.safety), (Action::Change, &first.document, Safety::Safe));
    assert_eq!(change.before, first.after);
    for name in ["team/app", "ops/agent", "team/web"] {
        assert!(turned(&world, &proposal.changes, &question(identity(OBJECT), name)), "{name}");
    }
    assert!(!turned(&world, &proposal.changes, &question(identity(OBJECT), "team/other")));
    insta::assert_snapshot!(change.command);

    // What somebody edited is theirs, and so is the like under another name.
    let text = first.after.as_ref().unwrap()["properties"]["condition"].as_str().unwrap().to_owned();
    let mut edited = written(&first);
    edited["properties"]["condition"] = json!(text.replace("'team/app'", "'team/app' "));
    let mut other = written(&first);
    other["name"] = json!("0b1ec700-0000-4000-8000-000000000077");
    let mut described = written(&first);
    described["properties"]["description"] = json!("reviewed by ops");
    for foreign in [edited, other, described] {
        let proposal = propose(&World::abac().granted(json!([foreign])), &of_identity(&["team/web"]));
        assert!(proposal.changes.is_empty(), "{proposal:?}");
        assert!(proposal.held_back[0].why.contains("did not write"), "{:?}", proposal.held_back);
    }
}

#[test]
fn with_consent_a_grant_of_ours_loses_its_condition() {
    let first = propose(&World::abac(), &of_identity(&["team/app"])).changes.remove(0);
    let world = World::abac().granted(json!([written(&first)]));
    let asked = of_identity(&["team/web"]);
    let broad = FixPolicy { broad: true, ..FixPolicy::default() };
    let proposal = world.facts().remedies(&asked.iter().collect::<Vec<_>>(), AT, broad);
    let change = &proposal.changes[0];
    assert_eq!((change.action, change.safety), (Action::Change, Safety::NeedsConsent));
    assert_eq!(change.after.as_ref().unwrap()["properties"].get("condition"), None);
    assert!(turned(&world, &proposal.changes, &question(identity(OBJECT), "any")));
}

#[test]
fn where_a_grant_without_a_condition_stands_the_reason_is_what_denies() {
    let everybody = json!([{ "id": "00000000-0000-0000-0000-000000000000", "type": "SystemDefined" }]);
    let world = World::legacy().role(ACR_PULL).denied(json!([deny("mrg-lock", "/", everybody, json!(["*"]))]));
    let proposal = propose(&world, &of_identity(&["team/app"]));
    assert!(proposal.changes.is_empty());
    assert!(proposal.held_back[0].why.contains("deny assignment mrg-lock"), "{:?}", proposal.held_back);
}

#[test]
fn a_condition_that_denies_one_repository_only_leaves_that_one_out() {
    // The deny assignment is about one repository; the grant is for the other.
    let mut lock = deny("lock", "/", json!([{ "id": OBJECT, "type": "ServicePrincipal" }]), json!([CONTENT]));
    lock["properties"]["condition"] = json!(on_repository("StringEquals 'team/secret'"));
    lock["properties"]["conditionVersion"] = json!("2.0");
    let world = World::abac().denied(json!([lock]));
    let proposal = propose(&world, &of_identity(&["team/secret", "team/app"]));
    assert_eq!(proposal.remedies[0].questions, [1]);
    assert_eq!(proposal.held_back[0].questions, [0]);
    let condition =
        proposal.changes[0].after.as_ref().unwrap()["properties"]["condition"].as_str().unwrap().to_owned();
    assert!(condition.contains("'team/app'") && !condition.contains("secret"), "{condition}");
}

#[test]
fn a_login_that_is_no_identity_of_azure_is_held_back() {
    let questions = [question(Credential::Anonymous, "team/app"), question(identity("someone"), "team/app")];
    let proposal = propose(&World::legacy(), &questions);
    assert!(proposal.changes.is_empty());
    assert_eq!(proposal.held_back[0].questions, [0, 1]);
}

fn worlds() -> impl Strategy<Value = World> {
    let mode = select(vec![json!("LegacyRegistryPermissions"), json!("AbacRepositoryPermissions"), json!(null)]);
    let roles = proptest::collection::vec(select(vec![ACR_PULL, READER]), 0..2);
    let denied =
        select(vec![json!([]), json!([]), json!(["*/read"]), json!([PULL]), json!([CONTENT]), json!(["*/write"])]);
    let condition =
        select(vec![None, Some("StringEquals 'team/app'"), Some("StringLike 'ops/*'"), Some("Odd 'x'")]);
    let ours = proptest::bool::weighted(0.3);
    (mode, roles, denied, condition, any::<bool>(), ours).prop_map(
        |(mode, roles, denied, condition, above, ours)| {
            let scope = if above { format!("/subscriptions/{SUBSCRIPTION}") } else { registry_id() };
            let own = ours.then(|| written(&propose(&World::abac(), &of_identity(&["team/app"])).changes[0]));
            let grants: Vec<Value> = roles
                .into_iter()
                .map(|role| {
                    let grant = assignment(OBJECT, role, &scope);
                    condition.map_or(grant.clone(), |text| with_condition(grant, &on_repository(text)))
                })
                .chain(own)
                .collect();
            let who = json!([{ "id": OBJECT, "type": "ServicePrincipal" }]);
            let denies = if denied == json!([]) { json!([]) } else { json!([deny("d", "/", who, denied)]) };
            World::with(json!({ "roleAssignmentMode": mode })).granted(json!(grants)).denied(denies).put(
                table::HOLDERS,
                &key(),
                Read::Got(json!([])),
            )
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    /// Every denied question is turned by its whole set of changes and by no smaller one, or is held back;
    /// nothing that was allowed is lost.
    #[test]
    fn a_remedy_turns_what_it_says_and_nothing_less_does(world in worlds()) {
        let facts = world.facts();
        let all = of_identity(&["team/app", "ops/agent", "web"]);
        let denied: Vec<Question> =
            all.iter().filter(|one| matches!(verdict(&facts, one), Verdict::Denied { .. })).cloned().collect();
        let proposal = propose(&world, &denied);
        let mut told: Vec<usize> = proposal.held_back.iter().flat_map(|held| held.questions.clone()).collect();
        for remedy in &proposal.remedies {
            let set: Vec<Change> =
                proposal.changes.iter().filter(|change| remedy.changes.contains(&change.id)).cloned().collect();
            prop_assert_eq!(set.len(), remedy.changes.len());
            for number in &remedy.questions {
                prop_assert!(turned(&world, &set, &denied[*number]));
                for left_out in 0..set.len() {
                    let mut less = set.clone();
                    less.remove(left_out);
                    prop_assert!(!turned(&world, &less, &denied[*number]));
                }
            }
            told.extend(&remedy.questions);
        }
        told.sort_unstable();
        prop_assert_eq!(told, (0..denied.len()).collect::<Vec<_>>());
        for asked in &all {
            let before = matches!(verdict(&facts, asked), Verdict::Allowed { .. });
            prop_assert!(!before || turned(&world, &proposal.changes, asked));
        }
    }

    /// Adding and taking back leaves every verdict as it was, also where a grant of somebody else's stands.
    #[test]
    fn what_is_taken_back_was_never_there(world in worlds()) {
        let facts = world.facts();
        let all = of_identity(&["team/app", "ops/agent", "web"]);
        let denied: Vec<Question> =
            all.iter().filter(|one| matches!(verdict(&facts, one), Verdict::Denied { .. })).cloned().collect();
        let added = propose(&world, &denied).changes;
        let taken: Vec<Change> = added.iter().map(|change| Change {
            action: if change.action == Action::Add { Action::Remove } else { change.action },
            before: change.after.clone(), after: change.before.clone(), ..change.clone()
        }).collect();
        let both: Vec<&Change> = added.iter().chain(&taken).collect();
        let then = facts.after(&both).unwrap();
        for asked in &all {
            prop_assert_eq!(verdict(then.as_ref(), asked), verdict(&facts, asked));
        }
    }

    /// What a plan rests on is told by what it reads, not by the order in which it came.
    #[test]
    fn the_order_of_answers_is_no_fingerprint(world in worlds()) {
        let turned = |world: &World| {
            let mut world = world.clone();
            for table in [table::ASSIGNMENTS, table::DENY] {
                for row in world.0.tables.get_mut(table).unwrap().values_mut() {
                    if let Read::Got(Value::Array(list)) = row { list.reverse() }
                }
            }
            world
        };
        let asked = of_identity(&["team/app"]);
        let prints = |world: &World| propose(world, &asked).changes.into_iter().map(|one| one.rests_on).collect::<Vec<_>>();
        prop_assert_eq!(prints(&world), prints(&turned(&world)));
    }
}

fn many(count: usize) -> Vec<Question> {
    (0..count).map(|at| question(identity(OBJECT), &format!("team/app-{at:03}"))).collect()
}

#[test]
fn a_hundred_repositories_fit_into_one_condition() {
    let world = World::abac();
    let questions = many(100);
    let proposal = propose(&world, &questions);
    assert!(proposal.held_back.is_empty(), "{:?}", proposal.held_back);
    for asked in &questions {
        assert!(turned(&world, &proposal.changes, asked), "{asked:?}");
    }
    assert!(!turned(&world, &proposal.changes, &question(identity(OBJECT), "team/app-100")));
    let text = proposal.changes[0].after.as_ref().unwrap()["properties"]["condition"].as_str().unwrap();
    assert!(text.contains("ForAnyOfAnyValues:StringEqualsIgnoreCase {'team/app-000', 'team/app-001', "), "{text}");
}

#[test]
fn a_condition_never_grows_too_long_for_azure() {
    let questions = many(400);
    let proposal = propose(&World::abac(), &questions);
    let [change] = proposal.changes.as_slice() else { panic!("{proposal:?}") };
    let text = change.after.as_ref().unwrap()["properties"]["condition"].as_str().unwrap();
    assert!(text.len() <= 4096 && text.len() > 4000, "{}", text.len());
    let held: usize = proposal.held_back.iter().map(|held| held.questions.len()).sum();
    assert_eq!(held + proposal.remedies[0].questions.len(), questions.len());
    assert!(proposal.held_back[0].why.contains("4 KB"), "{:?}", proposal.held_back[0].why);
    // What is full takes no more.
    let world = World::abac().granted(json!([written(change)]));
    let more = propose(&world, &of_identity(&[&"team/z".repeat(20)]));
    assert!(more.changes.is_empty() && more.held_back[0].why.contains("4 KB"), "{more:?}");
}

#[test]
fn a_grant_in_the_former_form_is_still_ours() {
    let mut former = written(&propose(&World::abac(), &of_identity(&["team/a", "team/b"])).changes.remove(0));
    let name = "@Request[Microsoft.ContainerRegistry/registries/repositories:name] StringEqualsIgnoreCase";
    let nested = on_repository("").replace(
        "@Request[Microsoft.ContainerRegistry/registries/repositories:name] ",
        &format!("({name} 'team/a' OR {name} 'team/b')"),
    );
    former["properties"]["condition"] = json!(nested);
    let world = World::abac().granted(json!([former]));
    let proposal = propose(&world, &of_identity(&["team/c"]));
    let [change] = proposal.changes.as_slice() else { panic!("{proposal:?}") };
    for name in ["team/a", "team/b", "team/c"] {
        assert!(turned(&world, &proposal.changes, &question(identity(OBJECT), name)), "{name}");
    }
    assert_eq!(change.action, Action::Change);
}
