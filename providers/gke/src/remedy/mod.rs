//! The least grant that lets a node's account download: a member of the reader's binding on the one repository.

mod basis;
mod edit;
mod hold;
mod leftover;
#[cfg(feature = "live")]
mod vet;

pub use basis::fingerprints;
pub use edit::{Edit, READER, Unwritable, canonical};
#[cfg(feature = "live")]
pub(crate) use leftover::{deleted_emails, still_deleted};
pub(crate) use leftover::{leftovers, unread as leftovers_unread};
#[cfg(feature = "live")]
pub(crate) use vet::vet;

use crate::facts::table;
use crate::host::{self, Place};
use crate::weigh::{GkeFacts, project_of};
use edit::{fits, is_policy, writable};
use jiff::Timestamp;
use pullaudit_core::{
    Action, Change, Credential, Facts as _, FixPolicy, HeldBack, Mode, Note, Principal, PrincipalKind, Proposal,
    Question, Read, Remedy, Safety, Verdict, import_block, judge, resource_name, shell_word,
};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// Ids of changes live in this name space; it never changes, so that a second run plans the same.
const CHANGES: Uuid = Uuid::from_u128(0x71b2_0c4e_d6f8_5a37_9b05_18e3_aa64_cf21);

/// One change for each repository's policy, for all accounts that it would help; what it would not turn to
/// allowed is held back.
pub(crate) fn propose(facts: &GkeFacts, denied: &[&Question], at: Timestamp, policy: FixPolicy) -> Proposal {
    let mut proposal = Proposal::default();
    let (mut groups, mut others) = (BTreeMap::<String, Vec<Wanted>>::new(), Vec::new());
    for (number, question) in denied.iter().enumerate() {
        match wanted(number, question) {
            Some((repository, wanted)) => groups.entry(repository).or_default().push(wanted),
            None => others.push(number),
        }
    }
    if !others.is_empty() {
        let why = "no binding helps a login that is no service account of Google's, or an image that names no repository"
            .to_owned();
        proposal.held_back.push(HeldBack::new(others, why));
    }
    for (repository, wanted) in groups {
        repair(facts, &repository, &wanted, denied, (at, policy.mode), &mut proposal);
    }
    proposal
}

/// A question, and the member that a grant for it names.
struct Wanted {
    question: usize,
    member: String,
}

fn wanted(question: usize, asked: &Question) -> Option<(String, Wanted)> {
    let Place::Repository(location) = host::place(&asked.image)? else { return None };
    let Credential::Principal(principal) = &asked.by else { return None };
    Some((location.id(), Wanted { question, member: member(principal)? }))
}

/// How a binding names an identity; `None` for those that are not Google's, or Google's own.
fn member(principal: &Principal) -> Option<String> {
    let known = crate::cluster::principal(&principal.id)?;
    match known.kind {
        PrincipalKind::ServiceAccountRole => Some(known.id),
        _ => crate::cluster::account_project(&known.id).map(|_| format!("serviceAccount:{}", known.id)),
    }
}

fn repair(
    facts: &GkeFacts,
    repository: &str,
    wanted: &[Wanted],
    denied: &[&Question],
    at: (Timestamp, Mode),
    proposal: &mut Proposal,
) {
    let all = |why: String| HeldBack::new(wanted.iter().map(|one| one.question).collect(), why);
    let policy = match facts.section().get(table::REPOSITORY_POLICIES, repository) {
        Some(Read::Got(policy)) if is_policy(policy) => policy,
        other => {
            let verdicts = wanted.iter().map(|one| judge(facts.weigh(denied[one.question], at.0).as_ref(), at.1));
            proposal.held_back.push(all(hold::unwritable(repository, verdicts, other)));
            return;
        }
    };
    let edit =
        |members: BTreeSet<String>| Edit { repository: repository.to_owned(), add: members, ..Edit::default() };
    let whole = edit(wanted.iter().map(|one| one.member.clone()).collect());
    if let Err(why) = writable(policy).and_then(|()| fits(&whole.apply(policy))) {
        proposal.held_back.push(all(why.to_string()));
        return;
    }
    let (helped, held) = prove(facts, &change(facts, &whole, policy), wanted, denied, at);
    proposal.held_back.extend(held);
    if helped.is_empty() {
        return;
    }
    let members = wanted.iter().filter(|one| helped.contains(&one.question)).map(|one| one.member.clone());
    let change = change(facts, &edit(members.collect()), policy);
    proposal.remedies.push(Remedy { questions: helped, changes: vec![change.id.clone()] });
    proposal.changes.push(change);
}

/// Weighs the questions on the facts as they would be: those that the change turns, and the reasons of the rest.
fn prove(
    facts: &GkeFacts,
    change: &Change,
    wanted: &[Wanted],
    denied: &[&Question],
    (at, mode): (Timestamp, Mode),
) -> (Vec<usize>, Vec<HeldBack>) {
    let Some(then) = after(facts, &[change]) else { return (Vec::new(), Vec::new()) };
    let (mut helped, mut why): (Vec<usize>, BTreeMap<_, Vec<usize>>) = (Vec::new(), BTreeMap::new());
    for one in wanted {
        let question = denied[one.question];
        match judge(then.weigh(question, at).as_ref(), mode) {
            Verdict::Allowed { .. } => helped.push(one.question),
            verdict => {
                let now = judge(facts.weigh(question, at).as_ref(), mode);
                why.entry(hold::why(&verdict, &now, question, &one.member, change))
                    .or_default()
                    .push(one.question);
            }
        }
    }
    let held = why.into_iter().map(|((why, on_pools), questions)| HeldBack { questions, why, on_pools });
    (helped, held.collect())
}

/// The edit as a change of the repository's policy.
fn change(facts: &GkeFacts, edit: &Edit, policy: &Value) -> Change {
    let names: Vec<String> = edit.add.iter().map(|member| short(member)).collect();
    let short_id = edit.repository.rsplit('/').next().unwrap_or_default();
    Change {
        id: change_id(edit),
        provider: "gke".to_owned(),
        owner: project_of(&edit.repository).to_owned(),
        target: format!("grant artifactregistry.reader on {short_id} to {}", names.join(", ")),
        action: Action::Change,
        before: Some(policy.clone()),
        after: Some(edit.apply(policy)),
        safety: Safety::Safe,
        notes: notes(edit, policy),
        rests_on: fingerprints(facts.section(), &edit.repository, &edit.add),
        command: commands(edit, policy),
        import: imports(edit),
        document: format!("{}:iamPolicy", edit.repository),
    }
}

/// The id of the change that makes an edit of a plan.
fn change_id(edit: &Edit) -> String {
    let names: Vec<String> = edit.add.iter().map(|member| short(member)).collect();
    let id = if edit.add.is_empty() {
        let gone: Vec<&str> =
            edit.remove.iter().map(|member| member.trim_start_matches("deleted:serviceAccount:")).collect();
        format!("{}|{}|prune", edit.repository, gone.join("|"))
    } else {
        [edit.repository.as_str(), READER, &names.join("|"), "+"].join("|")
    };
    Uuid::new_v5(&CHANGES, id.as_bytes()).to_string()
}

/// The lines that make an edit, all that is put in first.
fn commands(edit: &Edit, policy: &Value) -> String {
    let add = edit.add.iter().map(|member| command(edit, member, "add", policy));
    let remove = edit.remove.iter().map(|member| command(edit, member, "remove", policy));
    add.chain(remove).collect::<Vec<_>>().join(" && ")
}

fn imports(edit: &Edit) -> String {
    edit.add.iter().map(|member| import(edit, member)).collect::<Vec<_>>().join("\n")
}

fn short(member: &str) -> String {
    member.strip_prefix("serviceAccount:").unwrap_or(member).to_owned()
}

fn bindings(policy: &Value) -> usize {
    policy["bindings"].as_array().map_or(0, Vec::len)
}

fn notes(edit: &Edit, policy: &Value) -> Vec<Note> {
    let mut notes = vec![Note::new("role", format!("{READER}: the least role that downloads"))];
    notes.extend(edit.add.iter().map(|member| Note::new("member", member.as_str())));
    notes.extend([
        Note::new("scope", edit.repository.as_str()),
        Note::new(
            "kept",
            format!("{} other bindings, conditions and unknown fields, as they are", bindings(policy)),
        ),
        Note::new("in effect", "typically within 2 minutes, 7 or more at times"),
    ]);
    notes
}

/// Project, location and name of a repository.
fn parts(repository: &str) -> (&str, &str, &str) {
    let mut parts = repository.split('/').skip(1).step_by(2);
    let mut next = || parts.next().unwrap_or_default();
    (next(), next(), next())
}

/// As `gcloud` takes it. Where a policy has conditions, it wants to be told that this binding has none.
pub(crate) fn command(edit: &Edit, member: &str, verb: &str, policy: &Value) -> String {
    let (project, location, name) = parts(&edit.repository);
    let has = |binding: &Value| binding.get("condition").is_some_and(|condition| !condition.is_null());
    let conditional = policy["bindings"].as_array().is_some_and(|list| list.iter().any(has));
    let condition = if conditional { " --condition None" } else { "" };
    format!(
        "gcloud artifacts repositories {verb}-iam-policy-binding {name} --project {project} --location {location} \
         --member {} --role {READER}{condition}",
        shell_word(member)
    )
}

fn import(edit: &Edit, member: &str) -> String {
    let id = format!("{} {READER} {member}", edit.repository);
    let (_, _, name) = parts(&edit.repository);
    import_block(&format!("google_artifact_registry_repository_iam_member.{}", resource_name(name, &id)), &id)
}

/// The facts with these changes in them; `None` where a change is none of Google's. An unread policy stays
/// unread: what else stands there is not known.
pub(crate) fn after(facts: &GkeFacts, changes: &[&Change]) -> Option<GkeFacts> {
    let mut section = facts.section().clone();
    for change in changes {
        let edit = Edit::of(change)?;
        let row =
            section.tables.get_mut(table::REPOSITORY_POLICIES).and_then(|rows| rows.get_mut(&edit.repository));
        if let Some(Read::Got(policy)) = row {
            *policy = edit.apply(policy);
        }
    }
    Some(GkeFacts::open(&section))
}
