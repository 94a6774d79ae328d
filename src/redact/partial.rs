//! Parts of words that a pattern compares: those words stay, else the pattern would match others than before.

use super::words::{Piece, pieces};
use std::collections::BTreeSet;

/// Functions and operators of conditions that compare less than a whole text.
const PARTIAL: [&str; 8] =
    ["startswith", "endswith", "like", "matches", "contains", "extract", "regex", "substring"];

/// Functions of Azure's conditions that are about what is done, not about names.
const WHOLE: [&str; 2] = ["actionmatches", "suboperationmatches"];

/// Parts of words, in lower case.
#[derive(Debug, Default)]
pub(super) struct Parts {
    heads: BTreeSet<String>,
    prefixes: BTreeSet<String>,
    tails: BTreeSet<String>,
    inner: BTreeSet<String>,
}

impl Parts {
    /// Adds the parts that a text compares: the word before a wildcard, the word after one, and all words of a condition
    /// that looks at parts.
    pub(super) fn add(&mut self, text: &str) {
        let lower = text.to_lowercase();
        if lower.contains('*') || lower.contains('?') {
            let runs: Vec<&str> = lower.split(['*', '?']).collect();
            for (at, run) in runs.iter().enumerate() {
                if at + 1 < runs.len() {
                    self.heads.extend(last_run(run));
                }
                if at > 0 {
                    self.tails.extend(first_run(run));
                }
            }
        }
        let partial = |word: &str| PARTIAL.iter().any(|one| word.contains(one)) && !WHOLE.contains(&word);
        let condition = |piece: &Piece<'_>| matches!(piece, Piece::Word(word) if partial(word));
        let found = pieces(&lower);
        if lower.contains(['(', '\'', '"']) && found.iter().any(condition) {
            self.inner.extend(found.iter().filter_map(|piece| match piece {
                Piece::Word(word) => Some((*word).to_owned()),
                Piece::Other(_) => None,
            }));
        }
    }

    /// Adds a text that others need only begin with.
    pub(super) fn add_prefix(&mut self, text: &str) {
        self.prefixes.extend(last_run(&text.to_lowercase()));
    }

    /// Those of the words that a pattern tells from others by a part of them, and those that are such a part: a cloud's own
    /// word may be the other one.
    pub(super) fn touched(&self, words: &BTreeSet<String>) -> BTreeSet<String> {
        let mut touched = BTreeSet::new();
        let mut add = |parts: &BTreeSet<String>, matches: fn(&str, &str) -> bool| {
            for part in parts {
                touched.extend(words.iter().filter(|word| matches(word, part)).cloned());
            }
        };
        add(&self.heads, |word, part| word.starts_with(part));
        add(&self.tails, |word, part| word.ends_with(part));
        add(&self.inner, |word, part| word.contains(part));
        for prefix in &self.prefixes {
            // What nothing else begins with is compared as a whole.
            let mut longer =
                words.iter().filter(|word| word.starts_with(prefix.as_str()) && *word != prefix).peekable();
            if longer.peek().is_some() {
                touched.extend(longer.cloned().chain(words.get(prefix).cloned()).collect::<Vec<_>>());
            }
        }
        touched
    }
}

fn last_run(text: &str) -> Option<String> {
    let run = text.rsplit(|sign: char| !sign.is_alphanumeric()).next()?;
    part(run)
}

/// The digits at the end of a name stay whatever it is called.
fn part(run: &str) -> Option<String> {
    let name = run.trim_end_matches(|sign: char| sign.is_ascii_digit());
    let part = if name.is_empty() { run } else { name };
    (!part.is_empty()).then(|| part.to_owned())
}

fn first_run(text: &str) -> Option<String> {
    let run = text.split(|sign: char| !sign.is_alphanumeric()).next()?;
    part(run)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn touched(text: &str, word: &str) -> bool {
        let mut parts = Parts::default();
        parts.add(text);
        let words = BTreeSet::from([word.to_owned(), "tea".to_owned(), "teapot".to_owned()]);
        parts.touched(&words).contains(word)
    }

    #[test]
    fn a_wildcard_inside_a_word_keeps_it_and_one_between_words_does_not() {
        for (text, word, expected) in [
            ("arn:aws:ecr:eu-west-1:1:repository/tea*", "team", true),
            ("arn:aws:ecr:eu-west-1:1:repository/team-*", "team", false),
            ("*-api", "myapi", false),
            ("*api", "myapi", true),
            ("te?m", "team", true),
            ("arn:aws:ecr:eu-west-1:1:repository/tea*", "tea", true),
            ("arn:aws:ecr:eu-west-1:1:repository/team1*", "team", true),
            ("arn:aws:iam::1111*", "111122223333", true),
            ("*", "team", false),
            ("plain", "plain", false),
        ] {
            assert_eq!(touched(text, word), expected, "{text} {word}");
        }
    }

    #[test]
    fn a_prefix_matters_where_something_else_begins_with_it() {
        let mut parts = Parts::default();
        parts.add_prefix("registry.example/tea");
        let of = |words: &[&str]| parts.touched(&words.iter().map(|&word| word.to_owned()).collect());
        assert_eq!(of(&["tea", "registry"]), BTreeSet::new());
        assert_eq!(of(&["tea", "team"]).len(), 2);
    }

    #[test]
    fn a_condition_on_parts_keeps_every_word_of_it() {
        let azure = "((@Resource[x:name] StringStartsWith 'tea'))";
        assert!(touched(azure, "team") && !touched(azure, "pay"));
        let action = "!(ActionMatches{'x/read'}) OR @Request[x:name] StringEquals 'tea'";
        assert!(!touched(action, "team"));
        assert!(touched("resource.name.startsWith(\"projects/tea\")", "team"));
        assert!(!touched("resource.name == \"team\"", "team"), "a whole text is compared as a whole");
        assert!(!touched("a team that likes it", "team"), "no condition");
    }
}
