//! Findings about pull secrets by themselves: what is wrong with one says nothing of a pull that another login allows,
//! and breaks pulls from registries that no cloud owns, which are never judged.

use crate::report::plural;
use jiff::Timestamp;
use pullaudit_core::{Code, CoreFinding, Notice, PullSecret, Read, Snapshot};
use std::collections::BTreeSet;

/// What is wrong with the pull secrets that were read: those that do not exist, those with
/// defects, and those whose logins have ended by then.
pub fn notices(snapshot: &Snapshot, at: Timestamp) -> Vec<Notice> {
    snapshot.secrets.iter().flat_map(|(key, secret)| of_secret(snapshot, key, secret, at)).collect()
}

fn of_secret(snapshot: &Snapshot, key: &str, secret: &Read<PullSecret>, at: Timestamp) -> Vec<Notice> {
    // Ids of clusters hold slashes; the names of a namespace and a secret do not.
    let mut parts = key.rsplitn(3, '/');
    let (Some(name), Some(namespace), Some(cluster)) = (parts.next(), parts.next(), parts.next()) else {
        return Vec::new();
    };
    let told = |code: Code, what: &str| Notice {
        code: code.name(),
        severity: code.severity(),
        subject: format!("pull secret {namespace}/{name} of {}", short(snapshot, cluster)),
        message: format!("{what} (named by {})", plural(named_by(snapshot, cluster, namespace, name), "workload")),
    };
    match secret {
        Read::Absent => {
            vec![told(CoreFinding::PullSecretMissing.code(), "it does not exist, so the kubelet passes it over")]
        }
        Read::Unread(_) => Vec::new(),
        Read::Got(secret) => {
            let code = |fatal| {
                if fatal { CoreFinding::PullSecretBroken.code() } else { CoreFinding::PullSecretDefect.code() }
            };
            let defects = secret.defects.iter().map(|defect| told(code(defect.is_fatal()), &defect.to_string()));
            let ended = secret.ended(at).filter_map(|entry| {
                let (key, hours, written) = (&entry.key, entry.hours?, secret.written?);
                let what = format!("the login of {key} lasts {hours} hours, and was last written at {written}");
                Some(told(CoreFinding::PullSecretEnded.code(), &what))
            });
            defects.chain(ended).collect()
        }
    }
}

fn short<'a>(snapshot: &'a Snapshot, id: &'a str) -> &'a str {
    let record = snapshot.clusters.iter().find(|record| record.cluster.id.0 == id);
    record.map_or(id, |record| record.cluster.name.as_str())
}

/// How many workloads there name it, in their template or in a pod that lives.
fn named_by(snapshot: &Snapshot, cluster: &str, namespace: &str, name: &str) -> usize {
    let here = snapshot.workloads.iter().filter(|workload| {
        workload.namespace == namespace && workload.cluster.as_ref().is_some_and(|id| id.0 == cluster)
    });
    let names = here.filter(|workload| {
        let mut groups = std::iter::once(&workload.next).chain(&workload.living);
        groups.any(|group| group.pull_secrets.iter().any(|one| one == name))
    });
    names.map(|workload| (&workload.kind, &workload.name)).collect::<BTreeSet<_>>().len()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on says so by a panic")]
mod tests {
    use super::*;
    use serde_json::json;

    fn snapshot() -> Snapshot {
        let workload = |name: &str, secrets: &[&str]| {
            json!({ "cluster": "/subscriptions/s/prod", "namespace": "shop", "kind": "Deployment", "name": name,
                "containers": [], "pullSecrets": secrets, "pools": [] })
        };
        let key = |name: &str| format!("/subscriptions/s/prod/shop/{name}");
        let defects =
            json!([{ "auth-not-base64": { "key": "ghcr.io" } }, { "empty-login": { "key": "quay.io" } }]);
        serde_json::from_value(json!({
            "schema": "pullaudit/snapshot/1", "takenAt": "2026-11-29T00:00:00Z", "clusters": [], "facts": {},
            "workloads": [workload("web", &["gone", "odd"]), workload("api", &["gone"])],
            "secrets": {
                key("gone"): "absent", key("odd"): { "got": { "entries": [], "defects": defects } },
                key("good"): { "got": { "entries": [{ "key": "ghcr.io" }], "written": "2025-01-01T00:00:00Z" } },
                key("fresh"): { "got": { "entries": [{ "key": "a.example", "hours": 12 }], "written": "2026-11-28T12:00:00Z" } },
                key("old"): { "got": { "entries": [{ "key": "a.example", "hours": 12 }], "written": "2026-11-28T11:59:59Z" } },
                key("undated"): { "got": { "entries": [{ "key": "a.example", "hours": 12 }] } },
            },
        }))
        .unwrap()
    }

    #[test]
    fn a_secret_that_is_missing_or_damaged_is_told_of_with_who_names_it() {
        let told: Vec<String> = notices(&snapshot(), snapshot().taken_at)
            .into_iter()
            .map(|notice| format!("{} {}: {}", notice.code, notice.subject, notice.message))
            .collect();
        assert_eq!(
            told,
            [
                "pull-secret-missing pull secret shop/gone of /subscriptions/s/prod: it does not exist, so the kubelet \
                 passes it over (named by 2 workloads)",
                "pull-secret-broken pull secret shop/odd of /subscriptions/s/prod: auth of ghcr.io is not base64; it must \
                 be the base64 of user:password (named by 1 workload)",
                "pull-secret-defect pull secret shop/odd of /subscriptions/s/prod: the entry of quay.io has no user, so \
                 the kubelet asks without a login; add auth (named by 1 workload)",
                "pull-secret-ended pull secret shop/old of /subscriptions/s/prod: the login of a.example lasts 12 hours, and \
                 was last written at 2026-11-28T11:59:59Z (named by 0 workloads)",
            ]
        );
    }
}
