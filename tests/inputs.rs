//! Inputs of any size, kind and content: each ends with an answer or an error that names it, never with a panic.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so by a panic")]

use assert_cmd::Command;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Output;
use std::time::Duration;

const FLEET: &str = "examples/identity-rotation/fleet.snapshot.json";

fn run(args: &[&str], stdin: &[u8]) -> (i32, String, String) {
    let mut command = Command::cargo_bin("pullaudit").unwrap();
    command.env_clear().env("PATH", "").env("KUBECONFIG", "/nowhere").env("HOME", "/nowhere");
    let ended: Output =
        command.args(args).write_stdin(stdin.to_vec()).timeout(Duration::from_mins(1)).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    (ended.status.code().unwrap_or(-1), text(ended.stdout), text(ended.stderr))
}

/// The error of a run that could not do its work.
fn error(args: &[&str]) -> String {
    let (code, out, err) = run(args, b"");
    assert_eq!(code, 1, "{args:?}: {out}{err}");
    assert!(err.starts_with("error: ") && !err.contains("panicked"), "{args:?}: {err}");
    err
}

fn file(folder: &Path, name: &str, content: &[u8]) -> String {
    let path = folder.join(name);
    std::fs::write(&path, content).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
#[cfg(unix)]
fn devices_and_directories_are_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let directory = folder.path().to_str().unwrap();
    for (args, says) in [
        (vec!["audit", "--from", "/dev/zero"], "/dev/zero: is a device, not a file"),
        (vec!["can-pull", "nginx", "--as", "x", "--from", "/dev/zero"], "/dev/zero: is a device"),
        (vec!["diff", "/dev/zero", "/dev/zero"], "/dev/zero: is a device"),
        (vec!["collect", "-o", "-", "--from", directory], "is a directory, not a file"),
        (vec!["audit", "--from", FLEET, "--config", directory], "is a directory, not a file"),
        (
            vec!["audit", "--from", FLEET, "--config", "/dev/zero"],
            "larger than 4 MiB, the most that a config may have",
        ),
        (vec!["audit", "--from", FLEET, "--baseline", directory], "is a directory, not a file"),
        (vec!["explain", "x", "--from", directory], "is a directory, not a file"),
        (vec!["apply", directory], "is a directory, not a file"),
        (vec!["apply", "/dev/zero"], "larger than 256 MiB, the most that a plan may have"),
        (vec!["undo", directory], "is a directory, not a file"),
        (
            vec!["audit", "--from", FLEET, "-f", "/dev/zero"],
            "larger than 256 MiB, the most that a manifest may have",
        ),
    ] {
        let err = error(&args);
        assert!(err.contains(says), "{args:?}: {err}");
        assert!(err.contains("/dev/zero") || err.contains(directory), "{args:?}: {err}");
    }
}

#[test]
fn snapshots_are_read_from_standard_input() {
    let fleet = std::fs::read(FLEET).unwrap();
    let (code, out, err) = run(&["audit", "--from", "-", "-o", "json"], &fleet);
    let (same, direct, _) = run(&["audit", "--from", FLEET, "-o", "json"], b"");
    let without_times = |out: &str| {
        let mut report: serde_json::Value = serde_json::from_str(out).unwrap();
        report["generatedAt"] = serde_json::Value::Null;
        report
    };
    assert_eq!((code, without_times(&out)), (same, without_times(&direct)), "{err}");
    let (code, _, err) = run(&["audit", "--from", "-"], b"kind: Pod");
    assert!(code == 1 && err.contains("standard input: not JSON: it begins with 'k'"), "{err}");
}

#[test]
fn patterns_that_the_shell_expanded_work() {
    let before = "examples/identity-rotation/before.snapshot.json";
    let (code, _, err) = run(&["audit", "--from", before, FLEET], b"");
    assert_eq!(code, 2, "{err}");
    let (code, _, err) = run(&["can-pull", "nginx", "--as", "x", "--from", before, FLEET], b"");
    assert!(code == 64 && err.contains("quote it: --from '*.json'"), "{code} {err}");
}

#[test]
fn nested_and_broken_documents_end_in_errors() {
    let folder = tempfile::tempdir().unwrap();
    let deep = file(folder.path(), "deep.json", "[".repeat(100_000).as_bytes());
    let yaml = file(folder.path(), "deep.yaml", format!("a: {}", "[".repeat(100_000)).as_bytes());
    let block: String = (0..5000).fold(String::new(), |mut text, depth| {
        let _ = writeln!(text, "{}a:", " ".repeat(depth));
        text
    });
    let block = file(folder.path(), "block.yaml", block.as_bytes());
    let garbage = file(folder.path(), "garbage", b"\0\x01\xff\xfe{[");
    for from in [&deep, &garbage, &yaml] {
        assert!(error(&["audit", "--from", from]).contains(from.as_str()));
        assert!(error(&["audit", "--from", FLEET, "--config", from]).contains(from.as_str()));
        assert!(error(&["audit", "--from", FLEET, "--baseline", from]).contains(from.as_str()));
        assert!(error(&["apply", from]).contains(from.as_str()));
        assert!(error(&["undo", from]).contains(from.as_str()));
        assert!(error(&["explain", "x", "--from", from]).contains(from.as_str()));
    }
    assert!(error(&["audit", "--from", FLEET, "--config", &block]).contains(block.as_str()));
    for kubeconfig in [&garbage, &yaml, &block, &deep] {
        let err = error(&["audit", "--kubeconfig", kubeconfig]);
        assert!(err.contains(kubeconfig.as_str()), "{err}");
    }
    for manifest in [&garbage, &yaml, &block, &deep] {
        let (code, out, err) = run(&["audit", "--from", FLEET, "-f", manifest, "-o", "json"], b"");
        assert!([1, 3].contains(&code) && !err.contains("panicked"), "{code} {err}");
        assert!(format!("{out}{err}").contains(manifest.as_str()), "{manifest}: {out} {err}");
    }
}

#[test]
fn manifests_of_any_layout_are_read() {
    let pod = |name: &str| {
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: {name}, namespace: shop}}\nspec:\n  containers:\n  - name: c\n    \
             image: acmeprod.azurecr.io/shop/{name}:1\n"
        )
    };
    let folder = tempfile::tempdir().unwrap();
    let many = (0..10_000).fold(String::new(), |text, number| text + "---\n" + &pod(&format!("p{number}")));
    let mark = format!("\u{feff}{}", pod("mark"));
    for (name, content, workloads) in
        [("crlf.yaml", pod("crlf").replace('\n', "\r\n"), 1), ("mark.yaml", mark, 1), ("many.yaml", many, 10_000)]
    {
        let path = file(folder.path(), name, content.as_bytes());
        let found = pullaudit::kubernetes::manifests::read(&[path.into()], "default").unwrap();
        assert_eq!(
            (found.workloads.len(), found.problems.len()),
            (workloads, 0),
            "{name}: {:?}",
            found.problems.first()
        );
    }
    let nul = file(folder.path(), "nul.yaml", pod("nul").replace("shop/", "shop\0/").as_bytes());
    let found = pullaudit::kubernetes::manifests::read(&[nul.into()], "default").unwrap();
    assert_eq!((found.workloads.len(), found.problems.len()), (0, 1), "{:?}", found.problems);
    let pattern = folder.path().join("*r*.yaml");
    let found = pullaudit::kubernetes::manifests::read(&[pattern], "default").unwrap();
    assert_eq!(found.workloads.len(), 2, "crlf and mark");
    let none = folder.path().join("*.none");
    let empty = pullaudit::kubernetes::manifests::read(&[none], "default").unwrap().empty;
    assert!(empty[0].ends_with("*.none: no file matches this pattern"), "{empty:?}");
}

#[test]
#[cfg(unix)]
fn links_in_circles_and_into_nothing_are_problems() {
    let folder = tempfile::tempdir().unwrap();
    let link = |to: &Path, name: &str| std::os::unix::fs::symlink(to, folder.path().join(name)).unwrap();
    link(folder.path(), "loop");
    link(&folder.path().join("self.yaml"), "self.yaml");
    link(Path::new("/nowhere"), "gone.yaml");
    file(
        folder.path(),
        "pod.yaml",
        b"kind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: c, image: b}]}\n",
    );
    let found = pullaudit::kubernetes::manifests::read(&[folder.path().to_owned()], "default").unwrap();
    assert_eq!(found.workloads.len(), 1);
    let files: Vec<&str> = found.problems.iter().filter_map(|one| one.file.rsplit('/').next()).collect();
    assert_eq!(files, ["gone.yaml", "self.yaml"], "{:?}", found.problems);
}

#[test]
fn every_line_is_answered_in_order() {
    let long = "x".repeat(70_000);
    let lines =
        format!("acmeprod.azurecr.io/shop/checkout:1 nobody-knows-this\ngarbage\n{long} y\n\nnginx prod-weu-1x\n");
    let (code, out, err) = run(&["can-pull", "-", "--from", FLEET], lines.as_bytes());
    let answers: Vec<serde_json::Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((code, answers.len()), (3, 5), "{out}{err}");
    let errors: Vec<&str> = answers.iter().map(|answer| answer["error"].as_str().unwrap()).collect();
    assert_eq!(answers[1]["input"], "garbage");
    assert!(errors[0].starts_with("no cluster, pool or identity named \"nobody-knows-this\""), "{errors:?}");
    assert_eq!(errors[1], "expected `IMAGE WHO`");
    assert_eq!(errors[2], "the line is longer than 64 KiB");
    let (code, _, err) = run(&["can-pull", "-", "--from", FLEET], b"");
    assert!(code == 1 && err.contains("standard input is empty"), "{code} {err}");
    let (code, out, _) = run(&["image", "team/API", "nginx", "-o", "json"], b"");
    assert_eq!((code, out.lines().count()), (1, 2), "{out}");
    let (code, out, _) = run(&["image", "-", "-o", "json"], format!("{long}\nnginx\n").as_bytes());
    assert_eq!((code, out.lines().count()), (0, 2), "{out}");
}

#[test]
fn a_name_that_nobody_has_is_said_first() {
    let (code, _, err) = run(&["can-pull", "nginx", "--as", "alice@example.com"], b"");
    assert_eq!(code, 1);
    assert!(err.starts_with("error: no cluster, pool or identity named \"alice@example.com\""), "{err}");
    let fleet: serde_json::Value = serde_json::from_slice(&std::fs::read(FLEET).unwrap()).unwrap();
    let name = fleet["clusters"][0]["name"].as_str().unwrap();
    let err = error(&["can-pull", "nginx", "--as", &format!("{name}x"), "--from", FLEET]);
    assert!(err.contains(&format!("(did you mean {name}?)")), "{err}");
}
