//! Registries and their repositories.

use super::{Asked, Row, row, rows};
use crate::codes::Finding;
use crate::facts::{
    AccountSettings, CreationTemplate, Document, Image, PullThroughRule, ROOT, Repository, covers, is_under, table,
};
use crate::weigh::addons::is_addon_registry;
use crate::weigh::controls::{Controls, Membership, Side};
use crate::weigh::policy::action::Acts;
use crate::weigh::policy::{Kind, Policy};
use crate::weigh::tags::Tags;
use pullaudit_core::{Code, Obstacle, Open, Read, Section, Text};
use std::collections::{BTreeSet, HashMap};

/// A repository with its policy and the images that were asked for.
#[derive(Debug)]
pub(crate) struct RepositoryEntry {
    pub(crate) account: String,
    pub(crate) region: String,
    pub(crate) name: String,
    pub(crate) presence: Presence,
    /// `repository ledger/api (412… eu-central-1)`
    pub(crate) place: Text,
    pub(crate) policy: Policy,
    pub(crate) policy_place: Text,
    pub(crate) splits: bool,
    /// False when its policy or an image of it was read, so that it exists whatever else is not known.
    pub(crate) may_be_missing: bool,
    /// What refused the answers about it; empty when its policy was read, or never asked for.
    pub(crate) refusals: Vec<Open>,
    /// The resource control policies above its account.
    pub(crate) controls: Controls,
    /// The organization of its account.
    pub(crate) organization: Membership,
    pub(crate) tags: Tags,
    /// True for a registry of AWS itself.
    pub(crate) addon: bool,
    /// Few, so that looking through them is the quickest.
    images: Vec<(String, ImageState)>,
}

/// Whether a repository exists.
#[derive(Debug)]
pub(crate) enum Presence {
    /// With its ARN.
    There(Text),
    Missing,
    Open(Open, Code),
}

/// Whether an image exists.
#[derive(Clone, Debug)]
pub(crate) enum ImageState {
    /// Where it stands, and what it is.
    There(Text, Text),
    /// It is in the archive, or on its way out of it, as this says: nobody can pull it.
    Archived(Text, Text),
    Missing,
    Open(Open, Code),
}

/// What a whole registry of one account and region is set to.
#[derive(Debug)]
pub(crate) struct RegistryEntry {
    pub(crate) account: String,
    pub(crate) region: String,
    /// Its policy; empty when it has none.
    pub(crate) policy: Policy,
    pub(crate) scope: RegistryScope,
    pub(crate) rules: Rules,
    /// What repositories get that ECR creates.
    templates: Templates,
    pub(crate) splits: bool,
}

/// What a registry policy governs. Source: ECR user guide, "Registry policy scope".
#[derive(Clone, Debug)]
pub(crate) enum RegistryScope {
    /// Replication and pull-through only.
    V1,
    /// Every action.
    V2,
    Open(Open),
}

/// The pull-through cache rules of a registry.
#[derive(Clone, Debug)]
pub(crate) enum Rules {
    /// All of them.
    Known(Vec<PullThroughRule>),
    Open(Open, Code),
}

/// Creation templates by prefix, those that no cache applies among them.
#[derive(Clone, Debug)]
enum Templates {
    Known(Vec<(CreationTemplate, Policy)>),
    Open(Open),
}

/// The word by which a template is for pull-through caches.
const CACHE: &str = "PULL_THROUGH_CACHE";

impl RepositoryEntry {
    pub(super) fn open_all(section: &Section) -> Vec<Self> {
        let mut keys = BTreeSet::new();
        for table in [table::REPOSITORIES, table::REPOSITORY_POLICIES] {
            keys.extend(rows(section, table).filter_map(|(key, _)| split(key)));
        }
        let mut images: HashMap<_, Vec<_>> = HashMap::new();
        for (key, _) in rows(section, table::IMAGES) {
            let Some((account, region, rest)) = split(key) else { continue };
            let Some((name, version)) = split_version(rest) else { continue };
            keys.insert((account, region, name));
            images.entry((account, region, name)).or_default().push((version, key));
        }
        keys.into_iter().map(|key| Self::open(section, key, images.get(&key).map_or(&[], Vec::as_slice))).collect()
    }

    /// A repository of which nothing was read.
    pub(crate) fn not_collected(account: &str, region: &str, name: &str) -> Self {
        Self::open(&Section::default(), (account, region, name), &[])
    }

    fn open(section: &Section, (account, region, name): (&str, &str, &str), image_keys: &[(&str, &str)]) -> Self {
        let key = format!("{account}/{region}/{name}");
        let place = format!("repository {name} ({account} {region})");
        let policy_place = format!("repository policy of {name} ({account} {region})");
        let asked = Asked {
            reading: &policy_place,
            permission: "ecr:GetRepositoryPolicy",
            account,
            code: Finding::RepositoryPolicyUnread.code(),
        };
        let document: Row<Document> = row(section, table::REPOSITORY_POLICIES, &key, &asked);
        let images: Vec<(String, ImageState)> = image_keys
            .iter()
            .map(|(version, key)| ((*version).to_owned(), image(section, key, account)))
            .collect();
        let contradicted = matches!(document, Row::Got(_))
            || images.iter().any(|(_, image)| matches!(image, ImageState::There(..) | ImageState::Archived(..)));
        let asked_here = Asked {
            reading: &place,
            permission: "ecr:DescribeRepositories",
            account,
            code: Finding::RepositoryUnread.code(),
        };
        let presence = presence(row(section, table::REPOSITORIES, &key, &asked_here), contradicted, &asked_here);
        let refusals = match section.get(table::REPOSITORY_POLICIES, &key) {
            Some(Read::Unread(open)) => vec![open.clone()],
            _ => Vec::new(),
        };
        let policy = match document {
            Row::Got(document) => Policy::parse(&document.text, Kind::Repository, &policy_place),
            Row::Absent => Policy::default(),
            Row::Open(open, code) => Policy::unreadable(open, code, &policy_place),
        };
        let controls = Controls::above(section, account, Side::Resource);
        let addon = is_addon_registry(account, region);
        Self {
            account: account.to_owned(),
            region: region.to_owned(),
            name: name.to_owned(),
            presence,
            place: place.into(),
            splits: policy.splits(Acts::PULL) || controls.splits(Acts::PULL),
            policy,
            policy_place: policy_place.into(),
            may_be_missing: !contradicted,
            refusals,
            controls,
            organization: if addon { Membership::OfAws } else { Membership::of(section, account) },
            tags: Tags::of(section, account, &key, addon),
            addon,
            images,
        }
    }

    /// The image of a tag, or of a digest written with its `@`.
    pub(crate) fn image(&self, version: &str) -> Option<&ImageState> {
        self.images.iter().find(|(known, _)| known == version).map(|(_, image)| image)
    }
}

fn presence(row: Row<Repository>, contradicted: bool, asked: &Asked<'_>) -> Presence {
    match row {
        Row::Got(repository) => Presence::There(repository.arn.into()),
        Row::Absent if contradicted => {
            match asked
                .contradicted::<()>("ECR said that it does not exist and answered for its policy or an image")
            {
                Row::Open(open, code) => Presence::Open(open, code),
                Row::Got(()) | Row::Absent => Presence::Missing,
            }
        }
        Row::Absent => Presence::Missing,
        Row::Open(open, code) => Presence::Open(open, code),
    }
}

fn image(section: &Section, key: &str, account: &str) -> ImageState {
    let reading = format!("image {}", split(key).map_or(key, |(_, _, rest)| rest));
    let asked =
        Asked { reading: &reading, permission: "ecr:DescribeImages", account, code: Finding::ImageUnread.code() };
    match row::<Image>(section, table::IMAGES, key, &asked) {
        Row::Got(image) => {
            let what = match &image.pushed_at {
                Some(at) => format!("exists, {}, pushed {at}", image.digest),
                None => format!("exists, {}", image.digest),
            };
            match image.status.as_deref() {
                None | Some("ACTIVE") => ImageState::There(reading.as_str().into(), what.into()),
                Some(status @ ("ARCHIVED" | "ACTIVATING")) => {
                    ImageState::Archived(reading.as_str().into(), format!("{what}: {status}").into())
                }
                Some(status) => {
                    let open = Open::undecidable(format!("{reading}: whether one that is {status} can be pulled"));
                    ImageState::Open(open, asked.code)
                }
            }
        }
        Row::Absent => ImageState::Missing,
        Row::Open(open, code) => ImageState::Open(open, code),
    }
}

/// `A/R/rest`
fn split(key: &str) -> Option<(&str, &str, &str)> {
    let (account, rest) = key.split_once('/')?;
    let (region, rest) = rest.split_once('/')?;
    Some((account, region, rest))
}

/// `NAME:TAG` or `NAME@DIGEST`: the name and what [`RepositoryEntry::image`] is asked for. Names of ECR
/// hold neither sign.
fn split_version(rest: &str) -> Option<(&str, &str)> {
    match rest.find('@') {
        Some(at) => Some((&rest[..at], &rest[at..])),
        None => rest.split_once(':'),
    }
}

impl RegistryEntry {
    pub(super) fn open_all(section: &Section) -> Vec<Self> {
        let tables = [table::REGISTRY_POLICIES, table::ACCOUNT_SETTINGS, table::PULL_THROUGH];
        let keys: BTreeSet<(&str, &str)> = tables
            .into_iter()
            .flat_map(|table| rows(section, table))
            .filter_map(|(key, _)| key.split_once('/'))
            .collect();
        keys.into_iter().map(|(account, region)| Self::open(section, account, region)).collect()
    }

    /// A registry of which nothing was read.
    pub(crate) fn not_collected(account: &str, region: &str) -> Self {
        Self::open(&Section::default(), account, region)
    }

    fn open(section: &Section, account: &str, region: &str) -> Self {
        let key = format!("{account}/{region}");
        let policy_place = format!("registry policy of {account} {region}");
        let asked = Asked {
            reading: &policy_place,
            permission: "ecr:GetRegistryPolicy",
            account,
            code: Finding::RegistryPolicyUnread.code(),
        };
        let policy = match row::<Document>(section, table::REGISTRY_POLICIES, &key, &asked) {
            Row::Got(document) => Policy::parse(&document.text, Kind::Registry, &policy_place),
            Row::Absent => Policy::default(),
            Row::Open(open, code) => Policy::unreadable(open, code, &policy_place),
        };
        let templates = templates(section, account, region, &key);
        Self {
            account: account.to_owned(),
            region: region.to_owned(),
            splits: policy.splits(Acts::PULL) || templates.splits(),
            policy,
            templates,
            scope: scope(section, account, region, &key),
            rules: rules(section, account, region, &key),
        }
    }
}

fn templates(section: &Section, account: &str, region: &str, key: &str) -> Templates {
    let reading = format!("creation templates of {account} {region}");
    let code = Finding::PullThroughUnread.code();
    let asked = Asked { reading: &reading, permission: "ecr:DescribeRepositoryCreationTemplates", account, code };
    match row::<Vec<CreationTemplate>>(section, table::TEMPLATES, key, &asked) {
        Row::Got(templates) => {
            Templates::Known(templates.into_iter().map(|template| parsed(template, key)).collect())
        }
        Row::Absent => Templates::Known(Vec::new()),
        Row::Open(open, _) => Templates::Open(open),
    }
}

fn parsed(template: CreationTemplate, key: &str) -> (CreationTemplate, Policy) {
    let place = format!("creation template {} of {key}", template.prefix);
    let policy = template.policy.as_deref().map(|text| Policy::parse(text, Kind::Repository, &place));
    (template, policy.unwrap_or_default())
}

impl Templates {
    fn splits(&self) -> bool {
        matches!(self, Self::Known(all) if all.iter().any(|(_, policy)| policy.splits(Acts::PULL)))
    }
}

impl RegistryEntry {
    /// The policy of a repository that a pull-through cache is yet to create; `place` is where one would stand.
    ///
    /// Source: ECR user guide, "Repository creation templates": the longest prefix that fits decides, `ROOT` is for those
    /// that none fits. Whether one that is not for caches hides a shorter one that is, it does not say.
    pub(crate) fn template(&self, repository: &str, place: &str) -> Policy {
        let all = match &self.templates {
            Templates::Known(all) => all,
            Templates::Open(open) => {
                return Policy::unreadable(open.clone(), Finding::PullThroughUnread.code(), place);
            }
        };
        let for_cache = |template: &CreationTemplate| template.applied_for.iter().any(|one| one == CACHE);
        let mut fitting: Vec<_> =
            all.iter().filter(|(template, _)| is_under(repository, &template.prefix)).collect();
        fitting.sort_by_key(|(template, _)| std::cmp::Reverse(template.prefix.len()));
        fitting.extend(all.iter().filter(|(template, _)| template.prefix == ROOT));
        match fitting.as_slice() {
            [] => Policy::default(),
            [(first, policy), ..] if for_cache(first) => policy.clone(),
            rest if rest.iter().any(|(template, _)| for_cache(template)) => {
                let what = format!("{place}: which creation template a pull-through cache takes for it");
                Policy::unreadable(Open::undecidable(what), Finding::PullThroughUnread.code(), place)
            }
            _ => Policy::default(),
        }
    }
}

fn scope(section: &Section, account: &str, region: &str, key: &str) -> RegistryScope {
    let reading = format!("registry policy scope of {account} {region}");
    let code = Finding::RegistryPolicyUnread.code();
    let asked = Asked { reading: &reading, permission: "ecr:GetAccountSetting", account, code };
    match row::<AccountSettings>(section, table::ACCOUNT_SETTINGS, key, &asked) {
        Row::Got(settings) => match settings.registry_policy_scope.as_str() {
            "V1" => RegistryScope::V1,
            "V2" => RegistryScope::V2,
            other => RegistryScope::Open(Open::undecidable(format!("{reading}: unknown scope {other}"))),
        },
        Row::Absent => {
            let scope = format!("account {account}");
            let open =
                Open::unread(reading.as_str(), asked.permission, scope, Obstacle::Failed("no answer".into()));
            RegistryScope::Open(open)
        }
        Row::Open(open, _) => RegistryScope::Open(open),
    }
}

fn rules(section: &Section, account: &str, region: &str, key: &str) -> Rules {
    let reading = format!("pull-through rules of {account} {region}");
    let code = Finding::PullThroughUnread.code();
    let asked = Asked { reading: &reading, permission: "ecr:DescribePullThroughCacheRules", account, code };
    match row::<Vec<PullThroughRule>>(section, table::PULL_THROUGH, key, &asked) {
        Row::Got(rules) => Rules::Known(rules),
        Row::Absent => Rules::Known(Vec::new()),
        Row::Open(open, code) => Rules::Open(open, code),
    }
}

impl Rules {
    /// Whether a rule covers the repository; the error is what would tell.
    pub(crate) fn cover(&self, repository: &str) -> Result<bool, (&Open, Code)> {
        match self {
            Self::Known(rules) => Ok(rules.iter().any(|rule| covers(&rule.prefix, repository))),
            Self::Open(open, code) => Err((open, *code)),
        }
    }

    /// The role as which ECR reads the upstream of the repository, where a rule that covers it names one.
    pub(crate) fn reader(&self, repository: &str) -> Option<&str> {
        let Self::Known(rules) = self else { return None };
        let mut covering: Vec<_> = rules.iter().filter(|rule| covers(&rule.prefix, repository)).collect();
        // The longest prefix decides; `ROOT` is for what no other covers.
        covering.sort_by_key(|rule| (rule.prefix != ROOT, rule.prefix.len()));
        covering.last()?.role.as_deref()
    }
}
