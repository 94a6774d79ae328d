//! `pullaudit permissions`: the least rights that pullaudit itself needs.

use crate::cli::{self, Permissions};
use crate::clouds::{Clouds, unknown};
use crate::config::Config;
use crate::kubernetes::rights::cluster_role;
use crate::usage::usage;
use anyhow::Result;
use pullaudit_core::{ClusterReading, Extent, Provider, Purpose};
use std::io::Write;

/// The word of `--provider` for the cluster's own API.
const KUBERNETES: &str = "kubernetes";

/// Prints the document on standard output, and, unless `quiet`, what no document can give on standard error.
pub fn run(args: &Permissions, clouds: &Clouds, quiet: bool, out: &mut dyn Write) -> Result<()> {
    let config = Config::load(args.config.as_deref())?;
    config.exceptions.check_codes(clouds.codes())?;
    if !known(clouds).contains(&args.provider.as_str()) {
        return Err(unknown(&args.provider, &known(clouds)));
    }
    fits(args)?;
    let purpose = match args.purpose {
        cli::Purpose::Audit => Purpose::Audit,
        cli::Purpose::Fix => Purpose::Fix,
    };
    if args.provider == KUBERNETES {
        let sides = clouds.iter().filter_map(|provider| provider.clusters.as_ref());
        let wants: Vec<ClusterReading> = sides.flat_map(|side| side.wants()).cloned().collect();
        let role = cluster_role(&format!("pullaudit-{}", purpose.as_str()), args.read_secrets, &wants);
        out.write_all(role.as_bytes())?;
        return Ok(());
    }
    let Some(permissions) = clouds.get(&args.provider).and_then(|provider| provider.permissions) else {
        return Err(unknown(&args.provider, &known(clouds)));
    };
    let made = permissions(purpose, &extent(args, &config))?;
    out.write_all(made.document.as_bytes())?;
    out.flush()?;
    for note in made.notes.iter().filter(|_| !quiet) {
        eprintln!("note: {note}");
    }
    Ok(())
}

fn known(clouds: &Clouds) -> Vec<&'static str> {
    let has = |provider: &&Provider| provider.permissions.is_some();
    clouds.iter().filter(has).map(|provider| provider.name).chain([KUBERNETES]).collect()
}

/// A flag that would change nothing is a misunderstanding.
fn fits(args: &Permissions) -> Result<()> {
    if args.read_secrets && args.provider != KUBERNETES {
        return Err(usage("--read-secrets is about the cluster's own API: use it with --provider kubernetes"));
    }
    if !args.project.is_empty() && args.provider != "gke" {
        return Err(usage("--project is about Google Cloud: use it with --provider gke"));
    }
    if !args.subscription.is_empty() && args.provider != "aks" {
        return Err(usage("--subscription is about Azure: use it with --provider aks"));
    }
    Ok(())
}

/// What the flags say, else what the config says.
fn extent(args: &Permissions, config: &Config) -> Extent {
    let scopes = match args.provider.as_str() {
        "aks" if !args.subscription.is_empty() => args.subscription.clone(),
        "aks" => config.scopes.subscriptions.clone(),
        "gke" if !args.project.is_empty() => args.project.clone(),
        "gke" => config.scopes.projects.clone(),
        _ => config.scopes.accounts.iter().map(|account| account.value.id.clone()).collect(),
    };
    Extent {
        scopes,
        roles: config.scopes.accounts.iter().filter_map(|account| account.value.role.clone()).collect(),
    }
}
