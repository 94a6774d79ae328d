//! The test servers themselves: they start, decide, record, break and end as the other tests rely on.
#![cfg(feature = "live")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on says so by a panic")]

#[path = "servers/mod.rs"]
mod servers;

mod aws {
    use serde_json::{Value, json};

    use super::servers::aws::{Answer, Pair, start};
    use super::servers::need;

    const OWN: &str = "111122223333";
    const OTHER: &str = "222233334444";

    fn pulls(principal: &Value) -> Value {
        json!({ "Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": principal,
            "Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
        }] })
    }

    fn fixture() -> Value {
        let token = json!({ "Version": "2012-10-17", "Statement": [
            { "Effect": "Allow", "Action": "ecr:GetAuthorizationToken", "Resource": "*" }] });
        json!({ "accounts": {
            OWN: {
                "policies": { "token": token },
                "roles": {
                    "node": { "path": "/eks/", "attached": ["AmazonEC2ContainerRegistryPullOnly"] },
                    "cni": { "attached": ["AmazonEKS_CNI_Policy"] },
                    "rotated": { "recreate": true, "attached": ["token"] },
                    "renamed": { "attached": ["token"] },
                },
                "repositories": { "us-east-1": {
                    "app": {},
                    "by-id": { "policy": pulls(&json!({ "AWS": "{{roleId:rotated@before}}" })) },
                    "by-arn": { "policy": pulls(&json!({ "AWS": "{{roleArn:renamed}}" })) },
                } },
                "clusters": { "us-east-1": { "prod": {
                    "endpoint": "https://127.0.0.1:1", "certificateAuthority": { "data": "Q0E=" },
                    "computeConfig": { "enabled": true, "nodeRoleArn": "node" },
                    "nodegroups": { "blue": { "nodeRole": "node" } },
                    "fargateProfiles": { "jobs": {
                        "podExecutionRoleArn": "cni", "selectors": [{ "namespace": "jobs" }] } },
                    "accessEntries": [{ "principalArn": "node", "type": "HYBRID_LINUX" }],
                } } },
            },
            OTHER: { "repositories": { "us-east-1": {
                "shared": { "policy": pulls(&json!({ "AWS": OWN })) },
                "closed": {},
            } } },
        } })
    }

    #[test]
    fn the_emulator_decides_as_aws_does_and_ends_with_its_handle() {
        let Some(aws) = need(start(&fixture()), "the_emulator_decides_as_aws_does") else { return };
        let roles = &aws.seeded()["accounts"][OWN]["roles"];
        assert_ne!(roles["rotated"]["id"], roles["rotated"]["before"]);
        let arn = |name: &str| roles[name]["arn"].as_str().unwrap();
        let answers = aws.ask(&[
            Pair::new(arn("node"), OWN, "app"),
            Pair::new(arn("cni"), OWN, "app"),
            Pair::new(arn("rotated"), OWN, "by-id"),
            Pair::new(arn("renamed"), OWN, "by-arn"),
            Pair::new(arn("node"), OTHER, "shared"),
            Pair::new(arn("node"), OTHER, "closed"),
            Pair::new(arn("cni"), OTHER, "shared"),
        ]);
        let allowed: Vec<bool> = answers.iter().map(super::servers::aws::Pull::allowed).collect();
        assert_eq!(allowed, [true, false, false, true, true, false, false]);
        assert_eq!((answers[2].token, answers[2].image), (Answer::Ok, Answer::Denied));
        assert!(answers[2].texts["image"].contains("not authorized to perform: ecr:BatchGetImage"));

        let process = std::path::PathBuf::from(format!("/proc/{}", aws.pid()));
        let known = process.exists();
        drop(aws);
        assert!(!known || !process.exists(), "the emulator outlived its handle");
    }
}

mod proxy {
    use std::time::Duration;

    use axum::body::Bytes;
    use axum::http::{HeaderMap, Method};
    use serde_json::{Value, json};

    use super::servers::ablation::{self, Audit, Check, TAKEN_AWAY, Verdict, ablate};
    use super::servers::aws::{Aws, Pair, ask, shared};
    use super::servers::call::{Answer, Seen};
    use super::servers::need;
    use super::servers::proxy::{Proxy, Trouble};
    use super::servers::upstream::Upstream;

    const ACCOUNT: &str = "333344445555";

    fn setup(test: &str) -> Option<(&'static Aws, Proxy)> {
        static SEEDED: std::sync::Once = std::sync::Once::new();
        let aws = need(shared(), test)?;
        SEEDED.call_once(|| {
            aws.seed(&json!({ "accounts": { ACCOUNT: {
                "roles": { "node": { "attached": ["AmazonEC2ContainerRegistryPullOnly"] } },
                "repositories": { "us-east-1": { "app": {}, "other": {} } },
                "clusters": { "us-east-1": { "prod": {
                    "nodegroups": { "a": { "nodeRole": "node" }, "b": { "nodeRole": "node" } } } } },
            } } }));
        });
        Some((aws, aws.proxy()))
    }

    /// Sends one request as the account's root, whose signature the emulator does not check.
    fn send(proxy: &Proxy, service: &str, method: Method, path: &str, target: &str, body: &str) -> Option<Answer> {
        let mut headers = HeaderMap::new();
        let scope = format!("{ACCOUNT}/20260101/us-east-1/{service}/aws4_request");
        let authorization = format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0");
        headers.insert("authorization", authorization.parse().unwrap());
        headers.insert("host", "127.0.0.1".parse().unwrap());
        if !target.is_empty() {
            headers.insert("x-amz-target", target.parse().unwrap());
        }
        if service == "iam" {
            headers.insert("content-type", "application/x-www-form-urlencoded".parse().unwrap());
        }
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let body = Bytes::copy_from_slice(body.as_bytes());
        let seen = Seen { method, path: path.to_owned(), query: query.to_owned(), headers, body };
        let proxy = Upstream::http(&proxy.endpoint());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let answer = tokio::time::timeout(Duration::from_millis(800), proxy.send(&seen)).await;
            answer.ok().map(|answer| answer.expect("the proxy answers"))
        })
    }

    fn ecr(proxy: &Proxy, operation: &str, body: &Value) -> Option<Answer> {
        let target = format!("AmazonEC2ContainerRegistry_V20150921.{operation}");
        send(proxy, "ecr", Method::POST, "/", &target, &body.to_string())
    }

    fn value(answer: &Answer) -> Value {
        serde_json::from_slice(&answer.body).expect("JSON")
    }

    #[test]
    fn it_records_calls_by_a_stable_key_and_refuses_strangers() {
        let Some((_, proxy)) = setup("it_records_calls_by_a_stable_key") else { return };
        ecr(&proxy, "DescribeRepositories", &json!({ "repositoryNames": ["app"] })).unwrap();
        send(&proxy, "iam", Method::POST, "/", "", "Action=GetRole&Version=2010-05-08&RoleName=node").unwrap();
        let groups = send(&proxy, "eks", Method::GET, "/clusters/prod/node-groups?maxResults=1", "", "").unwrap();
        let next = value(&groups)["nextToken"].as_str().expect("a second page").to_owned();
        let second = format!("/clusters/prod/node-groups?maxResults=1&nextToken={next}");
        assert_eq!(value(&send(&proxy, "eks", Method::GET, &second, "", "").unwrap())["nodegroups"], json!(["b"]));
        let keys: Vec<String> = proxy.counts().into_keys().collect();
        assert_eq!(
            keys,
            [
                "ecr:DescribeRepositories as=333344445555 region=us-east-1 repositoryNames=[\"app\"]",
                "eks:ListNodegroups as=333344445555 region=us-east-1 cluster=prod",
                "eks:ListNodegroups as=333344445555 region=us-east-1 cluster=prod page=2",
                "iam:GetRole as=333344445555 RoleName=node",
            ]
        );
        proxy.assert_no_call_twice();
        proxy.assert_no_strangers();
        assert_eq!(send(&proxy, "eks", Method::GET, "/nonsense", "", "").unwrap().status, 501);
        let strangers = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| proxy.assert_no_strangers()));
        assert!(strangers.is_err());
    }

    #[test]
    fn signed_requests_pass_unchanged_and_keys_are_named_after_their_role() {
        let Some((_, proxy)) = setup("signed_requests_pass_unchanged") else { return };
        let role = format!("arn:aws:iam::{ACCOUNT}:role/node");
        let answers = ask(&proxy.endpoint(), &[Pair::new(&role, ACCOUNT, "app")]);
        assert!(answers[0].allowed(), "{answers:?}");
        let token = format!("ecr:GetAuthorizationToken as={role} region=us-east-1");
        assert_eq!(proxy.counts()[&token], 1);
        proxy.assert_no_strangers();
    }

    #[test]
    fn each_trouble_has_the_shape_of_the_service() {
        let Some((_, proxy)) = setup("each_trouble_has_the_shape_of_the_service") else { return };
        let with = |what: Trouble, service: &'static str| {
            proxy.reset();
            proxy.fault(move |call| call.service == service, what);
            match service {
                "ecr" => ecr(&proxy, "DescribeRepositories", &json!({})),
                "eks" => send(&proxy, "eks", Method::GET, "/clusters", "", ""),
                _ => {
                    let body = "Action=ListAttachedRolePolicies&Version=2010-05-08&RoleName=node";
                    send(&proxy, "iam", Method::POST, "/", "", body)
                }
            }
        };
        let denied = with(Trouble::Forbidden, "ecr").unwrap();
        assert_eq!(
            (denied.status.as_u16(), value(&denied)["__type"].as_str()),
            (400, Some("AccessDeniedException"))
        );
        assert_eq!(with(Trouble::Forbidden, "eks").unwrap().headers["x-amzn-errortype"], "AccessDeniedException");
        let denied = with(Trouble::Forbidden, "iam").unwrap();
        assert!(String::from_utf8_lossy(&denied.body).contains("<Code>AccessDenied</Code>"));
        assert_eq!(with(Trouble::Absent, "eks").unwrap().status, 404);
        assert_eq!(with(Trouble::Lost, "ecr").unwrap().status, 404);
        assert!(with(Trouble::TimeOut, "ecr").is_none());
        let garbage = with(Trouble::Garbage, "ecr").unwrap();
        assert!(garbage.status == 200 && serde_json::from_slice::<Value>(&garbage.body).is_err());
        assert_eq!(value(&with(Trouble::Throttled(1), "ecr").unwrap())["__type"], "ThrottlingException");
        let empty = value(&with(Trouble::ShortPage, "ecr").unwrap());
        assert!(empty["repositories"] == json!([]) && empty["nextToken"].is_string());
        assert_eq!(value(&with(Trouble::CycleToken, "ecr").unwrap())["repositories"].as_array().unwrap().len(), 2);
        let page = String::from_utf8(with(Trouble::ShortPage, "iam").unwrap().body).unwrap();
        assert!(page.contains("<Marker>") && !page.contains("<member>"), "{page}");
        assert_eq!(with(Trouble::Slow(Duration::from_millis(50)), "ecr").unwrap().status, 200);
    }

    #[test]
    fn a_throttled_call_works_the_next_time_and_a_short_page_continues() {
        let Some((_, proxy)) = setup("a_throttled_call_works_the_next_time") else { return };
        proxy.fault(|call| call.operation == "DescribeImages", Trouble::Throttled(1));
        proxy.fault(|call| call.operation == "DescribeRepositories", Trouble::ShortPage);
        let image = json!({ "repositoryName": "app", "imageIds": [{ "imageTag": "1.0" }] });
        assert_eq!(ecr(&proxy, "DescribeImages", &image).unwrap().status, 400);
        assert_eq!(ecr(&proxy, "DescribeImages", &image).unwrap().status, 200);
        let first = value(&ecr(&proxy, "DescribeRepositories", &json!({})).unwrap());
        let rest = ecr(&proxy, "DescribeRepositories", &json!({ "nextToken": first["nextToken"] })).unwrap();
        assert_eq!(value(&rest)["repositories"].as_array().unwrap().len(), 2);
        assert!(value(&rest).get("nextToken").is_none());
        let missing = json!({ "repositoryName": "app", "imageIds": [{ "imageTag": "9" }] });
        assert_eq!(value(&ecr(&proxy, "DescribeImages", &missing).unwrap())["__type"], "ImageNotFoundException");
        proxy.overlay(|call| call.operation == "DescribeImages", Answer::json(&json!({ "imageDetails": [] })));
        assert_eq!(value(&ecr(&proxy, "DescribeImages", &missing).unwrap()), json!({ "imageDetails": [] }));
    }

    /// An audit of one check, which takes what it cannot read for a refusal if it is not `honest`.
    fn toy(proxy: &Proxy, honest: bool) -> Audit {
        let policy = ecr(proxy, "DescribeRepositories", &json!({ "repositoryNames": ["app"] }));
        let found = policy.and_then(|answer| serde_json::from_slice::<Value>(&answer.body).ok());
        let known = found.is_some_and(|found| found["repositories"].is_array());
        let (verdict, needing) = match (known, honest) {
            (true, _) => (Verdict::Allowed, vec![]),
            (false, true) => (Verdict::Unknown, vec!["ecr:DescribeRepositories".to_owned()]),
            (false, false) => (Verdict::Denied, vec![]),
        };
        Audit { checks: [("app".to_owned(), Check { verdict, needing })].into(), unread: vec![] }
    }

    #[test]
    fn ablation_passes_an_honest_audit_and_catches_one_that_guesses() {
        let Some((_, proxy)) = setup("ablation_passes_an_honest_audit") else { return };
        let report = ablate(&[&proxy], &TAKEN_AWAY, || Ok(toy(&proxy, true)));
        assert!(report.violations.is_empty() && report.failed.is_empty(), "{report}");
        assert_eq!((report.calls.len(), report.runs, report.indifferent.len()), (1, TAKEN_AWAY.len(), 0));
        let report = ablate(&[&proxy], &TAKEN_AWAY, || Ok(toy(&proxy, false)));
        assert_eq!(report.violations.len(), TAKEN_AWAY.len(), "{report}");
    }

    #[test]
    fn a_check_may_vanish_only_when_something_is_named_as_unread() {
        let check = |verdict| Check { verdict, needing: vec![] };
        let clean = Audit { checks: [("app".to_owned(), check(Verdict::Allowed))].into(), unread: vec![] };
        let gone = Audit::default();
        assert_eq!(ablation::compare(&clean, &gone).len(), 1);
        let named = Audit { unread: vec!["eks:ListClusters".to_owned()], ..Audit::default() };
        assert!(ablation::compare(&clean, &named).is_empty());
        let silent = Audit { checks: [("app".to_owned(), check(Verdict::Unknown))].into(), unread: vec![] };
        assert_eq!(ablation::compare(&clean, &silent).len(), 1);
    }
}

mod kubernetes {
    use k8s_openapi::api::core::v1::{ConfigMap, Pod, Secret};
    use kube::api::{Api, ListParams};
    use kube::config::{KubeConfigOptions, Kubeconfig};
    use kube::{Client, Config};
    use serde_json::json;

    use super::servers::aws;
    use super::servers::kubernetes::{ADMIN, AUDITOR, Kubernetes, NOBODY, shared};
    use super::servers::need;
    use super::servers::proxy::Trouble;
    use super::servers::reviewer::Trusted;

    fn client(kubernetes: &Kubernetes, user: &str, server: Option<&str>) -> Client {
        let file = kubernetes.kubeconfig(user, "test", server);
        let config = Kubeconfig::read_from(file).expect("a kubeconfig");
        kubernetes.block_on(async {
            let config = Config::from_custom_kubeconfig(config, &KubeConfigOptions::default()).await;
            Client::try_from(config.expect("a configuration")).expect("a client")
        })
    }

    #[test]
    fn a_pod_that_fails_to_pull_is_read_by_the_auditor_and_by_nobody_else() {
        let Some(kubernetes) = need(shared(), "a_pod_that_fails_to_pull") else { return };
        kubernetes.namespace("failing");
        kubernetes.apply(&json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "web", "namespace": "failing" },
            "spec": { "containers": [{ "name": "web", "image": "111122223333.dkr.ecr.us-east-1.amazonaws.com/app:1" }] },
            "status": { "phase": "Pending", "containerStatuses": [{
                "name": "web", "image": "app:1", "imageID": "", "ready": false, "restartCount": 0,
                "state": { "waiting": { "reason": "ErrImagePull", "message": "403 Forbidden" } } }] },
        }));
        let list = ListParams::default();
        let auditor = client(kubernetes, AUDITOR, None);
        let pods = Api::<Pod>::namespaced(auditor.clone(), "failing");
        let pods = kubernetes.block_on(pods.list(&list)).expect("the auditor reads pods");
        let status = pods.items[0].status.as_ref().unwrap().container_statuses.as_ref().unwrap()[0].clone();
        assert_eq!(status.state.unwrap().waiting.unwrap().reason.as_deref(), Some("ErrImagePull"));
        assert!(kubernetes.block_on(Api::<Secret>::all(auditor).list(&list)).is_err());
        assert!(kubernetes.block_on(Api::<Pod>::all(client(kubernetes, NOBODY, None)).list(&list)).is_err());
    }

    #[test]
    fn a_list_breaks_in_the_middle() {
        let Some(kubernetes) = need(shared(), "a_list_breaks_in_the_middle") else { return };
        kubernetes.namespace("broken");
        for name in ["a", "b", "c"] {
            kubernetes.apply(&json!({
                "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": name, "namespace": "broken" } }));
        }
        let proxy = kubernetes.proxy();
        let client = client(kubernetes, ADMIN, Some(&proxy.endpoint()));
        let maps = Api::<ConfigMap>::namespaced(client, "broken");
        let list = |page: &ListParams| kubernetes.block_on(maps.list(page));
        let first = list(&ListParams::default().limit(2)).expect("a page");
        let second = ListParams::default().limit(2).continue_token(first.metadata.continue_.as_deref().unwrap());
        assert_eq!(list(&second).expect("the second page").items.len(), 1);
        let keys: Vec<String> = proxy.counts().into_keys().collect();
        let key = "kubernetes:list configmaps namespace=broken";
        assert_eq!(keys, [key.to_owned(), format!("{key} page=2")]);
        proxy.assert_no_strangers();

        proxy.fault(|call| call.number == 2, Trouble::Expired);
        assert!(matches!(list(&second), Err(kube::Error::Api(status)) if status.code == 410));
        proxy.reset();
        proxy.fault(|call| call.operation == "list configmaps", Trouble::Cut);
        assert!(list(&second).is_err());
        proxy.reset();
        proxy.fault(|_| true, Trouble::ShortPage);
        let empty = list(&ListParams::default()).expect("an empty first page");
        assert!(empty.items.is_empty());
        let rest = ListParams::default().continue_token(empty.metadata.continue_.as_deref().unwrap());
        assert_eq!(list(&rest).expect("the rest").items.len(), 3);
    }

    #[test]
    fn a_role_enters_with_its_aws_credentials() {
        let Some(kubernetes) = need(shared(), "a_role_enters_with_its_aws_credentials") else { return };
        let Some(aws) = need(aws::shared(), "a_role_enters_with_its_aws_credentials") else { return };
        let seeded =
            aws.seed(&json!({ "accounts": { "444455556666": { "roles": { "entry": {}, "stranger": {} } } } }));
        let arn =
            |name: &str| seeded["accounts"]["444455556666"]["roles"][name]["arn"].as_str().unwrap().to_owned();
        kubernetes.reviewer().trust(Trusted {
            cluster: "prod".to_owned(),
            sts: aws.endpoint().to_owned(),
            role: arn("entry"),
            user: AUDITOR.to_owned(),
            groups: vec![],
        });
        let pods_as = |token: String| {
            let file = kubernetes.kubeconfig(AUDITOR, "test", None);
            let text = std::fs::read_to_string(&file)
                .unwrap()
                .replace(&super::servers::kubernetes::token(AUDITOR), &token);
            std::fs::write(&file, text).unwrap();
            kubernetes.block_on(async {
                let config = Kubeconfig::read_from(file).unwrap();
                let config = Config::from_custom_kubeconfig(config, &KubeConfigOptions::default()).await.unwrap();
                Api::<Pod>::all(Client::try_from(config).unwrap()).list(&ListParams::default()).await
            })
        };
        pods_as(aws.cluster_token(&arn("entry"), "prod")).expect("the trusted role reads pods");
        assert!(pods_as(aws.cluster_token(&arn("stranger"), "prod")).is_err());
        assert!(pods_as(aws.cluster_token(&arn("entry"), "another")).is_err(), "a token is bound to its cluster");
    }
}
