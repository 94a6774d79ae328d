//! Whether a role lets a service account's token take it on.
//!
//! Sources: STS API reference, `AssumeRoleWithWebIdentity`; IAM user guide, "Create an `OpenID` Connect identity provider".

use super::Weighing;
use super::arn::RoleArn;
use super::index::{RoleState, Row};
use super::request::{Asker, Bearer, Request};
use super::rights::Owner;
use super::texts::Right;
use crate::codes::Finding;
use crate::facts::IdentityProvider;
use pullaudit_core::{AccountToken, Claim, Open, Text};

/// How a service account takes a role on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TakingOn<'a> {
    /// The role's ARN, as the service account names it.
    pub(crate) role: &'a str,
    /// `None` where nobody knows it.
    pub(crate) token: Option<&'a AccountToken>,
}

impl Weighing<'_> {
    /// Adds what decides whether the token may take the role on: the provider in the role's account that vouches for the
    /// cluster's issuer, the role's trust policy, and the organization's policies above it. The role's own policies and
    /// those that bind principals have no say: who comes with a token is no principal yet.
    pub(super) fn trust(&self, TakingOn { role: named, token }: TakingOn<'_>, all: &mut Vec<Claim>) {
        // That it is missing, or what would tell, stands beside.
        let RoleState::Known(role) = &self.role.state else { return };
        if named.eq_ignore_ascii_case(&role.arn) && named != role.arn {
            let what = format!("{}: whether STS finds it as {named}", self.role.place);
            all.push(untold(&self.role.place, Open::undecidable(what)));
        } else if named != role.arn {
            let detail = format!("is {}, which the service account names {named}", role.arn);
            let code = Finding::ServiceAccountNotTrusted.code();
            return all.push(Claim::no(code, self.role.place.clone(), detail));
        }
        let known = token.and_then(|token| Some((token, token.issuer.as_deref()?)));
        let Some((token, issuer)) = known else {
            let what =
                format!("{}: who issues the tokens that it must trust (eks:DescribeCluster)", self.role.place);
            return all.push(untold(&self.role.trust_place, Open::undecidable(what)));
        };
        let bearer = Bearer {
            provider: provider_of(&role.arn, issuer),
            issuer,
            audience: token.audience.as_deref(),
            subject: &token.subject,
        };
        self.vouched(&bearer, all);
        let asker = Asker { bearer: Some(&bearer), session: None, ..*self.request.asker };
        let request = Request {
            asker: &asker,
            resource: Some(&role.arn),
            owner: &self.role.account,
            owner_organization: &self.role.organization,
            ..self.request
        };
        self.denials(&self.role.trust, Right::Assume, &request, Finding::ServiceAccountNotTrusted, all);
        all.push(self.own(&self.role.trust, Right::Assume, &request, || {
            let detail = format!("no statement lets {} of {issuer} take the role on", bearer.subject);
            Claim::no(Finding::ServiceAccountNotTrusted.code(), self.role.trust_place.clone(), detail)
        }));
        for level in &self.role.resource.levels {
            self.denials(&level.policy, Right::Assume, &request, Finding::RcpDenies, all);
        }
        // In one account, what is not known of them is said of the registry already.
        if self.owner != Owner::Same {
            all.extend(self.role.resource.open.clone());
        }
    }

    /// Whether the account knows the issuer, and takes tokens for that audience.
    fn vouched(&self, bearer: &Bearer<'_>, all: &mut Vec<Claim>) {
        let place: Text = format!("identity provider {}", bearer.provider).into();
        let no = |detail: String| Claim::no(Finding::ServiceAccountNotTrusted.code(), place.clone(), detail);
        match (self.index.provider(&bearer.provider), bearer.audience) {
            (Row::Open(open, _), _) => all.push(untold(&place, open)),
            (Row::Absent, _) => {
                all.push(no("does not exist, so the account trusts no token of the cluster".to_owned()));
            }
            (Row::Got(IdentityProvider { audiences }), Some(audience))
                if !audiences.iter().any(|one| one == audience) =>
            {
                all.push(no(format!("takes no tokens for {audience}")));
            }
            (Row::Got(_), Some(_)) => {}
            (Row::Got(_), None) => {
                let what = "for whom the kubelets ask for the tokens of service accounts: \
                            clusters.NAME.serviceAccountIdentity: true in pullaudit.yaml says sts.amazonaws.com";
                all.push(untold(&place, Open::undecidable(what)));
            }
        }
    }
}

/// ARN of the identity provider that vouches for an issuer's tokens: STS looks for it in the account of the role.
pub(crate) fn provider_of(role: &str, issuer: &str) -> String {
    let (partition, account) = RoleArn::parse(role).map_or(("aws", ""), |arn| (arn.partition, arn.account));
    format!("arn:{partition}:iam::{account}:oidc-provider/{issuer}")
}

fn untold(place: &Text, open: Open) -> Claim {
    let detail = "may not let the service account's token take the role on";
    Claim::open(Finding::ServiceAccountTrust.code(), place.clone(), detail, vec![open])
}
