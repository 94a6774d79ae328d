//! `pullaudit can-pull`: one question, one verdict.

use crate::assess::{self, Opened};
use crate::cli::{CanPull, Output};
use crate::clouds::Clouds;
use crate::commands::audit::judging;
use crate::exit::Exit;
use crate::facts;
use crate::patterns::ClusterPattern;
use crate::progress::Progress;
use crate::questions::{Asked, Asking, Pull, Subject};
use crate::report::{Check, Paint, VerdictWord};
use crate::settings::Settings;
use crate::usage::usage;
use anyhow::{Context, Result, anyhow};
use pullaudit_core::{Attempt, ClusterRecord, Credential, ImageRef, Keyring, PodCredentials, Snapshot, Vantage};
use std::io::Write;

/// Questions of a snapshot are answered by so many: more take no more memory.
const AT_ONCE: usize = 4096;

/// One pair that was asked.
struct Pair {
    image: String,
    who: String,
}

/// Answers one pair, or each line of standard input. From a snapshot, lines are answered as they come; from the clouds
/// all of them together, so that nothing is read twice.
pub async fn run(args: &CanPull, paint: Paint, progress: Progress, out: &mut dyn Write) -> Result<Exit> {
    if !matches!(args.output, Output::People | Output::Json) {
        return Err(usage("can-pull prints people or json: -o json"));
    }
    let mut pairs = pairs(args)?;
    let settings = Settings::new(args.select.clone(), args.reading.clone(), args.from.is_empty())?;
    let clouds = Clouds::new(&settings)?;
    if !args.from.is_empty() {
        let snapshot = facts::clusters(&args.from, &settings, &clouds, &progress).await?;
        drop(progress);
        let opened = Opened::new(&snapshot, &clouds)?;
        let answering = Answering { args, paint, clouds: &clouds, snapshot: &snapshot, opened: &opened };
        let mut worst = Exit::Clean;
        loop {
            // Whatever ends it, the lines before are answered.
            let (mut some, mut asked, mut ended) = (Vec::new(), Vec::new(), None);
            for pair in pairs.by_ref().take(AT_ONCE) {
                match pair.and_then(|pair| Ok((places(&pair, &snapshot, &clouds)?, pair))) {
                    Ok((places, pair)) => {
                        some.push(pair);
                        asked.push(places);
                    }
                    Err(error) => {
                        ended = Some(error);
                        break;
                    }
                }
            }
            worst = worse(worst, answering.answer(&some, &asked, &asking(&some, &asked, &clouds), out)?);
            match ended {
                Some(error) => return Err(error),
                None if some.is_empty() => return Ok(worst),
                None => {}
            }
        }
    }
    let pairs: Vec<Pair> = pairs.collect::<Result<_>>()?;
    let mut snapshot = live(&settings, &clouds, &pairs, &progress).await?;
    let asked = asked(&pairs, &snapshot, &clouds)?;
    let asking = asking(&pairs, &asked, &clouds);
    read(&clouds, &asking, &mut snapshot).await?;
    drop(progress);
    let opened = Opened::new(&snapshot, &clouds)?;
    let answering = Answering { args, paint, clouds: &clouds, snapshot: &snapshot, opened: &opened };
    answering.answer(&pairs, &asked, &asking, out)
}

fn asked(pairs: &[Pair], snapshot: &Snapshot, clouds: &Clouds) -> Result<Vec<Vec<Place>>> {
    pairs.iter().map(|pair| places(pair, snapshot, clouds)).collect()
}

/// What answers, and how.
struct Answering<'a> {
    args: &'a CanPull,
    paint: Paint,
    clouds: &'a Clouds,
    snapshot: &'a Snapshot,
    opened: &'a Opened,
}

impl Answering<'_> {
    /// Writes the answer to each pair, in their order.
    fn answer(&self, pairs: &[Pair], asked: &[Vec<Place>], asking: &Asking, out: &mut dyn Write) -> Result<Exit> {
        let judging = judging(&self.args.judging, self.snapshot.taken_at);
        let judged = assess::judge_pulls(asking, self.opened, self.clouds, judging);
        let mut rest = assess::checks(self.snapshot, asking, &judged, self.clouds).into_iter();
        let (mut exit, mut text) = (Exit::Clean, String::new());
        for (pair, places) in pairs.iter().zip(asked) {
            let own: Vec<Check> = rest.by_ref().take(places.len()).collect();
            let answer = worst(own).ok_or_else(|| anyhow!("{} has no pools", pair.who))?;
            match self.args.output {
                Output::Json => text.extend([serde_json::to_string(&answer)?.as_str(), "\n"]),
                _ => text += &people(&answer, self.paint),
            }
            exit = worse(exit, of(answer.verdict));
        }
        out.write_all(text.as_bytes())?;
        Ok(exit)
    }
}

fn of(verdict: VerdictWord) -> Exit {
    match verdict {
        VerdictWord::Allowed => Exit::Clean,
        VerdictWord::Denied => Exit::Drift,
        VerdictWord::Unknown => Exit::Incomplete,
    }
}

/// A refusal outweighs what is not known, and that what is allowed.
fn worse(one: Exit, other: Exit) -> Exit {
    let rank = |exit: &Exit| match exit {
        Exit::Drift => 2,
        Exit::Incomplete => 1,
        _ => 0,
    };
    if rank(&other) > rank(&one) { other } else { one }
}

fn pairs(args: &CanPull) -> Result<Box<dyn Iterator<Item = Result<Pair>>>> {
    if args.image != "-" {
        let who = args.who.clone().ok_or_else(|| usage("can-pull IMAGE needs --as WHO"))?;
        return Ok(Box::new(std::iter::once(Ok(Pair { image: args.image.clone(), who }))));
    }
    if args.who.is_some() {
        return Err(usage("can-pull - reads `IMAGE WHO` lines; --as has no place there"));
    }
    let lines = std::io::stdin().lines().enumerate();
    Ok(Box::new(lines.map(|(number, line)| {
        let line = line.context("can't read standard input")?;
        let words: Vec<&str> = line.split_whitespace().collect();
        let [image, who] = words[..] else {
            return Err(anyhow!("standard input, line {}: expected `IMAGE WHO`, found {line:?}", number + 1));
        };
        Ok(Pair { image: image.to_owned(), who: who.to_owned() })
    })))
}

/// Clusters are read only where somebody asks about one.
async fn live(settings: &Settings, clouds: &Clouds, pairs: &[Pair], progress: &Progress) -> Result<Snapshot> {
    let named = pairs.iter().filter(|pair| clouds.principal(&pair.who).is_none());
    let clusters: Vec<String> = named.map(|pair| pair.who.clone()).collect();
    if clusters.is_empty() {
        return Ok(Snapshot::new(jiff::Timestamp::now()));
    }
    let mut settings = settings.clone();
    settings.select.cluster = clusters;
    facts::clusters(&[], &settings, clouds, progress).await
}

/// Where a pair is asked: nowhere in particular for an identity, else each pool that is meant.
struct Place {
    cluster: Option<usize>,
    pool: Option<String>,
    keyring: Option<Keyring>,
    from: Vantage,
}

fn places(pair: &Pair, snapshot: &Snapshot, clouds: &Clouds) -> Result<Vec<Place>> {
    if let Some((_, principal)) = clouds.principal(&pair.who) {
        let attempt = Attempt { credential: Credential::Principal(principal), key: String::new(), maybe: None };
        return Ok(vec![Place {
            cluster: None,
            pool: None,
            keyring: Some(Keyring::Attempts(vec![attempt])),
            from: Vantage::default(),
        }]);
    }
    let pattern = ClusterPattern::parse(&pair.who)?;
    let mut places = Vec::new();
    for (number, record) in snapshot.clusters.iter().enumerate() {
        let (id, name) = (&record.cluster.id.0, &record.cluster.name);
        for (index, pool) in record.pools.iter().enumerate() {
            if pattern.pool(id, name, &pool.name) {
                let keyring = keyring(pair, record, index, clouds);
                places.push(Place {
                    cluster: Some(number),
                    pool: Some(pool.name.clone()),
                    keyring,
                    from: pool.vantage.clone(),
                });
            }
        }
    }
    if places.is_empty() {
        return Err(anyhow!("{} is no identity, and no cluster or pool of that name was found", pair.who));
    }
    Ok(places)
}

fn keyring(pair: &Pair, record: &ClusterRecord, pool: usize, clouds: &Clouds) -> Option<Keyring> {
    let side = clouds.get(&record.cluster.provider)?.clusters.as_ref()?;
    let image = ImageRef::parse(&pair.image).ok()?;
    Some(side.keyring(&record.pools[pool], &PodCredentials::default(), &image))
}

fn asking(pairs: &[Pair], places: &[Vec<Place>], clouds: &Clouds) -> Asking {
    let mut asking = Asking::default();
    for (pair, places) in pairs.iter().zip(places) {
        let image = ImageRef::parse(&pair.image);
        for place in places {
            let subject = match (&image, &place.keyring) {
                (Err(error), _) => Subject::InvalidReference(error.to_string()),
                (Ok(image), _) if clouds.owner(&image.registry).is_none() => Subject::NotJudged,
                (Ok(image), Some(keyring)) => {
                    asking.pulls.push(Pull {
                        keyring: keyring.clone(),
                        from: place.from.clone(),
                        image: image.clone(),
                    });
                    Subject::Pull(asking.pulls.len() - 1)
                }
                (Ok(_), None) => Subject::NotJudged,
            };
            asking.asked.push(Asked {
                cluster: place.cluster,
                pool: place.pool.clone(),
                written: pair.image.clone(),
                image: image.as_ref().ok().cloned(),
                subject,
                uses: Vec::new(),
            });
        }
    }
    asking
}

#[cfg(feature = "live")]
async fn read(clouds: &Clouds, asking: &Asking, snapshot: &mut Snapshot) -> Result<()> {
    crate::gather::collect(clouds, asking, snapshot).await
}

#[cfg(not(feature = "live"))]
#[allow(clippy::unused_async, reason = "the live build waits here")]
async fn read(_: &Clouds, _: &Asking, _: &mut Snapshot) -> Result<()> {
    Err(pullaudit_core::DiscoverError::NotBuilt.into())
}

/// A cluster answers for all of its pools: the worst of them.
fn worst(checks: Vec<Check>) -> Option<Check> {
    checks.into_iter().min_by_key(|check| match check.verdict {
        VerdictWord::Denied => 0,
        VerdictWord::Unknown => 1,
        VerdictWord::Allowed => 2,
    })
}

fn people(check: &Check, paint: Paint) -> String {
    let sign = match check.verdict {
        VerdictWord::Allowed => paint.good("✓ allowed"),
        VerdictWord::Denied => paint.bad("✗ denied"),
        VerdictWord::Unknown => paint.unsure("? unknown"),
    };
    format!("{sign}  {}\n{}", check.image, crate::commands::explain::evidence(check))
}
