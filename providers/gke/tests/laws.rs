//! Laws over random facts: what is not known never flips a verdict, order never matters, and a second evaluator
//! that tries every way in which the unknown could be says the same.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]
// `json!(…)` reads best as it is.
#![allow(clippy::needless_pass_by_value)]

mod support;

use proptest::prelude::*;
use proptest::sample::select;
use pullaudit_core::{Mode, Obstacle, Read, Verdict};
use pullaudit_gke::facts::table;
use serde_json::{Value, json};
use std::mem::discriminant;
use support::*;

const PLACES: [&str; 4] = ["", "projects/acme", "folders/5", "organizations/9"];
const CUSTOM: &str = "projects/acme/roles/puller";

/// What a member is to the one who asks.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Who {
    Own,
    Former,
    Other,
    Everybody,
    Group,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum When {
    Always,
    Past,
    Ahead,
    Tagged,
}

#[derive(Clone, Debug)]
struct Grant {
    place: usize,
    role: &'static str,
    who: Who,
    when: When,
}

#[derive(Clone, Debug)]
struct Parts {
    grants: Vec<Grant>,
    /// At which ancestor, whom (group stands for a group), and whether tags decide.
    denies: Vec<(usize, Who, bool)>,
    scopes: &'static [&'static str],
    account: &'static str,
    rule: Option<&'static str>,
    custom: bool,
}

fn who() -> impl Strategy<Value = Who> {
    select(vec![Who::Own, Who::Own, Who::Former, Who::Other, Who::Everybody, Who::Group])
}

fn grant() -> impl Strategy<Value = Grant> {
    let role = select(vec![READER, READER, "roles/viewer", "roles/storage.objectViewer", "roles/new.one", CUSTOM]);
    let when = select(vec![When::Always, When::Always, When::Past, When::Ahead, When::Tagged]);
    (0..PLACES.len(), role, who(), when).prop_map(|(place, role, who, when)| Grant { place, role, who, when })
}

fn parts() -> impl Strategy<Value = Parts> {
    let denies = proptest::collection::vec((1..PLACES.len(), who(), any::<bool>()), 0..3);
    let scopes = select(vec![&[PLATFORM][..], &[PLATFORM][..], &[LOGGING][..], &[][..]]);
    let account = select(vec!["there", "there", "there", "disabled", "absent", "unread"]);
    let rule = select(vec![None, None, None, Some("always"), Some("tagged")]);
    (proptest::collection::vec(grant(), 0..5), denies, scopes, account, rule, any::<bool>()).prop_map(
        |(grants, denies, scopes, account, rule, custom)| Parts { grants, denies, scopes, account, rule, custom },
    )
}

fn binding_of(grant: &Grant) -> Value {
    let name = match grant.who {
        Who::Own => member(NODES),
        Who::Former => format!("deleted:serviceAccount:{NODES}?uid=99"),
        Who::Other => "serviceAccount:other@acme.iam.gserviceaccount.com".to_owned(),
        Who::Everybody => "allUsers".to_owned(),
        Who::Group => "group:nodes@acme.example".to_owned(),
    };
    let plain = binding(grant.role, &[&name]);
    match grant.when {
        When::Always => plain,
        When::Past => under(plain, "request.time < timestamp('2026-01-01T00:00:00Z')"),
        When::Ahead => under(plain, "request.time < timestamp('2028-01-01T00:00:00Z') && true"),
        When::Tagged => under(plain, "resource.matchTag('9/env', 'prod')"),
    }
}

fn world(parts: &Parts) -> World {
    let at = |place: usize| -> Value {
        parts.grants.iter().filter(|one| one.place == place).map(binding_of).collect::<Vec<_>>().into()
    };
    let mut world = World::new().bound(at(0)).scopes(parts.scopes);
    for (place, ancestor) in PLACES.iter().enumerate().skip(1) {
        world = world.above(ancestor, at(place));
        let mut names = Vec::new();
        for (number, (_, who, tagged)) in parts.denies.iter().enumerate().filter(|(_, deny)| deny.0 == place) {
            let principal = match who {
                Who::Own => format!("principal://iam.googleapis.com/projects/-/serviceAccounts/{NODES}"),
                Who::Former => {
                    format!("deleted:principal://iam.googleapis.com/projects/-/serviceAccounts/{NODES}?uid=99")
                }
                Who::Other => "principal://goog/subject/a@b.example".to_owned(),
                Who::Everybody => "principalSet://goog/public:all".to_owned(),
                Who::Group => "principalSet://goog/group/others@acme.example".to_owned(),
            };
            let name = format!("policies/p/denypolicies/d{number}");
            let mut body = deny(&name, json!([principal]));
            if *tagged {
                body["rules"][0]["denyRule"]["denialCondition"] =
                    json!({ "expression": "resource.matchTag('9/x', 'y')" });
            }
            names.push(json!({ "name": name }));
            world = world.got(table::DENY_POLICIES, &name, body);
        }
        world = world.got(table::DENY_LISTS, ancestor, json!(names));
    }
    world = match parts.account {
        "disabled" => {
            world.got(table::ACCOUNTS, NODES, json!({ "email": NODES, "uniqueId": UID, "disabled": true }))
        }
        "absent" => world.put(table::ACCOUNTS, NODES, Read::Absent),
        "unread" => world.put(table::ACCOUNTS, NODES, refused("account")),
        _ => world,
    };
    let rule = json!({ "name": "r", "action": "DENY", "operation": "DOWNLOAD" });
    world = match parts.rule {
        None => world,
        Some("always") => world.got(table::RULES, REPOSITORY, json!([rule])),
        Some(_) => {
            let mut rule = rule;
            rule["condition"] = json!({ "expression": "pkg.version.id == 'x'" });
            world.got(table::RULES, REPOSITORY, json!([rule]))
        }
    };
    let permissions = if parts.custom { json!([DOWNLOAD]) } else { json!([]) };
    world.got(table::ROLES, CUSTOM, json!({ "name": CUSTOM, "includedPermissions": permissions }))
}

/// One way in which everything that is not known could be.
#[derive(Clone, Copy)]
struct Guess(u16);

impl Guess {
    fn bit(self, at: u16) -> bool {
        self.0 & (1 << at) != 0
    }
}

/// May the nodes pull, if the world were so? No word of the program is used here.
fn pulls(parts: &Parts, guess: Guess) -> bool {
    let [group, other_group, new_role, tag, deny_tag, rule_tag, weak_passes, alive, same_id, denied_id] =
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map(|at| guess.bit(at));
    let alive = match parts.account {
        "there" => true,
        "unread" => alive,
        _ => false,
    };
    // A grant and a denial of the former account hang on one id. The program keeps open facts apart, so it may not
    // see that they agree: each has a guess of its own, and the worlds in which they agree are among these.
    let former_is_own = |same_id: bool| parts.account == "unread" && same_id;
    let refused_by_rule = match parts.rule {
        None => false,
        Some("always") => true,
        Some(_) => rule_tag,
    };
    let may = |anonymous: bool| {
        let is = |who: Who, group: bool, same_id: bool| match who {
            Who::Everybody => true,
            Who::Own => !anonymous,
            Who::Former => !anonymous && former_is_own(same_id),
            Who::Group => !anonymous && group,
            Who::Other => false,
        };
        let denied =
            parts.denies.iter().any(|(_, who, tagged)| is(*who, other_group, denied_id) && (!tagged || deny_tag));
        let granted = parts.grants.iter().any(|one| {
            let role = match one.role {
                READER | "roles/viewer" => true,
                CUSTOM => parts.custom,
                "roles/new.one" => new_role,
                _ => false,
            };
            let when = match one.when {
                When::Always | When::Ahead => true,
                When::Past => false,
                When::Tagged => tag,
            };
            role && when && is(one.who, group, same_id)
        });
        granted && !denied
    };
    let passes = match parts.scopes {
        [] => may(true),
        [LOGGING] => weak_passes && may(true),
        _ if alive => may(false),
        _ => weak_passes && may(true),
    };
    passes && !refused_by_rule
}

fn word(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Allowed { .. } => "allowed",
        Verdict::Denied { .. } => "denied",
        Verdict::Unknown { .. } => "unknown",
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

    /// Whatever is decided holds in every world that could be, and what holds in every one is decided.
    #[test]
    fn a_second_evaluator_agrees(parts in parts()) {
        let mut answers: Vec<bool> = (0..1024).map(|bits| pulls(&parts, Guess(bits))).collect();
        answers.sort_unstable();
        answers.dedup();
        let expected = match answers[..] {
            [true] => "allowed",
            [false] => "denied",
            _ => "unknown",
        };
        prop_assert_eq!(word(&world(&parts).verdict()), expected, "{:?}", world(&parts).verdict());
    }

    /// Ablation: taking any one answer away leaves the verdict or makes it unknown, naming something.
    #[test]
    fn an_answer_that_is_missing_never_flips_a_verdict(parts in parts()) {
        let whole = world(&parts);
        let before = whole.verdict();
        for (table, key) in whole.section.tables.iter().flat_map(|(table, rows)| rows.keys().map(move |key| (table, key))) {
            for way in 0..4 {
                let mut less = whole.clone();
                match way {
                    0 => prop_assert!(less.section.ablate(table, key, Obstacle::Refused)),
                    1 => prop_assert!(less.section.ablate(table, key, Obstacle::Failed("timed out".into()))),
                    2 => { less.section.tables.get_mut(table).unwrap().remove(key); }
                    // A 404 that hides; only of repositories and accounts it is an answer.
                    _ if [table::REPOSITORIES, table::ACCOUNTS].contains(&table.as_str()) => continue,
                    _ => less.section.put(table, key.as_str(), Read::Absent),
                }
                let after = less.verdict();
                if let Verdict::Unknown { needing } = &after {
                    prop_assert!(!needing.is_empty());
                } else {
                    prop_assert_eq!(discriminant(&before), discriminant(&after), "{} {}", table, key);
                }
            }
        }
    }

    #[test]
    fn the_order_of_answers_never_matters(parts in parts()) {
        let mut turned = parts.clone();
        turned.grants.reverse();
        turned.denies.reverse();
        // Names of deny policies are their numbers, so those of the evidence may be others.
        let (one, other) = (world(&parts).verdict(), world(&turned).verdict());
        prop_assert_eq!((word(&one), one.code()), (word(&other), other.code()));
        if parts.denies.len() < 2 {
            prop_assert_eq!(one, other);
        }
    }

    /// A default audit differs only where strict says unknown, and names what it assumes.
    #[test]
    fn a_default_audit_only_assumes_what_it_names(parts in parts(), org in any::<bool>(), boundary in any::<bool>()) {
        let mut world = world(&parts);
        if org { world = world.put(table::DENY_LISTS, "organizations/9", refused("denyPolicies")); }
        if boundary { world = world.without(table::BOUNDARY_LISTS, "projects/acme-run"); }
        let (strict, default) = (world.ask(IMAGE, Mode::Strict), world.ask(IMAGE, Mode::Default));
        if word(&strict) != word(&default) {
            prop_assert_eq!(word(&strict), "unknown");
            let Verdict::Allowed { assuming, .. } = default else { panic!("{default:?}") };
            prop_assert!(!assuming.is_empty());
        }
    }

    /// One more deny never allows, and one more grant never denies.
    #[test]
    fn denies_only_take_and_grants_only_give(parts in parts(), at in 1..4_usize, deny in who(), more in grant()) {
        let before = word(&world(&parts).verdict());
        let mut denied = parts.clone();
        denied.denies.push((at, deny, false));
        prop_assert!(word(&world(&denied).verdict()) != "allowed" || before == "allowed");
        let mut granted = parts;
        granted.grants.push(more);
        prop_assert!(word(&world(&granted).verdict()) != "denied" || before == "denied");
    }
}
