//! One cluster and one registry: an audit's calls, and a whole repair beside `az aks update --attach-acr`.

use crate::azure_fake::{Fake, Grant, Identity, SUBSCRIPTION, World, role};
use crate::fleet::asked;
use crate::measure::{count, line, pullaudit, run, spread};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

const RUNS: usize = 9;
const APPS: &str = "apiVersion: v1\nkind: Pod\nmetadata: {name: cart, namespace: shop}\nspec: {containers: \
                    [{name: app, image: 'acmeregistry.azurecr.io/shop/cart:1'}]}\n";

/// `az`, where `scripts/servers` put it.
fn az() -> Option<PathBuf> {
    let target = Path::new(env!("CARGO_BIN_EXE_pullaudit")).parent()?.parent()?;
    Some(target.join("servers/azure/venv/bin/az")).filter(|program| program.is_file())
}

/// A folder that points `az` at the fake, signed in.
fn signed_in(fake: &Fake, program: &Path, folder: &Path) {
    let (url, graph) = (fake.url(), fake.graph_url());
    let clouds = format!(
        "[fake]\nprofile = latest\nendpoint_active_directory = {url}\nendpoint_active_directory_resource_id = {url}\n\
         endpoint_resource_manager = {url}\nendpoint_management = {url}\n\
         endpoint_microsoft_graph_resource_id = {graph}/\nendpoint_active_directory_graph_resource_id = {graph}/\n\
         suffix_acr_login_server_endpoint = .azurecr.io\n"
    );
    std::fs::write(folder.join("clouds.config"), clouds).unwrap();
    let config = "[cloud]\nname = fake\n[core]\ninstance_discovery = false\ncollect_telemetry = false\n\
                  encrypt_token_cache = false\n[auto-upgrade]\nenable = no\n";
    std::fs::write(folder.join("config"), config).unwrap();
    let (id, secret, tenant) = fake
        .change(|world| (world.caller.client_id.clone(), world.caller.secret.clone(), world.tenants[0].clone()));
    run(
        &mut command(
            fake,
            program,
            folder,
            &["login", "--service-principal", "-u", &id, "-p", &secret, "-t", &tenant],
        ),
        &[0],
    );
}

fn command(fake: &Fake, program: &Path, folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).env_clear().env("HOME", folder).env("AZURE_CONFIG_DIR", folder);
    command
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("REQUESTS_CA_BUNDLE", fake.ca_pem_path());
    command
}

/// The reading of `az aks check-acr` before it starts a pod with kubectl.
const CREDENTIALS: [&str; 8] =
    ["aks", "get-credentials", "-g", "rg-acme", "-n", "acmeprod", "--overwrite-existing", "--file"];
const ATTACH: [&str; 8] = ["aks", "update", "-g", "rg-acme", "-n", "acmeprod", "--attach-acr", "acmeregistry"];
const HERE: [&str; 5] = ["--subscription", SUBSCRIPTION, "-f", "apps.yaml", "--no-progress"];

/// Measures, prints, and says whether every floor held.
pub(crate) fn measured() -> bool {
    let (fake, folder) = (Fake::start(World::acme()), tempfile::tempdir().unwrap());
    std::fs::write(folder.path().join("apps.yaml"), APPS).unwrap();
    println!("\none cluster, one registry, its subscription given");
    let held = audit(&fake, folder.path());
    let Some(program) = az() else {
        println!("      not measured: az is not installed (scripts/servers installs it)");
        return held;
    };
    signed_in(&fake, &program, folder.path());
    let ratio = repair(&fake, &program, folder.path(), Duration::ZERO);
    // The floor names no latency, so this one is only told: what the network adds falls on round trips, of which
    // an audit, a plan, a write and its proof have more than a write alone.
    let far = repair(&fake, &program, folder.path(), Duration::from_millis(50));
    println!("      fix --yes, beside attach-acr alone, at 50 ms: {far:.2} times its wall time");
    assert!(fake.strangers().is_empty());
    held && line("fix --yes, beside attach-acr alone", ratio, 0.2, "times")
}

/// The calls of an audit that finds drift and has two roles to read on the way.
fn audit(fake: &Fake, folder: &Path) -> bool {
    let kubelet = Identity::named(SUBSCRIPTION, "MC_acmeprod", "acmeprod-agentpool").object_id;
    let registry = fake.change(|world| world.registries[0].id());
    let stranger = "0b1ec700-0000-4000-8000-000000000009";
    fake.change(|world| {
        world.grants.clear();
        world.grants.push(Grant::new(&registry, role::CATALOG_LISTER, &kubelet));
        world.grants.push(Grant::new(&registry, role::ACR_PULL, stranger));
    });
    run(&mut pullaudit(fake.env(), folder, &[&["audit"][..], &HERE].concat()), &[2]);
    line("calls of an audit besides tokens", count(asked(fake)), 8.0, "")
}

/// How many times the wall time of `attach-acr` a whole repair takes, at a latency.
fn repair(fake: &Fake, program: &Path, folder: &Path, latency: Duration) -> f64 {
    fake.set_latency(latency);
    let seconds = |mut command: Command| run(&mut command, &[0]).wall.as_secs_f64();
    let file = folder.join("credentials").display().to_string();
    let (mut ours, mut theirs, mut read) = (Vec::new(), Vec::new(), Vec::new());
    for number in 0..=RUNS {
        // In turn, so that a busy machine is busy for all three; the first round warms up.
        let receipt = format!("{}-{number}.receipt.json", latency.as_millis());
        fake.change(|world| world.grants.clear());
        let fix = [&["fix"][..], &HERE, &["--yes", "--receipt-out", &receipt]].concat();
        let ours_now = seconds(pullaudit(fake.env(), folder, &fix));
        fake.change(|world| world.grants.clear());
        let theirs_now = seconds(command(fake, program, folder, &ATTACH));
        let read_now = seconds(command(fake, program, folder, &[&CREDENTIALS[..], &[&file]].concat()));
        if number > 0 {
            ours.push(ours_now);
            theirs.push(theirs_now);
            read.push(read_now);
        }
    }
    let ((ours, least, most), (theirs, ..), (read, ..)) = (spread(ours), spread(theirs), spread(read));
    println!(
        "      at {} ms: fix --yes {ours:.3} s ({least:.3} to {most:.3}); attach-acr {theirs:.3} s; the reading of check-acr \
         before kubectl (get-credentials) {read:.3} s",
        latency.as_millis()
    );
    ours / theirs
}
