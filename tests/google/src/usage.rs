//! The methods of Service Usage.

use serde_json::{Value, json};

use crate::Project;
use crate::answer::{Answer, Outcome};
use crate::ask::Ask;
use crate::serve::State;

/// So many services fit into one call.
const BATCH: usize = 30;

fn body(project: &Project, host: &str) -> Value {
    let parent = format!("projects/{}", project.number);
    let enabled = !project.disabled.iter().any(|known| known == host);
    json!({
        "name": format!("{parent}/services/{host}"),
        "parent": parent,
        "config": { "name": host },
        "state": if enabled { "ENABLED" } else { "DISABLED" },
    })
}

/// `services.get`.
pub(crate) fn get(state: &mut State, ask: &Ask<'_>) -> Outcome {
    let project = state.world.project_at(ask.name("project")).ok_or_else(Answer::not_found)?;
    Ok(Answer::ok(body(project, ask.name("service"))))
}

/// `services.batchGet`: full names, all of the project in the path.
pub(crate) fn batch(state: &mut State, ask: &Ask<'_>) -> Outcome {
    let project = state.world.project_at(ask.name("project")).ok_or_else(Answer::not_found)?;
    let names: Vec<&str> =
        ask.call.query.iter().filter(|(key, _)| key == "names").map(|(_, name)| name.as_str()).collect();
    if names.is_empty() || names.len() > BATCH {
        return Err(Answer::invalid(&format!("Between 1 and {BATCH} names are taken.")).stranger());
    }
    let mut services = Vec::new();
    for name in names {
        let parts: Vec<&str> = name.split('/').collect();
        let ["projects", of, "services", host] = parts[..] else {
            return Err(Answer::invalid(&format!("{name} is not the name of a service.")).stranger());
        };
        if of != project.id && of != project.number {
            return Err(Answer::invalid("A service of another project was asked for.").stranger());
        }
        services.push(body(project, host));
    }
    Ok(Answer::ok(json!({ "services": services })))
}
