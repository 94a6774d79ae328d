//! The `$filter` expressions that Resource Manager documents for the lists the fake has.

/// One part; parts are joined by `and`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Part {
    /// `atScope()`.
    AtScope,
    /// `atScopeAndBelow()`.
    AtScopeAndBelow,
    /// `assignedTo('ID')`.
    AssignedTo(String),
    /// `FIELD eq 'VALUE'`.
    Eq(&'static str, String),
}

const FIELDS: [&str; 5] = ["principalId", "roleName", "type", "resourceType", "name"];

fn quoted(text: &str) -> Option<String> {
    let inner = text.trim().strip_prefix('\'')?.strip_suffix('\'')?;
    (!inner.contains('\'')).then(|| inner.to_owned())
}

fn part(text: &str) -> Option<Part> {
    let text = text.trim();
    match text {
        "atScope()" => return Some(Part::AtScope),
        "atScopeAndBelow()" => return Some(Part::AtScopeAndBelow),
        _ => {}
    }
    if let Some(inner) = text.strip_prefix("assignedTo(").and_then(|rest| rest.strip_suffix(')')) {
        return quoted(inner).map(Part::AssignedTo);
    }
    let (field, value) = text.split_once(" eq ")?;
    let field = FIELDS.into_iter().find(|known| *known == field.trim())?;
    Some(Part::Eq(field, quoted(value)?))
}

/// The parts of an expression; `None` where it is not one of those that are documented.
pub(crate) fn parse(text: Option<&str>) -> Option<Vec<Part>> {
    let Some(text) = text else { return Some(Vec::new()) };
    text.split(" and ").map(part).collect()
}
