//! The fields of AWS's models against what is read of them: a field that a new release of the SDK brings fails here until
//! somebody has decided whether a verdict could hang on it.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// A shape of a service: its file in the SDK, what is read of it, and what is not, with the reason.
struct Shape {
    service: &'static str,
    file: &'static str,
    read: &'static str,
    unread: &'static [(&'static str, &'static str)],
}

const NAMES: &str = "names and times";
const TOOLS: &str = "of the tools that made it; no condition of a pull asks for tags of it";
const UPSTREAM: &str = "what the upstream answers is content";

const SHAPES: &[Shape] = &[
    Shape {
        service: "eks",
        file: "types/_cluster.rs",
        read: "endpoint certificate_authority access_config identity status compute_config",
        unread: &[
            ("name arn created_at id client_request_token", NAMES),
            ("tags", TOOLS),
            ("health", "of the control plane's own role and network; nodes pull without it"),
            ("connector_config", "registered clusters are not listed without `include`; their nodes are others'"),
            ("remote_network_config", "networks of hybrid nodes; path"),
            ("resources_vpc_config kubernetes_network_config outpost_config zonal_shift_config", "networks; path"),
            (
                "version platform_version upgrade_policy deletion_protection logging role_arn",
                "of the control plane",
            ),
            ("encryption_config storage_config control_plane_scaling_config", "of the control plane"),
            (
                "kube_api_server_config kube_scheduler_config kube_controller_manager_config",
                "of the control plane",
            ),
        ],
    },
    Shape {
        service: "eks",
        file: "types/_access_config_response.rs",
        read: "authentication_mode",
        unread: &[("bootstrap_cluster_creator_admin_permissions", "of people")],
    },
    Shape {
        service: "eks",
        file: "types/_compute_config_response.rs",
        read: "enabled node_pools node_role_arn",
        unread: &[],
    },
    Shape {
        service: "eks",
        file: "types/_nodegroup.rs",
        read: "node_role ami_type release_version labels taints health",
        unread: &[
            ("nodegroup_name nodegroup_arn cluster_name created_at modified_at", NAMES),
            ("tags", TOOLS),
            (
                "status",
                "a group that is failing or going away still pulls as its role; without nodes nobody pulls",
            ),
            (
                "scaling_config capacity_type instance_types disk_size warm_pool_config",
                "which machines, not who pulls",
            ),
            (
                "launch_template",
                "of a managed group it may not name another profile; of its image, `ami_type` tells",
            ),
            ("version", "`release_version` tells which hosts the kubelet knows"),
            ("subnets remote_access resources", "networks; path"),
            ("update_config node_repair_config", "how nodes are replaced"),
        ],
    },
    Shape { service: "eks", file: "types/_taint.rs", read: "key value effect", unread: &[] },
    Shape {
        service: "eks",
        file: "types/_fargate_profile.rs",
        read: "pod_execution_role_arn selectors status",
        unread: &[
            ("fargate_profile_name fargate_profile_arn cluster_name created_at", NAMES),
            ("tags", TOOLS),
            ("subnets", "networks; path"),
            ("health", "why a pod on it does not start; whether its role may pull is read of the role"),
        ],
    },
    Shape { service: "eks", file: "types/_fargate_profile_selector.rs", read: "namespace labels", unread: &[] },
    Shape {
        service: "eks",
        file: "types/_access_entry.rs",
        read: "type",
        unread: &[
            ("cluster_name principal_arn access_entry_arn created_at modified_at", NAMES),
            ("tags", TOOLS),
            ("kubernetes_groups username", "rights in the cluster's API; the type tells what may join"),
        ],
    },
    Shape {
        service: "ecr",
        file: "types/_repository.rs",
        read: "repository_name repository_arn",
        unread: &[
            ("registry_id repository_uri created_at", NAMES),
            (
                "image_tag_mutability image_tag_mutability_exclusion_filters image_scanning_configuration",
                "of pushes",
            ),
            ("encryption_configuration", "ECR decrypts by a grant of its own; a key that is gone is content"),
        ],
    },
    Shape {
        service: "ecr",
        file: "types/_image_detail.rs",
        read: "image_digest image_tags image_pushed_at image_manifest_media_type artifact_media_type image_status",
        unread: &[
            ("registry_id repository_name image_size_in_bytes", NAMES),
            ("last_recorded_pull_time last_archived_at last_activated_at", NAMES),
            ("image_scan_status image_scan_findings_summary", "ECR refuses no pull by a scan"),
            ("subject_manifest_digest", "of referrers, which are no images"),
        ],
    },
    Shape {
        service: "ecr",
        file: "types/_pull_through_cache_rule.rs",
        read: "ecr_repository_prefix upstream_registry_url custom_role_arn",
        unread: &[
            ("created_at updated_at registry_id", NAMES),
            ("credential_arn upstream_registry upstream_repository_prefix", UPSTREAM),
        ],
    },
    Shape {
        service: "ecr",
        file: "types/_repository_creation_template.rs",
        read: "prefix repository_policy applied_for",
        unread: &[
            ("description created_at updated_at lifecycle_policy", NAMES),
            ("image_tag_mutability image_tag_mutability_exclusion_filters", "of pushes"),
            (
                "encryption_configuration custom_role_arn",
                "as whom ECR encrypts and tags; who pulls is asked of nothing",
            ),
            ("resource_tags", "tags of a repository that is not there are open, where a policy asks for them"),
        ],
    },
    Shape { service: "ecr", file: "types/_tag.rs", read: "key value", unread: &[] },
    Shape {
        service: "iam",
        file: "types/_role.rs",
        read: "role_id arn assume_role_policy_document permissions_boundary tags",
        unread: &[
            ("path role_name create_date description role_last_used", NAMES),
            ("max_session_duration", "12 hours at most is all that a verdict takes from it"),
            ("source_role_template", "from what it was made; what it may stands in its own lists"),
        ],
    },
    Shape {
        service: "iam",
        file: "types/_attached_permissions_boundary.rs",
        read: "permissions_boundary_arn",
        unread: &[("permissions_boundary_type", "has one value")],
    },
    Shape {
        service: "iam",
        file: "types/_attached_policy.rs",
        read: "policy_arn",
        unread: &[("policy_name", NAMES)],
    },
    Shape {
        service: "iam",
        file: "types/_policy.rs",
        read: "default_version_id",
        unread: &[
            ("policy_name policy_id arn path create_date update_date description tags", NAMES),
            (
                "attachment_count permissions_boundary_usage_count is_attachable",
                "what is attached counts as it is",
            ),
        ],
    },
    Shape {
        service: "iam",
        file: "types/_policy_version.rs",
        read: "document version_id is_default_version",
        unread: &[("create_date", NAMES)],
    },
    Shape {
        service: "iam",
        file: "types/_instance_profile.rs",
        read: "roles",
        unread: &[("path instance_profile_name instance_profile_id arn create_date", NAMES), ("tags", TOOLS)],
    },
    Shape {
        service: "iam",
        file: "operation/get_open_id_connect_provider/_get_open_id_connect_provider_output.rs",
        read: "client_id_list",
        unread: &[
            ("url create_date tags", NAMES),
            ("thumbprint_list", "AWS trusts the authority of EKS's issuers, and the list is not looked at"),
            ("_request_id", NAMES),
        ],
    },
    Shape {
        service: "organizations",
        file: "types/_organization.rs",
        read: "id feature_set master_account_id",
        unread: &[
            ("arn master_account_arn master_account_email", NAMES),
            (
                "available_policy_types",
                "AWS says itself not to use it; what is attached tells whether a type is on",
            ),
        ],
    },
    Shape {
        service: "organizations",
        file: "types/_parent.rs",
        read: "id",
        unread: &[("type", "the id begins with it")],
    },
    Shape {
        service: "organizations",
        file: "types/_policy_summary.rs",
        read: "id",
        unread: &[("arn name description type aws_managed", NAMES)],
    },
    Shape {
        service: "sts",
        file: "operation/get_caller_identity/_get_caller_identity_output.rs",
        read: "account arn",
        unread: &[("user_id _request_id", NAMES)],
    },
];

/// Where the source of a service's client lies that this build is made from.
fn source(service: &str) -> Option<PathBuf> {
    let lock = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../Cargo.lock")).ok()?;
    let name = format!("name = \"aws-sdk-{service}\"\nversion = \"");
    let version = lock.split(&name).nth(1)?.split('"').next()?;
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(Path::new(&std::env::var_os("HOME")?).join(".cargo")))?;
    let registries = std::fs::read_dir(home.join("registry/src")).ok()?.flatten();
    let mut found = registries.map(|one| one.path().join(format!("aws-sdk-{service}-{version}/src")));
    found.find(|path| path.is_dir())
}

/// The fields of the first struct of a file.
fn fields(text: &str) -> BTreeSet<String> {
    let body = text.split("pub struct ").nth(1).unwrap().split("\n}").next().unwrap();
    let lines = body.lines().filter(|line| !line.trim_start().starts_with("//"));
    let names = lines.filter_map(|line| line.trim().split_once(": ")).map(|(name, _)| name);
    names.map(|name| name.trim_start_matches("pub ").trim_start_matches("r#").to_owned()).collect()
}

#[test]
fn every_field_of_a_model_is_decided() {
    let mut undecided = Vec::new();
    for Shape { service, file, read, unread } in SHAPES {
        let Some(source) = source(service) else {
            println!("SKIPPED models: the source of aws-sdk-{service} is not in cargo's registry");
            return;
        };
        let text = std::fs::read_to_string(source.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
        let found = fields(&text);
        let lists = std::iter::once(*read).chain(unread.iter().map(|(names, _)| *names));
        let known: Vec<&str> = lists.flat_map(str::split_whitespace).collect();
        let distinct: BTreeSet<String> = known.iter().map(|name| (*name).to_owned()).collect();
        assert_eq!(distinct.len(), known.len(), "{file}: a field is there twice");
        undecided
            .extend(found.difference(&distinct).map(|name| format!("{service} {file}: {name} is not decided")));
        undecided.extend(distinct.difference(&found).map(|name| format!("{service} {file}: {name} is no field")));
    }
    assert!(undecided.is_empty(), "{undecided:#?}");
}
