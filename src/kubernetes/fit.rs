//! On which pools the pods of a template can land.
//!
//! Only what excludes a node for certain is applied: node selector, required node affinity, taints, the
//! operating system and the architecture. Preferences, resources, spread and volumes are left to the
//! scheduler. A pool that can't be excluded is a candidate: one too many costs a line in a report, one
//! too few hides a broken pull.

use super::labels::{Fits, NodeLabels};
use super::slim::{NodeSelector, NodeSelectorTerm, PodSpec, PodTemplate, Toleration};
use pullaudit_core::{NodeView, PodSelector, Pool, Taint};
use std::collections::BTreeMap;

/// The pool of nodes that belong to no other.
pub const UNLISTED: &str = "(unlisted)";

/// The label by which a pod names the Fargate profile that takes it.
const PROFILE_LABEL: &str = "eks.amazonaws.com/fargate-profile";

/// The names of the pools that one pod of the template can land on, in the order of `pools`.
pub fn candidates(template: &PodTemplate, namespace: &str, pools: &[Pool]) -> Vec<String> {
    match taken(template, namespace, pools) {
        Some(pool) => vec![pool.name.clone()],
        None => ordinary(&template.spec, pools),
    }
}

/// The names of the pools that a `DaemonSet` of the template runs on: every one that it tolerates. Pools
/// that choose their pods run none.
pub fn daemon_candidates(template: &PodTemplate, pools: &[Pool]) -> Vec<String> {
    ordinary(&template.spec, pools)
}

/// The pool that a node belongs to: the one that names it; else the one with the most labels among those all of whose
/// labels it carries, else the pool `(unlisted)` where there is one.
pub fn pool_of<'a>(node: &NodeView, pools: &'a [Pool]) -> Option<&'a Pool> {
    if let Some(pool) = pools.iter().find(|pool| pool.nodes.contains(&node.name)) {
        return Some(pool);
    }
    let carries = |pool: &&Pool| {
        !pool.node_labels.is_empty()
            && pool.node_labels.iter().all(|(key, value)| node.labels.get(key) == Some(value))
    };
    let mut best: Option<&Pool> = None;
    for pool in pools.iter().filter(carries) {
        if best.is_none_or(|known| known.node_labels.len() < pool.node_labels.len()) {
            best = Some(pool);
        }
    }
    best.or_else(|| pools.iter().find(|pool| pool.name == UNLISTED))
}

/// The pool of the profile that a pod's labels name.
pub(crate) fn named_profile<'a>(labels: &BTreeMap<String, String>, pools: &'a [Pool]) -> Option<&'a str> {
    let named = labels.get(PROFILE_LABEL)?;
    pools.iter().find(|pool| !pool.takes.is_empty() && profile(pool) == named).map(|pool| pool.name.as_str())
}

/// The cloud's name of a pool that takes pods for itself: one that another pool had first stands behind its kind, and no
/// profile has such a sign in its name.
fn profile(pool: &Pool) -> &str {
    pool.name.rsplit('/').next().unwrap_or(&pool.name)
}

/// The pool that takes the pod for itself, whatever its node selector says.
fn taken<'a>(template: &PodTemplate, namespace: &str, pools: &'a [Pool]) -> Option<&'a Pool> {
    let matching: Vec<&Pool> = pools
        .iter()
        .filter(|pool| pool.takes.iter().any(|selector| selects(selector, template, namespace)))
        .collect();
    let named = template.metadata.labels.get(PROFILE_LABEL);
    matching
        .iter()
        .find(|pool| named.is_some_and(|named| profile(pool) == named))
        .or_else(|| matching.iter().min_by_key(|pool| profile(pool)))
        .copied()
}

fn selects(selector: &PodSelector, template: &PodTemplate, namespace: &str) -> bool {
    glob(&selector.namespace, namespace)
        && selector
            .labels
            .iter()
            .all(|(key, pattern)| template.metadata.labels.get(key).is_some_and(|value| glob(pattern, value)))
}

fn ordinary(spec: &PodSpec, pools: &[Pool]) -> Vec<String> {
    pools
        .iter()
        .filter(|pool| pool.takes.is_empty() && fits(spec, pool) != Fits::No)
        .map(|pool| pool.name.clone())
        .collect()
}

fn fits(spec: &PodSpec, pool: &Pool) -> Fits {
    let labels = NodeLabels::of(&pool.shape);
    let mut fits = Fits::Yes;
    if !spec.node_name.is_empty() {
        fits = fits.and(labels.node_named(std::slice::from_ref(&spec.node_name)));
    }
    if !spec.os.name.is_empty() {
        fits = fits.and(labels.equals("kubernetes.io/os", &spec.os.name));
    }
    for (key, value) in &spec.node_selector {
        fits = fits.and(labels.equals(key, value));
    }
    if let Some(required) = &spec.affinity.node_affinity.required {
        fits = fits.and(selected(required, &labels));
    }
    // A pod that names its node never meets the scheduler; only `NoExecute` would still evict it.
    let scheduled = spec.node_name.is_empty();
    let let_in = |taint: &Taint| tolerated(taint, &spec.tolerations) || is_selected(taint, &spec.node_selector);
    if pool.shape.taints.iter().any(|taint| keeps_out(taint, scheduled) && !let_in(taint)) {
        fits = Fits::No;
    }
    fits
}

fn selected(required: &NodeSelector, labels: &NodeLabels<'_>) -> Fits {
    required.node_selector_terms.iter().fold(Fits::No, |any, term| any.or(term_selects(term, labels)))
}

fn term_selects(term: &NodeSelectorTerm, labels: &NodeLabels<'_>) -> Fits {
    if term.match_expressions.is_empty() && term.match_fields.is_empty() {
        return Fits::No;
    }
    let expressions = term.match_expressions.iter().map(|requirement| labels.meets(requirement));
    let fields = term.match_fields.iter().map(|requirement| labels.meets_field(requirement));
    expressions.chain(fields).fold(Fits::Yes, Fits::and)
}

/// Taints that come and go with a node's condition, its cordon or its start; a pool's next node is free of
/// them.
const PASSING: [&str; 6] = [
    "node.kubernetes.io/",
    "node.cloudprovider.kubernetes.io/",
    "ToBeDeletedByClusterAutoscaler",
    "DeletionCandidateOfClusterAutoscaler",
    "karpenter.sh/disrupted",
    "karpenter.sh/unregistered",
];

/// True for a taint that stays. One that an agent takes away when it runs is set in a pool's own settings too.
pub(crate) fn lasts(taint: &Taint) -> bool {
    let key = &taint.key;
    !PASSING.iter().any(|passing| key.starts_with(passing)) && !key.ends_with("agent-not-ready")
}

fn keeps_out(taint: &Taint, scheduled: bool) -> bool {
    if !lasts(taint) {
        return false;
    }
    match taint.effect.as_str() {
        "NoExecute" => true,
        "NoSchedule" => scheduled,
        _ => false,
    }
}

/// Taints that the cluster itself lets pods tolerate which select the label of that name: the template does not show it.
///
/// Source: GKE documentation, "About custom compute classes".
const TOLERATED_BY_SELECTION: [&str; 1] = ["cloud.google.com/compute-class"];

fn is_selected(taint: &Taint, selector: &BTreeMap<String, String>) -> bool {
    TOLERATED_BY_SELECTION.contains(&taint.key.as_str()) && selector.get(&taint.key) == Some(&taint.value)
}

fn tolerated(taint: &Taint, tolerations: &[Toleration]) -> bool {
    tolerations.iter().any(|toleration| {
        let effect = toleration.effect.is_empty() || toleration.effect == taint.effect;
        let every_key = toleration.key.is_empty() && toleration.operator == "Exists";
        let key = every_key || toleration.key == taint.key;
        let value = match toleration.operator.as_str() {
            "" | "Equal" => toleration.value == taint.value,
            // Operators newer than this program can't exclude the pool.
            _ => true,
        };
        effect && key && value
    })
}

/// `*` for any run of characters, `?` for any one.
fn glob(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut at, mut position) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while position < text.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, position));
                at += 1;
            }
            Some(&expected) if expected == '?' || expected == text[position] => {
                at += 1;
                position += 1;
            }
            _ => {
                let Some((star_at, matched)) = star else { return false };
                star = Some((star_at, matched + 1));
                at = star_at + 1;
                position = matched + 1;
            }
        }
    }
    pattern[at..].iter().all(|&rest| rest == '*')
}

#[cfg(test)]
#[path = "fit_tests.rs"]
mod tests;
