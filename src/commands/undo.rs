//! `pullaudit undo FILE`: what a receipt says was written is taken away, and nothing else.

use crate::cli::{PlanOutput, Undo};
use crate::clouds::Clouds;
use crate::commands::carry::{Carry, agreement};
use crate::exit::Exit;
use crate::interrupt::Interrupt;
use crate::progress::Progress;
use crate::remediate::receipt::Receipt;
use crate::remediate::{consent, undo};
use crate::report::Paint;
use crate::settings::Settings;
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
    let receipt = Receipt::load(&args.receipt)?;
    let settings = Settings::new(args.select.clone(), args.reading.clone(), true)?;
    let agreement = agreement(&args.writing, &settings);
    if !args.dry_run {
        consent::can_ask(&agreement)?;
    }
    let clouds = Clouds::new(&settings)?;
    progress.say("looking at what the receipt names");
    let undoing = undo::plan(&receipt, &clouds).await?;
    let mut aside = std::io::stderr();
    let told: &mut dyn Write = if args.output == PlanOutput::Json { &mut aside } else { &mut *out };
    for text in &undoing.gone {
        writeln!(told, "- nothing to do: {text}")?;
    }
    for text in &undoing.kept {
        writeln!(told, "! left as it is: {text}")?;
    }
    if undoing.plan.changes.is_empty() {
        drop(progress);
        let (exit, text) = if undoing.kept.is_empty() {
            (Exit::Clean, "exit 0: nothing to do")
        } else {
            (Exit::Failed, "exit 1: not all of it could be taken back")
        };
        writeln!(told, "{text}")?;
        return Ok(exit);
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
        paint,
        interrupt,
    };
    let exit = carry.run(progress, out).await?;
    Ok(if undoing.kept.is_empty() { exit } else { Exit::Failed })
}
