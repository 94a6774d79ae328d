//! `pullaudit permissions`: the least rights that pullaudit itself needs.

use crate::cli::Permissions;
use crate::clouds::Clouds;
use crate::kubernetes::rights::cluster_role;
use crate::usage::usage;
use anyhow::Result;
use pullaudit_core::Purpose;
use std::io::Write;

/// The word of `--provider` for the cluster's own API.
const KUBERNETES: &str = "kubernetes";

/// Prints the document on standard output, and what no document can give on standard error.
pub fn run(args: &Permissions, clouds: &Clouds, out: &mut dyn Write) -> Result<()> {
    let purpose = match args.purpose {
        crate::cli::Purpose::Audit => Purpose::Audit,
        crate::cli::Purpose::Fix => Purpose::Fix,
    };
    if args.provider == KUBERNETES {
        let role = cluster_role(&format!("pullaudit-{}", purpose.as_str()), args.read_secrets);
        out.write_all(role.as_bytes())?;
        return Ok(());
    }
    let Some(permissions) = clouds.get(&args.provider).and_then(|provider| provider.permissions) else {
        let known = clouds.iter().filter(|provider| provider.permissions.is_some()).map(|provider| provider.name);
        let known = known.chain([KUBERNETES]).collect::<Vec<_>>().join(", ");
        return Err(usage(format!("--provider {}: there is no such one here, only {known}", args.provider)));
    };
    let made = permissions(purpose, &args.subscription);
    out.write_all(made.document.as_bytes())?;
    out.flush()?;
    for note in made.notes {
        eprintln!("note: {note}");
    }
    Ok(())
}
