//! What conditions mean: the forms that Azure writes, each operator, each way to stay open.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::super::outcome::Outcome;
use super::{Access, Condition};

pub(super) const CONTENT: &str = "Microsoft.ContainerRegistry/registries/repositories/content/read";
const METADATA: &str = "Microsoft.ContainerRegistry/registries/repositories/metadata/read";
pub(super) const WRITE: &str = "Microsoft.ContainerRegistry/registries/repositories/content/write";
pub(super) const NAME: &str = "@Request[Microsoft.ContainerRegistry/registries/repositories:name]";

fn read(text: &str) -> Condition {
    Condition::parse(text, Some("2.0"))
}

pub(super) fn ask(text: &str, action: &str, repository: &str) -> Outcome {
    read(text).holds(&Access { action, repository })
}

/// What a comparison of the name says of one repository.
fn name_is(comparison: &str, repository: &str) -> Outcome {
    ask(&format!("{NAME} {comparison}"), CONTENT, repository)
}

pub(super) fn why(outcome: &Outcome) -> &str {
    match outcome {
        Outcome::Open(why) => why,
        decided => panic!("{decided:?} is decided"),
    }
}

/// The form that the portal writes: both reading actions, then what the name must be.
pub(super) fn reading(names: &str) -> String {
    format!("( ( !(ActionMatches{{'{CONTENT}'}})\n AND\n !(ActionMatches{{'{METADATA}'}}) )\n OR\n ( {names} ) )")
}

#[test]
fn one_repository_by_its_name() {
    let text = reading(&format!("{NAME} StringEqualsIgnoreCase 'shop/cart'"));
    for action in [CONTENT, METADATA] {
        assert_eq!(ask(&text, action, "shop/cart"), Outcome::Yes);
        assert_eq!(ask(&text, action, "shop/cart2"), Outcome::No);
        assert_eq!(ask(&text, action, "shop"), Outcome::No);
    }
    assert!(read(&text).open_prefixes().is_empty());
}

#[test]
fn an_action_that_is_not_targeted_is_let_through() {
    let text = reading(&format!("{NAME} StringEqualsIgnoreCase 'shop/cart'"));
    assert_eq!(ask(&text, WRITE, "other"), Outcome::Yes);
}

#[test]
fn several_prefixes_are_alternatives() {
    let names = format!(
        "{NAME} StringStartsWithIgnoreCase 'shop/' OR {NAME} StringStartsWithIgnoreCase 'base/' \
         OR {NAME} StringEquals 'tools'"
    );
    let text = reading(&names);
    for (repository, outcome) in
        [("shop/cart", Outcome::Yes), ("base/os", Outcome::Yes), ("tools", Outcome::Yes), ("tools/x", Outcome::No)]
    {
        assert_eq!(ask(&text, CONTENT, repository), outcome, "{repository}");
    }
}

#[test]
fn every_block_must_hold() {
    let block = |action: &str, prefix: &str| {
        format!("((!(ActionMatches{{'{action}'}})) OR ({NAME} StringStartsWith '{prefix}'))")
    };
    let text = format!("{} AND {}", block(CONTENT, "shop/"), block(WRITE, "shop/cart/"));
    assert_eq!(ask(&text, CONTENT, "shop/till"), Outcome::Yes);
    assert_eq!(ask(&text, WRITE, "shop/till"), Outcome::No);
    assert_eq!(ask(&text, WRITE, "shop/cart/a"), Outcome::Yes);
    assert_eq!(ask(&text, METADATA, "elsewhere"), Outcome::Yes);
}

#[test]
fn request_and_resource_are_alike_and_attributes_have_no_case() {
    for attribute in [
        "@Resource[Microsoft.ContainerRegistry/registries/repositories:name]",
        "@resource[microsoft.containerregistry/registries/repositories:Name]",
        "@REQUEST[ Microsoft.ContainerRegistry/Registries/Repositories:name ]",
    ] {
        let text = format!("{attribute} StringEquals 'a'");
        assert_eq!(ask(&text, CONTENT, "a"), Outcome::Yes, "{attribute}");
    }
    let elsewhere = "@Environment[Microsoft.ContainerRegistry/registries/repositories:name] StringEquals 'a'";
    assert!(why(&ask(elsewhere, CONTENT, "a")).contains("@Environment["));
}

#[test]
fn a_prefix_without_its_slash_matches_more_than_the_folder() {
    let trap = reading(&format!("{NAME} StringStartsWithIgnoreCase 'backend'"));
    assert_eq!(ask(&trap, CONTENT, "backendsvc/api"), Outcome::Yes);
    assert_eq!(read(&trap).open_prefixes(), ["backend"]);
    let closed = reading(&format!("{NAME} StringStartsWithIgnoreCase 'backend/'"));
    assert_eq!(ask(&closed, CONTENT, "backendsvc/api"), Outcome::No);
    assert_eq!(ask(&closed, CONTENT, "backend/api"), Outcome::Yes);
    assert_eq!(ask(&closed, CONTENT, "backend"), Outcome::No);
    assert!(read(&closed).open_prefixes().is_empty());
}

#[test]
fn open_prefixes_are_those_that_let_something_in() {
    let text = format!(
        "{NAME} StringStartsWith 'a' OR {NAME} StringStartsWith 'a' OR {NAME} ForAnyOfAnyValues:StringStartsWithIgnoreCase {{'b/', c, 'd/e'}} \
         OR !({NAME} StringStartsWith 'f') OR !(!({NAME} StringStartsWith 'g')) OR {NAME} StringEquals 'h' \
         OR {NAME} StringNotStartsWith 'i' OR {NAME} StringLike 'j' OR @Resource[x:name] StringStartsWith 'k'"
    );
    assert_eq!(read(&text).open_prefixes(), ["a", "c", "d/e", "g"]);
}

#[test]
fn and_comes_before_or_and_not_before_both() {
    let (yes, no) = (format!("ActionMatches{{'{CONTENT}'}}"), format!("ActionMatches{{'{WRITE}'}}"));
    let cases = [
        (format!("{yes} OR {yes} AND {no}"), Outcome::Yes),
        (format!("({yes} OR {yes}) AND {no}"), Outcome::No),
        (format!("{no} AND {yes} OR {yes}"), Outcome::Yes),
        (format!("{no} AND ({yes} OR {yes})"), Outcome::No),
        (format!("NOT {no} AND {no}"), Outcome::No),
        (format!("NOT ({no} AND {no})"), Outcome::Yes),
        (format!("!{no} OR {yes}"), Outcome::Yes),
        (format!("! NOT !{no}"), Outcome::Yes),
        (format!("{yes}&&{yes}||{no}"), Outcome::Yes),
        (format!("{yes} and {yes} Or {no}"), Outcome::Yes),
        (format!("not({no})AND({yes})"), Outcome::Yes),
        (format!("({no})or{yes}"), Outcome::Open("".into())),
        (format!("({no})or {yes}"), Outcome::Yes),
    ];
    for (text, wanted) in cases {
        let found = ask(&text, CONTENT, "a");
        match wanted {
            Outcome::Open(_) => assert!(matches!(found, Outcome::Open(_)), "{text}: {found:?}"),
            decided => assert_eq!(found, decided, "{text}"),
        }
    }
}

#[test]
fn patterns_of_actions() {
    for (pattern, matched) in [
        ("Microsoft.ContainerRegistry/registries/repositories/content/read", true),
        ("microsoft.containerregistry/REGISTRIES/repositories/content/read", true),
        ("Microsoft.ContainerRegistry/registries/repositories/*", true),
        ("Microsoft.ContainerRegistry/*/read", true),
        ("*", true),
        ("*/write", false),
        ("Microsoft.ContainerRegistry/registries/repositories/content", false),
        ("Microsoft.ContainerRegistry/registries/repositories/content/rea?", false),
        ("", false),
    ] {
        let text = format!("actionmatches {{ '{pattern}' }}");
        assert_eq!(ask(&text, CONTENT, "a"), Outcome::when(matched), "{pattern}");
    }
}

#[test]
fn each_operator_with_its_case() {
    for (operator, value, holds) in [
        ("StringEquals", "shop/cart", true),
        ("StringEquals", "Shop/cart", false),
        ("StringEqualsIgnoreCase", "Shop/CART", true),
        ("StringNotEquals", "shop/cart", false),
        ("StringNotEquals", "Shop/cart", true),
        ("StringNotEqualsIgnoreCase", "Shop/cart", false),
        ("StringStartsWith", "shop/", true),
        ("StringStartsWith", "Shop/", false),
        ("StringStartsWith", "shop/cart/longer", false),
        ("StringStartsWithIgnoreCase", "SHOP", true),
        ("StringNotStartsWith", "shop", false),
        ("StringNotStartsWith", "Shop", true),
        ("StringNotStartsWithIgnoreCase", "Shop", false),
        ("StringLike", "shop/*", true),
        ("StringLike", "sho?/c*t", true),
        ("StringLike", "SHOP/*", false),
        ("StringLike", "shop", false),
        ("StringLike", r"shop\*", false),
        ("StringLikeIgnoreCase", "SHOP/*", true),
        ("StringNotLike", "shop/*", false),
        ("StringNotLike", "SHOP/*", true),
        ("StringNotLikeIgnoreCase", "SHOP/*", false),
        ("stringEQUALS", "shop/cart", true),
        ("STRINGSTARTSWITHIGNORECASE", "Shop", true),
    ] {
        let found = name_is(&format!("{operator} '{value}'"), "shop/cart");
        assert_eq!(found, Outcome::when(holds), "{operator} {value}");
    }
}

#[test]
fn escapes_in_values() {
    assert_eq!(name_is(r"StringLike 'a\*b'", "a*b"), Outcome::Yes);
    assert_eq!(name_is(r"StringLike 'a\*b'", "axb"), Outcome::No);
    assert_eq!(name_is(r"StringLike 'a\?'", "a?"), Outcome::Yes);
    assert_eq!(name_is(r"StringLike 'a\\*'", r"a\b"), Outcome::Yes);
    assert_eq!(name_is(r"StringEquals 'it\'s'", "it's"), Outcome::Yes);
    assert_eq!(name_is("StringEquals 'ä/ö'", "ä/ö"), Outcome::Yes);
    assert_eq!(name_is("StringStartsWith 'ab'", "aä"), Outcome::No, "a prefix may end within a character");
    assert_eq!(name_is("StringEquals shop/cart", "shop/cart"), Outcome::Yes, "a bare word is a value");
}

#[test]
fn quantifiers_over_one_name() {
    for (comparison, holds) in [
        ("ForAnyOfAnyValues:StringEquals {'a', 'b'}", true),
        ("ForAllOfAnyValues:StringEquals{'a','b'}", true),
        ("ForAnyOfAllValues:StringEquals {'a', 'b'}", false),
        ("ForAllOfAllValues:StringEquals {'a', 'b'}", false),
        ("ForAnyOfAllValues:StringEquals {'a'}", true),
        ("ForAllOfAllValues:StringLike {'a*', '?', '*'}", true),
        ("foranyofanyvalues:stringequalsignorecase {X, A}", true),
        ("ForAnyOfAnyValues:StringEquals {'c', 'b'}", false),
        ("ForAllOfAnyValues:StringStartsWith {'c', 'a'}", true),
        // By pair: one of two different values always differs.
        ("ForAnyOfAnyValues:StringNotEquals {'a', 'b'}", true),
        ("ForAllOfAnyValues:StringNotEquals {'a'}", false),
        ("ForAnyOfAllValues:StringNotEquals {'a', 'b'}", false),
        ("ForAllOfAllValues:StringNotEquals {'b', 'c'}", true),
        ("ForAllOfAllValues:StringNotLike {'b*', 'a*'}", false),
        ("ForAnyOfAnyValues:StringEquals {}", false),
        ("ForAllOfAnyValues:StringEquals { }", false),
        ("ForAnyOfAllValues:StringEquals {}", true),
        ("ForAllOfAllValues:StringEquals {}", true),
        ("ForAnyOfAnyValues:StringEquals 'a'", true),
        ("StringEquals {'a'}", true),
    ] {
        assert_eq!(name_is(comparison, "a"), Outcome::when(holds), "{comparison}");
    }
}

#[test]
fn what_is_not_described_stays_open() {
    for (comparison, reason) in [
        (
            "ForAllOfAllValues:StringNotStartsWith {'b'}",
            "ForAllOfAllValues:StringNotStartsWith, which is not desc",
        ),
        ("StringEquals {'a', 'b'}", "how many must match"),
        ("StringEquals {}", "how many must match"),
        ("StringContains 'a'", "StringContains"),
        ("ForSomeOfAnyValues:StringEquals {'a'}", "ForSomeOfAnyValues:StringEquals"),
        ("GuidEquals 11111111-2222-3333-4444-555555555555", "GuidEquals"),
        ("ForAnyOfAnyValues:GuidNotEquals{0a, 11111111222233334444555555555555}", "GuidNotEquals"),
        ("NumericLessThanEquals -5", "NumericLessThanEquals"),
        ("DateTimeGreaterThan '2026-01-01T00:00:00.0Z'", "DateTimeGreaterThan"),
        ("DateTimeGreaterThan 2026-01-01T00:00:00.0Z", "DateTimeGreaterThan"),
        ("boolequals true", "boolequals"),
        ("StringEquals @Principal[Microsoft.Directory/CustomSecurityAttributes/Id:Team_Repo]", "@Principal["),
        ("StringEquals @RightExpression", "@RightExpression"),
        ("StringEquals @Resource[Microsoft.ContainerRegistry/registries/repositories:name]", "StringEquals"),
        (
            "ForAllOfAllValues:StringEquals @Resource[Microsoft.ContainerRegistry/registries/repositories:name]",
            "ForAllOfAllValues:StringEquals",
        ),
    ] {
        let outcome = name_is(comparison, "a");
        assert!(why(&outcome).contains(reason), "{comparison}: {outcome:?}");
        assert!(!why(&outcome).contains("can't be read"), "{comparison}: {outcome:?}");
    }
    for (text, reason) in [
        ("@Resource[HasToken] boolequals true", "@Resource[HasToken]"),
        ("@Environment[UtcNow] DateTimeLessThan '2026-01-01'", "@Environment[UtcNow]"),
        ("@Resource[M.S/a/tags:Key name<$key_case_sensitive$>] StringEquals 'x'", "tags:Key name<$key"),
        ("Exists @Principal[a:b]", "@Principal[a:b]"),
        ("NotExists @Request[a:b]", "@Request[a:b]"),
        ("SubOperationMatches{'Blob.List'}", "Blob.List"),
        ("'a' StringEquals 'a'", "no attribute on its left"),
        ("{'a', 'b'} ForAnyOfAnyValues:StringEquals {'a'}", "no attribute on its left"),
    ] {
        let outcome = ask(text, CONTENT, "a");
        assert!(why(&outcome).contains(reason), "{text}: {outcome:?}");
        assert!(!why(&outcome).contains("can't be read"), "{text}: {outcome:?}");
    }
}

#[test]
fn what_is_unknown_matters_only_where_it_decides() {
    let unknown = "(@Principal[a:b] StringEquals 'x')";
    let (yes, no) = (format!("({NAME} StringEquals 'a')"), format!("({NAME} StringEquals 'b')"));
    let targeted = |action: &str| format!("(!(ActionMatches{{'{action}'}})) OR {unknown}");
    assert_eq!(ask(&targeted(WRITE), CONTENT, "a"), Outcome::Yes);
    assert!(why(&ask(&targeted(CONTENT), CONTENT, "a")).contains("@Principal[a:b]"));
    for (text, wanted) in [
        (format!("{unknown} OR {yes}"), Some(true)),
        (format!("{unknown} OR {no}"), None),
        (format!("{unknown} AND {no}"), Some(false)),
        (format!("{unknown} AND {yes}"), None),
        (format!("!{unknown}"), None),
        (format!("!({unknown} AND {no})"), Some(true)),
        (format!("!({unknown} OR {yes})"), Some(false)),
        (format!("{yes} AND !(SubOperationMatches{{'s'}} AND {no})"), Some(true)),
    ] {
        let found = ask(&text, CONTENT, "a");
        match wanted {
            Some(holds) => assert_eq!(found, Outcome::when(holds), "{text}"),
            None => assert!(why(&found).contains("@Principal[a:b]"), "{text}"),
        }
    }
}
