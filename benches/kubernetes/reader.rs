//! The two readers, each in a process of its own.

use http::Request;
use http_body_util::BodyExt;
use pullaudit::kubernetes::live::{self, Client, Select, from_access};
use pullaudit_core::{ApiAccess, Calls, Cluster, ClusterId, Pool, Read, Shape, Vantage};
use std::time::Duration;

/// Which one this process is.
pub(crate) const MODE: &str = "PULLAUDIT_BENCH_READER";
pub(crate) const SERVER: &str = "PULLAUDIT_BENCH_SERVER";
pub(crate) const CA: &str = "PULLAUDIT_BENCH_CA";
pub(crate) const TOKEN: &str = "PULLAUDIT_BENCH_TOKEN";

/// Reads nodes and workloads as an audit does.
pub(crate) const WORKLOADS: &str = "workloads";
/// Drains the pages of nodes and pods, and looks at nothing but the token of the next.
pub(crate) const DRAIN: &str = "drain";

pub(crate) fn main(mode: &str) {
    let of = |name: &str| std::env::var(name).unwrap();
    let access = ApiAccess { server: of(SERVER), ca_pem: of(CA), token: of(TOKEN) };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let client = from_access(&access, Duration::from_mins(1)).await.unwrap();
        if mode == WORKLOADS {
            return workloads(&client).await;
        }
        let client = client.kube();
        drain(&client, "/api/v1/nodes?limit=500").await;
        let living = "status.phase!%3DSucceeded%2Cstatus.phase!%3DFailed";
        drain(&client, &format!("/api/v1/pods?limit=500&fieldSelector={living}")).await;
    });
}

async fn workloads(client: &Client<'_>) {
    let id = ClusterId("bench".to_owned());
    let cluster = Cluster {
        id: id.clone(),
        provider: "eks".to_owned(),
        name: "bench".to_owned(),
        location: String::new(),
        scope: String::new(),
        endpoint: None,
    };
    let pool = |number: usize| {
        let labels = [("pool".to_owned(), format!("pool{number}"))];
        let values = labels.clone().map(|(label, value)| (label, [value].into()));
        Pool {
            cluster: id.clone(),
            name: format!("pool{number}"),
            identity: Read::Absent,
            shape: Shape { nodes: 200, labels: values.into(), ..Shape::default() },
            node_labels: labels.into(),
            nodes: [].into(),
            takes: Vec::new(),
            takes_unread: None,
            vantage: Vantage::default(),
            federation: None,
        }
    };
    let pools: Vec<Pool> = (0..10).map(pool).collect();
    let calls = Calls::default();
    let view = live::view(client, &cluster, &[], &calls).await;
    let nodes = &view.got().unwrap().nodes;
    let observed = live::workloads(client, &cluster, &pools, nodes, &Select::default(), &calls, 8).await;
    assert!(observed.gaps.is_empty(), "{:?}", observed.gaps);
    assert!(
        observed.workloads.iter().all(|workload| workload.kind == "Deployment" && !workload.containers.is_empty())
    );
    assert!(!observed.workloads.is_empty());
}

async fn drain(client: &kube::Client, path: &str) {
    let mut next = String::new();
    loop {
        let page = if next.is_empty() { path.to_owned() } else { format!("{path}&continue={next}") };
        let answer = client.send(Request::get(page).body(kube::client::Body::empty()).unwrap()).await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.status());
        let mut body = answer.into_body();
        let mut head = Vec::new();
        while let Some(frame) = body.frame().await {
            // The token stands in the list's own metadata, before its items.
            if let Some(data) = frame.unwrap().data_ref().filter(|_| head.len() < 4096) {
                head.extend_from_slice(&data[..data.len().min(4096)]);
            }
        }
        let head = String::from_utf8_lossy(&head);
        let token =
            head.split("\"continue\":\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_default();
        next = form_urlencoded::byte_serialize(token.as_bytes()).collect();
        if next.is_empty() {
            return;
        }
    }
}
