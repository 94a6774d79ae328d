//! The example that a newcomer runs first shows what it says, and README shows what it shows.
#![cfg(feature = "live")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::path::Path;
use std::process::Command;

#[path = "servers/mod.rs"]
mod servers;

/// Runs the example as `cargo run` would. It is built with the features that all tests are built with, so that
/// a run of them all builds nothing twice.
fn shown(cloud: &[&str]) -> String {
    let mut build = Command::new(env!("CARGO"));
    build.args(["build", "--quiet", "--locked", "--workspace", "--example", "sandbox"]);
    assert!(build.current_dir(env!("CARGO_MANIFEST_DIR")).status().unwrap().success());
    let tests = std::env::current_exe().unwrap();
    let example = tests.parent().and_then(Path::parent).unwrap().join("examples/sandbox");
    let output = Command::new(example).args(cloud).output().unwrap();
    let (out, err) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}\n{err}");
    steady(&out)
}

/// The text with every time the same: `14:03:41` for what a clock says, `0.1` for what took so long.
fn steady(text: &str) -> String {
    let line = |line: &str| -> String {
        let words = line.split(' ').map(|word| {
            let clock = word.trim_end_matches('Z').rsplit('T').next().unwrap_or_default();
            let is_clock = clock.len() == 8 && clock.bytes().filter(|byte| *byte == b':').count() == 2;
            let seconds = word.trim_end_matches('s');
            let decimal = seconds.split_once('.').is_some_and(|(whole, part)| {
                !whole.is_empty()
                    && part.len() == 1
                    && (whole.to_owned() + part).bytes().all(|byte| byte.is_ascii_digit())
            });
            match (is_clock, word.contains('T'), decimal) {
                (true, true, _) => "2026-11-25T14:03:40Z".to_owned(),
                (true, false, _) => "14:03:41".to_owned(),
                (false, _, true) => word.replace(seconds, "0.1"),
                _ => word.to_owned(),
            }
        });
        words.collect::<Vec<_>>().join(" ")
    };
    text.lines().map(|one| line(one) + "\n").collect()
}

#[test]
fn the_sandbox_shows_the_whole_loop_and_readme_shows_the_repair() {
    let shown = shown(&[]);
    insta::assert_snapshot!("sandbox", shown);
    let repair = shown.split("# Repair it.\n").nth(1).unwrap().split("\n# ").next().unwrap().trim_end();
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    assert!(readme.contains(repair), "README.md does not hold the repair as it looks:\n{repair}");
}

#[test]
fn google_s_part_shows_the_whole_loop() {
    insta::assert_snapshot!("sandbox_google", shown(&["google"]));
}

/// Every step ends as it says, and the emulator lets the role pull at the end just as at the beginning; ids of
/// roles are other ones in each run.
#[test]
fn the_part_of_aws_shows_the_whole_loop() {
    if servers::need(servers::aws::start(&serde_json::json!({ "accounts": {} })), "the part of AWS").is_none() {
        return;
    }
    let shown = shown(&["aws"]);
    for text in [
        "PullauditToken",
        "1 applied",
        "nothing to fix",
        "waiting-for-owner",
        "take back: let role shop-nodes pull",
    ] {
        assert!(shown.contains(text), "{text} is not in\n{shown}");
    }
}
