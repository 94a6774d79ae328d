//! What a change rests on, so that a world that moved is seen before anything is written.

use super::document;
use super::target::Target;
use crate::facts::Role;
use pullaudit_core::Fingerprint;
use serde_json::Value;
use uuid::Uuid;

/// Digests of readings live in this name space.
const DIGESTS: Uuid = Uuid::from_u128(0x4be1_90c7_6a2d_5d38_97f4_05b8_e3a6_c91d);

/// Ids of changes live in this name space; it never changes, so that the same change has the same id in every
/// run.
const CHANGES: Uuid = Uuid::from_u128(0xd2f8_1e53_70b9_5c4a_8a16_b94d_21c7_f06e);

/// The document of a change by its text, or that there is none. Texts of one meaning have one digest: AWS writes back other
/// letters than it was given.
pub(crate) fn of_document(target: &Target, text: Option<&str>) -> Fingerprint {
    let content = match text.map(|text| (text, document::parse(text))) {
        None => "absent".to_owned(),
        Some((_, Ok(document))) => document::meaning(&document).to_string(),
        Some((text, Err(_))) => text.to_owned(),
    };
    print(&target.reading(), &content)
}

/// The role itself: another one of its name, and another boundary, are another basis.
pub(crate) fn of_role(role: &Role) -> Fingerprint {
    let boundary = role.boundary.as_deref().unwrap_or_default();
    print(&format!("role {}", role.arn), &[&role.role_id, boundary].join("\n"))
}

/// The managed policies of a role, in any order.
pub(crate) fn of_attached(target: &Target, arns: &[String]) -> Fingerprint {
    let mut arns = arns.to_vec();
    arns.sort();
    print(&target.reading(), &arns.join("\n"))
}

fn print(reading: &str, content: &str) -> Fingerprint {
    let digest = Uuid::new_v5(&DIGESTS, content.as_bytes()).simple().to_string();
    Fingerprint { reading: reading.to_owned(), digest }
}

/// The id of a change: what it writes to and what of ours stands there then.
pub(super) fn id(document: &str, own: &[Value]) -> String {
    let content = document::meaning(&Value::Array(own.to_vec()));
    Uuid::new_v5(&CHANGES, format!("{document}\n{content}").as_bytes()).to_string()
}
