//! The policy language: every element, in all its forms.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]
// `json!(…)` reads best as it is.
#![allow(clippy::needless_pass_by_value)]

mod support;

use pullaudit_eks::facts::table;
use serde_json::{Value, json};
use support::*;

const ARN: &str = "arn:aws:ecr:eu-central-1:111122223333:repository/ledger/api";

/// What one statement of the role's own policy does to the pull, the token being granted beside it.
fn own(statement: Value) -> String {
    own_of(&statement, "2012-10-17")
}

fn own_of(statement: &Value, version: &str) -> String {
    let token = policy(json!([token_only()]));
    let document = json!({"Version": version, "Statement": [statement]});
    word(&World::one_account().attached(&token).inline(&document).tags(json!({"Team": "ledger"})).verdict())
}

fn on(resource: Value) -> String {
    own(json!({"Effect": "Allow", "Action": "ecr:*", "Resource": resource}))
}

fn acting(action: Value) -> String {
    own(json!({"Effect": "Allow", "Action": action, "Resource": "*"}))
}

/// What an Allow on everything does under a condition.
fn when(condition: Value) -> String {
    own(json!({"Effect": "Allow", "Action": "ecr:*", "Resource": "*", "Condition": condition}))
}

#[track_caller]
fn all(cases: &[(Value, &str)], ask: impl Fn(Value) -> String) {
    for (case, expected) in cases {
        assert_eq!(ask(case.clone()), *expected, "{case}");
    }
}

const SILENT: &str = "denied identity-policy-silent";
const UNMET: &str = "denied condition-unmet";
const OPEN: &str = "unknown condition-undecidable";
const MALFORMED: &str = "unknown policy-malformed";

#[test]
fn actions() {
    all(
        &[
            (json!("ecr:*"), "allowed"),
            (json!("*"), "allowed"),
            (json!(["ECR:batchgetIMAGE", "Ecr:getdownloadurlforlayer"]), "allowed"),
            (json!(["ecr:B*t?hGetImage", "ecr:Get*"]), "allowed"),
            (json!("ecr:Get*"), SILENT),
            (json!("ecr:BatchGetImag"), SILENT),
            (json!("ecr:BatchGetImage?"), SILENT),
            (json!("ecr-public:*"), SILENT),
            (json!("s3:*"), SILENT),
            (json!("ecr"), MALFORMED),
            (json!("e*r:BatchGetImage"), MALFORMED),
            (json!([]), MALFORMED),
            (json!([1]), MALFORMED),
        ],
        acting,
    );
}

#[test]
fn not_action_inverts() {
    let not = |action: Value| own(json!({"Effect": "Allow", "NotAction": action, "Resource": "*"}));
    all(
        &[
            (json!("s3:*"), "allowed"),
            (json!(["iam:*", "organizations:*", "account:*"]), "allowed"),
            (json!("ecr:*"), SILENT),
            (json!("ecr:BatchGetImage"), SILENT),
            (json!("ecr:Put*"), "allowed"),
        ],
        not,
    );
    let deny = |action: Value| {
        let statements = json!([pull_all(), {"Effect": "Deny", "NotAction": action, "Resource": "*"}]);
        word(&World::one_account().inline(&policy(statements)).verdict())
    };
    all(&[(json!("s3:*"), "denied explicit-deny"), (json!("ecr:*"), "allowed")], deny);
}

#[test]
fn resources() {
    all(
        &[
            (json!("*"), "allowed"),
            (json!(ARN), "allowed"),
            (json!(["arn:aws:s3:::x", ARN]), "allowed"),
            (json!("arn:aws:ecr:*:*:repository/*"), "allowed"),
            (json!("arn:aws:ecr:*:111122223333:repository/led*"), "allowed"),
            (json!("arn:aws:ecr:eu-central-?:111122223333:repository/ledger/a?i"), "allowed"),
            (json!("arn:aws:ecr:eu-central-1:111122223333:*"), "allowed"),
            (json!("arn:aws:ecr:*"), "allowed"),
            (json!("arn:aws:ecr:eu-central-1:111122223333:repository/ledger"), SILENT),
            (json!("arn:aws:ecr:eu-central-1:111122223333:repository/LEDGER/api"), SILENT),
            (json!("arn:aws:ecr:eu-central-1:111122223333:repository/ledger/api/"), SILENT),
            (json!("arn:aws:ecr:us-east-1:111122223333:repository/ledger/api"), SILENT),
            (json!("arn:aws-cn:ecr:eu-central-1:111122223333:repository/ledger/api"), SILENT),
            (json!("arn:aws:ecr:eu-central-1:444455556666:repository/*"), SILENT),
            // As a text it matches; as an ARN its fields do not line up.
            (json!("arn:aws:ecr:*:repository/ledger/api"), OPEN),
            (json!([]), MALFORMED),
            (json!({}), MALFORMED),
        ],
        on,
    );
}

#[test]
fn not_resource_inverts() {
    let not = |resource: Value| own(json!({"Effect": "Allow", "Action": "ecr:*", "NotResource": resource}));
    all(
        &[
            (json!("arn:aws:ecr:*:*:repository/secret/*"), "allowed"),
            (json!("*"), SILENT),
            (json!([ARN]), SILENT),
            (json!("arn:aws:ecr:*:*:repository/${aws:username}"), OPEN),
        ],
        not,
    );
}

#[test]
fn variables_only_in_the_newer_version() {
    let on_tag = |name: &str| {
        json!({"Effect": "Allow", "Action": "ecr:*",
        "Resource": format!("arn:aws:ecr:*:*:repository/{name}/*")})
    };
    assert_eq!(own_of(&on_tag("${aws:PrincipalTag/team}"), "2012-10-17"), "allowed");
    assert_eq!(own_of(&on_tag("${AWS:principaltag/TEAM}"), "2012-10-17"), "allowed");
    assert_eq!(own_of(&on_tag("${aws:PrincipalTag/team}"), "2008-10-17"), SILENT);
    assert_eq!(own_of(&on_tag("${aws:PrincipalTag/other}"), "2012-10-17"), SILENT);
    assert_eq!(own_of(&on_tag("${aws:PrincipalTag/other, 'ledger'}"), "2012-10-17"), "allowed");
    assert_eq!(own_of(&on_tag("${aws:username}"), "2012-10-17"), SILENT);
    assert_eq!(own_of(&on_tag("${aws:SourceVpc}"), "2012-10-17"), OPEN);
    assert_eq!(own_of(&on_tag("x${aws:SourceVpc}"), "2012-10-17"), SILENT);
    assert_eq!(own_of(&on_tag("ledge${*}"), "2012-10-17"), SILENT);
    assert_eq!(own_of(&on_tag("ledge${?}"), "2012-10-17"), SILENT);
    assert_eq!(own_of(&on_tag("ledge?"), "2012-10-17"), "allowed");
    let absent = json!({"Statement": on_tag("${aws:PrincipalTag/team}")});
    let world = World::one_account().attached(&policy(json!([token_only()]))).inline(&absent);
    expect(&world.tags(json!({"team": "ledger"})), SILENT);
}

/// Where a variable has no value, what an inverted element then spares is not documented; so it is open too while nobody
/// knows whether there is one.
#[test]
fn a_variable_that_is_not_known_may_have_no_value() {
    let pattern = "arn:aws:ecr:*:*:repository/x${aws:SourceVpc}";
    let elsewhere = own(json!({"Effect": "Allow", "Action": "ecr:*", "NotResource": pattern}));
    assert_eq!(elsewhere, OPEN);
    all(
        &[
            (json!({"StringLike": {"aws:PrincipalAccount": "x${aws:SourceVpc}"}}), UNMET),
            (json!({"StringNotLike": {"aws:PrincipalAccount": "x${aws:SourceVpc}"}}), OPEN),
            (json!({"ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/x${aws:SourceVpc}"}}), OPEN),
        ],
        when,
    );
    let role = json!({"Effect": "Deny", "Action": "ecr:*", "NotResource":
        "arn:aws:ecr:*:*:repository/${aws:PrincipalTag/team}/*"});
    let world = World::one_account().inline(&policy(json!([pull_all(), role])));
    expect(&world.role_row(table::ROLES, refused("iam:GetRole")), "unknown role-unread");
}

#[test]
fn string_conditions() {
    all(
        &[
            (json!({"StringEquals": {"aws:PrincipalAccount": OWN}}), "allowed"),
            (json!({"StringEquals": {"AWS:principalaccount": [OTHER, OWN]}}), "allowed"),
            (json!({"StringEquals": {"aws:PrincipalAccount": OTHER}}), UNMET),
            (json!({"StringEquals": {"aws:PrincipalAccount": "1111*"}}), UNMET),
            (json!({"StringLike": {"aws:PrincipalAccount": "1111*"}}), "allowed"),
            (json!({"StringNotEquals": {"aws:PrincipalAccount": [OTHER, "1"]}}), "allowed"),
            (json!({"StringNotEquals": {"aws:PrincipalAccount": [OTHER, OWN]}}), UNMET),
            (json!({"StringNotLike": {"aws:PrincipalAccount": "4444*"}}), "allowed"),
            (json!({"StringEqualsIgnoreCase": {"aws:PrincipalTag/Team": "LEDGER"}}), "allowed"),
            (json!({"StringEquals": {"aws:PrincipalTag/Team": "LEDGER"}}), UNMET),
            (json!({"StringNotEqualsIgnoreCase": {"aws:PrincipalTag/Team": "LEDGER"}}), UNMET),
            (json!({"StringEquals": {"aws:RequestedRegion": REGION, "aws:ResourceAccount": OWN}}), "allowed"),
            (json!({"StringEquals": {"aws:RequestedRegion": REGION, "aws:ResourceAccount": OTHER}}), UNMET),
            (json!({"StringEquals": {"aws:ResourceAccount": "${aws:PrincipalAccount}"}}), "allowed"),
            (json!({"StringNotEquals": {"aws:ResourceAccount": "${aws:PrincipalAccount}"}}), UNMET),
            (json!({"StringEquals": {"aws:PrincipalType": "AssumedRole"}}), "allowed"),
            (json!({"StringEquals": {"aws:PrincipalAccount": []}}), MALFORMED),
            (json!({"StringEquals": {"aws:PrincipalAccount": {}}}), MALFORMED),
            (json!({"StringEquals": "x"}), MALFORMED),
            (json!([]), MALFORMED),
        ],
        when,
    );
}

#[test]
fn a_key_that_the_request_lacks() {
    all(
        &[
            (json!({"StringEquals": {"aws:PrincipalTag/none": "x"}}), UNMET),
            (json!({"StringNotEquals": {"aws:PrincipalTag/none": "x"}}), "allowed"),
            (json!({"StringEqualsIfExists": {"aws:PrincipalTag/none": "x"}}), "allowed"),
            (json!({"StringNotLike": {"aws:PrincipalTag/none": "*"}}), "allowed"),
            (json!({"Null": {"aws:PrincipalTag/none": "true"}}), "allowed"),
            (json!({"Null": {"aws:PrincipalTag/none": true}}), "allowed"),
            (json!({"Null": {"aws:PrincipalTag/none": "false"}}), UNMET),
            (json!({"Null": {"aws:PrincipalTag/team": "false"}}), "allowed"),
            (json!({"Null": {"aws:PrincipalTag/team": "perhaps"}}), OPEN),
            (json!({"Null": {"aws:SourceVpc": "false"}}), OPEN),
            (json!({"ForAllValues:StringEquals": {"aws:PrincipalTag/none": "x"}}), "allowed"),
            (json!({"ForAnyValue:StringEquals": {"aws:PrincipalTag/none": "x"}}), UNMET),
            (json!({"ForAnyValue:StringNotEquals": {"aws:PrincipalTag/none": "x"}}), UNMET),
            (json!({"ForAllValues:StringLike": {"aws:PrincipalTag/team": "led*"}}), "allowed"),
            (json!({"ForAnyValue:StringEquals": {"aws:PrincipalTag/team": ["x", "ledger"]}}), "allowed"),
            (json!({"StringEquals": {"aws:username": "x"}}), UNMET),
        ],
        when,
    );
}

#[test]
fn arn_conditions_compare_field_by_field() {
    all(
        &[
            (json!({"ArnEquals": {"aws:PrincipalArn": ROLE_ARN}}), "allowed"),
            (json!({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/eks/*"}}), "allowed"),
            (json!({"ArnLike": {"aws:PrincipalArn": "arn:*:iam::111122223333:role/*"}}), "allowed"),
            (json!({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::111122223333:role/node"}}), UNMET),
            (json!({"ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/other"}}), "allowed"),
            (json!({"ArnNotEquals": {"aws:PrincipalArn": ROLE_ARN}}), UNMET),
            // Its wildcard would have to reach over a colon.
            (json!({"ArnLike": {"aws:PrincipalArn": "arn:aws:*:role/eks/node"}}), OPEN),
            (json!({"StringLike": {"aws:PrincipalArn": "*:role/eks/node"}}), "allowed"),
            (json!({"ArnEqualsIfExists": {"aws:SourceArn": ROLE_ARN}}), OPEN),
        ],
        when,
    );
}

#[test]
fn numbers_dates_and_booleans() {
    all(
        &[
            (json!({"DateGreaterThan": {"aws:CurrentTime": "2026-01-01T00:00:00Z"}}), "allowed"),
            (json!({"DateLessThan": {"aws:CurrentTime": "2026-01-01"}}), UNMET),
            (json!({"DateLessThanEquals": {"aws:CurrentTime": "2026-11-25T14:00:00Z"}}), "allowed"),
            (json!({"DateGreaterThanEquals": {"aws:EpochTime": "1700000000"}}), "allowed"),
            (json!({"DateEquals": {"aws:CurrentTime": "2026-11-25T14:00:00Z"}}), "allowed"),
            (json!({"DateNotEquals": {"aws:CurrentTime": "2026-11-25T14:00:00Z"}}), UNMET),
            (json!({"DateGreaterThan": {"aws:CurrentTime": "yesterday"}}), OPEN),
            (json!({"NumericGreaterThan": {"aws:EpochTime": 1_700_000_000}}), "allowed"),
            (json!({"NumericLessThan": {"aws:EpochTime": "1700000000"}}), UNMET),
            (json!({"NumericEquals": {"aws:PrincipalAccount": "111122223333"}}), "allowed"),
            (json!({"NumericNotEquals": {"aws:PrincipalAccount": "1"}}), "allowed"),
            (json!({"NumericLessThanEquals": {"aws:PrincipalAccount": "many"}}), OPEN),
            (json!({"NumericGreaterThanEquals": {"aws:PrincipalAccount": "1"}}), "allowed"),
            (json!({"Bool": {"aws:SecureTransport": "true"}}), "allowed"),
            (json!({"Bool": {"aws:SecureTransport": false}}), UNMET),
            (json!({"Bool": {"aws:PrincipalIsAWSService": "False"}}), "allowed"),
            (json!({"BoolIfExists": {"aws:MultiFactorAuthPresent": "true"}}), OPEN),
            (json!({"Bool": {"aws:ViaAWSService": "false"}}), "allowed"),
            (json!({"Bool": {"aws:ViaAWSService": "true"}}), UNMET),
            // Credentials of a role live 12 hours at most.
            (json!({"DateGreaterThan": {"aws:TokenIssueTime": "2026-11-25T01:59:59Z"}}), "allowed"),
            (json!({"DateLessThan": {"aws:TokenIssueTime": "2026-11-25T02:00:00Z"}}), UNMET),
            (json!({"DateLessThan": {"aws:TokenIssueTime": "2026-11-25T02:00:01Z"}}), OPEN),
            (json!({"DateLessThan": {"aws:TokenIssueTime": "2026-11-25T14:00:01Z"}}), "allowed"),
            (json!({"Null": {"aws:TokenIssueTime": "false"}}), "allowed"),
            (json!({"StringEquals": {"aws:RequestTag/team": "ledger"}}), UNMET),
            (json!({"ForAllValues:StringEquals": {"aws:TagKeys": ["team"]}}), "allowed"),
            (json!({"ForAnyValue:StringEquals": {"aws:TagKeys": ["team"]}}), UNMET),
            (json!({"StringEquals": {"s3:prefix": "x"}}), UNMET),
            (json!({"StringNotEquals": {"ec2:Owner": "amazon"}}), "allowed"),
            (json!({"StringNotEqualsIfExists": {"kms:ViaService": "x"}}), "allowed"),
            (json!({"BinaryEquals": {"aws:PrincipalTag/team": "bGVkZ2Vy"}}), UNMET),
        ],
        when,
    );
}

#[test]
fn what_only_a_pull_would_tell_is_open_and_names_its_key() {
    for condition in [
        json!({"StringEquals": {"aws:SourceVpce": "vpce-1"}}),
        json!({"StringNotEquals": {"aws:SourceVpc": "vpc-1"}}),
        json!({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}),
        json!({"NotIpAddress": {"aws:VpcSourceIp": "10.0.0.0/8"}}),
        json!({"ArnLike": {"ec2:SourceInstanceARN": "arn:aws:ec2:*:*:instance/*"}}),
        json!({"NumericEquals": {"ec2:RoleDelivery": "2.0"}}),
        json!({"DateLessThan": {"aws:TokenIssueTime": "2026-11-25T10:00:00Z"}}),
        json!({"DateEquals": {"aws:TokenIssueTime": "2020-01-01T00:00:00Z"}}),
        json!({"ForAnyValue:StringEquals": {"aws:SourceOrgPaths": "o-1/*"}}),
        json!({"StringEquals": {"my:key": "x"}}),
        json!({"StringEquals": {"aws:PrincipalTag/x509Subject/CN": "x"}}),
        json!({"StringResembles": {"aws:PrincipalAccount": "x"}}),
        json!({"ForSomeValues:StringEquals": {"aws:PrincipalAccount": "x"}}),
    ] {
        let key =
            condition.as_object().unwrap().values().next().unwrap().as_object().unwrap().keys().next().unwrap();
        let allow = json!({"Effect": "Allow", "Action": "ecr:*", "Resource": "*", "Condition": condition});
        let world = World::one_account().attached(&policy(json!([token_only()]))).inline(&policy(json!([allow])));
        let verdict = world.verdict();
        assert_eq!(word(&verdict), OPEN, "{condition}");
        assert!(named(&verdict).contains(key.as_str()), "{condition}: {}", named(&verdict));
        assert!(named(&verdict).contains("inline policy own of role node"), "{condition}: {}", named(&verdict));
        let deny = json!({"Effect": "Deny", "Action": "ecr:*", "Resource": "*", "Condition": condition});
        let denied = World::one_account().inline(&policy(json!([pull_all(), deny])));
        expect(&denied, OPEN);
    }
}

#[test]
fn three_values_fold_as_they_should() {
    // A known false beside something unknown is false.
    let both = json!({"StringEquals": {"aws:SourceVpc": "vpc-1", "aws:PrincipalAccount": OTHER}});
    assert_eq!(when(both), UNMET);
    // An unknown Deny matters only where something allows.
    let deny = json!({"Effect": "Deny", "Action": "ecr:*", "Resource": "*",
        "Condition": {"StringEquals": {"aws:SourceVpc": "vpc-1"}}});
    expect(&World::one_account().inline(&policy(json!([token_only(), deny]))), SILENT);
    // An unknown Allow is moot where the other side allows.
    let maybe = json!({"Effect": "Allow", "Principal": "*", "Action": "ecr:*",
        "Condition": {"StringEquals": {"aws:SourceVpc": "vpc-1"}}});
    let world = World::one_account().repository_policy(&policy(json!([maybe])));
    expect(&world.clone().inline(&policy(json!([pull_all()]))), "allowed");
    expect(&world.inline(&policy(json!([token_only()]))), OPEN);
}

#[test]
fn user_ids_are_known_up_to_the_session() {
    let like = |pattern: &str| when(json!({"StringLike": {"aws:userid": pattern}}));
    assert_eq!(like(&format!("{ROLE_ID}:*")), "allowed");
    assert_eq!(like(&format!("{DEAD_ID}:*")), UNMET);
    assert_eq!(like("*"), "allowed");
    assert_eq!(like(&format!("{ROLE_ID}:i-*")), OPEN);
    assert_eq!(when(json!({"StringNotLike": {"aws:userid": format!("{DEAD_ID}:*")}})), "allowed");
    assert_eq!(when(json!({"StringEquals": {"aws:userid": format!("{ROLE_ID}:i-1")}})), OPEN);
    let exact = json!({"Effect": "Allow", "Action": "ecr:*", "Resource": "*",
        "Condition": {"StringEquals": {"aws:userid": format!("{ROLE_ID}:i-1")}}});
    let world = World::one_account().attached(&policy(json!([token_only()]))).inline(&policy(json!([exact])));
    expect(&world.clone().by("arn:aws:sts::111122223333:assumed-role/node/i-1"), "allowed");
    expect(&world.by("arn:aws:sts::111122223333:assumed-role/node/i-2"), UNMET);
}

#[test]
fn statements_single_or_list() {
    let single = json!({"Version": "2012-10-17", "Id": "x", "Statement": pull_all()});
    expect(&World::one_account().inline(&single), "allowed");
    let old = json!({"Statement": [pull_all()]});
    expect(&World::one_account().inline(&old), "allowed");
    expect(&World::one_account().inline(&policy(json!([]))), "denied token-not-granted");
}

#[test]
fn documents_that_do_not_parse_name_themselves() {
    for text in [
        "",
        "{",
        "[]",
        "null",
        "\"x\"",
        "{\"Version\":\"2012-10-17\"}",
        "{\"Statement\":1}",
        "{\"Version\":\"2030-01-01\",\"Statement\":[]}",
        "{\"Version\":1,\"Statement\":[]}",
        "{\"Statement\":[],\"Extra\":1}",
        "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",",
    ] {
        let world = World::one_account().inline_text(text);
        let verdict = world.verdict();
        assert_eq!(word(&verdict), MALFORMED, "{text}");
        assert!(named(&verdict).contains("inline policy own of role node"), "{}", named(&verdict));
        assert!(named(&verdict).contains("does not parse"), "{}", named(&verdict));
        // It may also deny.
        expect(&world.attached(&policy(json!([pull_all()]))), MALFORMED);
    }
    let deep = "[".repeat(100_000);
    expect(&World::one_account().inline_text(&deep), MALFORMED);
}

#[test]
fn statements_that_can_not_be_read_are_open_as_far_as_they_reach() {
    let base = || World::one_account().attached(&policy(json!([pull_all()])));
    let beside = |statement: Value| word(&base().inline(&policy(json!([statement]))).verdict());
    all(
        &[
            (json!({"Effect": "deny", "Action": "ecr:*", "Resource": "*"}), MALFORMED),
            (json!({"Action": "ecr:*", "Resource": "*"}), MALFORMED),
            (json!({"Effect": "Deny", "Action": "ecr:*"}), MALFORMED),
            (json!({"Effect": "Deny", "Resource": "*"}), MALFORMED),
            (json!({"Effect": "Deny", "Action": "ecr:*", "Resource": "*", "Principle": "*"}), MALFORMED),
            (json!({"Effect": "Deny", "Action": "ecr:*", "Resource": "*", "Principal": "*"}), MALFORMED),
            (json!({"Effect": "Deny", "Action": "ecr:*", "NotAction": "s3:*", "Resource": "*"}), MALFORMED),
            (json!("Deny"), MALFORMED),
            (json!(null), MALFORMED),
            // An Allow that can't be read takes nothing away.
            (json!({"Effect": "Allow", "Action": "ecr:*", "Resource": "*", "Extra": 1}), "allowed"),
            // Nor does one that is about something else.
            (json!({"Effect": "Deny", "Action": "s3:*", "Resource": "*", "Extra": 1}), "allowed"),
        ],
        beside,
    );
}

#[test]
fn the_order_of_statements_and_values_never_matters() {
    let one = policy(
        json!([pull_all(), {"Sid": "x", "Effect": "Allow", "Action": ["ecr:Get*", "ecr:Batch*"], "Resource": ARN}]),
    );
    let other = policy(
        json!([{"Sid": "x", "Effect": "Allow", "Action": ["ecr:Batch*", "ecr:Get*"], "Resource": ARN}, pull_all()]),
    );
    let verdict = |document: &Value| word(&World::one_account().inline(document).verdict());
    assert_eq!(verdict(&one), verdict(&other));
}
