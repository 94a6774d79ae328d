//! Policy documents as IAM sends them.

/// The document's text. IAM percent-encodes it (RFC 3986), emulators often do not; what begins like JSON
/// is taken as it is, since no encoded text has a bare brace, bracket or quote. A stray `%` stays.
pub(crate) fn decode(document: &str) -> String {
    if document.trim_start().starts_with(['{', '[', '"']) || !document.contains('%') {
        return document.to_owned();
    }
    let mut bytes = Vec::with_capacity(document.len());
    let mut rest = document.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        match (first, tail) {
            (b'%', [high, low, after @ ..]) if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                bytes.push(nibble(*high) << 4 | nibble(*low));
                rest = after;
            }
            _ => {
                bytes.push(first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn nibble(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        b'a'..=b'f' => digit - b'a' + 10,
        _ => digit.wrapping_sub(b'A').wrapping_add(10),
    }
}

#[cfg(test)]
mod tests {
    use super::decode;
    use proptest::prelude::*;

    #[test]
    fn encoded_and_plain_documents_read_alike() {
        assert_eq!(decode("%7B%22a%22%3A%20%22b%2Bc%22%7D"), r#"{"a": "b+c"}"#);
        assert_eq!(decode("%0a%7b%22a%22:1+1%7D"), "\n{\"a\":1+1}");
        assert_eq!(decode(r#" {"a": "100%25"}"#), r#" {"a": "100%25"}"#);
        assert_eq!(decode("%7B%2"), "{%2");
        assert_eq!(decode("%zz%7B%ff"), "%zz{\u{fffd}");
        assert_eq!(decode("%C3%BC"), "ü");
    }

    proptest! {
        #[test]
        fn what_was_encoded_comes_back(text in "\\{.*\\}") {
            let encoded: Vec<String> = text.bytes().map(|byte| format!("%{byte:02X}")).collect();
            prop_assert_eq!(decode(&encoded.concat()), text);
        }

        #[test]
        fn no_input_is_too_strange(text in ".*") {
            decode(&text);
        }
    }
}
