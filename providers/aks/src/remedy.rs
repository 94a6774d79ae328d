//! The least grant that lets a kubelet identity pull, and the facts as they would be with it.

use crate::facts::{RoleAssignment, table};
use crate::weigh::AksFacts;
use crate::weigh::index::{RegistryEntry, Row};
use jiff::Timestamp;
use pullaudit_core::{
    Action, Change, Credential, Facts as _, Fingerprint, HeldBack, Mode, Note, Principal, Proposal, Question,
    Read, Remedy, Safety, Section, Verdict, judge,
};
use serde::Deserialize as _;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// Ids of role assignments live in this name space; it never changes, so that a second run finds what the
/// first one wrote.
const ASSIGNMENTS: Uuid = Uuid::from_u128(0x5d0b_7e2a_41c6_5a19_8f3e_2c9a_d7b1_60e4);

const ASSIGNMENT_TYPE: &str = "/providers/Microsoft.Authorization/roleAssignments/";

/// A built-in role that pulls and does nothing else.
struct Least {
    guid: &'static str,
    name: &'static str,
    why: &'static str,
    actions: &'static [&'static str],
    data_actions: &'static [&'static str],
}

const ACR_PULL: Least = Least {
    guid: "7f951dda-4ed3-4680-a7ca-43fe172d538d",
    name: "AcrPull",
    why: "AcrPull: the least role that pulls here (the registry is in LegacyRegistryPermissions mode)",
    actions: &["Microsoft.ContainerRegistry/registries/pull/read"],
    data_actions: &[],
};

const REPOSITORY_READER: Least = Least {
    guid: "b93aa761-3e63-49ed-ac28-beffa264f7ac",
    name: "Container Registry Repository Reader",
    why: "Container Registry Repository Reader: the least role that pulls here (the registry is in \
          AbacRepositoryPermissions mode), on the repositories in use only",
    actions: &[],
    data_actions: &[
        "Microsoft.ContainerRegistry/registries/repositories/content/read",
        "Microsoft.ContainerRegistry/registries/repositories/metadata/read",
    ],
};

/// One registry and one identity, with the places of the questions about them.
type Groups<'a> = BTreeMap<(String, String), Group<'a>>;

struct Group<'a> {
    registry: &'a RegistryEntry,
    principal: &'a Principal,
    questions: Vec<usize>,
}

/// One grant for each registry and identity; what a grant would not turn to allowed is held back.
pub(crate) fn propose(facts: &AksFacts, denied: &[&Question], at: Timestamp) -> Proposal {
    let mut proposal = Proposal::default();
    let (groups, others) = group(facts, denied);
    if !others.is_empty() {
        let why = "no role assignment helps a login without a kubelet identity".to_owned();
        proposal.held_back.push(HeldBack { questions: others, why });
    }
    for group in groups.values() {
        match grant(facts, group, denied, at) {
            Ok((change, helped, left)) => {
                let changes = vec![change.id.clone()];
                proposal.remedies.push(Remedy { questions: helped, changes });
                proposal.changes.push(change);
                proposal.held_back.extend(left);
            }
            Err(held) => proposal.held_back.extend(held),
        }
    }
    proposal
}

fn group<'a>(facts: &'a AksFacts, denied: &[&'a Question]) -> (Groups<'a>, Vec<usize>) {
    let (mut groups, mut others) = (Groups::new(), Vec::new());
    for (number, question) in denied.iter().enumerate() {
        let registry = facts.registry(&question.image.registry.lower());
        match (&question.by, registry) {
            (Credential::Principal(principal), Some(registry))
                if crate::cluster::principal(&principal.id).is_some() =>
            {
                let key = (registry.id.clone(), principal.id.to_ascii_lowercase());
                let group = || Group { registry, principal, questions: Vec::new() };
                groups.entry(key).or_insert_with(group).questions.push(number);
            }
            _ => others.push(number),
        }
    }
    (groups, others)
}

type Granted = (Change, Vec<usize>, Vec<HeldBack>);

/// The grant, the questions that it turns, and those that it would not.
fn grant(
    facts: &AksFacts,
    group: &Group<'_>,
    denied: &[&Question],
    at: Timestamp,
) -> Result<Granted, Vec<HeldBack>> {
    let all = |why: String| vec![HeldBack { questions: group.questions.clone(), why }];
    let mode = group.registry.registry.properties.role_assignment_mode.as_deref().unwrap_or_default();
    let role = match mode.to_ascii_lowercase().as_str() {
        "legacyregistrypermissions" => &ACR_PULL,
        "abacrepositorypermissions" => &REPOSITORY_READER,
        _ => {
            return Err(
                all("the registry's role assignment mode is not known, so neither is the role".to_owned()),
            );
        }
    };
    if let Some(name) = in_the_way(group, role) {
        return Err(all(format!(
            "role assignment {name} already gives {} on {} under a condition, and a second one is refused: add the \
             repositories to it with az role assignment update",
            role.name, group.registry.registry.name
        )));
    }
    let whole = change(facts, group, role, &names(denied, &group.questions));
    let (helped, held) = prove(facts, &whole, group, denied, at);
    if helped.is_empty() {
        return Err(held);
    }
    let change = if held.is_empty() { whole } else { change(facts, group, role, &names(denied, &helped)) };
    Ok((change, helped, held))
}

fn names<'a>(denied: &[&'a Question], numbers: &[usize]) -> BTreeSet<&'a str> {
    numbers.iter().map(|number| denied[*number].image.repository.as_str()).collect()
}

/// Azure knows one assignment for a role, an identity and a scope, whatever its condition.
fn in_the_way(group: &Group<'_>, role: &Least) -> Option<String> {
    let Some(Row::Got(grants)) = group.registry.grants.get(&group.principal.id.to_ascii_lowercase()) else {
        return None;
    };
    let same = grants.iter().find(|grant| {
        grant.role == role.guid
            && grant.scope.eq_ignore_ascii_case(&group.registry.id)
            && grant.principal.eq_ignore_ascii_case(&group.principal.id)
    });
    same.map(|grant| grant.name.to_string())
}

/// Weighs the questions on the facts as they would be: those that it turns, and the reasons of the rest.
fn prove(
    facts: &AksFacts,
    change: &Change,
    group: &Group<'_>,
    denied: &[&Question],
    at: Timestamp,
) -> (Vec<usize>, Vec<HeldBack>) {
    let Some(then) = after(facts, &[change]) else { return (Vec::new(), Vec::new()) };
    let (mut helped, mut why): (Vec<usize>, BTreeMap<String, Vec<usize>>) = (Vec::new(), BTreeMap::new());
    for number in &group.questions {
        match judge(then.weigh(denied[*number], at).as_ref(), Mode::Default) {
            Verdict::Allowed { .. } => helped.push(*number),
            Verdict::Denied { because } => {
                let first =
                    because.first().map_or_else(String::new, |one| format!("{}: {}", one.source, one.detail));
                why.entry(format!("no grant would help: {first}")).or_default().push(*number);
            }
            Verdict::Unknown { needing } => {
                let first = needing.first().map_or_else(String::new, |need| need.open.to_string());
                why.entry(format!("a grant would not be proved enough: {first}")).or_default().push(*number);
            }
        }
    }
    (helped, why.into_iter().map(|(why, questions)| HeldBack { questions, why }).collect())
}

fn change(facts: &AksFacts, group: &Group<'_>, role: &Least, repositories: &BTreeSet<&str>) -> Change {
    let Group { registry, principal, .. } = group;
    let (scope, object) = (&registry.registry.id, principal.id.to_ascii_lowercase());
    let text = [&registry.id, &object, role.guid].map(str::to_ascii_lowercase).join("|");
    let name = Uuid::new_v5(&ASSIGNMENTS, text.as_bytes()).to_string();
    let condition = (!role.data_actions.is_empty()).then(|| condition(role, repositories));
    let host = &registry.registry.properties.login_server;
    let document = format!("{scope}{ASSIGNMENT_TYPE}{name}");
    let mut notes = vec![
        Note::new("role", role.why),
        Note::new("principal", format!("{object} ({}; object id, not client id)", principal.name)),
        Note::new("scope", scope.as_str()),
        Note::new("id", format!("{name} (from scope, principal, role: a second run finds it)")),
    ];
    if condition.is_some() {
        let list = repositories.iter().copied().collect::<Vec<_>>().join(", ");
        notes.insert(1, Note::new("condition", format!("only {list}")));
    }
    Change {
        id: name.clone(),
        provider: "aks".to_owned(),
        owner: registry.subscription.clone(),
        target: format!("grant {} on {host} to {}", role.name, principal.name),
        action: Action::Add,
        before: None,
        after: Some(body(registry, &object, role, condition.as_deref())),
        safety: Safety::Safe,
        notes,
        rests_on: rests_on(facts.section(), registry, &object),
        command: command(&name, role, scope, &object, condition.as_deref()),
        import: format!("terraform import azurerm_role_assignment.pull {document}"),
        document,
    }
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

/// The form that Azure's portal writes: other actions pass, these two only for the named repositories.
fn condition(role: &Least, repositories: &BTreeSet<&str>) -> String {
    let actions = role.data_actions.iter().map(|action| format!("!(ActionMatches{{'{action}'}})"));
    let actions = actions.collect::<Vec<_>>().join(" AND ");
    let compare = |name: &&str| {
        format!(
            "@Request[Microsoft.ContainerRegistry/registries/repositories:name] StringEqualsIgnoreCase '{name}'"
        )
    };
    // Azure wants parentheses where an operator joins more than two.
    let names =
        repositories.iter().map(compare).reduce(|all, one| format!("({all} OR {one})")).unwrap_or_default();
    format!("(({actions}) OR ({names}))")
}

fn command(name: &str, role: &Least, scope: &str, object: &str, condition: Option<&str>) -> String {
    let quoted = if role.name.contains(' ') { format!("'{}'", role.name) } else { role.name.to_owned() };
    // Names of repositories hold no quote of either kind.
    let under = condition.map(|text| format!(" --condition-version 2.0 --condition \"{text}\""));
    format!(
        "az role assignment create --name {name} --role {quoted} --scope {scope} --assignee-object-id {object} \
         --assignee-principal-type ServicePrincipal{}",
        under.unwrap_or_default()
    )
}

fn rests_on(section: &Section, registry: &RegistryEntry, object: &str) -> Vec<Fingerprint> {
    let rows = [
        (table::REGISTRIES, registry.subscription.clone()),
        (table::ASSIGNMENTS, format!("{}|{object}", registry.id)),
        (table::DENY, registry.id.clone()),
    ];
    let print = |(table, key): (&str, String)| {
        let content = serde_json::to_string(&section.get(table, &key)).unwrap_or_default();
        let digest = Uuid::new_v5(&ASSIGNMENTS, content.as_bytes()).simple().to_string();
        Fingerprint { reading: format!("{table} {key}"), digest }
    };
    rows.into_iter().map(print).collect()
}

/// The facts with these assignments in them; `None` where a change is none of Azure's.
pub(crate) fn after(facts: &AksFacts, changes: &[&Change]) -> Option<AksFacts> {
    let mut section = facts.section().clone();
    for change in changes {
        let (scope, name) = change.document.split_once(ASSIGNMENT_TYPE)?;
        let mut body = change.after.clone()?;
        body["id"] = json!(change.document);
        body["name"] = json!(name);
        body["properties"]["scope"] = json!(scope);
        let assignment = RoleAssignment::deserialize(&body).ok()?;
        let registry = scope.to_ascii_lowercase();
        let object = assignment.properties.principal_id.to_ascii_lowercase();
        insert(&mut section, table::ASSIGNMENTS, &format!("{registry}|{object}"), &assignment);
        insert(&mut section, table::HOLDERS, &registry, &assignment);
        define(&mut section, &assignment);
    }
    AksFacts::open(&section).ok()
}

/// An unread row stays unread: what else stands there is not known.
fn insert(section: &mut Section, table: &str, key: &str, assignment: &RoleAssignment) {
    let rows = section.tables.get_mut(table).and_then(|rows| rows.get_mut(key));
    if let Some(Read::Got(Value::Array(list))) = rows
        && let Ok(value) = serde_json::to_value(assignment)
    {
        list.push(value);
    }
}

/// The built-in roles are the same in every tenant, so that one that nobody holds yet need not be read.
fn define(section: &mut Section, assignment: &RoleAssignment) {
    let id = assignment.properties.role_definition_id.to_ascii_lowercase();
    let Some(role) = [&ACR_PULL, &REPOSITORY_READER].into_iter().find(|role| id.ends_with(role.guid)) else {
        return;
    };
    if section.get(table::DEFINITIONS, role.guid).is_none() {
        let permissions = json!([{ "actions": role.actions, "dataActions": role.data_actions }]);
        let properties = json!({ "roleName": role.name, "type": "BuiltInRole", "permissions": permissions });
        section.put(
            table::DEFINITIONS,
            role.guid,
            Read::Got(json!({ "name": role.guid, "properties": properties })),
        );
    }
}
