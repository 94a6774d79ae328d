//! What the kubelet understands by an image reference: our own table, the shared vectors, and laws.

#![allow(clippy::expect_used, clippy::panic)] // A test says so when it can't go on.

use proptest::prelude::*;
use pullaudit_core::{ImageRef, Registry};
use serde_json::Value;
use std::collections::HashSet;
use std::path::PathBuf;

const HEX: &str = "7cc4b5aefd1d0cadf8d97d4350462ba51c694ebca145b08d7d41b41acc8db5aa";

#[track_caller]
fn parsed(input: &str) -> ImageRef {
    ImageRef::parse(input).unwrap_or_else(|error| panic!("{input:?} does not parse: {error}"))
}

#[track_caller]
fn refused(input: &str) -> &'static str {
    ImageRef::parse(input).expect_err(input).kind.as_str()
}

/// The canonical form, which holds host, repository, tag and digest.
#[test]
fn a_reference_is_completed() {
    let cases = [
        ("nginx", "docker.io/library/nginx:latest"),
        ("nginx:1.27", "docker.io/library/nginx:1.27"),
        ("team/app", "docker.io/team/app:latest"),
        ("docker.io/nginx", "docker.io/library/nginx:latest"),
        ("index.docker.io/nginx:alpine", "docker.io/library/nginx:alpine"),
        ("registry-1.docker.io/nginx", "registry-1.docker.io/nginx:latest"),
        ("foo:5000", "docker.io/library/foo:5000"),
        ("foo:5000/bar", "foo:5000/bar:latest"),
        ("foo.bar", "docker.io/library/foo.bar:latest"),
        ("localhost/foo", "localhost/foo:latest"),
        ("localhost", "docker.io/library/localhost:latest"),
        ("LOCALHOST/foo", "LOCALHOST/foo:latest"),
        ("Example.COM/team/app:V1.0-RC_1", "Example.COM/team/app:V1.0-RC_1"),
        ("[2001:db8::1]/app:1", "[2001:db8::1]/app:1"),
        ("[2001:db8::1]:5000/app:1", "[2001:db8::1]:5000/app:1"),
        ("team/a__b---c.d_e", "docker.io/team/a__b---c.d_e:latest"),
        // A host with an underscore is a path upstream, but the runtimes dial it.
        ("my_registry.local/app", "my_registry.local/app:latest"),
    ];
    for (input, canonical) in cases {
        assert_eq!(parsed(input).to_string(), canonical, "{input}");
    }
}

#[test]
fn latest_is_implied_only_without_tag_and_digest() {
    let by_digest = format!("ghcr.io/o/i@sha256:{HEX}");
    let by_both = format!("ghcr.io/o/i:1@sha256:{HEX}");
    let facts = |input: &str| {
        let image = parsed(input);
        (image.tag, image.digest.is_some(), image.implied_tag)
    };
    assert_eq!(facts("ghcr.io/o/i"), (Some("latest".to_owned()), false, true));
    assert_eq!(facts("ghcr.io/o/i:latest"), (Some("latest".to_owned()), false, false));
    assert_eq!(facts(&by_digest), (None, true, false));
    assert_eq!(facts(&by_both), (Some("1".to_owned()), true, false));
}

#[test]
fn a_broken_reference_is_refused_for_the_rule_it_breaks() {
    let long_tag = format!("nginx:{}", "a".repeat(129));
    let short = format!("nginx@sha256:{}", &HEX[..62]);
    let capitals = format!("nginx@sha256:{}", HEX.to_uppercase());
    let unknown = format!("nginx@md5:{}", &HEX[..32]);
    let algorithm = format!("nginx:1@SHA256:{HEX}");
    let few_digits = format!("nginx@sha256:{}", &HEX[..31]);
    let cases = [
        ("", "invalid_format"),
        (" nginx", "invalid_format"),
        ("nginx:", "invalid_format"),
        ("nginx@", "invalid_format"),
        ("nginx:.dev", "invalid_format"),
        (&long_tag, "invalid_format"),
        ("ghcr.io/", "invalid_format"),
        ("/nginx", "invalid_format"),
        ("team//app", "invalid_format"),
        ("team/../app", "invalid_format"),
        ("team/a..b", "invalid_format"),
        ("team/a___b", "invalid_format"),
        ("team/-a", "invalid_format"),
        ("-host.example/app", "invalid_format"),
        ("host.example:/app", "invalid_format"),
        ("host.example:abc/app", "invalid_format"),
        ("my_registry:5000/app", "invalid_format"),
        ("[2001:db8::1%25eth0]/app", "invalid_format"),
        ("[2001:db8::1/app", "invalid_format"),
        ("[]/app", "invalid_format"),
        ("https://host.example/app:1", "invalid_format"),
        ("例え.jp/app", "invalid_format"),
        (&few_digits, "invalid_format"),
        ("Nginx", "uppercase"),
        ("Team/App", "uppercase"),
        ("My_registry.local/app", "uppercase"),
        (&short, "invalid_digest_length"),
        (&capitals, "invalid_digest_format"),
        (&algorithm, "invalid_digest_format"),
        (&unknown, "unsupported_digest"),
        (HEX, "bare_digest"),
    ];
    for (input, kind) in cases {
        assert_eq!(refused(input), kind, "{input:?}");
    }
    parsed(&format!("nginx:{}", "a".repeat(128)));
    parsed(&HEX[..63]);
}

#[test]
fn a_repository_has_at_most_255_characters() {
    let of_length = |length: usize| format!("host.example/{}", "a".repeat(length));
    parsed(&of_length(255));
    assert_eq!(refused(&of_length(256)), "name_too_long");
    // The namespace that Docker Hub adds counts.
    parsed(&"a".repeat(255 - "library/".len()));
    assert_eq!(refused(&"a".repeat(255)), "name_too_long");
}

#[test]
fn an_error_says_what_is_wrong_and_what_to_do() {
    let cases = [
        ("", "it is empty"),
        ("https://host.example/app", "scheme"),
        ("$REGISTRY/app:1", "template variable"),
        ("host.example/${APP}:1", "template variable"),
        ("host.example/app :1", "white space"),
        ("host.example/App", "lower case"),
        ("nginx@sha256:", "hexadecimal"),
        ("nginx:", "the tag is missing"),
        ("ghcr.io/", "the repository is missing"),
        ("a..b", "[HOST[:PORT]/]REPOSITORY[:TAG][@DIGEST]"),
    ];
    for (input, words) in cases {
        let text = ImageRef::parse(input).expect_err(input).to_string();
        assert!(text.starts_with("invalid_reference: "), "{text}");
        assert!(text.contains(words), "{input:?} gives {text}");
    }
}

#[test]
fn hosts_are_equal_whatever_the_case_and_keep_their_text() {
    let (written, small) = (Registry("Example.COM".to_owned()), Registry("example.com".to_owned()));
    assert_eq!(written, small);
    assert_eq!(written.cmp(&small), std::cmp::Ordering::Equal);
    assert_eq!(HashSet::from([written.clone(), small]).len(), 1);
    assert_eq!((written.as_str(), written.lower().as_str()), ("Example.COM", "example.com"));
}

#[test]
fn a_written_latest_and_an_implied_one_are_the_same_image() {
    assert_eq!(parsed("nginx"), parsed("docker.io/library/nginx:latest"));
    assert_ne!(parsed("nginx"), parsed("nginx:1"));
    assert_eq!(HashSet::from([parsed("nginx"), parsed("nginx:latest")]).len(), 1);
}

#[test]
fn json_holds_the_canonical_text() {
    let text = serde_json::to_string(&parsed("nginx")).expect("serialises");
    assert_eq!(text, "\"docker.io/library/nginx:latest\"");
    assert_eq!(serde_json::from_str::<ImageRef>(&text).expect("parses"), parsed("nginx"));
    let error = serde_json::from_str::<ImageRef>("\"a b\"").expect_err("refused").to_string();
    assert!(error.contains("invalid_reference: "), "{error}");
}

proptest! {
    #[test]
    fn any_text_parses_or_is_refused(text in "\\PC{0,80}") {
        let _ = ImageRef::parse(&text).map_err(|error| error.to_string());
    }

    #[test]
    fn what_parses_is_displayed_and_parses_to_the_same(
        text in "([a-zA-Z_.]{1,6}(:[0-9]{0,3})?/|\\[[0-9a-f:]{1,6}\\](:[0-9]{1,3})?/)?[a-zA-Z0-9._/-]{1,12}(:[a-zA-Z0-9_.-]{0,6})?(@sha256:[0-9a-f]{64})?"
    ) {
        if let Ok(image) = ImageRef::parse(&text) {
            let again = ImageRef::parse(&image.to_string()).expect("canonical");
            prop_assert_eq!(&again, &image);
            prop_assert_eq!(again.to_string(), image.to_string());
            prop_assert_eq!(again.registry.as_str(), image.registry.as_str());
        }
    }
}

/// The shared vectors, where they are: `PULLAUDIT_VECTORS`, else beside the workspace.
fn vectors(file: &str) -> Option<Value> {
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/vectors");
    let path = std::env::var_os("PULLAUDIT_VECTORS").map_or_else(beside, PathBuf::from).join(file);
    match std::fs::read_to_string(&path) {
        Ok(text) => {
            Some(serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
        }
        Err(error) => {
            eprintln!("SKIPPED {file}: {}: {error}; set PULLAUDIT_VECTORS to their directory", path.display());
            None
        }
    }
}

#[test]
fn shared_vectors_agree() {
    let Some(document) = vectors("image-references.json") else { return };
    let all = document["vectors"].as_array().expect("a list");
    assert!(!all.is_empty());
    let wrong: Vec<String> = all.iter().filter_map(|vector| disagreement(vector).err()).collect();
    assert!(wrong.is_empty(), "{} of {} vectors disagree:\n{}", wrong.len(), all.len(), wrong.join("\n"));
}

fn disagreement(vector: &Value) -> Result<(), String> {
    let input = vector["input"].as_str().expect("input");
    let got = match ImageRef::parse(input) {
        Ok(image) => serde_json::json!({
            "registry": image.registry.as_str(), "repository": image.repository, "tag": image.tag,
            "digest": image.digest, "implied_tag": image.implied_tag,
        }),
        Err(error) => serde_json::json!({"error": "invalid_reference", "error_detail": error.kind.as_str()}),
    };
    for (field, value) in got.as_object().expect("an object") {
        if vector.get(field) != Some(value) {
            return Err(format!("{input:?}: {field} is {value}, the vector says {:?}", vector.get(field)));
        }
    }
    Ok(())
}
