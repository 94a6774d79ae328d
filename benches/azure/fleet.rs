//! 200 clusters in 20 subscriptions, 60 registries, 400 pairs of a registry and an identity.

use crate::azure_fake::{Cluster, Fake, Grant, Registry, World, role};
use crate::measure::{calls, line, pullaudit, run, spread};
use axum::Router;
use axum::extract::Request;
use serde_json::{Value, json};
use std::time::Duration;

const SUBSCRIPTIONS: usize = 20;
const CLUSTERS: usize = 200;
const REGISTRIES: usize = 60;
const PAIRS: usize = 2 * CLUSTERS;
const ROLES: usize = 1;
/// As the program has it by default.
const CONCURRENCY: usize = 8;
const LATENCY: Duration = Duration::from_millis(50);
const RUNS: usize = 5;

fn subscription(number: usize) -> String {
    format!("{:08x}-0000-4000-8000-000000000001", number + 1)
}

fn world() -> World {
    let mut world = World::new();
    for number in 0..SUBSCRIPTIONS {
        world = world.subscription(&subscription(number));
    }
    for number in 0..REGISTRIES {
        world = world.registry(Registry::new(
            &subscription(number % SUBSCRIPTIONS),
            "rg",
            &format!("registry{number}"),
        ));
    }
    for number in 0..CLUSTERS {
        let cluster = Cluster::new(&subscription(number % SUBSCRIPTIONS), "rg", &format!("cluster{number}"));
        let who = cluster.identity().unwrap().object_id.clone();
        for registry in of_cluster(number) {
            // One in ten lost its grant.
            if number % 10 > 0 {
                let scope = world.registries[registry].id();
                world = world.grant(Grant::new(&scope, role::ACR_PULL, &who));
            }
        }
        world = world.cluster(cluster);
    }
    world
}

/// The registries that a cluster pulls from.
fn of_cluster(number: usize) -> [usize; 2] {
    [number % REGISTRIES, (number + 7) % REGISTRIES]
}

/// API servers of all clusters in one: a node, and a deployment for each registry. They answer at once, since
/// the floors are about Azure.
fn api_servers() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let router = Router::new().fallback(|request: Request| async move { answer(request.uri().path()) });
            axum::serve(tokio::net::TcpListener::from_std(listener).unwrap(), router).await.unwrap();
        });
    });
    port
}

fn answer(path: &str) -> String {
    let number = path.trim_start_matches("/c").split('/').next().and_then(|text| text.parse().ok()).unwrap_or(0);
    let items: Vec<Value> = match path.rsplit('/').next() {
        Some("nodes") => {
            let labels = json!({ "kubernetes.azure.com/agentpool": "system" });
            vec![json!({ "metadata": { "name": "node", "labels": labels } })]
        }
        Some("deployments") => of_cluster(number).into_iter().map(deployment).collect(),
        _ => Vec::new(),
    };
    json!({ "kind": "List", "apiVersion": "v1", "metadata": {}, "items": items }).to_string()
}

fn deployment(registry: usize) -> Value {
    let image = format!("registry{registry}.azurecr.io/team/app:1");
    json!({ "metadata": { "name": format!("app{registry}"), "namespace": "team" },
        "spec": { "template": { "spec": { "containers": [{ "name": "app", "image": image }] } } } })
}

/// Contexts as `az aks get-credentials` names them.
fn kubeconfig(port: u16) -> String {
    let names = || (0..CLUSTERS).map(|number| (number, format!("cluster{number}")));
    let cluster = |(number, name): (usize, String)| json!({ "name": name, "cluster": { "server": format!("http://127.0.0.1:{port}/c{number}") } });
    let context =
        |(_, name): (usize, String)| json!({ "name": name, "context": { "cluster": name, "user": "u" } });
    json!({ "apiVersion": "v1", "kind": "Config", "users": [{ "name": "u", "user": { "token": "t" } }],
        "clusters": names().map(cluster).collect::<Vec<_>>(),
        "contexts": names().map(context).collect::<Vec<_>>() })
    .to_string()
}

/// Measures, prints, and says whether every floor held.
pub(crate) fn measured() -> bool {
    let (fake, folder) = (Fake::start(world()), tempfile::tempdir().unwrap());
    std::fs::write(folder.path().join("kubeconfig"), kubeconfig(api_servers())).unwrap();
    let audit = ["audit", "--provider", "aks", "-o", "json", "--no-progress"];
    let once = || run(&mut pullaudit(&fake, folder.path(), &audit), &[2]);
    once();
    let asked = calls(&fake);
    println!("{CLUSTERS} clusters, {SUBSCRIPTIONS} subscriptions, {REGISTRIES} registries, {PAIRS} pairs");
    // Without latency it shows what everything else takes: the clusters' own lists, and thinking.
    let (rest, ..) = spread((0..RUNS).map(|_| once().wall.as_secs_f64()).collect());
    fake.set_latency(LATENCY);
    let costs: Vec<_> = (0..RUNS).map(|_| once()).collect();
    let (wall, least, most) = spread(costs.iter().map(|cost| cost.wall.as_secs_f64()).collect());
    let memory = costs.iter().map(|cost| cost.memory).fold(0.0, f64::max);
    let stages = [1, SUBSCRIPTIONS, SUBSCRIPTIONS, 3 * REGISTRIES + PAIRS, ROLES];
    let rounds: usize = stages.iter().map(|calls| calls.div_ceil(CONCURRENCY)).sum();
    let waiting = f64::from(u32::try_from(rounds).unwrap()) * LATENCY.as_secs_f64();
    println!("      wall {wall:.2} s ({least:.2} to {most:.2}), of it {rest:.2} s also without latency");
    let floor = 3 + 2 * SUBSCRIPTIONS + 3 * REGISTRIES + PAIRS + ROLES;
    let count = |number: usize| f64::from(u32::try_from(number).unwrap());
    let held = [
        line("calls of Azure", count(asked), count(floor), ""),
        line("wall, all of it, at 50 ms a call", wall, 1.3 * waiting, "s"),
        line("peak memory", memory, 60.0, "MB"),
    ];
    assert!(fake.strangers().is_empty());
    held.into_iter().all(|held| held)
}
