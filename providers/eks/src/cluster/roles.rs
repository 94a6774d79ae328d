//! Roles that may join as nodes, from the lists that the cluster goes by.

use super::aws_auth;
use super::readings;
use crate::facts::{AccessEntry, ClusterDetail, cluster_table};
use crate::weigh::arn::RoleArn;
use pullaudit_core::{ClusterView, Discovered, Open, Read};

/// Kinds of machines that a role may join for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Machines {
    /// EC2 instances with the node's own kubelet.
    Ec2,
    /// EC2 instances of Auto Mode.
    Auto,
    /// Machines elsewhere.
    Hybrid,
    /// The list does not say.
    Any,
}

/// A role that a list lets join.
#[derive(Clone, Debug)]
pub(super) struct Joiner {
    pub(super) arn: String,
    pub(super) machines: Machines,
    pub(super) os: Option<&'static str>,
}

/// The roles that may join, and what keeps the list from being whole.
#[derive(Debug, Default)]
pub(super) struct Joiners {
    pub(super) roles: Vec<Joiner>,
    pub(super) missing: Vec<Open>,
}

impl Joiners {
    /// Goes by access entries, by aws-auth or by both, as the cluster's authentication mode says. Where
    /// that is not known both are read.
    ///
    /// Source: EKS user guide, "Cluster authentication mode".
    pub(super) fn of(found: &Discovered, detail: &Read<ClusterDetail>, view: &Read<ClusterView>) -> Self {
        let mode = detail.got().map(|detail| detail.authentication_mode.as_deref().unwrap_or("CONFIG_MAP"));
        let mut joiners = Self::default();
        if mode != Some("CONFIG_MAP") {
            joiners.add_entries(found);
        }
        if mode != Some("API") {
            joiners.add_config_map(view);
        }
        joiners
    }

    fn add_entries(&mut self, found: &Discovered) {
        let list: Read<Vec<String>> =
            readings::one(found, cluster_table::ACCESS_ENTRY_ARNS, "", "eks:ListAccessEntries");
        let arns = match list {
            Read::Got(arns) => arns,
            Read::Absent => return,
            Read::Unread(open) => return self.missing.push(open),
        };
        for arn in arns {
            // People and CI systems that are no roles can't be nodes.
            if RoleArn::parse(&arn).is_none() {
                continue;
            }
            let entry: Read<AccessEntry> =
                readings::one(found, cluster_table::ACCESS_ENTRIES, &arn, "eks:DescribeAccessEntry");
            match entry {
                Read::Got(entry) => {
                    self.roles.extend(of_kind(&entry.kind).map(|(machines, os)| Joiner { arn, machines, os }));
                }
                Read::Absent => {}
                Read::Unread(open) => self.missing.push(open),
            }
        }
    }

    fn add_config_map(&mut self, view: &Read<ClusterView>) {
        let roles = match view {
            Read::Got(view) => aws_auth::node_roles(view),
            Read::Absent => Read::Absent,
            Read::Unread(open) => Read::Unread(open.clone()),
        };
        match roles {
            Read::Got(arns) => {
                self.roles.extend(arns.into_iter().map(|arn| Joiner { arn, machines: Machines::Any, os: None }));
            }
            Read::Absent => {}
            Read::Unread(open) => self.missing.push(open),
        }
    }
}

/// What joins with an access entry of a type; `None` for people and for Fargate, whose roles are known
/// from its profiles.
///
/// Source: EKS API reference, `CreateAccessEntry`, `type`.
fn of_kind(kind: &str) -> Option<(Machines, Option<&'static str>)> {
    match kind {
        "EC2_LINUX" | "HYPERPOD_LINUX" => Some((Machines::Ec2, Some("linux"))),
        "EC2_WINDOWS" => Some((Machines::Ec2, Some("windows"))),
        "EC2" => Some((Machines::Auto, Some("linux"))),
        "HYBRID_LINUX" => Some((Machines::Hybrid, Some("linux"))),
        _ => None,
    }
}

/// True when two ARNs name one role: aws-auth leaves paths out, and names are unique in an account.
pub(super) fn same_role(one: &str, other: &str) -> bool {
    match (RoleArn::parse(one), RoleArn::parse(other)) {
        (Some(one), Some(other)) => one.account == other.account && one.name == other.name,
        _ => one == other,
    }
}
