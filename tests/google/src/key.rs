//! The caller's key: made anew for each fake, and the signatures that it makes.

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::Value;

/// The id of the key in the file and in assertions.
pub(crate) const KEY_ID: &str = "fa4efa4efa4efa4efa4efa4efa4efa4efa4efa4e";

/// A key of a service account.
pub(crate) struct Key {
    /// PKCS 8, PEM.
    pub(crate) pem: String,
    public: Vec<u8>,
}

impl Key {
    /// A new one of 2048 bits.
    #[allow(clippy::expect_used, reason = "a fake that cannot begin says so")]
    pub(crate) fn generate() -> Self {
        let pair = KeyPair::generate(KeySize::Rsa2048).expect("an RSA key");
        let der = AsDer::<Pkcs8V1Der<'_>>::as_der(&pair).expect("its PKCS 8 form");
        let text = STANDARD.encode(der.as_ref());
        let mut pem = String::from("-----BEGIN PRIVATE KEY-----\n");
        for line in text.as_bytes().chunks(64) {
            pem.push_str(&String::from_utf8_lossy(line));
            pem.push('\n');
        }
        pem.push_str("-----END PRIVATE KEY-----\n");
        Self { pem, public: pair.public_key().as_ref().to_vec() }
    }

    /// The claims of an assertion that this key signed; what is wrong with it otherwise.
    pub(crate) fn verify(&self, assertion: &str) -> Result<Value, &'static str> {
        let parts: Vec<&str> = assertion.split('.').collect();
        let [head, claims, signature] = parts[..] else { return Err("The assertion is no JWT.") };
        let read = |part: &str| -> Option<Value> {
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part.trim_end_matches('=')).ok()?).ok()
        };
        let (Some(head_json), Some(claims_json)) = (read(head), read(claims)) else {
            return Err("The assertion is not JSON in base64.");
        };
        if head_json["alg"] != "RS256" || head_json.get("typ").is_some_and(|kind| kind != "JWT") {
            return Err("The assertion must be signed with RS256.");
        }
        if head_json.get("kid").is_some_and(|kid| kid != KEY_ID) {
            return Err("Invalid JWT Signature: no such key.");
        }
        let signature =
            URL_SAFE_NO_PAD.decode(signature.trim_end_matches('=')).map_err(|_| "The signature is not base64.")?;
        let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &self.public);
        let signed = format!("{head}.{claims}");
        key.verify(signed.as_bytes(), &signature).map_err(|_| "Invalid JWT Signature.")?;
        Ok(claims_json)
    }
}
