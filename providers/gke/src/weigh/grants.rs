//! Bindings: which of them let the asker in, and what to say where none does.

use super::index::{Grant, Row, get};
use super::member::{Asker, Member};
use super::outcome::Outcome;
use super::roles::Act;
use super::{GkeFacts, project_of};
use crate::codes::Finding;
use jiff::Timestamp;
use pullaudit_core::{Claim, CoreFinding, Open};

/// One who asks for one thing in one repository.
pub(super) struct Asked<'a> {
    pub(super) asker: &'a Asker,
    /// Its full id.
    pub(super) repository: &'a str,
    pub(super) act: Act,
    pub(super) at: Timestamp,
}

/// What the policies of the repository, its project, its folders and its organisation say together.
pub(super) fn claim(facts: &GkeFacts, asked: &Asked<'_>) -> Claim {
    let mut found = Found::default();
    let short = asked.repository.rsplit('/').next().unwrap_or_default();
    let project = project_of(asked.repository);
    let own = get(
        &facts.index.repository_policies,
        asked.repository,
        &format!("policy of repository {short}"),
        "artifactregistry.repositories.getIamPolicy",
        &format!("project {project}"),
    );
    found.policy(facts, asked, own, &format!("policy of repository {short}"));
    let (ancestors, hidden) = facts.ancestors(project);
    for ancestor in ancestors {
        let place = place(&ancestor);
        let right = right(&ancestor);
        let row = get(&facts.index.policies, &ancestor, &place, right, &ancestor);
        found.policy(facts, asked, row, &place);
    }
    if let Some((open, code)) = hidden {
        found.ways.push(Claim::open(
            code,
            format!("policies above project {project}"),
            "may grant it",
            vec![open],
        ));
    }
    found.ways.extend(found.recreated(asked));
    if found.ways.is_empty() {
        found.ways.push(found.nothing(asked, short));
    }
    Claim::Any(found.ways)
}

/// `policy of folder 1234`
pub(super) fn place(ancestor: &str) -> String {
    let (kind, id) = ancestor.split_once('/').unwrap_or(("", ancestor));
    let kind = match kind {
        "projects" => "project",
        "folders" => "folder",
        _ => "organisation",
    };
    format!("policy of {kind} {id}")
}

pub(super) fn right(ancestor: &str) -> &'static str {
    match ancestor.split_once('/').map(|(kind, _)| kind) {
        Some("projects") => "resourcemanager.projects.getIamPolicy",
        Some("folders") => "resourcemanager.folders.getIamPolicy",
        _ => "resourcemanager.organizations.getIamPolicy",
    }
}

#[derive(Default)]
struct Found {
    ways: Vec<Claim>,
    /// A deleted account of the asker's e-mail that holds the right.
    former: Option<String>,
    /// Another deleted account that holds it.
    replaced: Option<String>,
}

impl Found {
    fn policy(&mut self, facts: &GkeFacts, asked: &Asked<'_>, row: Row<&Vec<Grant>>, place: &str) {
        match row {
            Row::Got(grants) => {
                for grant in grants {
                    self.grant(facts, asked, grant, place);
                }
            }
            // There is no resource without a policy.
            Row::Absent => {
                let what = format!("{place}: it was gone when it was read; read again");
                let opens = vec![Open::undecidable(what)];
                self.ways.push(Claim::open(Finding::PolicyUnread.code(), place, "may grant it", opens));
            }
            Row::Open(open, code) => self.ways.push(Claim::open(code, place, "may grant it", vec![open])),
        }
    }

    fn grant(&mut self, facts: &GkeFacts, asked: &Asked<'_>, grant: &Grant, place: &str) {
        let role = facts.index.role(&grant.role, asked.act);
        if role == Outcome::No {
            return;
        }
        let source = format!("{place}, {}", grant.role);
        let project = project_of(asked.repository);
        let mut member = Outcome::No;
        for one in &grant.members {
            match asked.asker.is_member(one, project, &facts.index) {
                Member::Is(outcome) => {
                    if outcome == Outcome::No && role == Outcome::Yes && one.starts_with("deleted:serviceAccount:")
                    {
                        keep_least(
                            &mut self.replaced,
                            &format!("{} in {source}", one.trim_start_matches("deleted:")),
                        );
                    }
                    member = member.or(outcome);
                }
                Member::Former if role == Outcome::Yes => keep_least(&mut self.former, &source),
                Member::Former => {}
            }
        }
        let condition = grant.condition.as_ref().map_or(Outcome::Yes, |condition| condition.holds(asked.at));
        let titled = if grant.title.is_empty() { String::new() } else { format!(" ({})", grant.title) };
        self.ways.extend(way(role, member, condition, asked, source, &titled));
    }

    /// The grant is for a deleted account of the asker's e-mail, which the account of today is not.
    fn recreated(&self, asked: &Asked<'_>) -> Option<Claim> {
        let detail = format!(
            "names a deleted account of e-mail {}: the account of today is another one",
            asked.asker.name()
        );
        let source = self.former.clone()?;
        Some(Claim::no(Finding::AccountRecreated.code(), source, detail))
    }

    /// Nothing grants it. A grant to an account that is gone tells how that came about.
    fn nothing(&self, asked: &Asked<'_>, short: &str) -> Claim {
        let who = asked.asker.name();
        let permission = asked.act.permission();
        if let (Some(holder), Asker::Account(_), Act::Download) = (&self.replaced, asked.asker, asked.act) {
            let detail =
                format!("nothing grants {permission} to {who}, and it is held by a deleted account, {holder}");
            return Claim::no(Finding::AccountReplaced.code(), format!("policies of repository {short}"), detail);
        }
        let code = match (asked.asker, asked.act) {
            (Asker::Agent(_), _) => Finding::UpstreamNotGranted.code(),
            (Asker::Anonymous, _) => CoreFinding::AnonymousRefused.code(),
            _ => Finding::DownloadNotGranted.code(),
        };
        let detail = format!("no binding of the repository or above it grants {permission} to {who}");
        Claim::no(code, format!("policies of repository {short}"), detail)
    }
}

/// Of several the first by its text, so that order never shows.
fn keep_least(kept: &mut Option<String>, text: &str) {
    if kept.as_deref().is_none_or(|known| text < known) {
        *kept = Some(text.to_owned());
    }
}

/// What one binding says; `None` where it is about others.
fn way(
    role: Outcome,
    member: Outcome,
    condition: Outcome,
    asked: &Asked<'_>,
    source: String,
    titled: &str,
) -> Option<Claim> {
    let mut opens = Vec::new();
    let mut code = None;
    match (&role, &member, &condition) {
        (Outcome::Yes, Outcome::Yes, Outcome::No) => {
            let detail = format!("its condition{titled} does not hold at {}", asked.at);
            return Some(Claim::no(Finding::BindingConditionUnmet.code(), source, detail));
        }
        (Outcome::No, ..) | (_, Outcome::No, _) | (.., Outcome::No) => return None,
        _ => {}
    }
    let parts = [
        (role, Finding::RoleUnread),
        (member, Finding::MemberUndecidable),
        (condition, Finding::BindingConditionUndecidable),
    ];
    for (part, finding) in parts {
        if let Outcome::Open(open) = part {
            opens.push(open);
            code.get_or_insert(finding.code());
        }
    }
    let (who, permission) = (asked.asker.name(), asked.act.permission());
    Some(match code {
        None => Claim::yes(CoreFinding::Allowed.code(), source, format!("grants {permission} to {who}")),
        Some(code) => Claim::open(code, source, format!("may grant {permission} to {who}"), opens),
    })
}
