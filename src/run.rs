//! From the command line to the exit code.

use crate::cli::{Cli, Color, Command, Reading, Select};
use crate::clouds::Clouds;
use crate::commands::{apply, audit, can_pull, collect, diff, explain, fix, image, permissions, undo};
use crate::exit::{Exit, FAILED, INTERRUPTED, USAGE};
use crate::interrupt::Interrupt;
use crate::nearest::did_you_mean;
use crate::progress::Progress;
use crate::report::Paint;
use crate::settings::Settings;
use crate::usage::{Usage, usage};
use anyhow::Result;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, Parser};
use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use tracing_subscriber::EnvFilter;

/// Runs the program.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage_error(&error),
    };
    log(&cli);
    let streams = matches!(cli.command, Command::CanPull(_) | Command::Image(_));
    let mut out = Patient { out: std::io::stdout().lock(), streams, closed: false };
    let ended = run(&cli, &mut out).and_then(|exit| {
        out.flush()?;
        Ok(exit)
    });
    match ended {
        Ok(code) => ExitCode::from(code),
        Err(error) if broken_pipe(&error) => match cli.command {
            // The reader left before all lines were answered.
            Command::CanPull(_) => ExitCode::from(Exit::Incomplete.code()),
            _ => ExitCode::SUCCESS,
        },
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(if error.is::<Usage>() { USAGE } else { FAILED })
        }
    }
}

/// Standard output, whose reader may leave: a report then goes nowhere, and the run ends as it would have ended. A
/// command that answers lines as they come stops there.
struct Patient<W> {
    out: W,
    streams: bool,
    closed: bool,
}

impl<W: Write> Patient<W> {
    fn unless_closed<T>(&mut self, done: std::io::Result<T>, otherwise: T) -> std::io::Result<T> {
        match done {
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe && !self.streams => {
                self.closed = true;
                Ok(otherwise)
            }
            done => done,
        }
    }
}

impl<W: Write> Write for Patient<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.closed {
            return Ok(bytes.len());
        }
        let done = self.out.write(bytes);
        self.unless_closed(done, bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        if self.closed {
            return Ok(());
        }
        let done = self.out.flush();
        self.unless_closed(done, ())
    }
}

/// clap ends with 2 for wrong usage, which means drift here.
fn usage_error(error: &clap::Error) -> ExitCode {
    let _ = error.print();
    if let Some(advice) = expanded_glob(error) {
        eprintln!("{advice}");
    }
    ExitCode::from(if error.use_stderr() { USAGE } else { 0 })
}

/// What to do where the shell expanded a pattern into more files than a flag takes.
fn expanded_glob(error: &clap::Error) -> Option<String> {
    let Some(ContextValue::String(surplus)) = error.get(ContextKind::InvalidArg) else { return None };
    let is_file = error.kind() == ErrorKind::UnknownArgument && std::path::Path::new(surplus).exists();
    is_file
        .then(|| format!("tip: {surplus} is a file; if the shell expanded a pattern, quote it: --from '*.json'"))
}

fn broken_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<std::io::Error>())
        .any(|io| io.kind() == std::io::ErrorKind::BrokenPipe)
}

/// What is logged. A target is meant by its beginning: each cloud's crate is called `pullaudit_CLOUD`. What libraries say
/// of a failed call is in our own words already.
fn directives(quiet: bool, verbose: u8) -> &'static str {
    match (quiet, verbose) {
        (true, _) => "off,pullaudit=error",
        (false, 0) => "off,pullaudit=warn",
        (false, 1) => "off,pullaudit=debug",
        (false, _) => "info,pullaudit=debug",
    }
}

fn log(cli: &Cli) {
    let filter = EnvFilter::new(directives(cli.quiet, cli.verbose));
    // A second subscriber can only come from a test that set its own.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .without_time()
        .try_init();
}

fn paint(color: Color) -> Paint {
    Paint(match color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => {
            std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|set| set.is_empty())
        }
    })
}

fn run(cli: &Cli, out: &mut dyn Write) -> Result<u8> {
    let clean = Exit::Clean.code();
    let interrupt = Interrupt::default();
    let progress = || Progress::new(!cli.quiet && !cli.no_progress);
    match &cli.command {
        Command::Audit(args) => wait(&interrupt, audit::run(args, paint(cli.color), progress(), out)),
        Command::Fix(args) => wait(&interrupt, fix::run(args, paint(cli.color), progress(), &interrupt, out)),
        Command::Apply(args) => wait(&interrupt, apply::run(args, paint(cli.color), progress(), &interrupt, out)),
        Command::Undo(args) => wait(&interrupt, undo::run(args, paint(cli.color), progress(), &interrupt, out)),
        Command::Collect(args) => wait(&interrupt, collect::run(args, progress(), out)),
        Command::CanPull(args) => wait(&interrupt, can_pull::run(args, paint(cli.color), progress(), out)),
        Command::Diff(args) => diff::run(args, paint(cli.color), out).map(Exit::code),
        Command::Image(args) => image::run(args, &offline()?, out).map(Exit::code),
        Command::Permissions(args) => permissions::run(args, &offline()?, cli.quiet, out).map(|()| clean),
        Command::Explain(args) => explain::run(args, &offline()?, out).map(|()| clean),
        Command::Completions { shell } => {
            clap_complete::generate(*shell, &mut Cli::command(), "pullaudit", out);
            Ok(clean)
        }
        Command::Man { command } => {
            clap_mangen::Man::new(page_of(command.as_deref())?).render(out)?;
            Ok(clean)
        }
        Command::Version => {
            writeln!(out, "pullaudit {}", env!("CARGO_PKG_VERSION"))?;
            Ok(clean)
        }
    }
}

/// What a manual page is about: the program, or one of its commands.
fn page_of(name: Option<&str>) -> Result<clap::Command> {
    let mut all = Cli::command();
    all.build();
    let Some(name) = name else { return Ok(Cli::command()) };
    let names: Vec<&str> = all.get_subcommands().map(clap::Command::get_name).collect();
    let found = all.find_subcommand(name).cloned();
    found.map(|command| command.name(format!("pullaudit-{name}"))).ok_or_else(|| {
        usage(format!("man: no command is called {name:?}{}", did_you_mean(name, names.iter().copied())))
    })
}

/// The clouds for commands that ask them nothing.
fn offline() -> Result<Clouds> {
    let reading = Reading::default();
    Clouds::new(&Settings::without_config(Select::default(), reading))
}

/// Runs to the end, or to an interrupt: then what was under way is dropped, and the terminal with it. A
/// write in flight is finished first.
fn wait(interrupt: &Interrupt, work: impl Future<Output = Result<Exit>>) -> Result<u8> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let ended = runtime.block_on(async {
        let mut work = std::pin::pin!(work);
        loop {
            tokio::select! {
                exit = &mut work => return exit.map(Exit::code),
                () = interrupted() => {
                    if !interrupt.ask() {
                        eprintln!("interrupted{}", if interrupt.writing() { "" } else { ": nothing was written" });
                        return Ok(INTERRUPTED);
                    }
                    eprintln!("interrupted: finishing the write in flight; once more drops it, and the receipt tells");
                }
            }
        }
    });
    // A look-up in a blocking thread must not hold an interrupted program back.
    runtime.shutdown_background();
    ended
}

#[cfg(feature = "live")]
async fn interrupted() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Without clouds nothing waits long enough to be interrupted in: the default of the system does.
#[cfg(not(feature = "live"))]
async fn interrupted() {
    std::future::pending::<()>().await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;
    use std::sync::{Arc, Mutex, PoisonError};

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What of a library and of a cloud's crate is logged.
    fn logged(quiet: bool, verbose: u8) -> Vec<String> {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_env_filter(EnvFilter::new(directives(quiet, verbose)))
            .with_writer(move || writer.clone())
            .with_ansi(false)
            .without_time()
            .finish();
        tracing::subscriber::with_default(subscriber, || {
            tracing::error!(target: "kube_client::client::builder", "library-error");
            tracing::info!(target: "aws_config", "library-info");
            tracing::debug!(target: "hyper", "library-debug");
            tracing::warn!(target: "pullaudit_aks::live", "ours-warn");
            tracing::debug!(target: "pullaudit::gather", "ours-debug");
        });
        let bytes = lines.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        text.lines().filter_map(|line| line.rsplit(' ').next()).map(str::to_owned).collect()
    }

    #[test]
    fn libraries_are_logged_with_two_v_only() {
        assert_eq!(logged(true, 0), [""; 0]);
        assert_eq!(logged(false, 0), ["ours-warn"]);
        assert_eq!(logged(false, 1), ["ours-warn", "ours-debug"]);
        assert_eq!(logged(false, 2), ["library-error", "library-info", "ours-warn", "ours-debug"]);
    }
}
