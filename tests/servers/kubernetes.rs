//! A real kube-apiserver with etcd behind it. No controllers run: a Deployment makes no pods, and a
//! namespace has no `default` service account but through [`Kubernetes::namespace`].

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use kube::api::{Api, DynamicObject, GroupVersionKind, Patch, PatchParams, PostParams};
use kube::discovery::{ApiCapabilities, ApiResource, Scope, pinned_kind};
use kube::{Client, Config};
use pullaudit::kubernetes::rights::cluster_role;
use serde_json::{Value, json};

use super::kubernetes_calls::KubernetesCalls;
use super::process::Server;
use super::proxy::Proxy;
use super::reviewer::Reviewer;
use super::upstream::Upstream;
use super::{Skipped, installed, scripts};

/// May do everything.
pub(crate) const ADMIN: &str = "admin";
/// May do what `pullaudit permissions --provider kubernetes` prints, so no test of an audit can pass by more.
pub(crate) const AUDITOR: &str = "auditor";
/// Is known, and may do nothing.
pub(crate) const NOBODY: &str = "nobody";

/// A running API server. Tests may share one and use namespaces of their own.
pub(crate) struct Kubernetes {
    server: Server,
    reviewer: Reviewer,
    client: Client,
    runtime: tokio::runtime::Runtime,
    ca: PathBuf,
}

/// An API server of one's own, with the users [`ADMIN`], [`AUDITOR`] and [`NOBODY`].
pub(crate) fn start() -> Result<Kubernetes, Skipped> {
    let (apiserver, etcd) = binaries()?;
    let reviewer = Reviewer::start();
    let users: Vec<Value> = [(ADMIN, json!(["system:masters"])), (AUDITOR, json!([])), (NOBODY, json!([]))]
        .iter()
        .map(|(name, groups)| json!({ "name": name, "token": token(name), "groups": groups }))
        .collect();
    let server = Server::start(
        Command::new("python3")
            .arg(scripts("kubernetes").join("serve.py"))
            .args([apiserver, etcd])
            .arg(Value::from(users).to_string())
            .arg(reviewer.endpoint()),
    );
    let ca = Path::new(server.said("folder")).join("apiserver.crt");
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    let client = {
        let _inside = runtime.enter();
        let mut config = Config::new(server.said("endpoint").parse().expect("an address"));
        config.root_cert = Some(certificates(&ca));
        config.auth_info.token = Some(token(ADMIN).into());
        Client::try_from(config).expect("a client")
    };
    let kubernetes = Kubernetes { server, reviewer, client, runtime, ca };
    kubernetes.let_the_auditor_read();
    Ok(kubernetes)
}

/// The API server that the tests of this binary share.
pub(crate) fn shared() -> Result<&'static Kubernetes, Skipped> {
    static SHARED: OnceLock<Result<Kubernetes, Skipped>> = OnceLock::new();
    SHARED.get_or_init(start).as_ref().map_err(Clone::clone)
}

/// The token of one of the three users.
pub(crate) fn token(user: &str) -> String {
    format!("token-of-{user}")
}

impl Kubernetes {
    /// `https://127.0.0.1:PORT`.
    pub(crate) fn endpoint(&self) -> &str {
        self.server.said("endpoint")
    }

    /// The CA that signed the server's certificate, as PEM.
    pub(crate) fn ca(&self) -> &str {
        self.server.said("ca")
    }

    /// The CA in base64, as EKS gives it in `certificateAuthority.data` and a kubeconfig holds it.
    pub(crate) fn ca_data(&self) -> String {
        use base64::Engine as _;
        base64::engine::general_purpose::STANDARD.encode(self.ca())
    }

    /// A new proxy in front of the API server. Its end point is plain HTTP: give it to [`Self::kubeconfig`].
    pub(crate) fn proxy(&self) -> Proxy {
        Proxy::start(Upstream::https(self.endpoint(), self.ca()), KubernetesCalls)
    }

    /// Who answers for the tokens that a client makes out of AWS credentials.
    pub(crate) fn reviewer(&self) -> &Reviewer {
        &self.reviewer
    }

    /// A client as admin, to be used inside [`Self::block_on`].
    pub(crate) fn client(&self) -> Client {
        self.client.clone()
    }

    /// Runs a future on the runtime the client belongs to.
    pub(crate) fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    /// A kubeconfig file in which `context` leads here as `user`; `server` replaces the address (a proxy's, say).
    pub(crate) fn kubeconfig(&self, user: &str, context: &str, server: Option<&str>) -> PathBuf {
        let config = json!({
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{ "name": context, "cluster": {
                "server": server.unwrap_or(self.endpoint()),
                "certificate-authority-data": self.ca_data(),
            }}],
            "users": [{ "name": user, "user": { "token": token(user) } }],
            "contexts": [{ "name": context, "context": { "cluster": context, "user": user } }],
            "current-context": context,
        });
        let folder = tempfile::tempdir_in(self.server.said("folder")).expect("a folder").keep();
        // JSON is YAML, and kubectl and kube both take it.
        let file = folder.join("kubeconfig");
        std::fs::write(&file, config.to_string()).expect("the kubeconfig is written");
        file
    }

    /// Creates an object of any kind the server knows, and its `status` where it has one. Returns it as stored.
    pub(crate) fn apply(&self, object: &Value) -> Value {
        self.runtime.block_on(apply(&self.client, object))
    }

    /// Creates objects in order.
    pub(crate) fn apply_all<'a>(&self, objects: impl IntoIterator<Item = &'a Value>) {
        for object in objects {
            self.apply(object);
        }
    }

    /// Creates a namespace and the `default` service account that a controller would give it.
    pub(crate) fn namespace(&self, name: &str) {
        self.apply(&json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name } }));
        self.apply(&json!({
            "apiVersion": "v1", "kind": "ServiceAccount",
            "metadata": { "name": "default", "namespace": name },
        }));
    }

    /// Makes the server have a kind without namespaces, whose objects may hold anything.
    pub(crate) fn serve_kind(&self, group: &str, kind: &str, plural: &str) {
        let schema = json!({ "type": "object", "x-kubernetes-preserve-unknown-fields": true });
        self.define(group, "v1", kind, plural, "Cluster", &schema);
    }

    /// Serves a custom kind, of that scope (`Cluster` or `Namespaced`) and with that schema.
    pub(crate) fn define(
        &self,
        group: &str,
        version: &str,
        kind: &str,
        plural: &str,
        scope: &str,
        schema: &Value,
    ) {
        let versions = json!([{ "name": version, "served": true, "storage": true, "schema": { "openAPIV3Schema": schema },
            "subresources": { "status": {} } }]);
        self.apply(&json!({
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": { "name": format!("{plural}.{group}") },
            "spec": { "group": group, "scope": scope, "versions": versions,
                "names": { "kind": kind, "plural": plural, "singular": kind.to_lowercase() } },
        }));
        self.await_kind(group, version, plural);
    }

    /// Waits until a custom kind is served. The server answers its list, its version and its group from separate
    /// caches, in no fixed order, and clients read all three.
    fn await_kind(&self, group: &str, version: &str, plural: &str) {
        let answers = |path: String| {
            let request = http::Request::get(path).body(Vec::new()).unwrap();
            self.block_on(async { self.client().request::<Value>(request).await }).ok()
        };
        let named = |found: &Value, list: &str, name: &str| {
            found[list].as_array().is_some_and(|all| all.iter().any(|one| one["name"] == name))
        };
        let served = || {
            answers(format!("/apis/{group}/{version}/{plural}")).is_some()
                && answers(format!("/apis/{group}/{version}"))
                    .is_some_and(|found| named(&found, "resources", plural))
                && answers("/apis".to_owned()).is_some_and(|found| named(&found, "groups", group))
        };
        let until = Instant::now() + Duration::from_secs(30);
        while !served() {
            assert!(Instant::now() < until, "{plural}.{group} is never served");
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    fn let_the_auditor_read(&self) {
        let role = cluster_role(AUDITOR, false, pullaudit_eks::cluster::WANTS);
        self.apply(&serde_saphyr::from_str(&role).expect("the role is YAML"));
        self.apply(&json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
            "metadata": { "name": AUDITOR },
            "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": AUDITOR },
            "subjects": [{ "apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": AUDITOR }],
        }));
    }
}

async fn apply(client: &Client, object: &Value) -> Value {
    let wanted: DynamicObject = serde_json::from_value(object.clone()).expect("apiVersion, kind and metadata");
    let name = wanted.metadata.name.clone().expect("a name");
    let (resource, capabilities) = resource_of(client, &wanted).await;
    let api: Api<DynamicObject> = match (&wanted.metadata.namespace, capabilities.scope) {
        (Some(namespace), Scope::Namespaced) => Api::namespaced_with(client.clone(), namespace, &resource),
        (None, Scope::Cluster) => Api::all_with(client.clone(), &resource),
        (namespace, scope) => panic!("{} {name}: namespace {namespace:?}, scope {scope:?}", resource.kind),
    };
    let made = api
        .create(&PostParams::default(), &wanted)
        .await
        .unwrap_or_else(|error| panic!("{} {name}: {error}", resource.kind));
    let Some(status) = object.get("status") else { return serde_json::to_value(made).unwrap() };
    let patch = Patch::Merge(json!({ "status": status }));
    let patched = api.patch_status(&name, &PatchParams::default(), &patch).await;
    serde_json::to_value(patched.unwrap_or_else(|error| panic!("{} {name}: {error}", resource.kind))).unwrap()
}

async fn resource_of(client: &Client, object: &DynamicObject) -> (ApiResource, ApiCapabilities) {
    let types = object.types.as_ref().expect("apiVersion and kind");
    let kind = GroupVersionKind::try_from(types).expect("a group, a version and a kind");
    pinned_kind(client, &kind).await.unwrap_or_else(|error| panic!("{kind:?}: {error}"))
}

fn certificates(pem: &Path) -> Vec<Vec<u8>> {
    use rustls::pki_types::{CertificateDer, pem::PemObject as _};
    CertificateDer::pem_file_iter(pem)
        .expect("the CA file")
        .map(|certificate| certificate.expect("a certificate").to_vec())
        .collect()
}

/// kube-apiserver and etcd, by envtest's convention first, else as `install.sh` built them.
fn binaries() -> Result<(PathBuf, PathBuf), Skipped> {
    let folder = std::env::var_os("KUBEBUILDER_ASSETS").map(PathBuf::from);
    let named = |name| std::env::var_os(name).map(PathBuf::from);
    let candidates = [
        folder.map(|folder| (folder.join("kube-apiserver"), folder.join("etcd"))),
        named("TEST_ASSET_KUBE_APISERVER").zip(named("TEST_ASSET_ETCD")),
        Some((installed("kubernetes").join("kube-apiserver"), installed("kubernetes").join("etcd"))),
    ];
    candidates.into_iter().flatten().find(|(apiserver, etcd)| apiserver.is_file() && etcd.is_file()).ok_or_else(
        || Skipped { why: "kube-apiserver and etcd are not built; scripts/servers builds them".into() },
    )
}
