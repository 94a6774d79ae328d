//! What README.md shows is what the program prints.
#![allow(missing_docs)]

#[test]
fn the_readme_shows_a_real_run() {
    trycmd::TestCases::new().env("NO_COLOR", "1").case("README.md");
}
