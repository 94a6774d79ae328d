//! Real servers for the tests: an AWS emulator that enforces IAM, a kube-apiserver with etcd, and a
//! strict proxy that records and breaks what passes through it.
//!
//! Use it from an integration test with
//!
//! ```ignore
//! #[path = "servers/mod.rs"]
//! mod servers;
//! ```
//!
//! `scripts/servers` installs what these need. Every server listens on a free port of 127.0.0.1 and
//! ends with the test process, also when that is killed: it holds the other end of a pipe.
#![allow(dead_code, reason = "each test binary compiles this module for itself and uses its own part of it")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on says so by a panic"
)]

pub(crate) mod ablation;
pub(crate) mod aws;
pub(crate) mod aws_calls;
pub(crate) mod call;
pub(crate) mod contested;
pub(crate) mod host;
pub(crate) mod killed;
pub(crate) mod kubernetes;
pub(crate) mod kubernetes_calls;
pub(crate) mod organization;
pub(crate) mod process;
pub(crate) mod proxy;
pub(crate) mod reviewer;
pub(crate) mod rewrite;
pub(crate) mod trap;
pub(crate) mod upstream;

use std::fmt;
use std::path::{Path, PathBuf};

/// Set in CI: there, a test that would be skipped fails.
const NO_SKIP: &str = "PULLAUDIT_NO_SKIP";

/// Why a server cannot be had on this machine.
#[derive(Debug, Clone)]
pub(crate) struct Skipped {
    /// What is missing and which command would bring it.
    pub(crate) why: String,
}

impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)
    }
}

/// The server, or `None` after a visible `SKIPPED` line; in CI a panic instead.
///
/// ```ignore
/// let Some(aws) = need(aws::start(&fixture), "agreement") else { return };
/// ```
pub(crate) fn need<T>(server: Result<T, Skipped>, test: &str) -> Option<T> {
    match server {
        Ok(server) => Some(server),
        Err(skipped) if std::env::var_os(NO_SKIP).is_some_and(|value| value != "0") => {
            panic!("{test} would be skipped, and {NO_SKIP} forbids it: {skipped}")
        }
        Err(skipped) => {
            // Written past the test harness's capture, so that it shows on a run that passes.
            use std::io::Write as _;
            let _ = writeln!(std::io::stderr(), "SKIPPED {test}: {skipped}");
            None
        }
    }
}

/// The folder of one server's scripts.
fn scripts(server: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/servers").join(server)
}

/// The folder an install script fills for one server.
pub(crate) fn installed(server: &str) -> PathBuf {
    // An example is not told; it lies in `target/PROFILE/examples`.
    let program = std::env::current_exe().expect("a program that runs has a path");
    let target = match option_env!("CARGO_TARGET_TMPDIR") {
        Some(folder) => Path::new(folder).parent(),
        None => program.ancestors().nth(3),
    };
    let target = target.expect("programs lie in target");
    target.join("servers").join(server)
}
