//! Findings by name: a table a provider, and one for what is the same everywhere.

use serde::{Deserialize, Serialize, Serializer};
use std::fmt;
use std::hash::{Hash, Hasher};

/// How much a finding matters; ordered from the least.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Nothing to do.
    Info,
    /// Worth a look.
    Low,
    /// Will hurt in some case.
    Medium,
    /// Will hurt at the next pod start.
    High,
    /// Hurts now, or has no way around.
    Critical,
}

impl Severity {
    /// The word in reports and flags.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// One row of a code table.
#[derive(Debug)]
pub struct CodeRow {
    /// kebab-case; public and stable.
    pub name: &'static str,
    /// What it is worth when nothing about the workload says more.
    pub severity: Severity,
    /// How telling the code is among several reasons of one refusal; the highest names the check.
    pub rank: u16,
    /// What it means, in a sentence.
    pub meaning: &'static str,
    /// How it comes about.
    pub how: &'static str,
    /// How to fix it by hand, with commands.
    pub fix: &'static str,
}

/// A finding: a reference to its row. Equal when the names are.
#[derive(Clone, Copy)]
pub struct Code(pub &'static CodeRow);

impl Code {
    /// The public name.
    pub fn name(self) -> &'static str {
        self.0.name
    }

    /// How telling it is, see [`CodeRow::rank`].
    pub fn rank(self) -> u16 {
        self.0.rank
    }

    /// What it is worth by itself.
    pub fn severity(self) -> Severity {
        self.0.severity
    }
}

impl PartialEq for Code {
    fn eq(&self, other: &Self) -> bool {
        self.0.name == other.0.name
    }
}
impl Eq for Code {}
impl PartialOrd for Code {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
/// The most telling first, then by name.
impl Ord for Code {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        other.0.rank.cmp(&self.0.rank).then_with(|| self.0.name.cmp(other.0.name))
    }
}
impl Hash for Code {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.name.hash(state);
    }
}
impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name)
    }
}
impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.0.name)
    }
}
impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.name)
    }
}

/// Writes a provider's table `CODES` and, with it, the enum `Finding` with a name for each of its rows
/// that the compiler checks; `Finding::code` gives the [`Code`].
///
/// A row is `Name: "kebab-case", Severity, rank, meaning, how, fix;`, see [`CodeRow`].
#[macro_export]
macro_rules! code_table {
    (
        $(#[$table_doc:meta])* $table_vis:vis static $table:ident;
        $(#[$enum_doc:meta])* $enum_vis:vis enum $name:ident;
        $($finding:ident: $code:literal, $severity:ident, $rank:literal, $meaning:literal, $how:literal, $fix:literal;)*
    ) => {
        $(#[$table_doc])*
        $table_vis static $table: &[$crate::CodeRow] = &[$($crate::CodeRow {
            name: $code,
            severity: $crate::Severity::$severity,
            rank: $rank,
            meaning: $meaning,
            how: $how,
            fix: $fix,
        }),*];

        $(#[$enum_doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[allow(clippy::doc_markdown, reason = "the sentences are for people, not for rustdoc")]
        $enum_vis enum $name {
            $(#[doc = $meaning] $finding),*
        }

        impl $name {
            /// The code of this finding.
            $enum_vis fn code(self) -> $crate::Code {
                $crate::Code(&$table[self as usize])
            }
        }
    };
    ($finding:ident: $($rest:tt)*) => {
        $crate::code_table! {
            /// Every finding of this cloud, for `explain` and for snapshots.
            pub static CODES;
            /// A row of [`CODES`].
            pub(crate) enum Finding;
            $finding: $($rest)*
        }
    };
}

crate::code_table! {
    /// Findings that mean the same whatever the cloud.
    pub static CORE_CODES;
    /// A row of [`CORE_CODES`].
    pub enum CoreFinding;

    Allowed: "allowed", Info, 0,
        "No right, rule or fact that was read refuses the pull.",
        "The identity that decides holds every right that the pull needs.",
        "Nothing to fix.";

    AnonymousRefused: "anonymous-refused", High, 10,
        "The kubelet has no credential for this host, and the registry refuses anonymous pulls.",
        "No pull secret and no credential plugin of the node matches the image's host, so the kubelet asks \
         without a login. Usual causes: the registry is another cloud's than the node, a host that the plugin's \
         patterns do not cover, a pull secret whose key is another host.",
        "Use a host that the node's credential plugin answers for, or add a pull secret whose key is the image's \
         host: kubectl create secret docker-registry NAME --docker-server=HOST …; or mirror the image into a \
         registry of the node's own cloud.";

    ForeignRegistry: "foreign-registry", Low, 20,
        "The image lies in an account, project or registry that none of the credentials in use can read.",
        "The registry belongs to another team or company, or its account is missing from the scopes.",
        "Name who may read it in pullaudit.yaml under scopes, or say there under registries that it is public.";

    IdentityUnread: "identity-unread", Medium, 30,
        "It is not known which identity pulls here.",
        "The reading that names the pool's identity was refused or failed.",
        "Grant pullaudit the right that the finding names, and audit again.";

    InvalidReference: "invalid-reference", High, 95,
        "The image reference does not parse: the kubelet answers InvalidImageName and never pulls.",
        "A template variable that was not replaced, an upper-case repository, a scheme such as https://, an empty \
         tag, a digest of the wrong length.",
        "Correct the reference in the workload's manifest; pullaudit image REF says what it means.";

    NoPoolFits: "no-pool-fits", Medium, 5,
        "No pool of the cluster satisfies the template's node selector, required affinity and tolerations.",
        "The pool was removed or renamed, a taint was added, or the pods wait for a pool that a person adds later.",
        "Compare the template's nodeSelector, affinity and tolerations with the pools: kubectl get nodes --show-labels";

    NotCollected: "not-collected", Low, 15,
        "The facts that would answer this were not read when the snapshot was taken.",
        "The snapshot was taken with a narrower scope, or the image is new since.",
        "Take a new snapshot with the same scope: pullaudit collect -o FILE";

    NotJudged: "not-judged", Info, 1,
        "The image lies on a registry that none of the clouds owns, so no rights can be read for it.",
        "A public registry such as docker.io, or one of your own that is no cloud's.",
        "Nothing to fix; registries: in pullaudit.yaml says which hosts are public.";

    NeverPulled: "never-pulled", Info, 1,
        "A container has imagePullPolicy Never: its kubelet asks no registry, so no right decides.",
        "The image is meant to be on the node already, by its machine image or by another pod.",
        "Nothing to fix; where it is to be pulled, remove imagePullPolicy from the template.";

    PodsOnly: "pods-only", Info, 1,
        "Workloads of a custom kind are known by their pods alone, so one that is scaled to zero, or is about to \
         change its image, is not seen.",
        "The kind holds no pod template at spec.template, or its objects could not be listed.",
        "Where the audit names a right that it lacks on the kind, grant it; else check the image with pullaudit can-pull.";

    SnapshotsDisagree: "snapshots-disagree", Low, 2,
        "Two snapshots given with --from say different things of one subject; the newer was taken.",
        "Something changed between the two readings.",
        "Take a new snapshot of the whole scope: pullaudit collect -o FILE";

    ExceptionExpired: "exception-expired", Low, 2,
        "An exception of the config is past its last day and no longer covers anything.",
        "Its `expires` lies before the day that is judged.",
        "Fix what it covered, or give it a new day and a reason that still holds.";

    ExceptionUnused: "exception-unused", Low, 2,
        "An exception of the config covers no check of this run.",
        "What it covered is fixed or gone, a name in its `match` is wrong, only some of a check's workloads match, or \
         what it names lies outside this run's selection, as the notice says.",
        "Audit everything that it names (pullaudit audit --all-clouds); if it is still unused, remove it from \
         pullaudit.yaml or correct its `match`.";

    PullSecretBroken: "pull-secret-broken", High, 90,
        "A pull secret of the pod can't be parsed; the kubelet then fails every image of the pod and asks nobody.",
        "The auth of any entry is not base64, decodes to no user:password, or the document is not what its type \
         promises. One bad entry is enough, even for another host.",
        "Write the secret anew: kubectl create secret docker-registry NAME --docker-server=HOST --docker-username=U \
         --docker-password=P --dry-run=client -o yaml | kubectl apply -f -";

    PullSecretMissing: "pull-secret-missing", Low, 2,
        "A workload names a pull secret that does not exist; the kubelet warns and pulls without it.",
        "It was renamed or deleted, is not copied to that namespace, or a service account names it for every pod.",
        "Make it in the pods' own namespace, or take the name out of imagePullSecrets of the template or the service \
         account.";

    PullSecretDefect: "pull-secret-defect", Low, 2,
        "A pull secret, or an entry of it, covers nothing or logs in as nobody.",
        "Its type or its key is not what the kubelet looks for, or an entry has no login in it.",
        "Write the secret anew: kubectl create secret docker-registry NAME --docker-server=HOST --docker-username=U \
         --docker-password=P --dry-run=client -o yaml | kubectl apply -f -";

    PullSecretEnded: "pull-secret-ended", Medium, 2,
        "The login in a pull secret has ended: what issues such logins lets them last some hours.",
        "The secret was made by hand with a token of the cloud (user AWS on ECR: 12 hours; user 00000000-… on ACR: 3 \
         hours), or what writes it anew has stopped.",
        "Take it out where the node's identity can pull; else look at what writes it (a CronJob, \
         external-secrets), or use a login that lasts: kubectl get secret NAME -o yaml --show-managed-fields \
         tells who wrote it last.";

    PullSecretUnjudged: "pull-secret-unjudged", Low, 12,
        "The pull would use a pull secret, and whether the registry accepts its login can't be read from rights.",
        "pullaudit never logs in with a workload's secret. Where the node's identity can pull as well, the secret \
         does not matter and this is not reported.",
        "--read-secrets tells whether the secret has an entry for this host at all.";
}
