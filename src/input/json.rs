//! Where in a document of JSON an error is: files of one line have no other address than a key.

use serde::de::DeserializeOwned;

/// A document that is not what it should be.
#[derive(Debug, thiserror::Error)]
#[error("{}{reason}", key.as_ref().map(|key| format!("{key}: ")).unwrap_or_default())]
pub struct JsonError {
    /// The path of keys to it, as `changes[2].after`; `None` at the top.
    pub key: Option<String>,
    /// What is wrong, with line and column.
    pub reason: serde_json::Error,
}

/// Reads a whole document.
pub fn parse<T: DeserializeOwned>(text: &str) -> Result<T, JsonError> {
    serde_json::from_str(text)
        .map_err(|reason| JsonError { key: key_at(text, reason.line(), reason.column()), reason })
}

/// The path of keys to a place in a text of JSON, by line and column from 1 as the parser counts them.
pub fn key_at(text: &str, line: usize, column: usize) -> Option<String> {
    let start: usize = text.split_inclusive('\n').take(line.checked_sub(1)?).map(str::len).sum();
    let end = start.saturating_add(column).min(text.len());
    let mut places: Vec<Step<'_>> = Vec::new();
    let mut bytes = text.as_bytes()[..end].iter().enumerate();
    let mut last = "";
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'"' => {
                let mut escaped = false;
                let closing = bytes.find(|(_, byte)| {
                    let closes = **byte == b'"' && !escaped;
                    escaped = **byte == b'\\' && !escaped;
                    closes
                });
                last = text.get(at + 1..closing.map_or(end, |(closing, _)| closing)).unwrap_or_default();
            }
            b'{' => places.push(Step::Key("")),
            b'[' => places.push(Step::Index(0)),
            b'}' | b']' => _ = places.pop(),
            b':' => {
                if let Some(Step::Key(key)) = places.last_mut() {
                    *key = last;
                }
            }
            b',' => match places.last_mut() {
                Some(Step::Index(index)) => *index += 1,
                Some(Step::Key(key)) => *key = "",
                None => {}
            },
            _ => {}
        }
    }
    let path = places.iter().fold(String::new(), |path, place| match place {
        Step::Key("") => path,
        Step::Key(key) if path.is_empty() => (*key).to_owned(),
        Step::Key(key) => format!("{path}.{key}"),
        Step::Index(index) => format!("{path}[{index}]"),
    });
    (!path.is_empty()).then_some(path)
}

enum Step<'a> {
    Key(&'a str),
    Index(usize),
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    struct Plan {
        #[allow(dead_code, reason = "it is only parsed")]
        changes: Vec<Change>,
    }

    #[derive(Debug, Deserialize)]
    struct Change {
        #[allow(dead_code, reason = "it is only parsed")]
        id: String,
    }

    #[test]
    fn errors_name_key_line_and_column() {
        for (text, says) in [
            (
                r#"{"changes":[{"id":"a,\"]{"},{"id":3}]}"#,
                "changes[1].id: invalid type: integer `3`, expected a string",
            ),
            (
                "{\"changes\":\n [{\"id\":\"a\"},\n {\"x\":[1]}]}",
                "changes[1]: missing field `id` at line 3 column 10",
            ),
            (r#"{"changes":{}}"#, "changes: invalid type: map, expected a sequence at line 1 column 11"),
            ("{}", "missing field `changes` at line 1 column 2"),
            (r#"{"changes":[{"id":"a"#, "changes[0].id: EOF while parsing a string at line 1 column 20"),
            ("", "EOF while parsing a value at line 1 column 0"),
        ] {
            let error = parse::<Plan>(text).unwrap_err().to_string();
            assert!(error.starts_with(says), "{error}");
        }
        assert_eq!(key_at("x", 0, 0), None);
        assert_eq!(key_at("{\"ü\":\"", 9, 99), Some("ü".to_owned()));
    }
}
