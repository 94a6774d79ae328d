//! How people name a cluster: by its full id or its short name. One rule for every cloud.

use crate::ClusterId;
use std::collections::BTreeMap;

/// Returns true if the cloud compares this id without regard to case. Ids of Azure Resource Manager are: the same one is
/// written `resourceGroups` by Terraform and `resourcegroups` by AKS. ARNs and names of Google Cloud mind the case.
pub fn is_caseless(id: &str) -> bool {
    const START: &str = "/subscriptions/";
    id.get(..START.len()).is_some_and(|start| start.eq_ignore_ascii_case(START))
}

/// Returns true if both are one id.
pub fn same_id(one: &str, other: &str) -> bool {
    one == other || (is_caseless(one) && one.eq_ignore_ascii_case(other))
}

impl ClusterId {
    /// The short name: what stands after the last slash.
    pub fn short(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }

    /// Returns true if `key` is this full id.
    pub fn is(&self, key: &str) -> bool {
        same_id(&self.0, key)
    }

    /// Returns true if `key` is the short name of the cluster. Others may have the same name.
    pub fn is_called(&self, key: &str) -> bool {
        let name = self.short();
        name == key || (is_caseless(&self.0) && name.eq_ignore_ascii_case(key))
    }

    /// Settings of this cluster in a table by full id or short name; the full id comes first.
    pub fn find_in<'a, T>(&self, keyed: &'a BTreeMap<String, T>) -> Option<&'a T> {
        let by_id = || keyed.iter().find(|(key, _)| self.is(key));
        let by_name = || keyed.iter().find(|(key, _)| self.is_called(key));
        by_id().or_else(by_name).map(|(_, value)| value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARM: &str =
        "/subscriptions/aaaa/resourcegroups/rg/providers/Microsoft.ContainerService/managedClusters/Prod";
    const ARN: &str = "arn:aws:eks:eu-west-1:111122223333:cluster/Prod";
    const GKE: &str = "projects/p/locations/europe-west1/clusters/prod";

    #[test]
    fn only_arm_compares_without_case() {
        let id = |text: &str| ClusterId(text.to_owned());
        assert!(id(ARM).is(&ARM.replace("resourcegroups", "resourceGroups")));
        assert!(id(ARM).is(&ARM.to_ascii_uppercase()) && id(ARM).is_called("prod"));
        assert!(id(ARN).is(ARN) && !id(ARN).is(&ARN.to_ascii_lowercase()));
        assert!(id(ARN).is_called("Prod") && !id(ARN).is_called("prod"));
        assert!(id(GKE).is_called("prod") && !id(GKE).is_called("Prod"));
        assert!(!is_caseless("/subs") && !is_caseless("") && !is_caseless("ü/subscriptions/"));
    }

    #[test]
    fn a_full_id_comes_before_a_name() {
        let table = |rows: &[(&str, u8)]| {
            rows.iter().map(|(key, value)| ((*key).to_owned(), *value)).collect::<BTreeMap<String, u8>>()
        };
        let id = ClusterId(ARM.to_owned());
        assert_eq!(id.find_in(&table(&[("PROD", 1)])), Some(&1));
        assert_eq!(id.find_in(&table(&[("PROD", 1), (&ARM.to_ascii_uppercase(), 2)])), Some(&2));
        let id = ClusterId(ARN.to_owned());
        assert_eq!(id.find_in(&table(&[("prod", 1), ("other", 2)])), None);
        assert_eq!(id.find_in(&table(&[("Prod", 1), (ARN, 2)])), Some(&2));
    }
}
