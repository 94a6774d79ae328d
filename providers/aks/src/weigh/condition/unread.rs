//! What becomes of a text that is no condition: it stays open and says where.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::super::outcome::Outcome;
use super::tests::{CONTENT, NAME, WRITE, ask, reading, why};
use super::{Access, Condition};

#[test]
fn only_version_two_is_read() {
    let text = format!("{NAME} StringEquals 'a'");
    for (version, said) in
        [(None, "whose conditionVersion is not in the answer"), (Some("1.0"), "\"1.0\""), (Some(""), "\"\"")]
    {
        let condition = Condition::parse(&text, version);
        let outcome = condition.holds(&Access { action: CONTENT, repository: "a" });
        assert!(why(&outcome).contains(said), "{outcome:?}");
        assert!(condition.open_prefixes().is_empty());
    }
}

#[test]
fn an_unread_text_says_where_it_stopped_making_sense() {
    for (text, said) in [
        ("", "at character 1, its end: expected a comparison, ActionMatches or a parenthesis"),
        ("@Request[a] StringEquals", "at character 25, its end: expected a value"),
        ("@Request[a] AND 'b'", "at character 13, \"AND 'b'\": expected an operator"),
        ("@Request[a", "at character 11, its end: expected the bracket"),
        ("@Request[ä] StringEquals 'b", "at character 28, its end: expected the quote that ends a text"),
        ("(@Request[a] X 'b'", "at character 19, its end: expected AND, OR or a closing parenthesis"),
        ("@Request[a] X 'b' XOR @Request[c] Y d", "at character 19, \"XOR @Request[c] Y d\": expected AND"),
        ("@Request[a] X {'b' 'c'}", "at character 20, \"'c'}\": expected a comma"),
        ("ActionMatches('a')", "at character 14, \"('a')\": expected an opening brace"),
        ("ActionMatches{a}", "at character 15, \"a}\": expected a text in quotes"),
        ("ActionMatches{'a', 'b'}", "at character 18, \", 'b'}\": expected a closing brace"),
        ("@Request[a] X 'b' AND", "at character 22, its end: expected a comparison"),
        ("Exists 'a'", "at character 8, \"'a'\": expected an attribute"),
        ("ToLower(@Request[a]) X 'a'", "at character 1, \"ToLower(@Request[a]) X '\": expected a comparison"),
    ] {
        let outcome = ask(text, CONTENT, "a");
        assert!(why(&outcome).contains(said), "{text}: {outcome:?}");
    }
}

#[test]
fn a_text_cut_off_anywhere_is_open_or_a_condition_of_its_own() {
    let whole = format!(
        "{} AND ((NOT ActionMatches{{'{WRITE}'}}) || @Principal[a:ä] ForAllOfAnyValues:StringLike {{'x', y}})",
        reading(&format!("{NAME} StringStartsWith 'shop/' or {NAME} StringEquals 'it\\'s'"))
    );
    assert_eq!(ask(&whole, CONTENT, "shop/cart"), Outcome::Yes);
    let first_block = whole.find(" AND ((NOT").unwrap();
    for (end, _) in whole.char_indices() {
        let outcome = ask(&whole[..end], CONTENT, "shop/cart");
        if end == first_block || end == first_block + 1 {
            assert_eq!(outcome, Outcome::Yes, "{}", &whole[..end]);
        } else {
            assert!(why(&outcome).contains("can't be read"), "{}", &whole[..end]);
        }
        let mut holed = whole.clone();
        holed.remove(end);
        ask(&holed, CONTENT, "shop/cart");
    }
}

#[test]
fn deep_texts_end_with_a_message() {
    let term = format!("{NAME} StringEquals 'a'");
    for levels in [10_000, 65] {
        let nested = format!("{}{term}{}", "(".repeat(levels), ")".repeat(levels));
        assert!(why(&ask(&nested, CONTENT, "a")).contains("at character 66"));
        assert!(why(&ask(&"(".repeat(levels), CONTENT, "a")).contains("no more than 64 levels"));
        assert!(why(&ask(&format!("{}{term}", "!".repeat(levels)), CONTENT, "a")).contains("64 levels"));
        assert!(why(&ask(&format!("{}{term}", "NOT (".repeat(levels)), CONTENT, "a")).contains("64 levels"));
    }
    let deepest = format!("{}{term}{}", "(".repeat(64), ")".repeat(64));
    assert_eq!(ask(&deepest, CONTENT, "a"), Outcome::Yes);
    let beside = vec![format!("(!(!{term}))"); 100].join(" OR ");
    assert_eq!(ask(&beside, CONTENT, "a"), Outcome::Yes, "levels are counted where they are open");
    let flat = vec![term.as_str(); 10_000].join(" AND ");
    assert_eq!(ask(&flat, CONTENT, "a"), Outcome::Yes, "a long chain is not deep");
}
