//! Questions and facts to checks. Pure: a snapshot judged twice gives the same report.

use crate::clouds::Clouds;
use crate::questions::{Asked, Asking, Pull, Subject, Use};
use crate::report::{AttemptReport, Because, Check, Identity, Needing, State, VerdictWord, WorkloadReport};
use crate::severity;
use jiff::Timestamp;
use pullaudit_core::{
    Change, Claim, Code, CoreFinding, Credential, Evidence, Facts, Inventory, Keyring, Mode, Need, Obstacle, Open,
    PodState, Question, Snapshot, SnapshotError, Verdict, judge, pull_claim,
};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use uuid::Uuid;

/// Ids of checks live in this name space; it never changes.
const CHECKS: Uuid = Uuid::from_u128(0x6b1f_2c1e_90a4_5f0b_9d55_7d5a_c1a0_7e11);

/// How to judge.
#[derive(Clone, Copy, Debug)]
pub struct Judging {
    /// As if it were then.
    pub at: Timestamp,
    /// Whether gaps are read as "does not deny".
    pub mode: Mode,
}

/// The facts of every cloud, opened.
pub struct Opened(BTreeMap<&'static str, Box<dyn Facts>>);

impl Opened {
    /// Opens what a snapshot holds for each cloud.
    pub fn new(snapshot: &Snapshot, clouds: &Clouds) -> Result<Self, SnapshotError> {
        let mut facts = BTreeMap::new();
        for provider in clouds.iter() {
            let Some(side) = provider.registries.as_ref() else { continue };
            let section = snapshot.facts.get(provider.name).cloned().unwrap_or_default();
            facts.insert(provider.name, side.open(&section)?);
        }
        Ok(Self(facts))
    }

    /// What the owner's facts say to a question.
    pub fn weigh(&self, owner: &str, question: &Question, at: Timestamp) -> Option<Claim> {
        self.0.get(owner)?.weigh(question, at)
    }

    /// The facts of one cloud.
    pub fn of(&self, owner: &str) -> Option<&dyn Facts> {
        self.0.get(owner).map(AsRef::as_ref)
    }

    /// The facts as they would be after changes of one cloud; the others stay as they are. `None` where
    /// that cloud plans none.
    pub fn after(&self, snapshot: &Snapshot, clouds: &Clouds, changes: &[&Change]) -> Option<Self> {
        let mut then = Self::new(snapshot, clouds).ok()?;
        for provider in clouds.iter() {
            let own: Vec<&Change> =
                changes.iter().copied().filter(|change| change.provider == provider.name).collect();
            if !own.is_empty() {
                then.0.insert(provider.name, self.of(provider.name)?.after(&own)?);
            }
        }
        Some(then)
    }

    /// Every cloud's notices.
    pub fn notices(&self, at: Timestamp, inventory: &Inventory) -> Vec<pullaudit_core::Notice> {
        self.0.values().flat_map(|facts| facts.notices(at, inventory)).collect()
    }
}

/// A judged question with the verdict of each of its attempts.
#[derive(Debug)]
pub struct Judged {
    /// The verdict of the pull.
    pub verdict: Verdict,
    /// Each credential's own verdict, in the kubelet's order.
    pub attempts: Vec<(Option<Identity>, Verdict)>,
}

/// Judges every distinct question once; the results stand at the index of their question.
pub fn judge_pulls(asking: &Asking, opened: &Opened, clouds: &Clouds, judging: Judging) -> Vec<Judged> {
    let mut weighed: HashMap<Question, Option<Claim>> = HashMap::new();
    asking.pulls.iter().map(|pull| judge_pull(pull, opened, clouds, judging, &mut weighed)).collect()
}

fn judge_pull(
    pull: &Pull,
    opened: &Opened,
    clouds: &Clouds,
    judging: Judging,
    weighed: &mut HashMap<Question, Option<Claim>>,
) -> Judged {
    let owner = clouds.owner(&pull.image.registry).map_or("", |owner| owner.provider);
    let mut weigh = |by: &Credential| {
        let question = Question { by: by.clone(), from: pull.from.clone(), image: pull.image.clone() };
        weighed.entry(question).or_insert_with_key(|question| opened.weigh(owner, question, judging.at)).clone()
    };
    let verdict = judge(Some(&pull_claim(&pull.keyring, &mut weigh)), judging.mode);
    let attempts = match &pull.keyring {
        Keyring::Broken { secret, .. } => vec![(Some(secret_identity(secret)), verdict.clone())],
        keyring => each_attempt(keyring)
            .into_iter()
            .map(|(identity, alone)| (identity, judge(Some(&pull_claim(&alone, &mut weigh)), judging.mode)))
            .collect(),
    };
    Judged { verdict, attempts }
}

/// Each attempt as a keyring of its own.
fn each_attempt(keyring: &Keyring) -> Vec<(Option<Identity>, Keyring)> {
    match keyring {
        Keyring::Attempts(attempts) => attempts
            .iter()
            .map(|attempt| (identity(&attempt.credential), Keyring::Attempts(vec![attempt.clone()])))
            .collect(),
        Keyring::Broken { .. } => Vec::new(),
        Keyring::OneOf { cases, .. } => {
            let mut all = Vec::new();
            for attempt in cases.iter().flat_map(each_attempt) {
                if !all.contains(&attempt) {
                    all.push(attempt);
                }
            }
            all
        }
    }
}

/// The identity of a credential as reports write it; `None` where it could not be read.
pub fn identity(credential: &Credential) -> Option<Identity> {
    match credential {
        Credential::Principal(principal) => Some(Identity {
            kind: serde_json::to_value(principal.kind).ok()?.as_str()?.to_owned(),
            id: principal.id.clone(),
            name: principal.name.clone(),
        }),
        Credential::Secret(name) => Some(secret_identity(name)),
        Credential::Anonymous => Some(Identity {
            kind: "anonymous".to_owned(),
            id: "anonymous".to_owned(),
            name: "anonymous".to_owned(),
        }),
        Credential::Unidentified(_) => None,
    }
}

fn secret_identity(name: &str) -> Identity {
    Identity { kind: "pullSecret".to_owned(), id: name.to_owned(), name: name.to_owned() }
}

/// Every check of an audit, in the order of [`Asking::asked`].
pub fn checks(snapshot: &Snapshot, asking: &Asking, judged: &[Judged], clouds: &Clouds) -> Vec<Check> {
    let mut checks: Vec<Check> =
        asking.asked.iter().map(|asked| check(snapshot, asking, asked, judged, clouds)).collect();
    severity::settle(snapshot, asking, &mut checks);
    checks
}

fn check(snapshot: &Snapshot, asking: &Asking, asked: &Asked, judged: &[Judged], clouds: &Clouds) -> Check {
    let mut check = blank(snapshot, asked, clouds);
    match &asked.subject {
        Subject::Pull(number) => {
            let judged = &judged[*number];
            fill(&mut check, &judged.verdict);
            check.identity = deciding(judged);
            if judged.attempts.len() > 1 {
                check.attempts = judged.attempts.iter().map(attempt).collect();
            }
            check.id = id(&check, asked, Some(&asking.pulls[*number].keyring));
        }
        Subject::NoPoolFits => {
            let what = "no pool of the cluster satisfies the template's node selector, affinity and tolerations";
            let open = Open::undecidable(what);
            fill(
                &mut check,
                &Verdict::Unknown { needing: vec![Need { code: CoreFinding::NoPoolFits.code(), open }] },
            );
            check.id = id(&check, asked, None);
        }
        Subject::NotJudged => {
            let open = Open::undecidable("no cloud that pullaudit knows owns this registry");
            fill(
                &mut check,
                &Verdict::Unknown { needing: vec![Need { code: CoreFinding::NotJudged.code(), open }] },
            );
            check.id = id(&check, asked, None);
        }
        Subject::InvalidReference(why) => {
            let evidence = Evidence {
                code: CoreFinding::InvalidReference.code(),
                source: "image reference".into(),
                detail: why.trim_start_matches("invalid_reference: ").into(),
            };
            fill(&mut check, &Verdict::Denied { because: vec![evidence] });
            check.id = id(&check, asked, None);
        }
    }
    let verdict = check.verdict;
    for (usage, workload) in asked.uses.iter().zip(&mut check.workloads) {
        workload.state = state_of(pods(snapshot, asked.pool.as_deref(), usage), verdict);
    }
    check.state = check.workloads.iter().map(|workload| workload.state).min().unwrap_or(State::NotRunning);
    check
}

fn blank(snapshot: &Snapshot, asked: &Asked, clouds: &Clouds) -> Check {
    let cluster = asked.cluster.map(|index| &snapshot.clusters[index].cluster);
    let image = asked.image.as_ref();
    Check {
        id: String::new(),
        provider: cluster.map_or_else(String::new, |cluster| cluster.provider.clone()),
        registry_provider: image
            .and_then(|image| clouds.owner(&image.registry))
            .map(|owner| owner.provider.to_owned()),
        cluster: cluster.map(|cluster| cluster.id.0.clone()),
        pool: asked.pool.clone(),
        identity: None,
        image: asked.written.clone(),
        registry: image.map(|image| image.registry.as_str().to_owned()),
        repository: image.map(|image| image.repository.clone()),
        tag: image.and_then(|image| image.tag.clone()),
        digest: image.and_then(|image| image.digest.clone()),
        verdict: VerdictWord::Unknown,
        code: String::new(),
        severity: pullaudit_core::Severity::Info,
        message: String::new(),
        because: Vec::new(),
        needing: Vec::new(),
        assuming: Vec::new(),
        attempts: Vec::new(),
        workloads: asked.uses.iter().map(|usage| workload(snapshot, usage)).collect(),
        state: State::NotRunning,
        exception: None,
        new: None,
    }
}

fn workload(snapshot: &Snapshot, usage: &Use) -> WorkloadReport {
    let workload = &snapshot.workloads[usage.workload];
    WorkloadReport {
        namespace: workload.namespace.clone(),
        kind: workload.kind.clone(),
        name: workload.name.clone(),
        containers: usage.containers.clone(),
        pull_secrets: usage.pull_secrets.clone(),
        state: State::NotRunning,
        origin: workload.origin.clone(),
    }
}

/// Writes a verdict into a check.
pub fn fill(check: &mut Check, verdict: &Verdict) {
    let code = verdict.code();
    code.name().clone_into(&mut check.code);
    check.severity = code.severity();
    match verdict {
        Verdict::Allowed { via, assuming } => {
            check.verdict = VerdictWord::Allowed;
            check.because = via.iter().map(|evidence| because("allow", evidence)).collect();
            check.assuming = assuming.iter().map(|need| needing(&need.open)).collect();
            "allowed by IAM".clone_into(&mut check.message);
        }
        Verdict::Denied { because: reasons } => {
            check.verdict = VerdictWord::Denied;
            check.because = reasons.iter().map(|evidence| because("deny", evidence)).collect();
            check.message = reasons.first().map_or_else(String::new, sentence);
        }
        Verdict::Unknown { needing: needs } => {
            check.verdict = VerdictWord::Unknown;
            check.needing = needs.iter().map(|need| needing(&need.open)).collect();
            check.message = needs.first().map_or_else(String::new, |need| need.open.to_string());
        }
    }
}

fn sentence(evidence: &Evidence) -> String {
    format!("{}: {}", evidence.source, evidence.detail)
}

fn because(effect: &str, evidence: &Evidence) -> Because {
    Because {
        effect: effect.to_owned(),
        code: evidence.code.name().to_owned(),
        source: evidence.source.to_string(),
        detail: evidence.detail.to_string(),
    }
}

/// An open leaf as reports write it.
pub fn needing(open: &Open) -> Needing {
    match open {
        Open::Undecidable { what } => Needing::Undecidable { undecidable: what.to_string() },
        Open::Unread { reading, permission, scope, obstacle, .. } => Needing::Reading {
            reading: reading.to_string(),
            permission: permission.to_string(),
            scope: scope.to_string(),
            obstacle: match obstacle {
                Obstacle::Refused => "refused".to_owned(),
                Obstacle::NotAsked => "not read".to_owned(),
                Obstacle::Failed(why) => format!("failed: {why}"),
                Obstacle::Blocked(why) => format!("blocked: {why}"),
            },
        },
    }
}

fn attempt((identity, verdict): &(Option<Identity>, Verdict)) -> AttemptReport {
    AttemptReport { identity: identity.clone(), verdict: word(verdict) }
}

/// The verdict's word.
pub fn word(verdict: &Verdict) -> VerdictWord {
    match verdict {
        Verdict::Allowed { .. } => VerdictWord::Allowed,
        Verdict::Denied { .. } => VerdictWord::Denied,
        Verdict::Unknown { .. } => VerdictWord::Unknown,
    }
}

/// The first attempt that shares the pull's verdict and its code: who let it in, who was refused, who
/// can't be judged.
fn deciding(judged: &Judged) -> Option<Identity> {
    let code: Code = judged.verdict.code();
    let same = |(_, verdict): &&(Option<Identity>, Verdict)| word(verdict) == word(&judged.verdict);
    let told = judged.attempts.iter().filter(same).find(|(_, verdict)| verdict.code() == code);
    let told = told.or_else(|| judged.attempts.iter().find(same)).or_else(|| judged.attempts.first());
    told.and_then(|(identity, _)| identity.clone())
}

fn state_of(pods: PodState, verdict: VerdictWord) -> State {
    match pods {
        PodState::Failing => State::Failing,
        PodState::Running if verdict == VerdictWord::Denied => State::FailsOnNextPull,
        PodState::Running => State::Running,
        PodState::NotRunning => State::NotRunning,
    }
}

/// The worst that a workload's pods of this pool meet with the image.
fn pods(snapshot: &Snapshot, pool: Option<&str>, usage: &Use) -> PodState {
    let workload = &snapshot.workloads[usage.workload];
    // Statuses name the image as that container writes it, which may be another spelling.
    let written = workload.containers.iter().filter(|one| usage.containers.contains(&one.name));
    let states = written.filter_map(|one| {
        let image = |images: &BTreeMap<String, PodState>| images.get(&one.image).copied();
        match pool {
            Some(pool) => workload.pods.get(pool).and_then(image),
            None => workload.pods.values().filter_map(image).max(),
        }
    });
    states.max().unwrap_or_default()
}

/// The stable id: the same question at the same place has the same id in every report.
fn id(check: &Check, asked: &Asked, keyring: Option<&Keyring>) -> String {
    let image = asked.image.as_ref().map_or_else(|| asked.written.clone(), ToString::to_string);
    let attempts = keyring.map_or_else(|| check.code.clone(), name);
    let mut text =
        [check.cluster.as_deref().unwrap_or(""), check.pool.as_deref().unwrap_or(""), &image, &attempts]
            .join("\n");
    // A secret of which nothing is known is another one in each namespace.
    if keyring.is_some_and(names_unread_secret) {
        let namespaces: BTreeSet<&str> =
            check.workloads.iter().map(|workload| workload.namespace.as_str()).collect();
        text.extend(namespaces.into_iter().flat_map(|namespace| ["\n", namespace]));
    }
    Uuid::new_v5(&CHECKS, text.as_bytes()).to_string()
}

fn names_unread_secret(keyring: &Keyring) -> bool {
    match keyring {
        Keyring::Broken { .. } => false,
        Keyring::Attempts(attempts) => attempts
            .iter()
            .any(|attempt| matches!(attempt.credential, Credential::Secret(_)) && attempt.maybe.is_some()),
        Keyring::OneOf { cases, .. } => cases.iter().any(names_unread_secret),
    }
}

fn name(keyring: &Keyring) -> String {
    match keyring {
        Keyring::Broken { secret, defect } => format!("broken {secret}: {defect}"),
        Keyring::Attempts(attempts) => {
            let names = attempts.iter().map(|attempt| match &attempt.credential {
                Credential::Principal(principal) => match &principal.token {
                    Some(token) => format!("{} for {}", principal.id, token.subject),
                    None => principal.id.clone(),
                },
                Credential::Secret(name) => format!("secret {name}"),
                Credential::Anonymous => "anonymous".to_owned(),
                Credential::Unidentified(_) => "unidentified".to_owned(),
            });
            names.collect::<Vec<_>>().join(", ")
        }
        Keyring::OneOf { why, cases } => {
            let what = match why {
                Open::Unread { reading, .. } => reading,
                Open::Undecidable { what } => what,
            };
            let cases: Vec<_> = cases.iter().map(name).collect();
            format!("{}: {}", what, cases.join(" | "))
        }
    }
}
