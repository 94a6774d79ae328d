//! Words of names, and what stands for them.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// Pseudonyms are made in this name space; it never changes, so that one name has one pseudonym in every snapshot.
const PSEUDONYMS: Uuid = Uuid::from_u128(0x0c53_7be1_41d2_5b7f_8a52_3a50_9d6e_47c1);

/// Shorter words tell too little to hide, and are too few to have pseudonyms of their own.
const SHORTEST: usize = 3;
/// Numbers of fewer digits are versions and dates; those of accounts and projects have more.
const SHORTEST_NUMBER: usize = 9;
/// Ids and hashes are this long, and letters and digits at once.
const SHORTEST_ID: usize = 16;

/// What kind of word it is, which its pseudonym is too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// Digits.
    Number,
    /// `AROA…` and the like: four letters say what it is of.
    UniqueId,
    /// Letters and digits, of hexadecimal signs only or not.
    Id { hexadecimal: bool },
    /// Letters, or what begins with digits.
    Name,
}

/// A piece of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// What may be a name or a part of one.
    Word(&'a str),
    /// What stands between, and what is too short to be one.
    Other(&'a str),
}

/// The pieces of a text, in their order and without a gap. A GUID is one word; a name loses the digits at its end, which
/// stay.
pub(super) fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let end = |alike: bool| {
            rest.char_indices().find(|(_, sign)| sign.is_alphanumeric() != alike).map_or(rest.len(), |(at, _)| at)
        };
        let taken = if !first.is_alphanumeric() {
            let end = end(false);
            pieces.push(Piece::Other(&rest[..end]));
            end
        } else if guid(rest) {
            pieces.push(Piece::Word(&rest[..GUID]));
            GUID
        } else {
            let end = end(true);
            word(&rest[..end], &mut pieces);
            end
        };
        rest = &rest[taken..];
    }
    pieces
}

fn word<'a>(run: &'a str, pieces: &mut Vec<Piece<'a>>) {
    if of_time(run) {
        pieces.push(Piece::Other(run));
        return;
    }
    let digits = run.bytes().all(|byte| byte.is_ascii_digit());
    if digits || form(run) != Form::Name {
        let long = !digits || run.len() >= SHORTEST_NUMBER;
        pieces.push(if long { Piece::Word(run) } else { Piece::Other(run) });
        return;
    }
    let name = run.trim_end_matches(|sign: char| sign.is_ascii_digit());
    if name.chars().count() < SHORTEST {
        pieces.push(Piece::Other(run));
        return;
    }
    pieces.push(Piece::Word(name));
    if name.len() < run.len() {
        pieces.push(Piece::Other(&run[name.len()..]));
    }
}

/// Whether it is what RFC 3339 has between two signs: `30T09` or `00Z`.
fn of_time(run: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (day, hour) = run.split_once(['T', 't']).unwrap_or_default();
    (day.len() == 2 && hour.len() == 2 && digits(day) && digits(hour))
        || run.strip_suffix(['Z', 'z']).is_some_and(digits)
}

const GUID: usize = 36;

/// Whether a text begins with a GUID that ends where it ends.
fn guid(text: &str) -> bool {
    let Some(head) = text.get(..GUID) else { return false };
    let fine = |(at, byte): (usize, u8)| match at {
        8 | 13 | 18 | 23 => byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    };
    head.bytes().enumerate().all(fine) && !text[GUID..].starts_with(|sign: char| sign.is_alphanumeric())
}

fn form(word: &str) -> Form {
    let all = |fine: fn(u8) -> bool| word.bytes().all(fine);
    if all(|byte| byte.is_ascii_digit()) {
        return Form::Number;
    }
    let mixed = word.is_ascii() && word.bytes().any(|byte| byte.is_ascii_digit());
    if !mixed || word.len() < SHORTEST_ID {
        return Form::Name;
    }
    if word.starts_with('A') && all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit()) {
        return Form::UniqueId;
    }
    Form::Id { hexadecimal: all(|byte| byte.is_ascii_hexdigit()) }
}

/// Words, and the pseudonyms of those that are hidden. The case of letters makes no other word.
#[derive(Debug, Default)]
pub(super) struct Words {
    hidden: BTreeMap<String, String>,
}

impl Words {
    /// Hides these words.
    pub(super) fn hiding(words: BTreeSet<String>, clear: &BTreeSet<String>) -> Self {
        let mut hidden: BTreeMap<String, String> = BTreeMap::new();
        let mut taken: BTreeSet<String> = words.union(clear).cloned().collect();
        for word in words.into_iter().filter(|word| !clear.contains(word)) {
            let mut made = (0..).map(|attempt| pseudonym(&word, attempt));
            // Every attempt is another one, so one is free.
            let free = made.find(|made| !taken.contains(made)).unwrap_or_default();
            taken.insert(free.clone());
            hidden.insert(word, free);
        }
        Self { hidden }
    }

    /// The words that are hidden.
    pub(super) fn hidden(&self) -> impl Iterator<Item = &str> {
        self.hidden.keys().map(String::as_str)
    }

    /// The word that a pseudonym stands for.
    pub(super) fn meant_by(&self, pseudonym: &str) -> Option<&str> {
        self.hidden.iter().find(|(_, made)| *made == pseudonym).map(|(word, _)| word.as_str())
    }

    /// A text with pseudonyms in the place of every hidden word.
    pub(super) fn redact(&self, text: &str) -> String {
        pieces(text)
            .into_iter()
            .map(|piece| match piece {
                Piece::Other(text) => Cow::Borrowed(text),
                Piece::Word(word) => match self.hidden.get(&word.to_lowercase()) {
                    Some(pseudonym) => Cow::Owned(in_case_of(word, pseudonym)),
                    None => Cow::Borrowed(word),
                },
            })
            .collect()
    }
}

/// A word of the same form, in lower case.
fn pseudonym(word: &str, attempt: u32) -> String {
    let mut signs = signs(word, attempt);
    let mut of = |alphabet: &'static [u8]| {
        let sign = signs.next().unwrap_or_default();
        char::from(alphabet[usize::from(sign) % alphabet.len()])
    };
    if guid(word) {
        return word.chars().map(|sign| if sign == '-' { '-' } else { of(HEXADECIMAL) }).collect();
    }
    let upper = word.to_ascii_uppercase();
    match form(&upper) {
        Form::Number => word.chars().map(|_| of(DIGITS)).collect(),
        // Without its case, any id that begins with an `a` is taken for one: the form is the same for both.
        Form::UniqueId if !word.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
            let (kind, rest) = word.split_at(4);
            kind.chars().chain(rest.chars().map(|_| of(UNIQUE))).collect()
        }
        Form::UniqueId | Form::Id { hexadecimal: true } => word.chars().map(|_| of(HEXADECIMAL)).collect(),
        Form::Id { hexadecimal: false } => word.chars().map(|_| of(UNIQUE)).collect(),
        Form::Name => (0..8 + attempt).map(|_| of(LETTERS)).collect(),
    }
}

const DIGITS: &[u8] = b"0123456789";
const HEXADECIMAL: &[u8] = b"0123456789abcdef";
const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz";
const UNIQUE: &[u8] = b"abcdefghijklmnopqrstuvwxyz234567";

/// Bytes without end that the word decides.
fn signs(word: &str, attempt: u32) -> impl Iterator<Item = u8> {
    let seed = format!("{attempt}/{word}");
    (0_u32..).flat_map(move |block| Uuid::new_v5(&PSEUDONYMS, format!("{block}/{seed}").as_bytes()).into_bytes())
}

/// A pseudonym in the case of the word that it stands for, so that two spellings of one name stay two spellings of one.
fn in_case_of(word: &str, pseudonym: &str) -> String {
    let has = |case: fn(char) -> bool| word.chars().any(case);
    match (has(char::is_uppercase), has(char::is_lowercase)) {
        (false, _) => pseudonym.to_owned(),
        (true, false) => pseudonym.to_uppercase(),
        (true, true) => {
            let bits = signs(word, 0).map(|byte| byte & 1 == 1);
            let cased = pseudonym.chars().zip(bits);
            // Mixed as the word is: the first letter decides what a host or a path may be.
            let first = word.chars().next().is_some_and(char::is_uppercase);
            cased
                .enumerate()
                .map(|(at, (sign, bit))| match at {
                    0 if first => sign.to_ascii_uppercase(),
                    0 => sign,
                    1 if first => sign,
                    1 => sign.to_ascii_uppercase(),
                    _ if bit => sign.to_ascii_uppercase(),
                    _ => sign,
                })
                .collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hiding(words: &[&str]) -> Words {
        Words::hiding(words.iter().map(|&word| word.to_owned()).collect(), &BTreeSet::new())
    }

    #[test]
    fn a_text_is_its_pieces() {
        let of = |text| pieces(text);
        assert_eq!(
            of("arn:aws:iam::111122223333:role/a-pay2"),
            [
                Piece::Word("arn"),
                Piece::Other(":"),
                Piece::Word("aws"),
                Piece::Other(":"),
                Piece::Word("iam"),
                Piece::Other("::"),
                Piece::Word("111122223333"),
                Piece::Other(":"),
                Piece::Word("role"),
                Piece::Other("/"),
                Piece::Other("a"),
                Piece::Other("-"),
                Piece::Word("pay"),
                Piece::Other("2"),
            ]
        );
        assert_eq!(
            of("7f951dda-4ed3-4680-a7ca-43fe172d538d"),
            [Piece::Word("7f951dda-4ed3-4680-a7ca-43fe172d538d")]
        );
        assert!(of("7f951dda-4ed3-4680-a7ca-43fe172d538dx").len() > 1, "no GUID");
        assert_eq!(of("AROAEXAMPLELIVEPAYM2D"), [Piece::Word("AROAEXAMPLELIVEPAYM2D")]);
        assert_eq!(of("2012-10-17").len(), 5);
        let words = |text| of(text).into_iter().filter(|piece| matches!(piece, Piece::Word(_))).count();
        assert_eq!(words("2027-03-30T09:00:00.123Z"), 0);
        assert_eq!(of("caf\u{e9}"), [Piece::Word("caf\u{e9}")]);
        assert_eq!(of(""), []);
    }

    #[test]
    fn a_pseudonym_has_the_form_of_its_word() {
        let all = [
            "111122223333",
            "7f951dda-4ed3-4680-a7ca-43fe172d538d",
            "aroaexamplelivepaym2d",
            "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
            "ledger",
        ];
        let words = hiding(&all);
        for word in all {
            let made = words.redact(word);
            assert_ne!(made, word);
            assert_eq!(form(&made.to_uppercase()), form(&word.to_uppercase()), "{made}");
            assert_eq!(guid(&made), guid(word));
            assert!(form(word) == Form::Name || made.len() == word.len(), "{made}");
        }
        assert!(words.redact("AROAEXAMPLELIVEPAYM2D").starts_with("AROA"));
        assert_eq!(words.redact("sha-ledger2/x"), format!("sha-{}2/x", words.redact("ledger")));
    }

    #[test]
    fn spellings_of_one_name_stay_that() {
        let words = hiding(&["acmeprod"]);
        let all = ["acmeprod", "AcmeProd", "ACMEPROD", "acmeProd"].map(|word| words.redact(word));
        let distinct: BTreeSet<&String> = all.iter().collect();
        assert_eq!(distinct.len(), all.len());
        assert!(all.iter().all(|one| one.to_lowercase() == all[0]));
    }

    #[test]
    fn a_pseudonym_is_no_other_word_and_the_same_elsewhere() {
        let free = hiding(&["ledger"]).redact("ledger");
        let mut both = BTreeSet::from(["ledger".to_owned(), free.clone()]);
        let words = Words::hiding(both.clone(), &BTreeSet::new());
        both.extend([words.redact("ledger"), words.redact(&free)]);
        assert_eq!(both.len(), 4, "{both:?}");
        assert_eq!(hiding(&["ledger", "other"]).redact("ledger"), free);
    }
}
