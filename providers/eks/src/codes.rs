//! Findings about EKS identities and ECR rights.

pullaudit_core::code_table! {
    RoleMissing: "role-missing", Critical, 90,
        "The role that pulls does not exist any more.",
        "The role was deleted, or deleted and created again under another name, while nodes, a node group or aws-auth \
         still name it.",
        "Look for it with aws iam get-role --role-name ROLE. Give the node group a role that exists (a managed group is \
         replaced: aws eks create-nodegroup --node-role ARN …), or create the role anew and attach \
         AmazonEC2ContainerRegistryPullOnly.";
    RepositoryMissing: "repository-missing", High, 88,
        "The repository does not exist in that account and region, and no pull-through rule would create it.",
        "It was deleted or renamed, or the image names another region or account than it was pushed to.",
        "List what is there: aws ecr describe-repositories --registry-id ACCOUNT --region REGION. Correct the image, or \
         create the repository and push: aws ecr create-repository --repository-name NAME --region REGION";
    ImageMissing: "image-missing", High, 87,
        "The repository has no image with that tag or digest.",
        "It was never pushed there, or a lifecycle policy expired it.",
        "aws ecr describe-images --repository-name NAME --region REGION lists what is there; \
         aws ecr get-lifecycle-policy --repository-name NAME shows what expires. Push the image again or name one that \
         exists.";
    ImageArchived: "image-archived", High, 89,
        "The image is in the archive of ECR, from which nothing can be pulled.",
        "A lifecycle policy or a person moved it there; until it is restored, ECR answers a pull with 404.",
        "Restore it: aws ecr update-image-storage-class --repository-name NAME --image-id imageTag=TAG \
         --target-storage-class STANDARD --region REGION. aws ecr get-lifecycle-policy --repository-name NAME shows what \
         archives.";
    OtherPartition: "other-partition", High, 86,
        "The role and the registry belong to different partitions of AWS, between which no identity is known.",
        "A role of aws pulls from a registry of aws-cn, aws-us-gov or another partition.",
        "Copy the image to a registry of the role's own partition, or use a pull secret with a login of the other one: \
         aws ecr get-login-password --region REGION with credentials of that partition.";
    ForeignPrincipal: "foreign-principal", High, 85,
        "The identity is not a role of AWS, so ECR does not know it.",
        "A node of another cloud pulls from ECR, or the identity is not written as the ARN of a role.",
        "Give the pods a pull secret for the registry, or name the role by its ARN: arn:aws:iam::ACCOUNT:role/NAME";
    ExplicitDeny: "explicit-deny", High, 84,
        "A statement denies the pull; no grant overrides it.",
        "A Deny in a policy of the role, in its boundary or in the repository's policy matches the request.",
        "Read the statement that the evidence names and narrow it, for example with a condition on aws:PrincipalArn: \
         aws iam get-role-policy --role-name ROLE --policy-name NAME, or \
         aws ecr get-repository-policy --repository-name NAME --region REGION";
    RegistryPolicyDenies: "registry-policy-denies", High, 83,
        "A statement of the registry's policy denies the pull in the whole registry.",
        "The registry policy has scope V2, where it governs every action, and a Deny in it matches.",
        "aws ecr get-registry-policy --region REGION shows it; narrow the statement and put it back with \
         aws ecr put-registry-policy --policy-text file://policy.json --region REGION";
    PrincipalRecreated: "principal-recreated", Critical, 82,
        "A policy grants the pull to the id of a role that is none of those that were read: by all signs the former one of \
         that name, which is gone.",
        "AWS keeps a role in a resource policy by its unique id (AROA…). Deleting a role and creating one of the same \
         name does not bring the grant back.",
        "Put the policy again with the role's ARN in place of the dead id, keeping every other statement: \
         aws ecr get-repository-policy --repository-name NAME --region REGION --query policyText --output text, then \
         aws ecr set-repository-policy --repository-name NAME --region REGION --policy-text file://policy.json";
    PullThroughDenied: "pull-through-denied", High, 70,
        "The image is not in the pull-through cache yet, and the role may not import it.",
        "A first pull through the cache needs ecr:BatchImportUpstreamImage, and ecr:CreateRepository where the cache \
         repository does not exist. AmazonEC2ContainerRegistryReadOnly has neither.",
        "aws iam attach-role-policy --role-name ROLE --policy-arn \
         arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryPullOnly; for the repository, create it once by hand or \
         allow ecr:CreateRepository to the role.";
    BoundaryDenies: "boundary-denies", High, 68,
        "The role's permissions boundary does not cover the pull, so the role's own policies do not count.",
        "A boundary caps what identity policies grant. It names neither the action nor the repository.",
        "aws iam get-role --role-name ROLE --query Role.PermissionsBoundary names it. Add the three actions of a pull to \
         that policy, or ask its owner to: aws iam create-policy-version --policy-arn ARN --set-as-default \
         --policy-document file://policy.json";
    ScpDenies: "scp-denies", High, 67,
        "A service control policy above the role's account denies the pull, or one level of them does not allow it.",
        "The organization limits services or regions, or the account was moved under a unit that does. No policy in the \
         account can give what it takes.",
        "The evidence names the policy or the level. Ask its owner to allow the action: aws organizations \
         list-policies-for-target --target-id ACCOUNT_OR_UNIT --filter SERVICE_CONTROL_POLICY, then aws organizations \
         describe-policy --policy-id ID. pullaudit changes no policy of an organization.";
    RcpDenies: "rcp-denies", High, 66,
        "A resource control policy above the registry's account denies the pull.",
        "A data perimeter lets only principals of the organization, or of named accounts, at its resources.",
        "The evidence names the policy: aws organizations describe-policy --policy-id ID. Ask its owner for an exception \
         for the role: aws:PrincipalArn or aws:PrincipalAccount in its condition. pullaudit changes no policy of an \
         organization.";
    ConditionUnmet: "condition-unmet", High, 64,
        "A statement would allow the pull, but its condition does not hold for this role.",
        "Usually aws:PrincipalArn, aws:PrincipalAccount or a tag names another role, account or value.",
        "Read the statement that the evidence names, and correct its condition or the role's tags: \
         aws iam list-role-tags --role-name ROLE";
    SessionOnlyGrant: "session-only-grant", Medium, 62,
        "The repository's policy names one session, which for a node is one instance, not the role.",
        "The principal is arn:aws:sts::ACCOUNT:assumed-role/ROLE/INSTANCE; the next node has another instance id.",
        "Name the role instead: {\"AWS\": \"arn:aws:iam::ACCOUNT:role/ROLE\"}, with \
         aws ecr set-repository-policy --repository-name NAME --region REGION --policy-text file://policy.json";
    TokenNotGranted: "token-not-granted", High, 60,
        "No policy of the role allows ecr:GetAuthorizationToken, without which it can't log in to any registry.",
        "The right is granted on Resource * only, and by the role's own policies only: a repository policy never \
         grants it.",
        "aws iam attach-role-policy --role-name ROLE --policy-arn \
         arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryPullOnly";
    ServiceAccountNotTrusted: "service-account-not-trusted", High, 58,
        "The role does not let the service account's token take it on, so the pods get no credentials of ECR: there is no \
         way back to the node's role.",
        "The cluster was made anew and has another issuer, the identity provider was never registered in the role's \
         account, or the trust policy names another namespace or service account. Or the \
         annotation leaves out the role's path.",
        "aws iam list-open-id-connect-providers, and aws iam create-open-id-connect-provider --url ISSUER \
         --client-id-list sts.amazonaws.com where the cluster's is missing; then aws iam update-assume-role-policy \
         --role-name ROLE --policy-document file://trust.json with Federated on that provider and ISSUER:sub on \
         system:serviceaccount:NAMESPACE:NAME.";
    IdentityPolicySilent: "identity-policy-silent", High, 56,
        "No policy of the role allows the pull from this repository.",
        "No policy with pull rights is attached, or its resources name other repositories. A policy for one's own \
         account leaves out the add-on registries of EKS.",
        "aws iam attach-role-policy --role-name ROLE --policy-arn \
         arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryPullOnly, or aws iam put-role-policy with \
         ecr:BatchGetImage and ecr:GetDownloadUrlForLayer on the repository's ARN";
    RepositoryPolicySilent: "repository-policy-silent", High, 54,
        "The repository belongs to another account, and its policy grants nothing to this role.",
        "A pull across accounts needs both sides: the role's own policy and the repository's. The owner's half is \
         missing.",
        "The owner of the repository allows ecr:BatchGetImage and ecr:GetDownloadUrlForLayer to the role's ARN: \
         aws ecr set-repository-policy --registry-id OWNER --repository-name NAME --region REGION --policy-text \
         file://policy.json";
    PolicyMalformed: "policy-malformed", Medium, 48,
        "A policy, or a statement of it, can't be read, so it may allow or deny.",
        "The document is cut off or is no JSON, an element is missing or unknown, or AWS added something that \
         pullaudit does not know yet.",
        "Open the document that the finding names; aws accessanalyzer validate-policy --policy-document \
         file://policy.json --policy-type IDENTITY_POLICY (or RESOURCE_POLICY) says what AWS thinks of it.";
    ConditionUndecidable: "condition-undecidable", Low, 46,
        "Whether a statement applies depends on something that is known only when a node pulls, or that could not be \
         read.",
        "The statement has a condition on the network; or on the account's organization or the repository's tags, which \
         could not be read; or an operator, variable or form that pullaudit does not know.",
        "Try it from a node: aws ecr batch-get-image --registry-id ACCOUNT --repository-name NAME --region REGION \
         --image-ids imageTag=TAG. A condition on aws:PrincipalArn can be decided offline.";
    ServiceAccountTrust: "service-account-trust", Low, 45,
        "Whether the service account's token may take on the role is not known.",
        "The service account is annotated with eks.amazonaws.com/ecr-role-arn; the role's trust policy, the identity \
         provider in its account or the cluster's issuer could not be read, or nobody said for whom the kubelets ask for \
         tokens.",
        "clusters.NAME.serviceAccountIdentity: true in pullaudit.yaml, where the kubelets' credential provider has \
         tokenAttributes.serviceAccountTokenAudience: sts.amazonaws.com; iam:GetRole and \
         iam:GetOpenIDConnectProvider in the role's account.";
    RoleUnread: "role-unread", Medium, 44,
        "The role could not be read: whether it exists, its unique id and its boundary are not known.",
        "pullaudit lacks iam:GetRole in the role's account, or the reading failed.",
        "Grant iam:GetRole to the identity that pullaudit runs as, or add the account under scopes.accounts.";
    PolicyUnread: "policy-unread", Medium, 43,
        "A policy of the role could not be read.",
        "pullaudit lacks one of iam:ListAttachedRolePolicies, iam:ListRolePolicies, iam:GetRolePolicy, iam:GetPolicy, \
         iam:GetPolicyVersion, or the reading failed.",
        "Grant the right that the finding names; SecurityAudit and IAMReadOnlyAccess hold all of them.";
    BoundaryUnread: "boundary-unread", Medium, 42,
        "The role has a permissions boundary, and its document could not be read.",
        "pullaudit lacks iam:GetPolicy or iam:GetPolicyVersion on it.",
        "Grant both on the boundary's ARN.";
    RepositoryPolicyUnread: "repository-policy-unread", Medium, 41,
        "The repository's policy could not be read; it may grant the pull or deny it.",
        "pullaudit lacks ecr:GetRepositoryPolicy in the registry's account, or the reading failed.",
        "Grant ecr:GetRepositoryPolicy, or name a role for that account under scopes.accounts.";
    RegistryPolicyUnread: "registry-policy-unread", Medium, 40,
        "The registry's policy, or its scope, could not be read; with scope V2 it may grant the pull or deny it.",
        "pullaudit lacks ecr:GetRegistryPolicy or ecr:GetAccountSetting in the registry's account.",
        "Grant both to the identity that pullaudit runs as.";
    RepositoryUnread: "repository-unread", Low, 39,
        "Whether the repository exists could not be read.",
        "pullaudit lacks ecr:DescribeRepositories in the registry's account, or the reading failed.",
        "Grant ecr:DescribeRepositories.";
    ImageUnread: "image-unread", Low, 38,
        "Whether the image exists could not be read.",
        "pullaudit lacks ecr:DescribeImages in the registry's account, or the reading failed.",
        "Grant ecr:DescribeImages.";
    PullThroughUnread: "pull-through-unread", Low, 37,
        "The image or repository is not there, and whether a pull-through rule would bring it could not be read.",
        "pullaudit lacks ecr:DescribePullThroughCacheRules or ecr:DescribeRepositoryCreationTemplates in the registry's \
         account, or the reading failed.",
        "Grant both to the identity that pullaudit runs as.";
    PullThroughFirstPull: "pull-through-first-pull", Info, 36,
        "The image is not in the pull-through cache yet, and the role may import it.",
        "The repository lies under a pull-through rule, which imports at the first pull. Whether the upstream has the image \
         is content, which rights do not tell.",
        "Nothing, where the upstream has the image. Pull it once with an identity that may import to be sure: docker pull \
         IMAGE; then the cache holds it.";
    RoleWithoutPolicies: "role-without-policies", High, 34,
        "The role that pulls has no policy at all, attached or inline.",
        "A tool replaced the attachments and its second half failed, or somebody took them away. Without \
         AmazonEKSWorkerNodePolicy a node can't join, without AmazonEKS_CNI_Policy (where the CNI has no role of its own) \
         no pod gets an address.",
        "Attach what the role had: aws iam attach-role-policy --role-name ROLE --policy-arn \
         arn:aws:iam::aws:policy/AmazonEKSWorkerNodePolicy, the same with AmazonEC2ContainerRegistryPullOnly and, where \
         needed, AmazonEKS_CNI_Policy; aws cloudtrail lookup-events --lookup-attributes \
         AttributeKey=EventName,AttributeValue=DetachRolePolicy tells who took them.";
    FormerProfile: "former-profile", Low, 14,
        "A node still runs on an instance profile that its node class no longer has, and pulls as that profile's role.",
        "The role or the profile of an EC2NodeClass was changed; Karpenter replaces the nodes later, or a budget or \
         karpenter.sh/do-not-disrupt keeps it from doing so.",
        "Keep the former role's rights until the node is gone: kubectl get nodeclaims -o wide. Replace it by hand with \
         kubectl delete nodeclaim NAME.";
    WiderThanPull: "wider-than-pull", Low, 12,
        "The role's right to pull comes only from a policy that can also push.",
        "AmazonEC2ContainerRegistryPowerUser, FullAccess or ecr:* was given where PullOnly is enough: whoever takes a \
         node over can replace images.",
        "aws iam attach-role-policy --role-name ROLE --policy-arn \
         arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryPullOnly first, then aws iam detach-role-policy with the wider \
         policy's ARN.";
    ScpUnread: "scp-unread", Info, 8,
        "The service control policies above the role's account were not read.",
        "Only the organization's management account, or a delegated one, may list them.",
        "aws organizations list-policies-for-target --target-id ACCOUNT --filter SERVICE_CONTROL_POLICY";
    RcpUnread: "rcp-unread", Info, 7,
        "The resource control policies above the registry's account were not read.",
        "Only the organization's management account, or a delegated one, may list them.",
        "aws organizations list-policies-for-target --target-id ACCOUNT --filter RESOURCE_CONTROL_POLICY";
}
