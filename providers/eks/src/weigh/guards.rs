//! The organization's policies above an account, which this version does not read.

use crate::codes::Finding;
use pullaudit_core::{Claim, Obstacle, Open, Text};

/// Above a role's account: none of its service control policies is known.
pub(crate) fn service(account: &str) -> Claim {
    guard(Finding::ScpUnread, "service control policies", account)
}

/// Above a registry's account: none of its resource control policies is known.
pub(crate) fn resource(account: &str) -> Claim {
    guard(Finding::RcpUnread, "resource control policies", account)
}

fn guard(finding: Finding, what: &str, account: &str) -> Claim {
    let reading: Text = format!("{what} of account {account}").into();
    let open = Open::Unread {
        reading: reading.clone(),
        permission: "organizations:ListPoliciesForTarget".into(),
        scope: format!("account {account}").into(),
        assumable: true,
        obstacle: Obstacle::NotAsked,
    };
    Claim::open(finding.code(), reading, "could deny the pull", vec![open])
}
