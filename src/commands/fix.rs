//! `pullaudit fix --dry-run`: an audit, then the plan of what would repair it.

use crate::cli::{Fix, PlanOutput};
use crate::clouds::Clouds;
use crate::commands::audit::judging;
use crate::exit::Exit;
use crate::progress::Progress;
use crate::remediate::{self, Plan};
use crate::report::{self, Paint};
use crate::settings::Settings;
use crate::usage::usage;
use crate::{facts, scope};
use anyhow::{Context, Result};
use std::io::Write;
use std::path::Path;

/// Plans, shows the plan, and ends with 2 while something is denied.
pub async fn run(args: &Fix, paint: Paint, progress: Progress, out: &mut dyn Write) -> Result<Exit> {
    if !args.dry_run {
        return Err(usage(
            "this version of pullaudit plans and does not write yet: add --dry-run, and run the lines `as az` yourself",
        ));
    }
    let settings = Settings::new(args.select.clone(), args.reading.clone(), args.source.from.is_empty())?;
    let clouds = Clouds::new(&settings)?;
    let found = facts::find(&args.source, &settings, &clouds, &progress).await?;
    progress.say("planning");
    let judging = judging(&args.judging, found.snapshot.taken_at);
    let within = |provider: &str, owner: &str| {
        let scopes = scope::within(provider, &settings.select, &settings.contexts);
        scopes.is_empty() || scopes.iter().any(|scope| scope.eq_ignore_ascii_case(owner))
    };
    let plan = remediate::plan(&found.snapshot, &clouds, &settings.config, judging, &within)?;
    drop(progress);
    if let Some(path) = &args.plan_out {
        save(&plan, path)?;
    }
    let exit = if plan.is_empty() { Exit::Clean } else { Exit::Drift };
    let text = match args.output {
        PlanOutput::People => people(&plan, paint),
        PlanOutput::Json => serde_json::to_string_pretty(&plan)? + "\n",
    };
    out.write_all(text.as_bytes())?;
    Ok(exit)
}

fn people(plan: &Plan, paint: Paint) -> String {
    if plan.is_empty() {
        return "nothing to fix: no pull that a workload needs is denied\nexit 0: nothing to do\n".to_owned();
    }
    let ending = if plan.changes.is_empty() {
        "exit 2: nothing here can be repaired by pullaudit"
    } else {
        "exit 2: changes are pending"
    };
    format!("{}{ending}\n", report::plan(plan, paint, true))
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
