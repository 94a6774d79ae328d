//! What a role or a deny assignment says of one action: names with wildcards, compared without case.

use super::condition::{Access, Condition, covers};
use super::outcome::Outcome;
use crate::facts::Permission;

/// Pulls from a registry in its former mode.
pub(crate) const PULL: &str = "Microsoft.ContainerRegistry/registries/pull/read";
/// Pushes to a registry in its former mode.
pub(crate) const PUSH: &str = "Microsoft.ContainerRegistry/registries/push/write";
/// Reads layers and manifests in ABAC mode; a data action.
pub(crate) const CONTENT: &str = "Microsoft.ContainerRegistry/registries/repositories/content/read";
/// Reads tags and the like in ABAC mode; a data action.
pub(crate) const METADATA: &str = "Microsoft.ContainerRegistry/registries/repositories/metadata/read";
/// Pushes in ABAC mode; a data action.
pub(crate) const CONTENT_WRITE: &str = "Microsoft.ContainerRegistry/registries/repositories/content/write";

/// One thing to do in a registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    Pull,
    Push,
    Content,
    Metadata,
    ContentWrite,
}

impl Act {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Pull => PULL,
            Self::Push => PUSH,
            Self::Content => CONTENT,
            Self::Metadata => METADATA,
            Self::ContentWrite => CONTENT_WRITE,
        }
    }

    pub(super) fn is_data(self) -> bool {
        matches!(self, Self::Content | Self::Metadata | Self::ContentWrite)
    }
}

/// A role's elements with their conditions parsed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Permissions {
    elements: Vec<Element>,
    /// Registries of this tenant honour wildcards inside a provider's name.
    inside: bool,
}

#[derive(Clone, Debug)]
struct Element {
    permission: Permission,
    condition: Option<Condition>,
}

impl Permissions {
    /// `inside` tells that the tenant is set up with a private link for Resource Manager. The error names a list that
    /// the answer lost.
    pub(crate) fn of(permissions: &[Permission], inside: bool) -> Result<Self, String> {
        if let Some(list) = permissions.iter().find_map(lost_list) {
            return Err(format!("the answer holds permissions without {list}"));
        }
        let element = |permission: &Permission| Element {
            condition: condition(permission.condition.as_deref(), permission.condition_version.as_deref()),
            permission: permission.clone(),
        };
        Ok(Self { elements: permissions.iter().map(element).collect(), inside })
    }

    /// Whether one of the elements covers the action on the repository. What an element takes back, it
    /// takes back from itself only.
    pub(crate) fn cover(&self, act: Act, repository: &str) -> Outcome {
        let covers = |element: &Element| element.covers(act, repository, self.inside);
        self.elements.iter().fold(Outcome::No, |any, element| any.or(covers(element)))
    }
}

/// `None` where there is no condition, or only an empty one. A version without a text is what is left of one.
pub(crate) fn condition(text: Option<&str>, version: Option<&str>) -> Option<Condition> {
    let filled = |text: &&str| !text.trim().is_empty();
    match (text.filter(filled), version.filter(filled)) {
        (Some(text), _) => Some(Condition::parse(text, version)),
        (None, Some(_)) => Some(Condition::lost()),
        (None, None) => None,
    }
}

/// Why a condition decides nothing about an action of the control plane.
///
/// Source: Microsoft Learn, "Azure attribute-based access control for repository permissions" (`--role-assignment-mode
/// rbac`: role assignments with conditions are not supported).
pub(super) fn unsupported() -> Outcome {
    Outcome::Open(
        "whether a registry honours a condition in LegacyRegistryPermissions mode, which supports none".into(),
    )
}

impl Element {
    fn covers(&self, act: Act, repository: &str, inside: bool) -> Outcome {
        let element = &self.permission;
        let (given, withheld) = if act.is_data() {
            (element.data_actions.as_ref(), element.not_data_actions.as_ref())
        } else {
            (element.actions.as_ref(), element.not_actions.as_ref())
        };
        let covered = one_of(given, act, inside).and(one_of(withheld, act, inside).negate());
        match &self.condition {
            Some(_) if covered != Outcome::No && !act.is_data() => covered.and(unsupported()),
            Some(condition) if covered != Outcome::No => {
                covered.and(condition.holds(&Access { action: act.name(), repository }))
            }
            _ => covered,
        }
    }
}

/// A list that is not there is empty, see [`lost_list`].
fn one_of(patterns: Option<&Vec<String>>, act: Act, inside: bool) -> Outcome {
    let patterns = patterns.into_iter().flatten();
    patterns.fold(Outcome::No, |any, pattern| any.or(matches(pattern, act.name(), inside)))
}

/// The list that an element lost. Azure writes all four, and so has every snapshot of pullaudit.
fn lost_list(permission: &Permission) -> Option<&'static str> {
    let Permission { actions, not_actions, data_actions, not_data_actions, .. } = permission;
    let lists = [
        ("actions", actions),
        ("notActions", not_actions),
        ("dataActions", data_actions),
        ("notDataActions", not_data_actions),
    ];
    lists.into_iter().find(|(_, list)| list.is_none()).map(|(name, _)| name)
}

/// A wildcard inside a provider's name (`Microsoft.ContainerRegistry/*`) counts only in tenants that are set
/// up with a private link for Resource Manager, so where it decides, nothing is decided.
///
/// Source: Microsoft Learn, "Azure Container Registry custom roles".
fn matches(pattern: &str, action: &str, inside: bool) -> Outcome {
    if !covers(pattern, action) {
        return Outcome::No;
    }
    if inside || pattern.starts_with('*') || !pattern.contains('*') {
        return Outcome::Yes;
    }
    Outcome::Open(format!("whether registries honour the wildcard {pattern} in this tenant: scopes.armPrivateLink in pullaudit.yaml").into())
}

/// Whether permissions as Azure lists them for the caller cover an action of its control plane. Resource
/// Manager itself decides this one, and honours every wildcard.
#[cfg(feature = "live")]
pub(crate) fn grants_action(permissions: &[Permission], action: &str) -> bool {
    let any = |patterns: &Option<Vec<String>>| patterns.iter().flatten().any(|pattern| covers(pattern, action));
    permissions.iter().any(|one| any(&one.actions) && !any(&one.not_actions))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn element(actions: &[&str], not_actions: &[&str]) -> Permission {
        let texts = |texts: &[&str]| Some(texts.iter().map(|&text| text.to_owned()).collect());
        Permission {
            actions: texts(actions),
            not_actions: texts(not_actions),
            data_actions: texts(&[]),
            not_data_actions: texts(&[]),
            ..Permission::default()
        }
    }

    fn pulls(permissions: &[Permission]) -> Outcome {
        Permissions::of(permissions, false).unwrap().cover(Act::Pull, "team/app")
    }

    #[test]
    fn names_and_leading_wildcards_pull_whatever_their_case() {
        for given in [PULL, "microsoft.containerregistry/REGISTRIES/pull/read", "*", "*/read", "*/PULL/read"] {
            assert_eq!(pulls(&[element(&[given], &[])]), Outcome::Yes, "{given}");
        }
        for given in
            ["*/write", "Microsoft.ContainerRegistry/registries/read", "Microsoft.Compute/*", "", "pull/read"]
        {
            assert_eq!(pulls(&[element(&[given], &[])]), Outcome::No, "{given}");
        }
    }

    #[test]
    fn a_wildcard_inside_the_provider_decides_nothing_whether_it_gives_or_takes() {
        let inside = "Microsoft.ContainerRegistry/registries/*";
        assert!(matches!(pulls(&[element(&[inside], &[])]), Outcome::Open(_)));
        assert!(matches!(pulls(&[element(&["*"], &[inside])]), Outcome::Open(_)));
        assert_eq!(pulls(&[element(&[inside, PULL], &[])]), Outcome::Yes);
        assert_eq!(pulls(&[element(&[inside], &[PULL])]), Outcome::No);
    }

    #[test]
    fn a_tenant_with_a_private_link_honours_it() {
        let inside = "Microsoft.ContainerRegistry/registries/*";
        let pulls = |permission| Permissions::of(&[permission], true).unwrap().cover(Act::Pull, "team/app");
        assert_eq!(pulls(element(&[inside], &[])), Outcome::Yes);
        assert_eq!(pulls(element(&["*"], &[inside])), Outcome::No);
        assert_eq!(pulls(element(&["Microsoft.ContainerRegistry/registries/push/*"], &[])), Outcome::No);
    }

    #[test]
    fn what_is_taken_back_is_taken_back_from_its_own_element_only() {
        assert_eq!(pulls(&[element(&["*"], &[PULL])]), Outcome::No);
        assert_eq!(pulls(&[element(&["*"], &["*/read"]), element(&[PULL], &[])]), Outcome::Yes);
        assert_eq!(pulls(&[]), Outcome::No);
    }

    #[test]
    fn an_element_that_lost_a_list_is_none() {
        let whole =
            Permission { data_actions: Some(vec![]), not_data_actions: Some(vec![]), ..element(&["*"], &[]) };
        assert!(Permissions::of(std::slice::from_ref(&whole), false).is_ok());
        let lost = |permission| Permissions::of(&[permission], false).unwrap_err();
        assert!(lost(Permission { actions: None, ..whole.clone() }).ends_with(" without actions"));
        assert!(lost(Permission { not_actions: None, ..whole.clone() }).ends_with(" without notActions"));
        assert!(lost(Permission { data_actions: None, ..whole.clone() }).ends_with(" without dataActions"));
        assert!(lost(Permission { not_data_actions: None, ..whole.clone() }).ends_with(" without notDataActions"));
        assert!(
            lost(Permission { not_actions: None, not_data_actions: None, ..whole })
                .ends_with(" without notActions")
        );
        assert!(lost(Permission::default()).ends_with(" without actions"));
    }

    #[test]
    fn a_control_action_is_no_data_action() {
        let all = Permissions::of(&[element(&["*"], &[])], false).unwrap();
        assert_eq!(all.cover(Act::Content, "team/app"), Outcome::No);
    }
}
