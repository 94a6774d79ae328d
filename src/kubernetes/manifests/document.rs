//! Cutting a text into documents, and reading each on its own.

use super::{Collected, Problem};
use serde_json::Value;
use serde_saphyr::Options;

/// Definitions of custom kinds nest some 50 deep.
const DEEPEST: usize = 100;
/// Nodes that aliases may add.
const REPEATED: usize = 100_000;

/// A document of a file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Document<'a> {
    pub(super) file: &'a str,
    /// Its number in the file, from 1.
    pub(super) number: usize,
    /// The line on which it starts, from 1.
    pub(super) line: usize,
    pub(super) text: &'a str,
}

impl Document<'_> {
    /// A problem on one of its lines, counted from 1 within it.
    pub(super) fn problem(&self, line: usize, message: String) -> Problem {
        let line = self.line + line.saturating_sub(1);
        Problem { file: self.file.to_owned(), document: self.number, line, message }
    }

    pub(super) fn origin(&self) -> String {
        format!("{}:{}", self.file, self.line)
    }
}

impl Collected {
    /// Reads a text. `named` is false for files that a directory happens to hold: among those, YAML that is
    /// no Kubernetes object is passed over.
    pub(super) fn add_text(&mut self, file: &str, text: &str, named: bool) {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut number = 0;
        for (line, text) in split(text) {
            let document = Document { file, number: number + 1, line, text };
            number += self.add_chunk(document, named);
        }
        if number == 0 && named {
            self.empty.push(format!("-f {file}: no document in it"));
        }
    }

    /// How many documents a chunk between separators held: JSON needs no separators.
    fn add_chunk(&mut self, document: Document<'_>, named: bool) -> usize {
        let is_json = document.text.trim_start().starts_with('{') && !document.text.trim_start().starts_with("{{");
        if is_json && let Some(held) = self.add_json(document, named) {
            return held;
        }
        match serde_saphyr::from_str_with_options::<Value>(document.text, options(document.text)) {
            Ok(value) => self.add_value(document, &value, named),
            Err(error) => {
                let line = error.location().and_then(|at| usize::try_from(at.line()).ok()).unwrap_or(1);
                self.problems.push(document.problem(line, explain(document.text, &error)));
            }
        }
        1
    }

    /// Reads JSON documents one after the other; `None` when the first is no JSON (it may be YAML's flow
    /// style). After a broken one, reading goes on at the next line that opens an object.
    fn add_json(&mut self, chunk: Document<'_>, named: bool) -> Option<usize> {
        let mut start = chunk.text.len() - chunk.text.trim_start().len();
        let mut held = 0;
        while start < chunk.text.len() {
            let text = &chunk.text[start..];
            let line = chunk.line + newlines(&chunk.text[..start]);
            let document = Document { number: chunk.number + held, line, text, ..chunk };
            let mut values = serde_json::Deserializer::from_str(text).into_iter::<Value>();
            let read = match values.next() {
                None => break,
                Some(Ok(value)) => {
                    let read = values.byte_offset();
                    self.add_value(Document { text: &text[..read], ..document }, &value, named);
                    read
                }
                Some(Err(_)) if held == 0 && !chunk.file_is_json() => return None,
                Some(Err(error)) => {
                    self.problems.push(document.problem(error.line(), format!("not JSON: {error}")));
                    text.find("\n{").map_or(text.len(), |at| at + 1)
                }
            };
            held += 1;
            let rest = &text[read..];
            start += read + (rest.len() - rest.trim_start().len());
        }
        Some(held)
    }
}

impl Document<'_> {
    fn file_is_json(&self) -> bool {
        std::path::Path::new(self.file).extension().is_some_and(|extension| extension == "json")
    }
}

fn newlines(text: &str) -> usize {
    text.bytes().filter(|&byte| byte == b'\n').count()
}

/// The documents between `---` lines, each with the line on which its content starts. What holds nothing
/// but comments and directives is left out.
fn split(text: &str) -> Vec<(usize, &str)> {
    let mut documents = Vec::new();
    let (mut start, mut start_line, mut at) = (0, 1, 0);
    for (index, line) in text.split_inclusive('\n').enumerate() {
        if is_separator(line) && at > start {
            documents.extend(content(start_line, &text[start..at]));
            (start, start_line) = (at, index + 1);
        }
        at += line.len();
    }
    documents.extend(content(start_line, &text[start..]));
    documents
}

fn is_separator(line: &str) -> bool {
    line.strip_prefix("---").is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n']))
}

/// A document from its first line with content on; its separator is kept only where content follows on it.
fn content(first_line: usize, text: &str) -> Option<(usize, &str)> {
    let mut skipped = 0;
    for (index, line) in text.split_inclusive('\n').enumerate() {
        let rest = line.strip_prefix("---").filter(|_| index == 0 && is_separator(line)).unwrap_or(line).trim();
        if !(rest.is_empty() || rest.starts_with('#') || rest.starts_with('%') || rest == "...") {
            return Some((first_line + index, &text[skipped..]));
        }
        skipped += line.len();
    }
    None
}

/// Limits against documents that grow in memory. A document has fewer nodes than bytes, but for what its
/// aliases repeat; so any list of a cluster may be read, and a few lines never become millions of nodes.
pub(super) fn options(text: &str) -> Options {
    let budget = serde_saphyr::budget! {
        max_depth: DEEPEST,
        max_events: 2 * text.len() + REPEATED,
        max_nodes: text.len() + REPEATED,
    };
    serde_saphyr::options! { budget: budget, with_snippet: false }
}

fn explain(text: &str, error: &serde_saphyr::Error) -> String {
    let message = error.without_snippet().to_string();
    let message = message.lines().next().unwrap_or_default();
    if text.contains("{{") && text.contains("}}") {
        return format!(
            "not YAML ({message}); it holds `{{{{ … }}}}`: render the chart first, with `helm template`"
        );
    }
    format!("not YAML: {message}")
}
