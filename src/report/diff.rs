//! A comparison for people: what was replaced, what was lost, what turned. At most 115 columns.

use super::people::{WIDTH, common, label, place};
use super::{Identity, Paint, Report, VerdictWord, middle, plural};
use crate::diff::{Diff, Direction, Judged, Loss, LostGrant, Presence, Puller, Rotation, Scope, Taken, Turn};
use crate::incidents::breaks;
use std::collections::{BTreeMap, BTreeSet};

/// The comparison. The two reports name the clusters; `ending` is its last line.
pub fn diff(diff: &Diff, new: &Report, old: &Report, ending: &str, paint: Paint) -> String {
    let mut lines = vec![
        format!(
            "old {}   new {}   checks {} → {}",
            diff.old.taken_at, diff.new.taken_at, diff.old.checks, diff.new.checks
        ),
        String::new(),
        head(diff, paint),
    ];
    let mut block = |block: Vec<String>| {
        if !block.is_empty() {
            lines.push(String::new());
            lines.extend(block);
        }
    };
    for rotation in &diff.identities {
        block(rotated(new, rotation, paint));
    }
    for ((source, how), grants) in by_source(&diff.lost_grants) {
        block(lost(source, how, &grants, paint));
    }
    for ((cluster, _), turns) in groups(&diff.verdicts) {
        block(turned(new, cluster, &turns, paint));
    }
    block(diff.scopes.iter().map(|scope| scope_line(new, old, scope)).collect());
    block(incomplete(diff));
    lines.push(ending.to_owned());
    lines.iter().map(|line| line.trim_end().to_owned() + "\n").collect()
}

fn head(diff: &Diff, paint: Paint) -> String {
    let mut parts = Vec::new();
    if diff.worse > 0 {
        parts.push(paint.bad(&format!("WORSE {}", plural(diff.worse, "check"))));
    }
    if diff.unclear > 0 {
        parts.push(paint.unsure(&format!("UNCLEAR {}", plural(diff.unclear, "check"))));
    }
    if diff.better > 0 {
        parts.push(paint.good(&format!("BETTER {}", plural(diff.better, "check"))));
    }
    if !diff.identities.is_empty() {
        parts.push(paint.unsure(&format!("REPLACED {} of identity", plural(diff.identities.len(), "change"))));
    }
    if parts.is_empty() {
        parts.push(paint.good("NO VERDICT TURNED"));
    }
    format!("  {}", parts.join("     "))
}

fn rotated(new: &Report, rotation: &Rotation, paint: Paint) -> Vec<String> {
    let place = place(new, Some(&rotation.cluster), &rotation.pools);
    let mut lines = vec![paint.unsure(&format!("~ identity replaced        {place}"))];
    lines.extend(label(paint, "was", &puller(&rotation.old)));
    lines.extend(label(paint, "is", &puller(&rotation.new)));
    lines
}

fn puller(puller: &Puller) -> String {
    let Identity { id, name, .. } = &puller.identity;
    let known = if name == id { id.clone() } else { format!("{name} ({id})") };
    match &puller.unique_id {
        Some(unique) => format!("{known}, which is {unique}"),
        None => known,
    }
}

type Lost<'a> = BTreeMap<(&'a str, Loss), Vec<&'a LostGrant>>;

fn by_source(grants: &[LostGrant]) -> Lost<'_> {
    let mut sources = Lost::new();
    for grant in grants {
        sources.entry((&grant.source, grant.how)).or_default().push(grant);
    }
    sources
}

fn lost(source: &str, how: Loss, grants: &[&LostGrant], paint: Paint) -> Vec<String> {
    let why = match how {
        Loss::IdentityReplaced => "of the former identity",
        Loss::NotTried => "of a credential that is no longer tried",
        Loss::Gone => "gone, or about something else now",
    };
    let mut lines = vec![paint.bad(&format!("- {}", middle(&format!("{source}: {why}"), WIDTH - 2)))];
    let details: BTreeSet<&str> = grants.iter().map(|grant| grant.detail.as_str()).collect();
    let repositories: BTreeSet<&str> =
        grants.iter().flat_map(|grant| &grant.repositories).map(String::as_str).collect();
    lines.extend(details.into_iter().take(2).flat_map(|detail| label(paint, "gave", detail)));
    let shown = match repositories.iter().collect::<Vec<_>>().as_slice() {
        [one] => (**one).to_owned(),
        several => format!("{} ({})", common(several), plural(several.len(), "repository")),
    };
    lines.extend(label(paint, "for", &shown));
    lines
}

type Key<'a> = (Option<&'a str>, (Direction, Option<VerdictWord>, VerdictWord, &'a str, String));

/// Turns of one cluster that are alike, in their order.
fn groups(turns: &[Turn]) -> Vec<(Key<'_>, Vec<&Turn>)> {
    let mut groups: Vec<(Key<'_>, Vec<&Turn>)> = Vec::new();
    for turn in turns {
        let old = turn.old.as_ref().map(|old| old.verdict);
        let registry = turn.image.split('/').next().unwrap_or_default().to_owned();
        let key =
            (turn.cluster.as_deref(), (turn.direction, old, turn.new.verdict, turn.new.code.as_str(), registry));
        match groups.iter_mut().find(|(known, _)| *known == key) {
            Some((_, turns)) => turns.push(turn),
            None => groups.push((key, vec![turn])),
        }
    }
    groups
}

fn turned(new: &Report, cluster: Option<&str>, turns: &[&Turn], paint: Paint) -> Vec<String> {
    let Some(first) = turns.first() else { return Vec::new() };
    let pools: BTreeSet<String> = turns.iter().filter_map(|turn| turn.pool.clone()).collect();
    let place = place(new, cluster, &pools.into_iter().collect::<Vec<_>>());
    let was = first.old.as_ref().map_or("new", |old| old.verdict.as_str());
    let what = format!("{was} → {}", first.new.verdict.as_str());
    let images: BTreeSet<&str> = turns.iter().map(|turn| turn.image.as_str()).collect();
    let head = format!("{what:<25}  {place}  {}", plural(images.len(), "image"));
    let mut lines = vec![match first.direction {
        Direction::Worse => paint.bad(&format!("✗ {head}")),
        Direction::Unclear => paint.unsure(&format!("? {head}")),
        Direction::Better => paint.good(&format!("✓ {head}")),
    }];
    let images: Vec<&str> = images.into_iter().collect();
    let more = images.len().saturating_sub(3);
    let tail = if more > 0 { format!(" and {more} more") } else { String::new() };
    lines.extend(label(paint, "images", &format!("{}{tail}", images[..images.len().min(3)].join(", "))));
    lines.extend(label(paint, "code", &codes(first)));
    lines.extend(label(paint, "why", &first.new.message));
    if first.direction == Direction::Worse {
        lines.extend(label(paint, "breaks", &breaks(turns.iter().flat_map(|turn| &turn.workloads))));
    }
    lines
}

fn codes(turn: &Turn) -> String {
    let code = |judged: &Judged| judged.code.clone();
    match turn.old.as_ref().map(code) {
        Some(old) if old != turn.new.code => format!("{old} → {}", turn.new.code),
        _ => turn.new.code.clone(),
    }
}

fn scope_line(new: &Report, old: &Report, scope: &Scope) -> String {
    let (report, presence) = match scope.presence {
        Presence::New => (new, "new"),
        Presence::Gone => (old, "gone"),
        Presence::Unread => (old, "unread"),
    };
    let cluster = report.clusters.iter().find(|cluster| cluster.id == scope.cluster);
    let name = cluster.map_or(scope.cluster.as_str(), |cluster| cluster.name.as_str());
    match &scope.pool {
        Some(pool) => format!("{presence:<6} pool {name}/{pool}"),
        None => format!("{presence:<6} cluster {name}"),
    }
}

/// What a comparison of incomplete readings can't tell.
fn incomplete(diff: &Diff) -> Vec<String> {
    let lost = diff.lost_readings.iter().map(|one| {
        let needs = if one.permission.is_empty() { String::new() } else { format!(": needs {}", one.permission) };
        format!("read before, not now: {} of {}{needs}", one.reading, one.scope)
    });
    let of = |taken: &Taken, word: &str| {
        (!taken.complete).then(|| format!("the {word} snapshot is not complete: audit --from tells what it lacks"))
    };
    let lines = lost.chain(of(&diff.old, "old")).chain(of(&diff.new, "new"));
    lines.map(|line| middle(&line, WIDTH)).collect()
}
