//! Tags of repositories: read only of those of which a policy asks for them.

use super::accounts::Accounts;
use super::call::{Caller, read};
use super::operation::LIST_TAGS_FOR_RESOURCE;
use super::{ecr, region};
use crate::facts::table;
use crate::host::EcrHost;
use crate::weigh::EksFacts;
use crate::weigh::tags::PERMISSION;
use futures_util::future::join_all;
use jiff::Timestamp;
use pullaudit_core::{Claim, Facts as _, Holds, Open, Question, Read, Section};
use std::collections::{BTreeMap, BTreeSet};

/// How every condition key and variable of a resource's tags begins, after its service.
const KEY: &str = "resourcetag/";

/// Adds the tags that have a say in one of these questions to what else was read for them.
pub(crate) async fn collect(caller: &Caller, accounts: &Accounts, questions: &[Question], section: &mut Section) {
    let wanted = wanted(section, questions, Timestamp::now());
    let rows = join_all(wanted.iter().map(|key| tags(caller, accounts, section, key))).await;
    for (key, row) in wanted.into_iter().zip(rows) {
        if let Some(row) = row {
            section.store(table::REPOSITORY_TAGS, key, row);
        }
    }
}

/// The tags of the repository `A/R/NAME`; `None` where it is not known whether it exists.
async fn tags(
    caller: &Caller,
    accounts: &Accounts,
    rows: &Section,
    key: &str,
) -> Option<Read<BTreeMap<String, String>>> {
    let repository = rows.get(table::REPOSITORIES, key)?;
    if matches!(repository, Read::Absent) {
        return Some(Read::Absent);
    }
    let arn = repository.got()?.get("arn")?.as_str()?;
    let (account, rest) = key.split_once('/')?;
    let (region, name) = rest.split_once('/')?;
    let reading = format!("tags of repository {name}");
    let Some(reader) = accounts.for_registry(account, region::partition(region)) else {
        return Some(Read::Unread(accounts.closed(account, reading, LIST_TAGS_FOR_RESOURCE)));
    };
    let sent = reader.ecr(region).list_tags_for_resource().resource_arn(arn).send();
    let answer = caller.ask(LIST_TAGS_FOR_RESOURCE, sent).await;
    let answer = answer.map(|answer| {
        let tags = answer.tags.unwrap_or_default();
        tags.into_iter().map(|tag| (tag.key, tag.value)).collect()
    });
    Some(read(answer, &[ecr::NO_REPOSITORY], reading, format!("account {account}")))
}

/// The repositories, as `A/R/NAME`, whose tags have a say in one of these questions. Most sections ask for none, and of
/// those the policies are not even parsed.
fn wanted(section: &Section, questions: &[Question], at: Timestamp) -> BTreeSet<String> {
    let mut wanted = BTreeSet::new();
    if !mentions(section) {
        return wanted;
    }
    let Ok(facts) = EksFacts::open(section) else { return wanted };
    for question in questions {
        let Some(host) = EcrHost::parse(question.image.registry.as_str()) else { continue };
        if facts.weigh(question, at).is_some_and(|claim| needs_tags(&claim)) {
            let region = host.region.to_ascii_lowercase();
            wanted.insert(format!("{}/{region}/{}", host.account, question.image.repository));
        }
    }
    wanted
}

fn mentions(section: &Section) -> bool {
    let documents = [
        table::INLINE,
        table::POLICIES,
        table::REPOSITORY_POLICIES,
        table::REGISTRY_POLICIES,
        table::CONTROL_POLICIES,
    ];
    let rows = documents.into_iter().filter_map(|name| section.tables.get(name)).flat_map(BTreeMap::values);
    let texts = rows.filter_map(|row| row.got()?.get("text")?.as_str());
    let names =
        |text: &str| text.as_bytes().windows(KEY.len()).any(|part| part.eq_ignore_ascii_case(KEY.as_bytes()));
    texts.into_iter().any(names)
}

fn needs_tags(claim: &Claim) -> bool {
    let is_tags = |open: &Open| matches!(open, Open::Unread { permission, .. } if &**permission == PERMISSION);
    match claim {
        Claim::Fact(fact) => matches!(&fact.holds, Holds::Open(opens) if opens.iter().any(is_tags)),
        Claim::All(parts) | Claim::Any(parts) | Claim::OneOf { cases: parts, .. } => parts.iter().any(needs_tags),
    }
}
