//! Which files are read.

use super::{Collected, Manifests, Problem, on_a_deep_stack};
use crate::input::{self, InputError, MANIFEST};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Files that one run reads.
const FILES: usize = 20_000;
/// Files and directories that are looked at for them.
const LOOKED_AT: usize = 200_000;
/// Bytes of all files together.
const BYTES: usize = 1 << 30;

/// A named manifest can't be read at all.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// It does not exist, may not be read, or is too large.
    #[error("-f {}: {source}", path.display())]
    Unreadable {
        /// As it was named.
        path: PathBuf,
        /// Why.
        source: InputError,
    },
    /// A pattern is none.
    #[error("-f {}: not a pattern: {why}", path.display())]
    Pattern {
        /// As it was named.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// There are too many of them.
    #[error("-f {}: {what}: name less", path.display())]
    TooMuch {
        /// As it was named.
        path: PathBuf,
        /// What there is too much of.
        what: &'static str,
    },
}

/// Reads manifests from files, directories (recursively: `*.yaml`, `*.yml`, `*.json`), globs and `-`, standard
/// input. Service accounts found anywhere among them count for all of them.
///
/// `namespace` is that of documents which name none.
pub fn read(paths: &[PathBuf], namespace: &str) -> Result<Manifests, ManifestError> {
    on_a_deep_stack(|| read_here(paths, namespace))
}

fn read_here(paths: &[PathBuf], namespace: &str) -> Result<Manifests, ManifestError> {
    let mut reading = Reading::default();
    namespace.clone_into(&mut reading.collected.namespace);
    for path in paths {
        if path.as_os_str() == "-" {
            let bytes = input::stdin(MANIFEST);
            reading.add(path, "-", &bytes.map_err(|source| unreadable(path, source))?, true)?;
            continue;
        }
        let expanded = expanded(path)?;
        if expanded.is_empty() {
            reading.collected.empty.push(format!("-f {}: no file matches this pattern", path.display()));
        }
        for found in expanded {
            reading.named(path, &found)?;
        }
    }
    Ok(reading.collected.finish())
}

fn unreadable(path: &Path, source: impl Into<InputError>) -> ManifestError {
    ManifestError::Unreadable { path: path.to_owned(), source: source.into() }
}

/// What a pattern names. A file whose name holds the signs of one is meant as it is.
fn expanded(path: &Path) -> Result<Vec<PathBuf>, ManifestError> {
    let pattern = path.to_str().filter(|text| text.contains(['*', '?', '[']) && !path.exists());
    let Some(pattern) = pattern else { return Ok(vec![path.to_owned()]) };
    let pattern_error = |why: String| ManifestError::Pattern { path: path.to_owned(), why };
    let mut all = Vec::new();
    for found in glob::glob(pattern).map_err(|error| pattern_error(error.to_string()))? {
        all.push(found.map_err(|error| unreadable(path, io::Error::from(error)))?);
    }
    Ok(all)
}

/// What was read so far.
#[derive(Default)]
struct Reading {
    collected: Collected,
    files: usize,
    bytes: usize,
}

impl Reading {
    /// A file or a directory that `path` names.
    fn named(&mut self, path: &Path, found: &Path) -> Result<(), ManifestError> {
        if !fs::metadata(found).map_err(|error| unreadable(found, error))?.is_dir() {
            let bytes = input::bytes(found, MANIFEST).map_err(|source| unreadable(found, source))?;
            return self.add(path, &found.display().to_string(), &bytes, true);
        }
        let walked = walk(found, &mut self.collected.problems);
        let files = walked.map_err(|what| ManifestError::TooMuch { path: path.to_owned(), what })?;
        if files.is_empty() && self.collected.problems.is_empty() {
            let nothing = format!("-f {}: no *.yaml, *.yml or *.json in it", found.display());
            self.collected.empty.push(nothing);
        }
        for file in files {
            let name = file.display().to_string();
            // One that a directory holds and that can't be read is a problem, not the end.
            match input::bytes(&file, MANIFEST) {
                Ok(bytes) => self.add(path, &name, &bytes, false)?,
                Err(error) => self.collected.problems.push(problem(&file, &error)),
            }
        }
        Ok(())
    }

    fn add(&mut self, path: &Path, file: &str, bytes: &[u8], named: bool) -> Result<(), ManifestError> {
        self.files += 1;
        self.bytes += bytes.len();
        let what = match (self.files > FILES, self.bytes > BYTES) {
            (true, _) => Some("more than 20000 files"),
            (_, true) => Some("more than 1 GiB"),
            _ => None,
        };
        if let Some(what) = what {
            return Err(ManifestError::TooMuch { path: path.to_owned(), what });
        }
        self.collected.add_bytes(file, bytes, named);
        Ok(())
    }
}

fn problem(path: &Path, error: &InputError) -> Problem {
    Problem { file: path.display().to_string(), document: 1, line: 1, message: error.to_string() }
}

/// The manifests in a directory, sorted; the error says what there is too much of. Links to directories are not
/// followed, so no circle is walked. A directory that can't be read is a problem.
fn walk(directory: &Path, problems: &mut Vec<Problem>) -> Result<Vec<PathBuf>, &'static str> {
    let (mut files, mut directories, mut looked_at) = (Vec::new(), vec![directory.to_owned()], 0);
    while let Some(directory) = directories.pop() {
        let entries = match fs::read_dir(&directory) {
            Ok(entries) => entries,
            Err(error) => {
                problems.push(problem(&directory, &error.into()));
                continue;
            }
        };
        for entry in entries {
            looked_at += 1;
            if looked_at > LOOKED_AT {
                return Err("more than 200000 files and directories");
            }
            let kind = entry.and_then(|entry| Ok((entry.path(), entry.file_type()?)));
            match kind {
                Ok((path, kind)) if kind.is_dir() => directories.push(path),
                // A link that leads nowhere, or in a circle, is an input that is missing.
                Ok((path, _)) if is_manifest(&path) && !path.is_dir() => files.push(path),
                Ok(_) => {}
                Err(error) => problems.push(problem(&directory, &error.into())),
            }
        }
    }
    files.sort();
    Ok(files)
}

fn is_manifest(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml" || extension == "json")
}

impl Collected {
    fn add_bytes(&mut self, file: &str, bytes: &[u8], named: bool) {
        match std::str::from_utf8(bytes) {
            Ok(text) => self.add_text(file, text, named),
            Err(error) => {
                let line = bytes[..error.valid_up_to()].split(|&byte| byte == b'\n').count();
                let message = "not UTF-8: save the file as UTF-8".to_owned();
                self.problems.push(Problem { file: file.to_owned(), document: 1, line, message });
            }
        }
    }
}
