//! `pullaudit collect`: the facts of an audit, in a file.

use crate::cli::Collect;
use crate::clouds::Clouds;
use crate::exit::Exit;
use crate::facts;
use crate::progress::Progress;
use crate::settings::Settings;
use anyhow::{Context, Result};
use std::io::Write;
use std::path::Path;

/// Writes a snapshot, whole or not at all. It is incomplete where something could not be read.
pub async fn run(args: &Collect, progress: Progress, out: &mut dyn Write) -> Result<Exit> {
    let settings = Settings::new(args.select.clone(), args.reading.clone(), args.source.from.is_empty())?;
    let clouds = Clouds::new(&settings)?;
    let found = facts::find(&args.source, &settings, &clouds, &progress).await?;
    drop(progress);
    let text = found.snapshot.to_json()?;
    if args.output == Path::new("-") {
        out.write_all(text.as_bytes())?;
    } else {
        write(&args.output, &text).with_context(|| format!("can't write {}", args.output.display()))?;
    }
    Ok(if found.snapshot.gaps.is_empty() { Exit::Clean } else { Exit::Incomplete })
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
