//! The kubelet's rules of credential lookup, one by one.

#![allow(clippy::expect_used, clippy::panic)] // A test says so when it can't go on.

use base64::Engine as _;
use proptest::prelude::*;
use pullaudit_core::{
    Attempt, Claim, CoreFinding, Credential, Holds, ImageRef, Keyring, Mode, NodeKey, Obstacle, Open,
    PodCredentials, Principal, PrincipalKind, PullSecret, Read, Registry, SecretDefect, SecretRef, UrlGlob,
    Verdict, judge, keyring, pull_claim,
};
use std::collections::BTreeMap;

const IMAGE: &str = "reg.example/team/app:1";

fn image(reference: &str) -> ImageRef {
    ImageRef::parse(reference).expect("an image")
}

fn node_role() -> Credential {
    Credential::Principal(Principal::new(PrincipalKind::NodeRole, "arn", "node"))
}

fn node_key(key: &str) -> NodeKey {
    NodeKey { key: key.to_owned(), credential: node_role(), maybe: None }
}

fn base64(text: &str) -> String {
    base64::engine::general_purpose::STANDARD.encode(text)
}

fn document(json: &str) -> PullSecret {
    let data = BTreeMap::from([(".dockerconfigjson".to_owned(), json.as_bytes().to_vec())]);
    PullSecret::parse("kubernetes.io/dockerconfigjson", &data, &|_, _| None)
}

/// A secret with a login under each key.
fn logins(keys: &[&str]) -> PullSecret {
    let entry = serde_json::json!({"auth": base64("user:password")});
    let auths: serde_json::Map<_, _> = keys.iter().map(|key| ((*key).to_owned(), entry.clone())).collect();
    document(&serde_json::json!({ "auths": auths }).to_string())
}

fn pod(secrets: Vec<(&str, Read<PullSecret>)>) -> PodCredentials {
    let secrets = secrets.into_iter().map(|(name, content)| SecretRef { name: name.to_owned(), content });
    PodCredentials { secrets: secrets.collect(), ..PodCredentials::default() }
}

fn with_keys(keys: &[&str]) -> PodCredentials {
    pod(vec![("s", Read::Got(logins(keys)))])
}

fn unread() -> Open {
    Open::unread("pull secret s", "get secrets/s", "cluster", Obstacle::NotAsked)
}

#[track_caller]
fn attempts(pod: &PodCredentials, node: &[NodeKey], reference: &str) -> Vec<Attempt> {
    match keyring(pod, node, &image(reference)) {
        Keyring::Attempts(attempts) => attempts,
        other => panic!("no attempts: {other:?}"),
    }
}

/// Attempts as `s[key]`, `node[key]`, `none[key]`, with a `?` where they are not certain.
#[track_caller]
fn tried(pod: &PodCredentials, node: &[NodeKey], reference: &str) -> Vec<String> {
    let name = |attempt: &Attempt| match &attempt.credential {
        Credential::Secret(name) => name.clone(),
        Credential::Principal(_) => "node".to_owned(),
        Credential::Anonymous => "none".to_owned(),
        Credential::Unidentified(_) => "unidentified".to_owned(),
    };
    let doubt = |attempt: &Attempt| if attempt.maybe.is_some() { "?" } else { "" };
    let shown = attempts(pod, node, reference);
    shown.iter().map(|attempt| format!("{}[{}]{}", name(attempt), attempt.key, doubt(attempt))).collect()
}

#[test]
fn a_key_covers_what_the_kubelet_says() {
    let upper = "Reg.Example/team/app";
    let cases = [
        ("reg.example", IMAGE, true),
        ("https://reg.example", IMAGE, true),
        ("http://reg.example", IMAGE, true),
        ("HTTPS://reg.example", IMAGE, false),
        ("reg.example/", IMAGE, true),
        ("https://reg.example/v1/", IMAGE, true),
        ("https://reg.example/v2/", IMAGE, true),
        ("https://reg.example/v1", IMAGE, false),
        ("https://reg.example/v2", IMAGE, false),
        ("https://reg.example/v2/team", IMAGE, true),
        ("https://reg.example/v3/", IMAGE, false),
        // A path is a plain prefix.
        ("reg.example/team", IMAGE, true),
        ("reg.example/te", IMAGE, true),
        ("reg.example/team/", IMAGE, true),
        ("reg.example/team/app", IMAGE, true),
        ("reg.example/team/app/", IMAGE, false),
        ("reg.example/team/app:1", IMAGE, false),
        ("reg.example/other", IMAGE, false),
        // Each label of the host is a glob of its own.
        ("*.example", IMAGE, true),
        ("*.*", IMAGE, true),
        ("r*g.ex*le", IMAGE, true),
        ("*", IMAGE, false),
        ("*.*.example", IMAGE, false),
        ("reg*.example", IMAGE, true),
        ("*x.example", IMAGE, false),
        ("reg*g.example", IMAGE, false),
        ("*.example", "a.reg.example/app", false),
        // The kubelet reads the text as a URL: ? begins a query, a bracket is an IPv6 address.
        ("re?.example", IMAGE, false),
        ("re[fgh].example", IMAGE, false),
        ("user:password@reg.example", IMAGE, true),
        ("reg.example?x=y", IMAGE, true),
        // Ports are equal as text or not at all.
        ("reg.example:443", IMAGE, false),
        ("reg.example", "reg.example:443/app", false),
        ("reg.example:443", "reg.example:443/app", true),
        ("reg.example:0443", "reg.example:443/app", false),
        ("reg.example:*", "reg.example:443/app", false),
        ("reg.example:", IMAGE, true),
        ("[2001:db8::1]:5000", "[2001:db8::1]:5000/app", true),
        ("[*]:5000", "[2001:db8::1]:5000/app", false),
        ("[2001:db8::1]", "[2001:db8::1]/app", false),
        ("*::1]", "[2001:db8::1]/app", false),
        ("*1]", "[2001:db8::1]/app", true),
        ("foo[2001:db8::1]", "[2001:db8::1]/app", false),
        ("a:b:c", IMAGE, false),
        // Case counts.
        ("Reg.Example", IMAGE, false),
        ("reg.example", upper, false),
        ("Reg.Example", upper, true),
        ("docker.io", "nginx", true),
        ("docker.io/library", "nginx", true),
        ("docker.io/lib/nginx", "nginx", false),
        ("", IMAGE, false),
        ("/", IMAGE, false),
    ];
    for (key, reference, covers) in cases {
        assert_eq!(UrlGlob::of_key(key).matches(&image(reference)), covers, "{key:?} over {reference}");
    }
}

#[test]
fn a_pattern_of_match_images_keeps_its_path_and_has_no_scheme() {
    let covers = |pattern: &str, reference: &str| UrlGlob::parse(pattern).matches(&image(reference));
    assert!(covers("*.dkr.ecr.*.amazonaws.com", "1.dkr.ecr.eu-west-1.amazonaws.com/app"));
    assert!(!covers("*.azurecr.io", "a.b.azurecr.io/app"));
    assert!(covers("*.azurecr.*", "a.azurecr.io/app"));
    assert!(covers("reg.example/v1/", "reg.example/v1/app"));
    assert!(!covers("reg.example/v1/", "reg.example/app"));
    assert!(!covers("https://reg.example", IMAGE));
    let host = Registry("reg.example".to_owned());
    assert!(UrlGlob::parse("*.example/only/here").matches_host(&host));
    assert_eq!(UrlGlob::of_key("https://index.docker.io/v1/").as_str(), "index.docker.io");
}

#[test]
fn keys_are_tried_in_reverse_order_across_secrets() {
    let two = pod(vec![
        ("a", Read::Got(logins(&["*.example", "reg.example"]))),
        ("b", Read::Got(logins(&["reg.example/team", "https://reg.example/v1/", "other.example"]))),
    ]);
    let node = [node_key("*.example"), node_key("reg.example")];
    assert_eq!(
        tried(&two, &node, IMAGE),
        [
            "b[reg.example/team]",
            "a[reg.example]",
            "b[https://reg.example/v1/]",
            "a[*.example]",
            "node[reg.example]",
            "node[*.example]"
        ]
    );
}

#[test]
fn anonymous_is_tried_only_when_nothing_matched() {
    assert_eq!(tried(&with_keys(&[]), &[], IMAGE), ["none[]"]);
    assert_eq!(tried(&with_keys(&["other.example"]), &[node_key("*.other")], IMAGE), ["none[]"]);
    assert_eq!(tried(&with_keys(&["reg.example"]), &[], IMAGE), ["s[reg.example]"]);
    assert_eq!(tried(&with_keys(&[]), &[node_key("reg.example")], IMAGE), ["node[reg.example]"]);
}

#[test]
fn an_empty_login_is_a_match_and_asks_without_a_login() {
    for entry in ["{}", "null", r#"{"identitytoken":"x"}"#, r#"{"auth":"OnBhc3N3b3Jk"}"#, r#"{"password":"x"}"#] {
        let secret = document(&format!(r#"{{"auths":{{"reg.example":{entry}}}}}"#));
        let pod = pod(vec![("s", Read::Got(secret))]);
        assert_eq!(tried(&pod, &[], IMAGE), ["none[reg.example]"], "{entry}");
        assert_eq!(tried(&pod, &[node_key("reg.example")], IMAGE), ["none[reg.example]", "node[reg.example]"]);
    }
}

#[test]
fn the_empty_login_of_acr_comes_after_the_real_one() {
    let empty = NodeKey { key: "*.azurecr.*".to_owned(), credential: Credential::Anonymous, maybe: None };
    let node = [empty, node_key("r.azurecr.io")];
    assert_eq!(tried(&with_keys(&[]), &node, "r.azurecr.io/app"), ["node[r.azurecr.io]", "none[*.azurecr.*]"]);
}

#[test]
fn docker_hub_falls_back_to_its_first_name() {
    let fallback = "https://index.docker.io/v1/";
    for reference in ["nginx", "docker.io/team/app", "index.docker.io/team/app", "localhost/app"] {
        assert_eq!(tried(&with_keys(&[fallback]), &[], reference), [format!("s[{fallback}]")], "{reference}");
    }
    for reference in [IMAGE, "registry-1.docker.io/library/nginx"] {
        assert_eq!(tried(&with_keys(&[fallback]), &[], reference), ["none[]"], "{reference}");
    }
    // A direct match hides it; a key with a path is none; the other names of Docker Hub are none.
    assert_eq!(tried(&with_keys(&["docker.io", fallback]), &[], "nginx"), ["s[docker.io]"]);
    for key in ["index.docker.io/library", "https://index.docker.io/v1", "registry-1.docker.io", "hub.docker.com"]
    {
        assert_eq!(tried(&with_keys(&[key]), &[], "nginx"), ["none[]"], "{key}");
    }
    // The node's keys are a lookup of their own.
    let node = [node_key("index.docker.io")];
    assert_eq!(tried(&with_keys(&["docker.io"]), &node, "nginx"), ["s[docker.io]", "node[index.docker.io]"]);
}

#[test]
fn a_missing_secret_is_passed_over_and_a_nameless_one_ignored() {
    let pod = pod(vec![("gone", Read::Absent), ("", Read::Got(logins(&["reg.example"])))]);
    assert_eq!(tried(&pod, &[], IMAGE), ["none[]"]);
}

#[test]
fn a_static_pod_uses_no_secret() {
    let broken = document("no json");
    let mut pod = pod(vec![("s", Read::Got(logins(&["reg.example"]))), ("b", Read::Got(broken))]);
    pod.static_pod = true;
    assert_eq!(tried(&pod, &[node_key("reg.example")], IMAGE), ["node[reg.example]"]);
}

#[test]
fn a_broken_secret_breaks_the_lookup_wherever_it_stands() {
    let broken = document(r#"{"auths":{"other.example":{"auth":"!!!"}}}"#);
    let pod = pod(vec![
        ("unread", Read::Unread(unread())),
        ("good", Read::Got(logins(&["reg.example"]))),
        ("bad", Read::Got(broken)),
    ]);
    let defect = SecretDefect::AuthNotBase64 { key: "other.example".to_owned() };
    let expected = Keyring::Broken { secret: "bad".to_owned(), defect };
    assert_eq!(keyring(&pod, &[node_key("reg.example")], &image(IMAGE)), expected);
}

#[test]
fn an_unread_secret_is_first_and_leaves_the_rest_in_doubt_only_where_it_decides() {
    let alone = pod(vec![("s", Read::Unread(unread()))]);
    assert_eq!(tried(&alone, &[], IMAGE), ["s[]?", "none[]?"]);
    assert!(attempts(&alone, &[], IMAGE).iter().all(|attempt| attempt.maybe == Some(unread())));
    assert_eq!(tried(&alone, &[node_key("reg.example")], IMAGE), ["s[]?", "node[reg.example]"]);
    let both = pod(vec![("t", Read::Got(logins(&["reg.example"]))), ("s", Read::Unread(unread()))]);
    assert_eq!(tried(&both, &[], IMAGE), ["s[]?", "t[reg.example]"]);
    // It may hold docker.io, which would hide the other's fallback; one of the two is tried.
    let hub = pod(vec![("t", Read::Got(logins(&["index.docker.io"]))), ("s", Read::Unread(unread()))]);
    assert_eq!(tried(&hub, &[], "nginx"), ["s[]?", "t[index.docker.io]?"]);
}

#[test]
fn an_uncertain_key_of_the_node_leaves_room_for_anonymous() {
    let doubt = Open::undecidable("whether the plugin answers");
    let maybe = NodeKey { maybe: Some(doubt.clone()), ..node_key("reg.example") };
    assert_eq!(tried(&with_keys(&[]), std::slice::from_ref(&maybe), IMAGE), ["node[reg.example]?", "none[]?"]);
    assert_eq!(attempts(&with_keys(&[]), &[maybe], IMAGE)[1].maybe, Some(doubt.clone()));
    let hub = [NodeKey { maybe: Some(doubt), ..node_key("docker.io") }, node_key("index.docker.io")];
    assert_eq!(tried(&with_keys(&[]), &hub, "nginx"), ["node[docker.io]?", "node[index.docker.io]?"]);
}

#[test]
fn a_pull_is_any_of_its_attempts() {
    let pod = with_keys(&["reg.example"]);
    let keys = [node_key("reg.example")];
    let asked = std::cell::RefCell::new(Vec::new());
    let claim = pull_claim(&keyring(&pod, &keys, &image(IMAGE)), |credential| {
        asked.borrow_mut().push(credential.clone());
        Some(Claim::yes(CoreFinding::Allowed.code(), "policy", "It allows."))
    });
    assert_eq!(asked.into_inner(), [node_role()], "a secret's login is never weighed");
    assert!(matches!(judge(Some(&claim), Mode::Strict), Verdict::Allowed { .. }));
    let Claim::Any(parts) = claim else { panic!("not any") };
    let Claim::Fact(secret) = &parts[0] else { panic!("no fact") };
    assert_eq!(
        (secret.code, secret.source.to_string()),
        (CoreFinding::PullSecretUnjudged.code(), "pull secret s".to_owned())
    );
    assert!(matches!(&secret.holds, Holds::Open(opens) if opens[0].to_string().contains("pull secret s")));
}

#[test]
fn what_nobody_knows_of_a_credential_is_open() {
    let code = |credential: Credential| {
        let attempt = Attempt { credential, key: String::new(), maybe: None };
        judge(Some(&pull_claim(&Keyring::Attempts(vec![attempt]), |_| None)), Mode::Default).code()
    };
    assert_eq!(code(node_role()), CoreFinding::NotCollected.code());
    assert_eq!(code(Credential::Anonymous), CoreFinding::NotCollected.code());
    assert_eq!(code(Credential::Unidentified(unread())), CoreFinding::IdentityUnread.code());
}

#[test]
fn an_uncertain_attempt_never_allows_by_itself() {
    let yes = |_: &Credential| Some(Claim::yes(CoreFinding::Allowed.code(), "registry", "It is public."));
    let no = |_: &Credential| Some(Claim::no(CoreFinding::AnonymousRefused.code(), "registry", "It refuses."));
    let alone = pod(vec![("s", Read::Unread(unread()))]);
    let keyring = keyring(&alone, &[], &image(IMAGE));
    for verdict in [
        judge(Some(&pull_claim(&keyring, yes)), Mode::Default),
        judge(Some(&pull_claim(&keyring, no)), Mode::Default),
    ] {
        assert!(matches!(verdict, Verdict::Unknown { .. }), "{verdict:?}");
        assert_eq!(verdict.code(), CoreFinding::PullSecretUnjudged.code());
    }
    let maybe = NodeKey { maybe: Some(Open::undecidable("which")), ..node_key("reg.example") };
    let Keyring::Attempts(attempts) = pullaudit_core::keyring(&with_keys(&[]), &[maybe], &image(IMAGE)) else {
        panic!("broken")
    };
    let verdict = judge(Some(&pull_claim(&Keyring::Attempts(attempts), yes)), Mode::Default);
    assert_eq!(verdict.code(), CoreFinding::IdentityUnread.code());
}

#[test]
fn a_broken_keyring_refuses_and_cases_stay_cases() {
    let broken = Keyring::Broken { secret: "s".to_owned(), defect: SecretDefect::NotJson };
    let nobody_asked = |_: &Credential| -> Option<Claim> { panic!("asked") };
    let verdict = judge(Some(&pull_claim(&broken, nobody_asked)), Mode::Strict);
    assert!(matches!(verdict, Verdict::Denied { .. }));
    assert_eq!(verdict.code(), CoreFinding::PullSecretBroken.code());
    let why = Open::undecidable("which role");
    let cases = Keyring::OneOf { why: why.clone(), cases: vec![broken.clone(), broken] };
    let Claim::OneOf { why: kept, cases } = pull_claim(&cases, nobody_asked) else { panic!("no cases") };
    assert_eq!((kept, cases.len()), (why, 2));
}

proptest! {
    #[test]
    fn every_lookup_ends_in_attempts(keys in prop::collection::vec("\\PC{0,20}", 0..6), reference in "[a-z.]{1,8}/[a-z]{1,5}") {
        let Ok(image) = ImageRef::parse(&reference) else { return Ok(()) };
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        let Keyring::Attempts(found) = keyring(&with_keys(&keys), &[], &image) else { panic!("broken") };
        prop_assert!(!found.is_empty());
        let globs: Vec<UrlGlob> = keys.iter().map(|key| UrlGlob::of_key(key)).collect();
        let direct = globs.iter().any(|glob| glob.matches(&image));
        let fallback = falls_back(&image) && globs.iter().any(|glob| glob.as_str() == "index.docker.io");
        let anonymous = Attempt { credential: Credential::Anonymous, key: String::new(), maybe: None };
        prop_assert_eq!(found.contains(&anonymous), !(direct || fallback));
    }

    #[test]
    fn a_star_covers_what_it_replaces(before in "[a-z]{0,3}", middle in "[a-z0-9-]{0,4}", after in "[a-z]{1,3}") {
        let host = format!("x{before}{middle}{after}.example");
        let glob = UrlGlob::parse(&format!("x{before}*{after}.example")).matches_host(&Registry(host));
        prop_assert!(glob);
    }
}

fn falls_back(image: &ImageRef) -> bool {
    image.registry.as_str() == "docker.io" || !image.registry.as_str().contains('.')
}
