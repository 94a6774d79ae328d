//! For any condition, the parser agrees with a model that knows nothing of it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use proptest::prelude::*;

use super::super::outcome::Outcome;
use super::{Access, Condition, wildcard};

const NAME: &str = "Microsoft.ContainerRegistry/registries/repositories:name";

/// A condition as the tests understand it, with its own idea of what holds.
#[derive(Clone, Debug)]
enum Model {
    Not(Box<Model>),
    And(Vec<Model>),
    Or(Vec<Model>),
    Action(String),
    Unknown(usize),
    Name { operator: &'static str, values: Vec<String>, quantifier: Option<&'static str>, resource: bool },
}

const UNKNOWN: [&str; 7] = [
    "@Principal[Microsoft.Directory/CustomSecurityAttributes/Id:Team_Repo] StringEquals 'a'",
    "@Resource[Some.Provider/kind/tags:Key with ) and '<$key_case_sensitive$>] ForAllOfAnyValues:StringLike {'a', b}",
    "SubOperationMatches{'Blob.List'}",
    "Exists @Environment[UtcNow]",
    "@Environment[isPrivateLink] BoolEquals true",
    "@Request[a:RoleDefinitionId] ForAnyOfAnyValues:GuidEquals{11111111-2222-3333-4444-555555555555, 66666666}",
    "@Request[Microsoft.ContainerRegistry/registries/repositories:name] StringEquals @Principal[a:b]",
];

const OPERATORS: [&str; 12] = [
    "StringEquals",
    "StringEqualsIgnoreCase",
    "StringNotEquals",
    "StringNotEqualsIgnoreCase",
    "StringStartsWith",
    "StringStartsWithIgnoreCase",
    "StringNotStartsWith",
    "StringNotStartsWithIgnoreCase",
    "StringLike",
    "StringLikeIgnoreCase",
    "StringNotLike",
    "StringNotLikeIgnoreCase",
];

const QUANTIFIERS: [&str; 4] =
    ["ForAnyOfAnyValues", "ForAllOfAnyValues", "ForAnyOfAllValues", "ForAllOfAllValues"];

impl Model {
    fn holds(&self, action: &str, repository: &str) -> Option<bool> {
        match self {
            Self::Not(part) => part.holds(action, repository).map(|holds| !holds),
            Self::And(parts) => settle(parts, false, action, repository),
            Self::Or(parts) => settle(parts, true, action, repository),
            Self::Action(pattern) => Some(glob(&pattern.to_lowercase(), &action.to_lowercase(), false)),
            Self::Unknown(_) => None,
            Self::Name { operator, values, quantifier, .. } => {
                let mut pairs = values.iter().map(|value| oracle(operator, repository, value));
                match quantifier {
                    None => pairs.next(),
                    Some(_) if operator.contains("NotStarts") => None,
                    Some(quantifier) if quantifier.ends_with("AnyValues") => Some(pairs.any(|holds| holds)),
                    Some(_) => Some(pairs.all(|holds| holds)),
                }
            }
        }
    }

    /// `style` picks between the spellings that mean the same.
    fn print(&self, style: u8) -> String {
        match self {
            Self::Not(part) => {
                format!("{}{}", ["!", "NOT ", "not  ", "! "][usize::from(style % 4)], part.inner(style))
            }
            Self::And(parts) => join(parts, ["&&", " AND ", "\n and\t", " && "][usize::from(style % 4)], style),
            Self::Or(parts) => join(parts, ["||", " OR ", "\r\nor ", " || "][usize::from(style % 4)], style),
            Self::Action(pattern) => format!("ActionMatches{{'{pattern}'}}"),
            Self::Unknown(which) => UNKNOWN[*which].to_owned(),
            Self::Name { operator, values, quantifier, resource } => {
                let source = if *resource { "Resource" } else { "Request" };
                let values: Vec<String> =
                    values.iter().map(|value| format!("'{}'", value.replace('\'', "\\'"))).collect();
                match quantifier {
                    Some(quantifier) => {
                        format!("@{source}[{NAME}] {quantifier}:{operator} {{{}}}", values.join(", "))
                    }
                    None => format!("@{source}[{NAME}] {operator} {}", values[0]),
                }
            }
        }
    }

    fn inner(&self, style: u8) -> String {
        let bare = matches!(self, Self::Not(_) | Self::Action(_) | Self::Unknown(_)) && style & 4 == 0;
        let text = self.print(style / 2);
        if bare { text } else { format!("({text})") }
    }
}

fn settle(parts: &[Model], settled_by: bool, action: &str, repository: &str) -> Option<bool> {
    let values: Vec<Option<bool>> = parts.iter().map(|part| part.holds(action, repository)).collect();
    if values.contains(&Some(settled_by)) {
        Some(settled_by)
    } else if values.contains(&None) {
        None
    } else {
        Some(!settled_by)
    }
}

/// Without parentheses around an AND within an OR, so that the order of both is put to the test.
fn join(parts: &[Model], word: &str, style: u8) -> String {
    let loose =
        |part: &Model| matches!(part, Model::And(_)) && (word.contains('|') || word.to_lowercase().contains("or"));
    let parts: Vec<String> =
        parts.iter().map(|part| if loose(part) { part.print(style) } else { part.inner(style) }).collect();
    parts.join(word)
}

/// The operators by their names, written with nothing of the code under test.
fn oracle(operator: &str, name: &str, value: &str) -> bool {
    let (mut name, mut value) = (name.to_owned(), value.to_owned());
    if operator.ends_with("IgnoreCase") {
        (name, value) = (name.to_lowercase(), value.to_lowercase());
    }
    let related = if operator.contains("Equals") {
        name == value
    } else if operator.contains("StartsWith") {
        name.starts_with(&value)
    } else {
        glob(&value, &name, true)
    };
    related != operator.contains("Not")
}

/// By definition and in no hurry; `like` adds `?` and the backslash.
fn glob(pattern: &str, text: &str, like: bool) -> bool {
    let mut rest = pattern.chars();
    let Some(first) = rest.next() else { return text.is_empty() };
    let rest = rest.as_str();
    let tail = |text: &str| text.chars().next().map_or(0, char::len_utf8);
    match first {
        '*' => glob(rest, text, like) || (!text.is_empty() && glob(pattern, &text[tail(text)..], like)),
        '?' if like => !text.is_empty() && glob(rest, &text[tail(text)..], like),
        '\\' if like && rest.starts_with(['*', '?', '\\']) => {
            let (escaped, rest) = rest.split_at(1);
            text.strip_prefix(escaped).is_some_and(|text| glob(rest, text, like))
        }
        _ => text.strip_prefix(first).is_some_and(|text| glob(rest, text, like)),
    }
}

fn action() -> impl Strategy<Value = String> {
    "[Mm]\\.C/(reg|REG)/(read|write|\\*)|\\*(/read)?|M\\.C/\\*/write"
}

fn leaf() -> impl Strategy<Value = Model> {
    let quantified = (any::<prop::sample::Index>(), prop::collection::vec("[aAb/*?']{0,4}", 0..4))
        .prop_map(|(index, values)| (Some(QUANTIFIERS[index.index(4)]), values));
    let single = "[aAb/*?']{0,4}".prop_map(|value| (None, vec![value]));
    let name = (prop::sample::select(&OPERATORS[..]), prop_oneof![quantified, single], any::<bool>()).prop_map(
        |(operator, (quantifier, values), resource)| Model::Name { operator, values, quantifier, resource },
    );
    prop_oneof![action().prop_map(Model::Action), (0..UNKNOWN.len()).prop_map(Model::Unknown), name]
}

fn model() -> impl Strategy<Value = Model> {
    leaf().prop_recursive(5, 40, 4, |inner| {
        prop_oneof![
            inner.clone().prop_map(|part| Model::Not(Box::new(part))),
            prop::collection::vec(inner.clone(), 2..4).prop_map(Model::And),
            prop::collection::vec(inner, 2..4).prop_map(Model::Or),
        ]
    })
}

fn decided(outcome: &Outcome) -> Option<bool> {
    match outcome {
        Outcome::Yes => Some(true),
        Outcome::No => Some(false),
        Outcome::Open(_) => None,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_printed_tree_evaluates_as_the_tree(
        model in model(),
        style in any::<u8>(),
        asked in prop::collection::vec(("[aAb/*']{0,4}", prop::sample::select(vec!["M.C/reg/read", "m.c/REG/write"])), 8),
    ) {
        let text = model.print(style);
        let condition = Condition::parse(&text, Some("2.0"));
        for (repository, action) in &asked {
            let found = condition.holds(&Access { action, repository });
            if let Outcome::Open(why) = &found {
                prop_assert!(!why.contains("can't be read"), "{why}: {text}");
            }
            prop_assert_eq!(decided(&found), model.holds(action, repository), "{}", text);
        }
    }

    #[test]
    fn string_operators_are_what_their_names_say(
        operator in prop::sample::select(&OPERATORS[..]),
        value in "[aAbBä/*?\\\\]{0,6}[ab/*?]?",
        name in "[abAä/*?\\\\]{0,6}",
    ) {
        // One at the end would escape the quote after it.
        let value = value.trim_end_matches('\\');
        let text = format!("@Request[{NAME}] {operator} '{value}'");
        let found = Condition::parse(&text, Some("2.0")).holds(&Access { action: "x", repository: &name });
        prop_assert_eq!(decided(&found), Some(oracle(operator, &name, value)), "{} for {}", text, name);
    }

    #[test]
    fn patterns_match_by_definition(pattern in "[ab*?\\\\]{0,8}", text in "[ab*?\\\\]{0,10}") {
        prop_assert_eq!(wildcard::like(&pattern, &text, false), glob(&pattern, &text, true));
        prop_assert_eq!(wildcard::covers(&pattern, &text), glob(&pattern, &text, false));
    }

    #[test]
    fn any_text_is_a_condition(text in "\\PC{0,60}") {
        Condition::parse(&text, Some("2.0")).holds(&Access { action: "a", repository: "b" });
    }

    #[test]
    fn any_pieces_of_conditions_are_a_condition(
        pieces in prop::collection::vec(prop::sample::select(vec![
            "(", ")", "{", "}", "'", "\\", "@", "[", "]", ",", ":", "!", "&&", "||", "|", "&", " ", "AND", "OR",
            "NOT", "NOTExists", "@Request[a:b]", "StringEquals", "ForAnyOfAnyValues:", "'a'", "ActionMatches", "ä", "\u{a0}",
            "ActionMatches{'a'}", "@Request[Microsoft.ContainerRegistry/registries/repositories:name]", "\0",
        ]), 0..40),
    ) {
        let condition = Condition::parse(&pieces.concat(), Some("2.0"));
        condition.holds(&Access { action: "a", repository: "b" });
        condition.open_prefixes();
    }

    #[test]
    fn a_damaged_text_never_holds_by_panic(model in model(), at in any::<prop::sample::Index>(), with in any::<char>()) {
        let mut damaged: Vec<char> = model.print(1).chars().collect();
        let at = at.index(damaged.len());
        damaged[at] = with;
        let text: String = damaged.into_iter().collect();
        Condition::parse(&text, Some("2.0")).holds(&Access { action: "a", repository: "b" });
    }
}

#[test]
fn many_wildcards_take_no_time() {
    let pattern = format!("{}b", "a*".repeat(500));
    assert!(!wildcard::like(&pattern, &"a".repeat(5_000), false));
}
