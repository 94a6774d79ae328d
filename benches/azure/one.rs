//! One cluster and one registry: an audit's calls, and a whole repair beside `az aks update --attach-acr`.

use crate::azure_fake::{Fake, SUBSCRIPTION, World};
use crate::measure::{calls, line, pullaudit, run, spread};
use std::path::{Path, PathBuf};
use std::process::Command;

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

/// Measures, prints, and says whether every floor held.
pub(crate) fn measured() -> bool {
    let (fake, folder) = (Fake::start(World::acme()), tempfile::tempdir().unwrap());
    std::fs::write(folder.path().join("apps.yaml"), APPS).unwrap();
    println!("\none cluster, one registry, its subscription given");
    let here = ["--subscription", SUBSCRIPTION, "-f", "apps.yaml", "--no-progress"];
    run(&mut pullaudit(&fake, folder.path(), &[&["audit"][..], &here].concat()), &[2]);
    let audit = calls(&fake);
    let forget = || fake.change(|world| world.grants.clear());
    let fix = |number: usize| {
        forget();
        let receipt = format!("{number}.receipt.json");
        let more = ["--yes", "--receipt-out", &receipt];
        run(&mut pullaudit(&fake, folder.path(), &[&["fix"][..], &here, &more].concat()), &[0]).wall.as_secs_f64()
    };
    let held = line("calls of an audit besides tokens", f64::from(u32::try_from(audit).unwrap()), 8.0, "");
    let Some(program) = az() else {
        println!("      not measured: az is not installed (scripts/servers installs it)");
        return held;
    };
    signed_in(&fake, &program, folder.path());
    let attach = ["aks", "update", "-g", "rg-acme", "-n", "acmeprod", "--attach-acr", "acmeregistry"];
    let reads = ["aks", "show", "-g", "rg-acme", "-n", "acmeprod"];
    let (mut ours, mut theirs, mut read) = (Vec::new(), Vec::new(), Vec::new());
    for number in 0..=RUNS {
        // In turn, so that a busy machine is busy for all three; the first round warms up.
        let ours_now = fix(number);
        forget();
        let timed = |arguments: &[&str]| {
            run(&mut command(&fake, &program, folder.path(), arguments), &[0]).wall.as_secs_f64()
        };
        let (theirs_now, read_now) = (timed(&attach), timed(&reads));
        if number > 0 {
            ours.push(ours_now);
            theirs.push(theirs_now);
            read.push(read_now);
        }
    }
    let (ours, least, most) = spread(ours);
    let (theirs, ..) = spread(theirs);
    let (read, ..) = spread(read);
    println!(
        "      fix --yes {ours:.3} s ({least:.3} to {most:.3}); attach-acr {theirs:.3} s; what check-acr reads first (aks show) {read:.3} s"
    );
    let ratio = line("fix --yes, beside attach-acr alone", ours, 0.2 * theirs, "s");
    assert!(fake.strangers().is_empty());
    held && ratio
}
