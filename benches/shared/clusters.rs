//! API servers of a whole fleet in one process, and the kubeconfig that leads to them.

use axum::Router;
use axum::extract::Request;
use serde_json::{Value, json};
use std::sync::Arc;

/// A node and a deployment for each image, by the number of the cluster, which is in the path as `/cN`. They answer at
/// once: the floors are about the clouds. `pool` is the label by which a node tells its pool.
pub(crate) fn api_servers(
    pool: (&'static str, &'static str),
    images: impl Fn(usize) -> Vec<String> + Send + Sync + 'static,
) -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    let images = Arc::new(images);
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let router = Router::new().fallback(move |request: Request| {
                let images = Arc::clone(&images);
                async move { answer(request.uri().path(), pool, &*images) }
            });
            axum::serve(tokio::net::TcpListener::from_std(listener).unwrap(), router).await.unwrap();
        });
    });
    port
}

fn answer(path: &str, (label, pool): (&str, &str), images: &dyn Fn(usize) -> Vec<String>) -> String {
    let number = path.trim_start_matches("/c").split('/').next().and_then(|text| text.parse().ok()).unwrap_or(0);
    let items: Vec<Value> = match path.rsplit('/').next() {
        Some("nodes") => vec![json!({ "metadata": { "name": "node", "labels": { label: pool } } })],
        Some("deployments") => images(number).iter().enumerate().map(deployment).collect(),
        _ => Vec::new(),
    };
    json!({ "kind": "List", "apiVersion": "v1", "metadata": {}, "items": items }).to_string()
}

fn deployment((number, image): (usize, &String)) -> Value {
    json!({ "metadata": { "name": format!("app{number}"), "namespace": "team" },
        "spec": { "template": { "spec": { "containers": [{ "name": "app", "image": image }] } } } })
}

/// A context for each cluster, named as its cloud's own tool names it.
pub(crate) fn kubeconfig(port: u16, names: &[String]) -> String {
    let names = || names.iter().enumerate();
    let cluster = |(number, name): (usize, &String)| json!({ "name": name, "cluster": { "server": format!("http://127.0.0.1:{port}/c{number}") } });
    let context =
        |(_, name): (usize, &String)| json!({ "name": name, "context": { "cluster": name, "user": "u" } });
    json!({ "apiVersion": "v1", "kind": "Config", "users": [{ "name": "u", "user": { "token": "t" } }],
        "clusters": names().map(cluster).collect::<Vec<_>>(),
        "contexts": names().map(context).collect::<Vec<_>>() })
    .to_string()
}
