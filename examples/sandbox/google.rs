//! Google Cloud: the nodes of `shop-ew4` run as a new service account; the reader's role on the repository `shop` is
//! still bound to the old one. Nobody here may read the repositories of `vendor-images`.

use super::{Ground, Step};
use pullaudit_google_fake::{CLOUD_PLATFORM, Cluster, DenyPolicy, Fake, Policy, Pool, Repository, World};

const READER: &str = "roles/artifactregistry.reader";
const REPOSITORY: &str = "projects/acme-images/locations/europe-west4/repositories/shop";

/// What is run, and how it ends.
const STEPS: [Step; 8] = [
    ("What is broken?", "audit --provider gke -f apps.yaml", 2),
    ("What would repair it?", "fix --provider gke -f apps.yaml --dry-run", 2),
    ("Repair it.", "fix --provider gke -f apps.yaml --yes --receipt-out repair.receipt.json", 0),
    ("Is all well now?", "audit --provider gke -f apps.yaml", 0),
    ("A second run finds nothing to do.", "fix --provider gke -f apps.yaml --yes", 0),
    (
        "What no grant would repair is held back, with the reason.",
        "fix --provider gke --image europe-west4-docker.pkg.dev/acme-vendor/tools/agent:3.1.4 --yes",
        2,
    ),
    ("Take it back.", "undo repair.receipt.json --yes", 0),
    ("It is as it was.", "audit --provider gke -f apps.yaml", 2),
];

pub(super) fn ground() -> Box<dyn Ground> {
    Box::new(Fake::start(world()))
}

impl Ground for Fake {
    fn name(&self) -> &'static str {
        "Google Cloud"
    }

    fn provider(&self) -> &'static str {
        "gke"
    }

    fn environment(&self) -> Vec<(String, String)> {
        self.env()
    }

    fn apps(&self) -> &'static str {
        include_str!("google.yaml")
    }

    fn steps(&self) -> &'static [Step] {
        &STEPS
    }

    fn state(&self) -> String {
        self.change(|world| format!("{:?}", world.policy_of(REPOSITORY).as_deref().map(Policy::bindings)))
    }

    fn strangers(&self) -> Vec<String> {
        Fake::strangers(self).iter().map(|stranger| format!("{} {}", stranger.verb, stranger.path)).collect()
    }
}

fn world() -> World {
    let account = |name: &str| format!("{name}@acme-prod.iam.gserviceaccount.com");
    let member = |name: &str| format!("serviceAccount:{}", account(name));
    let pool = Pool::new("apps").account(&account("gke-nodes-b")).scopes(&[CLOUD_PLATFORM]);
    let policy = Policy::new()
        .bind("roles/artifactregistry.writer", "user:release@acme.example")
        .bind(READER, &member("gke-nodes-a"));
    World::new()
        .organization("900100200300")
        .project("acme-prod", 100_200_300_400, "organizations/900100200300")
        .project("acme-images", 500_600_700_800, "organizations/900100200300")
        .project("acme-vendor", 700_800_900_100, "organizations/900100200300")
        .account(&account("gke-nodes-a"))
        .account(&account("gke-nodes-b"))
        .cluster(Cluster::new("acme-prod", "europe-west4", "shop-ew4").pool(pool))
        .repository(Repository::new("acme-images", "europe-west4", "shop").policy(policy))
        .repository(Repository::new("acme-vendor", "europe-west4", "tools"))
        .deny(DenyPolicy::new(
            "projects/acme-vendor",
            "nobody-pulls",
            &["principalSet://goog/public:all"],
            &["artifactregistry.googleapis.com/repositories.downloadArtifacts"],
        ))
}
