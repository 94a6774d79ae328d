//! The language of AWS, which is nobody's name.

use crate::weigh::addons;

/// Words of IAM, of ECR and of their ids.
const WORDS: [&str; 113] = [
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
    "root",
    "rootfs",
    "saml",
    "service",
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
    "tagresource",
    "uploadlayerpart",
    "upstream",
    "user",
    "version",
    "vnd",
    "west",
    "windows",
];

/// Whether a word is one of them, a policy or a region of AWS itself, or the account of a registry that AWS publishes.
pub(crate) fn own_word(word: &str) -> bool {
    WORDS.binary_search(&word).is_ok()
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
        assert!(!own_word("ledger") && !own_word("111122223333"));
    }
}
