//! The pod that pullaudit runs in: the API server that it knows without any kubeconfig.

use super::access::ContextView;
use std::path::Path;

/// The name under which the cluster around this pod stands among the contexts, in the config and in `--context`.
pub const IN_CLUSTER: &str = "in-cluster";

/// Where a pod finds its service account.
const ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// The certificates of the API server that this pod was given, as PEM.
pub fn ca() -> Option<String> {
    std::fs::read_to_string(Path::new(ACCOUNT).join("ca.crt")).ok()
}

/// The context that stands for the cluster around this pod; `None` outside of one.
pub fn context() -> Option<ContextView> {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let host = variable("KUBERNETES_SERVICE_HOST")?;
    context_of(&host, variable("KUBERNETES_SERVICE_PORT").as_deref(), Path::new(ACCOUNT))
}

fn context_of(host: &str, port: Option<&str>, account: &Path) -> Option<ContextView> {
    if !["token", "ca.crt"].iter().all(|file| account.join(file).exists()) {
        return None;
    }
    let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
    let namespace = std::fs::read_to_string(account.join("namespace")).unwrap_or_default();
    Some(ContextView {
        name: IN_CLUSTER.to_owned(),
        cluster: String::new(),
        server: format!("https://{host}:{}", port.unwrap_or("443")),
        namespace: namespace.trim().to_owned(),
        current: true,
    })
}

/// Returns true if both hold a certificate in common. Each cluster has a certificate authority of its own; while one is
/// replaced, a cluster has two.
pub fn shares_authority(one: &str, other: &str) -> bool {
    let other = certificates(other);
    certificates(one).iter().any(|certificate| other.contains(certificate))
}

/// The certificates of a PEM text, without white space.
fn certificates(pem: &str) -> Vec<String> {
    const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
    const END: &str = "-----END CERTIFICATE-----";
    let parts = pem.split(BEGIN).skip(1).filter_map(|part| part.split_once(END));
    let body = |(body, _): (&str, &str)| body.split_whitespace().collect::<String>();
    parts.map(body).filter(|body| !body.is_empty()).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_pod_is_told_by_its_account() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(context_of("10.0.0.1", None, folder.path()), None);
        for (file, text) in [("token", "t"), ("ca.crt", "c"), ("namespace", "audit\n")] {
            std::fs::write(folder.path().join(file), text).unwrap();
        }
        let context = context_of("10.0.0.1", Some("6443"), folder.path()).unwrap();
        assert_eq!((context.name.as_str(), context.server.as_str()), ("in-cluster", "https://10.0.0.1:6443"));
        assert_eq!((context.namespace.as_str(), context.current), ("audit", true));
        assert_eq!(context_of("fd00::1", None, folder.path()).unwrap().server, "https://[fd00::1]:443");
    }

    #[test]
    fn one_certificate_in_common_is_one_cluster() {
        let pem = |body: &str| format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n");
        let both = pem("AAAA\nBBBB") + &pem("CCCC");
        assert!(shares_authority(&pem("AAAABBBB"), &both) && shares_authority(&both, &pem("CCCC")));
        assert!(!shares_authority(&pem("DDDD"), &both));
        assert!(!shares_authority("", "") && !shares_authority(&pem(""), &pem("")));
    }
}
