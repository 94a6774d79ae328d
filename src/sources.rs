//! Facts from files: `--from`.

use crate::input;
use crate::usage::usage;
use anyhow::{Context, Result, anyhow, bail};
use pullaudit_core::{Conflict, Snapshot, SnapshotError};
use std::path::PathBuf;

/// Opens the snapshots that the patterns name and makes one of them. Where two disagree the newer is
/// kept, and the conflict returned.
pub fn load(patterns: &[String]) -> Result<(Snapshot, Vec<Conflict>)> {
    let mut snapshots = Vec::new();
    for path in paths(patterns)? {
        let name = if path.as_os_str() == "-" { "standard input".to_owned() } else { path.display().to_string() };
        let text = input::json(&path, input::SNAPSHOT).with_context(|| format!("cannot read snapshot {name}"))?;
        let snapshot = Snapshot::parse(&text).map_err(|error| anyhow!("{name}: {error}{}", key(&text, &error)))?;
        snapshots.push(snapshot);
    }
    // From the oldest to the newest, so that the newest has the last word whatever the order of flags.
    snapshots.sort_by_key(|snapshot| snapshot.taken_at);
    let mut snapshots = snapshots.into_iter();
    let Some(mut merged) = snapshots.next() else { bail!("--from names no file") };
    let mut conflicts: Vec<Conflict> = snapshots.flat_map(|snapshot| merged.merge(snapshot)).collect();
    conflicts.sort();
    Ok((merged, conflicts))
}

/// The key at which a snapshot is damaged: most are one line.
fn key(text: &str, error: &SnapshotError) -> String {
    let SnapshotError::Malformed { line, column, .. } = error else { return String::new() };
    input::key_at(text, *line, *column).map(|key| format!(" (at {key})")).unwrap_or_default()
}

/// The files of the patterns, each once; a pattern that names none is an error, not silence.
fn paths(patterns: &[String]) -> Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for pattern in patterns {
        // A file whose name holds the signs of a pattern is meant as it is.
        if pattern == "-" || PathBuf::from(pattern).exists() {
            paths.push(PathBuf::from(pattern));
            continue;
        }
        let found = glob::glob(pattern).map_err(|error| usage(format!("--from {pattern}: {error}")))?;
        let before = paths.len();
        for path in found {
            paths.push(path.with_context(|| format!("--from {pattern}"))?);
        }
        if paths.len() == before {
            bail!("--from {pattern}: no such file");
        }
    }
    paths.sort();
    paths.dedup();
    Ok(paths)
}
