//! Running the program and looking at what it took.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// One run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cost {
    pub(crate) wall: Duration,
    /// The most memory that was resident, in MB.
    pub(crate) memory: f64,
}

/// Runs a command to its end, which must be one of these codes.
pub(crate) fn run(command: &mut Command, codes: &[i32]) -> Cost {
    let started = Instant::now();
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut memory: f64 = 0.0;
    let code = loop {
        // The high-water mark only grows, so the last look is close to the end.
        if let Ok(text) = std::fs::read_to_string(&status)
            && let Some(line) = text.lines().find(|line| line.starts_with("VmHWM:"))
        {
            let kilobytes: f64 =
                line.split_whitespace().nth(1).and_then(|word| word.parse().ok()).unwrap_or_default();
            memory = memory.max(kilobytes / 1024.0);
        }
        match child.try_wait().unwrap() {
            Some(ended) => break ended.code(),
            None => std::thread::sleep(Duration::from_millis(2)),
        }
    };
    let wall = started.elapsed();
    assert!(codes.iter().any(|wanted| Some(*wanted) == code), "{command:?} ended with {code:?}");
    Cost { wall, memory }
}

/// The program with the fake's credentials and nothing of the machine's own.
pub(crate) fn pullaudit(credentials: Vec<(String, String)>, folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pullaudit"));
    command.args(arguments).current_dir(folder).env_clear().envs(credentials);
    command.env("HOME", folder).env("KUBECONFIG", folder.join("kubeconfig"));
    command
}

/// The middle of some figures, with the least and the most.
pub(crate) fn spread(mut figures: Vec<f64>) -> (f64, f64, f64) {
    figures.sort_by(f64::total_cmp);
    (figures[figures.len() / 2], figures[0], figures[figures.len() - 1])
}

/// A line of the table; false where the figure is over its floor.
pub(crate) fn line(what: &str, figure: f64, floor: f64, unit: &str) -> bool {
    let held = figure <= floor;
    let sign = if held { "ok  " } else { "MISS" };
    println!("{sign}  {what:<52} {figure:>9.2} {unit:<5} of at most {floor:>9.2}  (ratio {:.2})", figure / floor);
    held
}

/// A count as a figure.
pub(crate) fn count(number: usize) -> f64 {
    f64::from(u32::try_from(number).unwrap())
}
