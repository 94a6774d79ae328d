//! `*`, `?` and policy variables, in resources and in the values of conditions.

use std::borrow::Cow;

/// Signs that never occur in UTF-8 stand for the wildcards, so that a `${*}` can be a plain star.
/// They are the greatest two bytes.
const MANY: u8 = 0xff;
const ONE: u8 = 0xfe;

/// What a text with wildcards and variables may mean.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Language {
    /// `*` and `?` are wildcards.
    pub(crate) wildcards: bool,
    /// `${…}` is a variable: only in documents of version 2012-10-17.
    pub(crate) variables: bool,
}

/// A text of a policy, compiled.
#[derive(Clone, Debug)]
pub(crate) struct Pattern<V> {
    pieces: Vec<Piece<V>>,
}

#[derive(Clone, Debug)]
enum Piece<V> {
    Text(Vec<u8>),
    Variable { name: V, default: Option<String> },
}

/// What a variable stands for in a request.
pub(crate) enum Expansion<'a, O> {
    /// This text.
    Text(Cow<'a, str>),
    /// The request has no such value.
    Absent,
    /// Not known; the reason is kept.
    Open(O),
}

/// A pattern for one request.
pub(crate) enum Resolved<'a, O> {
    /// It can be matched.
    Glob(Cow<'a, [u8]>),
    /// A variable has no value, so it matches nothing.
    Never,
    /// A variable is not known; the glob is what it could match at the most.
    Open(Vec<u8>, O),
}

impl<V> Pattern<V> {
    /// Compiles a text; `variable` reads the name of a variable.
    pub(crate) fn compile(text: &str, language: Language, mut variable: impl FnMut(&str) -> V) -> Self {
        let mut pieces = Vec::new();
        let mut bytes = Vec::with_capacity(text.len());
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            if language.variables
                && let Some((inner, after)) = rest.strip_prefix("${").and_then(|tail| tail.split_once('}'))
            {
                match inner {
                    "*" | "?" | "$" => bytes.extend(inner.bytes()),
                    _ => {
                        let (name, default) = name_and_default(inner);
                        pieces.push(Piece::Text(std::mem::take(&mut bytes)));
                        pieces.push(Piece::Variable { name: variable(name), default });
                    }
                }
                rest = after;
                continue;
            }
            match first {
                '*' if language.wildcards => bytes.push(MANY),
                '?' if language.wildcards => bytes.push(ONE),
                _ => bytes.extend_from_slice(first.encode_utf8(&mut [0; 4]).as_bytes()),
            }
            rest = &rest[first.len_utf8()..];
        }
        pieces.push(Piece::Text(bytes));
        Self { pieces }
    }

    /// The pattern with its variables filled in.
    pub(crate) fn resolve<'a, O>(&'a self, mut expand: impl FnMut(&'a V) -> Expansion<'a, O>) -> Resolved<'a, O> {
        if let [Piece::Text(bytes)] = self.pieces.as_slice() {
            return Resolved::Glob(Cow::Borrowed(bytes));
        }
        let mut bytes = Vec::new();
        let mut open = None;
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => bytes.extend_from_slice(text),
                Piece::Variable { name, default } => match (expand(name), default) {
                    (Expansion::Text(text), _) => bytes.extend_from_slice(text.as_bytes()),
                    (Expansion::Absent, Some(default)) => bytes.extend_from_slice(default.as_bytes()),
                    (Expansion::Absent, None) => return Resolved::Never,
                    (Expansion::Open(reason), _) => {
                        bytes.push(MANY);
                        open.get_or_insert(reason);
                    }
                },
            }
        }
        match open {
            Some(reason) => Resolved::Open(bytes, reason),
            None => Resolved::Glob(Cow::Owned(bytes)),
        }
    }

    /// True when it matches every text.
    pub(crate) fn is_everything(&self) -> bool {
        matches!(self.pieces.as_slice(), [Piece::Text(bytes)] if bytes.as_slice() == [MANY])
    }
}

/// `aws:PrincipalTag/team, 'none'`
fn name_and_default(inner: &str) -> (&str, Option<String>) {
    match inner.split_once(',') {
        Some((name, default)) => (name.trim(), Some(default.trim().trim_matches('\'').to_owned())),
        None => (inner.trim(), None),
    }
}

/// True when the whole text matches. `*` crosses `/` and `:`; `?` is one character.
pub(crate) fn glob(pattern: &[u8], text: &str) -> bool {
    let head = pattern.iter().position(|&byte| byte >= ONE).unwrap_or(pattern.len());
    let text = text.as_bytes();
    text.starts_with(&pattern[..head]) && glob_bytes(&pattern[head..], &text[head..])
}

fn glob_bytes(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut read) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while read < text.len() {
        match pattern.get(at) {
            Some(&MANY) => {
                at += 1;
                retry = Some((at, read));
            }
            Some(&ONE) => {
                at += 1;
                read = next_character(text, read);
            }
            Some(&byte) if byte == text[read] => {
                at += 1;
                read += 1;
            }
            _ => {
                let Some((after_star, from)) = retry else { return false };
                let from = next_character(text, from);
                // Where a plain sign must follow the star, only its next occurrence can do.
                let from = match pattern.get(after_star) {
                    Some(&sign) if sign < ONE => match text[from..].iter().position(|&byte| byte == sign) {
                        Some(skip) => from + skip,
                        None => return false,
                    },
                    _ => from,
                };
                retry = Some((after_star, from));
                (at, read) = (after_star, from);
            }
        }
    }
    pattern[at..].iter().all(|&byte| byte == MANY)
}

fn next_character(text: &[u8], from: usize) -> usize {
    let tail = text.get(from + 1..).unwrap_or_default();
    from + 1 + tail.iter().take_while(|&&byte| byte & 0xc0 == 0x80).count()
}

/// Whether a pattern matches an ARN; `None` where it does as a plain text but its fields do not line up
/// with those of an ARN, so that IAM may see it otherwise.
///
/// A wildcard reaches over a colon only at the end of the pattern. Source: IAM user guide, "Resource".
pub(crate) fn glob_arn(pattern: &[u8], arn: &str) -> Option<bool> {
    if !glob(pattern, arn) {
        return Some(false);
    }
    let colons = |bytes: &[u8]| bytes.iter().filter(|&&byte| byte == b':').count();
    if pattern == [MANY] || colons(pattern) == colons(arn.as_bytes()) || fields_line_up(pattern, arn) {
        return Some(true);
    }
    None
}

fn fields_line_up(pattern: &[u8], arn: &str) -> bool {
    let mut rest = arn;
    let mut fields = pattern.split(|&byte| byte == b':').peekable();
    while let Some(field) = fields.next() {
        if fields.peek().is_none() {
            return field.last() == Some(&MANY) && glob(field, rest);
        }
        let Some((value, after)) = rest.split_once(':') else { return false };
        if !glob(field, value) {
            return false;
        }
        rest = after;
    }
    false
}

/// Whether a pattern matches an ARN field by field, as the ARN operators of conditions do; `None` when
/// the pattern has too few fields to be of an ARN.
pub(crate) fn glob_arn_fields(pattern: &[u8], arn: &str) -> Option<bool> {
    let patterns: Vec<&[u8]> = pattern.splitn(6, |&byte| byte == b':').collect();
    let values: Vec<&str> = arn.splitn(6, ':').collect();
    (patterns.len() == 6)
        .then(|| values.len() == 6 && patterns.iter().zip(&values).all(|(pattern, value)| glob(pattern, value)))
}

/// Whether a pattern matches every text (`Some(true)`), none (`Some(false)`) or some that start so.
pub(crate) fn glob_prefix(pattern: &[u8], prefix: &str) -> Option<bool> {
    let mut live = vec![false; pattern.len() + 1];
    live[0] = true;
    close(&mut live, pattern);
    for byte in prefix.bytes() {
        let mut next = vec![false; pattern.len() + 1];
        for (at, &sign) in pattern.iter().enumerate().filter(|(at, _)| live[*at]) {
            match sign {
                MANY => next[at] = true,
                ONE => next[at + 1] = true,
                _ if sign == byte => next[at + 1] = true,
                _ => {}
            }
        }
        close(&mut next, pattern);
        live = next;
    }
    if pattern.last() == Some(&MANY) && live[pattern.len() - 1] {
        return Some(true);
    }
    live.contains(&true).then_some(()).map_or(Some(false), |()| None)
}

fn close(live: &mut [bool], pattern: &[u8]) {
    for (at, &sign) in pattern.iter().enumerate() {
        if sign == MANY && live[at] {
            live[at + 1] = true;
        }
    }
}

/// The pattern in lower case, for operators that ignore case.
pub(crate) fn lower(pattern: &[u8]) -> Vec<u8> {
    pattern.to_ascii_lowercase()
}
