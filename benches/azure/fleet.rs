//! 200 clusters in 20 subscriptions, 60 registries, 400 pairs of a registry and an identity.

use crate::azure_fake::{Cluster, Fake, Grant, Registry, World, role};
use crate::clusters::{api_servers, kubeconfig};
use crate::measure::{count, line, pullaudit, run, spread};
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

/// Calls besides those for tokens.
pub(crate) fn asked(fake: &Fake) -> usize {
    fake.requests().iter().filter(|seen| !seen.path.contains("/oauth2/")).count()
}

/// Measures, prints, and says whether every floor held.
pub(crate) fn measured() -> bool {
    let (fake, folder) = (Fake::start(world()), tempfile::tempdir().unwrap());
    let names: Vec<String> = (0..CLUSTERS).map(|number| format!("cluster{number}")).collect();
    let images =
        |number: usize| of_cluster(number).map(|one| format!("registry{one}.azurecr.io/team/app:1")).to_vec();
    let port = api_servers(("kubernetes.azure.com/agentpool", "system"), images);
    std::fs::write(folder.path().join("kubeconfig"), kubeconfig(port, &names)).unwrap();
    let audit = ["audit", "--provider", "aks", "-o", "json", "--no-progress"];
    let once = || run(&mut pullaudit(fake.env(), folder.path(), &audit), &[2]);
    once();
    let asked = asked(&fake);
    println!("{CLUSTERS} clusters, {SUBSCRIPTIONS} subscriptions, {REGISTRIES} registries, {PAIRS} pairs");
    // Without latency it shows what everything else takes: the clusters' own lists, and thinking.
    let (rest, ..) = spread((0..RUNS).map(|_| once().wall.as_secs_f64()).collect());
    fake.set_latency(LATENCY);
    let costs: Vec<_> = (0..RUNS).map(|_| once()).collect();
    let (wall, least, most) = spread(costs.iter().map(|cost| cost.wall.as_secs_f64()).collect());
    let memory = costs.iter().map(|cost| cost.memory).fold(0.0, f64::max);
    let stages = [1, SUBSCRIPTIONS, SUBSCRIPTIONS, 3 * REGISTRIES + PAIRS, ROLES];
    let rounds: usize = stages.iter().map(|calls| calls.div_ceil(CONCURRENCY)).sum();
    let waiting = count(rounds) * LATENCY.as_secs_f64();
    println!("      wall {wall:.2} s ({least:.2} to {most:.2}), of it {rest:.2} s also without latency");
    let floor = 3 + 2 * SUBSCRIPTIONS + 3 * REGISTRIES + PAIRS + ROLES;
    let held = [
        line("calls of Azure", count(asked), count(floor), ""),
        line("wall, all of it, at 50 ms a call", wall, 1.3 * waiting, "s"),
        line("peak memory", memory, 60.0, "MB"),
    ];
    assert!(fake.strangers().is_empty());
    held.into_iter().all(|held| held)
}
