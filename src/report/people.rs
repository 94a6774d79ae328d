//! The default output: one block an incident, one block a group of unknowns, what was not judged, how
//! it ends. At most 115 columns.

use super::{
    Check, Incident, Needing, Paint, Report, State, Unsettled, VerdictWord, WorkloadReport, fit, middle, number,
    plural,
};
use pullaudit_core::Severity;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::time::Duration;

/// The width that nothing exceeds.
pub(super) const WIDTH: usize = 115;
/// Scopes of one cloud that the header names.
const SEARCHED: usize = 8;
/// Where the text of a block begins.
const INDENT: usize = 12;

/// What of the screen the report itself does not hold.
#[derive(Clone, Copy, Debug)]
pub struct People<'a> {
    /// Colours or none.
    pub paint: Paint,
    /// Every check and every unowned image as well.
    pub all: bool,
    /// How long it took; left out when replayed.
    pub elapsed: Option<Duration>,
    /// The last line: what was found, and how the run ends.
    pub ending: &'a str,
}

/// The report for people.
pub fn people(report: &Report, look: People<'_>) -> String {
    let mut out = String::new();
    let mut line = |text: String| {
        out.push_str(text.trim_end());
        out.push('\n');
    };
    line(counts(report, look.elapsed));
    searched(report).into_iter().for_each(&mut line);
    if look.elapsed.is_none() {
        line(format!("facts read {}", report.facts_at));
    }
    line(String::new());
    line(verdicts(report, look.paint));
    for incident in &report.incidents {
        line(String::new());
        block(report, incident, look.paint).into_iter().for_each(&mut line);
    }
    for group in &report.unsettled {
        line(String::new());
        unknown_block(report, group, look.paint).into_iter().for_each(&mut line);
    }
    let tail = tail(report, look);
    if !tail.is_empty() {
        line(String::new());
        tail.into_iter().for_each(&mut line);
    }
    if look.all {
        line(String::new());
        every_check(report, look.paint).into_iter().for_each(&mut line);
    }
    line(look.ending.to_owned());
    out
}

fn counts(report: &Report, elapsed: Option<Duration>) -> String {
    let mut providers: BTreeMap<&str, usize> = BTreeMap::new();
    for cluster in &report.clusters {
        *providers.entry(&cluster.provider).or_default() += 1;
    }
    let providers: Vec<String> =
        providers.iter().map(|(name, count)| format!("{name} {}", number(*count))).collect();
    let summary = &report.summary;
    let mut parts = vec![format!("clusters {}", number(summary.clusters))];
    if !providers.is_empty() {
        parts[0] = format!("{} ({})", parts[0], providers.join(", "));
    }
    parts.push(format!("pools {}", number(summary.pools)));
    parts.push(format!("workloads {}", number(summary.workloads)));
    parts.push(format!("questions {}", number(summary.questions)));
    let calls: u64 = summary.api_calls.values().sum();
    parts.push(format!("calls {}", number(usize::try_from(calls).unwrap_or(usize::MAX))));
    parts.extend(elapsed.map(duration));
    parts.join("   ")
}

/// Where clusters were looked for, a row a cloud; nothing for facts that do not say.
fn searched(report: &Report) -> Vec<String> {
    let mut clouds: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for one in &report.searched {
        let places = [one.regions.join(", "), one.contexts.join(", ")];
        let places = places.into_iter().filter(|names| !names.is_empty()).collect::<Vec<_>>().join("; ");
        let scope = if places.is_empty() { one.scope.clone() } else { format!("{} ({places})", one.scope) };
        clouds.entry(&one.provider).or_default().push(scope);
    }
    let rows = clouds.into_iter().flat_map(|(cloud, scopes)| {
        let shown = scopes.iter().take(SEARCHED).cloned().collect::<Vec<_>>().join(", ");
        let more = scopes.len().saturating_sub(SEARCHED);
        let more = if more == 0 { String::new() } else { format!(" and {} more", number(more)) };
        wrap(&format!("searched {cloud} {shown}{more}"), WIDTH)
    });
    rows.collect()
}

fn duration(elapsed: Duration) -> String {
    match elapsed.as_secs() {
        0..60 => format!("{:.1}s", elapsed.as_secs_f64()),
        seconds => format!("{}m{:02}s", seconds / 60, seconds % 60),
    }
}

fn verdicts(report: &Report, paint: Paint) -> String {
    let summary = &report.summary;
    let mut parts = Vec::new();
    let drift = report.incidents.iter().filter(|incident| incident.is_drift()).count();
    let known = report.incidents.iter().filter(|one| one.exception.is_none() && one.new == Some(false)).count();
    if drift > 0 {
        let new = report.checks.iter().filter(|check| check.mark() == Some("new")).count();
        let denied = match new {
            0 => format!("{} denied", plural(summary.questions_denied, "question")),
            new => format!("{} new", plural(new, "check")),
        };
        parts.push(format!("{} ({denied})", paint.bad(&format!("DRIFT {}", number(drift)))));
    }
    if known > 0 {
        parts.push(format!("{} (in the baseline)", paint.bad(&format!("KNOWN {}", number(known)))));
    }
    if !report.unsettled.is_empty() {
        let unknown = paint.unsure(&format!("UNKNOWN {}", number(report.unsettled.len())));
        parts.push(format!("{unknown} ({})", plural(summary.questions_unknown, "question")));
    }
    if summary.excepted > 0 {
        let excepted = paint.dim(&format!("EXCEPTED {}", number(summary.excepted)));
        parts.push(format!("{excepted} ({})", if summary.excepted == 1 { "check" } else { "checks" }));
    }
    let other = summary.questions_denied + summary.questions_unknown + summary.questions_excepted;
    let allowed = summary.questions.saturating_sub(other);
    parts.push(format!("{} by IAM", paint.good(&format!("ALLOWED {}", number(allowed)))));
    format!("  {}", parts.join("     "))
}

pub(super) fn label(paint: Paint, name: &str, text: &str) -> Vec<String> {
    wrap(text, WIDTH - INDENT)
        .into_iter()
        .enumerate()
        .map(|(row, text)| {
            let name = if row == 0 { name } else { "" };
            format!("    {}{text}", paint.dim(&format!("{name:<8}")))
        })
        .collect()
}

/// Breaks at spaces; a word longer than the line has its middle shortened.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let word = middle(word, width);
        let last = lines.len() - 1;
        let line = &mut lines[last];
        if line.is_empty() {
            line.push_str(&word);
        } else if line.chars().count() + 1 + word.chars().count() <= width {
            line.push(' ');
            line.push_str(&word);
        } else {
            lines.push(word);
        }
    }
    lines
}

/// The first row of a block: sign, severity, code, place, how many, how many fail now.
fn head(sign: &str, severity: Severity, code: &str, place: &str, checks: &[&Check]) -> String {
    let workloads: BTreeSet<_> = checks.iter().flat_map(|check| names(check)).collect();
    let failing: BTreeSet<_> = checks.iter().flat_map(|check| failing(check)).collect();
    format!(
        "{sign} {severity:<8}  {}  {place}  {:>13}   {} failing now",
        fit(code, 24),
        plural(workloads.len(), "workload"),
        number(failing.len()),
    )
}

type Name<'a> = (&'a Option<String>, &'a str, &'a str, &'a str);

fn name<'a>(check: &'a Check, one: &'a WorkloadReport) -> Name<'a> {
    (&check.cluster, &one.namespace, &one.kind, &one.name)
}

fn names(check: &Check) -> impl Iterator<Item = Name<'_>> {
    check.workloads.iter().map(|one| name(check, one))
}

fn failing(check: &Check) -> impl Iterator<Item = Name<'_>> {
    check.workloads.iter().filter(|one| one.state == State::Failing).map(|one| name(check, one))
}

pub(super) fn place(report: &Report, cluster: Option<&str>, pools: &[String]) -> String {
    let cluster = cluster.and_then(|id| report.clusters.iter().find(|cluster| cluster.id == id));
    let (provider, name) = cluster.map_or(("", ""), |cluster| (cluster.provider.as_str(), cluster.name.as_str()));
    let pools = match (pools, cluster.map_or(0, |cluster| cluster.pools.len())) {
        ([], _) => "-".to_owned(),
        ([one], _) => one.clone(),
        (some, all) if some.len() == all => format!("all {all} pools"),
        ([first, rest @ ..], _) => format!("{first} +{}", rest.len()),
    };
    format!("{provider:<3}  {}  {}", fit(name, 14), fit(&pools, 18))
}

fn by_id<'a>(report: &'a Report, ids: &[String]) -> Vec<&'a Check> {
    let wanted: BTreeSet<&str> = ids.iter().map(String::as_str).collect();
    report.checks.iter().filter(|check| wanted.contains(check.id.as_str())).collect()
}

fn block(report: &Report, incident: &Incident, paint: Paint) -> Vec<String> {
    let checks = by_id(report, &incident.checks);
    let place = place(report, incident.cluster.as_deref(), &incident.pools);
    let sign = if incident.exception.is_some() { "-" } else { "✗" };
    let head = head(sign, incident.severity, &incident.code, &place, &checks);
    let mut lines = vec![if incident.exception.is_some() { paint.dim(&head) } else { paint.bad(&head) }];
    lines.extend(subjects(&checks));
    lines.extend(status(incident).iter().flat_map(|status| label(paint, "status", status)));
    lines.extend(label(paint, "why", &incident.why));
    lines.extend(label(paint, "breaks", &incident.breaks));
    let label = if incident.fix.starts_with("pullaudit fix") { "fix     " } else { "by hand " };
    lines.push(format!("    {}{}", paint.dim(label), paint.command(&incident.fix)));
    lines
}

/// How an incident counts, where that is not as it stands.
fn status(incident: &Incident) -> Option<String> {
    match (&incident.exception, incident.new) {
        (Some(exception), _) => Some(format!("excepted, not counted: {exception}")),
        (None, Some(true)) => Some("new: not denied in the baseline".to_owned()),
        (None, Some(false)) => Some("known: denied in the baseline".to_owned()),
        (None, None) => None,
    }
}

fn unknown_block(report: &Report, group: &Unsettled, paint: Paint) -> Vec<String> {
    let checks = by_id(report, &group.checks);
    let pools: BTreeSet<String> = checks.iter().filter_map(|check| check.pool.clone()).collect();
    let cluster = match group.clusters.as_slice() {
        [one] => place(report, Some(one), &pools.into_iter().collect::<Vec<_>>()),
        several => format!("     {}  {}", fit(&plural(several.len(), "cluster"), 14), fit("", 18)),
    };
    let head = head("?", group.severity, &group.code, &cluster, &checks);
    let mut lines = vec![paint.unsure(&head)];
    lines.extend(subjects(&checks));
    let settles = format!("settles {}", plural(group.checks.len(), "check"));
    let count = group.needs.len();
    for (row, need) in group.needs.iter().enumerate() {
        let name = if row == 0 { "needs" } else { "and" };
        let text = if row + 1 == count { format!("{need}: {settles}") } else { need.clone() };
        lines.extend(label(paint, name, &text));
    }
    lines
}

/// The registries of a block with their repositories; by name where there are few.
fn subjects(checks: &[&Check]) -> Vec<String> {
    let mut repositories: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut unparsed = BTreeSet::new();
    for check in checks {
        match (&check.registry, &check.repository) {
            (Some(registry), Some(repository)) => {
                repositories.entry(registry).or_default().insert(repository);
            }
            _ => {
                unparsed.insert(check.image.as_str());
            }
        }
    }
    let mut lines: Vec<String> = unparsed.iter().take(3).map(|image| shown(&format!("{image:?}"), "")).collect();
    for (registry, names) in repositories {
        let count = plural(names.len(), "repository");
        let subject = match names.iter().collect::<Vec<_>>().as_slice() {
            [one] => format!("{registry}/{one}"),
            several => format!("{registry}/{}", common(several)),
        };
        lines.push(shown(&subject, &count));
    }
    lines
}

fn shown(subject: &str, count: &str) -> String {
    let width = WIDTH - INDENT - count.chars().count() - 3;
    format!("{:INDENT$}{}   {count}", "", middle(subject, width))
}

/// `ledger/*` for what lies under one prefix, `*` for what does not.
pub(super) fn common(names: &[&&str]) -> String {
    let prefix = |name: &str| name.split_once('/').map(|(first, _)| first.to_owned());
    let first = names.first().and_then(|name| prefix(name));
    match first {
        Some(first) if names.iter().all(|name| prefix(name).as_deref() == Some(&first)) => format!("{first}/*"),
        _ => "*".to_owned(),
    }
}

fn tail(report: &Report, look: People<'_>) -> Vec<String> {
    let mut lines = Vec::new();
    let row = |name: &str, text: &str| -> Vec<String> {
        let mut rows = wrap(text, WIDTH - INDENT).into_iter();
        let first = format!("{}{}", look.paint.dim(&format!("{name:<INDENT$}")), rows.next().unwrap_or_default());
        std::iter::once(first).chain(rows.map(|text| format!("{:INDENT$}{text}", ""))).collect()
    };
    let assumed = assumed(report);
    if !assumed.is_empty() {
        lines.extend(row("assumed", &assumed));
    }
    for gap in report.unread() {
        let scope = if gap.scope.is_empty() { String::new() } else { format!("{}: ", gap.scope) };
        let needs = match gap.permission.as_str() {
            "" => String::new(),
            permission if gap.message.contains(permission) => String::new(),
            permission => format!(" (missing permission: {permission})"),
        };
        let text = format!("{scope}{}{needs}", gap.message);
        lines.extend(row("not read", &text));
    }
    if report.summary.excepted > 0 {
        lines.extend(row(
            "excepted",
            &format!("{} by the config's exceptions", plural(report.summary.excepted, "check")),
        ));
    }
    let (unowned, other): (Vec<_>, Vec<_>) = report.notices.iter().partition(|notice| notice.code == "not-judged");
    for notice in other {
        lines.extend(row(
            notice.severity.as_str(),
            &format!("{}  {}: {}", notice.code, notice.subject, notice.message),
        ));
    }
    if look.all {
        for notice in unowned {
            lines.extend(row("not judged", &notice.message));
        }
    } else if !unowned.is_empty() {
        let images: usize = unowned.iter().filter_map(|notice| notice.images).sum();
        let what = format!("{} on {}", plural(images, "image"), plural(unowned.len(), "registry"));
        lines.extend(row("not judged", &format!("{what} that no provider owns (--all lists them)")));
    }
    lines
}

/// Guard rails that were assumed not to deny, with how many checks rest on them; empty where none does.
fn assumed(report: &Report) -> String {
    let mut rails: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for need in report.checks.iter().flat_map(|check| &check.assuming) {
        if let Needing::Reading { reading, scope, .. } = need {
            let kind = reading.split(" of ").next().unwrap_or(reading);
            rails.entry(kind).or_default().insert(scope);
        }
    }
    let resting = report.checks.iter().filter(|check| !check.assuming.is_empty()).count();
    let rails: Vec<String> =
        rails.iter().map(|(kind, scopes)| format!("{kind} ({})", plural(scopes.len(), "scope"))).collect();
    if rails.is_empty() {
        return String::new();
    }
    format!(
        "{} rest on guard rails that could not be read and are taken not to deny: {}; --strict assumes nothing",
        plural(resting, "allowed check"),
        rails.join(", ")
    )
}

fn every_check(report: &Report, paint: Paint) -> Vec<String> {
    report
        .checks
        .iter()
        .map(|check| {
            let mut text = String::new();
            let cluster = report.clusters.iter().find(|cluster| Some(&cluster.id) == check.cluster.as_ref());
            let place = format!(
                "{}/{}",
                cluster.map_or("-", |cluster| cluster.name.as_str()),
                check.pool.as_deref().unwrap_or("-")
            );
            let _ = write!(
                text,
                "{}  {}  {}",
                fit(&place, 30),
                fit(&check.code, 24),
                middle(&check.image, WIDTH - 62 - check.mark().map_or(0, |mark| mark.len() + 3))
            );
            let _ = check.mark().map(|mark| write!(text, " ({mark})"));
            match check.verdict {
                VerdictWord::Allowed => format!("{} {text}", paint.good("✓")),
                VerdictWord::Denied => format!("{} {text}", paint.bad("✗")),
                VerdictWord::Unknown => format!("{} {text}", paint.unsure("?")),
            }
        })
        .collect()
}
