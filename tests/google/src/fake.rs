//! The running fake.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use axum::Router;
use serde_json::{Value, json};
use tokio::sync::oneshot;

use crate::caller::Right;
use crate::cluster::CLOUD_PLATFORM;
use crate::fault::Fault;
use crate::key::{KEY_ID, Key};
use crate::serve::{Seen, Shared, State, handle, lock};
use crate::service::Service;
use crate::token::Token;
use crate::world::World;

/// A running fake. Dropping it ends it, requests in hand included.
pub struct Fake {
    shared: Shared,
    folder: tempfile::TempDir,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl std::fmt::Debug for Fake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fake").field("urls", &lock(&self.shared).urls).finish_non_exhaustive()
    }
}

/// The key of this process: making one takes a while.
fn key() -> &'static Key {
    static KEY: OnceLock<Key> = OnceLock::new();
    KEY.get_or_init(Key::generate)
}

impl Fake {
    /// Serves a world on free ports of 127.0.0.1, one for each service.
    ///
    /// # Panics
    /// When there is no free port, no thread or no temporary folder to be had.
    #[allow(clippy::expect_used, reason = "a fake that cannot begin says so")]
    pub fn start(world: World) -> Self {
        let open = || {
            let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
            listener.set_nonblocking(true).expect("a socket that does not block");
            listener
        };
        let doors: Vec<_> = Service::ALL.into_iter().map(|service| (service, open())).collect();
        let urls = doors
            .iter()
            .map(|(service, door)| (*service, format!("http://{}/", door.local_addr().expect("an address"))));
        let state = State {
            world,
            urls: urls.collect(),
            key: key(),
            tokens: Vec::new(),
            unguarded: Vec::new(),
            log: Vec::new(),
            faults: Vec::new(),
            latency: Duration::ZERO,
        };
        let shared = Arc::new(Mutex::new(state));
        let (stop, stopped) = oneshot::channel();
        let served = Arc::clone(&shared);
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                for (service, door) in doors {
                    let router = Router::new().fallback(handle).with_state((Arc::clone(&served), service));
                    let door = tokio::net::TcpListener::from_std(door).expect("the listener");
                    tokio::spawn(async move { axum::serve(door, router).await.expect("it serves") });
                }
                let _ = stopped.await;
            });
        });
        let folder = tempfile::tempdir().expect("a temporary folder");
        Self { shared, folder, stop: Some(stop), thread: Some(thread) }
    }

    /// Where a service is: `http://127.0.0.1:PORT/`.
    pub fn url(&self, service: Service) -> String {
        lock(&self.shared).url(service)
    }

    /// The end points of all services that have a variable for it.
    pub fn ends(&self) -> Vec<(String, String)> {
        let pair = |service: Service| {
            let name = format!("CLOUDSDK_API_ENDPOINT_OVERRIDES_{}", service.variable()?);
            Some((name, self.url(service)))
        };
        Service::ALL.into_iter().filter_map(pair).collect()
    }

    #[allow(clippy::expect_used, reason = "a fake that cannot write says so")]
    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).expect("a file of the fake");
        path
    }

    fn with_credentials(&self, file: &Path) -> Vec<(String, String)> {
        let credentials = ("GOOGLE_APPLICATION_CREDENTIALS".to_owned(), file.to_string_lossy().into_owned());
        [self.ends(), vec![credentials]].concat()
    }

    /// The environment of a client that logs in with the caller's key.
    pub fn env(&self) -> Vec<(String, String)> {
        self.with_credentials(&self.key_file())
    }

    /// The file of the caller's key.
    pub fn key_file(&self) -> PathBuf {
        let email = self.change(|world| world.caller.email.clone());
        let project = email.split_once('@').and_then(|(_, host)| host.split('.').next()).unwrap_or_default();
        let token = format!("{}token", self.url(Service::OAuth));
        let text = json!({
            "type": "service_account",
            "project_id": project,
            "private_key_id": KEY_ID,
            "private_key": lock(&self.shared).key.pem,
            "client_email": email,
            "client_id": "100000000000000000000",
            "auth_uri": "https://accounts.google.com/o/oauth2/auth",
            "token_uri": token,
            "universe_domain": "googleapis.com",
        });
        self.file("key.json", &text.to_string())
    }

    /// The environment of a job in a CI system outside Google that has its subject token in a file.
    ///
    /// # Panics
    /// When the world has no [`crate::Federation`].
    pub fn federation_env(&self) -> Vec<(String, String)> {
        let token = self.change(|world| world.federation.as_ref().map(|known| known.subject_token.clone()));
        let file = self.file("subject-token", &token.unwrap_or_default());
        self.external(&json!({ "file": file }))
    }

    /// The environment of such a job that asks its CI system for the subject token.
    ///
    /// # Panics
    /// When the world has no [`crate::Federation`].
    pub fn federation_url_env(&self) -> Vec<(String, String)> {
        let token = self.change(|world| world.federation.as_ref().map(|known| known.request_token.clone()));
        self.external(&json!({
            "url": format!("{}subject-token", self.url(Service::Ci)),
            "headers": { "Authorization": format!("Bearer {}", token.unwrap_or_default()) },
            "format": { "type": "json", "subject_token_field_name": "value" },
        }))
    }

    #[allow(clippy::expect_used, reason = "a test that asks for what it did not build")]
    fn external(&self, source: &Value) -> Vec<(String, String)> {
        let federation = self.change(|world| world.federation.clone()).expect("a world with a federation");
        let mut text = json!({
            "type": "external_account",
            "audience": federation.audience,
            "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
            "token_url": format!("{}v1/token", self.url(Service::Sts)),
            "credential_source": source,
            "universe_domain": "googleapis.com",
        });
        if let Some(email) = federation.impersonates {
            let url = self.url(Service::IamCredentials);
            text["service_account_impersonation_url"] =
                json!(format!("{url}v1/projects/-/serviceAccounts/{email}:generateAccessToken"));
        }
        self.with_credentials(&self.file("federation.json", &text.to_string()))
    }

    /// A token of the caller for all scopes.
    pub fn token(&self) -> String {
        self.token_for(&[CLOUD_PLATFORM])
    }

    /// A token of the caller for these scopes.
    pub fn token_for(&self, scopes: &[&str]) -> String {
        let scopes: Vec<String> = scopes.iter().map(|&scope| scope.to_owned()).collect();
        let mut state = lock(&self.shared);
        let email = state.world.caller.email.clone();
        state.give_token(&email, &scopes)
    }

    /// The environment of `gcloud`, with a folder and a token of its own.
    pub fn gcloud_env(&self) -> Vec<(String, String)> {
        let token = self.file("token", &self.token());
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let own = vec![
            pair("CLOUDSDK_AUTH_ACCESS_TOKEN_FILE", &token.to_string_lossy()),
            pair("CLOUDSDK_CONFIG", &self.folder.path().join("gcloud").to_string_lossy()),
            pair("CLOUDSDK_CORE_DISABLE_PROMPTS", "1"),
            pair("CLOUDSDK_CORE_DISABLE_USAGE_REPORTING", "1"),
            pair("CLOUDSDK_COMPONENT_MANAGER_DISABLE_UPDATE_CHECK", "1"),
        ];
        [self.ends(), own].concat()
    }

    /// A function that knows the tokens that were given out, for API servers of clusters.
    pub fn cluster_tokens(&self) -> impl Fn(&str) -> bool + Send + Sync + 'static {
        let shared = Arc::clone(&self.shared);
        move |text| lock(&shared).tokens.iter().any(|token: &Token| token.text == text && !token.is_over())
    }

    /// Every secret that left the fake or lies in its files: tokens and the key.
    pub fn secrets(&self) -> Vec<String> {
        let state = lock(&self.shared);
        let key = state.key.pem.lines().nth(1).unwrap_or_default().to_owned();
        let federation = state.world.federation.iter();
        let ci = federation.flat_map(|known| [known.subject_token.clone(), known.request_token.clone()]);
        state.tokens.iter().map(|token| token.text.clone()).chain([key]).chain(ci).collect()
    }

    /// What was asked so far.
    pub fn requests(&self) -> Vec<Seen> {
        lock(&self.shared).log.clone()
    }

    /// What was asked and is nothing that the fake knows. A client is wrong, or the fake is.
    pub fn strangers(&self) -> Vec<Seen> {
        self.requests().into_iter().filter(|seen| seen.stranger).collect()
    }

    /// The resources whose policy was set without an etag, which overwrites whatever stands there.
    pub fn unguarded_writes(&self) -> Vec<String> {
        lock(&self.shared).unguarded.clone()
    }

    /// Forgets what was asked.
    pub fn forget_requests(&self) {
        lock(&self.shared).log.clear();
    }

    /// Adds a fault; of several that fit a call, the first one counts.
    pub fn set_fault(&self, fault: Fault) {
        lock(&self.shared).faults.push(fault);
    }

    /// Takes all faults away.
    pub fn clear_faults(&self) {
        lock(&self.shared).faults.clear();
    }

    /// Delays every answer.
    pub fn set_latency(&self, latency: Duration) {
        lock(&self.shared).latency = latency;
    }

    /// Takes a right from the caller, everywhere; the permission may end in `*`.
    pub fn take_right(&self, permission: &str) {
        self.change(|world| world.caller.taken.push(Right::new(permission, "")));
    }

    /// Gives back all rights that were taken.
    pub fn give_rights_back(&self) {
        self.change(|world| world.caller.taken.clear());
    }

    /// Reads or changes the world between two calls.
    pub fn change<T>(&self, with: impl FnOnce(&mut World) -> T) -> T {
        with(&mut lock(&self.shared).world)
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
