//! `pullaudit diff`: two snapshots, what changed between them.

use super::audit::judging;
use crate::assess::{Opened, identity};
use crate::cli::{self, Output, Reading, Select};
use crate::clouds::Clouds;
use crate::diff::{Puller, Side, compare, ending, standing};
use crate::exit::Exit;
use crate::fix_line::FixLine;
use crate::patterns::{ClusterPattern, must_match, narrow};
use crate::pipeline::Judgement;
use crate::report::{self, Paint};
use crate::settings::Settings;
use crate::usage::usage;
use crate::{facts, pipeline, sources};
use anyhow::{Context, Result};
use pullaudit_core::{Conflict, Credential, Snapshot};
use std::collections::BTreeMap;
use std::io::Write;

/// Judges both and compares them. No network call is made.
pub fn run(args: &cli::Diff, paint: Paint, out: &mut dyn Write) -> Result<Exit> {
    let select = Select { cluster: args.cluster.clone(), ..Select::default() };
    let reading = Reading { config: args.config.clone(), ..Reading::default() };
    let settings = Settings::new(select, reading, false)?;
    let clouds = Clouds::new(&settings)?;
    let load = |path: &String| sources::load(std::slice::from_ref(path));
    let (old, mut new) = (load(&args.old)?, load(&args.new)?);
    new.0.respell(&old.0.clusters);
    for snapshot in [&old.0, &new.0] {
        settings.config.must_be_one(snapshot.clusters.iter().map(|record| &record.cluster))?;
    }
    let patterns = facts::patterns(&settings.select)?;
    must_match(&patterns, &[&old.0, &new.0])?;
    let old = side(old, &patterns, args, &settings, &clouds)?;
    let new = side(new, &patterns, args, &settings, &clouds)?;
    let diff = compare(&old, &new);
    let ending = ending(&diff, &old.report, &new.report);
    let text = match args.output {
        Output::People => report::diff(&diff, &new.report, &old.report, &ending.line, paint),
        Output::Wide => return Err(usage("-o wide is no format of a diff: people, json or yaml")),
        Output::Json => serde_json::to_string_pretty(&diff)? + "\n",
        Output::Yaml => serde_saphyr::to_string(&diff).context("can't write the diff as YAML")?,
    };
    out.write_all(text.as_bytes())?;
    Ok(ending.exit)
}

fn side(
    (mut snapshot, conflicts): (Snapshot, Vec<Conflict>),
    patterns: &[ClusterPattern],
    args: &cli::Diff,
    settings: &Settings,
    clouds: &Clouds,
) -> Result<Side> {
    narrow(&mut snapshot, patterns);
    let judging = judging(&args.judging, snapshot.taken_at);
    let Judgement { report, asking, opened, .. } =
        pipeline::judge(&snapshot, &conflicts, clouds, &settings.config, judging, &FixLine::default())?;
    let taken_at = snapshot.taken_at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let standing = standing(&asking, &opened, clouds, judging.at);
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
