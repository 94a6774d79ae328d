//! Command lines that people copy.

/// The text as one word of a POSIX shell, an interactive one too; as it is where nothing in it means anything there.
pub fn shell_word(text: &str) -> String {
    // Only a NUL can't be quoted, and no argument can hold one.
    shlex::try_quote(text).map_or_else(|_| text.to_owned(), std::borrow::Cow::into_owned)
}

/// The words of a line as a POSIX shell splits it; `None` where a quote is left open.
pub fn shell_split(line: &str) -> Option<Vec<String>> {
    shlex::split(line)
}

/// Terraform's import block for one resource.
pub fn import_block(address: &str, id: &str) -> String {
    let id = id.replace('\\', "\\\\").replace('"', "\\\"").replace("${", "$${").replace("%{", "%%{");
    format!("import {{\n  to = {address}\n  id = \"{id}\"\n}}")
}

/// A name for a resource in Terraform: `about` in the letters that Terraform takes, with a mark of the resource's id, so
/// that two resources never share one.
pub fn resource_name(about: &str, id: &str) -> String {
    let letters = about.chars().map(|sign| if sign.is_ascii_alphanumeric() || sign == '-' { sign } else { '_' });
    // FNV-1a: short, and the same for ever.
    let mark = id.bytes().fold(0x811c_9dc5_u32, |mark, byte| (mark ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    format!("pull_{}_{mark:08x}", letters.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resources_of_like_names_have_distinct_addresses() {
        let names = ["ledger/api", "ledger_api", "ledger.api"].map(|name| resource_name(name, name));
        assert_ne!(names[0], names[1]);
        assert_ne!(names[1], names[2]);
        assert!(names.iter().all(|name| name.starts_with("pull_ledger_api_")), "{names:?}");
        assert_eq!(import_block("a.b", "x\"${y}"), "import {\n  to = a.b\n  id = \"x\\\"$${y}\"\n}");
    }

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
