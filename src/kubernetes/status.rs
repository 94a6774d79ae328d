//! How the images of a pod fare, as its statuses say.

use super::slim::{ContainerStatus, Pod, PodSpec};
use pullaudit_core::PodState;
use std::collections::BTreeMap;

/// Reasons with which a kubelet waits for an image.
const PULL_REASONS: [&str; 7] = [
    "ErrImageNeverPull",
    "ErrImagePull",
    "ImageInspectError",
    "ImagePullBackOff",
    "InvalidImageName",
    "RegistryUnavailable",
    "SignatureValidationFailed",
];

/// How each image of the pod fares; images of containers that neither started nor failed are left out.
pub(crate) fn image_states(pod: &Pod) -> BTreeMap<&str, PodState> {
    let mut found = BTreeMap::new();
    let (spec, status) = (&pod.spec, &pod.status);
    let lists = [
        (&spec.containers, &status.container_statuses),
        (&spec.init_containers, &status.init_container_statuses),
        (&spec.ephemeral_containers, &status.ephemeral_container_statuses),
    ];
    for (containers, statuses) in lists {
        for container in containers {
            let Some(status) = statuses.iter().find(|status| status.name == container.name) else { continue };
            note(&mut found, spec, &container.image, status);
        }
    }
    if status.phase == "Running" {
        for image in volume_images(spec) {
            found.entry(image).or_insert(PodState::Running);
        }
    }
    found
}

fn note<'a>(found: &mut BTreeMap<&'a str, PodState>, spec: &'a PodSpec, image: &'a str, status: &ContainerStatus) {
    let (image, state) = match &status.state.waiting {
        Some(waiting) if is_pull_trouble(&waiting.reason) => {
            // The trouble of an image volume stands on the container that mounts it.
            let own = waiting.message.contains(image);
            let volume = volume_images(spec).find(|volume| !own && waiting.message.contains(volume));
            (volume.unwrap_or(image), PodState::Failing)
        }
        _ if status.state.started() || !status.image_id.is_empty() => (image, PodState::Running),
        _ => return,
    };
    let known = found.entry(image).or_default();
    *known = state.max(*known);
}

fn volume_images(spec: &PodSpec) -> impl Iterator<Item = &str> {
    spec.volumes
        .iter()
        .filter_map(|volume| volume.image.as_ref())
        .map(|image| image.reference.as_str())
        .filter(|reference| !reference.is_empty())
}

/// A broken pull secret shows as the parser's own text where else a word stands.
fn is_pull_trouble(reason: &str) -> bool {
    PULL_REASONS.contains(&reason) || reason.contains(' ')
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn states(spec: &Value, status: &Value) -> Vec<(String, PodState)> {
        let pod: Pod = serde_json::from_value(json!({ "spec": spec, "status": status })).unwrap();
        image_states(&pod).into_iter().map(|(image, state)| (image.to_owned(), state)).collect()
    }

    fn waiting(name: &str, reason: &str, message: &str) -> Value {
        json!({ "name": name, "state": { "waiting": { "reason": reason, "message": message } } })
    }

    #[test]
    fn each_reason_of_a_pull_in_trouble_counts_and_no_other() {
        let spec = json!({ "containers": [{ "name": "c", "image": "x" }] });
        for reason in PULL_REASONS {
            let status = json!({ "containerStatuses": [waiting("c", reason, "")] });
            assert_eq!(states(&spec, &status), [("x".into(), PodState::Failing)], "{reason}");
        }
        let broken_secret =
            json!({ "containerStatuses": [waiting("c", "illegal base64 data at input byte 0", "")] });
        assert_eq!(states(&spec, &broken_secret), [("x".into(), PodState::Failing)]);
        for reason in ["ContainerCreating", "PodInitializing", "CreateContainerConfigError", "CrashLoopBackOff"] {
            let status = json!({ "containerStatuses": [waiting("c", reason, "")] });
            assert_eq!(states(&spec, &status), [], "{reason}");
        }
    }

    #[test]
    fn a_container_that_ever_started_had_its_image() {
        let spec = json!({ "containers": [{ "name": "c", "image": "x" }],
                           "initContainers": [{ "name": "i", "image": "y" }] });
        let status = json!({
            "containerStatuses": [{ "name": "c", "imageID": "x@sha256:1",
                                    "state": { "waiting": { "reason": "CrashLoopBackOff" } } }],
            "initContainerStatuses": [{ "name": "i", "state": { "terminated": { "exitCode": 0 } } }],
        });
        assert_eq!(states(&spec, &status), [("x".into(), PodState::Running), ("y".into(), PodState::Running)]);
    }

    #[test]
    fn the_trouble_of_an_image_volume_is_the_volumes() {
        let spec = json!({ "containers": [{ "name": "c", "image": "app" }],
                           "volumes": [{ "name": "v", "image": { "reference": "model:1" } }] });
        let message = "Back-off pulling image \"model:1\": ErrImagePull: 403 Forbidden";
        let status = json!({ "containerStatuses": [waiting("c", "ImagePullBackOff", message)] });
        assert_eq!(states(&spec, &status), [("model:1".into(), PodState::Failing)]);
    }

    #[test]
    fn trouble_in_one_container_outweighs_another_of_the_same_image() {
        let spec = json!({ "containers": [{ "name": "a", "image": "x" }, { "name": "b", "image": "x" }] });
        let status = json!({ "containerStatuses": [
            { "name": "a", "state": { "running": {} } }, waiting("b", "ErrImagePull", "") ] });
        assert_eq!(states(&spec, &status), [("x".into(), PodState::Failing)]);
    }
}
