use super::*;
use proptest::prelude::*;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn now() -> Timestamp {
    at("2026-11-29T12:00:00Z")
}

fn holds(text: &str) -> Outcome {
    Condition::parse(text).holds(now())
}

#[test]
fn a_time_is_decided_whichever_way_it_is_written() {
    for text in [
        r#"request.time < timestamp("2027-01-01T00:00:00Z")"#,
        "request.time<=timestamp('2026-11-29T12:00:00Z')",
        r#"timestamp("2027-01-01T00:00:00Z") > request.time"#,
        r#" ( request.time > timestamp("2026-01-01T00:00:00+02:00") ) "#,
        r#"!(request.time > timestamp("2027-01-01T00:00:00Z"))"#,
        r#"(request.time) < timestamp( "2027-01-01T00:00:00Z" )"#,
        "true",
    ] {
        assert_eq!(holds(text), Outcome::Yes, "{text}");
    }
    for text in [
        r#"request.time < timestamp("2025-01-01T00:00:00Z")"#,
        r#"request.time < timestamp("2026-11-29T12:00:00Z")"#,
        r#"request.time >= timestamp("2027-01-01T00:00:00Z")"#,
        r#"request.time == timestamp("2027-01-01T00:00:00Z")"#,
        "!true",
    ] {
        assert_eq!(holds(text), Outcome::No, "{text}");
    }
}

#[test]
fn names_tags_and_types_of_resources_are_never_decided() {
    for text in [
        r#"resource.name.startsWith("projects/acme/locations/us/repositories/apps")"#,
        r#"resource.matchTag("123/env", "prod")"#,
        "resource.matchTagId('tagKeys/1', 'tagValues/2')",
        r#"resource.type == "artifactregistry.googleapis.com/Repository""#,
        r#"resource.service != "storage.googleapis.com""#,
        r#""a" in ["a", "b"]"#,
        r#"request.time.getHours("Europe/Berlin") < 18"#,
        r#"api.getAttribute("x/y", []).hasOnly(["a"])"#,
        "request.time < duration('3s')",
        r#"request.time < timestamp("not a time")"#,
    ] {
        assert!(matches!(holds(text), Outcome::Open(_)), "{text}: {:?}", holds(text));
    }
}

#[test]
fn what_settles_the_whole_makes_an_open_part_not_matter() {
    let past = r#"request.time < timestamp("2025-01-01T00:00:00Z")"#;
    let tag = "resource.matchTag('a/b', 'c')";
    assert_eq!(holds(&format!("{past} && {tag}")), Outcome::No);
    assert_eq!(holds(&format!("!({past}) || {tag}")), Outcome::Yes);
    assert!(matches!(holds(&format!("{past} || {tag}")), Outcome::Open(_)));
    // `&&` binds tighter than `||`.
    assert_eq!(holds("true || false && false"), Outcome::Yes);
}

#[test]
fn what_can_not_be_read_says_where_and_stays_open() {
    for text in ["", "request.time <", "(true", "true false", "a ? b : c", "'x", "1 + 2 > 2"] {
        let Outcome::Open(why) = holds(text) else { panic!("{text} was decided") };
        assert!(why.to_string().contains("can't be read at character"), "{text}: {why}");
    }
}

#[test]
fn a_text_that_is_too_deep_is_refused_without_harm() {
    for text in ["(".repeat(100_000), "!".repeat(100_000), "a(".repeat(100_000), "[".repeat(100_000)] {
        assert!(matches!(holds(&text), Outcome::Open(_)));
    }
}

#[test]
fn the_end_of_a_grant_is_told_thirty_days_before() {
    let ends = |text: &str| Condition::parse(text).ends(now());
    let soon = r#"request.time < timestamp("2026-12-20T00:00:00Z")"#;
    assert_eq!(ends(soon), Some(at("2026-12-20T00:00:00Z")));
    assert_eq!(ends(r#"request.time < timestamp("2027-06-01T00:00:00Z")"#), None);
    assert_eq!(ends(r#"request.time < timestamp("2026-01-01T00:00:00Z")"#), None);
    assert_eq!(ends(r#"request.time > timestamp("2026-01-01T00:00:00Z")"#), None);
    assert_eq!(ends(&format!("{soon} || true")), None);
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in r#"[a-z.(){}\[\]"'!&|<>=0-9 \\éß,?:+-]{0,60}"#) {
        let _ = holds(&text);
    }
}
