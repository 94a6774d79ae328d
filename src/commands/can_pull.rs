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
use std::io::{BufRead, Write};

/// One pair that was asked.
struct Pair {
    image: String,
    who: String,
}

/// Answers one pair, or each line of standard input.
pub async fn run(args: &CanPull, paint: Paint, progress: Progress, out: &mut dyn Write) -> Result<Exit> {
    if !matches!(args.output, Output::People | Output::Json) {
        return Err(usage("can-pull prints people or json: -o json"));
    }
    let pairs = pairs(args)?;
    let settings = Settings::new(args.select.clone(), args.reading.clone(), args.from.is_empty())?;
    let clouds = Clouds::new(&settings)?;
    let mut snapshot = snapshot(args, &settings, &clouds, &pairs, &progress).await?;
    let asked: Vec<Vec<Place>> =
        pairs.iter().map(|pair| places(pair, &snapshot, &clouds)).collect::<Result<_>>()?;
    let asking = asking(&pairs, &asked, &clouds);
    if args.from.is_empty() {
        read(&clouds, &asking, &mut snapshot).await?;
    }
    drop(progress);

    let judging = judging(&args.judging, snapshot.taken_at);
    let opened = Opened::new(&snapshot, &clouds)?;
    let judged = assess::judge_pulls(&asking, &opened, &clouds, judging);
    let checks = assess::checks(&snapshot, &asking, &judged, &clouds);
    let mut rest = checks.into_iter();
    let mut answers = Vec::new();
    for (pair, places) in pairs.iter().zip(&asked) {
        let own: Vec<Check> = rest.by_ref().take(places.len()).collect();
        answers.push(worst(own).ok_or_else(|| anyhow!("{} has no pools", pair.who))?);
    }
    for answer in &answers {
        let text = match args.output {
            Output::Json => serde_json::to_string(answer)? + "\n",
            _ => people(answer, paint),
        };
        out.write_all(text.as_bytes())?;
    }
    let any = |verdict: VerdictWord| answers.iter().any(|check| check.verdict == verdict);
    Ok(if any(VerdictWord::Denied) {
        Exit::Drift
    } else if any(VerdictWord::Unknown) {
        Exit::Incomplete
    } else {
        Exit::Clean
    })
}

fn pairs(args: &CanPull) -> Result<Vec<Pair>> {
    if args.image != "-" {
        let who = args.who.clone().ok_or_else(|| usage("can-pull IMAGE needs --as WHO"))?;
        return Ok(vec![Pair { image: args.image.clone(), who }]);
    }
    if args.who.is_some() {
        return Err(usage("can-pull - reads `IMAGE WHO` lines; --as has no place there"));
    }
    let lines = std::io::stdin().lock().lines().enumerate();
    lines
        .map(|(number, line)| {
            let line = line.context("can't read standard input")?;
            let words: Vec<&str> = line.split_whitespace().collect();
            let [image, who] = words[..] else {
                return Err(anyhow!("standard input, line {}: expected `IMAGE WHO`, found {line:?}", number + 1));
            };
            Ok(Pair { image: image.to_owned(), who: who.to_owned() })
        })
        .collect()
}

/// Clusters are read only where somebody asks about one.
async fn snapshot(
    args: &CanPull,
    settings: &Settings,
    clouds: &Clouds,
    pairs: &[Pair],
    progress: &Progress,
) -> Result<Snapshot> {
    let clusters: Vec<String> =
        pairs.iter().filter(|pair| clouds.principal(&pair.who).is_none()).map(|pair| pair.who.clone()).collect();
    if args.from.is_empty() && clusters.is_empty() {
        return Ok(Snapshot::new(jiff::Timestamp::now()));
    }
    let mut settings = settings.clone();
    if args.from.is_empty() {
        settings.select.cluster = clusters;
    }
    facts::clusters(&args.from, &settings, clouds, progress).await
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
