//! Where in a document something wrong stands.

use serde::de::{Deserialize, DeserializeOwned, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use serde_saphyr::Spanned;
use std::cell::OnceCell;
use std::fmt;

/// The path of the value for which `T` refuses a document: `spec.template.spec.containers[1].image`.
///
/// Every field of `T` may be absent, so a part taken alone is refused only for what is wrong in it.
pub(super) fn culprit<T: DeserializeOwned>(value: &Value) -> String {
    let mut path = Vec::new();
    let mut here = value;
    while let Some((step, inner)) = refused_part::<T>(here, &path) {
        path.push(step);
        here = inner;
    }
    path.iter().fold(String::new(), |text, step| match step {
        Step::Key(key) if text.is_empty() => key.clone(),
        Step::Key(key) => format!("{text}.{key}"),
        Step::Index(index) => format!("{text}[{index}]"),
    })
}

#[derive(Clone)]
enum Step {
    Key(String),
    Index(usize),
}

fn refused_part<'a, T: DeserializeOwned>(here: &'a Value, path: &[Step]) -> Option<(Step, &'a Value)> {
    let refused = |part: Value| T::deserialize(wrap(path, part)).is_err();
    let empty = if here.is_array() { Value::Array(Vec::new()) } else { Value::Object(Map::new()) };
    if refused(empty) {
        return None;
    }
    match here {
        Value::Object(map) => map
            .iter()
            .find(|(key, inner)| refused(Value::Object(Map::from_iter([((*key).clone(), (*inner).clone())]))))
            .map(|(key, inner)| (Step::Key(key.clone()), inner)),
        Value::Array(items) => items
            .iter()
            .position(|inner| refused(Value::Array(vec![inner.clone()])))
            .map(|index| (Step::Index(index), &items[index])),
        _ => None,
    }
}

/// A document that holds nothing but one part at a path.
fn wrap(path: &[Step], part: Value) -> Value {
    path.iter().rev().fold(part, |inner, step| match step {
        Step::Key(key) => Value::Object(Map::from_iter([(key.clone(), inner)])),
        Step::Index(_) => Value::Array(vec![inner]),
    })
}

/// The lines of a document by path. A list may hold thousands of objects with the same mistake, so the
/// document is read for its lines once.
pub(super) struct Lines<'a> {
    text: &'a str,
    tree: OnceCell<Option<Tree>>,
}

impl<'a> Lines<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        Self { text, tree: OnceCell::new() }
    }

    /// The line of a path, from 1; of the nearest key above it, where it is missing.
    pub(super) fn line(&self, path: &str) -> Option<usize> {
        let read = || serde_saphyr::from_str_with_options(self.text, super::document::options(self.text)).ok();
        self.tree.get_or_init(read).as_ref()?.line(path)
    }
}

impl Tree {
    fn line(&self, path: &str) -> Option<usize> {
        let mut here = self;
        let mut found = None;
        for step in path.replace('[', ".[").split('.').filter(|step| !step.is_empty()) {
            let next =
                match step.strip_prefix('[').and_then(|index| index.trim_end_matches(']').parse::<usize>().ok()) {
                    Some(index) => here.entries.get(index),
                    None => here.entries.iter().find(|entry| entry.key.as_deref() == Some(step)),
                };
            let Some(entry) = next else { break };
            found = Some(entry.line);
            here = &entry.inner;
        }
        found
    }
}

/// A document as keys and lines.
#[derive(Default)]
struct Tree {
    entries: Vec<Entry>,
}

struct Entry {
    key: Option<String>,
    line: usize,
    inner: Tree,
}

fn line_of<T>(spanned: &Spanned<T>) -> usize {
    usize::try_from(spanned.referenced.line()).unwrap_or(1)
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Nodes)
    }
}

struct Nodes;

impl<'de> Visitor<'de> for Nodes {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Tree, A::Error> {
        let mut tree = Tree::default();
        while let Some(key) = map.next_key::<Spanned<String>>()? {
            let line = line_of(&key);
            tree.entries.push(Entry { key: Some(key.value), line, inner: map.next_value()? });
        }
        Ok(tree)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Tree, A::Error> {
        let mut tree = Tree::default();
        while let Some(item) = items.next_element::<Spanned<Tree>>()? {
            tree.entries.push(Entry { key: None, line: line_of(&item), inner: item.value });
        }
        Ok(tree)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Tree, E> {
        Ok(Tree::default())
    }

    fn visit_i64<E>(self, _: i64) -> Result<Tree, E> {
        Ok(Tree::default())
    }

    fn visit_u64<E>(self, _: u64) -> Result<Tree, E> {
        Ok(Tree::default())
    }

    fn visit_f64<E>(self, _: f64) -> Result<Tree, E> {
        Ok(Tree::default())
    }

    fn visit_str<E>(self, _: &str) -> Result<Tree, E> {
        Ok(Tree::default())
    }

    fn visit_unit<E>(self) -> Result<Tree, E> {
        Ok(Tree::default())
    }

    fn visit_none<E>(self) -> Result<Tree, E> {
        Ok(Tree::default())
    }

    fn visit_some<D: Deserializer<'de>>(self, from: D) -> Result<Tree, D::Error> {
        Tree::deserialize(from)
    }
}
