//! A role that lost its place in the policies of 100 repositories of another account.

use crate::measure::{count, line, pullaudit, run, spread};
use crate::servers::aws::{Aws, Keys, start};
use crate::servers::installed;
use crate::servers::proxy::Proxy;
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;

const OWN: &str = "111122223333";
const OTHER: &str = "222233334444";
const REGION: &str = "us-east-1";
const EDITS: usize = 100;
const RUNS: usize = 5;

/// What somebody else wrote, in each of them.
const FOREIGN: &str = r#"{"Version":"2012-10-17","Statement":[{"Sid":"Lambda","Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":["ecr:BatchGetImage","ecr:GetDownloadUrlForLayer"]}]}"#;

fn names() -> impl Iterator<Item = String> {
    (0..EDITS).map(|number| format!("team/app{number}"))
}

fn fixture() -> Value {
    let trust = json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": { "AWS": format!("arn:aws:iam::{OWN}:root") } }] });
    let rights = json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Resource": "*",
        "Action": ["ecr:Describe*", "ecr:Get*", "ecr:SetRepositoryPolicy", "eks:ListClusters"] }] });
    let repositories: serde_json::Map<String, Value> =
        names().map(|name| (name, json!({ "policy": FOREIGN }))).collect();
    json!({ "accounts": {
        OWN: {
            "roles": { "nodes": { "attached": ["AmazonEC2ContainerRegistryPullOnly"] } },
            "clusters": { REGION: { "shop": {
                "accessConfig": { "authenticationMode": "API" },
                "nodegroups": { "apps": { "nodeRole": "nodes" } },
                "accessEntries": [{ "principalArn": "nodes", "type": "EC2_LINUX" }] } } },
        },
        OTHER: {
            "roles": { "repairer": { "trust": trust, "inline": { "write": rights } } },
            "repositories": { REGION: repositories },
        },
    } })
}

/// Every policy as it was before.
fn restore(aws: &Aws) {
    let repositories: serde_json::Map<String, Value> =
        names().map(|name| (name, json!({ "there": true, "policy": FOREIGN }))).collect();
    aws.seed(&json!({ "accounts": { OTHER: { "repositories": { REGION: repositories } } } }));
}

/// Workloads, the config that names the other account's role, and the same edit for the other program.
fn write_files(folder: &Path) {
    let app = |name: String| {
        format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {}}}\nspec:\n  template:\n    spec:\n      \
             containers: [{{name: app, image: '{OTHER}.dkr.ecr.{REGION}.amazonaws.com/{name}:1.0'}}]\n---\n",
            name.replace('/', "-")
        )
    };
    std::fs::write(folder.join("apps.yaml"), names().map(app).collect::<String>()).unwrap();
    let role = format!("arn:aws:iam::{OTHER}:role/repairer");
    std::fs::write(
        folder.join("pullaudit.yaml"),
        format!("scopes: {{accounts: [{{id: '{OTHER}', role: '{role}'}}]}}\n"),
    )
    .unwrap();
    let statement = json!({ "Sid": "PullauditPull", "Effect": "Allow",
        "Principal": { "AWS": format!("arn:aws:iam::{OWN}:role/nodes") },
        "Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"] });
    let policy = json!({ "policies": [{ "name": "let-nodes-pull", "resource": "aws.ecr",
        "actions": [{ "type": "modify-ecr-policy", "add-statements": [statement], "remove-statements": [] }] }] });
    std::fs::write(folder.join("custodian.json"), policy.to_string()).unwrap();
}

fn environment(proxy: &Proxy, account: &str) -> Vec<(String, String)> {
    let environment = Keys::root(account).environment(&proxy.endpoint(), REGION);
    environment.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn calls(proxy: &Proxy, operation: &str) -> usize {
    proxy.calls().iter().filter(|recorded| recorded.call.operation == operation).count()
}

/// Measures, prints, and says whether every floor held.
pub(crate) fn measured() -> bool {
    let aws = match start(&fixture()) {
        Ok(aws) => aws,
        Err(skipped) => {
            println!("SKIPPED the edits on AWS: {skipped}");
            return false;
        }
    };
    let (proxy, folder) = (aws.account(), tempfile::tempdir().unwrap());
    write_files(folder.path());
    let fix = ["fix", "--cluster", "shop", "-f", "apps.yaml", "--no-progress", "--yes", "--consent", "broad"];
    let fix = [&fix[..], &["--max-changes", "200", "--verify-timeout", "60s"]].concat();
    let once = || {
        restore(&aws);
        proxy.reset();
        run(&mut pullaudit(environment(&proxy, OWN), folder.path(), &fix), &[0])
    };
    let costs: Vec<_> = (0..RUNS).map(|_| once()).collect();
    let (wall, least, most) = spread(costs.iter().map(|cost| cost.wall.as_secs_f64()).collect());
    let memory = costs.iter().map(|cost| cost.memory).fold(0.0, f64::max);
    let (reads, writes) = (calls(&proxy, "GetRepositoryPolicy"), calls(&proxy, "SetRepositoryPolicy"));
    assert_eq!(writes, EDITS, "each policy is written once");
    println!(
        "{EDITS} repository policies: {wall:.2} s ({least:.2} to {most:.2}), {reads} reads, {writes} writes, {memory:.1} MB"
    );
    // The plan rests on one reading of each and the proof on another, as any audit does.
    let edits = reads + writes - 2 * EDITS;
    let calls = line("calls of an edit", count(edits) / count(EDITS), 4.0, "");
    let Some(other) = custodian(&aws, &proxy, folder.path()) else { return false };
    println!("      cloud-custodian: {other:.2} s");
    line("wall beside cloud-custodian's", wall / other, 1.0, "times") && calls
}

/// The middle time of the other program; `None` where it is not installed.
fn custodian(aws: &Aws, proxy: &Proxy, folder: &Path) -> Option<f64> {
    let program = installed("custodian").join("venv/bin/custodian");
    if !program.is_file() {
        println!("SKIPPED the comparison: benches/aws/install.sh installs cloud-custodian");
        return None;
    }
    let once = || {
        restore(aws);
        proxy.reset();
        let mut command = Command::new(&program);
        command.args(["run", "-s", "out", "--cache-period", "0", "-r", REGION, "custodian.json"]);
        command.current_dir(folder).env_clear().envs(environment(proxy, OTHER)).env("HOME", folder);
        let wall = run(&mut command, &[0]).wall.as_secs_f64();
        assert_eq!(calls(proxy, "SetRepositoryPolicy"), EDITS, "it makes the same edits");
        wall
    };
    Some(spread((0..RUNS).map(|_| once()).collect()).0)
}
