//! The language of AWS, which is nobody's name.

use crate::weigh::addons;

/// Words of IAM, of ECR and of their ids.
const WORDS: [&str; 120] = [
    "account",
    "action",
    "adc",
    "administratoraccess",
    "allow",
    "amazonaws",
    "amazonwebservices",
    "application",
    "arn",
    "assumed",
    "assumerole",
    "assumerolewithwebidentity",
    "aud",
    "aws",
    "batchchecklayeravailability",
    "batchdeleteimage",
    "batchgetimage",
    "batchimportupstreamimage",
    "canonicaluser",
    "central",
    "cluster",
    "completelayerupload",
    "condition",
    "createrepository",
    "csp",
    "deleterepository",
    "deleterepositorypolicy",
    "deny",
    "describeimages",
    "describeimagescanfindings",
    "describerepositories",
    "distribution",
    "dkr",
    "east",
    "ec2",
    "ecr",
    "effect",
    "eks",
    "elasticloadbalancing",
    "eusc",
    "fargate",
    "federated",
    "fips",
    "fullawsaccess",
    "getauthorizationtoken",
    "getdownloadurlforlayer",
    "getlifecyclepolicy",
    "getlifecyclepolicypreview",
    "getregistrypolicy",
    "getrepositorypolicy",
    "getservicebearertoken",
    "gettoken",
    "gov",
    "hci",
    "hybrid",
    "hyperpod",
    "iam",
    "initiatelayerupload",
    "instance",
    "iso",
    "isob",
    "isoe",
    "isof",
    "lambda",
    "linux",
    "listimages",
    "listtagsforresource",
    "managed",
    "manifest",
    "north",
    "northeast",
    "northwest",
    "notaction",
    "notprincipal",
    "notresource",
    "oidc",
    "organization",
    "organizations",
    "pods",
    "policy",
    "poweruseraccess",
    "principal",
    "profile",
    "provider",
    "public",
    "pullauditpull",
    "putimage",
    "rcpfullawsaccess",
    "readonlyaccess",
    "registrypolicyscope",
    "replicateimage",
    "repository",
    "resource",
    "role",
    "rolesessionname",
    "root",
    "rootfs",
    "saml",
    "service",
    "serviceaccount",
    "session",
    "setrepositorypolicy",
    "sgov",
    "sid",
    "south",
    "southeast",
    "southwest",
    "standard",
    "statement",
    "sts",
    "sub",
    "system",
    "tagresource",
    "uploadlayerpart",
    "upstream",
    "user",
    "version",
    "vnd",
    "west",
    "windows",
];

/// Managed policies of AWS that nodes hold, but for those whose names begin with its own.
///
/// Source: AWS managed policy reference.
const MANAGED: [&str; 17] = [
    "AdministratorAccess",
    "AutoScalingFullAccess",
    "CloudWatchAgentServerPolicy",
    "CloudWatchFullAccess",
    "CloudWatchLogsFullAccess",
    "EC2InstanceProfileForImageBuilder",
    "EC2InstanceProfileForImageBuilderECRContainerBuilds",
    "ElasticLoadBalancingFullAccess",
    "FullAWSAccess",
    "IAMFullAccess",
    "IAMReadOnlyAccess",
    "PowerUserAccess",
    "RCPFullAWSAccess",
    "ReadOnlyAccess",
    "SecretsManagerReadWrite",
    "SecurityAudit",
    "ViewOnlyAccess",
];

/// Whether a word is one of them, a policy or a region of AWS itself, or the account of a registry that AWS publishes.
pub(crate) fn own_word(word: &str) -> bool {
    WORDS.binary_search(&word).is_ok()
        || MANAGED.iter().any(|policy| policy.eq_ignore_ascii_case(word))
        || ["amazon", "aws"].iter().any(|owner| word.starts_with(owner))
        || addons::is_addon_account(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_aws_are_told_from_names() {
        assert!(WORDS.is_sorted());
        for own in ["arn", "batchgetimage", "northeast", "amazonec2containerregistrypullonly", "602401143452"] {
            assert!(own_word(own), "{own}");
        }
        for policy in MANAGED {
            for word in policy.to_lowercase().split('_') {
                assert!(own_word(word), "{word} of {policy}");
            }
        }
        assert!(!own_word("ledger") && !own_word("111122223333"));
    }
}
