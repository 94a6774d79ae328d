//! `pullaudit fix`: an audit, the plan of what would repair it, the writes, the proof.

use crate::cli::{Again, Fix};
use crate::clouds::Clouds;
use crate::commands::audit::judging;
use crate::commands::carry::{Carry, agreement};
use crate::exit::Exit;
use crate::fix_line::FixLine;
use crate::interrupt::Interrupt;
use crate::progress::Progress;
use crate::remediate::{self, Plan, consent};
use crate::report::{Paint, plural};
use crate::settings::Settings;
use crate::usage::usage;
use crate::writable::Writable;
use crate::{facts, incomplete, pipeline};
use anyhow::{Context, Result};
use pullaudit_core::FixPolicy;
use std::io::Write;
use std::path::Path;

/// Plans, shows the plan, writes it where the user says so, and ends with 2 while something stays denied.
pub async fn run(
    args: &Fix,
    paint: Paint,
    progress: Progress,
    interrupt: &Interrupt,
    out: &mut dyn Write,
) -> Result<Exit> {
    let offline = !args.source.from.is_empty();
    if offline && !args.dry_run {
        return Err(usage("a snapshot can't be repaired: add --dry-run, or leave --from out to read the clouds"));
    }
    let settings = Settings::new(args.select.clone(), args.reading.clone(), !offline)?;
    let agreement = agreement(&args.writing, &settings);
    if !args.dry_run {
        consent::can_ask(&agreement)?;
    }
    let clouds = Clouds::new(&settings)?;
    let found = facts::find(&args.source, &settings, &clouds, &progress).await?;
    progress.say("planning");
    let judging = judging(&args.judging, found.snapshot.taken_at);
    let line = FixLine::default();
    let mut judgement =
        pipeline::judge(&found.snapshot, &found.conflicts, &clouds, &settings.config, judging, &line)?;
    if args.select.allow_empty {
        incomplete::allow_empty(&mut judgement.report);
    }
    match judgement.report.summary.excepted {
        0 => {}
        some => tracing::warn!("{} covered by exceptions of the config: not repaired", plural(some, "check")),
    }
    let writable = Writable::of(&settings, &clouds, !offline).await;
    let within = |provider: &str, owner: &str| writable.holds(provider, owner);
    let policy = FixPolicy { broad: agreement.broad, prune: agreement.prune, mode: judging.mode };
    let mut plan = remediate::plan(&found.snapshot, &clouds, &judgement, judging, policy, &within)?;
    repeat_profile(&mut plan, &args.select.profile);
    let plan = plan.sealed()?;
    if let Some(path) = &args.plan_out {
        save(&plan, path)?;
    }
    let again = Again::default().clusters(&args.select).scopes(&args.select).reading(&args.reading);
    let carry = Carry {
        settings: &settings,
        clouds: &clouds,
        plan: &plan,
        known: &found.snapshot.facts,
        agreement,
        writing: &args.writing,
        output: args.output,
        dry: args.dry_run,
        again: again.text(),
        saved: args.plan_out.as_deref(),
        paint,
        interrupt,
    };
    if plan.changes.is_empty() {
        drop(progress);
        return carry.nothing(out);
    }
    if offline {
        drop(progress);
        return carry.shown(out);
    }
    carry.run(progress, out).await
}

/// Lines of the AWS tool name the profile that read the facts; where there are several, none is known to be right.
fn repeat_profile(plan: &mut Plan, profiles: &[String]) {
    let [profile] = profiles else { return };
    let lines = plan.changes.iter_mut().map(|change| &mut change.command);
    for line in lines.filter(|line| line.starts_with("aws ")) {
        line.push_str(Again::default().value("--profile", profile).text());
    }
}

/// The file is there whole or not at all.
fn save(plan: &Plan, path: &Path) -> Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let told = || format!("can't write the plan {}", path.display());
    let mut file = tempfile::NamedTempFile::new_in(folder).with_context(told)?;
    file.write_all((serde_json::to_string_pretty(plan)? + "\n").as_bytes()).with_context(told)?;
    file.persist(path).with_context(told)?;
    Ok(())
}
