//! The least change: it turns what it says, without it nothing turns, what it would not help is held back with
//! the lines that would, and every other byte of meaning of the policy stays.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]
// `json!(…)` reads best as it is.
#![allow(clippy::needless_pass_by_value)]

mod support;

use proptest::prelude::*;
use proptest::sample::select;
use pullaudit_core::{
    Action, Change, Cluster, ClusterId, Facts, FixPolicy, Inventory, Mode, Proposal, Question, Read, Safety,
    Verdict, judge,
};
use pullaudit_gke::facts::table;
use pullaudit_gke::remedy::{Edit, Unwritable, canonical};
use serde_json::{Value, json};
use support::*;

fn propose(world: &World, questions: &[Question]) -> Proposal {
    world.facts().remedies(&questions.iter().collect::<Vec<_>>(), world.at, FixPolicy::default())
}

#[test]
fn a_strict_repair_rests_on_no_assumption() {
    let world = World::new().put(table::DENY_LISTS, "organizations/9", refused("denyPolicies"));
    let question = world.question(IMAGE);
    let strict = FixPolicy { mode: Mode::Strict, ..FixPolicy::default() };
    assert_eq!(propose(&world, std::slice::from_ref(&question)).changes.len(), 1);
    let proposal = world.facts().remedies(&[&question], world.at, strict);
    assert!(proposal.changes.is_empty(), "{proposal:?}");
    assert!(proposal.held_back[0].why.contains("denyPolicies"), "{proposal:?}");
}

fn turned(world: &World, changes: &[Change], question: &Question) -> bool {
    let then = world.facts().after(&changes.iter().collect::<Vec<_>>()).unwrap();
    matches!(judge(then.weigh(question, world.at).as_ref(), Mode::Strict), Verdict::Allowed { .. })
}

fn held(world: &World) -> String {
    let proposal = propose(world, &[world.question(IMAGE)]);
    assert!(proposal.changes.is_empty() && proposal.remedies.is_empty(), "{proposal:?}");
    let one = &proposal.held_back[0];
    let cluster = Cluster {
        id: ClusterId("c".to_owned()),
        provider: "gke".to_owned(),
        name: "shop-ew4".to_owned(),
        location: "europe-west4".to_owned(),
        scope: "acme-prod".to_owned(),
        endpoint: None,
    };
    let filled = |pool: &str| one.on_pools.as_ref().and_then(|lines| lines.fill(pool, &cluster));
    assert_eq!(filled("(unlisted)"), None, "nobody can name it");
    let lines = ["apps", "(new nodes)"].into_iter().filter_map(filled).map(|line| format!("\n  {line}"));
    format!("{}{}", one.why, lines.collect::<String>())
}

/// A policy of others, with what pullaudit does not know in it.
fn others() -> Value {
    json!({
        "version": 3, "etag": "BwX=", "auditConfigs": [{ "service": "x" }],
        "bindings": [
            under(binding(READER, &["user:a@acme.example"]), "request.time < timestamp('2028-01-01T00:00:00Z')"),
            { "role": "roles/artifactregistry.writer", "members": ["group:ci@acme.example", "thing:new"], "odd": true },
            binding(READER, &["serviceAccount:other@acme.iam.gserviceaccount.com"]),
        ]
    })
}

fn with_others() -> World {
    World::new().got(table::REPOSITORY_POLICIES, REPOSITORY, others())
}

#[test]
fn the_account_becomes_a_member_of_the_unconditional_reader_and_all_else_stays() {
    let world = with_others();
    let proposal = propose(&world, &[world.question(IMAGE)]);
    let [change] = proposal.changes.as_slice() else { panic!("{proposal:?}") };
    assert_eq!((change.action, change.safety, change.owner.as_str()), (Action::Change, Safety::Safe, "acme"));
    assert_eq!(change.before.as_ref().unwrap(), &others());
    let mut expected = others();
    expected["bindings"][2]["members"].as_array_mut().unwrap().push(json!(member(NODES)));
    assert_eq!(change.after.as_ref().unwrap(), &expected);
    assert!(turned(&world, &proposal.changes, &world.question(IMAGE)));
    insta::assert_snapshot!(format!(
        "{}\n{}\n{}\n{}\n{}",
        change.target,
        change.document,
        change.command,
        change.import,
        change.notes.iter().map(|note| format!("{}: {}", note.label, note.text)).collect::<Vec<_>>().join("\n")
    ));
}

#[test]
fn a_fresh_policy_that_is_only_an_etag_gets_its_first_binding() {
    let world = World::new();
    let proposal = propose(&world, &[world.question(IMAGE)]);
    let after = proposal.changes[0].after.clone().unwrap();
    assert_eq!(after, json!({ "etag": "BwX=", "bindings": [binding(READER, &[&member(NODES)])] }));
    let edit = Edit::of(&proposal.changes[0]).unwrap();
    // Taken back, it is what it was.
    assert_eq!(edit.back().apply(&after), json!({ "etag": "BwX=" }));
}

#[test]
fn several_accounts_of_one_repository_are_one_change_of_one_document() {
    let world = World::new().got(
        table::ACCOUNTS,
        "b@acme-run.iam.gserviceaccount.com",
        json!({ "email": "b@acme-run.iam.gserviceaccount.com", "uniqueId": "2" }),
    );
    let questions = [
        world.question(IMAGE),
        world.clone().by("b@acme-run.iam.gserviceaccount.com").question(IMAGE),
        world.clone().by(KSA).question(IMAGE),
    ];
    let proposal = propose(&world, &questions);
    assert_eq!((proposal.changes.len(), proposal.remedies[0].questions.clone()), (1, vec![0, 1, 2]));
    assert!(questions.iter().all(|question| turned(&world, &proposal.changes, question)));
}

#[test]
fn the_request_has_version_3_and_the_etag_and_without_one_nothing_is_sent() {
    let world = with_others();
    let edit = Edit::of(&propose(&world, &[world.question(IMAGE)]).changes[0]).unwrap();
    let mut read_again = others();
    read_again["etag"] = json!("new=");
    read_again["bindings"].as_array_mut().unwrap().push(binding("roles/viewer", &["user:meanwhile@acme.example"]));
    let sent = edit.request(&read_again).unwrap();
    assert_eq!((&sent["policy"]["version"], &sent["policy"]["etag"]), (&json!(3), &json!("new=")));
    // What somebody wrote meanwhile is kept.
    assert_eq!(sent["policy"]["bindings"].as_array().unwrap().len(), 4);
    for etag in [json!(null), json!("")] {
        read_again["etag"] = etag;
        assert_eq!(edit.request(&read_again), Err(Unwritable::NoEtag));
    }
    let many: Vec<String> = (0..1500).map(|at| format!("user:u{at}@acme.example")).collect();
    let full = policy(json!([{ "role": "roles/viewer", "members": many }]));
    assert_eq!(edit.request(&full), Err(Unwritable::TooLarge));
}

#[test]
fn an_undo_is_exact_where_nobody_else_wrote_and_takes_only_its_own_out_elsewhere() {
    let world = with_others();
    let change = &propose(&world, &[world.question(IMAGE)]).changes[0];
    let mut now = change.after.clone().unwrap();
    now["etag"] = json!("later=");
    let back = Edit::undo(change, &now).unwrap().unwrap();
    assert_eq!(canonical(&back["policy"]), canonical(&others()));
    assert_eq!(back["policy"]["etag"], "later=");
    now["bindings"].as_array_mut().unwrap().push(binding("roles/viewer", &["user:later@acme.example"]));
    let back = Edit::undo(change, &now).unwrap().unwrap();
    assert!(back.to_string().contains("user:later@acme.example") && !back.to_string().contains(NODES));
    assert_eq!(Edit::undo(change, &others()), None);
}

#[test]
fn an_edited_plan_that_does_more_is_no_change_of_ours() {
    let world = with_others();
    let mut change = propose(&world, &[world.question(IMAGE)]).changes[0].clone();
    change.after.as_mut().unwrap()["bindings"][1]["members"] = json!(["allUsers"]);
    assert_eq!(Edit::of(&change), None);
    assert!(world.facts().after(&[&change]).is_none());
}

#[test]
fn what_a_grant_would_not_help_is_held_back_with_the_exact_lines() {
    let disabled = json!({ "email": NODES, "uniqueId": UID, "disabled": true });
    let everybody = deny("lock", json!(["principalSet://goog/public:all"]));
    let off = json!({ "name": "projects/42/services/x", "state": "DISABLED" });
    let cases = [
        ("scopes", World::new().scopes(&[LOGGING])),
        ("disabled", World::new().got(table::ACCOUNTS, NODES, disabled)),
        ("deleted", World::new().put(table::ACCOUNTS, NODES, Read::Absent)),
        ("deny", World::new().denied("folders/5", everybody)),
        ("api", World::new().got(table::SERVICES, "acme", off)),
        ("missing", World::new().put(table::REPOSITORIES, REPOSITORY, Read::Absent)),
        ("foreign", World::new().by("7c1e0000-0000-4000-8000-0000000090ab")),
        (
            "no etag",
            World::new().got(
                table::REPOSITORY_POLICIES,
                REPOSITORY,
                json!({ "bindings": [binding("roles/x", &["user:a@b.example"])] }),
            ),
        ),
    ];
    let lines: Vec<String> = cases.iter().map(|(name, world)| format!("{name}: {}", held(world))).collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn a_recreated_account_gets_its_grant_and_the_dead_member_goes_only_as_a_leftover() {
    let former = format!("deleted:serviceAccount:{NODES}?uid=99");
    let world = World::new().bound(json!([binding(READER, &[&former, "user:a@b.example"])]));
    let proposal = propose(&world, &[world.question(IMAGE)]);
    assert!(proposal.changes[0].after.as_ref().unwrap().to_string().contains("uid=99"));
    let facts = world.facts();
    let leftovers = facts.leftovers(&Inventory::default());
    let [removal] = leftovers.as_slice() else { panic!("{leftovers:?}") };
    assert_eq!(removal.safety, Safety::NeedsConsent);
    assert_eq!(removal.after.as_ref().unwrap()["bindings"], json!([binding(READER, &["user:a@b.example"])]));
    let both = facts.after(&[&proposal.changes[0], removal]).unwrap();
    assert_eq!(short(&judge(both.weigh(&world.question(IMAGE), world.at).as_ref(), Mode::Strict)), "allowed");
}

#[test]
fn a_deleted_member_that_may_be_alive_stays() {
    let left = |world: World| world.facts().leftovers(&Inventory::default()).len();
    let alive = format!("deleted:serviceAccount:{NODES}?uid={UID}");
    assert_eq!(left(World::new().bound(json!([binding(READER, &[&alive])]))), 0);
    let former = format!("deleted:serviceAccount:{NODES}?uid=99");
    let one = || World::new().bound(json!([binding(READER, &[&former])]));
    assert_eq!(left(one()), 1);
    assert_eq!(left(one().put(table::ACCOUNTS, NODES, refused("account"))), 0);
    let conditional = under(binding(READER, &[&former]), "true");
    assert_eq!(left(World::new().bound(json!([conditional]))), 0);
}

#[test]
fn the_same_grant_has_the_same_id_and_another_one_another() {
    let id = |world: &World| propose(world, &[world.question(IMAGE)]).changes[0].id.clone();
    assert_eq!(id(&World::new()), id(&with_others()));
    assert_ne!(id(&World::new()), id(&World::new().by(KSA)));
}

#[test]
fn a_plan_rests_on_what_is_about_its_account_and_not_on_what_others_hold() {
    let prints = |world: &World| propose(world, &[world.question(IMAGE)]).changes[0].rests_on.clone();
    assert_eq!(prints(&World::new()), prints(&with_others()));
    let recreated = json!({ "email": NODES, "uniqueId": "102" });
    assert_ne!(prints(&World::new()), prints(&World::new().got(table::ACCOUNTS, NODES, recreated)));
    let other = deny("lock", json!(["principal://goog/subject/a@b.example"]));
    assert_ne!(prints(&World::new()), prints(&World::new().denied("folders/5", other)));
}

fn worlds() -> impl Strategy<Value = World> {
    let deny_of = select(vec![
        None,
        None,
        Some("principalSet://goog/public:all"),
        Some("principal://goog/subject/a@b.example"),
    ]);
    let scopes = select(vec![PLATFORM, PLATFORM, LOGGING]);
    let base = select(vec![
        json!({ "etag": "e" }),
        others(),
        policy(json!([binding("roles/viewer", &["user:x@y.example"])])),
    ]);
    (deny_of, scopes, base, any::<bool>()).prop_map(|(denied, scope, base, dead)| {
        let mut world = World::new().got(table::REPOSITORY_POLICIES, REPOSITORY, base).scopes(&[scope]);
        if dead {
            world = world.above(
                "projects/acme",
                json!([binding(READER, &[&format!("deleted:serviceAccount:{NODES}?uid=9")])]),
            );
        }
        match denied {
            Some(principal) => world.denied("folders/5", deny("d", json!([principal]))),
            None => world,
        }
    })
}

proptest! {
    /// Every denied question is turned by its whole set of changes and by no smaller one, or is held back; and
    /// what is taken back was never there.
    #[test]
    fn a_remedy_proves_itself_and_its_undo(world in worlds()) {
        let all = [world.question(IMAGE), world.clone().by(KSA).question(IMAGE)];
        let denied: Vec<Question> = all
            .iter()
            .filter(|question| matches!(judge(world.facts().weigh(question, world.at).as_ref(), Mode::Strict), Verdict::Denied { .. }))
            .cloned()
            .collect();
        let proposal = propose(&world, &denied);
        let mut told: Vec<usize> = proposal.held_back.iter().flat_map(|held| held.questions.clone()).collect();
        for remedy in &proposal.remedies {
            for number in &remedy.questions {
                prop_assert!(turned(&world, &proposal.changes, &denied[*number]));
                prop_assert!(!turned(&world, &[], &denied[*number]));
            }
            told.extend(&remedy.questions);
        }
        told.sort_unstable();
        prop_assert_eq!(told, (0..denied.len()).collect::<Vec<_>>());
        for change in &proposal.changes {
            let edit = Edit::of(change).unwrap();
            let (before, after) = (change.before.as_ref().unwrap(), change.after.as_ref().unwrap());
            prop_assert_eq!(&edit.apply(after), after);
            prop_assert_eq!(canonical(&edit.back().apply(after)), canonical(before));
        }
    }
}
