//! Principal access boundaries: which resources an identity may reach at all, whatever it was granted.

use super::index::{Row, get};
use super::member::Asker;
use super::reading::unread;
use super::{GkeFacts, home, project_of};
use crate::cluster::FEDERATED;
use crate::codes::Finding;
use crate::facts::{Boundary, BoundaryBinding, table};
use pullaudit_core::{Claim, CoreFinding, Obstacle, Open};

/// What resources of Resource Manager are called in a boundary.
const MANAGED: &str = "//cloudresourcemanager.googleapis.com/";
/// The only kind of policy that is bound to principals.
const KIND: &str = "PRINCIPAL_ACCESS_BOUNDARY";

/// That no boundary leaves the repository out; nothing where nobody binds one to the asker. A search that was refused
/// may be assumed to find none; a policy that was found may not.
pub(super) fn claim(facts: &GkeFacts, asker: &Asker, repository: &str) -> Option<Claim> {
    let place = format!("principal access boundaries of {}", asker.name());
    let detail = "must not leave the repository out";
    let open = |opens: Vec<Open>| Some(Claim::open(Finding::BoundaryUnread.code(), place.clone(), detail, opens));
    let Some(home) = home::project(asker, &facts.index) else {
        return open(vec![Open::undecidable(format!("which {place} there are: its project is not known"))]);
    };
    let (above, hidden) = facts.ancestors(&home);
    if let Some((why, _)) = hidden {
        return open(vec![assumable(why)]);
    }
    // They are policies of organisations, and bind only what lies in the same one.
    if !above.iter().any(|one| one.starts_with("organizations/")) {
        return None;
    }
    let (mut bindings, mut opens) = (Vec::new(), Vec::new());
    for target in above.iter().cloned().chain(pool(asker)) {
        match facts.index.boundary_lists.get(&target) {
            Some(Row::Got(list)) => bindings.extend(list),
            Some(Row::Open(why, _)) => opens.push(assumable(why.clone())),
            Some(Row::Absent) | None => {
                opens.push(assumable(unread(table::BOUNDARY_LISTS, &target, Obstacle::NotAsked)));
            }
        }
    }
    if bindings.is_empty() && opens.is_empty() {
        return None;
    }
    // Of several boundaries each only adds resources, so one that is bound without condition is enough.
    for binding in bindings.iter().filter(|binding| binding.condition.is_none()) {
        if let Some(Row::Got(boundary)) = facts.index.boundaries.get(&binding.policy)
            && includes(facts, boundary, repository)
        {
            let detail = format!("include the repository: policy {}", binding.policy);
            return Some(Claim::yes(CoreFinding::Allowed.code(), place, detail));
        }
    }
    // A boundary lists projects by number, mostly.
    if let Some(Row::Open(why, _)) = facts.index.projects.get(project_of(repository)) {
        opens.push(why.clone());
    }
    opens.extend(bindings.iter().map(|binding| unproved(facts, binding)));
    open(opens)
}

/// The target of bindings to all accounts of a pool of Kubernetes accounts.
fn pool(asker: &Asker) -> Option<String> {
    let Asker::Federated(id, _) = asker else { return None };
    let (pool, _) = id.strip_prefix(FEDERATED)?.split_once("/subject/")?;
    Some(pool.to_owned())
}

fn assumable(open: Open) -> Open {
    match open {
        Open::Unread { reading, permission, scope, obstacle, .. } => {
            let assumable = matches!(obstacle, Obstacle::Refused | Obstacle::NotAsked);
            Open::Unread { reading, permission, scope, assumable, obstacle }
        }
        other @ Open::Undecidable { .. } => other,
    }
}

fn includes(facts: &GkeFacts, boundary: &Boundary, repository: &str) -> bool {
    let project = project_of(repository);
    let number = match facts.index.projects.get(project) {
        Some(Row::Got(body)) => Some(body.name.as_str()),
        _ => None,
    };
    let (above, _) = facts.ancestors(project);
    let rules = boundary.details.rules.iter().filter(|rule| rule.effect == "ALLOW");
    rules
        .flat_map(|rule| &rule.resources)
        .filter_map(|resource| resource.strip_prefix(MANAGED))
        .any(|resource| Some(resource) == number || above.iter().any(|one| one == resource))
}

/// Why a binding does not prove that the repository is within reach.
fn unproved(facts: &GkeFacts, binding: &BoundaryBinding) -> Open {
    let name = &binding.policy;
    if !["", KIND].contains(&binding.policy_kind.as_str()) {
        return Open::undecidable(format!(
            "what policy {name} of kind {} means for the pull",
            binding.policy_kind
        ));
    }
    let permission = "iam.principalaccessboundarypolicies.get";
    match get(&facts.index.boundaries, name, name, permission, name) {
        Row::Open(open, _) => open,
        Row::Absent => unread(table::BOUNDARY_POLICIES, name, Obstacle::Failed("it was not found".into())),
        Row::Got(_) if binding.condition.is_some() => {
            Open::undecidable(format!("whether the condition under which policy {name} is bound holds"))
        }
        Row::Got(_) => Open::undecidable(format!(
            "whether policy {name}, which does not list the repository's project, blocks downloads: that hangs on its \
             enforcement version"
        )),
    }
}
