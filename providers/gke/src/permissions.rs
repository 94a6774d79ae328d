//! The rights that pullaudit needs in Google Cloud, as a custom role.

use pullaudit_core::{DamagedRights, Extent, Permissions, Purpose, rights};
use serde::Deserialize;
use serde_json::json;
use std::collections::BTreeSet;

/// One permission.
#[derive(Debug, Deserialize)]
struct Right {
    permission: String,
    #[serde(rename = "for")]
    purpose: String,
    /// `organisation` where a role of a project can't hold it, or holds it for the project only.
    #[serde(default)]
    at: String,
}

/// The custom role as `gcloud iam roles create` takes it. A role of a project holds no permissions on folders and
/// organisations, so those are a note where projects are named.
pub(crate) fn permissions(purpose: Purpose, extent: &Extent) -> Result<Permissions, DamagedRights> {
    let all: Vec<Right> = rights("gke", include_str!("../permissions.json"))?;
    let projects = extent.scopes.as_slice();
    let wanted = |right: &&Right| purpose == Purpose::Fix || right.purpose == "audit";
    let (above, own): (Vec<&Right>, Vec<&Right>) =
        all.iter().filter(wanted).partition(|right| !projects.is_empty() && right.at == "organisation");
    let own: BTreeSet<&str> = own.iter().map(|right| right.permission.as_str()).collect();
    let what = match purpose {
        Purpose::Audit => "Reads what pullaudit needs to tell who may download from which repository.",
        Purpose::Fix => "Reads what pullaudit needs, and writes policies of repositories.",
    };
    let role = json!({
        "title": format!("pullaudit-{}", purpose.as_str()),
        "description": what,
        "stage": "GA",
        "includedPermissions": own,
    });
    let id = format!("pullaudit{}", if purpose == Purpose::Fix { "Fix" } else { "Audit" });
    let mut notes = match projects {
        [] => vec![format!(
            "gcloud iam roles create {id} --organization ORGANIZATION --file FILE, then bind it there"
        )],
        some => some
            .iter()
            .map(|project| {
                format!("gcloud iam roles create {id} --project {project} --file FILE, then bind it there")
            })
            .collect(),
    };
    if !above.is_empty() {
        let list: Vec<&str> = above.iter().map(|right| right.permission.as_str()).collect();
        notes.push(format!(
            "what a role of a project can't hold for what is above it, at the organisation: {}",
            list.join(", ")
        ));
    }
    notes.push(
        "grants to groups are unknown, whatever you grant: pullaudit does not evaluate group memberships"
            .to_owned(),
    );
    Ok(Permissions { document: format!("{role:#}\n"), notes })
}
