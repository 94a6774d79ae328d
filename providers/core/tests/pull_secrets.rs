//! What is made of a pull secret's document, and that nothing of a login stays.

#![allow(clippy::expect_used, clippy::panic)] // A test says so when it can't go on.

use base64::Engine as _;
use proptest::prelude::*;
use pullaudit_core::{PullSecret, SecretDefect};
use std::collections::BTreeMap;

const CONFIG_JSON: &str = "kubernetes.io/dockerconfigjson";

fn base64(text: &str) -> String {
    base64::engine::general_purpose::STANDARD.encode(text)
}

fn parse(secret_type: &str, key: &str, document: &[u8]) -> PullSecret {
    PullSecret::parse(secret_type, &BTreeMap::from([(key.to_owned(), document.to_vec())]), &|_, _| None)
}

fn document(json: &str) -> PullSecret {
    parse(CONFIG_JSON, ".dockerconfigjson", json.as_bytes())
}

/// A document with one entry of this JSON.
fn entry(json: &str) -> PullSecret {
    document(&format!(r#"{{"auths":{{"reg.example":{json}}}}}"#))
}

fn auth(encoded: &str) -> PullSecret {
    entry(&serde_json::json!({ "auth": encoded }).to_string())
}

/// The defects' JSON, which names the variants.
fn defects(secret: &PullSecret) -> String {
    serde_json::to_string(&secret.defects).expect("serialises")
}

#[track_caller]
fn assert_fatal(secret: &PullSecret, name: &str) {
    let fatal = secret.fatal().unwrap_or_else(|| panic!("not fatal: {secret:?}"));
    assert!(serde_json::to_string(fatal).expect("serialises").contains(name), "{fatal:?} is not {name}");
    assert!(fatal.is_fatal() && secret.entries.is_empty());
}

#[track_caller]
fn assert_harmless(secret: &PullSecret, entries: usize, name: &str) {
    assert_eq!(secret.fatal(), None);
    assert_eq!(secret.entries.len(), entries);
    let found = defects(secret);
    assert!(if name.is_empty() { found == "[]" } else { found.contains(name) }, "{found} is not {name}");
}

#[test]
fn a_sound_secret_has_entries_and_no_defects() {
    for json in [
        serde_json::json!({"auth": base64("user:password")}),
        serde_json::json!({"auth": base64("user:password").trim_end_matches('=')}),
        serde_json::json!({"auth": format!("{}\n", base64("user:password"))}),
        serde_json::json!({"auth": base64("user:pass:word\n")}),
        serde_json::json!({"auth": base64("user:")}),
        serde_json::json!({"username": "user", "password": "password"}),
        serde_json::json!({"auth": base64("user:x"), "username": "", "email": null, "identitytoken": 1}),
        serde_json::json!({"AUTH": base64("user:x")}),
    ] {
        let secret = entry(&json.to_string());
        assert_harmless(&secret, 1, "");
        assert!(!secret.entries[0].empty_login, "{json}");
    }
    let other_case = document(r#"{"Auths":{"reg.example":{"username":"u"}}}"#);
    assert_harmless(&other_case, 1, "");
    let bare = parse("kubernetes.io/dockercfg", ".dockercfg", br#"{"reg.example":{"username":"u"}}"#);
    assert_harmless(&bare, 1, "");
}

#[test]
fn a_document_that_go_refuses_is_fatal() {
    assert_fatal(&document("no json"), "not-json");
    assert_fatal(&document(" "), "not-json");
    assert_fatal(&document("\u{feff}{}"), "not-json");
    assert_fatal(&document(&base64(r#"{"auths":{}}"#)), "document-double-base64");
    assert_fatal(&document("[]"), "not-an-object");
    assert_fatal(&document(r#"{"auths":[]}"#), "not-an-object");
    assert_fatal(&document(r#"{"auths":"x"}"#), "not-an-object");
    assert_fatal(&document(r#"{"auths":{},"HttpHeaders":{"a":1}}"#), "not-an-object");
    assert_fatal(&entry("[]"), "entry-type");
    assert_fatal(&entry(r#""x""#), "entry-type");
    assert_fatal(&entry(r#"{"username":1}"#), "entry-type");
    assert_fatal(&entry(r#"{"auth":{}}"#), "entry-type");
}

#[test]
fn an_auth_that_does_not_decode_is_fatal() {
    assert_fatal(&auth("!!!"), "auth-not-base64");
    assert_fatal(&auth("dXNl cjpw"), "auth-not-base64");
    assert_fatal(&auth("dXNlcjpwYQ="), "auth-not-base64");
    assert_fatal(&auth("dXNlcjpwYQ== "), "auth-not-base64");
    assert_fatal(&auth(&base64("justatoken")), "auth-no-colon");
    assert_fatal(&auth(&base64(&base64("user:password"))), "auth-double-base64");
    // One bad entry is enough, even for another host.
    let two = format!(r#"{{"auths":{{"a.example":{{"auth":"{}"}},"b.example":{{"auth":"!"}}}}}}"#, base64("u:p"));
    assert_fatal(&document(&two), "auth-not-base64");
}

#[test]
fn a_secret_that_the_kubelet_skips_has_no_entries() {
    let good = br#"{"auths":{"reg.example":{"username":"u"}}}"#;
    assert_harmless(&parse("Opaque", ".dockerconfigjson", good), 0, "other-type");
    assert_harmless(&parse(CONFIG_JSON, "config.json", good), 0, "no-data");
    assert_harmless(&parse(CONFIG_JSON, ".dockercfg", good), 0, "no-data");
    assert_harmless(&parse(CONFIG_JSON, ".dockerconfigjson", b""), 0, "no-data");
    assert_harmless(&parse("Opaque", "x", b"no json"), 0, "other-type");
}

#[test]
fn a_document_without_hosts_is_harmless() {
    assert_harmless(&document("{}"), 0, "no-entries");
    assert_harmless(&document("null"), 0, "no-entries");
    assert_harmless(&document(r#"{"auths":null}"#), 0, "no-entries");
    assert_harmless(&document(r#"{"reg.example":{"username":"u"}}"#), 0, "no-entries");
    assert_harmless(&document(r#"{"credHelpers":{"reg.example":"ecr-login"}}"#), 0, "only-helpers");
    let wrapped = br#"{"auths":{"reg.example":{"username":"u"}}}"#;
    assert_harmless(&parse("kubernetes.io/dockercfg", ".dockercfg", wrapped), 1, "wrapped");
}

#[test]
fn an_entry_without_a_user_is_an_empty_login() {
    for json in ["{}", "null", r#"{"password":"p"}"#, r#"{"auth":""}"#, r#"{"auth":"OnA=","username":"u"}"#] {
        let secret = entry(json);
        assert_harmless(&secret, 1, "empty-login");
        assert!(secret.entries[0].empty_login, "{json}");
    }
    assert_harmless(&entry(r#"{"identitytoken":"x"}"#), 1, "identity-token-only");
}

#[test]
fn a_key_that_covers_less_than_it_seems_is_told() {
    let of_key = |key: &str| {
        let json = serde_json::json!({"auths": {key: {"username": "u"}}});
        defects(&document(&json.to_string()))
    };
    let cases = [
        ("https://index.docker.io/v1", "version-without-slash"),
        ("https://ghcr.io/v2", "version-without-slash"),
        ("Reg.Example", "upper-case"),
        ("reg.example/app:1", "tag"),
        ("reg.example/app@sha256:0", "tag"),
        ("registry-1.docker.io", "not-docker-hub"),
        ("https://hub.docker.com", "not-docker-hub"),
        ("app:latest", "not-a-host"),
        ("ftp://reg.example/", "not-a-host"),
        ("HTTPS://reg.example", "not-a-host"),
        (" reg.example", "not-a-host"),
        ("re[gh].example", "not-a-host"),
        ("", "not-a-host"),
        ("https://", "not-a-host"),
    ];
    for (key, fault) in cases {
        assert!(of_key(key).contains(fault), "{key:?}: {}", of_key(key));
    }
    for key in
        ["reg.example", "https://index.docker.io/v1/", "*.example:443", "[2001:db8::1]:5000", "docker.io/team"]
    {
        assert_eq!(of_key(key), "[]", "{key:?}");
    }
}

#[test]
fn nothing_of_a_login_stays() {
    let mark = "MARKED-SECRET";
    let forms = [
        serde_json::json!({"auth": base64(&format!("{mark}:{mark}"))}),
        serde_json::json!({"auth": base64(mark)}),
        serde_json::json!({"auth": base64(&base64(&format!("{mark}:x")))}),
        serde_json::json!({"auth": format!("!{mark}")}),
        serde_json::json!({"username": mark, "password": mark, "email": mark}),
        serde_json::json!({"identitytoken": mark, mark: mark}),
        serde_json::json!(mark),
    ];
    for form in forms {
        let key = format!("https://{mark}:{mark}@reg.example/team?token={mark}#{mark}");
        let secret = document(&serde_json::json!({"auths": {key: form}}).to_string());
        let told: Vec<String> = secret.defects.iter().map(SecretDefect::to_string).collect();
        let all = format!("{secret:?} {} {told:?}", serde_json::to_string(&secret).expect("serialises"));
        let hidden = [mark.to_owned(), base64(mark), base64(&format!("{mark}:{mark}"))];
        assert!(hidden.iter().all(|hidden| !all.contains(hidden)), "{all}");
        assert!(all.contains("reg.example"), "{all}");
    }
    let not_json = document(mark);
    assert!(!format!("{not_json:?}").contains(mark));
}

#[test]
fn a_snapshot_keeps_a_secret_whole() {
    let secret = document(r#"{"auths":{"reg.example":{},"https://ghcr.io/v2":{"username":"u"}}}"#);
    let text = serde_json::to_string_pretty(&secret).expect("serialises");
    assert_eq!(serde_json::from_str::<PullSecret>(&text).expect("parses"), secret);
    let compact = serde_json::to_value(&secret).expect("serialises");
    assert_eq!(
        compact,
        serde_json::json!({
            "entries": [{"key": "reg.example", "emptyLogin": true}, {"key": "https://ghcr.io/v2"}],
            "defects": [
                {"empty-login": {"key": "reg.example"}},
                {"key": {"key": "https://ghcr.io/v2", "fault": "version-without-slash"}},
            ],
        })
    );
}

proptest! {
    #[test]
    fn any_document_is_read_or_told(bytes in prop::collection::vec(any::<u8>(), 0..60), json in "[\\[\\]{}\":,a-z ]{0,40}") {
        for document in [bytes.as_slice(), json.as_bytes()] {
            let secret = parse(CONFIG_JSON, ".dockerconfigjson", document);
            prop_assert!(!secret.entries.is_empty() || !secret.defects.is_empty());
        }
    }
}

/// The user tells how long a login lasts, in whichever field it stands, and is not kept.
#[test]
fn a_login_that_ends_is_known_by_its_user_and_its_host() {
    let both = base64("AWS:MARKED-TOKEN");
    let json = format!(
        r#"{{"auths": {{"https://a.example/v2/": {{"auth": "{both}"}}, "b.example/path": {{"username": "AWS", "password": "p"}},
            "c.example": {{"username": "other", "password": "p"}}, "d.example": {{}}}}}}"#
    );
    let data = BTreeMap::from([(".dockerconfigjson".to_owned(), json.into_bytes())]);
    let seen = std::cell::RefCell::new(Vec::new());
    let secret = PullSecret::parse(CONFIG_JSON, &data, &|host, user| {
        seen.borrow_mut().push(format!("{user}@{host}"));
        (user == "AWS").then_some(12)
    });
    assert_eq!(seen.into_inner(), ["AWS@a.example", "AWS@b.example", "other@c.example"]);
    let hours: Vec<_> = secret.entries.iter().map(|entry| entry.hours).collect();
    assert_eq!(hours, [Some(12), Some(12), None, None]);
    assert!(!format!("{secret:?}").contains("AWS"), "{secret:?}");
    // Nobody knows when it was written, so nothing has ended.
    let at = "2030-01-01T00:00:00Z".parse().unwrap();
    assert_eq!(secret.ended(at).count(), 0);
}
