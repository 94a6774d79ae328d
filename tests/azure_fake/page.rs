//! Lists in pages.

use serde_json::{Value, json};

use super::answer::{Answer, Call, Outcome};

/// How lists are cut into pages.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Paging {
    /// Entries of a page; `None` puts everything on one.
    pub(crate) size: Option<usize>,
    /// A full page names a next one even if nothing is left for it.
    pub(crate) empty_last: bool,
    /// The token is one long opaque word, not a number that stands in the link twice.
    pub(crate) opaque: bool,
}

impl Paging {
    /// Pages of this many, as managed clusters were recorded: the token twice in the link, and an empty
    /// page at the end.
    pub(crate) fn recorded(size: usize) -> Self {
        Self { size: Some(size), empty_last: true, opaque: false }
    }

    /// Pages of this many with an opaque token and no empty page.
    pub(crate) fn opaque(size: usize) -> Self {
        Self { size: Some(size), empty_last: false, opaque: true }
    }

    fn token(self, start: usize) -> String {
        if self.opaque { format!("eyJuZXh0IjoiZmFrZSJ9{start:020}") } else { start.to_string() }
    }
}

const TOKENS: [&str; 2] = ["$skipToken", "skipToken"];

/// The page that a call asks for.
pub(crate) fn page(paging: Paging, url: &str, call: &Call, all: &[Value]) -> Outcome {
    let bad = || Answer::stranger(400, "InvalidSkipToken", "The provided skip token is not one of this list.");
    let start = match TOKENS.iter().find_map(|name| call.param(name)) {
        None => 0,
        Some(token) => (1..=all.len()).find(|&start| paging.token(start) == token).ok_or_else(bad)?,
    };
    let size = paging.size.unwrap_or(usize::MAX).max(1);
    let end = start.saturating_add(size).min(all.len());
    let mut body = json!({ "value": all[start..end] });
    let full = paging.size.is_some() && end - start == size;
    if end < all.len() || (full && paging.empty_last) {
        body["nextLink"] = json!(link(paging, url, call, end));
    }
    Ok(Answer::ok(body))
}

fn link(paging: Paging, url: &str, call: &Call, start: usize) -> String {
    let kept = call.query.iter().filter(|(key, _)| !TOKENS.iter().any(|name| name.eq_ignore_ascii_case(key)));
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(kept);
    let token = paging.token(start);
    query.append_pair(TOKENS[0], &token);
    if !paging.opaque {
        query.append_pair(TOKENS[1], &token);
    }
    format!("{url}{}?{}", call.path, query.finish())
}
