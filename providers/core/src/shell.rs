//! Command lines that people copy.

/// The text as one word of a POSIX shell, an interactive one too; as it is where nothing in it means anything there.
pub fn shell_word(text: &str) -> String {
    // Only a NUL can't be quoted, and no argument can hold one.
    shlex::try_quote(text).map_or_else(|_| text.to_owned(), std::borrow::Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_stays_one_and_nothing_in_it_is_expanded() {
        assert_eq!(shell_word("ledger/api"), "ledger/api");
        for text in [r#"{"Sid":"it's"}"#, "(!(a'b')) $HOME `id` \\ *", "", "two words"] {
            let quoted = shell_word(text);
            assert_eq!(shlex::split(&quoted), Some(vec![text.to_owned()]), "{quoted}");
        }
        // An interactive shell would look the history up for it between double quotes.
        assert!(!shell_word("(!(a'b'))").contains("\"(!"));
    }
}
