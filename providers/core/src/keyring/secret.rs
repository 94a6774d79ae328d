//! Reads a pull secret as the kubelet does, and keeps nothing of it but hosts and defects.

use super::defect::{KeyFault, SecretDefect};
use super::glob::{split_url, without_scheme};
use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// What is kept of a pull secret: which hosts it has logins for, how long such logins last, and what is wrong with it.
/// Never a user, a password or a token, nor how long one is.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PullSecret {
    /// Its entries, in the order of the document; none when the kubelet skips it or can't parse it.
    #[serde(default)]
    pub entries: Vec<SecretEntry>,
    /// What is wrong with it, fatal or not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub defects: Vec<SecretDefect>,
    /// When it was last written, where the API server tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub written: Option<Timestamp>,
}

/// How many hours a login lasts, by its host and its user; `None` for one that does not end by itself.
pub type LoginLasts<'a> = dyn Fn(&str, &str) -> Option<u16> + 'a;

/// One entry of a pull secret.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SecretEntry {
    /// Its key as written, but without a user or query.
    pub key: String,
    /// True when it has no user, so that the kubelet asks without a login.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub empty_login: bool,
    /// How many hours after it was issued its login ends; `None` where it does not end by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hours: Option<u16>,
}

const CONFIG_JSON: (&str, &str) = ("kubernetes.io/dockerconfigjson", ".dockerconfigjson");
const CONFIG: (&str, &str) = ("kubernetes.io/dockercfg", ".dockercfg");

impl PullSecret {
    /// What the kubelet would make of a Secret of this type with this data (base64 of the API undone).
    pub fn parse(secret_type: &str, data: &BTreeMap<String, Vec<u8>>, lasts: &LoginLasts<'_>) -> Self {
        let expected = match secret_type {
            kind if kind == CONFIG_JSON.0 => CONFIG_JSON.1,
            kind if kind == CONFIG.0 => CONFIG.1,
            _ => return Self::only(SecretDefect::OtherType { secret_type: secret_type.to_owned() }),
        };
        let document = match data.get(expected) {
            Some(document) if !document.is_empty() => document,
            _ => return Self::only(SecretDefect::NoData { expected: expected.to_owned() }),
        };
        Self::of_document(document, expected == CONFIG_JSON.1, lasts).unwrap_or_else(Self::only)
    }

    /// The entries whose logins have ended by then: each was issued before the secret was last written.
    pub fn ended(&self, at: Timestamp) -> impl Iterator<Item = &SecretEntry> {
        let age = self.written.map(|written| at.duration_since(written));
        self.entries.iter().filter(move |entry| {
            let lasts = entry.hours.map(|hours| SignedDuration::from_hours(i64::from(hours)));
            matches!((age, lasts), (Some(age), Some(lasts)) if age > lasts)
        })
    }

    /// The first defect for which the kubelet fails the pod.
    pub fn fatal(&self) -> Option<&SecretDefect> {
        self.defects.iter().find(|defect| defect.is_fatal())
    }

    fn only(defect: SecretDefect) -> Self {
        Self { defects: vec![defect], ..Self::default() }
    }

    fn of_document(document: &[u8], wrapped: bool, lasts: &LoginLasts<'_>) -> Result<Self, SecretDefect> {
        // Go replaces what is no UTF-8 rather than refusing it.
        let text = String::from_utf8_lossy(document);
        let value = serde_json::from_str(&text).map_err(|_| not_json(&text))?;
        let Some(mut top) = object_or_null(value)? else { return Ok(Self::only(SecretDefect::NoEntries)) };
        if !wrapped {
            let under_auths = top.get("auths").is_some_and(Value::is_object);
            return Self::of_entries(&top, under_auths.then_some(SecretDefect::Wrapped), lasts);
        }
        check_headers(&top)?;
        let auths = take_folded(&mut top, "auths").map_or(Ok(None), object_or_null)?.unwrap_or_default();
        let helpers = top.contains_key("credHelpers") || top.contains_key("credsStore");
        let none = if helpers { SecretDefect::OnlyHelpers } else { SecretDefect::NoEntries };
        Self::of_entries(&auths, auths.is_empty().then_some(none), lasts)
    }

    fn of_entries(
        auths: &Map<String, Value>,
        about_all: Option<SecretDefect>,
        lasts: &LoginLasts<'_>,
    ) -> Result<Self, SecretDefect> {
        let mut secret = Self { defects: about_all.into_iter().collect(), ..Self::default() };
        for (written, value) in auths {
            let key = shown_key(written);
            let login = Login::of_entry(&key, value)?;
            secret.defects.extend(login.defect(&key));
            secret.defects.extend(key_fault(&key).map(|fault| SecretDefect::Key { key: key.clone(), fault }));
            let (host, _) = split_url(without_scheme(&key));
            let hours = match &login {
                Login::User(user) => lasts(host, user),
                Login::Nobody | Login::TokenOnly => None,
            };
            secret.entries.push(SecretEntry { empty_login: !matches!(login, Login::User(_)), hours, key });
        }
        Ok(secret)
    }
}

fn not_json(text: &str) -> SecretDefect {
    let inner = decode(text.trim());
    let hidden_json = inner.is_some_and(|inner| serde_json::from_slice::<Map<String, Value>>(&inner).is_ok());
    if hidden_json { SecretDefect::DocumentDoubleBase64 } else { SecretDefect::NotJson }
}

/// Go takes `null` for "leave it as it is" wherever another type is due.
fn object_or_null(value: Value) -> Result<Option<Map<String, Value>>, SecretDefect> {
    match value {
        Value::Object(map) => Ok(Some(map)),
        Value::Null => Ok(None),
        _ => Err(SecretDefect::NotAnObject),
    }
}

/// Go matches field names without regard to case, and of several the last one stays.
fn folded<'a>(
    map: &'a Map<String, Value>,
    name: &str,
) -> impl DoubleEndedIterator<Item = (&'a String, &'a Value)> {
    map.iter().filter(move |(field, value)| field.eq_ignore_ascii_case(name) && !value.is_null())
}

fn take_folded(map: &mut Map<String, Value>, name: &str) -> Option<Value> {
    let field = folded(map, name).next_back()?.0.clone();
    map.remove(&field)
}

/// The one other field of the document that the kubelet reads, only to fail if it is not of strings.
fn check_headers(top: &Map<String, Value>) -> Result<(), SecretDefect> {
    let of_strings = |value: &Value| {
        value
            .as_object()
            .is_some_and(|headers| headers.values().all(|header| header.is_string() || header.is_null()))
    };
    if folded(top, "HttpHeaders").all(|(_, value)| of_strings(value)) {
        Ok(())
    } else {
        Err(SecretDefect::NotAnObject)
    }
}

/// What kind of login an entry has.
enum Login {
    /// Its user, which goes no further.
    User(String),
    Nobody,
    TokenOnly,
}

impl Login {
    fn of_entry(key: &str, value: &Value) -> Result<Self, SecretDefect> {
        let wrong_type = || SecretDefect::EntryType { key: key.to_owned() };
        let empty = Map::new();
        let fields = match value {
            Value::Object(fields) => fields,
            Value::Null => &empty,
            _ => return Err(wrong_type()),
        };
        let read = ["username", "password", "email", "auth"];
        if read.into_iter().any(|name| folded(fields, name).any(|(_, value)| !value.is_string())) {
            return Err(wrong_type());
        }
        let text =
            |name: &str| folded(fields, name).next_back().and_then(|(_, value)| value.as_str()).unwrap_or("");
        // auth wins over the two fields, even where it leaves the user empty.
        let user = match text("auth") {
            "" => text("username").to_owned(),
            auth => user_of(key, auth)?,
        };
        Ok(if !user.is_empty() {
            Self::User(user)
        } else if folded(fields, "identitytoken").next().is_some() {
            Self::TokenOnly
        } else {
            Self::Nobody
        })
    }

    fn defect(&self, key: &str) -> Option<SecretDefect> {
        match self {
            Self::User(_) => None,
            Self::Nobody => Some(SecretDefect::EmptyLogin { key: key.to_owned() }),
            Self::TokenOnly => Some(SecretDefect::IdentityTokenOnly { key: key.to_owned() }),
        }
    }
}

/// The user that an `auth` names, which may be empty; the error when the kubelet can't decode it.
fn user_of(key: &str, auth: &str) -> Result<String, SecretDefect> {
    let key = || key.to_owned();
    let decoded = decode(auth).ok_or_else(|| SecretDefect::AuthNotBase64 { key: key() })?;
    if let Some(colon) = decoded.iter().position(|byte| *byte == b':') {
        return Ok(String::from_utf8_lossy(&decoded[..colon]).into_owned());
    }
    let again = std::str::from_utf8(&decoded).ok().and_then(decode);
    Err(if again.is_some_and(|again| again.contains(&b':')) {
        SecretDefect::AuthDoubleBase64 { key: key() }
    } else {
        SecretDefect::AuthNoColon { key: key() }
    })
}

/// Base64 as the kubelet decodes it: with padding or without, line ends left out, no other white space.
fn decode(text: &str) -> Option<Vec<u8>> {
    let padding = if text.trim_end().ends_with('=') {
        DecodePaddingMode::RequireCanonical
    } else {
        DecodePaddingMode::RequireNone
    };
    let config =
        GeneralPurposeConfig::new().with_decode_padding_mode(padding).with_decode_allow_trailing_bits(true);
    let text = text.replace(['\r', '\n'], "");
    GeneralPurpose::new(&alphabet::STANDARD, config).decode(text).ok()
}

/// The key without what may be a login in it. The kubelet does not look at these parts either.
fn shown_key(written: &str) -> String {
    let bare = without_scheme(written);
    let scheme = &written[..written.len() - bare.len()];
    let (host, path) = split_url(bare);
    format!("{scheme}{host}{path}")
}

/// Names of Docker Hub under which no image of it is looked up.
const BESIDE_DOCKER_HUB: [&str; 3] = ["registry-1.docker.io", "hub.docker.com", "registry.hub.docker.com"];

fn key_fault(key: &str) -> Option<KeyFault> {
    let (host, path) = split_url(without_scheme(key));
    // A scheme that the kubelet does not drop is read as a host, and leaves its slashes to the path.
    if !may_be_host(host) || path.starts_with("//") {
        Some(KeyFault::NotAHost)
    } else if host.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Some(KeyFault::UpperCase)
    } else if BESIDE_DOCKER_HUB.contains(&host) {
        Some(KeyFault::NotDockerHub)
    } else if matches!(path, "/v1" | "/v2") {
        Some(KeyFault::VersionWithoutSlash)
    } else if path.contains([':', '@']) {
        Some(KeyFault::Tag)
    } else {
        None
    }
}

fn may_be_host(host: &str) -> bool {
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !host.ends_with(']') => (name, port),
        _ => (host, ""),
    };
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'*');
    let address = name.starts_with('[') && name.ends_with(']');
    !name.is_empty() && (address || name.bytes().all(letter)) && port.bytes().all(|byte| byte.is_ascii_digit())
}
