//! `collect --redact`: pseudonyms in the place of names, and the same verdicts.
//!
//! Every word of a name is replaced on its own, wherever it stands, so that what was equal stays equal and a pattern that
//! ends between two words matches what it matched. Words of a cloud's own language stay, as do words that a pattern looks
//! into. That the verdicts are the same is not believed but judged again; a word on which one depends stays too.

mod partial;
mod places;
mod proof;
mod vocabulary;
mod words;

use crate::clouds::Clouds;
use partial::Parts;
use places::{Place, visit};
use pullaudit_core::{Snapshot, SnapshotError};
use std::collections::BTreeSet;
use words::{Piece, Words, pieces};

/// How often words may turn out to matter before it is given up; each time, at least one more of them stays.
const MOST_ROUNDS: usize = 64;

/// A snapshot without names.
#[derive(Clone, Debug)]
pub struct Redacted {
    /// The snapshot.
    pub snapshot: Snapshot,
    /// Words of names that stay, since a pattern looks into them or a verdict depends on them.
    pub kept: BTreeSet<String>,
}

/// A snapshot can't be redacted.
#[derive(Debug, thiserror::Error)]
pub enum RedactError {
    /// Its facts can't be read.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// No choice of words keeps the verdicts.
    #[error(
        "{checks} checks would get other verdicts under pseudonyms, so nothing was written; collect without --redact"
    )]
    Verdicts {
        /// How many.
        checks: usize,
    },
}

/// The snapshot under pseudonyms. One name has one pseudonym, here and in every other snapshot; whoever guesses a name can
/// check the guess. Every verdict, by default and strict, is that of the original.
pub fn redact(original: &Snapshot, clouds: &Clouds) -> Result<Redacted, RedactError> {
    let found = Found::of(original, clouds);
    let mut clear = found.looked_into.clone();
    let mut checks = 0;
    for _ in 0..MOST_ROUNDS {
        let words = Words::hiding(found.names.clone(), &clear);
        let snapshot = under(original, &words);
        let differing = proof::differing(original, &snapshot, &words, clouds)?;
        if differing.is_none() {
            return Ok(Redacted { snapshot, kept: clear });
        }
        let hidden: BTreeSet<&str> = words.hidden().collect();
        let of_original = differing.texts.iter().flat_map(|text| names(text));
        let of_redacted = differing.redacted.iter().flat_map(|text| names(text));
        let meant = of_redacted.filter_map(|word| words.meant_by(&word).map(str::to_owned));
        let matter = of_original.chain(meant).filter(|word| hidden.contains(word.as_str()));
        let before = clear.len();
        clear.extend(matter.collect::<Vec<_>>());
        checks = differing.checks;
        if clear.len() == before {
            break;
        }
    }
    Err(RedactError::Verdicts { checks })
}

fn under(original: &Snapshot, words: &Words) -> Snapshot {
    let mut snapshot = original.clone();
    visit(&mut snapshot, &mut |_, text| *text = words.redact(text));
    snapshot
}

/// What a snapshot's names are made of.
struct Found {
    names: BTreeSet<String>,
    looked_into: BTreeSet<String>,
}

impl Found {
    fn of(original: &Snapshot, clouds: &Clouds) -> Self {
        let (mut words, mut parts) = (BTreeSet::new(), Parts::default());
        visit(&mut original.clone(), &mut |place, text| match place {
            Place::Name | Place::Prefix => {
                words.extend(names(text));
                parts.add(text);
                if place == Place::Prefix {
                    parts.add_prefix(text);
                }
            }
            Place::Sentence => {}
        });
        let own = |word: &String| {
            vocabulary::is_common(word) || clouds.iter().any(|provider| (provider.own_word)(word.as_str()))
        };
        words.retain(|word| !own(word));
        let looked_into = parts.touched(&words);
        Self { names: words, looked_into }
    }
}

/// The words of a text, in lower case.
fn names(text: &str) -> Vec<String> {
    let word = |piece: Piece<'_>| match piece {
        Piece::Word(word) => Some(word.to_lowercase()),
        Piece::Other(_) => None,
    };
    pieces(text).into_iter().filter_map(word).collect()
}
