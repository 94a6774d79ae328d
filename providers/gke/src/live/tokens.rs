//! Tokens: `gcp_auth`'s chain, and workload identity federation, which it does not know.

use super::endpoint::Environment;
use super::external::External;
use async_trait::async_trait;
use pullaudit_core::{Calls, DiscoverError};
use pullaudit_wire::{Renewals, Wire, chain, scrub};
use serde_json::Value;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::RwLock;

/// What every token is good for; the rights of the identity are the limit.
pub(crate) const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";

const KEY_FILE: &str = "GOOGLE_APPLICATION_CREDENTIALS";
const TRIED: &str = "GOOGLE_APPLICATION_CREDENTIALS (key file or workload identity federation), gcloud auth \
                     application-default login, the metadata server";
const NEXT: &str = "next: gcloud auth application-default login, or set GOOGLE_APPLICATION_CREDENTIALS to a file of \
                    credentials";

/// Where bearer tokens come from.
#[async_trait]
pub(crate) trait TokenSource: Send + Sync {
    /// A token that is good now, or why there is none, in one line.
    async fn token(&self) -> Result<String, String>;

    /// Drops a token that a service refused, so that the next one is another. False where that was tried a moment
    /// ago, so that another token does not help.
    async fn renew(&self, refused: &str) -> bool;
}

/// One of `gcp_auth`'s, which keeps tokens until they expire and has no way to drop one: it is made again instead.
struct Library {
    source: LibrarySource,
    made: RwLock<Arc<dyn gcp_auth::TokenProvider>>,
    renewals: Renewals,
}

/// Which of `gcp_auth`'s providers.
#[derive(Clone, Copy)]
enum LibrarySource {
    KeyFile,
    Login,
    Metadata,
}

impl LibrarySource {
    /// `None` where the environment names no key file.
    async fn make(self) -> Result<Option<Arc<dyn gcp_auth::TokenProvider>>, gcp_auth::Error> {
        Ok(Some(match self {
            Self::KeyFile => match gcp_auth::CustomServiceAccount::from_env()? {
                Some(key) => Arc::new(key),
                None => return Ok(None),
            },
            Self::Login => Arc::new(gcp_auth::ConfigDefaultCredentials::new().await?),
            Self::Metadata => Arc::new(gcp_auth::MetadataServiceAccount::new().await?),
        }))
    }
}

impl Library {
    async fn find(source: LibrarySource) -> Result<Option<Arc<dyn TokenSource>>, gcp_auth::Error> {
        let Some(made) = source.make().await? else { return Ok(None) };
        Ok(Some(Arc::new(Self { source, made: RwLock::new(made), renewals: Renewals::default() })))
    }
}

#[async_trait]
impl TokenSource for Library {
    async fn token(&self) -> Result<String, String> {
        let made = Arc::clone(&*self.made.read().await);
        match made.token(&[SCOPE]).await {
            Ok(token) => Ok(token.as_str().to_owned()),
            Err(error) => Err(chain(&error)),
        }
    }

    async fn renew(&self, refused: &str) -> bool {
        let mut made = self.made.write().await;
        let current = made.token(&[SCOPE]).await;
        if current.is_ok_and(|current| current.as_str() != refused) {
            return true;
        }
        if !self.renewals.begin() {
            return false;
        }
        match self.source.make().await {
            Ok(Some(again)) => *made = again,
            Ok(None) => return false,
            Err(error) => {
                tracing::debug!(why = chain(&error), "no new token of Google");
                return false;
            }
        }
        true
    }
}

/// The source that the environment names. It is asked once, so that wrong credentials are said before anything is
/// read with them.
pub(crate) async fn source(
    environment: &Environment,
    wire: &Arc<Wire>,
    calls: &Arc<Calls>,
    timeout: Duration,
) -> Result<Arc<dyn TokenSource>, DiscoverError> {
    let first = async {
        let source = chosen(environment, wire, calls).await?;
        source.token().await?;
        tracing::debug!(identity = identity(environment), "signed in to Google Cloud");
        Ok(source)
    };
    // Neither the library nor an end point of tokens bounds its own waiting.
    match tokio::time::timeout(timeout, first).await {
        Ok(source) => source.map_err(|why: String| rejected(why)),
        Err(_) => Err(rejected("no token in time")),
    }
}

async fn chosen(
    environment: &Environment,
    wire: &Arc<Wire>,
    calls: &Arc<Calls>,
) -> Result<Arc<dyn TokenSource>, String> {
    if let Some(path) = file(environment) {
        let body = read(&path)?;
        match body["type"].as_str() {
            Some("external_account") => {
                return Ok(Arc::new(External::parse(&body, wire, calls).map_err(|why| told(&path, &why))?));
            }
            Some(
                kind @ ("impersonated_service_account"
                | "external_account_authorized_user"
                | "gdch_service_account"),
            ) => {
                return Err(told(
                    &path,
                    &format!("holds credentials of type {kind}, which pullaudit does not take"),
                ));
            }
            _ => {}
        }
    }
    // Not the library's own order: it would start gcloud at last, which writes into the home of whoever runs it.
    let told = |error: gcp_auth::Error| chain(&error);
    if let Some(key) = Library::find(LibrarySource::KeyFile).await.map_err(told)? {
        return Ok(key);
    }
    let source = if file(environment).is_some() { LibrarySource::Login } else { LibrarySource::Metadata };
    match (Library::find(source).await, source) {
        (Ok(Some(made)), _) => Ok(made),
        (Err(error), LibrarySource::Login) => Err(told(error)),
        _ => Err("no source has any".to_owned()),
    }
}

/// Whose the credentials are, as far as their file says it; never a part of a key.
fn identity(environment: &Environment) -> String {
    let Some(path) = file(environment) else { return "the service account of this machine".to_owned() };
    let body = read(&path).unwrap_or_default();
    let texts = ["client_email", "service_account_impersonation_url", "audience", "type"];
    let who = texts.iter().find_map(|key| body[*key].as_str()).unwrap_or_default();
    told(&path, who)
}

/// The file of credentials that counts, where there is one.
fn file(environment: &Environment) -> Option<PathBuf> {
    if let Some(path) = environment(KEY_FILE).filter(|path| !path.is_empty()) {
        return Some(PathBuf::from(path));
    }
    let home = environment("HOME")?;
    let usual = Path::new(&home).join(".config/gcloud/application_default_credentials.json");
    usual.is_file().then_some(usual)
}

fn read(path: &Path) -> Result<Value, String> {
    let text = bounded(path).map_err(|error| told(path, &error.to_string()))?;
    // The parser's own words may repeat what stands there.
    serde_json::from_str(&text)
        .map_err(|error| told(path, &format!("is not JSON: line {}, column {}", error.line(), error.column())))
}

/// The text of a file of credentials, which is never large.
pub(crate) fn bounded(path: &Path) -> std::io::Result<String> {
    const MOST: u64 = 1 << 20;
    let mut text = String::new();
    std::fs::File::open(path)?.take(MOST + 1).read_to_string(&mut text)?;
    if u64::try_from(text.len()).unwrap_or(u64::MAX) > MOST {
        return Err(std::io::Error::other("larger than 1 MiB, the most that credentials may have"));
    }
    Ok(text)
}

fn told(path: &Path, why: &str) -> String {
    format!("{}: {why}", path.display())
}

/// Nothing can be read with these credentials.
pub(crate) fn rejected(detail: impl AsRef<str>) -> DiscoverError {
    DiscoverError::Credentials {
        cloud: "Google Cloud",
        detail: scrub(detail.as_ref()),
        tried: TRIED.to_owned(),
        next: NEXT.to_owned(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    #[cfg(unix)]
    fn credentials_without_end_are_refused() {
        let why = read(Path::new("/dev/zero")).unwrap_err();
        assert_eq!(why, "/dev/zero: larger than 1 MiB, the most that credentials may have");
    }
}
