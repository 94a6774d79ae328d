//! The text of a condition as a tree, or where the text stopped making sense.
//!
//! The part of the language that occurs in conditions of IAM: `||`, `&&`, `!`, parentheses, comparisons,
//! `in`, selections, calls, lists and literals. `!` binds tighter than a comparison, that tighter than `&&`, and
//! that tighter than `||`. Arithmetic and choices (`?:`) are not read, which leaves the whole open.

use super::tree::{Expression, Relation};
use jiff::Timestamp;
use pullaudit_core::Text;
use winnow::ascii::multispace0;
use winnow::combinator::{
    alt, cut_err, delimited, eof, fail, not, opt, peek, preceded, repeat, separated, terminated,
};
use winnow::error::{ContextError, ParseError, StrContext};
use winnow::prelude::*;
use winnow::stream::Stateful;
use winnow::token::{any, one_of, take_till, take_while};

/// Deeper than anyone writes, and far from what would exhaust the stack.
const DEEPEST: usize = 48;

/// How much of the text a message repeats.
const EXCERPT: usize = 24;

/// The rest of the text, and how many levels of it are open.
type Input<'a> = Stateful<&'a str, usize>;

/// A value before it is known what it is compared with.
#[derive(Clone, Debug)]
enum Term {
    /// It is true or false already.
    Truth(Expression),
    /// `request.time`
    Now,
    /// `timestamp("…")`
    Moment(Timestamp),
    /// Anything else.
    Other,
}

impl Term {
    fn truth(self, text: &str) -> Expression {
        match self {
            Self::Truth(expression) => expression,
            Self::Now | Self::Moment(_) | Self::Other => Expression::Other(text.trim().into()),
        }
    }
}

/// Reads the whole text; the error names the position and what was expected there.
pub(super) fn read(text: &str) -> Result<Expression, Text> {
    let end = cut_err(eof).context(expected("&&, || or the end"));
    terminated(disjunction, (multispace0, end))
        .parse(Input { input: text, state: 0 })
        .map_err(|error| describe(text, &error))
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
    chain(conjunction, "||", Expression::Any, input)
}

fn conjunction(input: &mut Input<'_>) -> ModalResult<Expression> {
    chain(comparison, "&&", Expression::All, input)
}

/// A part, and those that follow it with the same sign between them.
fn chain<'a>(
    part: fn(&mut Input<'a>) -> ModalResult<Expression>,
    sign: &'static str,
    join: fn(Vec<Expression>) -> Expression,
    input: &mut Input<'a>,
) -> ModalResult<Expression> {
    let mut parts = vec![part(input)?];
    while opt((multispace0, sign)).parse_next(input)?.is_some() {
        parts.push(cut_err(part).parse_next(input)?);
    }
    Ok(if parts.len() == 1 { parts.swap_remove(0) } else { join(parts) })
}

/// One value, or two with what compares them.
fn comparison(input: &mut Input<'_>) -> ModalResult<Expression> {
    let (left, left_text) = unary.with_taken().parse_next(input)?;
    let left_text = left_text.to_owned();
    let Some(relation) = opt(preceded(multispace0, relation)).parse_next(input)? else {
        return Ok(left.truth(&left_text));
    };
    let (right, right_text) = cut_err(unary.with_taken()).context(expected("a value")).parse_next(input)?;
    let time = match (&left, relation, &right) {
        (Term::Now, Some(relation), Term::Moment(moment)) => Some((relation, *moment)),
        (Term::Moment(moment), Some(relation), Term::Now) => Some((relation.turned(), *moment)),
        _ => None,
    };
    Ok(match time {
        Some((relation, moment)) => Expression::Time(relation, moment),
        None => Expression::Other(format!("{} compared with {}", left_text.trim(), right_text.trim()).into()),
    })
}

/// `None` is `in`.
fn relation(input: &mut Input<'_>) -> ModalResult<Option<Relation>> {
    let signs = alt((
        "<=".value(Relation::LessOrEqual),
        ">=".value(Relation::GreaterOrEqual),
        "==".value(Relation::Equal),
        "!=".value(Relation::NotEqual),
        "<".value(Relation::Less),
        ">".value(Relation::Greater),
    ));
    let inside = ("in", not(one_of(is_word))).value(None);
    alt((signs.map(Some), inside)).parse_next(input)
}

fn unary(input: &mut Input<'_>) -> ModalResult<Term> {
    multispace0.parse_next(input)?;
    if opt(terminated('!', not('='))).parse_next(input)?.is_some() {
        let (inner, text) = deeper(unary, input)?;
        return Ok(Term::Truth(Expression::Not(Box::new(inner.truth(&text)))));
    }
    let (first, text) = primary.with_taken().parse_next(input)?;
    let text = text.to_owned();
    let rest: String = repeat(0.., suffix).fold(String::new, |all, one: String| all + &one).parse_next(input)?;
    Ok(match (first, rest.is_empty()) {
        (first, true) => first,
        (_, false) => named(&format!("{text}{rest}")),
    })
}

/// What a chain of words and calls means, as far as it can be known.
fn named(text: &str) -> Term {
    let plain: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    if plain == "request.time" {
        return Term::Now;
    }
    let inner = plain.strip_prefix("timestamp(").and_then(|rest| rest.strip_suffix(')'));
    let quoted = inner.and_then(|inner| {
        ['"', '\''].into_iter().find_map(|quote| inner.strip_prefix(quote)?.strip_suffix(quote))
    });
    match quoted.and_then(|moment| moment.parse().ok()) {
        Some(moment) => Term::Moment(moment),
        None => Term::Other,
    }
}

fn primary(input: &mut Input<'_>) -> ModalResult<Term> {
    if opt('(').parse_next(input)?.is_some() {
        let (inner, _) = deeper(|input| disjunction.map(Term::Truth).parse_next(input), input)?;
        cut_err((multispace0, ')')).context(expected("a closing parenthesis")).parse_next(input)?;
        // `(request.time)` and the like come as what they are.
        return Ok(match inner {
            Term::Truth(Expression::Other(text)) => named(&text),
            other => other,
        });
    }
    alt((literal, list, word_term)).context(expected("a value, a call or a parenthesis")).parse_next(input)
}

fn literal(input: &mut Input<'_>) -> ModalResult<Term> {
    let number = (opt('-'), take_while(1.., |c: char| c.is_ascii_digit() || c == '.'), opt('u')).take();
    alt((quoted.take(), number)).value(Term::Other).parse_next(input)
}

fn list(input: &mut Input<'_>) -> ModalResult<Term> {
    values('[', ']', input).map(|_| Term::Other)
}

fn word_term(input: &mut Input<'_>) -> ModalResult<Term> {
    let word = word.parse_next(input)?;
    Ok(match word {
        "true" => Term::Truth(Expression::Constant(true)),
        "false" => Term::Truth(Expression::Constant(false)),
        other => named(other),
    })
}

/// `.word`, `(…)` or `[…]`.
fn suffix(input: &mut Input<'_>) -> ModalResult<String> {
    match peek(preceded(multispace0, any)).parse_next(input)? {
        '.' => (multispace0, '.', multispace0, cut_err(word)).take().map(str::to_owned).parse_next(input),
        '(' => {
            multispace0.parse_next(input)?;
            values('(', ')', input)
        }
        '[' => {
            multispace0.parse_next(input)?;
            values('[', ']', input)
        }
        _ => fail.parse_next(input),
    }
}

/// Values between brackets, as written.
fn values(mut open: char, close: char, input: &mut Input<'_>) -> ModalResult<String> {
    open.parse_next(input)?;
    let inner = |input: &mut Input<'_>| {
        let mut many = separated(0.., disjunction, (multispace0, ',')).map(|_: Vec<Expression>| ());
        many.parse_next(input)
    };
    let ((), text) = deeper(inner, input)?;
    cut_err((multispace0, close)).context(expected("a comma or a closing bracket")).parse_next(input)?;
    Ok(format!("{open}{}{close}", text.trim()))
}

/// One level down, with the text that it took. The text decides how often this function is within itself, so
/// that is limited.
fn deeper<'a, T>(
    mut inner: impl FnMut(&mut Input<'a>) -> ModalResult<T>,
    input: &mut Input<'a>,
) -> ModalResult<(T, String)> {
    if input.state >= DEEPEST {
        return cut_err(fail).context(expected("no more than 48 levels")).parse_next(input);
    }
    input.state += 1;
    let before = input.input;
    let read = inner(input)?;
    input.state -= 1;
    let taken = before.len() - input.input.len();
    Ok((read, before.get(..taken).unwrap_or_default().to_owned()))
}

/// A text in quotes of either kind.
fn quoted(input: &mut Input<'_>) -> ModalResult<()> {
    let text = |quote: char| {
        let plain = take_till(1.., [quote, '\\']).void();
        let escaped = ('\\', any).void();
        let inside = repeat(0.., alt((plain, escaped))).map(|()| ());
        delimited(quote, inside, cut_err(quote).context(expected("the quote that ends a text")))
    };
    alt((text('"'), text('\''))).parse_next(input)
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

fn word<'a>(input: &mut Input<'a>) -> ModalResult<&'a str> {
    let first = |c: char| c.is_ascii_alphabetic() || c == '_';
    (one_of(first), take_while(0.., is_word)).take().parse_next(input)
}
