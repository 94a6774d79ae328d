//! Where Google's APIs are.

use pullaudit_core::DiscoverError;

/// The variables by which gcloud and its users move an API, and where it is else.
const APIS: [(&str, &str, &str); 5] = [
    ("container", "CLOUDSDK_API_ENDPOINT_OVERRIDES_CONTAINER", "https://container.googleapis.com"),
    (
        "artifactregistry",
        "CLOUDSDK_API_ENDPOINT_OVERRIDES_ARTIFACTREGISTRY",
        "https://artifactregistry.googleapis.com",
    ),
    (
        "cloudresourcemanager",
        "CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDRESOURCEMANAGER",
        "https://cloudresourcemanager.googleapis.com",
    ),
    ("iam", "CLOUDSDK_API_ENDPOINT_OVERRIDES_IAM", "https://iam.googleapis.com"),
    ("serviceusage", "CLOUDSDK_API_ENDPOINT_OVERRIDES_SERVICEUSAGE", "https://serviceusage.googleapis.com"),
];

/// A variable of the environment.
pub(crate) type Environment = dyn Fn(&str) -> Option<String> + Send + Sync;

/// The addresses, without a slash at the end, by the name that calls are counted under.
pub(crate) fn endpoints(environment: &Environment) -> Result<Vec<(&'static str, String)>, DiscoverError> {
    let one = |(name, variable, usual): (&'static str, &str, &str)| {
        let set = environment(variable).filter(|value| !value.is_empty());
        let address = set.unwrap_or_else(|| usual.to_owned());
        let address = address.trim_end_matches('/').to_owned();
        let uri: Option<http::Uri> = address.parse().ok();
        let whole =
            uri.is_some_and(|uri| matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some());
        if whole {
            return Ok((name, address));
        }
        Err(DiscoverError::Failed {
            what: variable.to_owned(),
            detail: "is no address: write https://HOST/, as gcloud takes it".to_owned(),
        })
    };
    APIS.into_iter().map(one).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_moves_one_api_and_what_is_no_address_is_named() {
        let moved = |name: &str| name.ends_with("_IAM").then(|| "http://127.0.0.1:9/".to_owned());
        let found = endpoints(&moved).unwrap();
        assert_eq!(found[3], ("iam", "http://127.0.0.1:9".to_owned()));
        assert_eq!(found[0], ("container", "https://container.googleapis.com".to_owned()));
        let wrong = |name: &str| name.ends_with("_IAM").then(|| "iam.example".to_owned());
        let error = endpoints(&wrong).unwrap_err().to_string();
        assert!(error.contains("CLOUDSDK_API_ENDPOINT_OVERRIDES_IAM"), "{error}");
    }
}
