//! The organization's policies above an account: service control policies bind its roles, resource control policies its
//! registries.
//!
//! Source: Organizations user guide, "SCP evaluation" and "RCP evaluation".

use super::policy::{Kind, Policy};
use crate::codes::Finding;
use crate::facts::{ALLOW_ALL, Document, Organization, in_organization, table};
use pullaudit_core::{Claim, Obstacle, Open, Read, Section, Text};
use serde::de::DeserializeOwned;

/// More levels than an organization can have: the root, five of units, the account.
const MOST_LEVELS: usize = 8;

/// Which of the two it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// Of the account of a role.
    Service,
    /// Of the account of a registry.
    Resource,
}

/// What is known of the policies of one side above an account.
#[derive(Clone, Debug, Default)]
pub(crate) struct Controls {
    /// From the account up to the root; each must allow by itself.
    pub(crate) levels: Vec<Level>,
    /// What is not known of them.
    pub(crate) open: Option<Claim>,
}

/// The policies at an account, an organizational unit or the root.
#[derive(Clone, Debug)]
pub(crate) struct Level {
    pub(crate) place: Text,
    pub(crate) policy: Policy,
    /// Every policy of it is known, so that its silence refuses.
    pub(crate) whole: bool,
    /// How many policies are attached there.
    attached: usize,
}

/// The organization of an account.
#[derive(Clone, Debug)]
pub(crate) enum Membership {
    /// It is in none.
    None,
    /// It is in one.
    Of {
        /// Its id.
        id: String,
        /// Where the account stands in it: `o-…/r-…/ou-…/`, the id of each level from the top.
        path: Result<String, Open>,
    },
    /// The account is AWS's: in none of its customers' organizations.
    OfAws,
    /// It is not known.
    Open(Open),
}

impl Membership {
    pub(crate) fn of(section: &Section, account: &str) -> Self {
        match got::<Organization>(section, table::ORGANIZATIONS, account) {
            Row::Got(organization) => {
                let path = path(section, account, &organization);
                Self::Of { id: organization.id, path }
            }
            Row::Absent => Self::None,
            Row::Open(Unread::Because(open)) => Self::Open(open),
            Row::Open(Unread::NotAsked) => {
                let (reading, scope) =
                    (format!("organization of account {account}"), format!("account {account}"));
                Self::Open(Open::unread(reading, "organizations:DescribeOrganization", scope, Obstacle::NotAsked))
            }
        }
    }
}

/// Source: IAM user guide, "AWS Organizations entity path".
fn path(section: &Section, account: &str, organization: &Organization) -> Result<String, Open> {
    let reading = || format!("what is above account {account} in its organization");
    if organization.management == account {
        return Err(Open::undecidable(format!("{}, which it manages", reading())));
    }
    let (mut path, mut child) = (String::new(), account.to_owned());
    for _ in 0..MOST_LEVELS {
        let parent: String = match got(section, table::PARENTS, &in_organization(&organization.id, &child)) {
            Row::Got(parent) => parent,
            Row::Open(Unread::Because(open)) => return Err(open),
            Row::Open(Unread::NotAsked) => {
                let scope = format!("account {account}");
                return Err(Open::unread(reading(), "organizations:ListParents", scope, Obstacle::NotAsked));
            }
            Row::Absent => break,
        };
        path.insert_str(0, &format!("{parent}/"));
        if parent.starts_with("r-") {
            return Ok(format!("{}/{path}", organization.id));
        }
        child = parent;
    }
    Err(Open::undecidable(format!("{}; read again", reading())))
}

impl Controls {
    /// None where the account is in no organization, or manages one, or its organization has no such policies.
    pub(crate) fn above(section: &Section, account: &str, side: Side) -> Self {
        let organization: Organization = match got(section, table::ORGANIZATIONS, account) {
            Row::Got(organization) => organization,
            Row::Absent => return Self::default(),
            Row::Open(open) => return Self::unread(side, account, vec![open.into()]),
        };
        // The account that manages an organization is bound by none of its policies.
        if organization.management == account || !organization.all_features {
            return Self::default();
        }
        let mut controls = Self::default();
        let mut target = account.to_owned();
        let mut unread = Vec::new();
        for _ in 0..MOST_LEVELS {
            // What stands higher may deny all the same.
            unread.extend(controls.add(section, &organization.id, &target, side).err());
            if target.starts_with("r-") {
                return controls.complete(side, account, unread);
            }
            match got(section, table::PARENTS, &in_organization(&organization.id, &target)) {
                Row::Got(parent) => target = parent,
                Row::Absent => break,
                Row::Open(open) => {
                    unread.push(open.into());
                    return controls.complete(side, account, unread);
                }
            }
        }
        let why = format!("what stands above account {account} in its organization; read again");
        unread.push(Unread::Because(Open::undecidable(why)).into());
        controls.complete(side, account, unread)
    }

    /// With all that is not known of it as one open fact, of which nothing is assumed where one thing may not be.
    fn complete(mut self, side: Side, account: &str, unread: Vec<Lack>) -> Self {
        if unread.is_empty() {
            return self.switched_on(side, account);
        }
        // Whether such policies are off, what was not read may tell.
        self.doubt_bare_levels();
        Self { levels: self.levels, ..Self::unread(side, account, unread) }
    }

    /// Says that the silence of levels without any policy refuses nothing.
    fn doubt_bare_levels(&mut self) {
        for level in self.levels.iter_mut().filter(|level| level.attached == 0) {
            level.whole = false;
        }
    }

    /// Where policies of a kind are off, none is attached anywhere; where they are on, each level has one at least.
    fn switched_on(mut self, side: Side, account: &str) -> Self {
        let bare = self.levels.iter().filter(|level| level.attached == 0).count();
        if bare == self.levels.len() {
            return Self::default();
        }
        if bare > 0 {
            self.doubt_bare_levels();
            let why = format!("why a level above account {account} has no {}; read again", side.singular());
            self.open = Self::unread(side, account, vec![Unread::Because(Open::undecidable(why)).into()]).open;
        }
        self
    }

    fn add(&mut self, section: &Section, organization: &str, target: &str, side: Side) -> Result<(), Lack> {
        let key = |id: &str| in_organization(organization, id);
        let names: Vec<String> = match got(section, side.table(), &key(target)) {
            Row::Got(names) => names,
            Row::Absent => Vec::new(),
            Row::Open(open) => return Err(open.into()),
        };
        let place: Text = format!("{} of {}", side.plural(), word(target)).into();
        let mut level = Level { place, policy: Policy::default(), whole: true, attached: names.len() };
        let mut unread = None;
        for name in names {
            let text = match got::<Document>(section, table::CONTROL_POLICIES, &key(&name)) {
                Row::Got(document) => document.text,
                Row::Open(Unread::NotAsked) if ALLOW_ALL.contains(&name.as_str()) => side.everything().to_owned(),
                Row::Absent => {
                    let what =
                        format!("{} {name}, which was listed and is not there; read again", side.singular());
                    (level.whole, unread) = (false, Some(Unread::Because(Open::undecidable(what)).into()));
                    continue;
                }
                Row::Open(open) => {
                    (level.whole, unread) = (false, Some(Lack::of_listed(open, side, &name)));
                    continue;
                }
            };
            level.policy.extend(Policy::parse(&text, side.kind(), &format!("{} {name}", side.singular())));
        }
        self.levels.push(level);
        unread.map_or(Ok(()), Err)
    }

    fn unread(side: Side, account: &str, unread: Vec<Lack>) -> Self {
        let reading: Text = format!("{} of account {account}", side.plural()).into();
        let opens = unread.into_iter().map(|one| one.into_open(&reading, account)).collect();
        let claim = Claim::open(side.unread().code(), reading, "could deny the pull", opens);
        Self { levels: Vec::new(), open: Some(claim) }
    }

    /// True when some policy tells actions apart that are weighed together elsewhere.
    pub(crate) fn splits(&self, acts: super::policy::action::Acts) -> bool {
        self.levels.iter().any(|level| level.policy.splits(acts))
    }
}

impl Side {
    fn table(self) -> &'static str {
        match self {
            Self::Service => table::SERVICE_CONTROLS,
            Self::Resource => table::RESOURCE_CONTROLS,
        }
    }

    /// A resource control policy names principals, as a resource's own policy does.
    fn kind(self) -> Kind {
        match self {
            Self::Service => Kind::Identity,
            Self::Resource => Kind::Registry,
        }
    }

    fn singular(self) -> &'static str {
        match self {
            Self::Service => "service control policy",
            Self::Resource => "resource control policy",
        }
    }

    fn plural(self) -> &'static str {
        match self {
            Self::Service => "service control policies",
            Self::Resource => "resource control policies",
        }
    }

    /// What AWS's own policy says, by which everything is allowed where nobody says otherwise.
    fn everything(self) -> &'static str {
        match self {
            Self::Service => {
                r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#
            }
            Self::Resource => {
                r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}"#
            }
        }
    }

    fn unread(self) -> Finding {
        match self {
            Self::Service => Finding::ScpUnread,
            Self::Resource => Finding::RcpUnread,
        }
    }
}

fn word(target: &str) -> String {
    match target.split_once('-') {
        Some(("r", _)) => format!("the root {target}"),
        Some(("ou", _)) => format!("the organizational unit {target}"),
        _ => format!("account {target}"),
    }
}

/// Why a row is not known.
enum Unread {
    NotAsked,
    Because(Open),
}

/// Something of an organization's policies that is not known.
struct Lack {
    unread: Unread,
    /// A list names the policy, so that it is there: what it says is not assumed.
    is_named: bool,
}

impl From<Unread> for Lack {
    fn from(unread: Unread) -> Self {
        Self { unread, is_named: false }
    }
}

impl Lack {
    /// Of the document of a policy that was listed.
    fn of_listed(unread: Unread, side: Side, name: &str) -> Self {
        let unread = match unread {
            Unread::NotAsked => {
                let reading = format!("{} {name}", side.singular());
                let scope = "its organization";
                Unread::Because(Open::unread(reading, "organizations:DescribePolicy", scope, Obstacle::NotAsked))
            }
            because @ Unread::Because(_) => because,
        };
        Self { unread, is_named: true }
    }

    fn into_open(self, reading: &Text, account: &str) -> Open {
        match self.unread {
            // Few auditors may read an organization, and what it denies would break far more than a pull.
            Unread::Because(Open::Unread { permission, scope, obstacle, reading: of, assumable }) => {
                let reading = if of.contains(&**reading) { of } else { format!("{reading} ({of})").into() };
                // That a policy blocked the reading, and not a token that has expired, says whoever read it.
                let blocked = matches!(obstacle, Obstacle::Blocked(_));
                let assumable = !self.is_named && (assumable || !blocked);
                Open::Unread { reading, permission, scope, assumable, obstacle }
            }
            Unread::Because(undecidable @ Open::Undecidable { .. }) => undecidable,
            Unread::NotAsked => Open::Unread {
                reading: reading.clone(),
                permission: "organizations:ListPoliciesForTarget".into(),
                scope: format!("account {account}").into(),
                assumable: true,
                obstacle: Obstacle::NotAsked,
            },
        }
    }
}

/// One row.
enum Row<T> {
    Got(T),
    Absent,
    Open(Unread),
}

fn got<T: DeserializeOwned>(section: &Section, table: &str, key: &str) -> Row<T> {
    match section.get(table, key) {
        None => Row::Open(Unread::NotAsked),
        Some(Read::Absent) => Row::Absent,
        Some(Read::Unread(open)) => Row::Open(Unread::Because(open.clone())),
        // Rows are held to their types when a section is opened.
        Some(Read::Got(value)) => T::deserialize(value).map_or(Row::Open(Unread::NotAsked), Row::Got),
    }
}
