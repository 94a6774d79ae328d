//! Lists in one argument: `--provider aks,eks`.

/// One name of a list, without the white space around it.
pub(super) fn item(text: &str) -> Result<String, String> {
    match text.trim() {
        "" => Err("an empty name in the list".to_owned()),
        name => Ok(name.to_owned()),
    }
}

/// Splits lists at their commas. Those in the braces or brackets of a glob are a part of it: `{prod,stage}/gpu`.
pub fn split(arguments: &[String]) -> Vec<String> {
    arguments.iter().flat_map(|argument| split_one(argument)).collect()
}

fn split_one(argument: &str) -> Vec<String> {
    let (mut depth, mut items, mut item) = (0_usize, Vec::new(), String::new());
    for letter in argument.chars() {
        match letter {
            '{' | '[' => depth += 1,
            '}' | ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if letter == ',' && depth == 0 {
            items.push(std::mem::take(&mut item));
        } else {
            item.push(letter);
        }
    }
    items.push(item);
    items.iter().map(|item| item.trim().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_in_a_glob_are_its_own() {
        let split = |text: &str| split(&[text.to_owned()]);
        assert_eq!(split("prod, stage/gpu"), ["prod", "stage/gpu"]);
        assert_eq!(split("{prod,stage}-eu,dev[1,2]"), ["{prod,stage}-eu", "dev[1,2]"]);
        assert_eq!(split("arn:aws:eks:eu-west-1:1:cluster/a"), ["arn:aws:eks:eu-west-1:1:cluster/a"]);
        assert_eq!(split("a,"), ["a", ""], "an empty name is an error later, not left out");
    }
}
