//! From the command line to the exit code.

use crate::cli::{Cli, Color, Command, Reading, Select};
use crate::clouds::Clouds;
use crate::commands::{apply, audit, can_pull, collect, diff, explain, fix, image, permissions, undo};
use crate::exit::{Exit, FAILED, INTERRUPTED, USAGE};
use crate::interrupt::Interrupt;
use crate::progress::Progress;
use crate::report::Paint;
use crate::settings::Settings;
use crate::usage::Usage;
use anyhow::Result;
use clap::{CommandFactory, Parser};
use std::io::{ErrorKind, IsTerminal, Write};
use std::process::ExitCode;
use tracing_subscriber::EnvFilter;

/// Runs the program.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage_error(&error),
    };
    log(&cli);
    let mut out = std::io::stdout().lock();
    let ended = run(&cli, &mut out).and_then(|exit| {
        out.flush()?;
        Ok(exit)
    });
    match ended {
        Ok(code) => ExitCode::from(code),
        Err(error) if broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(if error.is::<Usage>() { USAGE } else { FAILED })
        }
    }
}

/// clap ends with 2 for wrong usage, which means drift here.
fn usage_error(error: &clap::Error) -> ExitCode {
    let _ = error.print();
    ExitCode::from(if error.use_stderr() { USAGE } else { 0 })
}

fn broken_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<std::io::Error>())
        .any(|io| io.kind() == ErrorKind::BrokenPipe)
}

fn log(cli: &Cli) {
    let level = match (cli.quiet, cli.verbose) {
        (true, _) => "error",
        (false, 0) => "pullaudit=warn,pullaudit_aks=warn,pullaudit_eks=warn,pullaudit_gke=warn,error",
        (false, 1) => "pullaudit=debug,pullaudit_aks=debug,pullaudit_eks=debug,pullaudit_gke=debug,warn",
        (false, _) => "pullaudit=debug,pullaudit_aks=debug,pullaudit_eks=debug,pullaudit_gke=debug,info",
    };
    let filter = EnvFilter::new(level);
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
        Command::Image(args) => image::run(args, &offline()?, out).map(|()| clean),
        Command::Permissions(args) => permissions::run(args, &offline()?, cli.quiet, out).map(|()| clean),
        Command::Explain(args) => explain::run(args, &offline()?, out).map(|()| clean),
        Command::Completions { shell } => {
            clap_complete::generate(*shell, &mut Cli::command(), "pullaudit", out);
            Ok(clean)
        }
        Command::Man => {
            clap_mangen::Man::new(Cli::command()).render(out)?;
            Ok(clean)
        }
    }
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
