//! Lists that come in pages.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use serde_json::{Map, Value, json};

use crate::answer::{Answer, Outcome};
use crate::ask::Ask;

/// How lists are cut into pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paging {
    /// No page is longer, whatever `pageSize` asks for.
    pub size: usize,
    /// The first page of every list is empty, and has a token of a next one.
    pub empty_first: bool,
}

impl Default for Paging {
    /// Pages of 100.
    fn default() -> Self {
        Self { size: 100, empty_first: false }
    }
}

fn token(ask: &Ask<'_>, at: usize) -> String {
    // It belongs to its list: with another parent it is worth nothing.
    URL_SAFE.encode(format!("{at}@{}@{}", ask.call.path_text(), ask.call.param("query").unwrap_or_default()))
}

fn place(ask: &Ask<'_>, text: &str) -> Option<usize> {
    let known = String::from_utf8(URL_SAFE.decode(text).ok()?).ok()?;
    let at = known.split('@').next()?.parse().ok()?;
    (token(ask, at) == text).then_some(at)
}

/// The page of `items` that was asked for, under the list's own name.
pub(crate) fn answer(ask: &Ask<'_>, paging: Paging, key: &str, items: &[Value]) -> Outcome {
    let wrong = |what: &str| Answer::invalid(what).stranger();
    let size = match ask.call.param("pageSize").map(str::parse::<usize>) {
        None | Some(Ok(0)) => paging.size,
        Some(Ok(size)) => size.min(paging.size),
        Some(Err(_)) => return Err(wrong("Invalid value at 'page_size' (TYPE_INT32)")),
    };
    let at = match ask.call.param("pageToken") {
        None | Some("") => None,
        Some(text) => Some(place(ask, text).ok_or_else(|| wrong("The page token is not valid."))?),
    };
    let from = if ask.looping { 0 } else { at.unwrap_or(0) };
    let (till, first) = (from.saturating_add(size).min(items.len()), at.is_none());
    let till = if first && paging.empty_first { from } else { till };
    let mut body = Map::new();
    if till > from {
        body.insert(key.to_owned(), json!(items[from.min(items.len())..till]));
    }
    if ask.looping {
        body.insert("nextPageToken".to_owned(), json!(token(ask, 0)));
    } else if till < items.len() || (first && paging.empty_first) {
        body.insert("nextPageToken".to_owned(), json!(token(ask, till)));
    }
    Ok(Answer::ok(Value::Object(body)))
}
