//! The `Principal` and `NotPrincipal` elements of resource policies.

use super::tri::Tri;
use crate::weigh::arn::{RoleArn, is_account, short_id};
use crate::weigh::request::{Asker, Bearer};
use pullaudit_core::{Open, Text};
use serde_json::Value as Json;

/// One principal that a policy names.
#[derive(Clone, Debug)]
pub(crate) enum Named {
    /// `*`, also as `{"AWS": "*"}`.
    Everyone,
    /// An account's root or 12 digits: every principal of it, where its own policies agree.
    Account(String),
    /// A role by its ARN.
    Role(String),
    /// One session of a role.
    Session { account: String, role: String, session: String },
    /// A unique id: what is left of a principal that was deleted, or of one shown so in passing.
    UniqueId(String),
    /// Those that an identity provider vouches for, by its ARN.
    Federated(String),
    /// Never a node's role: users, services, patterns inside an ARN.
    Other,
    /// A form that pullaudit does not know.
    Unknown(Text),
}

/// How a principal is named; it decides whether the role's own policy must agree and whether a
/// boundary limits the grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Naming {
    Everyone,
    Account,
    Role,
    Session,
}

/// The principals of a statement.
#[derive(Clone, Debug)]
pub(crate) enum Principals {
    In(Vec<Named>),
    NotIn(Vec<Named>),
}

/// The principals of an element in any of its forms, or what is wrong with it.
pub(crate) fn parse(element: &Json, place: &str) -> Result<Vec<Named>, String> {
    let mut named = Vec::new();
    match element {
        Json::String(text) if text == "*" => named.push(Named::Everyone),
        Json::Object(kinds) => {
            for (kind, values) in kinds {
                let values =
                    super::strings(values).ok_or_else(|| format!("`Principal.{kind}` holds no plain text"))?;
                named.extend(values.into_iter().map(|value| match kind.as_str() {
                    "AWS" => of_aws(value, place),
                    "Federated" => Named::Federated(value.to_owned()),
                    "Service" | "CanonicalUser" => Named::Other,
                    _ => unknown(&format!("{kind} {value}"), place),
                }));
            }
        }
        _ => return Err("`Principal` is neither \"*\" nor an object".to_owned()),
    }
    if named.is_empty() { Err("`Principal` names nobody".to_owned()) } else { Ok(named) }
}

/// Source: IAM user guide, "AWS JSON policy elements: Principal".
fn of_aws(value: &str, place: &str) -> Named {
    if value == "*" {
        return Named::Everyone;
    }
    if is_account(value) {
        return Named::Account(value.to_owned());
    }
    if value.contains(['*', '?']) {
        // A wildcard inside a principal never matches part of a name or an ARN.
        return Named::Other;
    }
    if let Some(RoleArn { account, name, session, .. }) = RoleArn::parse(value) {
        return match session {
            None => Named::Role(value.to_owned()),
            Some(session) => {
                Named::Session { account: account.to_owned(), role: name.to_owned(), session: session.to_owned() }
            }
        };
    }
    let fields: Vec<&str> = value.splitn(6, ':').collect();
    match fields.as_slice() {
        ["arn", _, "iam", "", account, "root"] if is_account(account) => Named::Account((*account).to_owned()),
        ["arn", _, "iam" | "sts", "", account, other] if is_account(account) && is_no_role(other) => Named::Other,
        [id] if is_unique_id(id) => Named::UniqueId(value.to_owned()),
        _ => unknown(value, place),
    }
}

fn is_no_role(resource: &str) -> bool {
    ["user/", "federated-user/", "group/", "saml-provider/", "oidc-provider/"]
        .iter()
        .any(|kind| resource.starts_with(kind))
}

/// Source: IAM user guide, "IAM identifiers", table of unique id prefixes.
fn is_unique_id(text: &str) -> bool {
    let prefixes =
        ["AROA", "AIDA", "AGPA", "AIPA", "ANPA", "ANVA", "APKA", "ASCA", "ASIA", "AKIA", "ABIA", "ACCA"];
    text.len() >= 16
        && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
        && prefixes.iter().any(|prefix| text.starts_with(prefix))
}

fn unknown(value: &str, place: &str) -> Named {
    Named::Unknown(format!("{place}: principal {value} has a form that pullaudit does not know").into())
}

impl Named {
    /// How it names the asker, and whether it does.
    pub(crate) fn names(&self, asker: &Asker<'_>, place: &str) -> (Naming, Tri) {
        if let Some(bearer) = asker.bearer {
            return (Naming::Role, self.names_bearer(bearer, place));
        }
        match self {
            Self::Everyone => (Naming::Everyone, Tri::Yes),
            Self::Account(account) => (Naming::Account, Tri::of(account == asker.account)),
            Self::Role(arn) => (Naming::Role, names_role(arn, asker, place)),
            Self::Session { account, role, session } => {
                let of_role = account == asker.account && role == asker.name;
                (Naming::Session, if of_role { names_session(session, asker, place) } else { Tri::No })
            }
            Self::UniqueId(id) if !id.starts_with("AROA") => (Naming::Role, Tri::No),
            Self::UniqueId(id) => {
                let same = asker.known().map(|role| role.role_id == *id);
                (Naming::Role, same.map_or_else(Tri::open, Tri::of))
            }
            Self::Federated(_) | Self::Other => (Naming::Role, Tri::No),
            Self::Unknown(what) => (Naming::Everyone, Tri::open(Open::Undecidable { what: what.clone() })),
        }
    }

    /// Who comes with a token is no role yet, and of no account: an identity provider alone names it. Whether an Allow
    /// to everybody means those without any identity in AWS too is not documented.
    fn names_bearer(&self, bearer: &Bearer<'_>, place: &str) -> Tri {
        match self {
            Self::Federated(arn) if *arn == bearer.provider => Tri::Yes,
            Self::Federated(arn) if arn.eq_ignore_ascii_case(&bearer.provider) => {
                Tri::undecidable(format!("{place}: {arn} differs from {} in the case of letters", bearer.provider))
            }
            Self::Federated(arn) if arn.contains(['*', '?']) => {
                Tri::undecidable(format!("{place}: what Federated {arn} names"))
            }
            Self::Everyone => Tri::undecidable(format!(
                "{place}: whether it lets in whoever comes with a service account's token"
            )),
            Self::Unknown(what) => Tri::open(Open::Undecidable { what: what.clone() }),
            _ => Tri::No,
        }
    }

    /// The id, where it is one of a role and not the asker's.
    pub(crate) fn other_role_id(&self, asker: &Asker<'_>) -> Option<&str> {
        match self {
            Self::UniqueId(id) if id.starts_with("AROA") => {
                asker.known().is_ok_and(|role| role.role_id != *id).then_some(id)
            }
            _ => None,
        }
    }
}

fn names_role(arn: &str, asker: &Asker<'_>, place: &str) -> Tri {
    match asker.known() {
        Ok(role) if role.arn == arn => Tri::Yes,
        Ok(role) if role.arn.eq_ignore_ascii_case(arn) => {
            Tri::undecidable(format!("{place}: {arn} differs from {} in the case of letters", role.arn))
        }
        Ok(_) => Tri::No,
        // Its path is not known, so a name that fits is not enough.
        Err(open) => match RoleArn::parse(arn) {
            Some(named) if named.account == asker.account && named.name.eq_ignore_ascii_case(asker.name) => {
                Tri::open(open)
            }
            _ => Tri::No,
        },
    }
}

fn names_session(session: &str, asker: &Asker<'_>, place: &str) -> Tri {
    match asker.session {
        Some(asked) => Tri::of(asked == session),
        None => Tri::undecidable(format!("{place}: names only the node {session} of role {}", asker.name)),
    }
}

impl Principals {
    /// Whether a Deny with these principals reaches the asker.
    pub(crate) fn denied(&self, asker: &Asker<'_>, place: &str) -> Tri {
        match self {
            // Source: data-perimeter-policy-examples, whose resource control policies deny tokens so.
            Self::In(named) if named.iter().any(|one| matches!(one, Named::Everyone)) => Tri::Yes,
            Self::In(named) => Tri::any(named.iter().map(|one| one.names(asker, place).1)),
            Self::NotIn(_) if asker.bearer.is_some() => {
                Tri::undecidable(format!("{place}: a Deny with NotPrincipal to whoever comes with a token"))
            }
            Self::NotIn(named) => not_excepted(named, asker, place),
        }
    }
}

/// Whether a Deny with `NotPrincipal` reaches the asker. It always reaches a principal that has a
/// boundary; else it surely spares one only where its session, its role and its account are all listed.
///
/// Source: IAM user guide, "NotPrincipal" and "Permissions boundaries".
fn not_excepted(named: &[Named], asker: &Asker<'_>, place: &str) -> Tri {
    if named.iter().any(|one| matches!(one, Named::Everyone)) {
        return match asker.known() {
            Ok(role) if role.boundary.is_none() => Tri::No,
            Ok(_) => Tri::undecidable(format!(
                "{place}: whether a Deny with NotPrincipal \"*\" reaches role {}, which has a boundary",
                asker.name
            )),
            Err(open) => Tri::open(open),
        };
    }
    let listed = |naming: Naming| {
        let of_kind = named.iter().map(|one| one.names(asker, place)).filter(|(kind, _)| *kind == naming);
        Tri::any(of_kind.map(|(_, names)| names))
    };
    let parts = [listed(Naming::Session), listed(Naming::Role), listed(Naming::Account)];
    let unknown = listed(Naming::Everyone);
    match asker.known() {
        _ if unknown == Tri::No && parts.iter().all(|part| *part == Tri::No) => Tri::Yes,
        Ok(role) if role.boundary.is_some() => Tri::Yes,
        Err(open) => Tri::open(open),
        Ok(_) if parts.iter().all(|part| *part == Tri::Yes) => Tri::No,
        Ok(_) => Tri::undecidable(format!(
            "{place}: a Deny with NotPrincipal spares role {} only where its session, the role and its account are \
             all listed",
            asker.name
        )),
    }
}

/// `names AROA…X7Q, which is not role karpenter-pay-euc1 (AROA…M2D)`
pub(crate) fn dead_principal(id: &str, asker: &Asker<'_>) -> String {
    let own = asker.known().map(|role| short_id(&role.role_id)).unwrap_or_default();
    format!("names {}, which is not role {} ({own})", short_id(id), asker.name)
}
