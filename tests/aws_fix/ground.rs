//! What the tests of repairs on AWS share: roles that lack something, repositories of another account, and the
//! program beside them. Every test has a repository of its own.

use crate::live::{self, Fleet, OTHER, OWN, Place, REGION, Ran, document};
use crate::servers::aws::{Keys, Pair};
use crate::servers::kubernetes::ADMIN;
use crate::servers::proxy::Recorded;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Once;

/// A cluster whose nodes nobody gave a right to pull.
pub(crate) const BARE: &str = "bare";
/// Another such one, for what needs both halves.
pub(crate) const HALVES: &str = "halves";
/// One whose role has such a right to give, but no room for another inline policy.
pub(crate) const CROWDED: &str = "crowded";
/// A pool whose role pulls whatever a repository's owner lets it.
pub(crate) const GENERAL: &str = "prod/general";

/// What somebody else wrote, as they spaced it, with a field that pullaudit does not know.
pub(crate) const FOREIGN: &str = r#"{ "Version" : "2008-10-17", "Id" : "kept",
  "Statement" : [ { "Sid" : "LambdaECRImageRetrievalPolicy", "Effect" : "Allow", "Principal" : { "Service" : "lambda.amazonaws.com" },
    "Action" : [ "ecr:GetDownloadUrlForLayer", "ecr:BatchGetImage" ],
    "Condition" : { "StringLike" : { "aws:sourceArn" : "arn:aws:lambda:us-east-1:222233334444:function:*" } } } ] }"#;

/// Repositories of the other account with that policy.
const KEPT: [&str; 7] = ["kept", "both", "moved", "raced", "refused", "lost", "edited"];
/// Two for each test that kills.
const PAIRS: [&str; 6] =
    ["undone/first", "undone/second", "ended/first", "ended/second", "contested/first", "contested/second"];

fn prepare(fleet: &Fleet) {
    let allow = |actions: Value| document(&json!([{ "Effect": "Allow", "Resource": "*", "Action": actions }]));
    let trust = document(&json!([{ "Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": { "AWS": format!("arn:aws:iam::{OWN}:root") } }]));
    let rights = allow(json!([
        "ecr:Describe*",
        "ecr:Get*",
        "ecr:SetRepositoryPolicy",
        "ecr:DeleteRepositoryPolicy",
        "eks:ListClusters"
    ]));
    let full: Vec<String> =
        (0..263).map(|number| format!("s3:GetObjectNumber{number:03}InThisLongList")).collect();
    let cluster = |role: &str| {
        json!({ "accessConfig": { "authenticationMode": "API" }, "nodegroups": { "apps": { "nodeRole": role } },
            "accessEntries": [{ "principalArn": role, "type": "EC2_LINUX" }] })
    };
    let kept = KEPT.iter().map(|name| format!("ledger/{name}")).chain(PAIRS.map(str::to_owned));
    let mut repositories: serde_json::Map<String, Value> =
        kept.map(|name| (name, json!({ "policy": FOREIGN }))).collect();
    let dead = live::pulls(&json!({ "AWS": format!("{{{{roleId:{OWN}/gone@before}}}}") }));
    repositories.insert("ledger/dead".to_owned(), json!({ "policy": dead }));
    fleet.aws.seed(&json!({ "accounts": {
        OWN: {
            "roles": {
                "gone": { "deleted": true },
                BARE: { "inline": { "nodes": allow(json!(["ec2:DescribeInstances"])) } },
                HALVES: {},
                CROWDED: { "inline": { "full": allow(json!(full)) } },
            },
            "repositories": { REGION: { "team/crowded": {}, "team/bare": {} } },
            "clusters": { REGION: { BARE: cluster(BARE), HALVES: cluster(HALVES), CROWDED: cluster(CROWDED) } },
        },
        OTHER: {
            "roles": { "repairer": { "trust": trust, "inline": { "write": rights } } },
            "repositories": { REGION: repositories },
        },
    } }));
}

/// A run against one image on one cluster or pool.
pub(crate) struct Ground {
    pub(crate) place: Place,
    fleet: &'static Fleet,
    what: Vec<String>,
    pair: Pair,
}

impl Ground {
    /// `where_` is a cluster, or a cluster and pool; `role` is whose pull is tried.
    pub(crate) fn new(test: &str, where_: &str, role: &str, account: &str, repository: &str) -> Option<Self> {
        static ONCE: Once = Once::new();
        let fleet = live::shared(test)?;
        ONCE.call_once(|| prepare(fleet));
        let place = fleet.place(&Keys::root(OWN), Some(ADMIN));
        let config = std::fs::read_to_string(&place.config).unwrap().replace("role/pullaudit", "role/repairer");
        std::fs::write(&place.config, config).unwrap();
        let image = format!("{account}.dkr.ecr.{REGION}.amazonaws.com/{repository}:1.0");
        let what = ["--cluster", where_, "--image", &image].map(str::to_owned).to_vec();
        let pair = Pair::new(&format!("arn:aws:iam::{OWN}:role/{role}"), account, repository);
        Some(Self { place, fleet, what, pair })
    }

    /// The same with the rights of a role of the own account.
    pub(crate) fn with_role(mut self, role: &str) -> Self {
        self.place = self.fleet.place(&self.fleet.assume(role), Some(ADMIN));
        self
    }

    /// Asks about another image as well.
    pub(crate) fn and(mut self, repository: &str) -> Self {
        let image = format!("{}.dkr.ecr.{REGION}.amazonaws.com/{repository}:1.0", self.pair.account);
        self.what.extend(["--image".to_owned(), image]);
        self
    }

    /// The arguments that say what is asked.
    pub(crate) fn what(&self) -> &[String] {
        &self.what
    }

    pub(crate) fn run(&self, command: &str, more: &[&str]) -> Ran {
        let what: Vec<&str> = self.what.iter().map(String::as_str).collect();
        self.place.run(command, &[&what[..], more].concat())
    }

    /// Saves a plan, and writes nothing.
    pub(crate) fn plan(&self, more: &[&str]) -> Ran {
        self.run("fix", &[&["--dry-run", "--plan-out", &self.file("plan.json")][..], more].concat())
    }

    pub(crate) fn fix(&self, more: &[&str]) -> Ran {
        let receipt = self.file("fix.receipt.json");
        self.run("fix", &[&["--yes", "--receipt-out", &receipt, "--verify-timeout", "10s"][..], more].concat())
    }

    pub(crate) fn apply(&self, more: &[&str]) -> Ran {
        let receipt = self.file("apply.receipt.json");
        let all = [&self.file("plan.json"), "--yes", "--receipt-out", &receipt, "--verify-timeout", "10s"];
        self.place.run("apply", &[&all[..], more].concat())
    }

    pub(crate) fn undo(&self) -> Ran {
        self.place.run("undo", &[&self.file("fix.receipt.json"), "--yes", "--verify-timeout", "10s"])
    }

    pub(crate) fn file(&self, name: &str) -> String {
        self.place.folder.path().join(name).display().to_string()
    }

    /// What an audit says, and whether the emulator lets the role itself pull: they must agree.
    #[track_caller]
    pub(crate) fn expect(&self, verdict: &str) {
        let report = self.run("audit", &["-o", "json"]).report();
        let checks = report["checks"].as_array().unwrap();
        let words: BTreeSet<&str> = checks.iter().map(|check| check["verdict"].as_str().unwrap()).collect();
        assert_eq!(words, BTreeSet::from([verdict]), "{report:#}");
        let pull = self.fleet.aws.ask(std::slice::from_ref(&self.pair)).remove(0);
        assert_eq!(pull.allowed(), verdict == "allowed", "{verdict}, and enforced: {pull:?}");
    }

    /// The repository's policy, letter by letter.
    pub(crate) fn policy(&self) -> String {
        self.policy_of(&self.pair.repository)
    }

    pub(crate) fn policy_of(&self, repository: &str) -> String {
        self.policies_of([repository]).concat()
    }

    pub(crate) fn policies_of<const N: usize>(&self, repositories: [&str; N]) -> [String; N] {
        let facts = self.run("collect", &["-o", "-"]).report();
        repositories.map(|repository| {
            let key = format!("{}/{REGION}/{repository}", self.pair.account);
            let row = &facts["facts"]["eks"]["repositoryPolicies"][key];
            row["got"]["text"].as_str().unwrap_or_else(|| panic!("{row}")).to_owned()
        })
    }

    /// What somebody else writes there.
    pub(crate) fn edit(&self, policy: &str) {
        edit(self.fleet, &self.pair, policy);
    }

    /// The same in another repository of that account.
    pub(crate) fn edit_of(&self, repository: &str, policy: &str) {
        edit(self.fleet, &Pair { repository: repository.to_owned(), ..self.pair.clone() }, policy);
    }

    /// The same at a later moment.
    pub(crate) fn editor(&self, policy: &str) -> impl Fn() + Send + Sync + use<> {
        self.editor_of(&self.pair.repository, policy)
    }

    /// The same in another repository of that account.
    pub(crate) fn editor_of(&self, repository: &str, policy: &str) -> impl Fn() + Send + Sync + use<> {
        let pair = Pair { repository: repository.to_owned(), ..self.pair.clone() };
        let (fleet, policy) = (self.fleet, policy.to_owned());
        move || edit(fleet, &pair, &policy)
    }

    /// Calls that change something, in their order.
    pub(crate) fn writes(&self) -> Vec<String> {
        let calls = self.place.proxy.calls().into_iter().map(|recorded| recorded.call.operation);
        calls.filter(|operation| is_write(operation)).collect()
    }

    /// How many of them were answered, and well: a client that was killed gets no answer, and may be noted late.
    pub(crate) fn answered_writes(&self) -> usize {
        let calls = self.place.proxy.calls();
        let well = |recorded: &&Recorded| recorded.status == Some(200) && is_write(&recorded.call.operation);
        calls.iter().filter(well).count()
    }

    pub(crate) fn count(&self, operation: &str) -> usize {
        self.place.proxy.calls().iter().filter(|recorded| recorded.call.operation == operation).count()
    }
}

fn is_write(operation: &str) -> bool {
    ["Set", "Put", "Delete", "Attach", "Detach"].iter().any(|verb| operation.starts_with(verb))
}

fn edit(fleet: &Fleet, pair: &Pair, policy: &str) {
    fleet.aws.seed(&json!({ "accounts": { &pair.account: { "repositories": { REGION: {
        &pair.repository: { "there": true, "policy": policy } } } } } }));
}

impl Ran {
    #[track_caller]
    pub(crate) fn ends(&self, code: i32) -> &Self {
        assert_eq!(self.code, code, "{}\n{}", self.out, self.err);
        self
    }

    /// Wherever its lines break.
    #[track_caller]
    pub(crate) fn says(&self, text: &str) -> &Self {
        let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let said = words(&self.out).contains(text) || words(&self.err).contains(text);
        assert!(said, "no {text:?} in\n{}\n{}", self.out, self.err);
        self
    }
}
