//! What can go wrong with a call.

use std::time::Duration;

use super::answer::{Answer, Call};

/// Something that goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// 403, in the service's own words, naming the action.
    Forbidden,
    /// 404 `ResourceNotFound`.
    NotFound,
    /// A 404 of something between us and Azure: no code, no JSON.
    Lost,
    /// This status and code; nothing was done.
    Refused(u16, &'static str),
    /// 429 with a `Retry-After` of so many seconds.
    Throttled(u64),
    /// 500; nothing was done.
    ServerError,
    /// 503 with a `Retry-After` of so many seconds; nothing was done.
    Unavailable(u64),
    /// The call takes effect, and the connection is lost in the middle of the answer.
    Cut,
    /// The call takes effect, and the answer is not JSON.
    Garbage,
    /// The call takes effect, and the answer is a page for people.
    Html,
    /// The true answer without the fields at this path; `*` stands for any entry of a list or map.
    Without(&'static str),
    /// Nothing is done and nothing is ever answered.
    Silence,
    /// The call takes effect, and nothing is ever answered.
    SilenceAfter,
    /// The true answer, late.
    Slow(Duration),
}

/// A trouble and the calls that meet it.
#[derive(Debug, Clone)]
pub(crate) struct Fault {
    method: Option<String>,
    path: String,
    query: String,
    exact: bool,
    kind: bool,
    skip: usize,
    times: Option<usize>,
    trouble: Trouble,
}

impl Fault {
    /// For all calls whose path holds this text; case plays no part.
    pub(crate) fn on(path: &str, trouble: Trouble) -> Self {
        Self {
            method: None,
            path: path.to_lowercase(),
            query: String::new(),
            exact: false,
            kind: false,
            skip: 0,
            times: None,
            trouble,
        }
    }

    /// For all calls of a kind, see [`is_of_kind`].
    pub(crate) fn on_kind(kind: &str, trouble: Trouble) -> Self {
        Self { kind: true, ..Self::on(kind, trouble) }
    }

    /// For one call as the record has it: its method, its whole path and its whole query.
    pub(crate) fn exactly(method: &str, path: &str, query: &str, trouble: Trouble) -> Self {
        Self { exact: true, ..Self::on(path, trouble).method(method).query(query) }
    }

    /// Only calls with this method.
    pub(crate) fn method(mut self, method: &str) -> Self {
        self.method = Some(method.to_owned());
        self
    }

    /// Only calls whose decoded query holds this text; case plays no part.
    pub(crate) fn query(mut self, query: &str) -> Self {
        self.query = query.to_lowercase();
        self
    }

    /// Only the first so many of these calls.
    pub(crate) fn times(mut self, times: usize) -> Self {
        self.times = Some(times);
        self
    }

    /// Lets so many of these calls through first.
    pub(crate) fn after(mut self, calls: usize) -> Self {
        self.skip = calls;
        self
    }

    /// What this call meets, if it is one of those.
    pub(crate) fn meet(&mut self, call: &Call) -> Option<Trouble> {
        let (path, query) = (call.path.to_lowercase(), call.query_text().to_lowercase());
        let told = if self.exact {
            path == self.path && query == self.query
        } else if self.kind {
            is_of_kind(&path, &self.path)
        } else {
            path.contains(&self.path) && query.contains(&self.query)
        };
        let fits = told && self.method.as_ref().is_none_or(|method| *method == call.method);
        if !fits || self.times == Some(0) {
            return None;
        }
        if self.skip > 0 {
            self.skip -= 1;
            return None;
        }
        self.times = self.times.map(|left| left - 1);
        Some(self.trouble)
    }
}

impl Trouble {
    /// The answer that comes instead of the true one; `None` where the call takes effect or nothing comes.
    pub(crate) fn answer(self, forbidden: Answer) -> Option<Answer> {
        let wait = |status, code, message, seconds: u64| {
            Answer::error(status, code, message).header("retry-after", &seconds.to_string())
        };
        match self {
            Self::Forbidden => Some(forbidden),
            Self::Lost => Some(Answer::empty(404)),
            Self::Refused(status, code) => Some(Answer::error(status, code, "It was refused.")),
            Self::NotFound => Some(Answer::error(
                404,
                "ResourceNotFound",
                "The Resource was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix",
            )),
            Self::Throttled(seconds) => {
                Some(wait(429, "TooManyRequests", "The request is being throttled.", seconds))
            }
            Self::Unavailable(seconds) => Some(wait(503, "ServerTimeout", "The service is busy.", seconds)),
            Self::ServerError => {
                Some(Answer::error(500, "InternalServerError", "Encountered internal server error."))
            }
            Self::Cut
            | Self::Garbage
            | Self::Html
            | Self::Without(_)
            | Self::Silence
            | Self::SilenceAfter
            | Self::Slow(_) => None,
        }
    }
}

/// True for a path that ends like that; where the text ends amid a name (`/roleDefinitions/`, `/applications(`), for one
/// that holds it.
pub(crate) fn is_of_kind(path: &str, kind: &str) -> bool {
    path.ends_with(kind) || (kind.ends_with(['/', '(']) && path.contains(kind))
}

/// Takes the fields at a path out of a body.
pub(crate) fn without(body: &mut serde_json::Value, path: &str) {
    let (first, rest) = path.split_once('/').map_or((path, None), |(first, rest)| (first, Some(rest)));
    let below: Vec<&mut serde_json::Value> = match body {
        serde_json::Value::Object(fields) => {
            if rest.is_none() {
                fields.remove(first);
                return;
            }
            fields.iter_mut().filter(|(name, _)| first == "*" || *name == first).map(|(_, one)| one).collect()
        }
        serde_json::Value::Array(list) => list.iter_mut().collect(),
        _ => Vec::new(),
    };
    for one in below {
        without(one, rest.unwrap_or_default());
    }
}

/// The paths of all fields of a body.
pub(crate) fn paths(body: &serde_json::Value, above: &str, found: &mut std::collections::BTreeSet<String>) {
    let join = |name: &str| if above.is_empty() { name.to_owned() } else { format!("{above}/{name}") };
    match body {
        serde_json::Value::Object(fields) => {
            for (name, one) in fields {
                // Names that are ids hold slashes themselves; they are data, not fields.
                if !name.contains('/') {
                    found.insert(join(name));
                    paths(one, &join(name), found);
                }
            }
        }
        serde_json::Value::Array(list) => list.iter().for_each(|one| paths(one, &join("*"), found)),
        _ => {}
    }
}
