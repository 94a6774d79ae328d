//! Condition keys of services that have no part in a pull.

/// Prefixes of condition keys, in order. Keys of identity providers, of STS and of ECR are not among them.
///
/// Source: service authorization reference; its table of a service lists the keys that requests to it may have.
const SERVICES: [&str; 59] = [
    "acm",
    "acm-pca",
    "apigateway",
    "appmesh",
    "athena",
    "autoscaling",
    "backup",
    "batch",
    "bedrock",
    "cloudformation",
    "cloudfront",
    "cloudtrail",
    "cloudwatch",
    "codebuild",
    "codecommit",
    "codepipeline",
    "datasync",
    "dms",
    "dynamodb",
    "ec2",
    "ecs",
    "eks",
    "elasticache",
    "elasticbeanstalk",
    "elasticfilesystem",
    "elasticloadbalancing",
    "elasticmapreduce",
    "es",
    "events",
    "firehose",
    "fsx",
    "glacier",
    "glue",
    "guardduty",
    "iam",
    "inspector2",
    "kafka",
    "kinesis",
    "kms",
    "lambda",
    "lightsail",
    "logs",
    "organizations",
    "ram",
    "rds",
    "redshift",
    "route53",
    "s3",
    "s3-outposts",
    "sagemaker",
    "secretsmanager",
    "servicecatalog",
    "ses",
    "sns",
    "sqs",
    "ssm",
    "transfer",
    "wafv2",
    "workspaces",
];

/// True for a key, in lower case, of another service's requests. What says where a request comes from
/// (`ec2:SourceInstanceARN` and its like) is in requests to any service.
pub(super) fn is_of_another_service(key: &str) -> bool {
    let Some((service, name)) = key.split_once(':') else { return false };
    SERVICES.binary_search(&service).is_ok() && !name.starts_with("source") && name != "roledelivery"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_a_request_s_origin_are_no_service_s() {
        assert!(SERVICES.is_sorted());
        for foreign in ["s3:prefix", "ec2:owner", "kms:viaservice", "iam:passedtoservice"] {
            assert!(is_of_another_service(foreign), "{foreign}");
        }
        for open in [
            "ec2:sourceinstancearn",
            "ec2:roledelivery",
            "lambda:sourcefunctionarn",
            "sts:externalid",
            "ecr:resourcetag/a",
            "aws:sourceip",
            "my:key",
            "s3",
        ] {
            assert!(!is_of_another_service(open), "{open}");
        }
    }
}
