//! One role assignment: what it says, and how it is shown.

use super::{Group, basis};
use crate::facts::RoleAssignment;
use crate::weigh::AksFacts;
use crate::weigh::index::RegistryEntry;
use pullaudit_core::{Action, Change, Note, Safety, import_block, resource_name, shell_word};
use serde::Deserialize as _;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use uuid::Uuid;

/// Ids of role assignments live in this name space; it never changes, so that a second run finds what the
/// first one wrote.
const ASSIGNMENTS: Uuid = Uuid::from_u128(0x5d0b_7e2a_41c6_5a19_8f3e_2c9a_d7b1_60e4);

const ASSIGNMENT_TYPE: &str = "/providers/Microsoft.Authorization/roleAssignments/";

/// A built-in role that pulls and does nothing else.
pub(super) struct Least {
    pub(super) guid: &'static str,
    pub(super) name: &'static str,
    pub(super) why: &'static str,
    pub(super) actions: &'static [&'static str],
    pub(super) data_actions: &'static [&'static str],
}

pub(super) const ACR_PULL: Least = Least {
    guid: "7f951dda-4ed3-4680-a7ca-43fe172d538d",
    name: "AcrPull",
    why: "AcrPull: the least role that pulls here (the registry is in LegacyRegistryPermissions mode)",
    actions: &["Microsoft.ContainerRegistry/registries/pull/read"],
    data_actions: &[],
};

pub(super) const REPOSITORY_READER: Least = Least {
    guid: "b93aa761-3e63-49ed-ac28-beffa264f7ac",
    name: "Container Registry Repository Reader",
    why: "Container Registry Repository Reader: the least role that pulls here (the registry is in \
          AbacRepositoryPermissions mode)",
    actions: &[],
    data_actions: &[
        "Microsoft.ContainerRegistry/registries/repositories/content/read",
        "Microsoft.ContainerRegistry/registries/repositories/metadata/read",
    ],
};

/// How much of a registry a grant opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach<'a> {
    /// Legacy mode knows no less.
    Registry,
    /// These repositories.
    Repositories(&'a BTreeSet<&'a str>),
    /// All repositories of a registry that could tell them apart; only where the user agrees.
    AllRepositories,
}

/// The grant as a change. Where a grant of ours stands for `standing` repositories, it is that one, opened for
/// more.
pub(super) fn change(
    facts: &AksFacts,
    group: &Group<'_>,
    role: &Least,
    reach: Reach<'_>,
    standing: Option<&BTreeSet<String>>,
) -> Change {
    let Group { registry, principal, .. } = group;
    let (scope, object) = (&registry.registry.id, principal.id.to_ascii_lowercase());
    let name = own_name(group, role);
    let names = |names: &BTreeSet<&str>| condition(role, names);
    let former = standing.map(|standing| names(&standing.iter().map(String::as_str).collect()));
    let condition = match reach {
        Reach::Repositories(repositories) => {
            let all = repositories.iter().copied().chain(standing.into_iter().flatten().map(String::as_str));
            Some(names(&all.collect()))
        }
        Reach::Registry | Reach::AllRepositories => None,
    };
    let host = &registry.registry.properties.login_server;
    let document = format!("{scope}{ASSIGNMENT_TYPE}{name}");
    let after = body(registry, &object, role, condition.as_deref());
    let (action, target, command) = match former {
        None => (
            Action::Add,
            format!("grant {} on {host} to {}", role.name, principal.name),
            command(&name, role, scope, &object, condition.as_deref()),
        ),
        Some(_) => (
            Action::Change,
            format!("open {} of {} on {host} for more", role.name, principal.name),
            update(&document, scope, &after),
        ),
    };
    Change {
        id: name.clone(),
        provider: "aks".to_owned(),
        owner: registry.subscription.clone(),
        target,
        action,
        before: former.map(|former| body(registry, &object, role, Some(&former))),
        after: Some(after),
        safety: if reach == Reach::AllRepositories { Safety::NeedsConsent } else { Safety::Safe },
        notes: notes(group, role, reach, standing, &name),
        rests_on: basis::of_section(facts.section(), registry, &object),
        command,
        import: import(&name, &document),
        document,
    }
}

/// The name that our grant has there, in every run.
fn own_name(group: &Group<'_>, role: &Least) -> String {
    name_of(&group.registry.id, &group.principal.id, role.guid)
}

/// The same, from the parts that make it.
pub(super) fn name_of(scope: &str, principal: &str, role: &str) -> String {
    let text = [scope, principal, role].map(str::to_ascii_lowercase).join("|");
    Uuid::new_v5(&ASSIGNMENTS, text.as_bytes()).to_string()
}

/// The repositories that an assignment names, where it is ours: by its name, and to the letter by its
/// condition, without anything beside it. What somebody else wrote or edited is theirs to change.
pub(super) fn ours(group: &Group<'_>, role: &Least, assignment: &RoleAssignment) -> Option<BTreeSet<String>> {
    let text = assignment.properties.condition.as_deref()?;
    // Quoted are the actions, which hold the only capital letters, and the repositories.
    let quoted = text.split('\'').skip(1).step_by(2);
    let names: BTreeSet<String> =
        quoted.filter(|name| !role.data_actions.contains(name)).map(str::to_owned).collect();
    let named: BTreeSet<&str> = names.iter().map(String::as_str).collect();
    let written = [condition(role, &named), nested_condition(role, &named)];
    let own = assignment.name.eq_ignore_ascii_case(&own_name(group, role)) && is_plain(assignment);
    (own && written.iter().any(|written| written == text)).then_some(names)
}

/// Characters of a condition at most; Azure documented 4 KB in 2021, and no other figure since.
const LONGEST_CONDITION: usize = 4096;

/// Of the wanted repositories those, in their order, for which a condition that names them beside `standing` ones is
/// not too long.
pub(super) fn fitting<'a>(
    role: &Least,
    wanted: &BTreeSet<&'a str>,
    standing: Option<&BTreeSet<String>>,
) -> BTreeSet<&'a str> {
    let mut all: BTreeSet<&str> = standing.into_iter().flatten().map(String::as_str).collect();
    let mut fitting = BTreeSet::new();
    for name in wanted {
        all.insert(name);
        if condition(role, &all).len() > LONGEST_CONDITION {
            break;
        }
        fitting.insert(*name);
    }
    fitting
}

/// Whether it holds nothing that writing it anew would lose.
pub(crate) fn is_plain(assignment: &RoleAssignment) -> bool {
    let about = &assignment.properties;
    [&about.description, &about.delegated_managed_identity_resource_id]
        .into_iter()
        .all(|text| text.as_ref().is_none_or(String::is_empty))
}

fn notes(
    group: &Group<'_>,
    role: &Least,
    reach: Reach<'_>,
    standing: Option<&BTreeSet<String>>,
    name: &str,
) -> Vec<Note> {
    let Group { registry, principal, .. } = group;
    let object = principal.id.to_ascii_lowercase();
    let mut notes = vec![Note::new("role", role.why)];
    match reach {
        Reach::Registry => {}
        Reach::AllRepositories => notes.push(Note::new("condition", "none: all repositories of the registry")),
        Reach::Repositories(names) => {
            let list = names.iter().copied().collect::<Vec<_>>().join(", ");
            let text = match standing {
                None => format!("only {list}"),
                Some(standing) => format!("{list}, beside the {} that it names already", standing.len()),
            };
            notes.push(Note::new("condition", text));
        }
    }
    notes.extend([
        Note::new("principal", format!("{object} ({}; object id, not client id)", principal.name)),
        Note::new("scope", registry.registry.id.as_str()),
        Note::new("id", format!("{name} (from scope, principal, role: a second run finds it)")),
        // Azure's word: MicrosoftDocs/azure-aks-docs, workload-identity-deploy-cluster; back-off is the kubelet's.
        Note::new("in effect", "within 10 minutes; pods in back-off try again within 5 more"),
    ]);
    notes
}

fn body(registry: &RegistryEntry, object: &str, role: &Least, condition: Option<&str>) -> Value {
    let definition = format!(
        "/subscriptions/{}/providers/Microsoft.Authorization/roleDefinitions/{}",
        registry.subscription, role.guid
    );
    let mut properties = json!({
        "roleDefinitionId": definition, "principalId": object, "principalType": "ServicePrincipal"
    });
    if let Some(condition) = condition {
        properties["condition"] = json!(condition);
        properties["conditionVersion"] = json!("2.0");
    }
    json!({ "properties": properties })
}

/// What a condition compares.
const NAME: &str = "@Request[Microsoft.ContainerRegistry/registries/repositories:name]";

/// The form that Azure's portal writes: other actions pass, these two only for the named repositories. One operator
/// over a set, since an OR for each of them would nest too deep.
fn condition(role: &Least, repositories: &BTreeSet<&str>) -> String {
    let names: Vec<String> = repositories.iter().map(|name| format!("'{name}'")).collect();
    guarded(
        role,
        &match names.as_slice() {
            [one] => format!("{NAME} StringEqualsIgnoreCase {one}"),
            names => format!("{NAME} ForAnyOfAnyValues:StringEqualsIgnoreCase {{{}}}", names.join(", ")),
        },
    )
}

/// The form that pullaudit wrote in former versions.
fn nested_condition(role: &Least, repositories: &BTreeSet<&str>) -> String {
    let compare = |name: &&str| format!("{NAME} StringEqualsIgnoreCase '{name}'");
    // Azure wants parentheses where an operator joins more than two.
    let names = repositories.iter().map(compare).reduce(|all, one| format!("({all} OR {one})"));
    guarded(role, &names.unwrap_or_default())
}

fn guarded(role: &Least, comparison: &str) -> String {
    let actions = role.data_actions.iter().map(|action| format!("!(ActionMatches{{'{action}'}})"));
    let actions = actions.collect::<Vec<_>>().join(" AND ");
    format!("(({actions}) OR ({comparison}))")
}

/// The block by which Terraform takes the assignment over; its address is the assignment's own.
pub(super) fn import(name: &str, document: &str) -> String {
    let registry = document.split_once(ASSIGNMENT_TYPE).and_then(|(scope, _)| scope.rsplit('/').next());
    let name = resource_name(registry.unwrap_or_default(), name);
    import_block(&format!("azurerm_role_assignment.{name}"), document)
}

fn command(name: &str, role: &Least, scope: &str, object: &str, condition: Option<&str>) -> String {
    let under = condition.map(|text| format!(" --condition-version 2.0 --condition {}", shell_word(text)));
    format!(
        "az role assignment create --name {name} --role {} --scope {scope} --assignee-object-id {object} \
         --assignee-principal-type ServicePrincipal{}",
        shell_word(role.name),
        under.unwrap_or_default()
    )
}

/// The line that puts another condition on an assignment; az wants the whole of it.
fn update(document: &str, scope: &str, body: &Value) -> String {
    let mut whole = body["properties"].clone();
    whole["name"] = json!(document.rsplit('/').next());
    whole["scope"] = json!(scope);
    if whole.get("condition").is_none() {
        // az takes what is left out from the assignment as it is.
        (whole["condition"], whole["conditionVersion"]) = (json!(""), json!(""));
    }
    format!("az role assignment update --role-assignment {}", shell_word(&whole.to_string()))
}

/// A grant as a change names it.
pub(crate) struct Grant {
    /// ARM id of the registry.
    pub(crate) scope: String,
    /// GUID of the assignment.
    pub(crate) name: String,
    /// As Azure would answer.
    pub(crate) assignment: RoleAssignment,
}

impl Grant {
    /// The grant that a change makes or takes away; `None` where it is none of Azure's.
    pub(crate) fn of(change: &Change) -> Option<Self> {
        Self::from(change, change.after.as_ref().or(change.before.as_ref())?)
    }

    /// The grant as it was, where a change replaces one by another.
    #[cfg(feature = "live")]
    pub(crate) fn former(change: &Change) -> Option<Self> {
        Self::from(change, change.before.as_ref().filter(|_| change.action == Action::Change)?)
    }

    fn from(change: &Change, body: &Value) -> Option<Self> {
        let (scope, name) = change.document.split_once(ASSIGNMENT_TYPE)?;
        let mut body = body.clone();
        body["id"] = json!(change.document);
        body["name"] = json!(name);
        body["properties"]["scope"] = json!(scope);
        let assignment = RoleAssignment::deserialize(&body).ok()?;
        Some(Self { scope: scope.to_owned(), name: name.to_owned(), assignment })
    }

    /// Object id of who is granted, in lower case.
    pub(crate) fn object(&self) -> String {
        self.assignment.properties.principal_id.to_ascii_lowercase()
    }

    /// Whether it gives no more than a pull, to what can pull: a plan may come from a file.
    #[cfg(any(test, feature = "live"))]
    pub(crate) fn is_least(&self) -> bool {
        is_least(&self.assignment)
            && self.scope.to_ascii_lowercase().contains("/providers/microsoft.containerregistry/registries/")
    }

    /// The role that it gives, where that is one that does nothing but pull.
    #[cfg(feature = "live")]
    pub(super) fn least(&self) -> Option<&'static Least> {
        let role = role_guid(&self.assignment);
        [&ACR_PULL, &REPOSITORY_READER].into_iter().find(|least| least.guid == role)
    }

    /// The condition, where there is one.
    #[cfg(feature = "live")]
    pub(super) fn condition(&self) -> Option<&str> {
        self.assignment.properties.condition.as_deref().filter(|text| !text.is_empty())
    }

    /// The line that makes it; `None` where it is none that pullaudit makes.
    #[cfg(feature = "live")]
    pub(crate) fn create_line(&self) -> Option<String> {
        Some(command(&self.name, self.least()?, &self.scope, &self.object(), self.condition()))
    }

    /// The line that puts this in the place of another; `None` where it is none that pullaudit makes.
    #[cfg(feature = "live")]
    pub(crate) fn update_line(&self, change: &Change, body: &Value) -> Option<String> {
        self.is_least().then(|| update(&change.document, &self.scope, body))
    }

    /// How another assignment stands to this one.
    #[cfg(any(test, feature = "live"))]
    pub(crate) fn compare(&self, other: &RoleAssignment) -> Likeness {
        let (ours, theirs) = (&self.assignment.properties, &other.properties);
        let triple = role_guid(&self.assignment) == role_guid(other)
            && ours.principal_id.eq_ignore_ascii_case(&theirs.principal_id)
            && ours.scope.eq_ignore_ascii_case(&theirs.scope);
        // Azure writes an absent condition as null or as nothing.
        let condition = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        match (triple, condition(&ours.condition) == condition(&theirs.condition)) {
            (false, _) => Likeness::Other,
            (true, false) => Likeness::OtherCondition,
            (true, true) => Likeness::Same,
        }
    }
}

/// How one assignment stands to another.
#[cfg(any(test, feature = "live"))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Likeness {
    /// They give the same right to the same identity at the same scope.
    Same,
    /// They do, but under another condition; Azure takes only one of the two.
    OtherCondition,
    /// They have nothing to do with each other.
    Other,
}

/// Whether an assignment gives a service principal one of the roles that do nothing but pull.
pub(crate) fn is_least(assignment: &RoleAssignment) -> bool {
    let role = role_guid(assignment);
    [&ACR_PULL, &REPOSITORY_READER].iter().any(|least| least.guid == role)
        && assignment.properties.principal_type.eq_ignore_ascii_case("ServicePrincipal")
}

/// GUID of an assignment's role, in lower case, whichever form its id has.
fn role_guid(assignment: &RoleAssignment) -> String {
    let id = &assignment.properties.role_definition_id;
    id.rsplit('/').next().unwrap_or_default().to_ascii_lowercase()
}
