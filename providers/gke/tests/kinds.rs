//! Our structs against the vendor's own description of each answer: what it lists and we do not read stands here, with
//! the reason.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod recordings;

use pullaudit_gke::facts;
use serde::Serialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// What says only who a thing is and when it changed.
const TELLS_NOTHING: &[&str] = &[
    "annotations",
    "createTime",
    "description",
    "displayName",
    "etag",
    "labels",
    "updateTime",
    "uid",
    "kind",
    "title",
    "location",
    "oauth2ClientId",
    "id",
    "selfLink",
    "tags",
    "parent",
    "name",
];

/// Fields of no account for a pull, by schema, and why.
const PASSED_OVER: &[(&str, &str, &str)] = &[
    ("Project", "configuredCapabilities", "about folders for applications"),
    ("Project", "deleteTime", "state tells that it is being deleted"),
    ("Project", "isManagementProject", "about folders for applications"),
    ("Project", "managementType", "about folders for applications"),
    ("Policy", "auditConfigs", "says what is logged"),
    ("Repository", "disallowUnspecifiedMode", "about creating repositories"),
    ("Repository", "dockerConfig", "immutable tags hinder pushes, not pulls"),
    ("Repository", "kmsKeyName", "whether the key is enabled is another service's to tell: layer content"),
    ("Repository", "mavenConfig", "of another format"),
    ("Repository", "platformLogsConfig", "says what is logged"),
    ("Repository", "registryUri", "follows from the name"),
    ("Repository", "satisfiesPzi", "about where it is kept"),
    ("Repository", "satisfiesPzs", "about where it is kept"),
    ("Repository", "sizeBytes", "a size"),
    ("Repository", "vulnerabilityScanningConfig", "scans refuse no pull"),
    ("RemoteRepositoryConfig", "aptRepository", "of another format"),
    ("RemoteRepositoryConfig", "disableUpstreamValidation", "about creating it"),
    ("RemoteRepositoryConfig", "mavenRepository", "of another format"),
    ("RemoteRepositoryConfig", "npmRepository", "of another format"),
    ("RemoteRepositoryConfig", "pythonRepository", "of another format"),
    ("RemoteRepositoryConfig", "upstreamCredentials", "whether the upstream takes them: layer content"),
    ("RemoteRepositoryConfig", "yumRepository", "of another format"),
    ("ProjectSettings", "pullPercent", "all hosts of gcr.io are served by Artifact Registry since the shutdown"),
    ("Cluster", "addonsConfig", "add-ons"),
    ("Cluster", "conditions", "a sick cluster pulls as its pools do"),
    ("Cluster", "enableK8sBetaApis", "APIs of Kubernetes"),
    ("Cluster", "enableKubernetesAlpha", "APIs of Kubernetes"),
    ("Cluster", "enableTpu", "hardware"),
    ("Cluster", "expireTime", "of alpha clusters; one that is gone is not listed"),
    ("Cluster", "statusMessage", "a sick cluster pulls as its pools do"),
    ("Cluster", "binaryAuthorization", "layer admission, which is not checked"),
    ("NodePool", "autopilotConfig", "its account stands in config all the same"),
    ("NodePool", "autoscaling", "how many nodes"),
    ("NodePool", "bestEffortProvisioning", "how many nodes"),
    ("NodePool", "conditions", "a sick pool pulls as its account may"),
    ("NodePool", "kubeletCertInfo", "certificates of kubelets"),
    ("NodePool", "locations", "zones; accounts are everywhere"),
    ("NodePool", "maintenancePolicy", "upgrades"),
    ("NodePool", "management", "upgrades"),
    ("NodePool", "maxPodsConstraint", "how many pods"),
    ("NodePool", "networkConfig", "layer path, which is not checked"),
    ("NodePool", "nodeDrainConfig", "upgrades"),
    ("NodePool", "placementPolicy", "where machines stand"),
    ("NodePool", "podIpv4CidrSize", "addresses"),
    ("NodePool", "queuedProvisioning", "when nodes come"),
    ("NodePool", "statusMessage", "a sick pool pulls as its account may"),
    ("NodePool", "updateInfo", "upgrades"),
    ("NodePool", "upgradeSettings", "upgrades"),
    ("NodePool", "version", "every supported version has the same credential provider"),
    (
        "NodeConfig",
        "containerdConfig",
        "mirrors and certificates of other hosts: layer path, which is not checked",
    ),
    ("NodeConfig", "secondaryBootDisks", "images that are on the disk already need no pull: layer node"),
    ("NodeConfig", "secondaryBootDiskUpdateStrategy", "layer node"),
    ("NodeConfig", "workloadMetadataConfig", "what pods get from the metadata server; kubelets do not ask it so"),
    ("ClusterAutoscaling", "autopilotGeneralProfile", "how fast it scales"),
    ("ClusterAutoscaling", "autoprovisioningLocations", "zones"),
    ("ClusterAutoscaling", "autoprovisioningRestrictionConfig", "which machines"),
    ("ClusterAutoscaling", "autoscalingProfile", "how fast it scales"),
    (
        "ClusterAutoscaling",
        "defaultComputeClassConfig",
        "which class pods get that name none; each class is a pool",
    ),
    ("ClusterAutoscaling", "resourceLimits", "how many nodes"),
    ("AutoprovisioningNodePoolDefaults", "imageType", "the system of new nodes"),
    ("AutoprovisioningNodePoolDefaults", "insecureKubeletReadonlyPortEnabled", "who may ask kubelets"),
    ("AutoprovisioningNodePoolDefaults", "management", "upgrades"),
    ("AutoprovisioningNodePoolDefaults", "upgradeSettings", "upgrades"),
];

/// Of nodes: hardware, the kernel, disks, machines and prices.
const HARDWARE: &[&str] = &[
    "accelerators",
    "advancedMachineFeatures",
    "bootDisk",
    "bootDiskKmsKey",
    "confidentialNodes",
    "consolidationDelay",
    "diskSizeGb",
    "diskType",
    "effectiveCgroupMode",
    "enableConfidentialStorage",
    "ephemeralStorageLocalSsdConfig",
    "fastSocket",
    "flexStart",
    "gpuDirectConfig",
    "gvnic",
    "kubeletConfig",
    "linuxNodeConfig",
    "localNvmeSsdBlockConfig",
    "localSsdCount",
    "localSsdEncryptionMode",
    "loggingConfig",
    "machineType",
    "maxRunDuration",
    "metadata",
    "minCpuPlatform",
    "nodeGroup",
    "nodeImageConfig",
    "preemptible",
    "reservationAffinity",
    "resourceLabels",
    "resourceManagerTags",
    "sandboxConfig",
    "shieldedInstanceConfig",
    "soleTenantConfig",
    "spot",
    "storagePools",
    "taintConfig",
    "windowsNodeConfig",
];

/// The fields of a struct, as they stand in JSON.
fn ours<T: Default + Serialize>() -> BTreeSet<String> {
    let value = serde_json::to_value(T::default()).unwrap();
    value.as_object().unwrap().keys().cloned().collect()
}

/// Whether a verdict could hang on a field of a large schema: it is an enum, or its name is one of a state.
fn could_matter(name: &str, field: &Value) -> bool {
    let words = ["state", "status", "stage", "delet", "disable", "enable", "condition", "expire", "mode"];
    let lower = name.to_ascii_lowercase();
    field["enum"].is_array() || field["items"]["enum"].is_array() || words.iter().any(|word| lower.contains(word))
}

#[test]
fn every_field_that_is_not_read_has_a_reason() {
    let Some(root) = recordings::root("every_field_that_is_not_read_has_a_reason") else { return };
    let document = |file: &str| recordings::json(&root, &format!("discovery/{file}"));
    let (manager, registry, iam, deny, container) = (
        document("cloudresourcemanager.v3.json"),
        document("artifactregistry.v1.json"),
        document("iam.v1.json"),
        document("iam.v2.json"),
        document("container.v1.json"),
    );
    let rule = "GoogleDevtoolsArtifactregistryV1Rule";
    let docker = "GoogleDevtoolsArtifactregistryV1RemoteRepositoryConfigDockerRepositoryCustomRepository";
    let compared: Vec<(&Value, &str, BTreeSet<String>)> = vec![
        (&manager, "Project", ours::<facts::Project>()),
        (&manager, "Policy", ours::<facts::Policy>()),
        (&registry, "Policy", ours::<facts::Policy>()),
        (&registry, "Binding", ours::<facts::Binding>()),
        (&registry, "Expr", ours::<facts::Expr>()),
        (&registry, "Repository", ours::<facts::Repository>()),
        (&registry, "VirtualRepositoryConfig", ours::<facts::VirtualConfig>()),
        (&registry, "UpstreamPolicy", ours::<facts::UpstreamPolicy>()),
        (&registry, "RemoteRepositoryConfig", ours::<facts::RemoteConfig>()),
        (&registry, "DockerRepository", ours::<facts::DockerUpstream>()),
        (&registry, "CommonRemoteRepository", ours::<facts::Address>()),
        (&registry, docker, ours::<facts::Address>()),
        (&registry, rule, ours::<facts::Rule>()),
        (&registry, "ProjectSettings", ours::<facts::ProjectSettings>()),
        (&iam, "Role", ours::<facts::Role>()),
        (&iam, "ServiceAccount", ours::<facts::ServiceAccount>()),
        (&deny, "GoogleIamV2Policy", ours::<facts::DenyPolicy>()),
        (&deny, "GoogleIamV2PolicyRule", ours::<facts::DenyPolicyRule>()),
        (&deny, "GoogleIamV2DenyRule", ours::<facts::DenyRule>()),
        (&container, "ListClustersResponse", ours::<facts::ClusterList>()),
        (&container, "Cluster", ours::<facts::Cluster>()),
        (&container, "ClusterAutoscaling", ours::<facts::ClusterAutoscaling>()),
        (&container, "AutoprovisioningNodePoolDefaults", ours::<facts::NodeDefaults>()),
        (&container, "WorkloadIdentityConfig", ours::<facts::WorkloadIdentity>()),
        (&container, "NodePool", ours::<facts::NodePool>()),
        (&container, "NodeConfig", ours::<facts::NodeConfig>()),
        (&container, "NodeTaint", ours::<facts::NodeTaint>()),
    ];
    let mut reasons: BTreeMap<(&str, &str), bool> =
        PASSED_OVER.iter().map(|(schema, field, _)| ((*schema, *field), false)).collect();
    for (document, schema, ours) in compared {
        let theirs = document["schemas"][schema]["properties"].as_object().unwrap_or_else(|| panic!("{schema}"));
        let large = ["Cluster", "AutoprovisioningNodePoolDefaults"].contains(&schema);
        for (field, described) in theirs.iter().filter(|(field, _)| !ours.contains(*field)) {
            if let Some(used) = reasons.get_mut(&(schema, field.as_str())) {
                *used = true;
                continue;
            }
            let plain = TELLS_NOTHING.contains(&field.as_str())
                || (schema == "NodeConfig" && HARDWARE.contains(&field.as_str()))
                || (large && !could_matter(field, described));
            assert!(plain, "{schema}.{field} is neither read nor passed over with a reason");
        }
        let unknown: Vec<_> = ours.iter().filter(|field| !theirs.contains_key(*field)).collect();
        assert!(unknown.is_empty(), "{schema} has no fields {unknown:?}");
    }
    let stale: Vec<_> = reasons.into_iter().filter(|(_, used)| !used).collect();
    assert!(stale.is_empty(), "passed over, and read or gone: {stale:?}");
}

/// Every word of an enum that a verdict hangs on is known here: a new one makes this fail.
#[test]
fn every_word_of_a_state_is_known() {
    let Some(root) = recordings::root("every_word_of_a_state_is_known") else { return };
    let words = |file: &str, schema: &str, field: &str| -> Vec<String> {
        let document = recordings::json(&root, &format!("discovery/{file}"));
        let list = document["schemas"][schema]["properties"][field]["enum"].as_array().cloned();
        list.unwrap_or_else(|| panic!("{schema}.{field}"))
            .iter()
            .map(|one| one.as_str().unwrap().to_owned())
            .collect()
    };
    let registry = "artifactregistry.v1.json";
    let rule = "GoogleDevtoolsArtifactregistryV1Rule";
    assert_eq!(words("iam.v1.json", "Role", "stage"), ["ALPHA", "BETA", "GA", "DEPRECATED", "DISABLED", "EAP"]);
    assert_eq!(
        words("cloudresourcemanager.v3.json", "Project", "state"),
        ["STATE_UNSPECIFIED", "ACTIVE", "DELETE_REQUESTED"]
    );
    assert_eq!(words(registry, rule, "action"), ["ACTION_UNSPECIFIED", "ALLOW", "DENY"]);
    assert_eq!(words(registry, rule, "operation"), ["OPERATION_UNSPECIFIED", "DOWNLOAD"]);
    assert_eq!(
        words(registry, "Repository", "mode"),
        [
            "MODE_UNSPECIFIED",
            "STANDARD_REPOSITORY",
            "VIRTUAL_REPOSITORY",
            "REMOTE_REPOSITORY",
            "AOSS_REPOSITORY",
            "ASSURED_OSS_REPOSITORY",
        ]
    );
    assert_eq!(words(registry, "Repository", "format")[..2], ["FORMAT_UNSPECIFIED", "DOCKER"]);
    assert_eq!(words(registry, "ProjectSettings", "legacyRedirectionState").len(), 6);
    assert_eq!(
        words("container.v1.json", "Cluster", "status"),
        ["STATUS_UNSPECIFIED", "PROVISIONING", "RUNNING", "RECONCILING", "STOPPING", "ERROR", "DEGRADED"]
    );
    assert_eq!(words("container.v1.json", "NodePool", "status").len(), 7);
    assert_eq!(
        words("container.v1.json", "NodeTaint", "effect"),
        ["EFFECT_UNSPECIFIED", "NO_SCHEDULE", "PREFER_NO_SCHEDULE", "NO_EXECUTE"]
    );
}
