//! `pullaudit apply FILE`: a saved plan, written where the world still is as it was.

use crate::cli::{Again, Apply};
use crate::clouds::Clouds;
use crate::commands::carry::{Carry, agreement};
use crate::exit::Exit;
use crate::interrupt::Interrupt;
use crate::progress::Progress;
use crate::remediate::{consent, files};
use crate::report::Paint;
use crate::settings::Settings;
use crate::writable::Writable;
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
    let settings = Settings::new(args.select.clone(), args.reading.clone(), true)?;
    let agreement = agreement(&args.writing, &settings);
    let clouds = Clouds::new(&settings)?;
    let plan = files::plan(&args.plan, &clouds)?;
    consent::can_ask(&agreement)?;
    let plan = Writable::of(&settings, &clouds, true).await.limit(plan);
    let again = Again::default().clusters(&args.select).scopes(&args.select).reading(&args.reading);
    let carry = Carry {
        settings: &settings,
        clouds: &clouds,
        plan: &plan,
        known: &BTreeMap::new(),
        agreement,
        writing: &args.writing,
        output: args.output,
        dry: false,
        again: again.text(),
        saved: None,
        paint,
        interrupt,
    };
    if plan.changes.is_empty() {
        drop(progress);
        return carry.nothing(out);
    }
    carry.run(progress, out).await
}
