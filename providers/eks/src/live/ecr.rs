//! Registries: their repositories, policies, images and rules.

use super::accounts::{Account, Accounts};
use super::batch::{Absence, Answers, ask_many};
use super::call::{Caller, read};
use super::iam::merge;
use super::needs::{RegistryName, Wanted};
use super::operation::{
    DESCRIBE_IMAGES, DESCRIBE_PULL_THROUGH_CACHE_RULES, DESCRIBE_REPOSITORIES,
    DESCRIBE_REPOSITORY_CREATION_TEMPLATES, GET_ACCOUNT_SETTING, GET_REGISTRY_POLICY, GET_REPOSITORY_POLICY,
};
use super::paging::pages;
use super::trouble::Trouble;
use super::{images, region};
use crate::facts::{Document, PullThroughRule, Repository, covers, table};
use aws_sdk_ecr::{Client, types};
use futures_util::future::{join, join_all, join3};
use pullaudit_core::{Read, Section};
use serde_json::{Value, json};

pub(crate) const NO_REPOSITORY: &str = "RepositoryNotFoundException";
pub(crate) const NO_POLICY: &str = "RepositoryPolicyNotFoundException";
const NO_REGISTRY_POLICY: &str = "RegistryPolicyNotFoundException";
const POLICY_SCOPE: &str = "REGISTRY_POLICY_SCOPE";

/// One registry under reading, with our credentials of its account or, where there are none, with our
/// own: a registry can be opened to other accounts.
pub(crate) struct Registry<'a> {
    pub(crate) caller: &'a Caller,
    accounts: &'a Accounts,
    reader: Option<&'a Account>,
    pub(crate) name: &'a RegistryName,
    pub(crate) scope: String,
}

/// The rows of these repositories and of the registry itself.
pub(crate) async fn collect(
    caller: &Caller,
    accounts: &Accounts,
    name: &RegistryName,
    wanted: &Wanted,
) -> Section {
    let reader = accounts.for_registry(&name.account, region::partition(&name.region));
    let registry = Registry { caller, accounts, reader, name, scope: format!("account {}", name.account) };
    let Some(reader) = reader else { return registry.closed(wanted) };
    let ecr = reader.ecr(&name.region);
    let (mut section, repositories) = join(registry.itself(&ecr), registry.repositories(&ecr, wanted)).await;
    merge(&mut section, repositories);
    if registry.may_create(&section, wanted) {
        section.put(table::TEMPLATES, name.key(), registry.templates(&ecr).await);
    }
    section
}

impl Registry<'_> {
    /// `A/R/NAME`
    pub(crate) fn key(&self, repository: &str) -> String {
        format!("{}/{repository}", self.name.key())
    }

    async fn repositories(&self, ecr: &Client, wanted: &Wanted) -> Section {
        let mut section = Section::default();
        let asked = join_all(wanted.keys().map(|name| self.policy(ecr, name))).await;
        // This answer is needed of each repository anyway, and says of one that does not exist that it
        // does not. Asking for the others only keeps the batches below from failing.
        let mut there = Vec::new();
        for (name, answer) in wanted.keys().zip(asked) {
            let gone = answer.as_ref().is_err_and(|trouble| trouble.is(&[NO_REPOSITORY]));
            let reading = format!("repository policy of {name}");
            let policy = read(answer, &[NO_POLICY, NO_REPOSITORY], reading, self.scope.as_str());
            section.store(table::REPOSITORY_POLICIES, self.key(name), policy);
            if gone {
                section.put(table::REPOSITORIES, self.key(name), Read::Absent);
                for image in &wanted[name] {
                    section.put(table::IMAGES, image.key(&self.key(name)), Read::Absent);
                }
            } else {
                there.push(name.clone());
            }
        }
        let images = join_all(there.iter().map(|name| images::collect(self, ecr, name, &wanted[name])));
        let (described, images) = join(self.describe(ecr, there.clone()), images).await;
        for (name, answer) in described {
            let reading = read(answer, &[], format!("repository {name}"), self.scope.as_str());
            section.store(table::REPOSITORIES, self.key(&name), optional(reading));
        }
        for rows in images {
            merge(&mut section, rows);
        }
        section
    }

    /// Whether a rule covers a repository that is not there.
    fn may_create(&self, rows: &Section, wanted: &Wanted) -> bool {
        let Some(Read::Got(Value::Array(rules))) = rows.get(table::PULL_THROUGH, &self.name.key()) else {
            return false;
        };
        let prefixes: Vec<&str> = rules.iter().filter_map(|rule| rule["prefix"].as_str()).collect();
        let covered = |name: &str| prefixes.iter().any(|prefix| covers(prefix, name));
        let missing = |name: &str| rows.get(table::REPOSITORIES, &self.key(name)) == Some(&Read::Absent);
        wanted.keys().any(|name| covered(name) && missing(name))
    }

    /// What repositories get that ECR creates. It can be read from inside the account only.
    async fn templates(&self, ecr: &Client) -> Read<Value> {
        let reading = self.registry_reading("creation templates");
        if self.reader.is_none_or(|reader| reader.id != self.name.account) {
            let operation = DESCRIBE_REPOSITORY_CREATION_TEMPLATES;
            return Read::Unread(self.accounts.closed(&self.name.account, reading, operation));
        }
        let answer = pages(DESCRIBE_REPOSITORY_CREATION_TEMPLATES, |token| {
            let ask = ecr.describe_repository_creation_templates().set_next_token(token);
            async {
                let page = self.caller.ask(DESCRIBE_REPOSITORY_CREATION_TEMPLATES, ask.send()).await?;
                let templates = page.repository_creation_templates.unwrap_or_default();
                let template = |one: types::RepositoryCreationTemplate| {
                    let applied = one.applied_for.unwrap_or_default();
                    let applied: Vec<String> = applied.iter().map(|word| word.as_str().to_owned()).collect();
                    Some((one.prefix?, applied, one.repository_policy))
                };
                Ok((templates.into_iter().filter_map(template).collect(), page.next_token))
            }
        });
        let rows = answer.await.map(|templates| {
            let row = |(prefix, applied, policy): (String, Vec<String>, Option<String>)| {
                let mut row = json!({ "prefix": prefix, "appliedFor": applied });
                if let Some(policy) = policy {
                    row["policy"] = policy.into();
                }
                row
            };
            Value::Array(templates.into_iter().map(row).collect())
        });
        read(rows, &[], reading, self.scope.as_str())
    }

    async fn policy(&self, ecr: &Client, repository: &str) -> Result<Document, Trouble> {
        let sent = ecr.get_repository_policy().registry_id(&self.name.account).repository_name(repository).send();
        let answer = self.caller.ask(GET_REPOSITORY_POLICY, sent).await?;
        document(answer.policy_text)
            .ok_or_else(|| Trouble::failed(GET_REPOSITORY_POLICY, "the answer holds no policy"))
    }

    async fn describe(&self, ecr: &Client, names: Vec<String>) -> Answers<String, Repository> {
        let absence = Absence {
            one: NO_REPOSITORY,
            all: None,
            names: |text, name: &String| text.contains(&format!("name '{name}'")),
        };
        ask_many(DESCRIBE_REPOSITORIES, names, &absence, |batch| async {
            let ask =
                ecr.describe_repositories().registry_id(&self.name.account).set_repository_names(Some(batch));
            let answer = self.caller.ask(DESCRIBE_REPOSITORIES, ask.send()).await?;
            let found = answer.repositories.unwrap_or_default();
            let arn =
                |one: types::Repository| Some((one.repository_name?, Repository { arn: one.repository_arn? }));
            Ok(found.into_iter().filter_map(arn).collect())
        })
        .await
    }

    /// The registry's own policy and settings can be read from inside its account only: the API takes
    /// no registry id.
    async fn itself(&self, ecr: &Client) -> Section {
        let inside = self.reader.is_some_and(|reader| reader.id == self.name.account);
        let (policy, setting, rules) = join3(
            async { if inside { Some(self.registry_policy(ecr).await) } else { None } },
            async { if inside { Some(self.policy_scope(ecr).await) } else { None } },
            self.pull_through_rules(ecr),
        )
        .await;
        let mut section = self.closed_registry();
        let key = self.name.key();
        if let Some(policy) = policy {
            let reading =
                read(policy, &[NO_REGISTRY_POLICY], self.registry_reading("policy"), self.scope.as_str());
            section.store(table::REGISTRY_POLICIES, key.as_str(), reading);
        }
        if let Some(setting) = setting {
            let reading = read(setting, &[], self.registry_reading("policy scope"), self.scope.as_str());
            section.put(table::ACCOUNT_SETTINGS, key.as_str(), reading);
        }
        let reading = read(rules, &[], self.registry_reading("pull-through cache rules"), self.scope.as_str());
        section.put(table::PULL_THROUGH, key, reading);
        section
    }

    async fn registry_policy(&self, ecr: &Client) -> Result<Document, Trouble> {
        let answer = self.caller.ask(GET_REGISTRY_POLICY, ecr.get_registry_policy().send()).await?;
        document(answer.policy_text)
            .ok_or_else(|| Trouble::failed(GET_REGISTRY_POLICY, "the answer holds no policy"))
    }

    async fn policy_scope(&self, ecr: &Client) -> Result<Value, Trouble> {
        let answer =
            self.caller.ask(GET_ACCOUNT_SETTING, ecr.get_account_setting().name(POLICY_SCOPE).send()).await?;
        let value =
            answer.value.ok_or_else(|| Trouble::failed(GET_ACCOUNT_SETTING, "the answer holds no value"))?;
        Ok(json!({ "registryPolicyScope": value }))
    }

    async fn pull_through_rules(&self, ecr: &Client) -> Result<Value, Trouble> {
        let rules = pages(DESCRIBE_PULL_THROUGH_CACHE_RULES, |token| {
            let ask =
                ecr.describe_pull_through_cache_rules().registry_id(&self.name.account).set_next_token(token);
            async {
                let page = self.caller.ask(DESCRIBE_PULL_THROUGH_CACHE_RULES, ask.send()).await?;
                let rules = page.pull_through_cache_rules.unwrap_or_default();
                let rule = |rule: types::PullThroughCacheRule| {
                    let upstream = rule.upstream_registry_url.unwrap_or_default();
                    Some(PullThroughRule {
                        prefix: rule.ecr_repository_prefix?,
                        upstream,
                        role: rule.custom_role_arn,
                    })
                };
                Ok((rules.into_iter().filter_map(rule).collect(), page.next_token))
            }
        });
        let rules: Vec<PullThroughRule> = rules.await?;
        Ok(json!(rules))
    }

    fn registry_reading(&self, what: &str) -> String {
        format!("registry {what} of {}", self.name.key())
    }

    /// The registry's own rows as they are for somebody outside its account.
    fn closed_registry(&self) -> Section {
        let mut section = Section::default();
        for (table, what, operation) in [
            (table::REGISTRY_POLICIES, "policy", GET_REGISTRY_POLICY),
            (table::ACCOUNT_SETTINGS, "policy scope", GET_ACCOUNT_SETTING),
            (table::PULL_THROUGH, "pull-through cache rules", DESCRIBE_PULL_THROUGH_CACHE_RULES),
        ] {
            let open = self.accounts.closed(&self.name.account, self.registry_reading(what), operation);
            section.put(table, self.name.key(), Read::Unread(open));
        }
        section
    }

    /// All rows, where nobody of ours can even ask.
    fn closed(&self, wanted: &Wanted) -> Section {
        let mut section = self.closed_registry();
        for (name, images) in wanted {
            let key = self.key(name);
            let mut put = |table: &str, row: String, reading: String, operation| {
                let open = self.accounts.closed(&self.name.account, reading, operation);
                section.put(table, row, Read::Unread(open));
            };
            put(table::REPOSITORIES, key.clone(), format!("repository {name}"), DESCRIBE_REPOSITORIES);
            put(
                table::REPOSITORY_POLICIES,
                key.clone(),
                format!("repository policy of {name}"),
                GET_REPOSITORY_POLICY,
            );
            for image in images {
                put(table::IMAGES, image.key(&key), format!("image {}", image.key(name)), DESCRIBE_IMAGES);
            }
        }
        section
    }
}

/// A reading whose answer may be "there is none".
pub(crate) fn optional<T>(reading: Read<Option<T>>) -> Read<T> {
    match reading {
        Read::Got(Some(value)) => Read::Got(value),
        Read::Got(None) | Read::Absent => Read::Absent,
        Read::Unread(open) => Read::Unread(open),
    }
}

fn document(text: Option<String>) -> Option<Document> {
    text.map(|text| Document { text, version: None })
}
