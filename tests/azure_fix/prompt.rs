//! The question on a terminal. A pseudo-terminal of python stands for the person's.

use super::azure::Place;
use std::io::Write as _;
use std::process::{Command, Stdio};

/// Runs the arguments on a terminal, types the lines of standard input, prints what the terminal shows and
/// ends with the program's code.
const TERMINAL: &str = r#"
import os, pty, sys
typed = sys.stdin.buffer.read()
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
shown, asked = b"", 0
lines = typed.splitlines(keepends=True)
while True:
    try:
        part = os.read(terminal, 65536)
    except OSError:
        break
    if not part:
        break
    shown += part
    while asked < len(lines) and shown.count(b"[y/N/show] ") > asked:
        os.write(terminal, lines[asked])
        asked += 1
sys.stdout.buffer.write(shown)
sys.stdout.flush()
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"#;

fn typed(place: &Place, lines: &str) -> (Option<i32>, String) {
    let program = assert_cmd::cargo::cargo_bin("pullaudit");
    let mut command = Command::new("python3");
    command.args(["-c", TERMINAL]).arg(program);
    command.args(["fix", "--provider", "aks", "-f", "apps.yaml", "--verify-timeout", "4s", "--no-progress"]);
    command.current_dir(place.folder.path()).envs(place.fake.env()).env("KUBECONFIG", "/nonexistent");
    let mut child = command.env("NO_COLOR", "1").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn yes_writes_and_show_shows_first() {
    let place = Place::acme();
    let (code, shown) = typed(&place, "show\ny\n");
    assert_eq!(code, Some(0), "{shown}");
    assert_eq!(shown.matches("Apply 1 change to acmeregistry? [y/N/show]").count(), 2, "{shown}");
    assert!(shown.contains("\"principalType\": \"ServicePrincipal\""), "{shown}");
    assert_eq!(place.grants().len(), 1);
}

#[test]
fn everything_else_means_no() {
    for answer in ["n\n", "\n", "yess\n", "\u{4}"] {
        let place = Place::acme();
        let (code, shown) = typed(&place, answer);
        assert_eq!(code, Some(2), "{answer:?}: {shown}");
        assert!(shown.contains("nothing was written"), "{answer:?}: {shown}");
        assert!(place.writes().is_empty() && place.receipts().is_empty(), "{answer:?}");
    }
}

#[test]
fn an_interrupt_at_the_question_ends_the_run() {
    let place = Place::acme();
    let (code, shown) = typed(&place, "\u{3}");
    assert_eq!(code, Some(130), "{shown}");
    assert!(shown.contains("interrupted: nothing was written"), "{shown}");
    assert!(place.writes().is_empty() && place.receipts().is_empty());
}
