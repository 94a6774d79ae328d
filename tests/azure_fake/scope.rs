//! Scopes: their order, and which one stands above which.

use super::world::World;

/// A scope or resource id in the form in which two of them can be compared: Azure ignores case.
pub(crate) fn key(id: &str) -> String {
    let parts: Vec<_> = id.split('/').filter(|part| !part.is_empty()).collect();
    format!("/{}", parts.join("/")).to_lowercase()
}

/// Whether two ids are the same; Azure ignores case.
pub(crate) fn same(one: &str, other: &str) -> bool {
    one.trim_end_matches('/').eq_ignore_ascii_case(other.trim_end_matches('/'))
}

/// Whether one scope is another or stands in it by its path. Makes no texts: lists of large worlds ask
/// it for every entry, and must not take longer than the latency that a test measures.
fn inside(upper: &str, lower: &str) -> bool {
    let (upper, lower) = (upper.trim_end_matches('/').as_bytes(), lower.as_bytes());
    let begins = lower.get(..upper.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(upper));
    begins && lower.get(upper.len()).is_none_or(|&next| next == b'/')
}

/// The subscription in a scope, in lower case.
pub(crate) fn subscription_of(scope: &str) -> Option<String> {
    const HEAD: &str = "/subscriptions/";
    let (head, rest) = scope.split_at_checked(HEAD.len())?;
    head.eq_ignore_ascii_case(HEAD).then(|| rest.split('/').next().unwrap_or_default().to_lowercase())
}

/// The name of the resource group in a scope, as it is written there.
pub(crate) fn group_of(scope: &str) -> Option<&str> {
    let parts: Vec<_> = scope.split('/').filter(|part| !part.is_empty()).collect();
    parts.get(2).filter(|word| word.eq_ignore_ascii_case("resourceGroups")).and_then(|_| parts.get(3)).copied()
}

/// The id of a management group.
pub(crate) fn management_group(name: &str) -> String {
    format!("/providers/Microsoft.Management/managementGroups/{name}")
}

impl World {
    /// A scope and everything above it, the scope itself first and `/` last.
    pub(crate) fn ancestors(&self, scope: &str) -> Vec<String> {
        let scope = key(scope);
        let mut found = vec![scope.clone()];
        let mut above = self.parent_group(&scope);
        if let Some(subscription) = subscription_of(&scope) {
            let parts: Vec<_> = scope.trim_start_matches('/').split('/').collect();
            // A resource stands in its group, the group in its subscription.
            let lengths = [4, 2].into_iter().filter(|&length| parts.len() > length);
            found.extend(lengths.map(|length| format!("/{}", parts[..length].join("/"))));
            above = self.parent_group(&format!("/subscriptions/{subscription}"));
        }
        while let Some(group) = above {
            above = self.parent_group(&group);
            found.push(group);
        }
        if scope != "/" {
            found.push("/".to_owned());
        }
        found
    }

    fn parent_group(&self, child: &str) -> Option<String> {
        self.management.iter().find(|(_, held)| held.iter().any(|id| key(id) == child)).map(|(id, _)| key(id))
    }

    /// Whether what is granted at `upper` holds at `lower`.
    pub(crate) fn covers(&self, upper: &str, lower: &str) -> bool {
        let management = upper.len() > 1 && subscription_of(upper).is_none();
        inside(upper, lower) || (management && self.ancestors(lower).contains(&key(upper)))
    }
}
