//! Nothing is not green: what an audit does not know, a repair does not know either, and says so.

use super::azure::{Place, json};
use super::azure_fake::{Fault, Trouble, World};
use serde_json::Value;

const OTHER: &str = "99999999-0000-4000-8000-000000000009";

#[test]
fn an_unreachable_cluster_is_incomplete_in_fix_too() {
    let place = Place::acme();
    place.plain(&["audit", "--provider", "aks", "--timeout", "5s"]).ends(3);
    let fixed = place.plain(&["fix", "--provider", "aks", "--yes", "--timeout", "5s"]);
    fixed.ends(3).says("no pull is known to be denied, but").says("? not read").says("acmeprod");
    let plan = place.plain(&["fix", "--provider", "aks", "--yes", "-o", "json", "--timeout", "5s"]);
    let plan: Value = serde_json::from_str(&plan.ends(3).out).unwrap();
    assert_eq!(plan["complete"], false);
    assert!(!plan["incompleteBecause"].as_array().unwrap().is_empty(), "{plan:#}");
    assert!(place.writes().is_empty());
}

#[test]
fn a_forbidden_subscription_is_incomplete_before_and_after_the_write() {
    let place = Place::of(World::acme().subscription(OTHER), &["acmeregistry.azurecr.io/shop/cart:1"]);
    place.fake.set_fault(Fault::on(&format!("/subscriptions/{OTHER}/"), Trouble::Forbidden));
    place.run("audit", &[]).ends(2);
    place.run("fix", &["--dry-run", "--plan-out", "plan.json"]).ends(2).says(OTHER);
    let plan = json(&place.folder.path().join("plan.json"));
    assert_eq!(plan["complete"], false);
    place.fix(&[]).ends(3).says("1 applied").says("not read").says(OTHER);
    assert!(place.receipt()["incompleteBecause"].to_string().contains(OTHER));
    place.run("audit", &[]).ends(3);
    place.fix(&[]).ends(3).says("no pull is known to be denied").says(OTHER);
}

#[test]
fn a_saved_plan_carries_what_it_does_not_know() {
    let place = Place::of(World::acme().subscription(OTHER), &["acmeregistry.azurecr.io/shop/cart:1"]);
    place.fake.set_fault(Fault::on(&format!("/subscriptions/{OTHER}/"), Trouble::Forbidden));
    place.run("fix", &["--dry-run", "--plan-out", "plan.json"]).ends(2);
    place.plain(&["apply", "plan.json", "--yes", "--verify-timeout", "4s"]).ends(3).says("1 applied").says(OTHER);
}

#[test]
fn without_a_cluster_nothing_was_evaluated() {
    let place = Place::acme();
    place.fake.change(|world| world.clusters.clear());
    let ran = place.fix(&[]);
    assert_ne!(ran.code, Some(0), "{}\n{}", ran.out, ran.err);
    assert!(place.writes().is_empty());
}

#[test]
fn an_unknown_check_names_what_would_resolve_it() {
    let place = Place::acme();
    place.fix(&[]).ends(0);
    place.fake.take_right("Microsoft.Authorization/roleAssignments/read");
    let ran = place.fix(&[]);
    ran.ends(3).says("? unknown").says("Microsoft.Authorization/roleAssignments/read").says("on acmeprod");
}

#[test]
fn printed_lines_repeat_the_selection() {
    let place = Place::acme();
    let ran = place.fix(&["--cluster", "acme*"]);
    ran.ends(0).says("--provider aks --cluster 'acme*'");
    let line = ran.out.lines().find_map(|line| line.strip_prefix("take it back: ")).unwrap().to_owned();
    let words = pullaudit_core::shell_split(&line).unwrap();
    let words: Vec<&str> = words.iter().skip(1).map(String::as_str).collect();
    place.plain(&[&words[..], &["--yes", "--verify-timeout", "4s"]].concat()).ends(0).says("deleted");
    assert!(place.grants().is_empty());
}
