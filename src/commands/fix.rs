//! `pullaudit fix`: an audit, the plan of what would repair it, the writes, the proof.

use crate::cli::{Fix, PlanOutput};
use crate::clouds::Clouds;
use crate::commands::audit::judging;
use crate::commands::carry::{Carry, agreement};
use crate::exit::Exit;
use crate::interrupt::Interrupt;
use crate::progress::Progress;
use crate::remediate::{self, Plan, consent};
use crate::report::{self, Around, Paint, plural};
use crate::settings::Settings;
use crate::usage::usage;
use crate::{facts, scope};
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
    let meant = scope::meant(&settings.select, &settings.contexts);
    let within = |provider: &str, owner: &str| {
        // A scope of one cloud says that nothing is written in another.
        if !scope::may_mean(provider, &settings.select, &meant) {
            return false;
        }
        let scopes = scope::within(provider, &settings.select, &settings.contexts);
        scopes.is_empty() || scopes.iter().any(|scope| scope.eq_ignore_ascii_case(owner))
    };
    let policy = FixPolicy { broad: agreement.broad, prune: agreement.prune };
    let planned = remediate::plan(&found.snapshot, &clouds, &settings.config, judging, policy, &within)?;
    let plan = &planned.plan;
    if let Some(path) = &args.plan_out {
        save(plan, path)?;
    }
    if plan.changes.is_empty() {
        drop(progress);
        return nothing(plan, planned.unknown, args.output, paint, out);
    }
    if offline {
        drop(progress);
        return dry(plan, args.output, paint, out);
    }
    let carry = Carry {
        settings: &settings,
        clouds: &clouds,
        plan,
        known: &found.snapshot.facts,
        agreement,
        writing: &args.writing,
        output: args.output,
        dry: args.dry_run,
        paint,
        interrupt,
    };
    carry.run(progress, out).await
}

/// No change would help: all is well, all is held back, or nothing is known.
fn nothing(plan: &Plan, unknown: usize, output: PlanOutput, paint: Paint, out: &mut dyn Write) -> Result<Exit> {
    let (exit, text) = match (plan.held_back.is_empty(), unknown) {
        (false, _) => (Exit::Drift, "exit 2: nothing here can be repaired by pullaudit".to_owned()),
        (true, 0) => (
            Exit::Clean,
            "nothing to fix: no pull that a workload needs is denied\nexit 0: nothing to do".to_owned(),
        ),
        (true, some) => {
            let some = plural(some, "check");
            let text = format!("nothing to fix: no pull is known to be denied, but {some} can't be answered");
            (Exit::Incomplete, format!("{text} (pullaudit audit tells why)\nexit 3: incomplete"))
        }
    };
    match output {
        PlanOutput::Json => writeln!(out, "{}", serde_json::to_string_pretty(plan)?)?,
        PlanOutput::People if plan.is_empty() => writeln!(out, "{text}")?,
        PlanOutput::People => {
            let around = Around { dry: true, ..Around::default() };
            writeln!(out, "{}{text}", report::plan(plan, &around, paint))?;
        }
    }
    Ok(exit)
}

/// A plan from a file of facts: no cloud is asked for rights.
fn dry(plan: &Plan, output: PlanOutput, paint: Paint, out: &mut dyn Write) -> Result<Exit> {
    match output {
        PlanOutput::Json => writeln!(out, "{}", serde_json::to_string_pretty(plan)?)?,
        PlanOutput::People => {
            let around = Around { dry: true, ..Around::default() };
            writeln!(out, "{}exit 2: changes are pending", report::plan(plan, &around, paint))?;
        }
    }
    Ok(Exit::Drift)
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
