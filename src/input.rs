//! Files and standard input, read within bounds.

mod json;

pub use json::{JsonError, key_at, parse};

use std::fs::{File, FileType, Metadata};
use std::io::{self, BufRead, Read};
use std::path::Path;

const MIB: u64 = 1 << 20;

/// How much of an input is read, and what it is called where there is more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bound {
    /// The kind of input: `a config`.
    pub what: &'static str,
    /// Its most bytes.
    pub bytes: u64,
}

/// Snapshots.
pub const SNAPSHOT: Bound = Bound { what: "a snapshot", bytes: 4096 * MIB };
/// Reports: baselines, and those that `explain` looks into.
pub const REPORT: Bound = Bound { what: "a report", bytes: 1024 * MIB };
/// Plans.
pub const PLAN: Bound = Bound { what: "a plan", bytes: 256 * MIB };
/// Receipts, with the journal behind them.
pub const RECEIPT: Bound = Bound { what: "a receipt", bytes: 1024 * MIB };
/// Config files.
pub const CONFIG: Bound = Bound { what: "a config", bytes: 4 * MIB };
/// Kubeconfig files.
pub const KUBECONFIG: Bound = Bound { what: "a kubeconfig", bytes: 16 * MIB };
/// Manifests.
pub const MANIFEST: Bound = Bound { what: "a manifest", bytes: 256 * MIB };
/// Bytes of one line of standard input.
pub const LINE: usize = 64 << 10;

/// Why an input can't be had. The name of the file is for the caller to say.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// The system says so.
    #[error("{}", reason(.0))]
    Io(#[from] io::Error),
    /// It is another kind of thing than a file.
    #[error("is {0}, not a file")]
    NoFile(&'static str),
    /// It is longer than its bound.
    #[error("larger than {}, the most that {} may have", size(.0.bytes), .0.what)]
    TooLarge(Bound),
    /// It is no text.
    #[error("not UTF-8 text (line {line}): save the file as UTF-8")]
    NoText {
        /// The line, from 1.
        line: usize,
    },
    /// It is something else than JSON.
    #[error("not JSON: it begins with {0}")]
    NoJson(String),
}

impl InputError {
    /// Returns true where there is no such file.
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Io(error) if error.kind() == io::ErrorKind::NotFound)
    }
}

fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "no such file".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::IsADirectory => "is a directory, not a file".to_owned(),
        _ => error.to_string(),
    }
}

fn size(bytes: u64) -> String {
    if bytes >= 1024 * MIB { format!("{} GiB", bytes / (1024 * MIB)) } else { format!("{} MiB", bytes / MIB) }
}

/// The bytes of a file, a pipe or a terminal.
pub fn bytes(path: &Path, bound: Bound) -> Result<Vec<u8>, InputError> {
    let file = open(path)?;
    within(&file.metadata()?, bound)?;
    drain(file, bound)
}

/// The text of a file, without the mark that some editors begin it with.
pub fn text(path: &Path, bound: Bound) -> Result<String, InputError> {
    of_utf8(bytes(path, bound)?)
}

/// The text of a regular file of JSON, or of standard input where `path` is `-`. What plainly is something else is
/// not read to its end: a device has none.
pub fn json(path: &Path, bound: Bound) -> Result<String, InputError> {
    if path == Path::new("-") {
        return of_utf8(drain(begins_as_json(io::stdin().lock())?, bound)?);
    }
    if let Some(kind) = other_kind(std::fs::metadata(path)?.file_type()) {
        return Err(InputError::NoFile(kind));
    }
    let file = open(path)?;
    within(&file.metadata()?, bound)?;
    of_utf8(drain(begins_as_json(io::BufReader::new(file))?, bound)?)
}

/// All of standard input.
pub fn stdin(bound: Bound) -> Result<Vec<u8>, InputError> {
    drain(io::stdin().lock(), bound)
}

/// Fails where a file that is about to be read by something else is longer than its bound or no file.
pub fn check(path: &Path, bound: Bound) -> Result<(), InputError> {
    within(&std::fs::metadata(path)?, bound)
}

fn open(path: &Path) -> Result<File, InputError> {
    // Where directories can be opened, reading them fails with words that say less.
    if std::fs::metadata(path)?.is_dir() {
        return Err(InputError::NoFile("a directory"));
    }
    Ok(File::open(path)?)
}

fn within(metadata: &Metadata, bound: Bound) -> Result<(), InputError> {
    if metadata.is_dir() {
        return Err(InputError::NoFile("a directory"));
    }
    if metadata.is_file() && metadata.len() > bound.bytes {
        return Err(InputError::TooLarge(bound));
    }
    Ok(())
}

/// What it is, where it is no regular file.
fn other_kind(kind: FileType) -> Option<&'static str> {
    if kind.is_file() {
        return None;
    }
    if kind.is_dir() {
        return Some("a directory");
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        if kind.is_fifo() {
            return Some("a pipe");
        }
        if kind.is_socket() {
            return Some("a socket");
        }
    }
    Some("a device")
}

/// Reads to the end, and no byte further than the bound.
fn drain(from: impl Read, bound: Bound) -> Result<Vec<u8>, InputError> {
    let mut bytes = Vec::new();
    from.take(bound.bytes.saturating_add(1)).read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > bound.bytes {
        return Err(InputError::TooLarge(bound));
    }
    Ok(bytes)
}

fn begins_as_json<R: BufRead>(mut from: R) -> Result<R, InputError> {
    let head = from.fill_buf()?;
    let head = head.strip_prefix(MARK).unwrap_or(head);
    match head.iter().find(|byte| !byte.is_ascii_whitespace()) {
        Some(b'{' | b'[') | None => Ok(from),
        Some(byte) if byte.is_ascii_graphic() => Err(InputError::NoJson(format!("{:?}", char::from(*byte)))),
        Some(byte) => Err(InputError::NoJson(format!("the byte {byte:#04x}"))),
    }
}

/// The mark of UTF-8.
const MARK: &[u8] = "\u{feff}".as_bytes();

fn of_utf8(mut bytes: Vec<u8>) -> Result<String, InputError> {
    if bytes.starts_with(MARK) {
        bytes.drain(..MARK.len());
    }
    String::from_utf8(bytes).map_err(|error| {
        let until = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..until].iter().filter(|byte| **byte == b'\n').count() + 1;
        InputError::NoText { line }
    })
}

/// A line of an input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// Without its end.
    Whole(String),
    /// It is longer than [`LINE`]; its beginning.
    Cut(String),
    /// It is not UTF-8; what can be read of it.
    Garbled(String),
}

impl Line {
    /// The line, or its beginning with the reason for which it cannot be taken.
    pub fn text(self) -> Result<String, (String, String)> {
        match self {
            Self::Whole(text) => Ok(text),
            Self::Cut(head) => Err((head, format!("the line is longer than {} KiB", LINE >> 10))),
            Self::Garbled(text) => Err((text, "the line is not UTF-8".to_owned())),
        }
    }
}

/// The lines of an input, none longer than [`LINE`]: what is left of a longer one is passed over. A byte order mark at
/// its beginning is no part of the first.
pub fn lines<R: BufRead>(from: R) -> impl Iterator<Item = io::Result<Line>> {
    let (mut from, mut first) = (from, true);
    std::iter::from_fn(move || {
        let mark: &[u8] = if std::mem::take(&mut first) { "\u{feff}".as_bytes() } else { &[] };
        line(&mut from, mark).transpose()
    })
}

fn line(from: &mut impl BufRead, mark: &[u8]) -> io::Result<Option<Line>> {
    let mut bytes = Vec::new();
    // Room for a line's end of two bytes.
    let most = u64::try_from(LINE).unwrap_or(u64::MAX).saturating_add(2);
    from.by_ref().take(most).read_until(b'\n', &mut bytes)?;
    if bytes.is_empty() {
        return Ok(None);
    }
    let ended = bytes.pop_if(|last| *last == b'\n').is_some();
    bytes.pop_if(|last| *last == b'\r');
    if bytes.starts_with(mark) {
        bytes.drain(..mark.len());
    }
    if bytes.len() <= LINE {
        return Ok(Some(match String::from_utf8(bytes) {
            Ok(text) => Line::Whole(text),
            Err(error) => Line::Garbled(String::from_utf8_lossy(error.as_bytes()).into_owned()),
        }));
    }
    if !ended {
        from.skip_until(b'\n')?;
    }
    let head: String = String::from_utf8_lossy(&bytes).chars().take(80).collect();
    Ok(Some(Line::Cut(head)))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const SMALL: Bound = Bound { what: "a test", bytes: MIB };

    #[test]
    fn what_is_longer_than_its_bound_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("large");
        File::create(&path).unwrap().set_len(MIB + 1).unwrap();
        let says = "larger than 1 MiB, the most that a test may have";
        assert_eq!(bytes(&path, SMALL).unwrap_err().to_string(), says);
        assert_eq!(check(&path, SMALL).unwrap_err().to_string(), says);
        assert_eq!(drain(io::repeat(b' '), SMALL).unwrap_err().to_string(), says);
        assert_eq!(drain(io::repeat(b' ').take(MIB), SMALL).unwrap().len() as u64, MIB);
    }

    #[test]
    fn a_snapshot_of_more_than_four_gigabytes_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("large");
        File::create(&path).unwrap().set_len(SNAPSHOT.bytes + 1).unwrap();
        let error = json(&path, SNAPSHOT).unwrap_err().to_string();
        assert_eq!(error, "larger than 4 GiB, the most that a snapshot may have");
    }

    #[test]
    #[cfg(unix)]
    fn devices_and_directories_are_no_files() {
        let folder = tempfile::tempdir().unwrap();
        let of = |path: &str| json(Path::new(path), SNAPSHOT).unwrap_err().to_string();
        assert_eq!(of("/dev/zero"), "is a device, not a file");
        assert_eq!(of(folder.path().to_str().unwrap()), "is a directory, not a file");
        assert_eq!(text(folder.path(), CONFIG).unwrap_err().to_string(), "is a directory, not a file");
        assert_eq!(of("/nowhere/at/all"), "no such file");
        assert!(text(Path::new("/dev/zero"), SMALL).unwrap_err().to_string().starts_with("larger than 1 MiB"));
    }

    #[test]
    fn what_does_not_begin_as_json_is_not_read() {
        let of = |text: &'static [u8]| begins_as_json(text).map(|_| ()).map_err(|error| error.to_string());
        assert_eq!(of(b"\xef\xbb\xbf \n{}"), Ok(()));
        assert_eq!(of(b""), Ok(()));
        assert_eq!(of(b"kind: Pod"), Err("not JSON: it begins with 'k'".to_owned()));
        assert_eq!(of(b"\0\0"), Err("not JSON: it begins with the byte 0x00".to_owned()));
    }

    #[test]
    fn text_names_the_line_that_is_none() {
        assert_eq!(of_utf8(b"a\nb\n\xff".to_vec()).unwrap_err().to_string(), NO_TEXT);
        assert_eq!(of_utf8("\u{feff}a".into()).unwrap(), "a");
    }

    const NO_TEXT: &str = "not UTF-8 text (line 3): save the file as UTF-8";

    #[test]
    fn long_lines_are_cut_and_passed_over() {
        let long = "x".repeat(LINE + 1);
        let all = format!("{}\r\n{long}\nlast\n\nend", "y".repeat(LINE));
        let lines: Vec<Line> = lines(all.as_bytes()).map(Result::unwrap).collect();
        let whole = |text: &str| Line::Whole(text.to_owned());
        assert_eq!(lines[1], Line::Cut("x".repeat(80)));
        assert_eq!(lines[2..], [whole("last"), whole(""), whole("end")]);
        assert!(matches!(&lines[0], Line::Whole(text) if text.len() == LINE));
    }

    #[test]
    fn a_byte_order_mark_is_no_text_and_other_bytes_are_told() {
        let all = b"\xef\xbb\xbfone\n\xef\xbb\xbftwo\n\xff three\n";
        let lines: Vec<Line> = lines(&all[..]).map(Result::unwrap).collect();
        assert_eq!(lines[0], Line::Whole("one".to_owned()));
        assert_eq!(lines[1], Line::Whole("\u{feff}two".to_owned()));
        assert_eq!(lines[2], Line::Garbled("\u{fffd} three".to_owned()));
    }
}
