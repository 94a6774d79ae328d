//! Lists, page by page.

use super::operation::Operation;
use super::trouble::Trouble;
use std::collections::BTreeSet;

/// A page with the token of the next one.
pub(crate) type Page<T> = (Vec<T>, Option<String>);

/// All pages of a list, sorted and without doubles, so that the order and the cut of pages never
/// shows. A short or empty page with a token is followed; a token that comes again is a failure, since
/// following it would never end.
pub(crate) async fn pages<T, Fetched>(
    operation: &'static Operation,
    mut fetch: impl FnMut(Option<String>) -> Fetched,
) -> Result<Vec<T>, Trouble>
where
    T: Ord,
    Fetched: Future<Output = Result<Page<T>, Trouble>>,
{
    let mut seen = BTreeSet::new();
    let mut token = None;
    let mut all = BTreeSet::new();
    loop {
        let (items, next) = fetch(token).await?;
        all.extend(items);
        match next.filter(|next| !next.is_empty()) {
            None => return Ok(all.into_iter().collect()),
            Some(next) if !seen.insert(next.clone()) => {
                return Err(Trouble::failed(operation, "paging token repeats"));
            }
            next => token = next,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::operation::LIST_CLUSTERS;

    async fn walk(tokens: &[&str]) -> Result<Vec<usize>, Trouble> {
        let mut page = 0;
        pages(LIST_CLUSTERS, |_| {
            let next = tokens.get(page).map(|token| (*token).to_owned());
            page += 1;
            std::future::ready(Ok((vec![page], next)))
        })
        .await
    }

    #[tokio::test]
    async fn pages_end_at_an_absent_or_empty_token_and_never_run_in_a_circle() {
        assert_eq!(walk(&["a", "b"]).await.ok(), Some(vec![1, 2, 3]));
        assert_eq!(walk(&["a", "", "c"]).await.ok(), Some(vec![1, 2]));
        let circle = walk(&["a", "b", "a"]).await;
        assert_eq!(circle.err().map(|trouble| trouble.detail), Some("paging token repeats".to_owned()));
    }
}
