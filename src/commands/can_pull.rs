//! `pullaudit can-pull`: one question, one verdict.

mod lines;

use crate::assess::{self, Opened};
use crate::cli::{CanPull, Output};
use crate::clouds::Clouds;
use crate::commands::audit::judging;
use crate::exit::Exit;
use crate::facts;
use crate::kubernetes::access::hint;
use crate::nearest::did_you_mean;
use crate::patterns::ClusterPattern;
use crate::progress::Progress;
use crate::questions::{Asked, Asking, Pull, Subject};
use crate::report::{Check, Paint, VerdictWord};
use crate::settings::Settings;
use crate::usage::usage;
use anyhow::{Result, anyhow};
use pullaudit_core::{
    Attempt, ClusterRecord, Credential, ImageRef, Keyring, Open, PodCredentials, Snapshot, Vantage,
};
use std::io::Write;

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
    if args.image == "-" {
        if args.who.is_some() {
            return Err(usage("can-pull - reads `IMAGE WHO` lines; --as has no place there"));
        }
        return lines::run(args, progress, out).await;
    }
    let who = args.who.clone().ok_or_else(|| usage("can-pull IMAGE needs --as WHO"))?;
    let pairs = [Pair { image: args.image.clone(), who }];
    let settings = Settings::new(args.select.clone(), args.reading.clone(), args.from.is_empty())?;
    let clouds = Clouds::new(&settings)?;
    let mut snapshot = if args.from.is_empty() {
        live(&settings, &clouds, &pairs[0], &progress).await?
    } else {
        facts::clusters(&args.from, &settings, &clouds, &progress).await?
    };
    let asked = [places(&pairs[0], &snapshot, &clouds, &settings)?];
    let asking = asking(&pairs, &asked, &clouds);
    if args.from.is_empty() {
        read(&clouds, &asking, &mut snapshot).await?;
    }
    drop(progress);
    let opened = Opened::new(&snapshot, &clouds)?;
    let answering = Answering { args, clouds: &clouds, snapshot: &snapshot, opened: &opened };
    let [Some(answer)] = &answering.answers(&pairs, &asked, &asking)[..] else {
        return Err(anyhow!("{} has no pools", pairs[0].who));
    };
    let text = match args.output {
        Output::Json => serde_json::to_string(answer)? + "\n",
        _ => people(answer, asked[0].len(), paint),
    };
    out.write_all(text.as_bytes())?;
    Ok(of(answer.verdict))
}

/// What answers, and how.
struct Answering<'a> {
    args: &'a CanPull,
    clouds: &'a Clouds,
    snapshot: &'a Snapshot,
    opened: &'a Opened,
}

impl Answering<'_> {
    /// The answer to each pair, in their order: the worst of its places.
    fn answers(&self, pairs: &[Pair], asked: &[Vec<Place>], asking: &Asking) -> Vec<Option<Check>> {
        let judging = judging(&self.args.judging, self.snapshot.taken_at);
        let judged = assess::judge_pulls(asking, self.opened, self.clouds, judging);
        let mut rest = assess::checks(self.snapshot, asking, &judged, self.clouds).into_iter();
        let own = pairs.iter().zip(asked).map(|(_, places)| rest.by_ref().take(places.len()).collect());
        own.map(worst).collect()
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

/// Clusters are read only where somebody asks about one.
async fn live(settings: &Settings, clouds: &Clouds, pair: &Pair, progress: &Progress) -> Result<Snapshot> {
    if clouds.principal(&pair.who).is_some() {
        return Ok(Snapshot::new(jiff::Timestamp::now()));
    }
    let mut settings = settings.clone();
    settings.select.cluster = vec![pair.who.clone()];
    let found = facts::clusters(&[], &settings, clouds, progress).await;
    // What no cloud could tell is the reason; that nothing of that name is known is what matters.
    found.map_err(|error| error.context(unknown(&pair.who, None, &settings)))
}

/// That nobody is called so, with the nearest name that is known here and with what may hide it.
fn unknown(who: &str, snapshot: Option<&Snapshot>, settings: &Settings) -> String {
    let clusters = snapshot.into_iter().flat_map(|snapshot| &snapshot.clusters);
    let read = clusters.flat_map(|record| {
        let name = &record.cluster.name;
        let pools = record.pools.iter().map(move |pool| format!("{name}/{}", pool.name));
        [name.clone(), record.cluster.id.0.clone()].into_iter().chain(pools)
    });
    let configured = settings.config.clusters.keys().cloned();
    let contexts = settings.contexts.iter().filter_map(|context| Some(hint(context)?.name));
    let known: Vec<String> = read.chain(configured).chain(contexts).collect();
    let hint = did_you_mean(who, known.iter().map(String::as_str));
    let unread = snapshot.into_iter().flat_map(|snapshot| &snapshot.gaps);
    let unread = unread.map(|gap| format!("not read: {}: {}", gap.scope, gap.open));
    let said = std::iter::once(format!("no cluster, pool or identity named {who:?}{hint}")).chain(unread);
    said.collect::<Vec<_>>().join("; ")
}

/// Where a pair is asked: nowhere in particular for an identity, else each pool that is meant.
struct Place {
    cluster: Option<usize>,
    pool: Option<String>,
    keyring: Option<Keyring>,
    from: Vantage,
}

fn places(pair: &Pair, snapshot: &Snapshot, clouds: &Clouds, settings: &Settings) -> Result<Vec<Place>> {
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
        if pattern.all_pools(id, name) {
            places.extend(record.hidden.iter().map(|open| unlisted(number, open)));
        }
    }
    if places.is_empty() {
        return Err(anyhow!(unknown(&pair.who, Some(snapshot), settings)));
    }
    Ok(places)
}

/// The pools of a cluster that a missing reading hides.
fn unlisted(cluster: usize, open: &Open) -> Place {
    let attempt = |credential| Attempt { credential, key: String::new(), maybe: None };
    let attempts = vec![attempt(Credential::Unidentified(open.clone())), attempt(Credential::Anonymous)];
    let keyring = Some(Keyring::Attempts(attempts));
    Place { cluster: Some(cluster), pool: None, keyring, from: Vantage::default() }
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

/// A cluster answers for all of its pools: the worst of them, whose message says so.
fn worst(checks: Vec<Check>) -> Option<Check> {
    let of = of_pools(checks.len());
    let mut worst = checks.into_iter().min_by_key(|check| match check.verdict {
        VerdictWord::Denied => 0,
        VerdictWord::Unknown => 1,
        VerdictWord::Allowed => 2,
    })?;
    worst.message += &of;
    Some(worst)
}

fn of_pools(count: usize) -> String {
    if count > 1 { format!(" (the worst of {count} pools)") } else { String::new() }
}

fn people(check: &Check, pools: usize, paint: Paint) -> String {
    let sign = match check.verdict {
        VerdictWord::Allowed => paint.good("✓ allowed"),
        VerdictWord::Denied => paint.bad("✗ denied"),
        VerdictWord::Unknown => paint.unsure("? unknown"),
    };
    format!("{sign}  {}{}\n{}", check.image, of_pools(pools), crate::commands::explain::evidence(check))
}
