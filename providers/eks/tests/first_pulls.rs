//! First pulls through a cache: aws.md b, "Pull-through cache".
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]
// `json!(…)` reads best as it is.
#![allow(clippy::needless_pass_by_value)]

mod support;

use pullaudit_core::Read;
use pullaudit_eks::facts::table;
use serde_json::{Value, json};
use support::*;

fn may_pull(world: World) -> World {
    world.inline(&policy(json!([pull_all()])))
}

fn through_cache(own: Value, repository_there: bool) -> World {
    let rules = Read::Got(json!([{"prefix": "ledger", "upstream": "quay.io"}]));
    let mut world = World::one_account().inline(&policy(json!([own]))).registry_row(table::PULL_THROUGH, rules);
    world = world.row(table::IMAGES, ":v1", Read::Absent);
    if repository_there { world } else { world.row(table::REPOSITORIES, "", Read::Absent) }
}

fn with(more: &[&str]) -> Value {
    let mut statement = pull_all();
    statement["Action"].as_array_mut().unwrap().extend(more.iter().map(|action| json!(action)));
    statement
}

#[test]
fn a_first_pull_is_allowed_by_its_rights() {
    const FIRST: &str = "allowed";
    let (import, create) = ("ecr:BatchImportUpstreamImage", "ecr:CreateRepository");
    let through_cache = |own: Value, repository_there: bool| {
        through_cache(own, repository_there).registry_row(table::TEMPLATES, Read::Got(json!([])))
    };
    // ReadOnly has no import, PullOnly has no creation.
    expect(&through_cache(pull_all(), true), "denied pull-through-denied");
    expect(&through_cache(with(&[import]), true), FIRST);
    expect(&through_cache(with(&[import]), false), "denied pull-through-denied");
    expect(&through_cache(with(&[import, create]), false), FIRST);
    expect(&through_cache(with(&[create]), false), "denied pull-through-denied");
    let registry = policy(json!([{"Effect": "Allow", "Principal": {"AWS": ROLE_ARN}, "Action": [import, create],
        "Resource": "arn:aws:ecr:*:*:repository/ledger/*"}]));
    for scope in ["V1", "V2"] {
        expect(&through_cache(pull_all(), false).registry_policy(&registry, scope), FIRST);
    }
    let first = named(&through_cache(with(&[import]), true).verdict());
    assert!(first.contains("whether the upstream has it is content"), "{first}");
    let cached = through_cache(pull_all(), true);
    expect(&cached.row(table::IMAGES, ":v1", Read::Got(json!({"digest": "sha256:1"}))), "allowed");
}

/// The longest prefix decides which creation template a repository gets.
#[test]
fn what_a_creation_template_gives_counts_at_the_first_pull() {
    const FIRST: &str = "allowed";
    let import = policy(
        json!([{ "Effect": "Allow", "Principal": { "AWS": ROLE_ARN }, "Action": "ecr:BatchImportUpstreamImage" }]),
    );
    let template = |prefix: &str, applied: &[&str], gives: bool| {
        let mut row = json!({ "prefix": prefix, "appliedFor": applied });
        if gives {
            row["policy"] = import.to_string().into();
        }
        row
    };
    let world = |templates: Value| {
        through_cache(with(&["ecr:CreateRepository"]), false).registry_row(table::TEMPLATES, Read::Got(templates))
    };
    let (cache, copy) = (["PULL_THROUGH_CACHE"], ["REPLICATION"]);
    let cases = [
        (json!([]), "denied pull-through-denied"),
        (json!([template("ledger", &cache, true)]), FIRST),
        (json!([template("ledger", &cache, false)]), "denied pull-through-denied"),
        (json!([template("ledger", &copy, true)]), "denied pull-through-denied"),
        (json!([template("ledge", &cache, true)]), "denied pull-through-denied"),
        (json!([template("ROOT", &cache, true)]), FIRST),
        (json!([template("ROOT", &cache, true), template("ledger", &cache, false)]), "denied pull-through-denied"),
    ];
    for (templates, expected) in cases {
        let verdict = world(templates.clone()).verdict();
        assert_eq!(word(&verdict), expected, "{templates}\n{}", named(&verdict));
    }
    // Whether one that is for replication alone hides one for caches is not documented.
    let hidden = world(json!([template("ROOT", &cache, false), template("ledger", &copy, true)]));
    assert!(named(&hidden.verdict()).contains("which creation template"), "{}", named(&hidden.verdict()));
    let unread = through_cache(with(&["ecr:CreateRepository"]), false);
    assert!(
        named(&unread.verdict()).contains("ecr:DescribeRepositoryCreationTemplates"),
        "{}",
        named(&unread.verdict())
    );
}

/// Nobody knows whether the repository is there, with a policy that nobody could read, or is yet to be made by a template.
#[test]
fn a_template_says_nothing_of_a_repository_that_may_be_there() {
    for world in [World::one_account(), World::two_accounts()] {
        let statement = if world.owner == OWN { token_only() } else { pull_all() };
        let world = world
            .inline(&policy(json!([statement])))
            .row(table::REPOSITORIES, "", refused("repositories"))
            .row(table::REPOSITORY_POLICIES, "", refused("policy"))
            .row(table::IMAGES, ":v1", refused("images"))
            .registry_row(table::PULL_THROUGH, Read::Got(json!([{"prefix": "ledger", "upstream": "quay.io"}])))
            .registry_row(table::TEMPLATES, Read::Got(json!([])));
        let verdict = world.verdict();
        assert!(word(&verdict).starts_with("unknown"), "{}: {}", word(&verdict), named(&verdict));
        // Nor does one that denies: the repository that is there may let everybody in.
        let deny = json!({"Effect": "Deny", "Principal": "*", "Action": "ecr:*"});
        let template = json!([{"prefix": "ledger", "appliedFor": ["PULL_THROUGH_CACHE"],
            "policy": policy(json!([deny])).to_string()}]);
        let verdict = world.registry_row(table::TEMPLATES, Read::Got(template)).verdict();
        assert!(word(&verdict).starts_with("unknown"), "{}: {}", word(&verdict), named(&verdict));
    }
}

/// A private upstream is read as a role of its own, so that it matters too whom that lets in.
#[test]
fn who_reads_a_private_upstream_is_told() {
    let role = "arn:aws:iam::111122223333:role/reads-upstream";
    let told = |rules: Value| {
        let mut statement = pull_all();
        statement["Action"].as_array_mut().unwrap().push(json!("ecr:BatchImportUpstreamImage"));
        let world = through_cache(statement, true).registry_row(table::PULL_THROUGH, Read::Got(rules));
        named(&world.verdict())
    };
    let own =
        json!({"prefix": "ledger", "upstream": "444455556666.dkr.ecr.eu-central-1.amazonaws.com", "role": role});
    assert!(told(json!([own])).contains(role));
    let root = json!({"prefix": "ROOT", "upstream": "quay.io", "role": "arn:aws:iam::111122223333:role/other"});
    assert!(told(json!([root, own])).contains(role), "the rule with the longest prefix");
    assert!(!told(json!([{"prefix": "ledger", "upstream": "quay.io"}])).contains(" read it"));
}

#[test]
fn only_the_rule_s_own_prefix_counts() {
    let world = |rules: Value| {
        may_pull(World::one_account())
            .row(table::IMAGES, ":v1", Read::Absent)
            .registry_row(table::PULL_THROUGH, Read::Got(rules))
    };
    expect(&world(json!([{"prefix": "ledge", "upstream": "quay.io"}])), "denied image-missing");
    expect(&world(json!([{"prefix": "ledger/api", "upstream": "quay.io"}])), "denied image-missing");
    expect(&world(json!([{"prefix": "ROOT", "upstream": "quay.io"}])), "denied pull-through-denied");
    let unread = world(json!([])).registry_row(table::PULL_THROUGH, refused("rules"));
    expect(&unread, "unknown pull-through-unread");
}
