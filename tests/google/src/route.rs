//! From a call to its row in the table.

use std::collections::BTreeMap;

use crate::answer::Call;
use crate::methods::{METHODS, Method};
use crate::reach::ATTACHED;

/// The names of all methods and of the ways to a token, for an ablation that takes each away.
pub fn names() -> Vec<&'static str> {
    let ways = ["oauth2.token", "sts.token", "ci.subjectToken"];
    METHODS.iter().map(|method| method.name).chain(ways).collect()
}

/// Whether a segment can be the name that a place holds.
fn fits(place: &str, segment: &str) -> bool {
    match place {
        // As Google's library writes it: `/` as `%2F`, once.
        "point" => return segment.strip_prefix(ATTACHED).is_some_and(|name| name.contains('/')),
        "kind" => return segment == "denypolicies",
        _ => {}
    }
    let domain_scoped = place == "project"
        && segment.split_once(':').is_some_and(|(domain, id)| {
            domain.contains('.') && !domain.contains('@') && !id.is_empty() && !id.contains(':')
        });
    !segment.is_empty() && (!segment.contains(':') || domain_scoped)
}

fn bind(template: &'static str, segments: &[String]) -> Option<BTreeMap<&'static str, String>> {
    let words: Vec<&'static str> = template.split('/').collect();
    if words.len() != segments.len() {
        return None;
    }
    let mut names = BTreeMap::new();
    for (word, segment) in words.into_iter().zip(segments) {
        let Some(open) = word.strip_prefix('{') else {
            if word != segment {
                return None;
            }
            continue;
        };
        let (place, verb) = open.split_once('}')?;
        let name = segment.strip_suffix(verb)?;
        if !fits(place, name) {
            return None;
        }
        names.insert(place, name.to_owned());
    }
    Some(names)
}

/// The method that a call means, with the names in its path.
pub(crate) fn find(call: &Call) -> Option<(&'static Method, BTreeMap<&'static str, String>)> {
    let of_service = METHODS.iter().filter(|method| method.service == call.service && method.verb == call.verb);
    of_service.into_iter().find_map(|method| bind(method.path, &call.path).map(|names| (method, names)))
}
