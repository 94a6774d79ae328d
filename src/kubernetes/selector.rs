//! Label selectors as `kubectl -l` takes them, for objects that are not selected by the server.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

/// A label selector: every requirement must hold; none select everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LabelSelector {
    text: String,
    requirements: Vec<Requirement>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Requirement {
    In(String, BTreeSet<String>),
    NotIn(String, BTreeSet<String>),
    Exists(String),
    DoesNotExist(String),
}

/// A label selector can't be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("label selector: {0:?} is none of KEY=VALUE, KEY!=VALUE, KEY in (A,B), KEY notin (A,B), KEY, !KEY")]
pub struct InvalidSelector(pub String);

impl LabelSelector {
    /// Whether an object with these labels is selected.
    pub fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        self.requirements.iter().all(|requirement| match requirement {
            Requirement::In(key, values) => labels.get(key).is_some_and(|value| values.contains(value)),
            Requirement::NotIn(key, values) => labels.get(key).is_none_or(|value| !values.contains(value)),
            Requirement::Exists(key) => labels.contains_key(key),
            Requirement::DoesNotExist(key) => !labels.contains_key(key),
        })
    }
}

impl fmt::Display for LabelSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for LabelSelector {
    type Err = InvalidSelector;

    fn from_str(text: &str) -> Result<Self, InvalidSelector> {
        let parts = split(text);
        let requirements = parts.into_iter().map(requirement).collect::<Result<_, _>>()?;
        Ok(Self { text: text.trim().to_owned(), requirements })
    }
}

/// Commas inside parentheses separate values, not requirements.
fn split(text: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut start) = (Vec::new(), 0_u32, 0);
    for (at, char) in text.char_indices() {
        match char {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    if parts.len() == 1 && parts[0].trim().is_empty() { Vec::new() } else { parts }
}

fn requirement(part: &str) -> Result<Requirement, InvalidSelector> {
    let refuse = || InvalidSelector(part.trim().to_owned());
    let text = part.trim();
    let one = |key: &str, value: &str| -> Result<_, InvalidSelector> {
        Ok((label_key(key).ok_or_else(refuse)?, BTreeSet::from([label_value(value).ok_or_else(refuse)?])))
    };
    if let Some((key, value)) = text.split_once("!=") {
        return one(key, value).map(|(key, values)| Requirement::NotIn(key, values));
    }
    if let Some((key, value)) = text.split_once("==").or_else(|| text.split_once('=')) {
        return one(key, value).map(|(key, values)| Requirement::In(key, values));
    }
    if let Some((head, values)) = text.strip_suffix(')').and_then(|text| text.split_once('(')) {
        let values = values.split(',').map(label_value).collect::<Option<_>>().ok_or_else(refuse)?;
        let mut words = head.split_whitespace();
        let key = words.next().and_then(label_key).ok_or_else(refuse)?;
        return match (words.next(), words.next()) {
            (Some("in"), None) => Ok(Requirement::In(key, values)),
            (Some("notin"), None) => Ok(Requirement::NotIn(key, values)),
            _ => Err(refuse()),
        };
    }
    match text.strip_prefix('!') {
        Some(key) => label_key(key).map(Requirement::DoesNotExist).ok_or_else(refuse),
        None => label_key(text).map(Requirement::Exists).ok_or_else(refuse),
    }
}

fn label_key(text: &str) -> Option<String> {
    let key = text.trim();
    let fine = |char: char| char.is_ascii_alphanumeric() || "-_./".contains(char);
    (!key.is_empty() && key.chars().all(fine)).then(|| key.to_owned())
}

fn label_value(text: &str) -> Option<String> {
    let value = text.trim();
    let fine = |char: char| char.is_ascii_alphanumeric() || "-_.".contains(char);
    value.chars().all(fine).then(|| value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selects(selector: &str, labels: &[(&str, &str)]) -> bool {
        let labels = labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        selector.parse::<LabelSelector>().unwrap().matches(&labels)
    }

    #[test]
    fn every_form_of_kubectl_selects_as_there() {
        let labels = [("app", "web"), ("tier", "front")];
        for yes in [
            "",
            "app=web",
            "app==web",
            "app!=db",
            "missing!=x",
            "app in (db, web)",
            "app notin (db)",
            "gone notin (x)",
            "app",
            "!gone",
            "app=web,tier in (front,back),!gone",
            " app = web ",
        ] {
            assert!(selects(yes, &labels), "{yes}");
        }
        for no in ["app=db", "app!=web", "app in (db)", "app notin (web)", "gone", "!app", "app=web,tier=back"] {
            assert!(!selects(no, &labels), "{no}");
        }
    }

    #[test]
    fn what_is_no_selector_is_refused_with_the_part_at_fault() {
        for bad in ["a b", "=x", "a in x", "a in (b", "a,,b", "a=b=c", "!", "a within (b)", "a=b c"] {
            let error = bad.parse::<LabelSelector>().unwrap_err();
            assert!(error.to_string().starts_with("label selector: "), "{bad}");
        }
    }
}
