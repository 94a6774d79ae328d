//! Operations that take many names at once and fail as a whole when one of them does not exist.

use super::operation::Operation;
use super::trouble::Trouble;
use std::collections::BTreeMap;

/// The most names that ECR takes in one call.
const MOST: usize = 100;

/// How an operation speaks of names that do not exist.
pub(crate) struct Absence<K> {
    /// The code that says so of one name.
    pub(crate) one: &'static str,
    /// The code that says so of all of them at once.
    pub(crate) all: Option<&'static str>,
    /// Whether the message of that failure is about this name.
    pub(crate) names: fn(&str, &K) -> bool,
}

/// What is known of each name: its answer, that there is none, or why neither is known.
pub(crate) type Answers<K, T> = BTreeMap<K, Result<Option<T>, Trouble>>;

/// Asks for all names in as few calls as AWS allows: by the hundred, again without the one that the
/// failure names, and by halves where it names none.
pub(crate) async fn ask_many<K, T, Asked>(
    operation: &'static Operation,
    names: Vec<K>,
    absence: &Absence<K>,
    ask: impl Fn(Vec<K>) -> Asked,
) -> Answers<K, T>
where
    K: Ord + Clone,
    Asked: Future<Output = Result<BTreeMap<K, T>, Trouble>>,
{
    let mut answers = BTreeMap::new();
    let mut waiting: Vec<Vec<K>> = names.chunks(MOST).map(<[K]>::to_vec).collect();
    while let Some(mut batch) = waiting.pop() {
        match ask(batch.clone()).await {
            Ok(mut found) => {
                let left_out = || Err(Trouble::failed(operation, "the answer leaves it out"));
                answers.extend(batch.into_iter().map(|name| {
                    let answer = found.remove(&name).map_or_else(left_out, |value| Ok(Some(value)));
                    (name, answer)
                }));
            }
            Err(trouble) if trouble.is(absence.all.as_slice()) => {
                answers.extend(batch.into_iter().map(|name| (name, Ok(None))));
            }
            Err(trouble) if !trouble.is(&[absence.one]) => {
                answers.extend(batch.into_iter().map(|name| (name, Err(trouble.clone()))));
            }
            Err(trouble) => {
                let told = |name: &K| (absence.names)(&trouble.detail, name);
                let missing = if batch.len() == 1 { Some(0) } else { batch.iter().position(told) };
                if let Some(index) = missing {
                    answers.insert(batch.remove(index), Ok(None));
                    waiting.extend((!batch.is_empty()).then_some(batch));
                } else {
                    let half = batch.split_off(batch.len() / 2);
                    waiting.extend([batch, half]);
                }
            }
        }
    }
    answers
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::operation::DESCRIBE_REPOSITORIES;
    use std::cell::Cell;

    /// A service where names above 900 do not exist, and its message may say which it met first.
    async fn run(names: &[u16], tells: bool) -> (Vec<u16>, Vec<u16>, usize) {
        let calls = Cell::new(0);
        let absence =
            Absence { one: "Missing", all: None, names: |text, name| text.ends_with(&format!(" {name}")) };
        let answers = ask_many(DESCRIBE_REPOSITORIES, names.to_vec(), &absence, |batch| {
            calls.set(calls.get() + 1);
            let answer = match batch.iter().find(|name| **name > 900) {
                None => Ok(batch.into_iter().map(|name| (name, ())).collect()),
                Some(missing) => {
                    let text = if tells { format!("no {missing}") } else { "no".to_owned() };
                    Err(Trouble::coded(DESCRIBE_REPOSITORIES, "Missing", &text))
                }
            };
            std::future::ready(answer)
        })
        .await;
        let with = |wanted: bool| {
            answers
                .iter()
                .filter(|(_, a)| matches!(a, Ok(v) if v.is_some() == wanted))
                .map(|(name, _)| *name)
                .collect()
        };
        (with(true), with(false), calls.get())
    }

    #[tokio::test]
    async fn missing_names_cost_a_call_each_when_the_failure_names_them() {
        assert_eq!(run(&[1, 2, 901, 3, 902], true).await, (vec![1, 2, 3], vec![901, 902], 3));
        assert_eq!(run(&[1, 2, 3], true).await.2, 1);
        assert_eq!(run(&(0..250).collect::<Vec<_>>(), true).await.2, 3);
    }

    #[tokio::test]
    async fn halving_finds_them_where_it_names_none() {
        let (there, gone, calls) = run(&[1, 2, 901, 3, 902, 4, 5, 6], false).await;
        assert_eq!((there, gone), (vec![1, 2, 3, 4, 5, 6], vec![901, 902]));
        assert!(calls <= 11, "{calls}");
        assert_eq!(run(&[901], false).await, (vec![], vec![901], 1));
    }
}
