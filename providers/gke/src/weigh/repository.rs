//! Whether a repository serves an image at all: whether it exists, what its rules say, and what stands behind a
//! virtual or a remote one.

use super::condition::Condition;
use super::grants::Asked;
use super::index::{Row, condition, get};
use super::member::Asker;
use super::outcome::Outcome;
use super::reading::unread;
use super::roles::Act;
use super::{GkeFacts, deny, grants, project_of};
use crate::codes::Finding;
use crate::facts::{Repository, Rule, table};
use crate::host::{self, Location};
use jiff::Timestamp;
use pullaudit_core::{Claim, CoreFinding, Obstacle, Open};

/// Deeper than any real chain of repositories.
const DEEPEST: usize = 6;

/// How a repository is fed.
enum Mode {
    Own,
    Virtual,
    Remote,
    Unknown(String),
}

fn mode(repository: &Repository) -> Mode {
    match (repository.mode.as_str(), repository.mode.as_i64()) {
        (Some("VIRTUAL_REPOSITORY"), _) | (_, Some(2)) => Mode::Virtual,
        (Some("REMOTE_REPOSITORY"), _) | (_, Some(3)) => Mode::Remote,
        (Some("" | "STANDARD_REPOSITORY" | "MODE_UNSPECIFIED"), _) | (_, Some(0 | 1)) => Mode::Own,
        (None, None) if repository.mode.is_null() => Mode::Own,
        _ => Mode::Unknown(repository.mode.to_string()),
    }
}

/// The API is on, and the repository exists and holds images.
pub(super) fn exists(facts: &GkeFacts, location: &Location) -> Vec<Claim> {
    let (project, id) = (&location.project, location.id());
    let mut claims = vec![api(facts, &id)];
    claims.extend(lifecycle(facts, project));
    let (claim, absent) = repository(facts, &id);
    if location.transition {
        claims.push(redirected(facts, project, absent));
    }
    claims.push(claim);
    claims
}

/// The API is on in the repository's project: by the project's settings or, where those are refused, because it tells of
/// the repository.
fn api(facts: &GkeFacts, id: &str) -> Claim {
    let project = project_of(id);
    let scope = format!("project {project}");
    let place = format!("Artifact Registry API of project {project}");
    let answers = || {
        matches!(facts.index.repositories.get(id), Some(Row::Got(_)))
            || matches!(facts.index.repository_policies.get(id), Some(Row::Got(_)))
    };
    match get(&facts.index.services, project, &place, "serviceusage.services.get", &scope) {
        Row::Got(true) => Claim::yes(CoreFinding::Allowed.code(), place, "is on"),
        Row::Got(false) => Claim::no(Finding::ApiDisabled.code(), place, "is off"),
        Row::Open(Open::Unread { obstacle: Obstacle::Refused, .. }, _) if answers() => {
            Claim::yes(CoreFinding::Allowed.code(), place, "is on: it answers")
        }
        Row::Absent => {
            let open =
                unread(table::SERVICES, project, Obstacle::Failed("the answer was that there is none".into()));
            Claim::open(Finding::RepositoryUnread.code(), place, "must be on", vec![open])
        }
        Row::Open(open, code) => Claim::open(code, place, "must be on", vec![open]),
    }
}

/// What becomes of pulls while a project waits for its end is not documented.
fn lifecycle(facts: &GkeFacts, project: &str) -> Option<Claim> {
    let Some(Row::Got(body)) = facts.index.projects.get(project) else { return None };
    let place = format!("project {project}");
    (!["", "ACTIVE"].contains(&body.state.as_str())).then(|| {
        let is = match body.state.as_str() {
            "DELETE_REQUESTED" => "being deleted".to_owned(),
            other => format!("in state {other}"),
        };
        let opens = vec![Open::undecidable(format!("whether {place}, which is {is}, still serves images"))];
        Claim::open(Finding::RepositoryUnread.code(), place, "must serve images", opens)
    })
}

fn repository(facts: &GkeFacts, id: &str) -> (Claim, bool) {
    let place = format!("repository {id}");
    let scope = format!("project {}", project_of(id));
    match get(&facts.index.repositories, id, &place, "artifactregistry.repositories.get", &scope) {
        Row::Got(body) => (holds_images(body, place), false),
        Row::Absent => (Claim::no(Finding::RepositoryAbsent.code(), place, "does not exist"), true),
        Row::Open(open, code) => (Claim::open(code, place, "must exist", vec![open]), false),
    }
}

/// Formats are words, or numbers where enums were asked for as such.
fn holds_images(body: &Repository, place: String) -> Claim {
    if body.format == "DOCKER" || body.format == DOCKER {
        return Claim::yes(CoreFinding::Allowed.code(), place, "exists");
    }
    match body.format.as_str() {
        Some(other) if OTHER_FORMATS.contains(&other) => {
            let detail = format!("holds no images: its format is {other}");
            Claim::no(Finding::RepositoryAbsent.code(), place, detail)
        }
        _ => {
            let opens = vec![Open::undecidable(format!("what {place} holds: its format is {}", body.format))];
            Claim::open(Finding::RepositoryUnread.code(), place, "must hold images", opens)
        }
    }
}

/// Formats that hold no images; a word beside them is not known.
///
/// Source: the discovery document of artifactregistry v1, `Repository.format`.
const OTHER_FORMATS: [&str; 11] =
    ["MAVEN", "NPM", "APT", "YUM", "GOOGET", "PYTHON", "KFP", "GO", "GENERIC", "RUBY", "CONDA"];

/// `DOCKER` as a number.
const DOCKER: i64 = 1;

/// gcr.io is served by Artifact Registry where the project was moved; what becomes of one that was not is not
/// certain.
fn redirected(facts: &GkeFacts, project: &str, absent: bool) -> Claim {
    let place = format!("settings of project {project}");
    let scope = format!("project {project}");
    let detail = "must have gcr.io served by Artifact Registry";
    match get(&facts.index.settings, project, &place, "artifactregistry.projectsettings.get", &scope) {
        Row::Got(settings) if settings.legacy_redirection_state.ends_with("_UNSPECIFIED") => {
            let what = format!("whether gcr.io is served for project {project}: its settings do not say");
            Claim::open(Finding::LegacyHost.code(), place, detail, vec![Open::undecidable(what)])
        }
        Row::Got(settings) if settings.legacy_redirection_state.ends_with("_DISABLED") => {
            let behind =
                if absent { "and there is no repository behind it" } else { "though there is a repository" };
            let what = format!("whether gcr.io is served for project {project}: its redirection is off, {behind}");
            Claim::open(Finding::LegacyHost.code(), place, detail, vec![Open::undecidable(what)])
        }
        Row::Got(_) => Claim::yes(CoreFinding::Allowed.code(), place, "have gcr.io served by Artifact Registry"),
        Row::Absent => {
            let what = format!("whether gcr.io is served for project {project}: it has no settings");
            Claim::open(Finding::LegacyHost.code(), place, detail, vec![Open::undecidable(what)])
        }
        Row::Open(open, code) => Claim::open(code, place, detail, vec![open]),
    }
}

/// What the download rules say of a package; nothing where they let it pass.
pub(super) fn rules(facts: &GkeFacts, id: &str, package: &str, at: Timestamp) -> Option<Claim> {
    let place = format!("download rules of repository {id}");
    let scope = format!("project {}", project_of(id));
    let detail = "must not deny the download";
    let list = match get(&facts.index.rules, id, &place, "artifactregistry.rules.list", &scope) {
        Row::Got(list) => list,
        Row::Absent => {
            let what = format!("{place}: they were not found; read again");
            let opens = vec![Open::undecidable(what)];
            return Some(Claim::open(Finding::RepositoryUnread.code(), place, detail, opens));
        }
        Row::Open(open, code) => return Some(Claim::open(code, place, detail, vec![open])),
    };
    let downloads = |rule: &Rule| ["", "DOWNLOAD", "OPERATION_UNSPECIFIED"].contains(&rule.operation.as_str());
    let (mut of_package, mut of_all) = (Outcome::No, Outcome::No);
    let mut lets_package = false;
    for rule in list {
        let applies = condition(rule.condition.as_ref()).map_or(Outcome::Yes, |when: Condition| when.holds(at));
        let own = !rule.package_id.is_empty();
        if own && !is_package(&rule.package_id, package) {
            continue;
        }
        if !downloads(rule) {
            // The specification lists no other operation, so that of this one nothing is known.
            if rule.action != "ALLOW" {
                of_all = of_all.or(Outcome::undecidable(format!("what operation {} is", rule.operation)));
            }
            continue;
        }
        match (rule.action.as_str(), own) {
            ("DENY", true) => of_package = of_package.or(applies),
            ("DENY", false) => of_all = of_all.or(applies),
            ("ALLOW", true) => lets_package |= applies != Outcome::No,
            ("ALLOW", false) if rule.condition.is_none() => {}
            _ => {
                let what = format!("what rule {} means for {package}", rule.name);
                of_all = of_all.or(Outcome::undecidable(what));
            }
        }
    }
    if lets_package && of_all == Outcome::Yes {
        of_all =
            Outcome::undecidable(format!("which of the rules on {package} and on the whole repository counts"));
    }
    match of_package.or(of_all) {
        Outcome::No => None,
        Outcome::Yes => {
            Some(Claim::no(Finding::DownloadRule.code(), place, format!("deny the download of {package}")))
        }
        Outcome::Open(open) => Some(Claim::open(Finding::RuleUndecidable.code(), place, detail, vec![open])),
    }
}

/// The id of a package stands alone or at the end of its name, with `%2F` for each slash.
fn is_package(id: &str, package: &str) -> bool {
    let id = id.rsplit_once("/packages/").map_or(id, |(_, id)| id);
    id.replace("%2F", "/").replace("%2f", "/") == package
}

/// What must hold behind a virtual or a remote repository for it to have the image; nothing for a standard one.
pub(super) fn behind(facts: &GkeFacts, id: &str, package: &str, at: Timestamp, seen: &[&str]) -> Option<Claim> {
    let Some(Row::Got(repository)) = facts.index.repositories.get(id) else { return None };
    match mode(repository) {
        Mode::Own => None,
        Mode::Unknown(mode) => {
            let what = format!("how repository {id} is fed: its mode is {mode}");
            Some(undecided(id, "must have the image", what))
        }
        Mode::Remote => remote(facts, id, repository, package, at, seen),
        Mode::Virtual => Some(virtual_one(facts, id, repository, package, at, seen)),
    }
}

fn undecided(id: &str, detail: &str, what: String) -> Claim {
    let opens = vec![Open::undecidable(what)];
    Claim::open(Finding::UpstreamUndecidable.code(), format!("upstreams of repository {id}"), detail, opens)
}

/// An upstream outside Artifact Registry is fetched from with logins that nobody reads here. One inside is
/// read by the agent; what was fetched before needs it no more.
fn remote(
    facts: &GkeFacts,
    id: &str,
    repository: &Repository,
    package: &str,
    at: Timestamp,
    seen: &[&str],
) -> Option<Claim> {
    let config = &repository.remote_repository_config;
    let uris = [&config.common_repository.uri, &config.docker_repository.custom_repository.uri];
    let upstream = uris.into_iter().find_map(|uri| host::repository_of(uri))?;
    let fetch = through(facts, id, &upstream, Act::Download, package, at, seen);
    if config.no_cache.is_some() {
        return Some(fetch);
    }
    let what = format!("whether repository {id} has fetched {package} before");
    Some(Claim::Any(vec![fetch, undecided(id, "may have the image already", what)]))
}

/// One of the upstreams has the image, and nothing here tells which: only agreement is an answer.
fn virtual_one(
    facts: &GkeFacts,
    id: &str,
    repository: &Repository,
    package: &str,
    at: Timestamp,
    seen: &[&str],
) -> Claim {
    let policies = &repository.virtual_repository_config.upstream_policies;
    let mut upstreams: Vec<&str> = policies.iter().map(|policy| policy.repository.as_str()).collect();
    upstreams.retain(|upstream| !upstream.is_empty() && *upstream != id && !seen.contains(upstream));
    upstreams.sort_unstable();
    upstreams.dedup();
    let act = Act::ReadThroughVirtual;
    let mut cases: Vec<Claim> =
        upstreams.iter().map(|upstream| through(facts, id, upstream, act, package, at, seen)).collect();
    match cases.len() {
        0 => Claim::no(Finding::NoUpstream.code(), format!("repository {id}"), "has no upstream to serve from"),
        1 => cases.swap_remove(0),
        _ => {
            let why = Open::undecidable(format!("which upstream of repository {id} has {package}"));
            Claim::OneOf { why, cases }
        }
    }
}

/// Whether the agent of a repository's project may take a package out of an upstream, and the upstream has it.
fn through(
    facts: &GkeFacts,
    id: &str,
    upstream: &str,
    act: Act,
    package: &str,
    at: Timestamp,
    seen: &[&str],
) -> Claim {
    if seen.len() >= DEEPEST {
        return undecided(
            id,
            "must have the image",
            format!("what stands behind repository {upstream}: too deep"),
        );
    }
    let asker = match agent(facts, project_of(id)) {
        Ok(asker) => asker,
        Err(claim) => return claim,
    };
    let asked = Asked { asker: &asker, repository: upstream, act, at };
    let mut all = vec![api(facts, upstream), repository(facts, upstream).0];
    all.extend(deny::claims(facts, &asked));
    let granted = grants::claim(facts, &asked);
    // The agent holds its role in its own project from the start; whether it reads there without it is not
    // documented.
    all.push(if project_of(upstream) == project_of(id) {
        let what = format!("whether {} reads {upstream} in its own project without a binding", asker.name());
        Claim::Any(vec![granted, undecided(id, "may read it by itself", what)])
    } else {
        granted
    });
    // Whether rules of an upstream count for whom it serves through another one is not documented.
    if let Some(claim) = rules(facts, upstream, package, at) {
        let what = format!("whether the download rules of {upstream} count for what comes through {id}");
        all.push(Claim::Any(vec![claim, undecided(id, "must let the image through", what)]));
    }
    let mut seen = seen.to_vec();
    seen.push(id);
    all.extend(behind(facts, upstream, package, at, &seen));
    Claim::All(all)
}

/// `service-NUMBER@gcp-sa-artifactregistry.iam.gserviceaccount.com`
fn agent(facts: &GkeFacts, project: &str) -> Result<Asker, Claim> {
    let what = format!("number of project {project}");
    match get(&facts.index.projects, project, &what, "resourcemanager.projects.get", &format!("project {project}"))
    {
        Row::Got(body) => {
            let number = body.name.trim_start_matches("projects/");
            Ok(Asker::Agent(format!("service-{number}@gcp-sa-artifactregistry.iam.gserviceaccount.com")))
        }
        Row::Absent => Err(Claim::open(
            Finding::RepositoryUnread.code(),
            what.clone(),
            "names the service agent",
            vec![Open::undecidable(format!("{what}: the project was not found"))],
        )),
        Row::Open(open, code) => Err(Claim::open(code, what, "names the service agent", vec![open])),
    }
}
