//! Words about failures, without secrets in them.

use std::error::Error;

const LONGEST: usize = 500;

/// The error and its causes, as one line.
pub fn chain(error: &(dyn Error + 'static)) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let text = error.to_string();
        let part = text.lines().next().unwrap_or_default().trim().to_owned();
        if !part.is_empty() && !parts.iter().any(|known| known.contains(&part)) {
            parts.push(part);
        }
        next = error.source();
    }
    scrub(&parts.join(": "))
}

/// One line of bounded length, without a login inside a URL (a proxy's, say) and without tokens.
pub fn scrub(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    let mut clean = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(start) = rest.find("://") {
        let (before, after) = rest.split_at(start + 3);
        clean.push_str(before);
        let authority = after.find(['/', ' ', '?', '"', ')']).unwrap_or(after.len());
        rest = match after[..authority].rfind('@') {
            Some(at) => &after[at + 1..],
            None => after,
        };
    }
    clean.push_str(rest);
    let clean = without_tokens(&clean);
    match clean.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &clean[..end]),
        None => clean,
    }
}

/// How tokens begin: a signed one is three parts of base64 of JSON, one of Google's is nobody's to read.
const TOKENS: [&str; 2] = ["eyJ", "ya29."];

fn without_tokens(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = TOKENS.iter().filter_map(|sign| rest.find(sign)).min() {
        let (before, token) = rest.split_at(start);
        clean.push_str(before);
        clean.push('…');
        let is_part = |c: char| c.is_ascii_alphanumeric() || "-_.=+/".contains(c);
        rest = token.trim_start_matches(is_part);
    }
    clean.push_str(rest);
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logins_tokens_and_further_lines_are_cut() {
        assert_eq!(scrub("proxy http://me:pw@proxy:3128 refused\nmore"), "proxy http://proxy:3128 refused");
        assert_eq!(scrub("a://b@c/d://e f://g"), "a://c/d://e f://g");
        assert_eq!(scrub("got 'eyJhbGci.eyJzdWIi.c2ln' of x, eyJ"), "got '…' of x, …");
        assert_eq!(scrub("got 'ya29.secret' and eyJhbGci.x, end"), "got '…' and …, end");
        assert_eq!(scrub(&"ü".repeat(LONGEST + 9)).chars().count(), LONGEST + 1);
    }
}
