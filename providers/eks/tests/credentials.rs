//! The credentials that a pod on a pool tries, and identities as people write them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use pullaudit_core::{
    Attempt, ClusterId, Credential, ImageRef, Keyring, Open, PodCredentials, Pool, PrincipalKind, Read,
};
use pullaudit_eks::cluster;
use std::collections::BTreeMap;

const ID: &str = "arn:aws:eks:eu-central-1:111122223333:cluster/pay";
const IMAGE: &str = "111122223333.dkr.ecr.eu-central-1.amazonaws.com/ledger/api:v1";

fn arn(role: &str) -> String {
    format!("arn:aws:iam::111122223333:role/{role}")
}

#[test]
fn identities_as_people_write_them() {
    for who in ["arn:aws:iam::111122223333:role/a/node", "arn:aws-cn:sts::111122223333:assumed-role/node/i-0abc"] {
        let principal = cluster::principal(who).unwrap();
        assert_eq!((principal.id.as_str(), principal.name.as_str()), (who, "node"));
        assert_eq!(principal.kind, PrincipalKind::NodeRole);
    }
    for who in [
        "",
        "node",
        "arn:aws:iam::111122223333:user/node",
        "arn:aws:iam::111122223333:role/",
        "arn:aws:iam::1111:role/node",
        "arn:aws:sts::111122223333:assumed-role/node",
        "arn:aws:sts::111122223333:assumed-role/node/",
        "arn:gcp:iam::111122223333:role/node",
        "me@example.com",
    ] {
        assert_eq!(cluster::principal(who), None, "{who}");
    }
}

fn pool(identity: Read<pullaudit_core::Principal>) -> Pool {
    Pool {
        cluster: ClusterId(ID.to_owned()),
        name: "web".to_owned(),
        identity,
        shape: pullaudit_core::Shape::default(),
        node_labels: BTreeMap::new(),
        nodes: [].into(),
        takes: Vec::new(),
        takes_unread: None,
        vantage: pullaudit_core::Vantage::default(),
        federation: None,
    }
}

fn tried(pool: &Pool, pod: &PodCredentials, image: &str, configured: &[(&str, bool)]) -> Keyring {
    let configured = configured.iter().map(|(id, on)| ((*id).to_owned(), *on)).collect();
    cluster::keyring(pool, pod, &ImageRef::parse(image).unwrap(), &configured)
}

fn credentials(keyring: &Keyring) -> Vec<String> {
    let word = |attempt: &Attempt| {
        let who = match &attempt.credential {
            Credential::Principal(principal) => format!("{} {}", principal.kind.describe(), principal.name),
            other => format!("{other:?}"),
        };
        if attempt.maybe.is_some() { format!("{who}?") } else { who }
    };
    match keyring {
        Keyring::Attempts(attempts) => attempts.iter().map(word).collect(),
        other => panic!("{other:?}"),
    }
}

fn web() -> Pool {
    pool(Read::Got(cluster::principal(&arn("blue")).unwrap()))
}

#[test]
fn the_role_is_tried_where_the_node_s_patterns_cover_the_host() {
    let pod = PodCredentials::default();
    let keyring = tried(&web(), &pod, IMAGE, &[]);
    assert_eq!(credentials(&keyring), ["node role blue"]);
    let Keyring::Attempts(attempts) = keyring else { panic!() };
    assert_eq!(attempts[0].key, "111122223333.dkr.ecr.eu-central-1.amazonaws.com");
    for image in [
        "111122223333.DKR.ecr.eu-central-1.amazonaws.com/ledger/api:v1",
        "111122223333.dkr.ecr.eu-central-1.amazonaws.com:443/ledger/api:v1",
        "a.b.dkr.ecr.eu-central-1.amazonaws.com/ledger/api:v1",
        "x.dkr.ecr.eu-central-1.amazonaws.com/ledger/api:v1",
        "registry.example.com/ledger/api:v1",
        "nginx",
    ] {
        assert_eq!(credentials(&tried(&web(), &pod, image, &[])), ["Anonymous"], "{image}");
    }
    assert_eq!(
        credentials(&tried(&web(), &pod, "public.ecr.aws/eks-distro/pause:3.9", &[])),
        ["node role blue?", "Anonymous?"]
    );
}

/// An old release of Bottlerocket never asks for a dual-stack host, a new one does, and of others nobody knows.
#[test]
fn a_host_that_only_newer_nodes_know_is_tried_by_those() {
    let image = "111122223333.dkr-ecr.eu-central-1.on.aws/ledger/api:v1";
    let pod = PodCredentials::default();
    let on = |system: &str| {
        let mut pool = web();
        pool.shape.systems.insert(system.to_owned());
        pool
    };
    let of = |pool: &Pool| credentials(&tried(pool, &pod, image, &[]));
    let [old, new] = ["1.40.0", "1.41.0"].map(|version| on(&format!("Bottlerocket OS {version} (aws-k8s-1.33)")));
    assert_eq!(of(&old), ["Anonymous"]);
    assert_eq!(of(&new), ["node role blue"]);
    assert_eq!(of(&on("Ubuntu 24.04.2 LTS")), ["node role blue?", "Anonymous?"]);
    assert_eq!(of(&web()), ["node role blue?", "Anonymous?"]);
    // A service account's role comes by way of the same plugin.
    let annotations = BTreeMap::from([("eks.amazonaws.com/ecr-role-arn".to_owned(), arn("puller"))]);
    let pod = PodCredentials { annotations, ..PodCredentials::default() };
    let of = |pool: &Pool| credentials(&tried(pool, &pod, image, &[(ID, true)]));
    assert_eq!(
        (of(&old), of(&new)),
        (vec!["Anonymous".to_owned()], vec!["service account role puller".to_owned()])
    );
    assert_eq!(of(&web()), ["service account role puller?", "Anonymous?"]);
}

#[test]
fn pools_without_a_known_role() {
    let pod = PodCredentials::default();
    let unknown = pool(Read::Unread(Open::undecidable("x")));
    assert_eq!(credentials(&tried(&unknown, &pod, IMAGE, &[])), ["Unidentified(Undecidable { what: \"x\" })"]);
    assert_eq!(credentials(&tried(&pool(Read::Absent), &pod, IMAGE, &[])), ["Anonymous"]);
}

#[test]
fn an_account_that_nobody_could_read_may_have_a_role_of_its_own() {
    let open = Open::undecidable("annotations");
    let mut pod = PodCredentials { account_unread: Some(open.clone()), ..PodCredentials::default() };
    for configured in [&[][..], &[(ID, true)]] {
        let Keyring::OneOf { why, cases } = tried(&web(), &pod, IMAGE, configured) else { panic!() };
        let cases: Vec<_> = cases.iter().map(credentials).collect();
        assert_eq!((why, cases[1].as_slice()), (open.clone(), ["node role blue".to_owned()].as_slice()));
        assert!(cases[0][0].starts_with("Unidentified"), "{cases:?}");
    }
    assert_eq!(credentials(&tried(&web(), &pod, IMAGE, &[(ID, false)])), ["node role blue"]);
    assert_eq!(credentials(&tried(&web(), &pod, "registry.example.com/a:1", &[])), ["Anonymous"]);
    pod.static_pod = true;
    assert_eq!(credentials(&tried(&web(), &pod, IMAGE, &[(ID, true)])), ["node role blue"]);
}

/// There is no kubelet, so no rule of kubelets tells that nobody logs in to another cloud's registry.
#[test]
fn nothing_is_known_of_virtual_nodes_wherever_the_image_lies() {
    let mut pool = pool(Read::Unread(Open::undecidable("virtual")));
    pool.node_labels = BTreeMap::from([("type".to_owned(), "virtual-kubelet".to_owned())]);
    for image in [IMAGE, "acmeprod.azurecr.io/app:1", "registry.example.com/a:1"] {
        let told = credentials(&tried(&pool, &PodCredentials::default(), image, &[]));
        assert!(told[0].starts_with("Unidentified"), "{image}: {told:?}");
    }
}

#[test]
fn a_service_account_s_role_pulls_where_nodes_are_set_up_for_it() {
    let role = arn("puller");
    let annotations = BTreeMap::from([("eks.amazonaws.com/ecr-role-arn".to_owned(), role)]);
    let pod = PodCredentials { annotations, ..PodCredentials::default() };
    for key in [ID, "pay"] {
        // No fallback to the node.
        assert_eq!(credentials(&tried(&web(), &pod, IMAGE, &[(key, true)])), ["service account role puller"]);
        assert_eq!(credentials(&tried(&web(), &pod, IMAGE, &[(key, false)])), ["node role blue"]);
    }
    let Keyring::OneOf { why, cases } = tried(&web(), &pod, IMAGE, &[("other", true)]) else { panic!() };
    assert!(why.to_string().contains("serviceAccountIdentity"), "{why}");
    assert_eq!(credentials(&cases[0]), ["service account role puller"]);
    assert_eq!(credentials(&cases[1]), ["node role blue"]);
    // An account that names none falls back to the node.
    let plain = PodCredentials { annotations: BTreeMap::new(), ..pod.clone() };
    assert_eq!(credentials(&tried(&web(), &plain, IMAGE, &[("pay", true)])), ["node role blue"]);
    // By whose token, for whom: as far as anybody knows.
    let pod = PodCredentials { namespace: "shop".to_owned(), service_account: "api".to_owned(), ..pod };
    let pool = Pool { federation: Some("oidc.example/id/A".to_owned()), ..web() };
    let token = |keyring: &Keyring| match keyring {
        Keyring::Attempts(attempts) => match &attempts[0].credential {
            Credential::Principal(principal) => principal.token.as_deref().cloned().unwrap(),
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    };
    let settled = token(&tried(&pool, &pod, IMAGE, &[("pay", true)]));
    assert_eq!(
        (settled.issuer.as_deref(), settled.audience.as_deref()),
        (Some("oidc.example/id/A"), Some("sts.amazonaws.com"))
    );
    assert_eq!(settled.subject, "system:serviceaccount:shop:api");
    let Keyring::OneOf { cases, .. } = tried(&pool, &pod, IMAGE, &[]) else { panic!() };
    assert_eq!(token(&cases[0]).audience, None);
    // A static pod has no service account, and other hosts never reach the plugin.
    let fixed = PodCredentials { static_pod: true, ..pod.clone() };
    assert_eq!(credentials(&tried(&web(), &fixed, IMAGE, &[("pay", true)])), ["node role blue"]);
    assert_eq!(credentials(&tried(&web(), &pod, "nginx", &[("pay", true)])), ["Anonymous"]);
}
