//! A server as a child process: started, awaited, and certain to end.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use serde_json::Value;

/// How long a server may take to come up on a busy machine.
const READY_WITHIN: Duration = Duration::from_secs(90);
/// How long it may take to end before it is killed.
const END_WITHIN: Duration = Duration::from_secs(15);

/// A running server. Dropping it ends it; so does the end of this process, since the child reads a
/// pipe that we hold open.
pub(crate) struct Server {
    child: Child,
    stdin: Option<ChildStdin>,
    ready: Value,
}

impl Server {
    /// Starts `command` and waits for the one line of JSON with which our launchers say that they answer.
    pub(crate) fn start(command: &mut Command) -> Self {
        let errors = tempfile::NamedTempFile::new().expect("a file for the server's errors");
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(errors.reopen().expect("the same file"))
            .spawn()
            .unwrap_or_else(|error| panic!("{} does not start: {error}", command.get_program().display()));
        let stdin = child.stdin.take();
        let mut output = BufReader::new(child.stdout.take().expect("stdout is piped"));
        let (send, receive) = mpsc::channel();
        std::thread::spawn(move || {
            let mut line = String::new();
            let _ = output.read_line(&mut line);
            let _ = send.send(line);
        });
        let line = receive.recv_timeout(READY_WITHIN).unwrap_or_default();
        let Ok(ready) = serde_json::from_str(&line) else {
            drop(stdin);
            let _ = child.kill();
            let _ = child.wait();
            let said = std::fs::read_to_string(errors.path()).unwrap_or_default();
            panic!("{} did not come up: {line}{said}", command.get_program().display());
        };
        Self { child, stdin, ready }
    }

    /// A text that the launcher announced.
    pub(crate) fn said(&self, field: &str) -> &str {
        self.ready[field].as_str().unwrap_or_else(|| panic!("the launcher named no {field}"))
    }

    /// The process id, for a test that looks whether the server really ended.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The launchers end when their stdin closes, children first; a kill is for one that hangs.
        drop(self.stdin.take());
        let deadline = Instant::now() + END_WITHIN;
        while Instant::now() < deadline {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
