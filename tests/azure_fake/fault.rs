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
            skip: 0,
            times: None,
            trouble,
        }
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
            Self::Cut | Self::Garbage | Self::Silence | Self::SilenceAfter | Self::Slow(_) => None,
        }
    }
}
