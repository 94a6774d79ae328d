//! Which files are read.

use super::{Collected, Manifests, Problem, on_a_deep_stack};
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

/// A named manifest can't be read at all.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// It does not exist, or may not be read.
    #[error("-f {}: {source}", path.display())]
    Unreadable {
        /// As it was named.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A directory without a manifest in it.
    #[error("-f {}: no *.yaml, *.yml or *.json in it", .0.display())]
    Nothing(PathBuf),
}

/// Reads manifests from files, directories (recursively: `*.yaml`, `*.yml`, `*.json`) and `-`, standard
/// input. Service accounts found anywhere among them count for all of them.
pub fn read(paths: &[PathBuf]) -> Result<Manifests, ManifestError> {
    on_a_deep_stack(|| read_here(paths))
}

fn read_here(paths: &[PathBuf]) -> Result<Manifests, ManifestError> {
    let mut collected = Collected::default();
    for path in paths {
        let unreadable = |source| ManifestError::Unreadable { path: path.clone(), source };
        if path.as_os_str() == "-" {
            let mut bytes = Vec::new();
            io::stdin().lock().read_to_end(&mut bytes).map_err(unreadable)?;
            collected.add_bytes("-", &bytes, true);
        } else if fs::metadata(path).map_err(unreadable)?.is_dir() {
            let files = walk(path).map_err(unreadable)?;
            if files.is_empty() {
                return Err(ManifestError::Nothing(path.clone()));
            }
            for file in files {
                collected.add_file(&file);
            }
        } else {
            collected.add_bytes(&path.display().to_string(), &fs::read(path).map_err(unreadable)?, true);
        }
    }
    Ok(collected.finish())
}

/// The manifests in a directory, sorted. Links to directories are not followed, so no circle is walked.
fn walk(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let (mut files, mut directories) = (Vec::new(), vec![directory.to_owned()]);
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(&directory)? {
            let entry = entry?;
            let path = entry.path();
            if entry.file_type()?.is_dir() {
                directories.push(path);
            } else if is_manifest(&path) && path.is_file() {
                files.push(path);
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
    /// A file that a directory holds: one that can't be read is a problem, not the end.
    fn add_file(&mut self, path: &Path) {
        let file = path.display().to_string();
        match fs::read(path) {
            Ok(bytes) => self.add_bytes(&file, &bytes, false),
            Err(error) => self.problems.push(Problem { file, document: 1, line: 1, message: error.to_string() }),
        }
    }

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
