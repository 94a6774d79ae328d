//! `pullaudit undo FILE`: what a receipt says was written is taken away, and nothing else.

use crate::cli::{Again, PlanOutput, Undo};
use crate::clouds::Clouds;
use crate::commands::carry::{Carry, agreement};
use crate::exit::Exit;
use crate::interrupt::Interrupt;
use crate::progress::Progress;
use crate::remediate::ending::Ending;
use crate::remediate::receipt::Receipt;
use crate::remediate::{consent, undo};
use crate::report::{Paint, plural};
use crate::settings::Settings;
use crate::writable::Writable;
use anyhow::Result;
use std::collections::BTreeMap;
use std::io::Write;

/// Plans, shows what would break again, asks, writes, verifies.
pub async fn run(
    args: &Undo,
    paint: Paint,
    progress: Progress,
    interrupt: &Interrupt,
    out: &mut dyn Write,
) -> Result<Exit> {
    let settings = Settings::new(args.select.clone(), args.reading.clone(), true)?;
    let agreement = agreement(&args.writing, &settings);
    let clouds = Clouds::new(&settings)?;
    let receipt = Receipt::load(&args.receipt, &clouds)?;
    if !args.dry_run {
        consent::can_ask(&agreement)?;
    }
    progress.say("looking at what the receipt names");
    let mut undoing = undo::plan(&receipt, &clouds).await?;
    undoing.plan = Writable::of(&settings, &clouds, true).await.limit(undoing.plan);
    let again = Again::default().clusters(&args.select).scopes(&args.select).reading(&args.reading);
    let mut aside = std::io::stderr();
    let told: &mut dyn Write = if args.output == PlanOutput::Json { &mut aside } else { &mut *out };
    for text in &undoing.gone {
        writeln!(told, "- nothing to do: {text}")?;
    }
    for text in &undoing.kept {
        writeln!(told, "! cannot undo: {text}")?;
    }
    if undoing.plan.changes.is_empty() {
        drop(progress);
        let ending = match undoing.kept.len() {
            0 => Ending::new(Exit::Clean, "Nothing to undo"),
            some => Ending::new(Exit::Failed, &format!("{} cannot be undone", plural(some, "change"))),
        };
        writeln!(told, "{}", ending.line)?;
        return Ok(ending.exit);
    }
    let carry = Carry {
        settings: &settings,
        clouds: &clouds,
        plan: &undoing.plan,
        known: &BTreeMap::new(),
        agreement,
        writing: &args.writing,
        output: args.output,
        dry: args.dry_run,
        again: again.text(),
        saved: None,
        paint,
        interrupt,
    };
    let exit = carry.run(progress, out).await?;
    if undoing.kept.is_empty() || exit == Exit::Interrupted {
        return Ok(exit);
    }
    let text = format!("The rest cannot be undone: {}", plural(undoing.kept.len(), "change"));
    let ending = Ending::new(Exit::Failed, &text);
    let mut aside = std::io::stderr();
    let told: &mut dyn Write = if args.output == PlanOutput::Json { &mut aside } else { &mut *out };
    writeln!(told, "{}", ending.line)?;
    Ok(ending.exit)
}
