//! Who there is in the directory, and who is gone.

use super::identity::tenant_of;
use super::needs::object_id;
use super::operation::{GET_APPLICATION, GET_DIRECTORY_OBJECTS};
use super::registries::Target;
use super::service::read;
use super::trouble::Trouble;
use super::{Azure, rights};
use crate::facts::{Application, RoleAssignment, ServicePrincipal, table};
use crate::remedy::is_least;
use azure_core::credentials::TokenCredential;
use futures_util::future::{join, join_all};
use pullaudit_core::{Obstacle, Open, Read, Section};
use serde::Deserialize;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

/// So many ids are taken in one call.
///
/// Source: Microsoft Graph, "directoryObject: getByIds".
const MOST: usize = 1000;

#[derive(Deserialize)]
struct Found {
    value: Vec<ServicePrincipal>,
    #[serde(default, rename = "@odata.nextLink")]
    next: Option<String>,
}

/// Object ids that hold a least grant on a registry itself and that no question is about, in lower case.
pub(crate) fn strangers(holders: &[RoleAssignment], registry: &str, asked: &BTreeSet<String>) -> BTreeSet<String> {
    let here = |grant: &&RoleAssignment| grant.properties.scope.eq_ignore_ascii_case(registry) && is_least(grant);
    let ids = holders.iter().filter(here).filter_map(|grant| object_id(&grant.properties.principal_id));
    ids.filter(|id| !asked.contains(id)).collect()
}

/// Fills the tables about who pulls and who else holds a least grant: one call for each thousand of them, and one for
/// each application that a cluster pulls as.
pub(crate) async fn collect(azure: &Azure, targets: &[Target], section: &mut Section) {
    let asked: BTreeSet<&String> = targets.iter().flat_map(|target| &target.objects).collect();
    let mut ids = rights::strangers(targets, section);
    ids.extend(asked.iter().map(|id| (*id).clone()));
    let applications: BTreeMap<String, ServicePrincipal> =
        asked.iter().filter_map(|object| Some(((*object).clone(), azure.known.of(object).application?))).collect();
    let registered: BTreeSet<String> =
        applications.values().filter_map(|one| one.app_id.as_ref()).map(|id| id.to_ascii_lowercase()).collect();
    let (found, bodies) =
        join(principals(azure, &ids, targets), join_all(registered.iter().map(|id| application(azure, id)))).await;
    for (id, reading) in found {
        let reading = match applications.get(&id) {
            Some(listed) => Read::Got(united(listed, &reading)),
            None => reading,
        };
        section.store(table::PRINCIPALS, id, reading);
    }
    for (id, body) in registered.iter().zip(bodies) {
        section.store(table::APPLICATIONS, id.as_str(), body);
    }
    for object in asked {
        let known = azure.known.of(object);
        if !known.lookalikes.is_empty() {
            section.store(table::LOOKALIKES, object.as_str(), Read::Got(known.lookalikes));
        }
        if !known.system.is_empty() {
            section.store(table::SYSTEM_REGISTRIES, object.as_str(), Read::Got(known.system));
        }
    }
}

/// Two answers about one object: each may hold what the other leaves out.
fn united(listed: &ServicePrincipal, read: &Read<ServicePrincipal>) -> ServicePrincipal {
    let other = read.got().cloned().unwrap_or_default();
    ServicePrincipal {
        account_enabled: listed.account_enabled.or(other.account_enabled),
        password_credentials: listed.password_credentials.clone().or(other.password_credentials),
        service_principal_type: listed.service_principal_type.clone().or(other.service_principal_type),
        ..listed.clone()
    }
}

/// A reading for each id. One that the directory does not have is gone only where the directory is that of the
/// registries: in another tenant's nobody would be found.
async fn principals(
    azure: &Azure,
    ids: &BTreeSet<String>,
    targets: &[Target],
) -> BTreeMap<String, Read<ServicePrincipal>> {
    let all: Vec<&String> = ids.iter().collect();
    let mut readings = BTreeMap::new();
    for some in all.chunks(MOST) {
        let known = ask(azure, some).await;
        for id in some {
            let reading = match &known {
                Ok(known) => known.get(*id).map_or(Read::Absent, |found| Read::Got(found.clone())),
                Err(trouble) => Read::Unread(trouble.open(format!("principal {id}"), "the tenant")),
            };
            readings.insert((*id).clone(), reading);
        }
    }
    if readings.values().any(|reading| *reading == Read::Absent) {
        let subscriptions: BTreeSet<&str> = targets.iter().map(|target| target.subscription.as_str()).collect();
        if let Some(why) = foreign(azure, &subscriptions).await {
            for (id, reading) in readings.iter_mut().filter(|(_, reading)| **reading == Read::Absent) {
                let action = GET_DIRECTORY_OBJECTS.action;
                let open = Open::unread(format!("principal {id}"), action, "the tenant", why.clone());
                *reading = Read::Unread(open);
            }
        }
    }
    readings
}

/// Why the directory that was asked may be another tenant's than that of these subscriptions; `None` where it is theirs.
async fn foreign(azure: &Azure, subscriptions: &BTreeSet<&str>) -> Option<Obstacle> {
    let blocked = |why: String| Some(Obstacle::Blocked(why.into()));
    let seen = match azure.subscriptions.seen(azure).await {
        Ok(seen) => seen,
        Err(trouble) => {
            return blocked(format!("the tenant of the subscription is not known: {}", trouble.detail));
        }
    };
    let own = azure.tenant().await;
    let tenants: BTreeSet<&str> = seen.iter().map(|one| one.tenant_id.as_str()).collect();
    for subscription in subscriptions {
        let Some(known) = seen.iter().find(|one| one.subscription_id.eq_ignore_ascii_case(subscription)) else {
            return blocked(format!(
                "the tenant of subscription {subscription} is not known: the sign-in does not list it"
            ));
        };
        let ours = match &own {
            Some(own) => own.eq_ignore_ascii_case(&known.tenant_id),
            None => known.managed_by_tenants.is_empty() && tenants.len() == 1,
        };
        if !ours {
            return blocked(format!(
                "subscription {subscription} is of tenant {0}, and the sign-in may be of another one: az login --tenant {0}",
                known.tenant_id
            ));
        }
    }
    None
}

impl Azure {
    /// The tenant that Microsoft Graph answers for, where the token tells.
    async fn tenant(&self) -> Option<String> {
        let token = self.credential.get_token(&[self.graph_scope.as_str()], None).await.ok()?;
        tenant_of(token.token.secret())
    }
}

/// The registration of an application; absent where it is another tenant's.
async fn application(azure: &Azure, id: &str) -> Read<Application> {
    let path = format!("/{}/applications(appId='{id}')", GET_APPLICATION.version);
    let answer: Result<Application, Trouble> =
        azure.graph.get(GET_APPLICATION, &path, "$select=appId,passwordCredentials").await;
    let answer = match answer {
        Ok(found) if !found.app_id.eq_ignore_ascii_case(id) => {
            Err(Trouble::failed(GET_APPLICATION, "the answer is about another application"))
        }
        answer => answer,
    };
    read(answer, &["Request_ResourceNotFound"], format!("application {id}"), "the tenant")
}

/// Whether an identity is in the directory right now.
#[derive(Debug)]
pub(crate) enum Presence {
    There,
    Gone,
    /// It could not be told, and why.
    Unknown(String),
}

/// Looks an identity up that holds, or is to hold, a grant at a scope.
pub(crate) async fn presence(azure: &Azure, object: &String, scope: &str) -> Presence {
    match ask(azure, &[object]).await {
        Ok(known) if !known.is_empty() => Presence::There,
        Ok(_) => {
            let subscription = scope.split('/').nth(2).unwrap_or_default().to_ascii_lowercase();
            match foreign(azure, &[subscription.as_str()].into()).await {
                Some(Obstacle::Blocked(why)) => Presence::Unknown(why.to_string()),
                Some(_) => Presence::Unknown("the tenant of the subscription is not known".to_owned()),
                None => Presence::Gone,
            }
        }
        Err(trouble) => Presence::Unknown(trouble.wanting()),
    }
}

async fn ask(azure: &Azure, ids: &[&String]) -> Result<BTreeMap<String, ServicePrincipal>, Trouble> {
    let path = format!("/{}/directoryObjects/getByIds", GET_DIRECTORY_OBJECTS.version);
    let found: Found = azure.graph.query(GET_DIRECTORY_OBJECTS, &path, &json!({ "ids": ids })).await?;
    let cut = found.next.is_some_and(|next| !next.is_empty());
    if cut || found.value.iter().any(|one| one.id.is_empty()) {
        let why = "the answer is cut short, or holds an object without an id";
        return Err(Trouble::failed(GET_DIRECTORY_OBJECTS, why));
    }
    Ok(found.value.into_iter().map(|one| (one.id.to_ascii_lowercase(), one)).collect())
}
