//! `pullaudit collect`: the facts of an audit, in a file.

use crate::cli::Collect;
use crate::clouds::Clouds;
use crate::exit::Exit;
use crate::progress::Progress;
use crate::redact::{Redacted, redact};
use crate::report::Incomplete;
use crate::settings::Settings;
use crate::{facts, incomplete};
use anyhow::{Context, Result};
use pullaudit_core::Snapshot;
use std::io::Write;
use std::path::Path;

/// So many reasons are told: a refused right may cost a reading for each identity of a fleet.
const SHOWN: usize = 20;

/// Writes a snapshot, whole or not at all. It is incomplete where an audit of it would lack a reading.
pub async fn run(args: &Collect, progress: Progress, out: &mut dyn Write) -> Result<Exit> {
    let settings = Settings::new(args.select.clone(), args.reading.clone(), args.source.from.is_empty())?;
    let clouds = Clouds::new(&settings)?;
    let found = facts::find(&args.source, &settings, &clouds, &progress).await?;
    progress.say("judging");
    let lacking = incomplete::lacking(&found.snapshot, &clouds)?;
    let disputed = found.conflicts.iter().filter(|conflict| conflict.kept == conflict.dropped);
    let disputed: Vec<String> = disputed.map(|conflict| conflict.subject.clone()).collect();
    let snapshot = if args.redact { redacted(&found.snapshot, &clouds, &progress)? } else { found.snapshot };
    drop(progress);
    let text = snapshot.to_json()?;
    if args.output == Path::new("-") {
        out.write_all(text.as_bytes())?;
    } else {
        write(&args.output, &text).with_context(|| format!("can't write {}", args.output.display()))?;
    }
    for subject in disputed.iter().take(SHOWN) {
        tracing::warn!("incomplete: two snapshots of one moment say it differently: {subject}");
    }
    let exit = told(&lacking, args.select.allow_empty);
    Ok(if disputed.is_empty() { exit } else { Exit::Incomplete })
}

/// Says what an audit of the file would lack, and how that ends.
fn told(lacking: &[Incomplete], may_be_empty: bool) -> Exit {
    let lacking: Vec<&Incomplete> =
        lacking.iter().filter(|one| !(may_be_empty && incomplete::is_nothing(one))).collect();
    for one in lacking.iter().take(SHOWN) {
        tracing::warn!("incomplete: {}", incomplete::sentence(one));
    }
    if let Some(rest @ 1..) = lacking.len().checked_sub(SHOWN) {
        tracing::warn!("and {rest} more: pullaudit audit --from this file lists them");
    }
    if lacking.is_empty() { Exit::Clean } else { Exit::Incomplete }
}

/// The snapshot under pseudonyms; the words that had to stay are told, for they may be names.
fn redacted(snapshot: &Snapshot, clouds: &Clouds, progress: &Progress) -> Result<Snapshot> {
    progress.say("redacting");
    let Redacted { snapshot, kept } = redact(snapshot, clouds)?;
    if !kept.is_empty() {
        let words = kept.into_iter().collect::<Vec<_>>().join(", ");
        tracing::warn!(
            "these words of names stay, for patterns look into them or verdicts depend on them: {words}"
        );
    }
    Ok(snapshot)
}

/// A reader never sees half a file: written beside it, then put in its place.
fn write(path: &Path, text: &str) -> std::io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}
