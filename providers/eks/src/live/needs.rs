//! Which readings a set of questions needs, and no others.

use crate::facts::table;
use crate::host::EcrHost;
use crate::weigh::addons::is_addon_registry;
use crate::weigh::provider_of;
use pullaudit_core::{Credential, Principal, PrincipalKind, Question, Read, Section};
use std::collections::{BTreeMap, BTreeSet};

/// A role, by account and name: an ARN's path tells nothing more, and session ARNs have none.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RoleName {
    pub(crate) account: String,
    pub(crate) name: String,
}

/// One registry: an account's, in a region.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RegistryName {
    pub(crate) account: String,
    pub(crate) region: String,
}

/// An image of a repository, as its row is keyed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ImageName {
    Tag(String),
    Digest(String),
}

/// What is asked for in one registry: repositories with their images.
pub(crate) type Wanted = BTreeMap<String, BTreeSet<ImageName>>;

/// What the questions need.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Needs {
    pub(crate) roles: BTreeSet<RoleName>,
    /// Those of them that service accounts take on.
    pub(crate) taken_on: BTreeSet<RoleName>,
    /// The identity providers that vouch for those, with their accounts, by ARN.
    pub(crate) providers: BTreeMap<String, String>,
    pub(crate) registries: BTreeMap<RegistryName, Wanted>,
    /// A region of some registry of ECR, AWS's own among them.
    pub(crate) region: Option<String>,
}

impl Needs {
    /// Questions about hosts that are no private registry of ECR need no reading, and those about a registry
    /// that AWS publishes only that of the role: nobody else may read the other half.
    pub(crate) fn of(questions: &[Question]) -> Self {
        let mut needs = Self::default();
        for question in questions {
            let Some(host) = EcrHost::parse(question.image.registry.as_str()) else { continue };
            needs.region.get_or_insert_with(|| host.region.to_ascii_lowercase());
            if let Credential::Principal(principal) = &question.by {
                needs.add_role(principal);
            }
            if is_addon_registry(host.account, host.region) {
                continue;
            }
            let registry =
                RegistryName { account: host.account.to_owned(), region: host.region.to_ascii_lowercase() };
            let repository = needs.registries.entry(registry).or_default();
            let images = repository.entry(question.image.repository.clone()).or_default();
            images.extend(image_of(question));
        }
        needs
    }

    fn add_role(&mut self, principal: &Principal) {
        let Some(role) = RoleName::parse(&principal.id) else { return };
        if principal.kind == PrincipalKind::ServiceAccountRole {
            let issuer = principal.token.as_ref().and_then(|token| token.issuer.as_deref());
            let provider = issuer.map(|issuer| (provider_of(&principal.id, issuer), role.account.clone()));
            self.providers.extend(provider);
            self.taken_on.insert(role.clone());
        }
        self.roles.insert(role);
    }

    /// Asks no more about the images of which these rows tell, and returns them. A repository is read all the same.
    pub(crate) fn take_images(&mut self, before: &Section) -> Section {
        let mut known = Section::default();
        for (registry, wanted) in &mut self.registries {
            for (repository, images) in wanted {
                let repository = format!("{}/{repository}", registry.key());
                images.retain(|image| {
                    let key = image.key(&repository);
                    match before.get(table::IMAGES, &key) {
                        Some(row @ (Read::Got(_) | Read::Absent)) => known.put(table::IMAGES, key, row.clone()),
                        Some(Read::Unread(_)) | None => return true,
                    }
                    false
                });
            }
        }
        known
    }

    /// True where nothing is to be read.
    pub(crate) fn is_empty(&self) -> bool {
        self.registries.is_empty() && self.roles.is_empty()
    }

    /// The accounts that appear in it.
    pub(crate) fn accounts(&self) -> BTreeSet<&str> {
        let roles = self.roles.iter().map(|role| role.account.as_str());
        roles.chain(self.registries.keys().map(|registry| registry.account.as_str())).collect()
    }
}

impl RoleName {
    /// Reads a role ARN or the ARN of a session of one; `None` for other principals.
    pub(crate) fn parse(arn: &str) -> Option<Self> {
        let mut fields = arn.splitn(6, ':');
        let (Some("arn"), Some(_), Some(service), Some(_), Some(account), Some(resource)) =
            (fields.next(), fields.next(), fields.next(), fields.next(), fields.next(), fields.next())
        else {
            return None;
        };
        let name = match (service, resource.split_once('/')?) {
            ("iam", ("role", path)) => path.rsplit('/').next()?,
            ("sts", ("assumed-role", session)) => session.split('/').next()?,
            _ => return None,
        };
        let digits = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
        (digits && !name.is_empty()).then(|| Self { account: account.to_owned(), name: name.to_owned() })
    }

    /// `A/ROLE`, as tables are keyed.
    pub(crate) fn key(&self) -> String {
        format!("{}/{}", self.account, self.name)
    }
}

impl RegistryName {
    /// `A/R`, as tables are keyed.
    pub(crate) fn key(&self) -> String {
        format!("{}/{}", self.account, self.region)
    }
}

impl ImageName {
    /// `A/R/NAME:TAG` or `A/R/NAME@DIGEST`, given the first part.
    pub(crate) fn key(&self, repository: &str) -> String {
        match self {
            Self::Tag(tag) => format!("{repository}:{tag}"),
            Self::Digest(digest) => format!("{repository}@{digest}"),
        }
    }
}

/// A digest decides what is pulled, whatever the tag beside it.
fn image_of(question: &Question) -> Option<ImageName> {
    match (&question.image.digest, &question.image.tag) {
        (Some(digest), _) => Some(ImageName::Digest(digest.clone())),
        (None, Some(tag)) => Some(ImageName::Tag(tag.clone())),
        (None, None) => None,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use pullaudit_core::{AccountToken, ImageRef, Obstacle, Open, Vantage};

    #[test]
    fn role_and_session_arns_name_one_role() {
        let role = RoleName { account: "111122223333".into(), name: "node".into() };
        for arn in [
            "arn:aws:iam::111122223333:role/node",
            "arn:aws-cn:iam::111122223333:role/eks/prod/node",
            "arn:aws:sts::111122223333:assumed-role/node/i-0abc",
        ] {
            assert_eq!(RoleName::parse(arn).as_ref(), Some(&role), "{arn}");
        }
        for arn in [
            "arn:aws:iam::111122223333:user/node",
            "arn:aws:iam::111122223333:role/",
            "arn:aws:iam::1111:role/node",
            "arn:aws:iam::111122223333:root",
            "node",
            "",
        ] {
            assert_eq!(RoleName::parse(arn), None, "{arn}");
        }
    }

    fn asked(images: &[&str]) -> Needs {
        let principal = Principal::new(PrincipalKind::NodeRole, "arn:aws:iam::111122223333:role/node", "node");
        let by = Credential::Principal(principal);
        let one = |image: &&str| Question {
            by: by.clone(),
            from: Vantage::default(),
            image: ImageRef::parse(image).unwrap(),
        };
        Needs::of(&images.iter().map(one).collect::<Vec<_>>())
    }

    #[test]
    fn of_a_registry_that_aws_publishes_only_the_role_is_read() {
        let published = asked(&["602401143452.dkr.ecr.eu-central-1.amazonaws.com/eks/coredns:v1"]);
        assert_eq!((published.roles.len(), published.registries.len()), (1, 0));
        let ours = asked(&["444455556666.dkr.ecr.eu-central-1.amazonaws.com/eks/coredns:v1"]);
        assert_eq!((ours.roles.len(), ours.registries.len()), (1, 1));
    }

    #[test]
    fn trust_is_asked_of_the_roles_of_service_accounts_alone() {
        let mut principal = Principal::new(PrincipalKind::NodeRole, "arn:aws:iam::111122223333:role/node", "node");
        let needs = |principal: &Principal| {
            let image = ImageRef::parse("444455556666.dkr.ecr.eu-central-1.amazonaws.com/app:1").unwrap();
            let by = Credential::Principal(principal.clone());
            Needs::of(&[Question { by, from: Vantage::default(), image }])
        };
        assert_eq!((needs(&principal).taken_on.len(), needs(&principal).providers.len()), (0, 0));
        principal.kind = PrincipalKind::ServiceAccountRole;
        let token = |issuer: Option<&str>| AccountToken {
            issuer: issuer.map(str::to_owned),
            audience: None,
            subject: "system:serviceaccount:ledger:api".to_owned(),
        };
        let vouches = "arn:aws:iam::111122223333:oidc-provider/oidc.example/id/A";
        for (issuer, expected) in [(Some("oidc.example/id/A"), vec![vouches]), (None, vec![])] {
            principal.token = Some(Box::new(token(issuer)));
            let needs = needs(&principal);
            assert_eq!((needs.roles.len(), needs.taken_on.len()), (1, 1));
            assert_eq!(needs.providers.keys().collect::<Vec<_>>(), expected);
            assert!(needs.providers.values().all(|account| account == "111122223333"));
        }
    }

    #[test]
    fn images_that_were_read_are_not_asked_about_again_and_those_that_were_not_are() {
        let image = |tag: &str| format!("444455556666.dkr.ecr.eu-central-1.amazonaws.com/app:{tag}");
        let images = ["there", "gone", "refused", "new"].map(image);
        let key = |tag: &str| format!("444455556666/eu-central-1/app:{tag}");
        let mut before = Section::default();
        before.put(table::IMAGES, key("there"), Read::Got(serde_json::json!({ "digest": "sha256:0" })));
        before.put(table::IMAGES, key("gone"), Read::Absent);
        let open = Open::unread("image", "ecr:DescribeImages", "", Obstacle::Refused);
        before.put(table::IMAGES, key("refused"), Read::Unread(open));
        before.put(table::IMAGES, key("nobody's"), Read::Absent);
        let mut needs = asked(&images.each_ref().map(String::as_str));
        let known = needs.take_images(&before);
        assert_eq!(known.len(), 2);
        assert!([key("there"), key("gone")].iter().all(|key| known.get(table::IMAGES, key).is_some()));
        let left: Vec<_> = needs.registries.values().flat_map(BTreeMap::values).flatten().cloned().collect();
        assert_eq!(left, ["new", "refused"].map(|tag| ImageName::Tag(tag.to_owned())));
        assert!(
            needs.registries.values().all(|wanted| wanted.contains_key("app")),
            "its policy is read all the same"
        );
    }
}
