//! Who a token of Entra is for.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::Deserialize;

/// What of a token's claims names its holder.
///
/// Source: Microsoft identity platform, "Access token claims reference".
#[derive(Default, Deserialize)]
#[serde(default)]
struct Claims {
    upn: Option<String>,
    unique_name: Option<String>,
    appid: Option<String>,
    oid: Option<String>,
    tid: Option<String>,
}

/// The holder of a token as its claims name it: a person, or an application, with object id and tenant. `None` where it
/// is no signed token. Nothing of the signature is looked at: this is for people to read.
pub(crate) fn identity_of(token: &str) -> Option<String> {
    let claims = claims(token)?;
    let application = claims.appid.map(|id| format!("application {id}"));
    let name = claims.upn.or(claims.unique_name).or(application)?;
    let object = claims.oid.map(|id| format!(", object {id}")).unwrap_or_default();
    let tenant = claims.tid.map(|id| format!(", tenant {id}")).unwrap_or_default();
    Some(format!("{name}{object}{tenant}"))
}

/// The tenant that a token is of; `None` where it is no signed token.
pub(crate) fn tenant_of(token: &str) -> Option<String> {
    claims(token)?.tid
}

fn claims(token: &str) -> Option<Claims> {
    let payload = BASE64_URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?.trim_end_matches('=')).ok()?;
    serde_json::from_slice(&payload).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_holder_and_nothing_else() {
        let of = |claims: &str| identity_of(&format!("e30.{}.SIGNATURE", BASE64_URL_SAFE_NO_PAD.encode(claims)));
        let app = r#"{"appid":"a-1","oid":"o-1","tid":"t-1","nonce":"n"}"#;
        assert_eq!(of(app).as_deref(), Some("application a-1, object o-1, tenant t-1"));
        assert_eq!(of(r#"{"upn":"me@example.com","appid":"cli"}"#).as_deref(), Some("me@example.com"));
        assert_eq!(of("{}"), None);
        assert_eq!(identity_of("opaque"), None);
    }
}
