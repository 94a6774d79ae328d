//! What can go wrong with a call.

use std::time::Duration;

use serde_json::json;

use crate::answer::{Answer, Call, error_info};

/// Something that goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// 403, in the service's own words, naming the permission.
    Forbidden,
    /// Google's own 404, as of something that is not there or is hidden.
    NotFound,
    /// A 404 of something between us and Google: a page for people, no JSON.
    Lost,
    /// 403 `SERVICE_DISABLED`: the API is not enabled.
    Disabled,
    /// The same of the project of the credentials, not of the one that is asked about.
    DisabledElsewhere,
    /// 403 `SECURITY_POLICY_VIOLATED`: VPC Service Controls.
    Perimeter,
    /// 403 `CONSUMER_INVALID`: the project on whose behalf the call is made is not there.
    NoConsumer,
    /// 200 and a page for people, as a captive proxy answers; nothing was done.
    Page,
    /// 401: the token is refused.
    Unauthenticated,
    /// This status and code; nothing was done.
    Refused(u16, &'static str),
    /// 429 `RESOURCE_EXHAUSTED` with a `Retry-After` of so many seconds.
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
    /// Somebody else changes the policy just before the call is answered: a set with a former etag meets 409.
    ConcurrentEdit,
    /// The policy is answered at version 1, whatever was asked for.
    VersionOne,
    /// The first page, again and again, each with the same token of a next one.
    LoopingPages,
}

/// A trouble and the calls that meet it.
#[derive(Debug, Clone)]
pub struct Fault {
    name: Option<String>,
    verb: Option<String>,
    path: String,
    query: String,
    exact: bool,
    skip: usize,
    times: Option<usize>,
    trouble: Trouble,
}

impl Fault {
    /// For all calls whose path holds this text; case plays no part.
    pub fn on(path: &str, trouble: Trouble) -> Self {
        Self {
            name: None,
            verb: None,
            path: path.to_lowercase(),
            query: String::new(),
            exact: false,
            skip: 0,
            times: None,
            trouble,
        }
    }

    /// For all calls of a method by its name, such as `container.projects.locations.clusters.list`
    /// (see [`crate::names`]).
    pub fn call(name: &str, trouble: Trouble) -> Self {
        Self { name: Some(name.to_owned()), ..Self::on("", trouble) }
    }

    /// For one call as the record has it: its verb, its whole path and its whole query.
    pub fn exactly(verb: &str, path: &str, query: &str, trouble: Trouble) -> Self {
        Self { exact: true, ..Self::on(path, trouble).verb(verb).query(query) }
    }

    /// Only calls with this verb.
    pub fn verb(mut self, verb: &str) -> Self {
        self.verb = Some(verb.to_owned());
        self
    }

    /// Only calls whose path holds this text.
    pub fn path(mut self, path: &str) -> Self {
        self.path = path.to_lowercase();
        self
    }

    /// Only calls whose decoded query holds this text; case plays no part.
    pub fn query(mut self, query: &str) -> Self {
        self.query = query.to_lowercase();
        self
    }

    /// Only the first so many of these calls.
    pub fn times(mut self, times: usize) -> Self {
        self.times = Some(times);
        self
    }

    /// Lets so many of these calls through first.
    pub fn after(mut self, calls: usize) -> Self {
        self.skip = calls;
        self
    }

    /// What this call meets, if it is one of those.
    pub(crate) fn meet(&mut self, call: &Call, name: &str) -> Option<Trouble> {
        let (path, query) = (call.path_text().to_lowercase(), call.query_text().to_lowercase());
        let told = if self.exact {
            path == self.path && query == self.query
        } else {
            path.contains(&self.path) && query.contains(&self.query)
        };
        let named = self.name.as_ref().is_none_or(|wanted| wanted == name);
        let fits = told && named && self.verb.as_ref().is_none_or(|verb| *verb == call.verb);
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

fn perimeter() -> Answer {
    let message = "Request is prohibited by organization's policy. vpcServiceControlsUniqueIdentifier: Ab1_cD-2";
    let metadata = json!({ "uid": "Ab1_cD-2", "service": "artifactregistry.googleapis.com" });
    let info = error_info("SECURITY_POLICY_VIOLATED", "googleapis.com", &metadata);
    Answer::detailed(403, "PERMISSION_DENIED", message, &[info])
}

fn no_consumer() -> Answer {
    let metadata = json!({ "consumer": "projects/700", "service": "container.googleapis.com" });
    let info = error_info("CONSUMER_INVALID", "googleapis.com", &metadata);
    Answer::detailed(403, "PERMISSION_DENIED", "Permission denied on resource project 700.", &[info])
}

impl Trouble {
    /// The answer that comes instead of the true one; `None` where the call takes effect or nothing comes.
    pub(crate) fn answer(self, forbidden: Answer, disabled: Answer) -> Option<Answer> {
        let wait = |status, code, message, seconds: u64| {
            Answer::error(status, code, message).header("retry-after", &seconds.to_string())
        };
        match self {
            Self::Forbidden => Some(forbidden),
            Self::Disabled => Some(disabled),
            Self::DisabledElsewhere => Some(crate::ask::disabled(crate::Service::Container, "100000000009")),
            Self::Perimeter => Some(perimeter()),
            Self::NoConsumer => Some(no_consumer()),
            Self::Page => Some(Answer::page(200, "<!DOCTYPE html><title>Sign in</title><p>Guests.")),
            Self::NotFound => Some(Answer::not_found()),
            Self::Lost => Some(Answer::page(404, "<!DOCTYPE html><title>Error 404</title><p>No such page.")),
            Self::Unauthenticated => Some(crate::token::unauthenticated()),
            Self::Refused(status, code) => Some(Answer::error(status, code, "It was refused.")),
            Self::Throttled(seconds) => {
                Some(wait(429, "RESOURCE_EXHAUSTED", "Quota exceeded for this minute.", seconds))
            }
            Self::Unavailable(seconds) => {
                Some(wait(503, "UNAVAILABLE", "The service is currently unavailable.", seconds))
            }
            Self::ServerError => Some(Answer::error(500, "INTERNAL", "Internal error encountered.")),
            Self::Cut
            | Self::Garbage
            | Self::Silence
            | Self::SilenceAfter
            | Self::Slow(_)
            | Self::ConcurrentEdit
            | Self::VersionOne
            | Self::LoopingPages => None,
        }
    }
}
