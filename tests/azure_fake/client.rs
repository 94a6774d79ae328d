//! A small client of the fake, over real TLS, for tests that ask it themselves. It blocks.

use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::{HeaderMap, Request};
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use serde_json::{Value, json};
use tokio::net::TcpStream;

use super::Fake;

/// What came back.
#[derive(Debug)]
pub(crate) struct Reply {
    /// Status.
    pub(crate) status: u16,
    /// Headers.
    pub(crate) headers: HeaderMap,
    /// The body; null where there is none.
    pub(crate) body: Value,
}

impl Reply {
    /// The code of an error.
    pub(crate) fn code(&self) -> &str {
        self.body["error"]["code"].as_str().unwrap_or_default()
    }

    /// The entries of a list.
    pub(crate) fn value(&self) -> &[Value] {
        self.body["value"].as_array().expect("a list")
    }

    /// The names of the entries of a list.
    pub(crate) fn names(&self) -> Vec<&str> {
        self.value().iter().map(|one| one["name"].as_str().expect("a name")).collect()
    }
}

/// A client with a token.
pub(crate) struct Client {
    url: String,
    ca: CertificateDer<'static>,
    token: Option<String>,
}

impl Client {
    /// A client that has not logged in.
    pub(crate) fn anonymous(fake: &Fake) -> Self {
        let ca = CertificateDer::from_pem_file(fake.ca_pem_path()).expect("the CA");
        Self { url: fake.url(), ca, token: None }
    }

    /// A client with a token for Resource Manager.
    pub(crate) fn new(fake: &Fake) -> Self {
        Self::of(fake, &fake.url())
    }

    /// A client with a token for a resource.
    pub(crate) fn of(fake: &Fake, resource: &str) -> Self {
        let mut client = Self::anonymous(fake);
        let (tenant, form) = fake.change(|world| {
            let secret = world.caller.secret.clone();
            (world.tenants[0].clone(), login(&world.caller.client_id, &[("client_secret", &secret)], resource))
        });
        let reply = client.login(&tenant, &form);
        client.token = Some(reply.body["access_token"].as_str().expect("a token").to_owned());
        client
    }

    /// Sets the token.
    pub(crate) fn with_token(mut self, token: &str) -> Self {
        self.token = Some(token.to_owned());
        self
    }

    /// The answer of the token end point to a form.
    pub(crate) fn login(&self, tenant: &str, form: &str) -> Reply {
        self.send("POST", &format!("/{tenant}/oauth2/v2.0/token"), form).expect("an answer")
    }

    /// A GET of a path with its query, or of a whole link.
    pub(crate) fn get(&self, path: &str) -> Reply {
        self.send("GET", path, "").expect("an answer")
    }

    /// Any call; an error where no whole answer comes within two seconds.
    pub(crate) fn send(&self, method: &str, path: &str, body: &str) -> Result<Reply, String> {
        let run = || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let sent = tokio::time::timeout(Duration::from_secs(2), self.exchange(method, path, body));
                sent.await.map_err(|_| "silence".to_owned())?
            })
        };
        // On a thread of its own, so that it may be called from a runtime too.
        std::thread::scope(|scope| scope.spawn(run).join().expect("an exchange"))
    }

    async fn exchange(&self, method: &str, path: &str, body: &str) -> Result<Reply, String> {
        let host = self.url.trim_start_matches("https://");
        let path = path.strip_prefix(&self.url).unwrap_or(path);
        let mut roots = rustls::RootCertStore::empty();
        roots.add(self.ca.clone()).expect("a CA");
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions of TLS")
            .with_root_certificates(roots)
            .with_no_client_auth();
        let stream = TcpStream::connect(host).await.map_err(|error| error.to_string())?;
        let name = ServerName::try_from("127.0.0.1").expect("a name");
        let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
        let stream = connector.connect(name, stream).await.map_err(|error| error.to_string())?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| error.to_string())?;
        tokio::spawn(connection);
        let mut request = Request::builder().method(method).uri(path.replace(' ', "%20")).header("host", host);
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let request = request.body(Full::new(Bytes::copy_from_slice(body.as_bytes()))).expect("a request");
        let response = sender.send_request(request).await.map_err(|error| error.to_string())?;
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.map_err(|error| error.to_string())?.to_bytes();
        let body = if bytes.is_empty() { Ok(Value::Null) } else { serde_json::from_slice(&bytes) };
        let body = body.map_err(|error| error.to_string())?;
        Ok(Reply { status: parts.status.as_u16(), headers: parts.headers, body })
    }

    /// Makes a role assignment; `kind` is the principal's type, if it is told.
    pub(crate) fn put(&self, scope: &str, guid: &str, role: &str, principal: &str, kind: Option<&str>) -> Reply {
        let subscription = scope.split('/').nth(2).unwrap_or_default();
        let role =
            format!("/subscriptions/{subscription}/providers/Microsoft.Authorization/roleDefinitions/{role}");
        let mut properties = json!({ "roleDefinitionId": role, "principalId": principal });
        if let Some(kind) = kind {
            properties["principalType"] = json!(kind);
        }
        let body = json!({ "properties": properties }).to_string();
        self.send("PUT", &assignment(scope, guid), &body).expect("an answer")
    }
}

/// The form of a login with client credentials.
pub(crate) fn login(client: &str, proof: &[(&str, &str)], resource: &str) -> String {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("grant_type", "client_credentials").append_pair("client_id", client);
    form.append_pair("scope", &format!("{resource}/.default")).extend_pairs(proof);
    form.finish()
}

/// The path of a role assignment.
pub(crate) fn assignment(scope: &str, guid: &str) -> String {
    let scope = if scope == "/" { "" } else { scope };
    format!("{scope}/providers/Microsoft.Authorization/roleAssignments/{guid}?api-version=2022-04-01")
}

/// The path of a list of rights at a scope: `roleAssignments`, `denyAssignments`, …
pub(crate) fn rights(scope: &str, kind: &str, filter: &str) -> String {
    let scope = if scope == "/" { "" } else { scope };
    let filter = if filter.is_empty() { String::new() } else { format!("&$filter={filter}") };
    format!("{scope}/providers/Microsoft.Authorization/{kind}?api-version=2022-04-01{filter}")
}
