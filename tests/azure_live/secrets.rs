//! Nothing that logs in is ever printed or stored: every secret is marked, and looked for in all that comes
//! out.

use crate::azure::Place;
use crate::azure_fake::{Caller, Fault, Trouble, World};
use std::process::Command;

const SECRET: &str = "MARKED-client-secret";
const ASSERTION: &str = "MARKED-assertion";

fn place() -> Place {
    let caller = Caller { secret: SECRET.to_owned(), ..Caller::new() }.assertion(ASSERTION);
    Place::of(World::acme().caller(caller), &["acmeregistry.azurecr.io/shop/cart:1"])
}

/// Everything that a run printed, and every file that it left.
fn all_of(place: &Place, arguments: &[&str], environment: Vec<(String, String)>) -> String {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin("pullaudit"));
    command.current_dir(place.folder.path()).args(arguments).env_clear().envs(environment);
    command.env("HOME", place.folder.path()).env("KUBECONFIG", "/nonexistent");
    let output = command.output().unwrap();
    let mut all = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    for file in std::fs::read_dir(place.folder.path()).unwrap() {
        all += &std::fs::read_to_string(file.unwrap().path()).unwrap_or_default();
    }
    all
}

fn hold(place: &Place, arguments: &[&str], all: &str) {
    let tokens = place.fake.tokens();
    assert!(!tokens.is_empty(), "{arguments:?}: somebody signed in: {all}");
    for secret in tokens.iter().map(String::as_str).chain([SECRET, ASSERTION]) {
        // A signed token may come out in parts.
        for part in secret.split('.').filter(|part| part.len() > 12 || part.contains("MARKED")) {
            assert!(!all.contains(part), "{arguments:?} lets {part} out");
        }
    }
}

const RUNS: [&[&str]; 5] = [
    &["audit", "--provider", "aks", "-f", "apps.yaml", "-o", "json", "-vvv", "--timeout", "3s"],
    &["audit", "--provider", "aks", "-vvv", "--timeout", "3s"],
    &["collect", "--provider", "aks", "-f", "apps.yaml", "-o", "facts.json", "-vvv", "--timeout", "3s"],
    &[
        "fix",
        "--provider",
        "aks",
        "-f",
        "apps.yaml",
        "--dry-run",
        "--plan-out",
        "plan.json",
        "-vvv",
        "--timeout",
        "3s",
    ],
    &["fix", "--provider", "aks", "-f", "apps.yaml", "--yes", "--verify-timeout", "2s", "-vvv", "--timeout", "3s"],
];

#[test]
fn no_secret_comes_out_of_a_run_that_works() {
    for arguments in RUNS {
        let place = place();
        hold(&place, arguments, &all_of(&place, arguments, place.fake.env()));
        let place = self::place();
        hold(&place, arguments, &all_of(&place, arguments, place.fake.workload_env()));
    }
}

#[test]
fn no_secret_comes_out_of_a_run_that_fails() {
    let faults = [
        ("registries", Trouble::Garbage),
        ("roleassignments", Trouble::Forbidden),
        ("managedclusters", Trouble::Refused(401, "InvalidAuthenticationToken")),
        ("registries", Trouble::Cut),
    ];
    for (path, trouble) in faults {
        let place = place();
        place.fake.set_fault(Fault::on(path, trouble));
        for arguments in [RUNS[0], RUNS[4]] {
            hold(&place, arguments, &all_of(&place, arguments, place.fake.env()));
        }
    }
}
