//! Repairs of AWS: the narrowest that works, nothing of others touched, and what would not help held back.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]
// `json!(…)` reads best as it is.
#![allow(clippy::needless_pass_by_value)]

mod support;

use pullaudit_core::{Action, FixPolicy, Mode, Read, Safety};
use pullaudit_eks::facts::table;
use serde_json::{Value, json};
use support::repair::*;
use support::*;

#[test]
fn in_one_account_the_role_gets_an_inline_policy_of_our_own_name() {
    let world = World::one_account();
    let proposal = propose(&world);
    let change = only(&proposal);
    assert_eq!((change.action, change.safety, change.owner.as_str()), (Action::Add, Safety::Safe, OWN));
    assert_eq!(change.document, format!("{ROLE_ARN}:pullaudit-pull"));
    let repository = format!("arn:aws:ecr:{REGION}:{OWN}:repository/{REPOSITORY}");
    let pull = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"];
    assert_eq!(
        written(change),
        policy(json!([
            {"Sid": "PullauditToken", "Effect": "Allow", "Action": "ecr:GetAuthorizationToken", "Resource": "*"},
            {"Sid": "PullauditPull", "Effect": "Allow", "Action": pull, "Resource": [repository, ADDONS]},
        ]))
    );
    assert!(change.import.starts_with("import {\n  to = aws_iam_role_policy.pull_node_"), "{}", change.import);
    assert!(change.import.ends_with("  id = \"node:pullaudit-pull\"\n}"), "{}", change.import);
    assert_eq!(change.rests_on.len(), 2);
    assert_eq!(proposal.remedies[0].changes, std::slice::from_ref(&change.id));
    insta::assert_snapshot!(format!("{}\n{}{}\n", change.target, notes(change), change.command));
}

#[test]
fn the_registries_of_add_ons_are_kept_reachable_and_named_only_where_they_are_not() {
    let text = |world: &World| written(only(&propose(world))).to_string();
    assert!(text(&World::one_account()).contains(ADDONS));
    let reachable = json!({"Effect": "Allow", "Resource": ADDONS,
        "Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]});
    assert!(!text(&World::one_account().inline(&policy(json!([token_only(), reachable])))).contains(ADDONS));
}

#[test]
fn an_add_on_image_that_the_role_can_not_pull_is_repaired_on_the_role() {
    let world = World::one_account().image("602401143452.dkr.ecr.eu-central-1.amazonaws.com/eks/kube-proxy:v1");
    let proposal = propose(&world);
    assert!(turned(&world, &proposal.changes, &world.question()));
    assert!(only(&proposal).document.ends_with(":pullaudit-pull"));
}

#[test]
fn a_second_run_adds_to_what_our_policy_names_and_keeps_what_others_wrote_into_it() {
    let old = "arn:aws:ecr:eu-central-1:111122223333:repository/old";
    let foreign =
        json!({"Sid": "Logs", "Effect": "Allow", "Action": ["logs:Put*"], "Resource": ["*"], "Condition": {}});
    let stands = policy(json!([
        foreign,
        {"Sid": "PullauditPull", "Effect": "Allow", "Resource": old,
            "Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]},
    ]));
    let world = own_inline(World::one_account(), &stands);
    let proposal = propose(&world);
    let change = only(&proposal);
    assert_eq!(change.action, Action::Change);
    let list = written(change)["Statement"].as_array().unwrap().clone();
    assert_eq!(list[0].to_string(), foreign.to_string());
    assert_eq!(list[1]["Resource"][0], old);
    assert_eq!(list[1]["Resource"].as_array().unwrap().len(), 3);
    assert_eq!(list[2]["Sid"], "PullauditToken");
    assert!(notes(change).contains("kept: statements of others in it, as they stand: 1"));
}

#[test]
fn a_foreign_statement_with_our_sid_keeps_it() {
    let foreign = json!({"Sid": "PullauditPull", "Effect": "Allow", "Action": "s3:*", "Resource": "*"});
    let change = propose(&own_inline(World::one_account(), &policy(json!([foreign]))));
    let list = written(only(&change))["Statement"].as_array().unwrap().clone();
    assert_eq!(list[0], foreign);
    assert_eq!(list.iter().filter(|one| one["Sid"] == "PullauditPull").count(), 1);
    assert!(list.iter().any(|one| one["Sid"] == "PullauditPull2"));
}

#[test]
fn across_accounts_each_side_is_written_only_where_it_is_missing() {
    let own_half = policy(json!([pull_all()]));
    let theirs = policy(json!([grant(json!({"AWS": ROLE_ARN}))]));
    let repository = format!("arn:aws:ecr:{REGION}:{OTHER}:repository/{REPOSITORY}");
    let inline = format!("{ROLE_ARN}:pullaudit-pull");
    for (world, documents) in [
        (World::two_accounts().inline(&own_half), vec![repository.clone()]),
        (World::two_accounts().repository_policy(&theirs), vec![inline.clone()]),
        (World::two_accounts(), vec![inline, repository]),
    ] {
        let proposal = propose(&world);
        let got: Vec<String> = proposal.changes.iter().map(|change| change.document.clone()).collect();
        assert_eq!(got, documents);
        assert_eq!(proposal.remedies.len(), 1);
        assert_eq!(proposal.remedies[0].changes.len(), documents.len());
        assert!(turned(&world, &proposal.changes, &world.question()));
        // Our half alone helps nobody, so the two wait for consent together.
        let consent = proposal.changes.iter().all(|change| change.safety == Safety::NeedsConsent);
        assert_eq!(consent, documents != [format!("{ROLE_ARN}:pullaudit-pull")]);
    }
}

#[test]
fn a_repository_policy_keeps_order_unknown_fields_and_every_foreign_statement() {
    let text = r#"{ "Id" : "shared", "Version" : "2008-10-17", "Statement" : [
        { "Sid" : "LambdaECRImageRetrievalPolicy", "Effect" : "Allow", "Action" : "ecr:BatchGetImage",
          "Principal" : { "Service" : "lambda.amazonaws.com" },
          "Condition" : { "StringLike" : { "aws:sourceArn" : [ "b", "a" ] } } },
        { "Principal" : "*", "Effect" : "Deny", "Action" : [ "ecr:Put*", "ecr:Delete*" ] } ] }"#;
    let world = World::two_accounts().inline(&policy(json!([pull_all()]))).row(
        table::REPOSITORY_POLICIES,
        "",
        support::text(text),
    );
    let proposal = propose(&world);
    let change = only(&proposal);
    assert_eq!(
        (change.action, change.safety, change.owner.as_str()),
        (Action::Change, Safety::NeedsConsent, OTHER)
    );
    let (before, after): (Value, Value) = (serde_json::from_str(text).unwrap(), written(change));
    assert_eq!(after["Statement"][0].to_string(), before["Statement"][0].to_string());
    assert_eq!(after["Statement"][1].to_string(), before["Statement"][1].to_string());
    let keys = |document: &Value| document.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&after), keys(&before));
    assert_eq!(after["Statement"].as_array().unwrap().len(), 3);
    assert!(!change.command.contains("force"));
    assert!(notes(change).contains("kept: statements of others, as they stand and in their order: 2"));
    assert_eq!(change.before.as_ref().unwrap()["policyText"], text);
    insta::assert_snapshot!(format!("{}\n{}{}\n", change.target, notes(change), change.command));
}

#[test]
fn a_policy_of_one_statement_without_a_list_keeps_it() {
    let one = grant(json!({"Service": "lambda.amazonaws.com"}));
    let world = World::two_accounts()
        .inline(&policy(json!([pull_all()])))
        .repository_policy(&json!({"Version": "2012-10-17", "Statement": one}));
    assert_eq!(written(only(&propose(&world)))["Statement"][0], one);
}

#[test]
fn a_document_that_can_not_be_kept_letter_by_letter_is_not_written() {
    let twice = r#"{"Version": "2012-10-17", "Statement": [{"Sid": "a", "Sid": "b", "Effect": "Deny",
        "Principal": {"AWS": "999999999999"}, "Action": "ecr:Put*"}]}"#;
    let exact =
        twice.replace(r#""Sid": "b","#, r#""Condition": {"NumericLessThan": {"aws:MultiFactorAuthAge": 1e400}},"#);
    for text in [twice, &exact] {
        let world = World::two_accounts().inline(&policy(json!([pull_all()]))).row(
            table::REPOSITORY_POLICIES,
            "",
            support::text(text),
        );
        assert!(propose(&world).changes.is_empty(), "{text}");
    }
    let world = World::two_accounts().inline(&policy(json!([pull_all()]))).row(
        table::REPOSITORY_POLICIES,
        "",
        support::text(twice),
    );
    assert!(held(&world).contains("can't be kept as it is"), "{}", held(&world));
}

#[test]
fn a_dead_id_is_told_and_stays_and_is_mapped_only_where_the_user_prunes() {
    let dead = grant(json!({"AWS": DEAD_ID}));
    let world =
        World::two_accounts().inline(&policy(json!([pull_all()]))).repository_policy(&policy(json!([dead])));
    expect(&world, "denied principal-recreated");
    let proposal = propose(&world);
    let change = only(&proposal);
    assert_eq!(written(change)["Statement"][0], dead);
    assert_eq!(written(change)["Statement"][1]["Principal"]["AWS"], ROLE_ARN);
    let told = notes(change);
    assert!(
        told.contains("dead id: AROA…X7Q of statement 1 \"Pull\"") && told.contains("--consent prune"),
        "{told}"
    );

    let pruned = propose_all(&world, &[world.question()], PRUNE);
    let change = only(&pruned);
    assert_eq!(written(change)["Statement"], json!([grant(json!({"AWS": ROLE_ARN}))]));
    assert!(notes(change).contains(&format!("dead id: AROA…X7Q of statement 1 \"Pull\" becomes {ROLE_ARN}")));
    assert!(turned(&world, &pruned.changes, &world.question()));
}

#[test]
fn a_dead_id_is_never_mapped_where_the_role_would_get_more_than_a_pull() {
    let mut push = grant(json!({"AWS": DEAD_ID}));
    push["Action"] = json!(["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "ecr:PutImage"]);
    let mut deny = grant(json!({"AWS": DEAD_ID}));
    (deny["Sid"], deny["Effect"]) = (json!("Never"), json!("Deny"));
    for list in [json!([push]), json!([grant(json!({"AWS": DEAD_ID})), deny])] {
        let world =
            World::two_accounts().inline(&policy(json!([pull_all()]))).repository_policy(&policy(list.clone()));
        let proposal = propose_all(&world, &[world.question()], PRUNE);
        let after = written(only(&proposal))["Statement"].as_array().unwrap().clone();
        assert_eq!(after[..after.len() - 1], *list.as_array().unwrap());
        assert_eq!(after.last().unwrap()["Principal"]["AWS"], ROLE_ARN);
        let told = notes(only(&proposal));
        assert!(told.contains("stays") && !told.contains("--consent prune"), "{told}");
    }
}

#[test]
fn an_id_of_a_role_that_lives_is_no_dead_one() {
    // AWS shows the id of a live role in passing.
    let mut statement = grant(json!({"AWS": [ROLE_ID, "999999999999"]}));
    statement["Action"] = json!("ecr:DescribeImages");
    let world =
        World::two_accounts().inline(&policy(json!([pull_all()]))).repository_policy(&policy(json!([statement])));
    let change = propose_all(&world, &[world.question()], PRUNE);
    assert!(!notes(only(&change)).contains("dead id"));
    assert_eq!(written(only(&change))["Statement"][0], statement);
}

#[test]
fn a_dead_id_that_may_be_of_several_roles_is_never_mapped() {
    let other = "AROAEXAMPLEROLE00ZZZ";
    let dead = grant(json!({"AWS": [DEAD_ID, other]}));
    let world =
        World::two_accounts().inline(&policy(json!([pull_all()]))).repository_policy(&policy(json!([dead])));
    let change = propose_all(&world, &[world.question()], PRUNE);
    assert_eq!(written(only(&change))["Statement"][0], dead);
    assert!(notes(only(&change)).contains("AROA…ZZZ"));
}

#[test]
fn what_a_deny_or_a_boundary_would_still_refuse_is_not_written() {
    let deny = json!({"Effect": "Deny", "Action": "ecr:BatchGetImage", "Resource": "*"});
    let closed = policy(json!([{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]));
    let mut everyone = grant(json!("*"));
    everyone["Effect"] = json!("Deny");
    for (world, reason) in [
        (World::one_account().inline(&policy(json!([deny]))), "denies"),
        (World::one_account().boundary(&closed), "policy/boundary"),
        (World::two_accounts().repository_policy(&policy(json!([everyone]))), "denies"),
        (
            World::one_account().registry_policy(
                &policy(json!([{"Effect": "Deny", "Principal": "*", "Action": "ecr:*", "Resource": "*"}])),
                "V2",
            ),
            "denies",
        ),
        (
            World::one_account().row(table::REPOSITORIES, "", Read::Absent).row(
                table::IMAGES,
                ":v1",
                Read::Absent,
            ),
            "does not exist",
        ),
    ] {
        let why = held(&world);
        assert!(why.starts_with("no grant would help: ") && why.contains(reason), "{why}");
    }
}

#[test]
fn what_is_not_known_is_no_ground_for_a_write() {
    let unread = World::one_account().row(table::REPOSITORY_POLICIES, "", refused("repository policy"));
    assert!(held(&unread).starts_with("a grant would not be proved enough: "), "{}", held(&unread));
    let gone = World::one_account().role_row(table::ROLES, Read::Absent);
    assert!(held(&gone).contains("role node (111122223333) does not exist"));
    let foreign = World::one_account().by("arn:aws-cn:iam::111122223333:role/eks/node");
    assert!(propose(&foreign).changes.is_empty());
    let of_aws = json!({"arn": "arn:aws:iam::111122223333:role/aws-service-role/eks/node", "roleId": ROLE_ID});
    let of_aws = World::one_account().role_row(table::ROLES, Read::Got(of_aws));
    assert!(held(&of_aws).contains("belongs to AWS"));
}

#[test]
fn a_repository_that_nobody_may_look_into_waits_for_its_owner_with_the_text_for_them() {
    let mut world = World::two_accounts().row(table::REPOSITORY_POLICIES, "", refused("repository policy"));
    world.section.tables.get_mut(table::READERS).unwrap().remove(OTHER);
    let why = held(&world);
    assert!(why.starts_with("waiting-for-owner: account 444455556666 owns "), "{why}");
    assert!(why.contains(&format!(r#""Principal": {{ "AWS": "{ROLE_ARN}" }}"#)), "{why}");
    assert!(why.contains("ecr:GetDownloadUrlForLayer"), "{why}");
    assert!(why.contains("Our half: aws iam put-role-policy --role-name node "), "{why}");
}

#[test]
fn a_role_that_is_named_without_its_path_is_written_with_it() {
    // aws-auth drops paths, and so do sessions; policies keep them.
    for named in ["arn:aws:iam::111122223333:role/node", "arn:aws:sts::111122223333:assumed-role/node/i-0abc"] {
        let proposal = propose(&World::two_accounts().by(named));
        let [own, theirs] = proposal.changes.as_slice() else { panic!("{proposal:#?}") };
        assert_eq!(own.document, format!("{ROLE_ARN}:pullaudit-pull"));
        assert_eq!(written(theirs)["Statement"][0]["Principal"]["AWS"], ROLE_ARN);
    }
}

#[test]
fn the_role_of_a_service_account_is_repaired_where_its_trust_is_known() {
    let world = World::one_account().trusting(json!([usual_trust()]));
    let proposal = propose(&world);
    let [change] = proposal.changes.as_slice() else { panic!("{proposal:#?}") };
    assert_eq!(change.document, format!("{ROLE_ARN}:pullaudit-pull"));
    // A right does not help a role that nobody may take on, or of which nobody knows whether somebody may.
    let by = taken_on(ROLE_ARN, None);
    let why = held(&World { by, ..world.clone() });
    assert!(why.starts_with("a grant would not be proved enough: ") && why.contains("must trust"), "{why}");
    let mut untrusted = usual_trust();
    untrusted["Principal"] = json!({ "Federated": vouching(FORMER) });
    let proposal = propose(&World::one_account().trusting(json!([untrusted])));
    assert_eq!(proposal.changes.len(), 0, "{proposal:#?}");
}

#[test]
fn a_strict_repair_rests_on_no_assumption() {
    let world = World::one_account();
    let strict = FixPolicy { mode: Mode::Strict, ..FixPolicy::default() };
    let proposal = propose_all(&world, &[world.question()], strict);
    assert!(proposal.changes.is_empty(), "{proposal:#?}");
    assert!(proposal.held_back[0].why.contains("service control policies"), "{proposal:#?}");
    assert_eq!(propose(&world).changes.len(), 1, "the default assumes that they do not deny");
}
