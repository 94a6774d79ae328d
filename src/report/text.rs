//! Fitting text to a screen: colours, columns, counts.

/// Signs and colours, or plain signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paint(pub bool);

impl Paint {
    fn wrap(self, code: &str, text: &str) -> String {
        if self.0 && !text.is_empty() { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    /// Denied, drift.
    pub fn bad(self, text: &str) -> String {
        self.wrap("1;31", text)
    }

    /// Unknown.
    pub fn unsure(self, text: &str) -> String {
        self.wrap("33", text)
    }

    /// Allowed.
    pub fn good(self, text: &str) -> String {
        self.wrap("32", text)
    }

    /// Labels.
    pub fn dim(self, text: &str) -> String {
        self.wrap("2", text)
    }

    /// Commands that can be pasted.
    pub fn command(self, text: &str) -> String {
        self.wrap("36", text)
    }
}

/// `12 things`, `1 thing`, with thousands set apart.
pub fn plural(count: usize, one: &str) -> String {
    let s = if count == 1 { "" } else { "s" };
    match one.strip_suffix('y') {
        Some(stem) if count != 1 && !one.ends_with("ay") => format!("{} {stem}ies", number(count)),
        _ => format!("{} {one}{s}", number(count)),
    }
}

/// `41806` as `41,806`.
pub fn number(count: usize) -> String {
    let digits = count.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// The text in exactly `width` columns: padded, or its middle shortened.
pub fn fit(text: &str, width: usize) -> String {
    format!("{:<width$}", middle(text, width))
}

/// The text in at most `width` columns, its middle shortened: the ends of ids tell them apart.
pub fn middle(text: &str, width: usize) -> String {
    let length = text.chars().count();
    if length <= width || width < 3 {
        return text.to_owned();
    }
    let head = (width - 1).div_ceil(2);
    let tail = width - 1 - head;
    let start: String = text.chars().take(head).collect();
    let end: String = text.chars().skip(length - tail).collect();
    format!("{start}…{end}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_read_as_people_write_them() {
        assert_eq!(plural(1, "workload"), "1 workload");
        assert_eq!(plural(2, "repository"), "2 repositories");
        assert_eq!(plural(41_806, "workload"), "41,806 workloads");
        assert_eq!(plural(2, "day"), "2 days");
    }

    #[test]
    fn the_middle_goes_and_the_ends_stay() {
        assert_eq!(middle("arn:aws:iam::111122223333:role/karpenter", 16), "arn:aws:…rpenter");
        assert_eq!(middle("short", 16), "short");
        assert_eq!(fit("é", 3), "é  ");
    }
}
