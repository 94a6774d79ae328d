//! `pullaudit diff`: two snapshots, what changed between them.

use super::audit::judging;
use crate::assess::{Opened, identity};
use crate::cli::{self, Output, Reading, Select};
use crate::clouds::Clouds;
use crate::diff::{Diff, Direction, Puller, Side, compare, standing};
use crate::exit::Exit;
use crate::patterns::narrow;
use crate::report::{self, Paint, VerdictWord};
use crate::settings::Settings;
use crate::usage::usage;
use crate::{facts, pipeline, questions, sources};
use anyhow::{Context, Result};
use pullaudit_core::{Credential, Snapshot};
use std::collections::BTreeMap;
use std::io::Write;

/// Judges both and compares them. No network call is made.
pub fn run(args: &cli::Diff, paint: Paint, out: &mut dyn Write) -> Result<Exit> {
    let select = Select { cluster: args.cluster.clone(), ..Select::default() };
    let reading = Reading { config: args.config.clone(), ..Reading::default() };
    let settings = Settings::new(select, reading, false)?;
    let clouds = Clouds::new(&settings)?;
    let (old, new) = (side(&args.old, args, &settings, &clouds)?, side(&args.new, args, &settings, &clouds)?);
    let diff = compare(&old, &new);
    let exit = exit(&diff);
    let text = match args.output {
        Output::People => report::diff(&diff, &new.report, &old.report, exit, paint),
        Output::Wide => return Err(usage("-o wide is no format of a diff: people, json or yaml")),
        Output::Json => serde_json::to_string_pretty(&diff)? + "\n",
        Output::Yaml => serde_saphyr::to_string(&diff).context("can't write the diff as YAML")?,
    };
    out.write_all(text.as_bytes())?;
    Ok(exit)
}

/// A refusal is drift; what merely can't be told any more is not.
fn exit(diff: &Diff) -> Exit {
    let worse = |verdict: VerdictWord| {
        diff.verdicts.iter().any(|turn| turn.direction == Direction::Worse && turn.new.verdict == verdict)
    };
    match (worse(VerdictWord::Denied), worse(VerdictWord::Unknown)) {
        (true, _) => Exit::Drift,
        (false, true) => Exit::Incomplete,
        (false, false) => Exit::Clean,
    }
}

fn side(path: &str, args: &cli::Diff, settings: &Settings, clouds: &Clouds) -> Result<Side> {
    let (mut snapshot, conflicts) = sources::load(&[path.to_owned()], &settings.select)?;
    narrow(&mut snapshot, &facts::patterns(&settings.select)?);
    let judging = judging(&args.judging, snapshot.taken_at);
    let report = pipeline::report(&snapshot, &conflicts, clouds, &settings.config, judging, "")?;
    let taken_at = snapshot.taken_at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let opened = Opened::new(&snapshot, clouds)?;
    let asking = questions::ask(&snapshot, clouds);
    let facts = standing(&asking, &opened, clouds, judging.at);
    let standing = report.checks.iter().map(|check| check.id.clone()).zip(facts).collect();
    Ok(Side { report, taken_at, pullers: pullers(&snapshot, &opened), standing })
}

fn pullers(snapshot: &Snapshot, opened: &Opened) -> BTreeMap<(String, String), Puller> {
    let mut pullers = BTreeMap::new();
    for record in &snapshot.clusters {
        for pool in &record.pools {
            let Some(principal) = pool.identity.got() else { continue };
            let Some(identity) = identity(&Credential::Principal(principal.clone())) else { continue };
            let unique_id = opened.of(&record.cluster.provider).and_then(|facts| facts.unique_id(&principal.id));
            let puller = Puller { identity, unique_id };
            pullers.insert((record.cluster.id.0.clone(), pool.name.clone()), puller);
        }
    }
    pullers
}
