//! Listing a kind page by page.

use super::request::{Api, Failure, typed};
use crate::kubernetes::kinds::Kind;
use futures_util::future::poll_immediate;
use kube::api::ListParams;
use kube::core::Request;
use pullaudit_core::Obstacle;
use serde::de::{DeserializeOwned, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer as _};
use std::collections::BTreeSet;
use std::fmt;

pub(super) const PAGE: u32 = 500;
/// Page tokens die with the server's history; a server that answers nothing else is given up.
const MOST_EXPIRIES: u32 = 8;

/// What to list.
#[derive(Clone, Copy)]
pub(super) struct Listing<'a> {
    pub(super) kind: Kind<'a>,
    pub(super) namespace: Option<&'a str>,
    pub(super) labels: Option<&'a str>,
    pub(super) fields: Option<&'a str>,
    /// Ask for metadata only.
    pub(super) slim: bool,
    /// Objects a page.
    pub(super) page: u32,
}

impl<'a> Listing<'a> {
    /// Every object of a kind, whole.
    pub(super) fn of(kind: Kind<'a>, namespace: Option<&'a str>) -> Self {
        Self { kind, namespace, labels: None, fields: None, slim: false, page: PAGE }
    }
}

/// How a list ended well.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Listed {
    /// Its pages are not of one moment: a page token had expired.
    pub(super) inconsistent: bool,
}

/// How a list ended early.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cut {
    pub(super) failure: Failure,
    /// How many pages came before.
    pub(super) pages: u32,
}

impl Cut {
    pub(super) fn obstacle(&self) -> Obstacle {
        match &self.failure {
            Failure::Refused => Obstacle::Refused,
            Failure::Unreachable(detail) | Failure::Other(detail) => Obstacle::Failed(detail.as_str().into()),
            Failure::Expired(_) => Obstacle::Failed("page tokens expired again and again".into()),
            Failure::Absent | Failure::Nowhere => {
                Obstacle::Failed("404: what answers here is not, or not only, a Kubernetes API server".into())
            }
        }
    }
}

#[derive(Deserialize)]
#[serde(bound = "T: DeserializeOwned")]
struct Page<T> {
    #[serde(default)]
    metadata: PageMeta,
    // The API server writes an empty list as `null`.
    #[serde(default = "none")]
    items: Option<Vec<T>>,
}

#[derive(Default, Deserialize)]
struct PageMeta {
    #[serde(default, rename = "continue")]
    next: Option<String>,
}

fn none<T>() -> Option<Vec<T>> {
    None
}

/// The first objects of a kind.
pub(super) async fn first<T: DeserializeOwned>(api: Api<'_>, listing: Listing<'_>) -> Result<Vec<T>, Cut> {
    let cut = |failure| Cut { failure, pages: 0 };
    match api.get::<Page<T>>(&request(&listing, None).map_err(cut)?).await {
        Ok(page) => Ok(page.items.unwrap_or_default()),
        Err(Failure::Absent | Failure::Nowhere) if unserved(api, listing.kind).await => Ok(Vec::new()),
        Err(failure) => Err(cut(failure)),
    }
}

/// Hands every page to `each` and drops it; the one after it is asked for meanwhile, so that two are held. A kind that the server does not have is an empty list.
///
/// When a page token expires, the list goes on with the token that the server gives in its place, or
/// starts again once; `each` may then see an object twice.
pub(super) async fn list<T: DeserializeOwned>(
    api: Api<'_>,
    listing: Listing<'_>,
    mut each: impl FnMut(Vec<T>),
) -> Result<Listed, Cut> {
    let (mut token, mut pages, mut expiries, mut restarted) = (None, 0, 0, false);
    let mut seen = BTreeSet::new();
    let mut listed = Listed::default();
    let mut fetched = fetch(api, &listing, None, Vec::new()).await;
    let mut spare = Vec::new();
    loop {
        match fetched {
            Ok(body) => {
                let turned = turn(api, &listing, &body, std::mem::take(&mut spare), &seen, &mut each).await;
                let Turned { next, ahead } = turned.map_err(|failure| Cut { failure, pages })?;
                pages += 1;
                let Some(next) = next else { return Ok(listed) };
                if !seen.insert(next.clone()) {
                    let failure = Failure::Other("the server repeats a page token".to_owned());
                    return Err(Cut { failure, pages });
                }
                fetched = match ahead {
                    Some(fetched) => fetched,
                    None => fetch(api, &listing, Some(&next), Vec::new()).await,
                };
                (spare, token) = (body, Some(next));
            }
            Err(Failure::Absent | Failure::Nowhere) if pages == 0 && unserved(api, listing.kind).await => {
                return Ok(listed);
            }
            Err(Failure::Expired(next)) if token.is_some() && expiries < MOST_EXPIRIES => {
                expiries += 1;
                listed.inconsistent = true;
                match next {
                    Some(_) => token = next,
                    None if restarted => return Err(Cut { failure: Failure::Expired(None), pages }),
                    None => {
                        (token, restarted) = (None, true);
                        seen.clear();
                    }
                }
                fetched = fetch(api, &listing, token.as_deref(), std::mem::take(&mut spare)).await;
            }
            Err(failure) => return Err(Cut { failure, pages }),
        }
    }
}

/// What came of a page.
struct Turned {
    /// The token of the page after it.
    next: Option<String>,
    /// That page, where it was asked for meanwhile.
    ahead: Option<Result<Vec<u8>, Failure>>,
}

/// Hands a page to `each`, while the server is at work on the next one: the token stands before the objects.
async fn turn<T: DeserializeOwned>(
    api: Api<'_>,
    listing: &Listing<'_>,
    body: &[u8],
    spare: Vec<u8>,
    seen: &BTreeSet<String>,
    each: &mut impl FnMut(Vec<T>),
) -> Result<Turned, Failure> {
    let token = token_of(body).filter(|token| !seen.contains(token));
    let coming = async {
        match &token {
            Some(token) => Some(fetch(api, listing, Some(token), spare).await),
            None => None,
        }
    };
    let mut coming = std::pin::pin!(coming);
    let arrived = poll_immediate(coming.as_mut()).await;
    let page: Page<T> = typed(body)?;
    let next = page.metadata.next.filter(|next| !next.is_empty());
    each(page.items.unwrap_or_default());
    if next.is_none() || next != token {
        return Ok(Turned { next, ahead: None });
    }
    let ahead = match arrived {
        Some(arrived) => arrived,
        None => coming.await,
    };
    Ok(Turned { next, ahead })
}

async fn fetch(
    api: Api<'_>,
    listing: &Listing<'_>,
    token: Option<&str>,
    buffer: Vec<u8>,
) -> Result<Vec<u8>, Failure> {
    api.fetch(&request(listing, token)?, buffer).await
}

/// The token of the next page, where it stands before the objects, as the API server writes it.
fn token_of(page: &[u8]) -> Option<String> {
    let mut token = None;
    // It ends at the token, before the document does; what else is wrong shows when the page is read.
    let _ = serde_json::Deserializer::from_slice(page).deserialize_map(Head(&mut token));
    token.filter(|token| !token.is_empty())
}

struct Head<'a>(&'a mut Option<String>);

impl<'de> Visitor<'de> for Head<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        while let Some(name) = fields.next_key::<String>()? {
            match name.as_str() {
                "metadata" => {
                    *self.0 = fields.next_value::<PageMeta>()?.next;
                    return Ok(());
                }
                "items" => return Ok(()),
                _ => _ = fields.next_value::<IgnoredAny>()?,
            }
        }
        Ok(())
    }
}

fn request(listing: &Listing<'_>, token: Option<&str>) -> Result<http::Request<Vec<u8>>, Failure> {
    if let Some(namespace) = listing.namespace.filter(|name| !is_name(name)) {
        return Err(Failure::Other(format!("{namespace:?} is no name of a namespace")));
    }
    let mut params = ListParams::default().limit(listing.page);
    params.label_selector = listing.labels.map(str::to_owned);
    params.field_selector = listing.fields.map(str::to_owned);
    params.continue_token = token.map(str::to_owned);
    let request = Request::new(listing.kind.path(listing.namespace));
    let built = if listing.slim { request.list_metadata(&params) } else { request.list(&params) };
    built.map_err(|error| Failure::Other(error.to_string()))
}

/// The groups of the kinds that the server has; `None` where it does not tell.
pub(super) async fn groups(api: Api<'_>) -> Option<BTreeSet<String>> {
    let request = http::Request::get("/apis").body(Vec::new()).ok()?;
    let served: Groups = api.get(&request).await.ok()?;
    Some(served.groups.into_iter().map(|group| group.name).collect())
}

#[derive(Deserialize)]
struct Groups {
    groups: Vec<ServedKind>,
}

/// The kinds of one version of a group, as the server lists them: plural and kind, those only that stand in namespaces and
/// can be listed. Empty where it does not tell.
pub(super) async fn kinds_of(api: Api<'_>, group: &str, version: &str) -> Vec<(String, String)> {
    let Ok(request) = http::Request::get(format!("/apis/{group}/{version}")).body(Vec::new()) else {
        return Vec::new();
    };
    let served = api.get::<Served>(&request).await.map(|served| served.resources).unwrap_or_default();
    let listable = |one: &ServedKind| one.namespaced && one.verbs.iter().any(|verb| verb == "list");
    served.into_iter().filter(listable).map(|one| (one.name, one.kind)).collect()
}

/// Whether the server itself says that it lacks a kind: it lists what else the group has.
async fn unserved(api: Api<'_>, kind: Kind<'_>) -> bool {
    let Ok(request) = http::Request::get(kind.group_path()).body(Vec::new()) else { return false };
    match api.get::<Served>(&request).await {
        Ok(served) => !served.resources.is_empty() && !served.resources.iter().any(|one| one.name == kind.plural),
        Err(_) => false,
    }
}

#[derive(Deserialize)]
struct Served {
    resources: Vec<ServedKind>,
}

#[derive(Deserialize)]
struct ServedKind {
    name: String,
    #[serde(default)]
    kind: String,
    #[serde(default)]
    namespaced: bool,
    #[serde(default)]
    verbs: Vec<String>,
}

/// Whether a text can stand in a path as a name.
pub(super) fn is_name(text: &str) -> bool {
    let fine = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'.';
    !text.is_empty() && text.bytes().all(fine) && text.bytes().any(|byte| byte.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::token_of;

    #[test]
    fn the_token_is_read_without_the_objects() {
        let page = br#"{"kind":"PodList","metadata":{"resourceVersion":"7","continue":"a\"b"},"items":[{"metadata":{"continue""#;
        assert_eq!(token_of(page).as_deref(), Some("a\"b"));
        let last = br#"{"metadata":{"resourceVersion":"7"},"items":[]}"#;
        let after = br#"{"items":[{"metadata":{"continue":"no"}}],"metadata":{"continue":"late"}}"#;
        for page in [&last[..], after, b"", b"[1]", br#"{"metadata":{"continue":""}}"#, br#"{"metadata":3}"#] {
            assert_eq!(token_of(page), None);
        }
    }
}
