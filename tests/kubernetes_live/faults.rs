//! Pages, refusals and lost connections.

use crate::fixture::{
    PATIENCE, bind, client, cluster, count, many_pods, names, observe, of, owned, pod, through, without, workload,
};
use crate::servers;
use crate::servers::call::Call;
use crate::servers::kubernetes::{ADMIN, AUDITOR, NOBODY, shared, token};
use crate::servers::need;
use crate::servers::proxy::Trouble;
use pullaudit::kubernetes::live::{self, Select, from_access};
use pullaudit_core::{ApiAccess, Calls, Obstacle, Open, Read};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

#[test]
fn pods_page_by_five_hundred_and_are_one_workload() {
    let Some(server) = need(shared(), "paging") else { return };
    let ns = "paging";
    server.namespace(ns);
    let deployment = server
        .apply(&without(workload("apps/v1", "Deployment", ns, "many", "example.test/many:1"), &["serviceName"]));
    let set = without(workload("apps/v1", "ReplicaSet", ns, "many-1", "example.test/many:1"), &["serviceName"]);
    let replica_set = server.apply(&owned(set, &deployment));
    many_pods(server, ns, 1200, Some(&replica_set));
    let proxy = server.proxy();

    let clean = server.block_on(async { observe(&through(server, &proxy, AUDITOR).await, &of(ns)).await });
    assert_eq!(count(&proxy, "list pods"), 3);
    assert_eq!(names(&clean.0.workloads), ["Deployment many"]);
    proxy.assert_no_strangers();
    proxy.assert_no_call_twice();

    // A connection that is lost in the middle of every first try of the second page.
    for (trouble, says) in
        [(Trouble::Cut, "pods in namespace paging"), (Trouble::Garbage, "pods in namespace paging")]
    {
        proxy.reset();
        proxy.fault(|call| call.operation == "list pods" && call.number == 2, trouble);
        let (broken, _) =
            server.block_on(async { observe(&through(server, &proxy, AUDITOR).await, &of(ns)).await });
        assert_eq!(names(&broken.workloads), ["Deployment many"], "what came before stays");
        assert_eq!(broken.gaps.len(), 1, "{trouble:?}");
        let Open::Unread { reading, permission, obstacle, .. } = &broken.gaps[0].open else { panic!() };
        assert_eq!((&**reading, &**permission), (says, "list pods"));
        assert!(matches!(obstacle, Obstacle::Failed(_)), "{obstacle:?}");
        assert!(broken.gaps[0].message.starts_with("some pods"), "{}", broken.gaps[0].message);
    }
    proxy.reset();
    proxy.fault(|call| call.operation == "list pods" && call.number == 2, Trouble::Throttled(2));
    let (throttled, calls) =
        server.block_on(async { observe(&through(server, &proxy, AUDITOR).await, &of(ns)).await });
    assert_eq!(throttled.gaps, []);
    let counted = calls.counts()["kubernetes"];
    assert_eq!(counted.attempts - counted.operations, 2);
    proxy.reset();
    proxy.fault(|call| call.operation == "list pods", Trouble::CycleToken);
    let (cyclic, _) = server.block_on(async { observe(&through(server, &proxy, AUDITOR).await, &of(ns)).await });
    assert!(cyclic.gaps[0].open.to_string().contains("repeats a page token"), "{}", cyclic.gaps[0].open);
    proxy.reset();
    proxy.fault(
        |call| call.operation == "list pods" && call.page.as_deref().is_none_or(|page| page == "proxy-rest"),
        Trouble::ShortPage,
    );
    let (short, _) = server.block_on(async { observe(&through(server, &proxy, AUDITOR).await, &of(ns)).await });
    assert_eq!((names(&short.workloads), short.gaps.len()), (vec!["Deployment many".to_owned()], 0));
    // Without a token in its 410 the server leaves one way: from the start, once. The pages that came
    // before are then of another moment. (A page is not known by its token here: the token changes with
    // every write of any test beside this one.)
    proxy.reset();
    let met = AtomicBool::new(false);
    proxy.fault(move |call| second_page(call) && !met.swap(true, Ordering::SeqCst), Trouble::Expired);
    let (again, _) = server.block_on(async { observe(&through(server, &proxy, AUDITOR).await, &of(ns)).await });
    assert_eq!((names(&again.workloads), again.gaps.len()), (vec!["Deployment many".to_owned()], 0));
    assert_eq!(again.inconsistent, ["Pod"]);
    assert_eq!(count(&proxy, "list pods"), 5);
    proxy.reset();
    proxy.fault(second_page, Trouble::Expired);
    let (expired, _) = server.block_on(async { observe(&through(server, &proxy, AUDITOR).await, &of(ns)).await });
    assert_eq!(expired.gaps.len(), 1);
    assert_eq!(count(&proxy, "list pods"), 4);
}

fn second_page(call: &Call) -> bool {
    call.operation == "list pods" && call.page.is_some()
}

#[test]
fn a_kind_that_may_not_be_listed_is_a_gap_and_the_rest_is_read() {
    let Some(server) = need(shared(), "refused kinds") else { return };
    let ns = "refused";
    server.namespace(ns);
    let deployment =
        server.apply(&without(workload("apps/v1", "Deployment", ns, "web", "x/web:1"), &["serviceName"]));
    let set = without(workload("apps/v1", "ReplicaSet", ns, "web-1", "x/web:1"), &["serviceName"]);
    let replica_set = server.apply(&owned(set, &deployment));
    server.apply(&workload("apps/v1", "StatefulSet", ns, "db", "x/db:1"));
    server.apply(&pod(ns, "web-1-a", Some(&replica_set), "n1", "x/web:1"));
    let proxy = server.proxy();
    for (resource, right, expected) in [
        ("deployments", "list deployments.apps", vec!["Deployment web", "StatefulSet db"]),
        ("replicasets", "list replicasets.apps", vec!["Deployment web", "StatefulSet db"]),
        ("pods", "list pods", vec!["Deployment web", "StatefulSet db"]),
        ("cronjobs", "list cronjobs.batch", vec!["Deployment web", "StatefulSet db"]),
    ] {
        for trouble in [Trouble::Forbidden, Trouble::Absent, Trouble::Lost] {
            proxy.reset();
            proxy.fault(move |call| call.operation == format!("list {resource}"), trouble);
            let (observed, _) =
                server.block_on(async { observe(&through(server, &proxy, ADMIN).await, &of(ns)).await });
            assert_eq!(names(&observed.workloads), expected, "{resource} {trouble:?}");
            assert_eq!(observed.gaps.len(), 1, "{resource} {trouble:?}");
            let Open::Unread { reading, permission, scope, .. } = &observed.gaps[0].open else { panic!() };
            assert_eq!(&**permission, right);
            assert_eq!((&**reading, &**scope), (format!("{resource} in namespace refused").as_str(), "shop"));
        }
    }
    // The same by the server's own judgement, cluster-wide.
    let nobody = server.block_on(async { observe(&client(server, NOBODY).await, &Select::default()).await }).0;
    assert!(nobody.workloads.is_empty());
    assert_eq!(nobody.gaps.len(), 11);
    assert!(nobody.gaps.iter().all(|gap| matches!(&gap.open, Open::Unread { obstacle: Obstacle::Refused, .. })));
    assert!(
        nobody
            .gaps
            .iter()
            .any(|gap| gap.open.to_string() == "jobs in all namespaces: needs list jobs.batch in shop")
    );
}

#[test]
fn a_user_with_rights_on_pods_alone_is_told_what_else_is_needed() {
    let Some(server) = need(servers::kubernetes::start(), "a limited user") else { return };
    let ns = "limited";
    server.namespace(ns);
    server.apply(&pod(ns, "alone", None, "n1", "x/alone:1"));
    bind(&server, NOBODY, &json!([{ "apiGroups": [""], "verbs": ["get", "list"], "resources": ["pods"] }]));
    let (observed, _) =
        server.block_on(async { observe(&client(&server, NOBODY).await, &Select::default()).await });
    assert_eq!(names(&observed.workloads), ["Pod alone"]);
    assert_eq!(observed.gaps.len(), 10);
    assert!(observed.gaps.iter().all(|gap| !gap.open.to_string().contains("list pods ")));
}

#[test]
fn a_list_that_expires_goes_on_with_the_servers_new_token() {
    use axum::http::{StatusCode, Uri, header};
    use axum::response::{IntoResponse as _, Response};
    let answer = |status: StatusCode, body: &Value| {
        (status, [(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response()
    };
    let page = move |names: std::ops::Range<usize>, next: &str| {
        let items: Vec<Value> = names.map(|number| pod("ns", &format!("p{number}"), None, "n1", "x:1")).collect();
        answer(StatusCode::OK, &json!({ "metadata": { "continue": next }, "items": items }))
    };
    let app = axum::Router::new().fallback(move |uri: Uri| async move {
        let query = uri.query().unwrap_or_default();
        let token = query.split('&').find_map(|part| part.strip_prefix("continue="));
        let response: Response = match (uri.path(), token) {
            ("/api/v1/pods", None) => page(0..2, "old"),
            ("/api/v1/pods", Some("old")) => answer(
                StatusCode::GONE,
                &json!({ "kind": "Status", "status": "Failure", "code": 410, "reason": "Expired",
                         "message": "too old", "metadata": { "continue": "fresh" } }),
            ),
            ("/api/v1/pods", Some(_)) => page(2..4, ""),
            _ => answer(StatusCode::OK, &json!({ "metadata": {}, "items": null })),
        };
        response
    });
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let observed = runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await });
        let client = kube::Client::try_from(kube::Config::new(server.parse().unwrap())).unwrap().into();
        observe(&client, &Select::default()).await.0
    });
    assert_eq!(names(&observed.workloads), ["Pod p0", "Pod p1", "Pod p2", "Pod p3"]);
    assert_eq!((observed.gaps.len(), observed.inconsistent.as_slice()), (0, &["Pod".to_owned()][..]));
}

#[test]
fn an_api_server_out_of_reach_is_said_within_the_timeout() {
    let Some(server) = need(shared(), "out of reach") else { return };
    let calls = Calls::default();
    let lost = |access: ApiAccess| {
        server.block_on(async {
            let client = from_access(&access, Duration::from_secs(1)).await.unwrap();
            live::view(&client, &cluster(""), &[], &calls).await
        })
    };
    let right = ApiAccess { server: server.endpoint().into(), ca_pem: server.ca().into(), token: token(ADMIN) };
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let free = { std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap() };
    for (access, says) in [
        (
            ApiAccess { token: "MARKED-TOKEN".into(), ..right.clone() },
            "401: the API server does not accept these credentials",
        ),
        (ApiAccess { server: format!("https://{free}"), ..right.clone() }, "refused"),
        (ApiAccess { server: format!("https://{}", silent.local_addr().unwrap()), ..right.clone() }, ""),
    ] {
        let began = Instant::now();
        let Read::Unread(open) = lost(access) else { panic!("{says}") };
        assert!(open.to_string().contains(says), "{open}");
        assert!(!open.to_string().contains("MARKED-TOKEN"));
        assert!(began.elapsed() < Duration::from_secs(10), "{says}: {:?}", began.elapsed());
    }
    let bad = ApiAccess { server: "not an address at all".into(), ..right };
    let error = server.block_on(async { from_access(&bad, PATIENCE).await.err().unwrap() });
    assert!(!error.to_string().contains(&token(ADMIN)), "{error}");
}
