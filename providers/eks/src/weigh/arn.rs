//! ARNs of roles and of their sessions.

/// What the ARN of a role, or of a session of one, says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RoleArn<'a> {
    /// `aws`, `aws-cn`, …
    pub(crate) partition: &'a str,
    /// 12 digits.
    pub(crate) account: &'a str,
    /// The name without its path: unique in an account, whatever the path.
    pub(crate) name: &'a str,
    /// The session, where the ARN is of one.
    pub(crate) session: Option<&'a str>,
}

impl<'a> RoleArn<'a> {
    /// `arn:P:iam::A:role/PATH/NAME` or `arn:P:sts::A:assumed-role/NAME/SESSION`; `None` for all else.
    pub(crate) fn parse(arn: &'a str) -> Option<Self> {
        let mut rest = arn;
        // The standard splitter is several times slower, and this runs for every question.
        let mut next = || {
            let at = rest.bytes().position(|byte| byte == b':')?;
            let field = &rest[..at];
            rest = &rest[at + 1..];
            Some(field)
        };
        let (head, partition, service, region, account) = (next()?, next()?, next()?, next()?, next()?);
        let resource = rest;
        if head != "arn" || !partition.starts_with("aws") || !region.is_empty() || !is_account(account) {
            return None;
        }
        let (name, session) = match service {
            "iam" => (resource.strip_prefix("role/")?.rsplit('/').next()?, None),
            "sts" => {
                let (name, session) = resource.strip_prefix("assumed-role/")?.split_once('/')?;
                (name, Some(session))
            }
            _ => return None,
        };
        let whole = !name.is_empty() && session.is_none_or(|session| !session.is_empty());
        whole.then_some(Self { partition, account, name, session })
    }
}

/// True for an account id as AWS writes it.
pub(crate) fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// A unique id as people compare it: its kind and its end.
pub(crate) fn short_id(id: &str) -> String {
    match (id.get(..4), id.len().checked_sub(3).and_then(|from| id.get(from..))) {
        (Some(head), Some(tail)) if id.len() > 10 => format!("{head}…{tail}"),
        _ => id.to_owned(),
    }
}
