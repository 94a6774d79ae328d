//! Findings about node service accounts and rights on Artifact Registry.

pullaudit_core::code_table! {
    AccountDeleted: "account-deleted", Critical, 91,
        "The service account that pulls does not exist.",
        "It was deleted, or never existed under that e-mail, while node pools still name it.",
        "Within 30 days: gcloud iam service-accounts undelete UNIQUE_ID. Later, or where another account has its e-mail: \
         create the account, grant it roles/artifactregistry.reader, and make a new node pool with it.";
    AccountDisabled: "account-disabled", Critical, 90,
        "The service account that pulls is disabled: every token of it is refused.",
        "Somebody disabled it, or a policy on unused accounts or leaked keys did.",
        "gcloud iam service-accounts enable E-MAIL --project PROJECT";
    ApiDisabled: "registry-api-disabled", Critical, 89,
        "The API of Artifact Registry is off in the registry's project: nobody pulls from there, nor from its gcr.io \
         hosts.",
        "It was never enabled after gcr.io moved to Artifact Registry, or was disabled since.",
        "gcloud services enable artifactregistry.googleapis.com --project PROJECT";
    RepositoryAbsent: "artifact-repository-missing", High, 88,
        "The repository does not exist in that project and location.",
        "It was deleted or has another name, or the image names another location; a gcr.io host needs a repository of \
         its name, in the location that the transition gave it.",
        "gcloud artifacts repositories list --project PROJECT shows what is there. Correct the image, or create the \
         repository and push: gcloud artifacts repositories create NAME --location LOCATION --repository-format docker";
    PathIncomplete: "image-path-incomplete", High, 87,
        "The image's path is too short: Artifact Registry wants project, repository and image.",
        "The image's own name or the repository's was left out.",
        "Write LOCATION-docker.pkg.dev/PROJECT/REPOSITORY/IMAGE, or gcr.io/PROJECT/IMAGE.";
    NotAGoogleIdentity: "not-a-google-identity", High, 86,
        "The identity is no service account of Google, so no policy of Google can be about it.",
        "A node of another cloud pulls from Artifact Registry, or the identity is not written as an e-mail.",
        "Give the pods a pull secret for the registry, or mirror the image to a registry of the nodes' own cloud.";
    DenyPolicy: "deny-policy", High, 84,
        "A deny policy above the repository denies the download; no grant overrides it.",
        "A rule of an IAM deny policy of the project, a folder or the organisation names the identity or everybody.",
        "gcloud iam policies get POLICY --attachment-point ATTACHMENT --kind denypolicies shows it; its owner can add \
         the identity to exceptionPrincipals.";
    DownloadRule: "download-rule", High, 83,
        "A rule of the repository denies the download of this image, whoever asks.",
        "A download rule with action DENY covers the repository or the package.",
        "gcloud artifacts rules list --repository NAME --location LOCATION shows the rules; update or delete the rule.";
    AccountRecreated: "account-recreated", Critical, 82,
        "The grant is for a deleted account of the same e-mail: the account was created again, and is another one.",
        "IAM binds to the unique id of an account. Deleting and creating it again (terraform destroy and apply) leaves \
         the old grant without use.",
        "Grant the account again: gcloud artifacts repositories add-iam-policy-binding NAME --location LOCATION --member \
         serviceAccount:E-MAIL --role roles/artifactregistry.reader; then take the deleted: member away.";
    AccountReplaced: "account-replaced", Critical, 81,
        "The identity may not download, and a deleted account still holds the right: the grant did not follow a new \
         identity.",
        "Node pools got another service account, and the repository's policy names the former one.",
        "gcloud artifacts repositories add-iam-policy-binding NAME --location LOCATION --member serviceAccount:E-MAIL \
         --role roles/artifactregistry.reader";
    ScopeMissing: "scope-missing", High, 74,
        "The nodes' OAuth scopes do not reach Artifact Registry, whatever their account may do.",
        "The pool was made through the API or Terraform without scopes, or for logging and monitoring only.",
        "Scopes of a pool can't be changed. gcloud container node-pools create NEW --cluster CLUSTER --location LOCATION \
         --service-account E-MAIL --scopes cloud-platform, then drain and delete the old pool.";
    UpstreamNotGranted: "upstream-not-granted", High, 70,
        "The repository fetches from another one, which its service agent may not read.",
        "An upstream of a virtual or remote repository lies in another project and grants nothing to \
         service-NUMBER@gcp-sa-artifactregistry.iam.gserviceaccount.com.",
        "gcloud artifacts repositories add-iam-policy-binding UPSTREAM --project PROJECT --location LOCATION --member \
         serviceAccount:service-NUMBER@gcp-sa-artifactregistry.iam.gserviceaccount.com --role \
         roles/artifactregistry.serviceAgent";
    NoUpstream: "virtual-without-upstream", High, 69,
        "The virtual repository has no upstream, so it serves nothing.",
        "Its upstream policies are empty, or lead back to itself only.",
        "gcloud artifacts repositories update NAME --location LOCATION --upstream-policy-file FILE";
    BindingConditionUnmet: "binding-condition-unmet", High, 66,
        "A binding would allow the download, but its condition does not hold.",
        "It has expired, or is not yet valid.",
        "gcloud projects get-iam-policy PROJECT shows the condition. Bind again with a later date, or without condition.";
    DownloadNotGranted: "download-not-granted", High, 60,
        "No policy of the repository or above it lets the identity download.",
        "The account was never granted roles/artifactregistry.reader, or holds roles that no longer pull: \
         storage.objectViewer stopped to when gcr.io moved, container.defaultNodeServiceAccount never did.",
        "gcloud artifacts repositories add-iam-policy-binding NAME --location LOCATION --member serviceAccount:E-MAIL \
         --role roles/artifactregistry.reader";
    WeakToken: "weak-token-undecidable", Low, 50,
        "Everybody may download, but the nodes do not ask as nobody: they send a token that may be refused.",
        "The nodes' scopes do not reach Artifact Registry, or their account is not in order. What it answers to such a \
         token is not documented.",
        "Give the nodes scope cloud-platform and an account that is in order.";
    ScopeUndecidable: "scope-undecidable", Low, 49,
        "Whether the nodes' OAuth scope is enough for a download is not documented.",
        "The only scope that could be is cloud-platform.read-only.",
        "Use cloud-platform, or devstorage.read_only.";
    MemberUndecidable: "member-undecidable", Low, 48,
        "A grant names a group, a domain or a set of identities, and whether the identity is in it is not evaluated.",
        "pullaudit does not evaluate group memberships, domains or sets by attributes.",
        "Grant the account itself.";
    BindingConditionUndecidable: "binding-condition-undecidable", Low, 47,
        "A binding has a condition that can't be decided offline.",
        "It asks for tags or for the resource's name, which Artifact Registry is not documented to tell, or was read in \
         a version that leaves the condition out.",
        "Grant on the repository itself, without condition.";
    DenyUndecidable: "deny-policy-undecidable", Low, 46,
        "A deny policy may be about the identity or the repository, which its text alone does not tell.",
        "It names a group or another set of identities, or has a condition on tags.",
        "gcloud iam policies get POLICY --attachment-point ATTACHMENT --kind denypolicies shows it.";
    RuleUndecidable: "download-rule-undecidable", Low, 45,
        "A download rule of the repository may deny this image.",
        "The rule has a condition on the image's version, or rules of the package and of the repository disagree.",
        "gcloud artifacts rules list --repository NAME --location LOCATION shows the rules.";
    UpstreamUndecidable: "upstream-undecidable", Low, 44,
        "Whether the image comes depends on which upstream holds it, or on whether it was fetched before.",
        "A virtual repository has several upstreams, or a remote one an upstream that its agent may not read.",
        "gcloud artifacts repositories describe NAME --location LOCATION shows the upstreams.";
    LegacyHost: "gcr-host-undecidable", Low, 43,
        "Whether the gcr.io host is served for this project is not certain.",
        "Its redirection to Artifact Registry is off or not known, or there is no repository behind it.",
        "gcloud artifacts settings describe --project PROJECT; gcloud artifacts repositories list --project PROJECT";
    RoleUnread: "role-unread-gcp", Medium, 42,
        "A role that the identity holds could not be read, so what it grants is not known.",
        "It is a custom role, or newer than the table of predefined roles in this pullaudit, and iam.roles.get is missing.",
        "Grant iam.roles.get to the identity that pullaudit runs as (roles/iam.roleViewer).";
    PolicyUnread: "iam-policy-unread", Medium, 41,
        "A policy that may grant the download could not be read.",
        "pullaudit lacks getIamPolicy on the repository, the project, a folder or the organisation.",
        "Grant roles/iam.securityReviewer at the organisation, or at the project, to the identity that pullaudit runs as.";
    RepositoryUnread: "artifact-repository-unread", Medium, 40,
        "The repository or its settings could not be read.",
        "pullaudit lacks artifactregistry.repositories.get there, or the reading failed.",
        "Grant roles/artifactregistry.reader on the project to the identity that pullaudit runs as.";
    AccountUnread: "service-account-unread", Medium, 39,
        "The service account could not be read: whether it is disabled, deleted or made again is not known.",
        "pullaudit lacks iam.serviceAccounts.get in the account's project, or the reading failed.",
        "Grant roles/iam.serviceAccountViewer on that project to the identity that pullaudit runs as.";
    DenyUnread: "deny-policy-unread", Medium, 38,
        "Deny policies above the repository could not be read.",
        "pullaudit lacks iam.denypolicies.list or iam.denypolicies.get there, or the reading failed.",
        "Grant roles/iam.denyReviewer at the organisation to the identity that pullaudit runs as.";
    BoundaryUnread: "access-boundary-unread", Low, 37,
        "Whether a principal access boundary keeps the identity from the repository is not known.",
        "The bindings of the project, folders or organization of the identity could not be read, or a bound policy does \
         not list the repository's project.",
        "Grant resourcemanager.projects.searchPolicyBindings, resourcemanager.folders.searchPolicyBindings and \
         resourcemanager.organizations.searchPolicyBindings to the identity that pullaudit runs as; gcloud iam \
         policy-bindings search-target-policy-bindings shows them.";
    GrantExpires: "grant-expires", Medium, 14,
        "A grant of the download ends within 30 days.",
        "Its condition compares the time of the request.",
        "Bind again with a later date, or without condition.";
    RoleDoesNotPull: "role-does-not-pull", Low, 13,
        "The account holds a role that sounds as if it pulled and does not, and none that does.",
        "roles/container.defaultNodeServiceAccount is for logging and monitoring; storage roles stopped to pull when \
         gcr.io moved to Artifact Registry.",
        "Grant roles/artifactregistry.reader on the repository.";
    PullsByWiderRole: "pulls-by-wider-role", Low, 12,
        "The account may download only by a role that can also upload or change the repository.",
        "Often roles/editor of the default account of Compute Engine: whoever takes a node over can replace images.",
        "Grant roles/artifactregistry.reader on the repository first, then take the wider role away.";
    GrantedToAgent: "granted-to-service-agent", Low, 8,
        "A right to download is given to an account of Google's that pulls nothing for the nodes.",
        "GKE's own service agent was taken for the nodes' account.",
        "Grant the node pool's service account instead.";
    DeadMember: "dead-member", Info, 7,
        "A policy names a deleted service account.",
        "The account was deleted, and its binding stays until IAM takes it away, within 60 days.",
        "pullaudit fix --consent prune, or gcloud artifacts repositories remove-iam-policy-binding";
    ImageStreaming: "image-streaming-right", Info, 6,
        "The pool streams images, for which its account needs serviceusage.services.use beside the download.",
        "roles/container.defaultNodeServiceAccount does not hold it; without it pods do not start.",
        "gcloud projects add-iam-policy-binding PROJECT --member serviceAccount:E-MAIL --role \
         roles/serviceusage.serviceUsageConsumer";
}
