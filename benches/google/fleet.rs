//! 100 clusters in 25 projects of one folder, each with a node account of its own, and 300 repositories in use.

use crate::clusters::{api_servers, kubeconfig};
use crate::measure::{count, line, pullaudit, run, spread};
use pullaudit_google_fake::{CLOUD_PLATFORM, Cluster, DenyPolicy, Fake, Policy, Pool, Repository, World};
use std::collections::BTreeMap;
use std::time::Duration;

const PROJECTS: usize = 25;
const CLUSTERS: usize = 100;
const REPOSITORIES: usize = 300;
/// Besides those, the credential sees the project of its own account.
const SEEN: usize = PROJECTS + 1;
/// All that is above a repository: its project, the folder, the organisation.
const ANCESTORS: usize = PROJECTS + 2;
const DENIALS: usize = 1;
/// As the program has it by default.
const CONCURRENCY: usize = 8;
const LATENCY: Duration = Duration::from_millis(50);
const RUNS: usize = 5;

fn project(number: usize) -> String {
    format!("acme-{}", number % PROJECTS)
}

fn account(cluster: usize) -> String {
    format!("nodes-{cluster}@{}.iam.gserviceaccount.com", project(cluster))
}

/// The repositories that a cluster pulls from, in three projects: no two clusters share one.
fn of_cluster(number: usize) -> [usize; 3] {
    [3 * number, 3 * number + 1, 3 * number + 2]
}

fn world() -> World {
    let mut world = World::new().organization("900100200300").folder("700100200300", "organizations/900100200300");
    for number in 0..PROJECTS {
        let own = 100_200_300_400 + u64::try_from(number).unwrap();
        world = world.project(&project(number), own, "folders/700100200300");
    }
    let mut grants: BTreeMap<usize, Policy> = BTreeMap::new();
    for number in 0..CLUSTERS {
        let pool = Pool::new("apps").account(&account(number)).scopes(&[CLOUD_PLATFORM]);
        world = world
            .account(&account(number))
            .cluster(Cluster::new(&project(number), "europe-west4", &format!("cluster-{number}")).pool(pool));
        for repository in of_cluster(number) {
            let policy = grants.remove(&repository).unwrap_or_default();
            // One in ten lost its grant.
            let lost = number % 10 == 0;
            let member = format!("serviceAccount:{}", account(number));
            let policy = if lost { policy } else { policy.bind("roles/artifactregistry.reader", &member) };
            grants.insert(repository, policy);
        }
    }
    for number in 0..REPOSITORIES {
        let repository = Repository::new(&project(number), "europe-west4", &format!("r{number}"));
        let policy = grants.remove(&number).unwrap_or_default();
        world = world.repository(repository.policy(policy));
    }
    world.deny(DenyPolicy::new(
        "organizations/900100200300",
        "lock",
        &["principal://goog/subject/dev@acme.example"],
        &["artifactregistry.googleapis.com/repositories.downloadArtifacts"],
    ))
}

/// Measures, prints, and says whether every floor held.
pub(crate) fn measured() -> bool {
    let (fake, folder) = (Fake::start(world()), tempfile::tempdir().unwrap());
    let context = |number: usize| format!("gke_{}_europe-west4_cluster-{number}", project(number));
    let names: Vec<String> = (0..CLUSTERS).map(context).collect();
    let image = |one: usize| format!("europe-west4-docker.pkg.dev/{}/r{one}/app:1", project(one));
    let images = move |number: usize| of_cluster(number).map(image).to_vec();
    let port = api_servers(("cloud.google.com/gke-nodepool", "apps"), images);
    std::fs::write(folder.path().join("kubeconfig"), kubeconfig(port, &names)).unwrap();
    let audit = ["audit", "--provider", "gke", "-o", "json", "--no-progress"];
    let once = || run(&mut pullaudit(fake.env(), folder.path(), &audit), &[2]);
    once();
    let mut by_method: BTreeMap<String, usize> = BTreeMap::new();
    for seen in fake.requests() {
        *by_method.entry(seen.name.to_string()).or_default() += 1;
    }
    by_method.remove("oauth2.token");
    let asked: usize = by_method.values().sum();
    println!("{CLUSTERS} clusters, {PROJECTS} projects, {REPOSITORIES} repositories: {by_method:#?}");
    let (rest, ..) = spread((0..RUNS).map(|_| once().wall.as_secs_f64()).collect());
    fake.set_latency(LATENCY);
    let costs: Vec<_> = (0..RUNS).map(|_| once()).collect();
    let (wall, least, most) = spread(costs.iter().map(|cost| cost.wall.as_secs_f64()).collect());
    let memory = costs.iter().map(|cost| cost.memory).fold(0.0, f64::max);
    // Token; projects; their clusters; what the repositories and accounts are; all that is above; denials.
    let stages = [1, 1, SEEN, 2 * PROJECTS + CLUSTERS + 3 * REPOSITORIES, 2 * ANCESTORS, DENIALS];
    let rounds: usize = stages.iter().map(|calls| calls.div_ceil(CONCURRENCY)).sum();
    println!("      wall {wall:.2} s ({least:.2} to {most:.2}), of it {rest:.2} s also without latency");
    let floor = 3 * SEEN + CLUSTERS + 2 * ANCESTORS + DENIALS + 3 * REPOSITORIES;
    let held = [
        line("calls of Google Cloud", count(asked), count(floor), ""),
        line("wall, all of it, at 50 ms a call", wall, 1.3 * count(rounds) * LATENCY.as_secs_f64(), "s"),
        line("peak memory", memory, 60.0, "MB"),
    ];
    assert!(fake.strangers().is_empty());
    held.into_iter().all(|held| held)
}
