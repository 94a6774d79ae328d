//! Clusters, registries and grants of every kind that an audit reads, in two subscriptions.

use super::azure_fake::{
    Cluster, Deny, Grant, Identity, Paging, Principal, Puller, Registry, Role, SUBSCRIPTION, World, role,
};

const SECOND: &str = "22222222-0000-4000-8000-000000000002";
const APPLICATION: &str = "a9910000-0000-4000-8000-000000000001";
const APPLICATION_OBJECT: &str = "0b1ec700-0000-4000-8000-000000000001";
const PULLERS: &str = "97009000-0000-4000-8000-000000000001";
const CUSTOM: &str = "c0570000-0000-4000-8000-000000000001";
const PEOPLE: &str = "97009000-0000-4000-8000-000000000002";

pub(crate) const IMAGES: [&str; 8] = [
    "legacy.azurecr.io/shop/cart:1",
    "rotated.azurecr.io/shop/web:1",
    "tools.azurecr.io/team/a:1",
    "tools.azurecr.io/other/b:1",
    "locked.azurecr.io/base/nginx:1",
    "closed.azurecr.io/base/redis:1",
    "narrow.azurecr.io/base/java:1",
    "nobodys.azurecr.io/base/java:1",
];

fn kubelet(name: &str) -> String {
    Identity::named(SUBSCRIPTION, &format!("MC_{name}"), &format!("{name}-agentpool")).object_id
}

/// Inherited and direct grants, a group's, one under a condition, one of a custom role; a denial that names a
/// group; networks; a registry that is nobody's.
pub(crate) fn world() -> World {
    let registry = |subscription: &str, name: &str| Registry::new(subscription, "rg-acr", name);
    let (legacy, rotated) = (registry(SUBSCRIPTION, "legacy"), registry(SUBSCRIPTION, "rotated"));
    let (tools, locked) = (registry(SECOND, "tools").abac(), registry(SECOND, "locked"));
    let closed = registry(SECOND, "closed").not_public();
    let narrow = registry(SECOND, "narrow").default_deny();
    let legacy = legacy.cache_rule("hub", "docker.io/library/*", "hub/*", Some("hub")).credential_set(
        "hub",
        "docker.io",
        None,
    );
    let custom = Role::custom(CUSTOM, "acme-puller", &format!("/subscriptions/{SUBSCRIPTION}"));
    let custom = custom.allows(&["Microsoft.ContainerRegistry/registries/pull/read"], &[], &[], &[]);
    let condition = "((!(ActionMatches{'Microsoft.ContainerRegistry/registries/repositories/content/read'}) AND \
                     !(ActionMatches{'Microsoft.ContainerRegistry/registries/repositories/metadata/read'})) OR \
                     (@Request[Microsoft.ContainerRegistry/registries/repositories:name] StringStartsWith 'team/'))";
    let prod = kubelet("prod");
    let grants = [
        Grant::new(&legacy.id(), role::ACR_PULL, &prod),
        Grant::new(&legacy.id(), CUSTOM, APPLICATION_OBJECT),
        Grant::new(&rotated.id(), role::ACR_PULL, "1f0d0000-0000-4000-8000-0000000022c4"),
        Grant::new(&tools.id(), role::REPOSITORY_READER, PULLERS).kind("Group").condition(condition),
        Grant::new(&format!("/subscriptions/{SECOND}"), role::READER, &prod),
    ];
    let old = Cluster { puller: Puller::Application(APPLICATION.to_owned()), ..Cluster::new(SECOND, "rg", "old") };
    let mut world = World::new()
        .subscription(SUBSCRIPTION)
        .subscription(SECOND)
        .cluster(Cluster::new(SUBSCRIPTION, "rg", "prod"))
        .cluster(old)
        .principal(Principal::service(APPLICATION_OBJECT, APPLICATION, "old"))
        .principal(Principal::group(PULLERS, "pullers", &[&prod]))
        .principal(Principal::group(PEOPLE, "people", &[&prod]))
        .role(custom)
        .deny(Deny::new("mrg-lock", &locked.id()).action("*/read").principal(PEOPLE, "Group"))
        .paging(Paging::recorded(2))
        .custom_roles_below();
    world.registries = vec![legacy, rotated, tools, locked, closed, narrow];
    world.grants.extend(grants);
    world
}
