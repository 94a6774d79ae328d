//! Refusals that no missing permission explains, in words that say what to do.

/// The policies that a refusal of AWS may name and that a grant to the caller does not outweigh.
const LIMITS: [(&str, &str); 5] = [
    ("service control policy", "service control policy"),
    ("resource control policy", "resource control policy"),
    ("permissions boundary", "permissions boundary"),
    ("vpc endpoint policy", "VPC endpoint policy"),
    ("session policy", "session policy"),
];

/// Codes of a region that is not enabled, or of an account that may not call.
///
/// Source: EC2 API reference, "Common client errors"; Account Management API reference, "Common errors".
const CLOSED: [&str; 8] = [
    "AccountDisabled",
    "AccountSuspendedException",
    "Blocked",
    "InvalidRegionException",
    "OptInRequired",
    "PendingVerification",
    "RegionDisabledException",
    "SubscriptionRequiredException",
];

/// The policy that refused, where a grant to the caller would not help.
///
/// Source: IAM user guide, "Troubleshoot access denied error messages": `with an explicit deny in a … policy`, or
/// `because no … allows the … action`.
pub(super) fn by_policy(message: &str) -> Option<&'static str> {
    let lower = message.to_ascii_lowercase();
    let limit = LIMITS.iter().find_map(|(said, name)| {
        let denies = lower.contains(&format!("explicit deny in a {said}"));
        (denies || lower.contains(&format!("because no {said} allows"))).then_some(*name)
    });
    limit.or_else(|| lower.contains("with an explicit deny").then_some("policy"))
}

/// True where the region or the account is closed to the caller.
pub(super) fn is_closed(code: &str, message: &str) -> bool {
    CLOSED.contains(&code) || message.to_ascii_lowercase().contains("region is disabled")
}

pub(super) fn policy_advice(detail: &str) -> String {
    let policy = by_policy(detail).unwrap_or("policy");
    format!(
        "a {policy} refuses the call, and no grant outweighs it: ask its owner for an exception for the caller ({detail})"
    )
}

pub(super) fn credentials_advice(detail: &str) -> String {
    let next = if detail.contains("Expired") || detail.contains("expired") {
        "get fresh ones (aws sso login, or assume the role again) and run again"
    } else {
        "check them with aws sts get-caller-identity; in a region that is not enabled they are not known"
    };
    format!("the credentials were not accepted; {next} ({detail})")
}

pub(super) fn closed_advice(code: &str, detail: &str) -> String {
    if code.starts_with("Account") || matches!(code, "Blocked" | "PendingVerification") {
        return format!("the account may not call AWS; its owner asks AWS Support ({detail})");
    }
    format!("the region is not enabled for the account; enable it, or leave it out with --region ({detail})")
}

/// What the SDK says of a connection, in words for people.
pub(super) fn connection(said: &str) -> String {
    let lower = said.to_ascii_lowercase();
    let words = if lower.contains("dns error") || lower.contains("failed to lookup address") {
        "DNS lookup failed: there is no such host; check the name of the region, and the network"
    } else if lower.contains("connection refused") {
        "connection refused"
    } else if lower.contains("certificate") {
        "certificate not trusted"
    } else {
        return said.to_owned();
    };
    format!("{words} ({said})")
}
