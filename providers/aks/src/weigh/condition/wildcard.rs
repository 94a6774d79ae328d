//! What the two kinds of patterns in a condition match: those of actions and those of `StringLike`.

/// One step of a pattern.
#[derive(Clone, Copy)]
enum Step {
    /// Any number of characters, also none and also `/`.
    Any,
    /// One character, whichever it is.
    One,
    Exactly(char),
}

impl Step {
    fn takes(self, given: char, ignore_case: bool) -> bool {
        match self {
            Self::Any | Self::One => true,
            // Only ASCII letters are folded: nothing else can be in a repository's name or an action.
            Self::Exactly(wanted) if ignore_case => wanted.eq_ignore_ascii_case(&given),
            Self::Exactly(wanted) => wanted == given,
        }
    }
}

/// Whether a pattern of actions covers an action, as in a role: `*` is the only wildcard, case does
/// not matter.
pub(crate) fn covers(pattern: &str, action: &str) -> bool {
    let steps: Vec<Step> = pattern.chars().map(|c| if c == '*' { Step::Any } else { Step::Exactly(c) }).collect();
    matches(&steps, action, true)
}

/// Whether a value is like the pattern: `*` and `?` are wildcards unless a backslash stands before
/// them.
pub(super) fn like(pattern: &str, value: &str, ignore_case: bool) -> bool {
    let mut steps = Vec::new();
    let mut rest = pattern.chars().peekable();
    while let Some(c) = rest.next() {
        steps.push(match c {
            '*' => Step::Any,
            '?' => Step::One,
            '\\' => Step::Exactly(rest.next_if(|next| matches!(next, '*' | '?' | '\\')).unwrap_or(c)),
            _ => Step::Exactly(c),
        });
    }
    matches(&steps, value, ignore_case)
}

/// Goes back to the last `Any` only: an earlier one can't match more than that one can, so the time
/// stays bounded by the product of both lengths.
fn matches(steps: &[Step], value: &str, ignore_case: bool) -> bool {
    let value: Vec<char> = value.chars().collect();
    let (mut step, mut at) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while let Some(&given) = value.get(at) {
        match steps.get(step) {
            Some(Step::Any) => {
                step += 1;
                retry = Some((step, at));
            }
            Some(wanted) if wanted.takes(given, ignore_case) => {
                step += 1;
                at += 1;
            }
            _ => {
                let Some((after, from)) = retry else { return false };
                retry = Some((after, from + 1));
                (step, at) = (after, from + 1);
            }
        }
    }
    steps.iter().skip(step).all(|left| matches!(left, Step::Any))
}
