//! `can-pull -`: one JSON line for each line of standard input, in their order.

use super::{Answering, Pair, Place, asking, of, places, unknown, worse};
use crate::assess::Opened;
use crate::cli::CanPull;
use crate::clouds::Clouds;
use crate::exit::Exit;
use crate::facts;
use crate::input::{self, Line};
use crate::patterns::ClusterPattern;
use crate::progress::Progress;
use crate::settings::Settings;
use anyhow::{Context, Result, bail};
use pullaudit_core::Snapshot;
use serde::Serialize;
use std::io::Write;

/// Questions of a snapshot are answered by so many: more take no more memory.
const AT_ONCE: usize = 4096;
/// Lines that are answered from the clouds, where all are read before the first is answered.
const MOST_LINES: usize = 100_000;

/// A line and the pair that it holds, or why it holds none.
struct Asked {
    input: String,
    pair: Result<Pair, String>,
}

/// A line that could not be answered.
#[derive(Serialize)]
struct Unanswered<'a> {
    input: &'a str,
    error: String,
}

/// From a snapshot, lines are answered as they come; from the clouds all of them together, so that nothing is read twice.
pub(super) async fn run(args: &CanPull, progress: Progress, out: &mut dyn Write) -> Result<Exit> {
    let settings = Settings::new(args.select.clone(), args.reading.clone(), args.from.is_empty())?;
    let clouds = Clouds::new(&settings)?;
    let mut lines = input::lines(std::io::stdin().lock());
    if args.from.is_empty() {
        let all = take(&mut lines, MOST_LINES + 1)?;
        if all.len() > MOST_LINES {
            bail!(
                "standard input holds more than {MOST_LINES} lines: ask in several runs, or of a snapshot (--from)"
            );
        }
        if all.is_empty() {
            return Err(empty());
        }
        let (mut snapshot, why) = live(&settings, &clouds, &all, &progress).await?;
        let found = AskedLines::of(all, &snapshot, &clouds, &settings, why.as_deref());
        read(&clouds, &found, &mut snapshot).await?;
        drop(progress);
        let opened = Opened::new(&snapshot, &clouds)?;
        let answering = Answering { args, clouds: &clouds, snapshot: &snapshot, opened: &opened };
        return found.answer(&answering, out);
    }
    let snapshot = facts::clusters(&args.from, &settings, &clouds, &progress).await?;
    drop(progress);
    let opened = Opened::new(&snapshot, &clouds)?;
    let answering = Answering { args, clouds: &clouds, snapshot: &snapshot, opened: &opened };
    let (mut exit, mut any) = (Exit::Clean, false);
    loop {
        let some = take(&mut lines, AT_ONCE)?;
        if some.is_empty() {
            return if any { Ok(exit) } else { Err(empty()) };
        }
        any = true;
        let found = AskedLines::of(some, &snapshot, &clouds, &settings, None);
        exit = worse(exit, found.answer(&answering, out)?);
    }
}

fn empty() -> anyhow::Error {
    anyhow::anyhow!("standard input is empty: give lines of `IMAGE WHO`")
}

fn take(lines: &mut impl Iterator<Item = std::io::Result<Line>>, most: usize) -> Result<Vec<Asked>> {
    lines.by_ref().take(most).map(|line| Ok(asked(line.context("cannot read standard input")?))).collect()
}

fn asked(line: Line) -> Asked {
    let text = match line.text() {
        Ok(text) => text,
        Err((input, error)) => return Asked { input, pair: Err(error) },
    };
    let words: Vec<&str> = text.split_whitespace().collect();
    let pair = match words[..] {
        [image, who] => Ok(Pair { image: image.to_owned(), who: who.to_owned() }),
        _ => Err("expected `IMAGE WHO`".to_owned()),
    };
    Asked { pair, input: text }
}

/// The clusters that lines name, and why others could not be looked for. A name that no cluster has is for its own line
/// to say.
async fn live(
    settings: &Settings,
    clouds: &Clouds,
    all: &[Asked],
    progress: &Progress,
) -> Result<(Snapshot, Option<String>)> {
    let named = all.iter().filter_map(|asked| asked.pair.as_ref().ok());
    let named = named.filter(|pair| clouds.principal(&pair.who).is_none());
    let mut names: Vec<String> = named.map(|pair| pair.who.clone()).collect();
    names.sort();
    names.dedup();
    let patterns: Vec<ClusterPattern> =
        names.iter().filter_map(|name| ClusterPattern::parse(name).ok()).map(ClusterPattern::optional).collect();
    if patterns.is_empty() {
        return Ok((Snapshot::new(jiff::Timestamp::now()), None));
    }
    let mut settings = settings.clone();
    settings.select.cluster = names;
    match facts::named_clusters(&patterns, &settings, clouds, progress).await {
        Ok(snapshot) => Ok((snapshot, None)),
        Err(error) => Ok((Snapshot::new(jiff::Timestamp::now()), Some(one_line(&format!("{error:#}"))))),
    }
}

/// A text of several lines as one.
fn one_line(text: &str) -> String {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).fold(String::new(), |all, line| {
        match all.as_str() {
            "" => line.to_owned(),
            before if before.ends_with(':') => all + " " + line,
            _ => all + "; " + line,
        }
    })
}

#[cfg(feature = "live")]
async fn read(clouds: &Clouds, found: &AskedLines, snapshot: &mut Snapshot) -> Result<()> {
    let asking = asking(&found.pairs, &found.asked, clouds);
    crate::gather::collect_what_can_be(clouds, &asking, snapshot).await;
    Ok(())
}

#[cfg(not(feature = "live"))]
#[allow(clippy::unused_async, reason = "the live build waits here")]
async fn read(_: &Clouds, _: &AskedLines, _: &mut Snapshot) -> Result<()> {
    Err(pullaudit_core::DiscoverError::NotBuilt.into())
}

/// Lines, and where those of them are asked that hold a pair.
struct AskedLines {
    /// Each line, with an error where it is not asked.
    lines: Vec<(String, Option<String>)>,
    pairs: Vec<Pair>,
    asked: Vec<Vec<Place>>,
}

impl AskedLines {
    fn of(all: Vec<Asked>, snapshot: &Snapshot, clouds: &Clouds, settings: &Settings, why: Option<&str>) -> Self {
        let mut found = Self { lines: Vec::new(), pairs: Vec::new(), asked: Vec::new() };
        for Asked { input, pair } in all {
            let placed = pair.and_then(|pair| match (places(&pair, snapshot, clouds, settings), why) {
                (Ok(places), _) => Ok((pair, places)),
                (Err(_), Some(why)) => Err(format!("{}: {why}", unknown(&pair.who, None, settings))),
                (Err(error), None) => Err(format!("{error:#}")),
            });
            match placed {
                Ok((pair, places)) => {
                    found.lines.push((input, None));
                    found.pairs.push(pair);
                    found.asked.push(places);
                }
                Err(error) => found.lines.push((input, Some(error))),
            }
        }
        found
    }

    /// Writes one line for each, and says how it ends: what is not answered is unknown.
    fn answer(&self, answering: &Answering<'_>, out: &mut dyn Write) -> Result<Exit> {
        let asking = asking(&self.pairs, &self.asked, answering.clouds);
        let mut answers = answering.answers(&self.pairs, &self.asked, &asking).into_iter();
        let (mut exit, mut text) = (Exit::Clean, String::new());
        for (input, error) in &self.lines {
            let answer = if error.is_none() { answers.next().flatten() } else { None };
            let line = if let Some(check) = answer {
                exit = worse(exit, of(check.verdict));
                serde_json::to_string(&check)?
            } else {
                exit = worse(exit, Exit::Incomplete);
                let error = error.clone().unwrap_or_else(|| "it has no pools".to_owned());
                serde_json::to_string(&Unanswered { input, error })?
            };
            text.extend([line.as_str(), "\n"]);
        }
        out.write_all(text.as_bytes())?;
        Ok(exit)
    }
}

#[cfg(test)]
mod tests {
    use super::one_line;

    #[test]
    fn lines_are_joined_as_a_sentence() {
        assert_eq!(one_line("no credentials:\n  tried: a\n\n  check b"), "no credentials: tried: a; check b");
        assert_eq!(one_line("\none\n"), "one");
        assert_eq!(one_line(""), "");
    }
}
