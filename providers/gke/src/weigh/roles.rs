//! Which predefined roles download, as of a day.
//!
//! Facts, from the permissions of all 2461 predefined roles of that day (iann0036/iam-dataset, `gcp/roles`). A role
//! that is in neither list is not known, and a role that was read counts before both.

/// The day of which the table tells.
pub const PREDEFINED_AS_OF: &str = "2026-08-22";

/// What is done to a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Act {
    /// Download what is in it.
    Download,
    /// Have it read through a virtual repository.
    ReadThroughVirtual,
    /// Put something in.
    Upload,
}

impl Act {
    /// The permission.
    pub(crate) fn permission(self) -> &'static str {
        match self {
            Self::Download => "artifactregistry.repositories.downloadArtifacts",
            Self::ReadThroughVirtual => "artifactregistry.repositories.readViaVirtualRepository",
            Self::Upload => "artifactregistry.repositories.uploadArtifacts",
        }
    }

    /// Resource and verb, as deny policies name them.
    pub(crate) fn verb(self) -> &'static str {
        match self {
            Self::Download => "downloadArtifacts",
            Self::ReadThroughVirtual => "readViaVirtualRepository",
            Self::Upload => "uploadArtifacts",
        }
    }
}

/// Whether the table says that a role does it; `None` for a role that it does not know.
pub(crate) fn predefined(role: &str, act: Act) -> Option<bool> {
    let name = role.strip_prefix("roles/")?;
    if let Some((_, letters)) = HOLDERS.iter().find(|(holder, _)| *holder == name) {
        let letter = match act {
            Act::Download => return Some(true),
            Act::ReadThroughVirtual => 'v',
            Act::Upload => 'u',
        };
        return Some(letters.contains(letter));
    }
    WITHOUT.contains(&name).then_some(false)
}

/// A role that people take for one that pulls.
pub(crate) fn sounds_right(role: &str) -> bool {
    role.strip_prefix("roles/").is_some_and(|name| SOUND_RIGHT.contains(&name))
}

/// The names of all roles that the tables know, without `roles/`.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    HOLDERS.iter().map(|(name, _)| *name).chain(WITHOUT).chain(SOUND_RIGHT.iter().copied())
}

/// Roles that download. `v`: they also read through a virtual repository; `u`: they also upload.
pub(crate) const HOLDERS: [(&str, &str); 59] = [
    ("aiplatform.agentSandboxServiceAgent", ""),
    ("aiplatform.customCodeServiceAgent", ""),
    ("aiplatform.serviceAgent", "u"),
    ("appengine.appAdmin", "u"),
    ("appengine.deployer", "u"),
    ("appengine.serviceAgent", "vu"),
    ("appengineflex.serviceAgent", "u"),
    ("artifactregistry.admin", "vu"),
    ("artifactregistry.containerRegistryMigrationAdmin", "u"),
    ("artifactregistry.createOnPushRepoAdmin", "vu"),
    ("artifactregistry.createOnPushWriter", "vu"),
    ("artifactregistry.editor", "vu"),
    ("artifactregistry.reader", "v"),
    ("artifactregistry.repoAdmin", "vu"),
    ("artifactregistry.serviceAgent", "v"),
    ("artifactregistry.viewer", "v"),
    ("artifactregistry.writer", "vu"),
    ("assuredoss.admin", "v"),
    ("assuredoss.projectAdmin", "v"),
    ("assuredoss.reader", "v"),
    ("assuredoss.user", "v"),
    ("binaryauthorization.serviceAgent", ""),
    ("cloudbuild.builds.builder", "vu"),
    ("cloudbuild.serviceAgent", "vu"),
    ("cloudfunctions.admin", "v"),
    ("cloudfunctions.developer", "v"),
    ("cloudfunctions.editor", "v"),
    ("cloudfunctions.serviceAgent", "vu"),
    ("compliancescanning.serviceAgent", "v"),
    ("composer.serviceAgent", "u"),
    ("composer.worker", "vu"),
    ("configdelivery.serviceAgent", "u"),
    ("containeranalysis.ServiceAgent", "v"),
    ("containerscanning.ServiceAgent", "v"),
    ("editor", "vu"),
    ("firebase.admin", "v"),
    ("firebase.developAdmin", "v"),
    ("firebaseapphosting.computeRunner", "vu"),
    ("firebaseapphosting.serviceAgent", ""),
    ("gkemulticloud.controlPlaneMachineServiceAgent", ""),
    ("gkemulticloud.nodePoolMachineServiceAgent", ""),
    ("iam.dataScientist", "v"),
    ("iam.devOps", "vu"),
    ("iam.securityAuditor", "v"),
    ("iam.supportUser", "v"),
    ("ml.serviceAgent", "v"),
    ("networkactions.serviceAgent", ""),
    ("ondemandscanning.serviceAgent", "v"),
    ("owner", "vu"),
    ("run.builder", "u"),
    ("run.serviceAgent", "vu"),
    ("run.sourceDeveloper", "v"),
    ("saasservicemgmt.serviceAgent", "u"),
    ("securitycenter.admin", "v"),
    ("securitycenter.adminEditor", "v"),
    ("securitycenter.adminViewer", "v"),
    ("serverless.serviceAgent", "v"),
    ("viewer", "v"),
    ("visualinspection.serviceAgent", "vu"),
];

/// Roles that nodes and their accounts often hold and that do none of it.
pub(crate) const WITHOUT: [&str; 55] = [
    "autoscaling.metricsWriter",
    "bigquery.dataEditor",
    "bigquery.dataViewer",
    "bigquery.jobUser",
    "browser",
    "cloudprofiler.agent",
    "cloudsql.client",
    "cloudtrace.agent",
    "compute.networkUser",
    "compute.serviceAgent",
    "compute.viewer",
    "container.admin",
    "container.clusterAdmin",
    "container.clusterViewer",
    "container.defaultNodeServiceAccount",
    "container.developer",
    "container.hostServiceAgentUser",
    "container.nodeServiceAccount",
    "container.nodeServiceAgent",
    "container.serviceAgent",
    "container.viewer",
    "containerregistry.ServiceAgent",
    "datastore.user",
    "dns.admin",
    "gkehub.connect",
    "iam.roleViewer",
    "iam.securityAdmin",
    "iam.securityReviewer",
    "iam.serviceAccountTokenCreator",
    "iam.serviceAccountUser",
    "iam.serviceAccountViewer",
    "iam.workloadIdentityUser",
    "logging.logWriter",
    "monitoring.editor",
    "monitoring.metricWriter",
    "monitoring.viewer",
    "pubsub.publisher",
    "pubsub.subscriber",
    "resourcemanager.folderViewer",
    "resourcemanager.organizationViewer",
    "resourcemanager.projectIamAdmin",
    "secretmanager.secretAccessor",
    "servicemanagement.serviceController",
    "serviceusage.serviceUsageConsumer",
    "serviceusage.serviceUsageViewer",
    "stackdriver.resourceMetadata.writer",
    "storage.admin",
    "storage.bucketViewer",
    "storage.legacyBucketReader",
    "storage.legacyBucketWriter",
    "storage.legacyObjectReader",
    "storage.objectAdmin",
    "storage.objectCreator",
    "storage.objectUser",
    "storage.objectViewer",
];

/// Of those, the ones that sound as if they pulled.
const SOUND_RIGHT: [&str; 9] = [
    "container.defaultNodeServiceAccount",
    "container.nodeServiceAccount",
    "container.nodeServiceAgent",
    "storage.admin",
    "storage.legacyBucketReader",
    "storage.legacyObjectReader",
    "storage.objectAdmin",
    "storage.objectUser",
    "storage.objectViewer",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_knows_what_it_lists_and_nothing_else() {
        assert_eq!(predefined("roles/artifactregistry.reader", Act::Download), Some(true));
        assert_eq!(predefined("roles/artifactregistry.reader", Act::Upload), Some(false));
        assert_eq!(predefined("roles/editor", Act::Upload), Some(true));
        assert_eq!(predefined("roles/artifactregistry.serviceAgent", Act::ReadThroughVirtual), Some(true));
        assert_eq!(predefined("roles/storage.objectViewer", Act::Download), Some(false));
        assert_eq!(predefined("roles/brandnew.puller", Act::Download), None);
        assert_eq!(predefined("projects/acme/roles/puller", Act::Download), None);
        assert!(SOUND_RIGHT.iter().all(|name| WITHOUT.contains(name)));
        assert!(
            sounds_right("roles/container.defaultNodeServiceAccount") && !sounds_right("roles/logging.logWriter")
        );
    }
}
