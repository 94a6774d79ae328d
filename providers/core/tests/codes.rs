//! Every row of the core's code table, so that a rename or a changed meaning shows in review.
#![allow(clippy::unwrap_used, missing_docs)]

use pullaudit_core::CORE_CODES;
use std::collections::BTreeSet;
use std::fmt::Write as _;

#[test]
fn the_table_as_it_stands() {
    let mut text = String::new();
    for row in CORE_CODES {
        writeln!(text, "{} {} {}: {}", row.name, row.severity, row.rank, row.meaning).unwrap();
    }
    insta::assert_snapshot!(text);
}

#[test]
fn names_are_kebab_case_and_unique_and_say_how_to_fix() {
    let mut names = BTreeSet::new();
    for row in CORE_CODES {
        assert!(names.insert(row.name), "{} twice", row.name);
        assert!(row.name.chars().all(|c| c.is_ascii_lowercase() || c == '-'), "{}", row.name);
        assert!(!row.how.is_empty() && !row.fix.is_empty(), "{}", row.name);
    }
}
