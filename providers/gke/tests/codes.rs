//! Every row of the code table, so that a rename or a changed meaning shows in review.
#![allow(clippy::unwrap_used, missing_docs)]

use pullaudit_gke::codes::CODES;
use std::fmt::Write as _;

#[test]
fn the_table_as_it_stands() {
    let mut text = String::new();
    for row in CODES {
        writeln!(text, "{} {} {}: {}", row.name, row.severity, row.rank, row.meaning).unwrap();
        assert!(!row.how.is_empty() && !row.fix.is_empty(), "{}", row.name);
    }
    insta::assert_snapshot!(text);
}
