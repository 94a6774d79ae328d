//! Which API version a resource provider has here, where it lacks the one that an operation is asked in.
//!
//! China, US Government and regions in a roll-out lag behind (Azure/azure-cli issues 30847, 26639, 9834). The error
//! lists what there is.

use super::operation::Operation;
use super::service::Answer;
use azure_core::http::Url;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// How a provider says that it lacks a version.
const LACKING: &[&str] = &["NoRegisteredProviderFound", "InvalidApiVersionParameter", "UnsupportedApiVersion"];

/// Versions in use instead, by operation.
#[derive(Debug, Default)]
pub(crate) struct Versions(Mutex<BTreeMap<&'static str, String>>);

impl Versions {
    /// The address in the version that is in use for the operation.
    pub(crate) fn address(&self, operation: &Operation, url: &Url) -> Url {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(operation.name).map_or_else(|| url.clone(), |version| in_version(operation, url, version))
    }

    /// Takes the newest version that an answer lists into use; false where it lists none that would do.
    pub(crate) fn learn(&self, operation: &'static Operation, answer: &Answer) -> bool {
        // Older versions of this provider do not tell conditions, without which a grant is not what it seems.
        let fixed = operation.service != "arm" || operation.action.starts_with("Microsoft.Authorization/");
        if fixed || (200..300).contains(&answer.status) {
            return false;
        }
        let trouble = answer.trouble(operation);
        if !trouble.is(LACKING) {
            return false;
        }
        let Some(newest) = newest(&trouble.detail, operation.version) else { return false };
        tracing::debug!(operation = operation.name, version = newest, "in another API version");
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(operation.name, newest.clone()) != Some(newest)
    }
}

fn in_version(operation: &Operation, url: &Url, version: &str) -> Url {
    let mut url = url.clone();
    let asked = format!("api-version={}", operation.version);
    let query = url.query().unwrap_or_default().replacen(&asked, &format!("api-version={version}"), 1);
    url.set_query(Some(&query));
    url
}

/// The newest version that a text names beside the one that was asked for; of one day, the one that is no preview.
fn newest(text: &str, asked: &str) -> Option<String> {
    let words = text.split(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '-'));
    let versions = words.filter(|word| is_version(word) && *word != asked);
    let day = |version: &&str| (version.get(..10).unwrap_or_default().to_owned(), version.len() == 10);
    versions.max_by_key(day).map(str::to_owned)
}

/// `2025-11-01`, `2025-03-01-preview`.
fn is_version(word: &str) -> bool {
    let digits = |(at, byte): (usize, u8)| if at == 4 || at == 7 { byte == b'-' } else { byte.is_ascii_digit() };
    let dated = word.len() >= 10 && word.bytes().take(10).enumerate().all(digits);
    dated && (word.len() == 10 || word.ends_with("-preview"))
}

#[cfg(test)]
mod tests {
    use super::newest;

    #[test]
    fn takes_the_newest_version_that_an_error_lists() {
        let text = "NoRegisteredProviderFound: No registered resource provider found for location 'chinaeast2' and API \
                    version '2025-11-01' for type 'registries'. The supported api-versions are '2017-10-01, \
                    2025-03-01-preview, 2023-07-01, 2019-05-01, 2023-01-01-preview'. The supported locations are 'x'.";
        assert_eq!(newest(text, "2025-11-01").as_deref(), Some("2025-03-01-preview"));
        assert_eq!(newest("'2024-01-01-preview, 2024-01-01'", "").as_deref(), Some("2024-01-01"));
        assert_eq!(newest("only 2025-11-01, 12-2025-01 and 2025-1-1", "2025-11-01"), None);
    }
}
