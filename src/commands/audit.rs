//! `pullaudit audit`: find the facts, judge them, show them, end accordingly.

use crate::assess::Judging;
use crate::cli::{self, Audit, Output};
use crate::clouds::Clouds;
use crate::ending::{self, Rules};
use crate::exit::{Exit, FailOn};
use crate::fix_line::FixLine;
use crate::progress::Progress;
use crate::report::{self, Paint, People, Report};
use crate::settings::Settings;
use crate::usage::usage;
use crate::{baseline, facts, incomplete, pipeline};
use anyhow::{Context, Result};
use jiff::Timestamp;
use pullaudit_core::Mode;
use std::collections::BTreeSet;
use std::io::Write;
use std::time::Instant;

/// Runs an audit and says how it ends.
pub async fn run(args: &Audit, paint: Paint, progress: Progress, out: &mut dyn Write) -> Result<Exit> {
    let started = Instant::now();
    let known = known(args)?;
    let settings = Settings::new(args.select.clone(), args.reading.clone(), args.source.from.is_empty())?;
    let clouds = Clouds::new(&settings)?;
    let found = facts::find(&args.source, &settings, &clouds, &progress).await?;
    progress.say("judging");
    let judging = judging(&args.judging, found.snapshot.taken_at);
    let mut report = pipeline::report(
        &found.snapshot,
        &found.conflicts,
        &clouds,
        &settings.config,
        judging,
        &FixLine::of(&args.source, &args.select, &args.judging, &args.reading, &settings.contexts)?,
    )?;
    drop(progress);
    if args.select.allow_empty {
        incomplete::allow_empty(&mut report);
    }
    if args.baseline.is_some() {
        baseline::mark(&mut report, &known);
    }

    let known = args.baseline.is_some().then_some(&known);
    let ending = ending::of(&report, Rules { fail_on: args.fail_on, threshold: args.severity_threshold, known });
    let elapsed = args.source.from.is_empty().then(|| started.elapsed());
    let people = People { paint, all: args.all, elapsed, ending: &ending.line };
    write(&report, args.output, people, out)?;
    Ok(ending.exit)
}

/// The time that is judged at is the time of reading, so that a snapshot gives one answer for ever.
pub fn judging(args: &cli::Judging, taken_at: Timestamp) -> Judging {
    Judging { at: args.as_of.unwrap_or(taken_at), mode: if args.strict { Mode::Strict } else { Mode::Default } }
}

fn write(report: &Report, output: Output, people: People<'_>, out: &mut dyn Write) -> Result<()> {
    let text = match output {
        Output::People => report::people(report, people),
        Output::Wide => report::wide(report),
        // The report of a large fleet is as large again as text: it is never held as a whole.
        Output::Json => {
            let mut out = std::io::BufWriter::new(out);
            serde_json::to_writer_pretty(&mut out, report).map_err(std::io::Error::from)?;
            out.write_all(b"\n")?;
            return Ok(out.flush()?);
        }
        Output::Yaml => serde_saphyr::to_string(report).context("can't write the report as YAML")?,
    };
    Ok(out.write_all(text.as_bytes())?)
}

/// The ids of the checks that the baseline has as denied.
fn known(args: &Audit) -> Result<BTreeSet<String>> {
    match (&args.baseline, args.fail_on) {
        (None, FailOn::New) => Err(usage("--fail-on new needs --baseline FILE, a former -o json report")),
        (None, _) => Ok(BTreeSet::new()),
        (Some(path), _) => baseline::denied(path),
    }
}
