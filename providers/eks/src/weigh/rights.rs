//! Whether policies give a right: the order of IAM's evaluation, as claims.
//!
//! Source: IAM user guide, "Policy evaluation logic".

use super::Weighing;
use super::policy::principal::{Naming, dead_principal};
use super::policy::{Denial, Grant, Policy, Statement};
use super::request::Request;
use super::texts::Right;
use crate::codes::Finding;
use pullaudit_core::{Claim, Code, Open, Text};

/// Whose registry it is, seen from the role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// The role's own account: one side is enough.
    Same,
    /// Another account: both sides are needed.
    Other,
    /// AWS, for add-ons: its side can't be read and lets nodes in.
    Aws,
}

/// What a resource policy gives.
#[derive(Default)]
struct Grants {
    /// To everybody or to a session: no boundary limits it.
    unlimited: Vec<Claim>,
    /// To the role: its boundary limits it.
    limited: Vec<Claim>,
    /// To its account: within one account that only lets the role's own policies decide.
    account: Vec<Claim>,
    /// What would have granted, but.
    misses: Vec<Claim>,
}

/// A policy of the registry's side.
#[derive(Clone, Copy)]
pub(crate) struct Resource<'a> {
    pub(crate) policy: &'a Policy,
    pub(crate) denies: Finding,
}

impl Weighing<'_> {
    /// Adds what the role's own policies say of a right on no resource.
    pub(crate) fn token(&self, registry: Option<&Policy>, all: &mut Vec<Claim>) {
        let request = Request { resource: None, ..self.request };
        let right = Right::Token;
        self.denials(&self.role.identity, right, &request, Finding::ExplicitDeny, all);
        if let Some(boundary) = &self.role.boundary {
            self.denials(boundary, right, &request, Finding::ExplicitDeny, all);
        }
        self.service_controls(right, &request, all);
        self.unproven_denials(right, &request, all);
        let (identity, boundary) = (self.identity(right, &request), self.boundary(right, &request));
        match registry.filter(|policy| self.owner == Owner::Same && policy.touches(right.acts())) {
            None => all.push(identity),
            Some(policy) => {
                let (denies, allows) = self.unproven_token(policy, &request);
                all.extend(denies);
                all.push(if allows.is_empty() {
                    identity
                } else {
                    Claim::Any(std::iter::once(identity).chain(allows).collect())
                });
            }
        }
        all.extend(boundary);
    }

    /// Whether a registry policy reaches a request that names no resource is not documented, so what it
    /// says of the token is open.
    fn unproven_token(&self, policy: &Policy, request: &Request<'_>) -> (Vec<Claim>, Vec<Claim>) {
        let said = self.texts.said(Right::Token);
        let open = |statement: &Statement, detail: &Text| {
            let what = format!("{}: whether a registry policy governs ecr:GetAuthorizationToken", statement.place);
            let code = Finding::ConditionUndecidable.code();
            Claim::open(code, statement.place.clone(), detail.clone(), vec![Open::undecidable(what)])
        };
        let (mut denies, mut allows) = (Vec::new(), Vec::new());
        for statement in &policy.statements {
            match statement.denies(Right::Token.acts(), request) {
                None => {}
                Some(Denial::Yes) => denies.push(open(statement, &said.may_deny)),
                Some(Denial::Open(opens, code)) => {
                    denies.push(Claim::open(code, statement.place.clone(), said.may_deny.clone(), opens));
                }
            }
            statement.allows(Right::Token.acts(), request, |grant| match grant {
                Grant::Yes(_) => allows.push(open(statement, &said.may_allow)),
                Grant::Open(_, opens, code) => allows.push(self.may_allow(statement, Right::Token, opens, code)),
                Grant::Unmet(_) | Grant::Other(_) => {}
            });
        }
        (denies, allows)
    }

    /// Adds what the service control policies above the role say: each level must allow by itself. That one does is no
    /// evidence, since nearly all do.
    fn service_controls(&self, right: Right, request: &Request<'_>, all: &mut Vec<Claim>) {
        for level in &self.role.service.levels {
            self.denials(&level.policy, right, request, Finding::ScpDenies, all);
            // What is not known of it stands beside, as one open fact for all of them.
            if !level.whole || level.policy.surely_allows(right.acts(), request) {
                continue;
            }
            all.push(self.own(&level.policy, right, request, || {
                Claim::no(Finding::ScpDenies.code(), level.place.clone(), self.texts.said(right).silent.clone())
            }));
        }
    }

    /// Whether a resource control policy reaches a request that names no resource is not documented, so a denial of the
    /// token by one is open.
    fn unproven_denials(&self, right: Right, request: &Request<'_>, all: &mut Vec<Claim>) {
        let statements = self.role.resource.levels.iter().flat_map(|level| &level.policy.statements);
        for statement in statements.filter(|statement| statement.denies(right.acts(), request).is_some()) {
            let what = format!(
                "{}: whether a resource control policy governs ecr:GetAuthorizationToken",
                statement.place
            );
            let (code, detail) = (Finding::ConditionUndecidable.code(), self.texts.said(right).may_deny.clone());
            all.push(Claim::open(code, statement.place.clone(), detail, vec![Open::undecidable(what)]));
        }
    }

    /// Adds what both sides say of a right on the repository.
    pub(crate) fn right(&self, right: Right, resources: &[Resource<'_>], all: &mut Vec<Claim>) {
        let request = &self.request;
        self.denials(&self.role.identity, right, request, Finding::ExplicitDeny, all);
        if let Some(boundary) = &self.role.boundary {
            self.denials(boundary, right, request, Finding::ExplicitDeny, all);
        }
        self.service_controls(right, request, all);
        if self.owner != Owner::Aws {
            for level in &self.repository.controls.levels {
                self.denials(&level.policy, right, request, Finding::RcpDenies, all);
            }
        }
        let mut grants = Grants::default();
        for resource in resources {
            self.denials(resource.policy, right, request, resource.denies, all);
            self.grants(resource.policy, right, &mut grants);
        }
        let (identity, boundary) = (self.identity(right, request), self.boundary(right, request));
        match self.owner {
            Owner::Same => either_side(identity, boundary, grants, all),
            Owner::Other => {
                all.push(identity);
                all.extend(boundary);
                all.push(self.both_sides(right, resources, grants));
            }
            Owner::Aws => {
                all.push(identity);
                all.extend(boundary);
            }
        }
    }

    /// Adds what a policy denies.
    pub(crate) fn denials(
        &self,
        policy: &Policy,
        right: Right,
        request: &Request<'_>,
        denies: Finding,
        all: &mut Vec<Claim>,
    ) {
        let said = self.texts.said(right);
        for statement in &policy.statements {
            match statement.denies(right.acts(), request) {
                None => {}
                Some(Denial::Yes) => {
                    all.push(Claim::no(denies.code(), statement.place.clone(), said.denies.clone()));
                }
                Some(Denial::Open(opens, code)) => {
                    all.push(Claim::open(code, statement.place.clone(), said.may_deny.clone(), opens));
                }
            }
        }
    }

    /// What the role's own policies allow.
    fn identity(&self, right: Right, request: &Request<'_>) -> Claim {
        self.own(&self.role.identity, right, request, || {
            Claim::no(
                right.silent().code(),
                self.role.identity_place.clone(),
                self.texts.said(right).silent.clone(),
            )
        })
    }

    /// What the role's boundary lets through; `None` when it has none.
    fn boundary(&self, right: Right, request: &Request<'_>) -> Option<Claim> {
        let boundary = self.role.boundary.as_ref()?;
        Some(self.own(boundary, right, request, || {
            let code = Finding::BoundaryDenies.code();
            Claim::no(code, self.role.boundary_place.clone(), self.texts.said(right).silent.clone())
        }))
    }

    /// What a policy allows by itself.
    pub(crate) fn own(
        &self,
        policy: &Policy,
        right: Right,
        request: &Request<'_>,
        silent: impl FnOnce() -> Claim,
    ) -> Claim {
        let (mut yes, mut rest) = (None, Vec::new());
        let mut more = Vec::new();
        for statement in &policy.statements {
            statement.allows(right.acts(), request, |grant| match grant {
                Grant::Yes(_) if yes.is_none() => yes = Some(self.allows(statement, right)),
                Grant::Yes(_) => more.push(self.allows(statement, right)),
                Grant::Open(_, opens, code) => rest.push(self.may_allow(statement, right, opens, code)),
                Grant::Unmet(condition) => rest.push(unmet(statement, &condition)),
                Grant::Other(_) => {}
            });
        }
        match yes {
            Some(yes) if more.is_empty() => yes,
            Some(yes) => {
                more.push(yes);
                Claim::Any(more)
            }
            None if rest.is_empty() => silent(),
            None => Claim::Any(rest),
        }
    }

    fn grants(&self, policy: &Policy, right: Right, grants: &mut Grants) {
        for statement in &policy.statements {
            statement.allows(right.acts(), &self.request, |grant| match grant {
                Grant::Yes(naming) => grants.add(naming, self.allows(statement, right)),
                Grant::Open(naming, opens, code) => {
                    grants.add(naming, self.may_allow(statement, right, opens, code));
                }
                Grant::Unmet(condition) => grants.misses.push(unmet(statement, &condition)),
                Grant::Other(id) if self.index.is_live_role(&id) => {}
                Grant::Other(id) => grants.misses.push(Claim::no(
                    Finding::PrincipalRecreated.code(),
                    statement.place.clone(),
                    dead_principal(&id, self.request.asker),
                )),
            });
        }
    }

    fn allows(&self, statement: &Statement, right: Right) -> Claim {
        Claim::yes(self.texts.allowed, statement.place.clone(), self.texts.said(right).allows.clone())
    }

    fn may_allow(&self, statement: &Statement, right: Right, opens: Vec<Open>, code: Code) -> Claim {
        Claim::open(code, statement.place.clone(), self.texts.said(right).may_allow.clone(), opens)
    }

    /// The owner's half of a pull across accounts.
    fn both_sides(&self, right: Right, resources: &[Resource<'_>], grants: Grants) -> Claim {
        let Grants { unlimited, limited, account, misses } = grants;
        let mut ways = account;
        if !unlimited.is_empty() || !limited.is_empty() {
            ways.splice(..0, unlimited.into_iter().chain(limited));
        }
        if ways.is_empty() {
            ways = misses;
        }
        if ways.is_empty() {
            let said = self.texts.said(right);
            let empty = resources.iter().all(|resource| resource.policy.statements.is_empty());
            let detail = if empty { &said.none } else { &said.silent };
            return Claim::no(
                Finding::RepositoryPolicySilent.code(),
                self.repository.policy_place.clone(),
                detail.clone(),
            );
        }
        one_of(ways)
    }
}

impl Grants {
    fn add(&mut self, naming: Naming, claim: Claim) {
        match naming {
            Naming::Everyone | Naming::Session => self.unlimited.push(claim),
            Naming::Role => self.limited.push(claim),
            Naming::Account => self.account.push(claim),
        }
    }
}

/// Within one account either side is enough; the boundary limits the role's own policies and a grant to
/// the role itself, not one to everybody or to a session.
fn either_side(identity: Claim, boundary: Option<Claim>, grants: Grants, all: &mut Vec<Claim>) {
    let Grants { unlimited, limited, account: _, misses } = grants;
    if unlimited.is_empty() && limited.is_empty() && misses.is_empty() {
        all.push(identity);
        all.extend(boundary);
        return;
    }
    let within = |claim: Claim| match &boundary {
        Some(boundary) => Claim::All(vec![claim, boundary.clone()]),
        None => claim,
    };
    let mut ways = vec![within(identity)];
    ways.extend(limited.into_iter().map(within));
    ways.extend(unlimited);
    ways.extend(misses);
    all.push(Claim::Any(ways));
}

fn one_of(mut ways: Vec<Claim>) -> Claim {
    match ways.pop() {
        Some(only) if ways.is_empty() => only,
        Some(last) => {
            ways.push(last);
            Claim::Any(ways)
        }
        None => Claim::Any(ways),
    }
}

fn unmet(statement: &Statement, condition: &str) -> Claim {
    let detail = format!("would allow it, but its condition {condition} does not hold");
    Claim::no(Finding::ConditionUnmet.code(), statement.place.clone(), detail)
}
