//! A complete audit of 20 clusters with five node groups each and 300 repositories, of which 100 are used: calls beside
//! their floor, memory, and the time that is the program's own beside cloud-custodian's, which only reads node groups and
//! repository policies.

use crate::measure::{count, line, pullaudit, run, spread};
use crate::servers::aws::{Keys, start};
use crate::servers::installed;
use crate::servers::proxy::Proxy;
use serde_json::{Map, Value, json};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

const OWN: &str = "111122223333";
const REGION: &str = "us-east-1";
const CLUSTERS: usize = 20;
const GROUPS: usize = 5;
const REPOSITORIES: usize = 300;
const USED: usize = 100;
const RUNS: usize = 5;

/// What somebody wrote in each repository's policy.
const FOREIGN: &str = r#"{"Version":"2012-10-17","Statement":[{"Sid":"Lambda","Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":["ecr:BatchGetImage","ecr:GetDownloadUrlForLayer"]}]}"#;

fn fixture() -> Value {
    let roles: Map<String, Value> = (0..GROUPS)
        .map(|number| (format!("nodes{number}"), json!({ "attached": ["AmazonEC2ContainerRegistryPullOnly"] })))
        .collect();
    let groups: Map<String, Value> = (0..GROUPS)
        .map(|number| (format!("group{number}"), json!({ "nodeRole": format!("nodes{number}") })))
        .collect();
    let clusters: Map<String, Value> = (0..CLUSTERS)
        .map(|number| {
            let access = json!({ "authenticationMode": "API" });
            (format!("shop{number:02}"), json!({ "accessConfig": access, "nodegroups": groups }))
        })
        .collect();
    let repositories: Map<String, Value> =
        (0..REPOSITORIES).map(|number| (format!("team/app{number}"), json!({ "policy": FOREIGN }))).collect();
    json!({ "accounts": { OWN: { "roles": roles, "clusters": { REGION: clusters },
        "repositories": { REGION: repositories } } } })
}

fn write_files(folder: &Path) {
    // Each runs on one group of every cluster: 2,000 checks.
    let app = |number: usize| {
        let group = number % GROUPS;
        format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: app{number}}}\nspec:\n  template:\n    spec:\n      \
             nodeSelector: {{eks.amazonaws.com/nodegroup: group{group}}}\n      containers: [{{name: app, image: '{OWN}.dkr.ecr.{REGION}.amazonaws.com/team/app{number}:1.0'}}]\n---\n"
        )
    };
    std::fs::write(folder.join("apps.yaml"), (0..USED).map(app).collect::<String>()).unwrap();
    let policies = json!({ "policies": [
        { "name": "groups", "resource": "aws.eks-nodegroup" },
        { "name": "policies", "resource": "aws.ecr", "filters": [{ "type": "cross-account" }] }] });
    std::fs::write(folder.join("reads.json"), policies.to_string()).unwrap();
}

fn environment(proxy: &Proxy) -> Vec<(String, String)> {
    let environment = Keys::root(OWN).environment(&proxy.endpoint(), REGION);
    environment.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// How many calls the last run made, and how long the server took for one.
fn calls(proxy: &Proxy) -> (usize, Duration) {
    let calls = proxy.calls();
    let all: Duration = calls.iter().map(|recorded| recorded.took).sum();
    (calls.len(), all / u32::try_from(calls.len().max(1)).unwrap())
}

/// What is left of a run's time when each call takes what the server needs for it.
fn net(wall: f64, (calls, _): (usize, Duration), mean: Duration) -> f64 {
    (wall - count(calls) * mean.as_secs_f64()).max(0.0)
}

/// Measures, prints, and says whether every floor held.
pub(crate) fn measured() -> bool {
    let aws = match start(&fixture()) {
        Ok(aws) => aws,
        Err(skipped) => {
            println!("SKIPPED the fleet on AWS: {skipped}");
            return false;
        }
    };
    let (proxy, folder) = (aws.account(), tempfile::tempdir().unwrap());
    write_files(folder.path());
    let audit =
        ["audit", "--provider", "eks", "--region", "us-east-1", "-f", "apps.yaml", "--no-progress", "-o", "json"];
    let once = || {
        proxy.reset();
        run(&mut pullaudit(environment(&proxy), folder.path(), &audit), &[0])
    };
    let costs: Vec<_> = (0..RUNS).map(|_| once()).collect();
    proxy.assert_no_call_twice();
    let own = calls(&proxy);
    let (wall, least, most) = spread(costs.iter().map(|cost| cost.wall.as_secs_f64()).collect());
    let memory = costs.iter().map(|cost| cost.memory).fold(0.0, f64::max);
    println!("{CLUSTERS} clusters, {USED} of {REPOSITORIES} repositories: {wall:.2} s ({least:.2} to {most:.2})");
    let floor = 4 * CLUSTERS + CLUSTERS * GROUPS + 2 * USED + 30;
    let held = line("calls of a complete audit", count(own.0), count(floor), "");
    let held = line("memory", memory, 60.0, "MB") && held;
    let Some((other, read)) = custodian(&proxy, folder.path()) else { return false };
    // It makes one call at a time, so that none waits for another.
    let mean = read.1;
    let (own, other) = (net(wall, own, mean), net(other, read, mean));
    println!(
        "      {:.1} ms a call; net of that {own:.2} s beside {other:.2} s of cloud-custodian",
        mean.as_secs_f64() * 1e3
    );
    line("net time beside cloud-custodian's readings", own / other, 0.2, "times") && held
}

/// The middle time of the other program and its calls; `None` where it is not installed.
fn custodian(proxy: &Proxy, folder: &Path) -> Option<(f64, (usize, Duration))> {
    let program = installed("custodian").join("venv/bin/custodian");
    if !program.is_file() {
        println!("SKIPPED the comparison: benches/aws/install.sh installs cloud-custodian");
        return None;
    }
    let once = || {
        proxy.reset();
        let mut command = Command::new(&program);
        command.args(["run", "-s", "out", "--cache-period", "0", "-r", REGION, "reads.json"]);
        command.current_dir(folder).env_clear().envs(environment(proxy)).env("HOME", folder);
        let wall = run(&mut command, &[0]).wall.as_secs_f64();
        let made = |operation: &str| proxy.calls().iter().filter(|one| one.call.operation == operation).count();
        assert_eq!((made("DescribeNodegroup"), made("GetRepositoryPolicy")), (CLUSTERS * GROUPS, REPOSITORIES));
        wall
    };
    let wall = spread((0..RUNS).map(|_| once()).collect()).0;
    Some((wall, calls(proxy)))
}
