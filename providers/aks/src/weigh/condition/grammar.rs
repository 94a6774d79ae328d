//! The text of a condition as a tree, or where the text stopped making sense.
//!
//! `NOT` binds tighter than `AND`, and `AND` tighter than `OR`. Azure asks for parentheses where both
//! meet, so the order between them rarely matters.

use pullaudit_core::Text;
use winnow::ascii::{Caseless, multispace0};
use winnow::combinator::{alt, cut_err, delimited, eof, fail, not, opt, preceded, repeat, separated, terminated};
use winnow::error::{ContextError, ParseError, StrContext};
use winnow::prelude::*;
use winnow::stream::Stateful;
use winnow::token::{any, one_of, take_till, take_while};

use super::compare::{Attribute, Comparison, Operand, Operator, Quantifier};
use super::tree::Expression;

/// Deeper than anyone writes, and far from what would exhaust the stack.
const DEEPEST: usize = 64;

/// How much of the text a message repeats.
const EXCERPT: usize = 24;

/// The rest of the text, and how many levels of it are open.
type Input<'a> = Stateful<&'a str, usize>;

/// Reads the whole text; the error names the position and what was expected there.
pub(super) fn read(text: &str) -> Result<Expression, Text> {
    let end = cut_err(eof).context(expected("AND, OR or the end"));
    terminated(disjunction, end).parse(Input { input: text, state: 0 }).map_err(|error| describe(text, &error))
}

fn describe(text: &str, error: &ParseError<Input<'_>, ContextError>) -> Text {
    let read = text.get(..error.offset()).unwrap_or(text);
    let rest = text.get(error.offset()..).unwrap_or_default();
    let found = match rest.chars().take(EXCERPT).collect::<String>() {
        excerpt if excerpt.is_empty() => "its end".to_owned(),
        excerpt => format!("{excerpt:?}"),
    };
    let wanted = error.inner().context().find_map(|context| match context {
        StrContext::Label(label) => Some(*label),
        _ => None,
    });
    let wanted = wanted.map(|wanted| format!(": expected {wanted}")).unwrap_or_default();
    format!("the condition can't be read at character {}, {found}{wanted}", read.chars().count() + 1).into()
}

fn expected(what: &'static str) -> StrContext {
    StrContext::Label(what)
}

fn disjunction(input: &mut Input<'_>) -> ModalResult<Expression> {
    chain(conjunction, alt(("||".void(), keyword("or"))), Expression::Any, input)
}

fn conjunction(input: &mut Input<'_>) -> ModalResult<Expression> {
    chain(factor, alt(("&&".void(), keyword("and"))), Expression::All, input)
}

/// A part, and those that follow it with the same word between them.
fn chain<'a>(
    part: fn(&mut Input<'a>) -> ModalResult<Expression>,
    mut word: impl ModalParser<Input<'a>, (), ContextError>,
    join: fn(Vec<Expression>) -> Expression,
    input: &mut Input<'a>,
) -> ModalResult<Expression> {
    let mut parts = vec![part(input)?];
    while opt(word.by_ref()).parse_next(input)?.is_some() {
        parts.push(cut_err(part).parse_next(input)?);
    }
    Ok(if parts.len() == 1 { parts.swap_remove(0) } else { join(parts) })
}

/// A part with the space around it, negated or not.
fn factor(input: &mut Input<'_>) -> ModalResult<Expression> {
    multispace0.parse_next(input)?;
    if opt(alt(("!".void(), keyword("not")))).parse_next(input)?.is_some() {
        return deeper(factor, input).map(|part| Expression::Not(Box::new(part)));
    }
    // Not one more choice of the others: what is between two levels counts in the size of the stack.
    let part = if opt('(').parse_next(input)?.is_some() { in_parentheses(input)? } else { term(input)? };
    multispace0.parse_next(input)?;
    Ok(part)
}

fn in_parentheses(input: &mut Input<'_>) -> ModalResult<Expression> {
    let inner = deeper(disjunction, input)?;
    cut_err(')').context(expected("AND, OR or a closing parenthesis")).parse_next(input)?;
    Ok(inner)
}

fn term(input: &mut Input<'_>) -> ModalResult<Expression> {
    alt((action_matches, sub_operation, presence, comparison))
        .context(expected("a comparison, ActionMatches or a parenthesis"))
        .parse_next(input)
}

/// One level down. The text decides how often this function is within itself, so that is limited.
fn deeper<'a>(
    inner: fn(&mut Input<'a>) -> ModalResult<Expression>,
    input: &mut Input<'a>,
) -> ModalResult<Expression> {
    if input.state >= DEEPEST {
        return cut_err(fail).context(expected("no more than 64 levels")).parse_next(input);
    }
    input.state += 1;
    let read = cut_err(inner).parse_next(input);
    input.state -= 1;
    read
}

fn action_matches(input: &mut Input<'_>) -> ModalResult<Expression> {
    preceded(keyword("actionmatches"), cut_err(only_value)).map(Expression::ActionMatches).parse_next(input)
}

fn sub_operation(input: &mut Input<'_>) -> ModalResult<Expression> {
    preceded(keyword("suboperationmatches"), cut_err(only_value))
        .map(Expression::SubOperationMatches)
        .parse_next(input)
}

/// Both words come to the same, as neither can be decided.
fn presence(input: &mut Input<'_>) -> ModalResult<Expression> {
    alt((keyword("exists"), keyword("notexists"))).parse_next(input)?;
    cut_err(preceded(multispace0, attribute))
        .context(expected("an attribute"))
        .map(Expression::Presence)
        .parse_next(input)
}

fn comparison(input: &mut Input<'_>) -> ModalResult<Expression> {
    let set = set.map(Operand::Set);
    let left = alt((attribute.map(Operand::Attribute), set, quoted.map(Operand::Value))).parse_next(input)?;
    let (spelling, quantifier, operator) =
        cut_err(preceded(multispace0, operator)).context(expected("an operator")).parse_next(input)?;
    let right = cut_err(preceded(multispace0, right_side)).context(expected("a value")).parse_next(input)?;
    Ok(Expression::Comparison(Comparison { left, spelling, quantifier, operator, right }))
}

fn right_side(input: &mut Input<'_>) -> ModalResult<Operand> {
    alt((attribute.map(Operand::Attribute), set.map(Operand::Set), value.map(Operand::Value))).parse_next(input)
}

/// `@Source[name]`. The name may hold anything: keys of tags are free text.
fn attribute(input: &mut Input<'_>) -> ModalResult<Attribute> {
    let source = cut_err(word).context(expected("the source of an attribute"));
    let source = preceded('@', source).parse_next(input)?;
    let end = cut_err(']').context(expected("the bracket that ends an attribute"));
    let name = opt(delimited('[', take_till(0.., ']'), end)).parse_next(input)?;
    Ok(Attribute { source: source.to_owned(), name: name.map(str::to_owned) })
}

fn operator(input: &mut Input<'_>) -> ModalResult<(String, Option<Quantifier>, Operator)> {
    not(alt((keyword("and"), keyword("or"), keyword("not")))).parse_next(input)?;
    let first = word.parse_next(input)?;
    let Some(second) = opt(preceded(':', cut_err(word))).parse_next(input)? else {
        return Ok((first.to_owned(), None, Operator::named(first)));
    };
    let spelling = format!("{first}:{second}");
    let quantifier = Quantifier::named(first);
    let operator = quantifier.map_or(Operator::Other, |_| Operator::named(second));
    Ok((spelling, quantifier, operator))
}

fn set(input: &mut Input<'_>) -> ModalResult<Vec<String>> {
    let values = separated(0.., delimited(multispace0, value, multispace0), ',');
    let end = cut_err('}').context(expected("a comma or the brace that ends a list"));
    delimited(('{', multispace0), values, end).parse_next(input)
}

/// `{'…'}` with a single text in it.
fn only_value(input: &mut Input<'_>) -> ModalResult<String> {
    let open = (multispace0, '{', multispace0).context(expected("an opening brace"));
    let text = quoted.context(expected("a text in quotes"));
    let close = (multispace0, '}').context(expected("a closing brace"));
    delimited(open, text, close).parse_next(input)
}

fn value(input: &mut Input<'_>) -> ModalResult<String> {
    let bare = |c: char| c.is_ascii_alphanumeric() || "-_.:+/".contains(c);
    alt((quoted, take_while(1.., bare).map(str::to_owned))).parse_next(input)
}

/// A text in quotes. `\'` is a quote; every other backslash stays, as `StringLike` reads it.
fn quoted(input: &mut Input<'_>) -> ModalResult<String> {
    '\''.parse_next(input)?;
    let escaped = preceded('\\', any).map(|c: char| if c == '\'' { "'".to_owned() } else { format!("\\{c}") });
    let plain = take_till(1.., ['\'', '\\']).map(str::to_owned);
    let text =
        repeat(0.., alt((plain, escaped))).fold(String::new, |text, more| text + &more).parse_next(input)?;
    cut_err('\'').context(expected("the quote that ends a text")).parse_next(input)?;
    Ok(text)
}

fn word<'a>(input: &mut Input<'a>) -> ModalResult<&'a str> {
    take_while(1.., |c: char| c.is_ascii_alphanumeric()).parse_next(input)
}

/// The word in any case, not as the start of a longer one.
fn keyword<'a>(word: &'static str) -> impl ModalParser<Input<'a>, (), ContextError> {
    (Caseless(word), not(one_of(|c: char| c.is_ascii_alphanumeric() || c == '_'))).void()
}
