//! `pullaudit apply FILE`: a saved plan, written where the world still is as it was.

use crate::cli::Apply;
use crate::clouds::Clouds;
use crate::commands::carry::{Carry, agreement, load};
use crate::exit::Exit;
use crate::interrupt::Interrupt;
use crate::progress::Progress;
use crate::remediate::consent;
use crate::report::Paint;
use crate::settings::Settings;
use anyhow::Result;
use std::collections::BTreeMap;
use std::io::Write;

/// Shows the plan, asks, writes, verifies. A change whose world moved is stale and not written.
pub async fn run(
    args: &Apply,
    paint: Paint,
    progress: Progress,
    interrupt: &Interrupt,
    out: &mut dyn Write,
) -> Result<Exit> {
    let plan = load(&args.plan)?;
    let settings = Settings::new(args.select.clone(), args.reading.clone(), true)?;
    let agreement = agreement(&args.writing, &settings);
    consent::can_ask(&agreement)?;
    if plan.changes.is_empty() {
        writeln!(out, "nothing to do: the plan holds no change\nexit 0: nothing to do")?;
        return Ok(Exit::Clean);
    }
    let clouds = Clouds::new(&settings)?;
    let carry = Carry {
        settings: &settings,
        clouds: &clouds,
        plan: &plan,
        known: &BTreeMap::new(),
        agreement,
        writing: &args.writing,
        output: args.output,
        dry: false,
        paint,
        interrupt,
    };
    carry.run(progress, out).await
}
