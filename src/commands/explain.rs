//! `pullaudit explain`: a finding in words, or the whole chain of one check.

use crate::cli::Explain;
use crate::clouds::Clouds;
use crate::input;
use crate::nearest::did_you_mean;
use crate::report::{Check, Needing, Report};
use crate::usage::usage;
use anyhow::{Context, Result, anyhow};
use pullaudit_core::CodeRow;
use std::fmt::Write as _;
use std::io::Write;

/// Explains a code, a check, or lists every code.
pub fn run(args: &Explain, clouds: &Clouds, out: &mut dyn Write) -> Result<()> {
    let text = match (&args.code, &args.from) {
        (None, None) => list(clouds),
        (None, Some(_)) => return Err(usage("explain --from REPORT needs the id of a check")),
        (Some(code), None) => row(clouds, code)?,
        (Some(id), Some(path)) => {
            let text = input::text(path, input::REPORT);
            let text = text.with_context(|| format!("cannot read report {}", path.display()))?;
            let report: Report = input::parse(&text)
                .with_context(|| format!("{} is not a report: write one with audit -o json", path.display()))?;
            let mut found = report.checks.iter().filter(|check| check.id.starts_with(id.as_str()));
            match (found.next(), found.next()) {
                (Some(check), None) => chain(check, clouds),
                (None, _) => return Err(anyhow!("no check {id} in {}", path.display())),
                (Some(_), Some(_)) => {
                    return Err(usage(format!("several checks begin with {id}: give more of it")));
                }
            }
        }
    };
    out.write_all(text.as_bytes())?;
    Ok(())
}

fn list(clouds: &Clouds) -> String {
    let mut rows: Vec<&CodeRow> = clouds.codes().collect();
    rows.sort_by_key(|row| row.name);
    rows.iter().fold(String::new(), |mut text, row| {
        let _ = writeln!(text, "{:<26} {:<8}  {}", row.name, row.severity, row.meaning);
        text
    })
}

fn row(clouds: &Clouds, code: &str) -> Result<String> {
    if let Some(row) = clouds.codes().find(|row| row.name == code) {
        return Ok(describe(row));
    }
    let hint = did_you_mean(code, clouds.codes().map(|row| row.name));
    Err(usage(format!("no finding is called {code}{hint}; pullaudit explain lists them")))
}

fn describe(row: &CodeRow) -> String {
    format!(
        "{} ({})\n\n{}\n\nHow it comes about\n  {}\n\nHow to fix it by hand\n  {}\n",
        row.name,
        row.severity,
        row.meaning,
        row.how,
        row.fix.replace('\n', "\n  ")
    )
}

fn chain(check: &Check, clouds: &Clouds) -> String {
    let mut text = format!("{} {}\n{}", check.verdict.as_str(), check.image, evidence(check));
    if let Some(row) = clouds.codes().find(|row| row.name == check.code) {
        let _ = write!(text, "\n{}", describe(row));
    }
    text
}

/// Place, identity and every fact of a check, a line each.
pub fn evidence(check: &Check) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: &str| {
        let _ = writeln!(text, "  {name:<11} {value}");
    };
    line("check", &check.id);
    line("cluster", check.cluster.as_deref().unwrap_or("-"));
    line("pool", check.pool.as_deref().unwrap_or("-"));
    if let Some(identity) = &check.identity {
        line("identity", &format!("{} {}", identity.kind, identity.id));
    }
    for attempt in &check.attempts {
        let who = attempt.identity.as_ref().map_or("an identity that could not be read", |identity| &identity.id);
        line("tried", &format!("{who}: {}", attempt.verdict.as_str()));
    }
    line("code", &check.code);
    if let Some(exception) = &check.exception {
        line("excepted", exception);
    } else if let Some(mark) = check.mark() {
        line("baseline", mark);
    }
    for because in &check.because {
        let sign = if because.effect == "deny" { "✗" } else { "✓" };
        line(&because.effect, &format!("{sign} {}: {} [{}]", because.source, because.detail, because.code));
    }
    for needing in &check.needing {
        line("needs", &needed(needing));
    }
    for assumed in &check.assuming {
        line("assumes", &needed(assumed));
    }
    for workload in &check.workloads {
        let containers = workload.containers.join(", ");
        line("needed by", &format!("{} {}/{} ({containers})", workload.kind, workload.namespace, workload.name));
    }
    text
}

fn needed(needing: &Needing) -> String {
    match needing {
        Needing::Undecidable { undecidable } => undecidable.clone(),
        Needing::Reading { reading, permission, scope, obstacle } => {
            format!("{reading}: {permission} in {scope} ({obstacle})")
        }
    }
}
