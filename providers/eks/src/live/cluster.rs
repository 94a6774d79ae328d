//! What makes up the pools of one cluster: node groups, Fargate profiles, access entries.

use super::call::{Caller, read as reading_of};
use super::operation::{
    DESCRIBE_ACCESS_ENTRY, DESCRIBE_CLUSTER, DESCRIBE_FARGATE_PROFILE, DESCRIBE_NODEGROUP, LIST_ACCESS_ENTRIES,
    LIST_FARGATE_PROFILES, LIST_NODEGROUPS,
};
use super::paging::pages;
use super::shape;
use super::trouble::Trouble;
use crate::facts::cluster_table as table;
use aws_sdk_eks::Client;
use futures_util::future::{join_all, join3};
use pullaudit_core::{Read, Section};
use serde::Serialize;

/// AWS's word for what was deleted since it was listed.
const VANISHED: &[&str] = &["ResourceNotFoundException"];

/// One cluster under reading.
struct Reading<'a> {
    caller: &'a Caller,
    eks: &'a Client,
    cluster: &'a str,
    scope: String,
}

/// The cluster's end point and its rows; `None` when it was deleted since it was listed.
pub(crate) async fn read(
    caller: &Caller,
    eks: &Client,
    cluster: &str,
    account: &str,
) -> Option<(Option<String>, Section)> {
    let this = Reading { caller, eks, cluster, scope: format!("account {account}") };
    let detail = match this.detail().await {
        Err(trouble) if trouble.is(VANISHED) => return None,
        answer => reading_of(answer, &[], format!("cluster {cluster}"), this.scope.as_str()),
    };
    let endpoint = detail.got().and_then(|detail| detail.endpoint.clone());
    // Only these modes have access entries; in the third, or where the mode is not known, asking is an
    // error that says nothing.
    let entries = detail
        .got()
        .and_then(|detail| detail.authentication_mode.as_deref())
        .is_some_and(|mode| matches!(mode, "API" | "API_AND_CONFIG_MAP"));
    let (groups, profiles, entries) = join3(this.nodegroups(), this.fargate(), async {
        if entries { this.entries().await } else { Section::default() }
    })
    .await;
    let mut section = groups;
    section.tables.extend(profiles.tables);
    section.tables.extend(entries.tables);
    section.store(table::CLUSTER, "", detail);
    Some((endpoint, section))
}

impl Reading<'_> {
    async fn detail(&self) -> Result<crate::facts::ClusterDetail, Trouble> {
        let sent = self.eks.describe_cluster().name(self.cluster).send();
        let answer = self.caller.ask(DESCRIBE_CLUSTER, sent).await?;
        answer.cluster.map(|cluster| shape::cluster(&cluster)).ok_or_else(|| empty(DESCRIBE_CLUSTER))
    }

    async fn nodegroups(&self) -> Section {
        let listed = pages(LIST_NODEGROUPS, |token| {
            let sent = self.eks.list_nodegroups().cluster_name(self.cluster).set_next_token(token).send();
            async {
                self.caller
                    .ask(LIST_NODEGROUPS, sent)
                    .await
                    .map(|p| (p.nodegroups.unwrap_or_default(), p.next_token))
            }
        });
        let listed = listed.await;
        self.each(
            listed,
            [table::NODEGROUP_NAMES, table::NODEGROUPS],
            ["node groups", "node group"],
            |name| async move {
                let sent = self.eks.describe_nodegroup().cluster_name(self.cluster).nodegroup_name(name).send();
                let answer = self.caller.ask(DESCRIBE_NODEGROUP, sent).await?;
                answer
                    .nodegroup
                    .as_ref()
                    .and_then(shape::nodegroup)
                    .map(Some)
                    .ok_or_else(|| empty(DESCRIBE_NODEGROUP))
            },
        )
        .await
    }

    async fn fargate(&self) -> Section {
        let listed = pages(LIST_FARGATE_PROFILES, |token| {
            let sent = self.eks.list_fargate_profiles().cluster_name(self.cluster).set_next_token(token).send();
            async {
                let page = self.caller.ask(LIST_FARGATE_PROFILES, sent).await?;
                Ok((page.fargate_profile_names.unwrap_or_default(), page.next_token))
            }
        });
        let listed = listed.await;
        self.each(
            listed,
            [table::FARGATE_NAMES, table::FARGATE],
            ["Fargate profiles", "Fargate profile"],
            |name| async move {
                let sent = self
                    .eks
                    .describe_fargate_profile()
                    .cluster_name(self.cluster)
                    .fargate_profile_name(name)
                    .send();
                let answer = self.caller.ask(DESCRIBE_FARGATE_PROFILE, sent).await?;
                answer
                    .fargate_profile
                    .as_ref()
                    .and_then(shape::fargate)
                    .map(Some)
                    .ok_or_else(|| empty(DESCRIBE_FARGATE_PROFILE))
            },
        )
        .await
    }

    async fn entries(&self) -> Section {
        let listed = pages(LIST_ACCESS_ENTRIES, |token| {
            let sent = self.eks.list_access_entries().cluster_name(self.cluster).set_next_token(token).send();
            async {
                self.caller
                    .ask(LIST_ACCESS_ENTRIES, sent)
                    .await
                    .map(|p| (p.access_entries.unwrap_or_default(), p.next_token))
            }
        });
        let listed = listed.await;
        self.each(
            listed,
            [table::ACCESS_ENTRY_ARNS, table::ACCESS_ENTRIES],
            ["access entries", "access entry"],
            |arn| async move {
                // Nodes are roles; a user's entry is never a node's.
                if !arn.contains(":role/") {
                    return Ok(None);
                }
                let sent = self.eks.describe_access_entry().cluster_name(self.cluster).principal_arn(arn).send();
                let answer = self.caller.ask(DESCRIBE_ACCESS_ENTRY, sent).await?;
                answer
                    .access_entry
                    .as_ref()
                    .and_then(shape::entry)
                    .map(Some)
                    .ok_or_else(|| empty(DESCRIBE_ACCESS_ENTRY))
            },
        )
        .await
    }

    /// The row of a list, and a row for each of what it names. What vanished in between is in neither;
    /// `Ok(None)` is in the list alone.
    async fn each<T: Serialize, Described: Future<Output = Result<Option<T>, Trouble>>>(
        &self,
        listed: Result<Vec<String>, Trouble>,
        [names_table, rows_table]: [&str; 2],
        [many, one]: [&str; 2],
        describe: impl Fn(String) -> Described,
    ) -> Section {
        let mut section = Section::default();
        let cluster = self.cluster;
        let names = match reading_of(listed, &[], format!("{many} of {cluster}"), self.scope.as_str()) {
            Read::Got(names) => names,
            other => {
                section.store(names_table, "", other);
                return section;
            }
        };
        let described = join_all(names.iter().cloned().map(describe)).await;
        let mut kept = Vec::new();
        for (name, answer) in names.into_iter().zip(described) {
            match answer {
                Err(trouble) if trouble.is(VANISHED) => continue,
                Ok(None) => {}
                answer => {
                    let reading =
                        reading_of(answer, &[], format!("{one} {name} of {cluster}"), self.scope.as_str());
                    section.store(rows_table, name.as_str(), reading);
                }
            }
            kept.push(name);
        }
        section.store(names_table, "", Read::Got(kept));
        section
    }
}

fn empty(operation: &'static super::operation::Operation) -> Trouble {
    Trouble::failed(operation, "the answer is empty or names no role")
}
