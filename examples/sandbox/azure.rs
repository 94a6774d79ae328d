//! Azure: the cluster `prod-weu-1` was given a new kubelet identity; `AcrPull` on `acmeprod` is still held by the old
//! one. `acmevendor` has a deny assignment, which no grant overcomes.

use super::azure_fake::{Cluster, Deny, Fake, Grant, Identity, Pool, Registry, World, role};
use super::{Ground, Step};

const SUBSCRIPTION: &str = "11111111-aaaa-4bbb-8ccc-000000000001";

/// What is run, and how it ends.
const STEPS: [Step; 8] = [
    ("What is broken?", "audit --provider aks -f apps.yaml", 2),
    ("What would repair it?", "fix --provider aks -f apps.yaml --dry-run", 2),
    ("Repair it.", "fix --provider aks -f apps.yaml --yes --receipt-out repair.receipt.json", 0),
    ("Is all well now?", "audit --provider aks -f apps.yaml", 0),
    ("A second run finds nothing to do.", "fix --provider aks -f apps.yaml --yes", 0),
    (
        "What no grant would repair is held back, with the reason.",
        "fix --provider aks --image acmevendor.azurecr.io/agent:3.1.4 --yes",
        2,
    ),
    ("Take it back.", "undo repair.receipt.json --yes", 0),
    ("It is as it was.", "audit --provider aks -f apps.yaml", 2),
];

pub(super) fn ground() -> Box<dyn Ground> {
    Box::new(Fake::start(world()))
}

impl Ground for Fake {
    fn name(&self) -> &'static str {
        "Azure"
    }

    fn provider(&self) -> &'static str {
        "aks"
    }

    fn environment(&self) -> Vec<(String, String)> {
        self.env()
    }

    fn apps(&self) -> &'static str {
        include_str!("azure.yaml")
    }

    fn steps(&self) -> &'static [Step] {
        &STEPS
    }

    fn state(&self) -> String {
        self.change(|world| format!("{:?}", world.grants))
    }

    fn strangers(&self) -> Vec<String> {
        Fake::strangers(self).iter().map(|stranger| format!("{} {}", stranger.method, stranger.path)).collect()
    }
}

fn world() -> World {
    let identity = |name: &str| Identity::named(SUBSCRIPTION, "MC_rg-prod_prod-weu-1", name);
    let cluster = Cluster::new(SUBSCRIPTION, "rg-prod", "prod-weu-1");
    let pools = vec![Pool::new("apps", 3), Pool::new("batch", 2)];
    let cluster = Cluster { pools, ..cluster.kubelet(identity("aks-kubelet-b")) };
    let registry = |name: &str| Registry::new(SUBSCRIPTION, "rg-acr", name);
    let (prod, base, vendor) = (registry("acmeprod"), registry("acmebase"), registry("acmevendor"));
    let former = Grant::new(&prod.id(), role::ACR_PULL, &identity("aks-kubelet-a").object_id);
    let kept = Grant::new(&base.id(), role::ACR_PULL, &identity("aks-kubelet-b").object_id);
    let locked = Deny::new("mrg-lock", &vendor.id()).action("Microsoft.ContainerRegistry/registries/pull/read");
    World::new()
        .subscription(SUBSCRIPTION)
        .cluster(cluster)
        .registry(prod)
        .registry(base)
        .registry(vendor)
        .deny(locked.everybody())
        .grant(former)
        .grant(kept)
}
