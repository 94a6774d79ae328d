//! One statement: read once, asked for every request.

use super::action::Acts;
use super::condition::Condition;
use super::pattern::{Expansion, Language, Pattern, Resolved, glob_arn};
use super::principal::{self, Naming, Principals};
use super::tri::Tri;
use super::{Kind, strings};
use crate::codes::Finding;
use crate::weigh::request::{Key, Request, Value};
use pullaudit_core::{Code, Notice, Open, Text};
use serde_json::{Map, Value as Json};

/// A statement.
#[derive(Clone, Debug)]
pub(crate) struct Statement {
    effect: Effect,
    pub(crate) acts: Acts,
    resources: Resources,
    principals: Option<Principals>,
    conditions: Vec<Condition>,
    doubt: Option<(Open, Code)>,
    /// Where it stands.
    pub(crate) place: Text,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Effect {
    Allow,
    Deny,
    /// It could not be read.
    Either,
}

#[derive(Clone, Debug)]
enum Resources {
    Every,
    In(Vec<Pattern<Key>>),
    NotIn(Vec<Pattern<Key>>),
}

/// What an Allow gives to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Grant {
    /// It allows. How it names the asker decides what else must agree.
    Yes(Naming),
    /// It may allow.
    Open(Naming, Vec<Open>, Code),
    /// It would, but for this condition.
    Unmet(Text),
    /// It would, but it names another role's id: this says which.
    Other(String),
}

/// What a Deny does to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Denial {
    Yes,
    Open(Vec<Open>, Code),
}

impl Statement {
    /// True when it could be read and allows.
    pub(crate) fn is_allow(&self) -> bool {
        self.effect == Effect::Allow && self.doubt.is_none()
    }

    /// True when it could be read and denies.
    pub(crate) fn is_deny(&self) -> bool {
        self.effect == Effect::Deny && self.doubt.is_none()
    }

    /// Reads a statement. One that can't be read may do whatever its readable elements leave open.
    pub(crate) fn parse(statement: &Json, kind: Kind, variables: bool, place: &Text) -> Self {
        let mut read = Self {
            effect: Effect::Either,
            acts: Acts::ALL,
            resources: Resources::Every,
            principals: None,
            conditions: Vec::new(),
            doubt: None,
            place: place.clone(),
        };
        let fault = match statement {
            Json::Object(fields) => read.fill(fields, kind, variables).err(),
            _ => Some("it is not an object".to_owned()),
        };
        read.doubt = fault.map(|fault| {
            (Open::undecidable(format!("{place}: can't be read: {fault}")), Finding::PolicyMalformed.code())
        });
        read
    }

    /// A whole document that is not known.
    pub(crate) fn unreadable(open: Open, code: Code, place: Text) -> Self {
        Self {
            effect: Effect::Either,
            acts: Acts::ALL,
            resources: Resources::Every,
            principals: None,
            conditions: Vec::new(),
            doubt: Some((open, code)),
            place,
        }
    }

    /// Fills in the elements; stops at the first that can't be read, with what was read before kept.
    fn fill(&mut self, fields: &Map<String, Json>, kind: Kind, variables: bool) -> Result<(), String> {
        self.effect = match fields.get("Effect") {
            Some(Json::String(effect)) if effect == "Allow" => Effect::Allow,
            Some(Json::String(effect)) if effect == "Deny" => Effect::Deny,
            Some(other) => return Err(format!("`Effect` is {other}")),
            None => return Err("`Effect` is missing".to_owned()),
        };
        self.acts = acts(fields)?;
        let known = ["Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition"];
        let of_principals = ["Principal", "NotPrincipal"];
        let unknown = fields.keys().find(|name| {
            !known.contains(&name.as_str()) && (kind == Kind::Identity || !of_principals.contains(&name.as_str()))
        });
        if let Some(name) = unknown {
            return Err(format!("unknown field `{name}`"));
        }
        let place = self.place.clone();
        self.resources = resources(fields, kind, variables, &place)?;
        if kind != Kind::Identity {
            self.principals = Some(principals(fields, self.effect, &place)?);
        }
        if let Some(element) = fields.get("Condition") {
            self.conditions = Condition::parse_all(element, variables, &place)?;
        }
        Ok(())
    }

    /// False when it can't bear on a pull, whoever asks.
    pub(crate) fn may_matter(&self) -> bool {
        self.acts != Acts::NONE
    }

    /// The finding that it is when it can't be read.
    pub(crate) fn malformed(&self) -> Option<Notice> {
        let code = Finding::PolicyMalformed.code();
        let (open, _) = self.doubt.as_ref().filter(|(_, found)| *found == code)?;
        Some(Notice {
            code: code.name(),
            severity: code.severity(),
            subject: self.place.to_string(),
            message: open.to_string(),
        })
    }

    /// What it denies of these actions; `None` when it does not.
    pub(crate) fn denies(&self, acts: Acts, request: &Request<'_>) -> Option<Denial> {
        if self.effect == Effect::Allow || !self.acts.touches(acts) {
            return None;
        }
        if let Some((open, code)) = &self.doubt {
            return Some(Denial::Open(vec![open.clone()], *code));
        }
        let reaches = match &self.principals {
            Some(principals) => principals.denied(request.asker, &self.place),
            None => Tri::Yes,
        };
        // Most statements are about something else: nothing more is asked of them.
        if matches!(reaches, Tri::No) {
            return None;
        }
        let resource = self.resource(request);
        if matches!(resource, Tri::No) {
            return None;
        }
        match reaches.and(resource).and(self.condition(request)) {
            Tri::Yes => Some(Denial::Yes),
            Tri::No => None,
            Tri::Open(opens) => {
                let finding = finding(&opens, request, Naming::Everyone);
                Some(Denial::Open(opens, finding))
            }
        }
    }

    /// Hands out what it allows of these actions, once for each way in which it names the asker.
    pub(crate) fn allows(&self, acts: Acts, request: &Request<'_>, mut each: impl FnMut(Grant)) {
        if self.effect == Effect::Deny || !self.acts.covers(acts) {
            return;
        }
        if let Some((open, code)) = &self.doubt {
            return each(Grant::Open(Naming::Everyone, vec![open.clone()], *code));
        }
        let resource = self.resource(request);
        if matches!(resource, Tri::No) {
            return;
        }
        let rest = match self.condition(request) {
            Tri::No => Err(self.unmet(request)),
            holds => Ok(resource.and(holds)),
        };
        let Some(Principals::In(named)) = &self.principals else {
            return each(grant(Naming::Everyone, Tri::Yes, rest, request));
        };
        let mut other = None;
        for one in named {
            match one.names(request.asker, &self.place) {
                (_, Tri::No) => other = other.or(one.other_role_id(request.asker)),
                (naming, names) => {
                    other = None;
                    each(grant(naming, names, rest.clone(), request));
                }
            }
        }
        if let (Some(id), Ok(_)) = (other, &rest) {
            each(Grant::Other(id.to_owned()));
        }
    }

    fn resource(&self, request: &Request<'_>) -> Tri {
        // An action without a resource is allowed by `*` alone.
        let arn = request.resource.unwrap_or("*");
        let any = |patterns: &[Pattern<Key>], inverted: bool| {
            Tri::any(patterns.iter().map(|pattern| self.matches(pattern, arn, inverted, request)))
        };
        match &self.resources {
            Resources::Every => Tri::Yes,
            Resources::In(patterns) => any(patterns, false),
            Resources::NotIn(patterns) => any(patterns, true).negate(),
        }
    }

    fn matches(&self, pattern: &Pattern<Key>, arn: &str, inverted: bool, request: &Request<'_>) -> Tri {
        let resolved = pattern.resolve(|key| match key.value(request) {
            Value::Text(text) => Expansion::Text(text),
            Value::Absent => Expansion::Absent,
            Value::Open(open) => Expansion::Open(open),
            Value::StartsWith(_)
            | Value::Time(_)
            | Value::Between(..)
            | Value::OtherThan(_)
            | Value::AbsentOr(_) => Expansion::Open(Open::undecidable(format!(
                "{}: a variable in its resource is known only when a node pulls",
                self.place
            ))),
        });
        match resolved {
            Resolved::Glob(glob) => match glob_arn(&glob, arn) {
                Some(matches) => Tri::of(matches),
                None => Tri::undecidable(format!("{}: a pattern of its resource is no whole ARN", self.place)),
            },
            // An Allow on such a resource gives nothing; what a NotResource then spares is not documented.
            Resolved::Never if inverted => {
                Tri::undecidable(format!("{}: a variable in its NotResource has no value here", self.place))
            }
            Resolved::Never => Tri::No,
            // A variable that is not known may also have no value; then an inverted pattern is as above.
            Resolved::Open(widest, open) => match glob_arn(&widest, arn) {
                Some(false) if !inverted => Tri::No,
                _ => Tri::open(open),
            },
        }
    }

    fn condition(&self, request: &Request<'_>) -> Tri {
        Tri::all(self.conditions.iter().map(|condition| condition.holds(request)))
    }

    fn unmet(&self, request: &Request<'_>) -> Text {
        let unmet = self.conditions.iter().find(|condition| condition.holds(request) == Tri::No);
        unmet.map_or_else(|| self.place.clone(), |condition| condition.name.clone())
    }
}

fn grant(naming: Naming, names: Tri, rest: Result<Tri, Text>, request: &Request<'_>) -> Grant {
    match rest.map(|rest| names.and(rest)) {
        Err(unmet) => Grant::Unmet(unmet),
        Ok(Tri::Open(opens)) => {
            let finding = finding(&opens, request, naming);
            Grant::Open(naming, opens, finding)
        }
        // `names` and `rest` are not No here.
        Ok(Tri::Yes | Tri::No) => Grant::Yes(naming),
    }
}

/// The finding that an undecided statement is.
fn finding(opens: &[Open], request: &Request<'_>, naming: Naming) -> Code {
    match request.asker.known() {
        Err(open) if opens.contains(&open) => Finding::RoleUnread.code(),
        _ if naming == Naming::Session => Finding::SessionOnlyGrant.code(),
        _ => Finding::ConditionUndecidable.code(),
    }
}

fn acts(fields: &Map<String, Json>) -> Result<Acts, String> {
    let values = |name: &str| {
        fields.get(name).map(|value| strings(value).ok_or_else(|| format!("`{name}` holds no plain text")))
    };
    match (values("Action"), values("NotAction")) {
        (Some(action), None) => Acts::of_action(&action?),
        (None, Some(not_action)) => Acts::of_not_action(&not_action?),
        (Some(_), Some(_)) => Err("both `Action` and `NotAction` are there".to_owned()),
        (None, None) => Err("`Action` is missing".to_owned()),
    }
}

fn resources(fields: &Map<String, Json>, kind: Kind, variables: bool, place: &str) -> Result<Resources, String> {
    let language = Language { wildcards: true, variables };
    let patterns = |name: &str, value: &Json| -> Result<Vec<Pattern<Key>>, String> {
        let texts = strings(value).ok_or_else(|| format!("`{name}` holds no plain text"))?;
        Ok(texts.iter().map(|text| Pattern::compile(text, language, |key| Key::parse(key, place))).collect())
    };
    match (fields.get("Resource"), fields.get("NotResource")) {
        (None, None) if kind.is_of_one_resource() => Ok(Resources::Every),
        (None, None) => Err("`Resource` is missing".to_owned()),
        (Some(_), Some(_)) => Err("both `Resource` and `NotResource` are there".to_owned()),
        (Some(value), None) => {
            let patterns = patterns("Resource", value)?;
            let every = patterns.iter().any(Pattern::is_everything);
            // None is stored in such a policy; what another one would mean is not known.
            match (every, kind.is_of_one_resource()) {
                (true, _) => Ok(Resources::Every),
                (false, true) => Err("`Resource` in a policy of one resource".to_owned()),
                (false, false) => Ok(Resources::In(patterns)),
            }
        }
        (None, Some(_)) if kind.is_of_one_resource() => {
            Err("`NotResource` in a policy of one resource".to_owned())
        }
        (None, Some(value)) => Ok(Resources::NotIn(patterns("NotResource", value)?)),
    }
}

fn principals(fields: &Map<String, Json>, effect: Effect, place: &str) -> Result<Principals, String> {
    match (fields.get("Principal"), fields.get("NotPrincipal")) {
        (Some(element), None) => principal::parse(element, place).map(Principals::In),
        (None, Some(element)) if effect == Effect::Deny => principal::parse(element, place).map(Principals::NotIn),
        (None, Some(_)) => Err("`NotPrincipal` with Allow is not supported by AWS".to_owned()),
        (Some(_), Some(_)) => Err("both `Principal` and `NotPrincipal` are there".to_owned()),
        (None, None) => Err("`Principal` is missing".to_owned()),
    }
}
