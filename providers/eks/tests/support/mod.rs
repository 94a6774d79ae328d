//! A small world of facts that tests change one thing at a time.
#![allow(dead_code, clippy::needless_pass_by_value)]

pub(crate) mod repair;

use jiff::Timestamp;
use pullaudit_core::{
    AccountToken, Claim, Credential, Fact, Facts, Holds, ImageRef, Mode, Obstacle, Open, Principal, PrincipalKind,
    Question, Read, Section, Vantage, Verdict, judge,
};
use pullaudit_eks::facts::table;
use pullaudit_eks::weigh::EksFacts;
use serde_json::{Value, json};

pub(crate) const OWN: &str = "111122223333";
pub(crate) const OTHER: &str = "444455556666";
pub(crate) const REGION: &str = "eu-central-1";
pub(crate) const ROLE: &str = "node";
pub(crate) const ROLE_ARN: &str = "arn:aws:iam::111122223333:role/eks/node";
pub(crate) const ROLE_ID: &str = "AROAEXAMPLEROLE00M2D";
pub(crate) const DEAD_ID: &str = "AROAEXAMPLEROLE00X7Q";
pub(crate) const BOUNDARY: &str = "arn:aws:iam::111122223333:policy/boundary";
pub(crate) const ATTACHED: &str = "arn:aws:iam::111122223333:policy/pull";
pub(crate) const REPOSITORY: &str = "ledger/api";
pub(crate) const ISSUER: &str = "oidc.eks.eu-central-1.amazonaws.com/id/0A1B2C";
pub(crate) const FORMER: &str = "oidc.eks.eu-central-1.amazonaws.com/id/9F8E7D";
pub(crate) const SUBJECT: &str = "system:serviceaccount:ledger:api";

/// A role, a registry with one repository, and a question about them.
#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) section: Section,
    /// Account of the registry.
    pub(crate) owner: String,
    pub(crate) by: Credential,
    pub(crate) image: String,
    pub(crate) at: Timestamp,
}

pub(crate) fn document(value: &Value) -> Read<Value> {
    text(&value.to_string())
}

pub(crate) fn text(text: &str) -> Read<Value> {
    Read::Got(json!({ "text": text }))
}

pub(crate) fn policy(statements: Value) -> Value {
    json!({"Version": "2012-10-17", "Statement": statements})
}

/// The three actions of a pull on everything.
pub(crate) fn pull_all() -> Value {
    json!({"Sid": "Pull", "Effect": "Allow", "Resource": "*",
        "Action": ["ecr:GetAuthorizationToken", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]})
}

/// The token alone.
pub(crate) fn token_only() -> Value {
    json!({"Effect": "Allow", "Resource": "*", "Action": "ecr:GetAuthorizationToken"})
}

/// The two actions on the repository, to a principal.
pub(crate) fn grant(principal: Value) -> Value {
    json!({"Sid": "Pull", "Effect": "Allow", "Principal": principal,
        "Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]})
}

pub(crate) fn refused(reading: &str) -> Read<Value> {
    Read::Unread(Open::unread(reading, format!("read {reading}"), "account", Obstacle::Refused))
}

pub(crate) fn failed(reading: &str) -> Read<Value> {
    let obstacle = Obstacle::Failed("HTTP 500".into());
    Read::Unread(Open::unread(reading, format!("read {reading}"), "account", obstacle))
}

pub(crate) fn role_arn(principal: &str) -> Credential {
    let name = principal.rsplit('/').next().unwrap_or(principal).to_owned();
    Credential::Principal(Principal::new(PrincipalKind::NodeRole, principal, name))
}

/// ARN of the identity provider that vouches for an issuer.
pub(crate) fn vouching(issuer: &str) -> String {
    format!("arn:aws:iam::{OWN}:oidc-provider/{issuer}")
}

pub(crate) fn token() -> AccountToken {
    AccountToken {
        issuer: Some(ISSUER.to_owned()),
        audience: Some("sts.amazonaws.com".to_owned()),
        subject: SUBJECT.to_owned(),
    }
}

/// A role as a service account takes it on.
pub(crate) fn taken_on(role: &str, token: Option<AccountToken>) -> Credential {
    let kind = PrincipalKind::ServiceAccountRole;
    Credential::Principal(Principal { token: token.map(Box::new), ..Principal::new(kind, role, "node") })
}

/// What eksctl and Terraform's module write.
pub(crate) fn usual_trust() -> Value {
    json!({"Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity", "Principal": {"Federated": vouching(ISSUER)},
        "Condition": {"StringEquals": {
            format!("{ISSUER}:sub"): SUBJECT, format!("{ISSUER}:aud"): "sts.amazonaws.com"}}})
}

impl World {
    /// The role and the registry belong to one account; the role may nothing.
    pub(crate) fn one_account() -> Self {
        Self::new(OWN)
    }

    /// The registry belongs to another account.
    pub(crate) fn two_accounts() -> Self {
        Self::new(OTHER)
    }

    fn new(owner: &str) -> Self {
        let mut section = Section::default();
        let role = format!("{OWN}/{ROLE}");
        section.put(table::ROLES, &role, Read::Got(json!({"arn": ROLE_ARN, "roleId": ROLE_ID})));
        section.put(table::ATTACHED, &role, Read::Got(json!([])));
        section.put(table::INLINE_NAMES, &role, Read::Got(json!([])));
        let registry = format!("{owner}/{REGION}");
        section.put(table::REGISTRY_POLICIES, &registry, Read::Absent);
        section.put(table::ACCOUNT_SETTINGS, &registry, Read::Got(json!({"registryPolicyScope": "V2"})));
        section.put(table::PULL_THROUGH, &registry, Read::Got(json!([])));
        let key = format!("{registry}/{REPOSITORY}");
        let arn = format!("arn:aws:ecr:{REGION}:{owner}:repository/{REPOSITORY}");
        section.put(table::REPOSITORIES, &key, Read::Got(json!({"arn": arn})));
        section.put(table::REPOSITORY_POLICIES, &key, Read::Absent);
        section.put(table::IMAGES, format!("{key}:v1"), Read::Got(json!({"digest": "sha256:11"})));
        for account in [OWN, owner] {
            let arn = format!("arn:aws:sts::{account}:assumed-role/reader/x");
            section.put(table::READERS, account, Read::Got(json!({ "arn": arn })));
        }
        Self {
            section,
            owner: owner.to_owned(),
            by: role_arn(ROLE_ARN),
            image: format!("{owner}.dkr.ecr.{REGION}.amazonaws.com/{REPOSITORY}:v1"),
            at: "2026-11-25T14:00:00Z".parse().unwrap(),
        }
    }

    /// The role has this one inline policy.
    pub(crate) fn inline(self, document: &Value) -> Self {
        self.inline_text(&document.to_string())
    }

    pub(crate) fn inline_text(mut self, document: &str) -> Self {
        self.section.put(table::INLINE_NAMES, format!("{OWN}/{ROLE}"), Read::Got(json!(["own"])));
        self.section.put(table::INLINE, format!("{OWN}/{ROLE}/own"), text(document));
        self
    }

    pub(crate) fn attached(mut self, document: &Value) -> Self {
        self.section.put(table::ATTACHED, format!("{OWN}/{ROLE}"), Read::Got(json!([ATTACHED])));
        self.section.put(table::POLICIES, ATTACHED, self::document(document));
        self
    }

    pub(crate) fn boundary(mut self, document: &Value) -> Self {
        let role = json!({"arn": ROLE_ARN, "roleId": ROLE_ID, "boundary": BOUNDARY});
        self.section.put(table::ROLES, format!("{OWN}/{ROLE}"), Read::Got(role));
        self.section.put(table::POLICIES, BOUNDARY, self::document(document));
        self
    }

    pub(crate) fn tags(mut self, tags: Value) -> Self {
        let role = json!({"arn": ROLE_ARN, "roleId": ROLE_ID, "tags": tags});
        self.section.put(table::ROLES, format!("{OWN}/{ROLE}"), Read::Got(role));
        self
    }

    /// A service account takes the role on, which this policy says; its account knows the cluster's issuer.
    pub(crate) fn trusting(mut self, statements: Value) -> Self {
        self.section.put(table::TRUST_POLICIES, format!("{OWN}/{ROLE}"), document(&policy(statements)));
        let known = json!({ "audiences": ["sts.amazonaws.com"] });
        self.section.put(table::IDENTITY_PROVIDERS, vouching(ISSUER), Read::Got(known));
        Self { by: taken_on(ROLE_ARN, Some(token())), ..self }
    }

    pub(crate) fn repository_policy(self, document: &Value) -> Self {
        self.row(table::REPOSITORY_POLICIES, "", self::document(document))
    }

    pub(crate) fn registry_policy(mut self, document: &Value, scope: &str) -> Self {
        let key = format!("{}/{REGION}", self.owner);
        self.section.put(table::REGISTRY_POLICIES, &key, self::document(document));
        self.section.put(table::ACCOUNT_SETTINGS, &key, Read::Got(json!({"registryPolicyScope": scope})));
        self
    }

    /// Replaces a row of the repository: its key with this at the end.
    pub(crate) fn row(mut self, table: &str, end: &str, reading: Read<Value>) -> Self {
        self.section.put(table, format!("{}/{REGION}/{REPOSITORY}{end}", self.owner), reading);
        self
    }

    /// Replaces a row of the registry.
    pub(crate) fn registry_row(mut self, table: &str, reading: Read<Value>) -> Self {
        self.section.put(table, format!("{}/{REGION}", self.owner), reading);
        self
    }

    /// Replaces a row of the role.
    pub(crate) fn role_row(mut self, table: &str, reading: Read<Value>) -> Self {
        self.section.put(table, format!("{OWN}/{ROLE}"), reading);
        self
    }

    pub(crate) fn by(mut self, arn: &str) -> Self {
        self.by = role_arn(arn);
        self
    }

    pub(crate) fn image(mut self, image: &str) -> Self {
        image.clone_into(&mut self.image);
        self
    }

    pub(crate) fn question(&self) -> Question {
        Question { by: self.by.clone(), from: Vantage::default(), image: ImageRef::parse(&self.image).unwrap() }
    }

    pub(crate) fn claim(&self) -> Option<Claim> {
        EksFacts::open(&self.section).unwrap().weigh(&self.question(), self.at)
    }

    /// As a default audit answers.
    pub(crate) fn verdict(&self) -> Verdict {
        judge(self.claim().as_ref(), Mode::Default)
    }

    /// Strictly, but with the organization's policies read and harmless.
    pub(crate) fn settled(&self) -> Verdict {
        judge(self.claim().map(settle_guards).as_ref(), Mode::Strict)
    }
}

/// The claim as it would be with every assumable gap read and found harmless.
pub(crate) fn settle_guards(claim: Claim) -> Claim {
    match claim {
        Claim::Fact(Fact { holds: Holds::Open(opens), source, detail, code })
            if opens.iter().all(Open::is_assumable) =>
        {
            Claim::Fact(Fact { holds: Holds::Yes, source, detail, code })
        }
        Claim::Fact(fact) => Claim::Fact(fact),
        Claim::All(parts) => Claim::All(parts.into_iter().map(settle_guards).collect()),
        Claim::Any(parts) => Claim::Any(parts.into_iter().map(settle_guards).collect()),
        Claim::OneOf { why, cases } => Claim::OneOf { why, cases: cases.into_iter().map(settle_guards).collect() },
    }
}

/// `allowed`, `denied CODE` or `unknown CODE`.
pub(crate) fn word(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Allowed { .. } => "allowed".to_owned(),
        Verdict::Denied { .. } => format!("denied {}", verdict.code()),
        Verdict::Unknown { .. } => format!("unknown {}", verdict.code()),
    }
}

/// What a verdict names, as text.
pub(crate) fn named(verdict: &Verdict) -> String {
    let lines: Vec<String> = match verdict {
        Verdict::Allowed { via, .. } => {
            via.iter().map(|fact| format!("{}: {}", fact.source, fact.detail)).collect()
        }
        Verdict::Denied { because } => {
            because.iter().map(|fact| format!("{} {}: {}", fact.code, fact.source, fact.detail)).collect()
        }
        Verdict::Unknown { needing } => {
            needing.iter().map(|need| format!("{} {}", need.code, need.open)).collect()
        }
    };
    lines.join("\n")
}

#[track_caller]
pub(crate) fn expect(world: &World, expected: &str) {
    let verdict = world.verdict();
    assert_eq!(word(&verdict), expected, "\n{}", named(&verdict));
}
