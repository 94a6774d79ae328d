//! The methods of `container`.

use serde_json::{Value, json};

use crate::answer::{Answer, Outcome};
use crate::ask::Ask;
use crate::serve::State;

/// `clusters.list`: no pages; zones that could not be asked are named, their clusters are missing.
pub(crate) fn list(state: &mut State, ask: &Ask<'_>) -> Outcome {
    let project = state.world.project_at(ask.name("project")).ok_or_else(Answer::not_found)?;
    let location = ask.name("location");
    let missing: Vec<&String> = state
        .world
        .missing_zones
        .iter()
        .filter(|(of, zone)| *of == project.id && (location == "-" || location == zone))
        .map(|(_, zone)| zone)
        .collect();
    let clusters = state.world.clusters.iter().filter(|cluster| {
        let there = location == "-" || cluster.location == location;
        cluster.project == project.id && there && !missing.contains(&&cluster.location)
    });
    let clusters: Vec<Value> = clusters.map(crate::Cluster::json).collect();
    let mut body = json!({});
    if !clusters.is_empty() {
        body["clusters"] = json!(clusters);
    }
    if !missing.is_empty() {
        body["missingZones"] = json!(missing);
    }
    Ok(Answer::ok(body))
}

/// `clusters.get`.
pub(crate) fn get(state: &mut State, ask: &Ask<'_>) -> Outcome {
    let id = ask.resource(state);
    let found = state.world.clusters.iter().find(|cluster| cluster.id() == id);
    let missing = || Answer::error(404, "NOT_FOUND", &format!("Not found: {id}."));
    Ok(Answer::ok(found.ok_or_else(missing)?.json()))
}
