//! A registry-only cloud in one file: what it takes to teach pullaudit another registry.
//!
//! `registry.toy.example` lets everybody pull what lies under `public/` and nobody else anything. The
//! cluster in the example is an EKS one; its kubelet has no credential for this host, so it asks without
//! a login. Run it: `cargo run --example toy_registry`

use async_trait::async_trait;
use jiff::Timestamp;
use pullaudit::assess::Judging;
use pullaudit::clouds::Clouds;
use pullaudit::config::Config;
use pullaudit::fix_line::FixLine;
use pullaudit::report::{Paint, People, people};
use pullaudit::settings::Settings;
use pullaudit::{cli, pipeline};
use pullaudit_core::{
    Claim, Code, CodeRow, CollectError, CoreFinding, Credential, Facts, Inventory, Mode, Notice, Owner, Provider,
    Question, Read, Registries, Registry, Section, Severity, Snapshot, SnapshotError,
};
use serde_json::json;

static CODES: &[CodeRow] = &[CodeRow {
    name: "toy-private",
    severity: Severity::High,
    rank: 50,
    meaning: "The project of this registry is private.",
    how: "Somebody made it so.",
    fix: "Make it public in the registry's settings.",
}];

/// The registry. A real one would hold a client here.
struct Toy;

#[async_trait]
impl Registries for Toy {
    fn owner(&self, registry: &Registry) -> Option<Owner> {
        let ours = registry.lower() == "registry.toy.example";
        ours.then_some(Owner { provider: "toy", scope: None, location: None, plugin: None })
    }

    /// One row an API answer: here, which projects are public.
    async fn collect(&self, _: &[Question]) -> Result<Section, CollectError> {
        let mut section = Section::default();
        section.put("projects", "public", Read::Got(json!({"public": true})));
        section.put("projects", "private", Read::Got(json!({"public": false})));
        Ok(section)
    }

    fn open(&self, section: &Section) -> Result<Box<dyn Facts>, SnapshotError> {
        Ok(Box::new(ToyFacts(section.clone())))
    }
}

struct ToyFacts(Section);

impl Facts for ToyFacts {
    fn weigh(&self, question: &Question, _: Timestamp) -> Option<Claim> {
        let project = question.image.repository.split('/').next()?;
        let source = format!("project {project}");
        let code = Code(&CODES[0]);
        match self.0.get("projects", project)? {
            Read::Unread(open) => Some(Claim::open(code, source, "may be private", vec![open.clone()])),
            Read::Got(settings) if settings["public"] == json!(true) && question.by == Credential::Anonymous => {
                Some(Claim::yes(CoreFinding::Allowed.code(), source, "is public"))
            }
            Read::Got(_) | Read::Absent => Some(Claim::no(code, source, "is private")),
        }
    }

    fn notices(&self, _: Timestamp, _: &Inventory) -> Vec<Notice> {
        Vec::new()
    }
}

/// One pool and two workloads, as `pullaudit collect` would have found them.
fn snapshot(facts: &Section) -> Result<Snapshot, serde_json::Error> {
    let workload = |name: &str, image: &str| {
        json!({"cluster": "c", "namespace": "default", "kind": "Deployment", "name": name, "pools": ["general"],
               "containers": [{"name": "app", "type": "container", "image": image}]})
    };
    serde_json::from_value(json!({
        "schema": "pullaudit/snapshot/1",
        "takenAt": "2026-11-25T12:00:00Z",
        "clusters": [{"id": "c", "provider": "eks", "name": "dev", "location": "eu-west-1", "scope": "111122223333",
            "reachable": true, "pools": [{"cluster": "c", "name": "general", "identity": {"got": {
                "kind": "nodeRole", "id": "arn:aws:iam::111122223333:role/dev", "name": "dev"}}}]}],
        "workloads": [
            workload("open", "registry.toy.example/public/web:1"),
            workload("shut", "registry.toy.example/private/web:1"),
        ],
        "facts": {"toy": facts},
    }))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let settings = Settings::without_config(cli::Select::default(), cli::Reading::default());
    let toy = Provider {
        name: "toy",
        codes: CODES,
        clusters: None,
        registries: Some(Box::new(Toy)),
        writer: None,
        permissions: None,
        own_word: |_| false,
        login_lasts: |_, _| None,
    };
    let clouds = Clouds::of(vec![pullaudit_eks::Eks::provider(settings.eks()), toy]);

    let snapshot = snapshot(&Toy.collect(&[]).await?)?;
    let judging = Judging { at: snapshot.taken_at, mode: Mode::Default };
    let report = pipeline::report(&snapshot, &[], &clouds, &Config::default(), judging, &FixLine::default())?;
    print!(
        "{}",
        people(
            &report,
            People {
                paint: Paint(false),
                all: true,
                elapsed: None,
                ending: "Drift found: 1 pull denied (exit 2)"
            }
        )
    );
    anyhow::ensure!(report.summary.allowed == 1 && report.summary.denied == 1, "the toy judges as it should");
    Ok(())
}
