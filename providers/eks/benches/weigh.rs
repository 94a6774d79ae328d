//! Questions weighed and judged a second, over a synthetic fleet of 100 roles and 300 repositories.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use jiff::Timestamp;
use pullaudit_core::{
    Credential, Facts, ImageRef, Mode, Principal, PrincipalKind, Question, Read, Section, Vantage, Verdict, judge,
};
use pullaudit_eks::facts::table;
use pullaudit_eks::weigh::EksFacts;
use serde_json::json;
use std::hint::black_box;

const ACCOUNT: &str = "111122223333";
const OTHER: &str = "444455556666";
const REGION: &str = "eu-central-1";
const PULL_ONLY: &str = "arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryPullOnly";

fn document(value: &serde_json::Value) -> Read<serde_json::Value> {
    Read::Got(json!({ "text": value.to_string() }))
}

fn fleet() -> Section {
    let mut section = Section::default();
    section.put(
        table::POLICIES,
        PULL_ONLY,
        document(&json!({"Version": "2012-10-17", "Statement": [{"Sid": "ReadAccess", "Effect": "Allow", "Action": [
            "ecr:BatchGetImage", "ecr:BatchImportUpstreamImage", "ecr:GetAuthorizationToken", "ecr:GetDownloadUrlForLayer"
        ], "Resource": "*"}]})),
    );
    for role in 0..100 {
        let key = format!("{ACCOUNT}/node-{role}");
        let arn = format!("arn:aws:iam::{ACCOUNT}:role/{}", &key[13..]);
        section.put(table::ROLES, &key, Read::Got(json!({"arn": arn, "roleId": format!("AROA{role:017}")})));
        section.put(table::ATTACHED, &key, Read::Got(json!([PULL_ONLY])));
        section.put(table::INLINE_NAMES, &key, Read::Got(json!(["deny"])));
        section.put(
            table::INLINE,
            format!("{key}/deny"),
            document(&json!({"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "ecr:*",
                "Resource": "arn:aws:ecr:*:*:repository/secret/*"}]})),
        );
    }
    for account in [ACCOUNT, OTHER] {
        let registry = format!("{account}/{REGION}");
        section.put(table::REGISTRY_POLICIES, &registry, Read::Absent);
        section.put(table::ACCOUNT_SETTINGS, &registry, Read::Got(json!({"registryPolicyScope": "V2"})));
        section.put(table::PULL_THROUGH, &registry, Read::Got(json!([])));
        section.put(table::READERS, account, Read::Got(json!({"arn": "arn:aws:iam::1:role/reader"})));
        for repository in 0..150 {
            let key = format!("{registry}/team/app-{repository}");
            let arn = format!("arn:aws:ecr:{REGION}:{account}:repository/team/app-{repository}");
            section.put(table::REPOSITORIES, &key, Read::Got(json!({"arn": arn})));
            section.put(table::IMAGES, format!("{key}:v1"), Read::Got(json!({"digest": "sha256:00"})));
            let policy = if account == OTHER {
                document(&json!({"Version": "2012-10-17", "Statement": [{"Sid": "Pull", "Effect": "Allow",
                    "Principal": {"AWS": [format!("arn:aws:iam::{ACCOUNT}:root"), "arn:aws:iam::777788889999:root"]},
                    "Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]}]}))
            } else {
                Read::Absent
            };
            section.put(table::REPOSITORY_POLICIES, &key, policy);
        }
    }
    section
}

fn questions() -> Vec<Question> {
    let mut questions = Vec::new();
    for role in 0..100 {
        for account in [ACCOUNT, OTHER] {
            for repository in 0..150 {
                let name = format!("node-{role}");
                let image = format!("{account}.dkr.ecr.{REGION}.amazonaws.com/team/app-{repository}:v1");
                let id = format!("arn:aws:iam::{ACCOUNT}:role/{name}");
                questions.push(Question {
                    by: Credential::Principal(Principal::new(PrincipalKind::NodeRole, id, name)),
                    from: Vantage::default(),
                    image: ImageRef::parse(&image).unwrap(),
                });
            }
        }
    }
    questions
}

fn weigh(criterion: &mut Criterion) {
    let section = fleet();
    let questions = questions();
    let facts = EksFacts::open(&section).unwrap();
    let at: Timestamp = "2026-11-25T14:00:00Z".parse().unwrap();
    let allowed = |question: &Question| {
        matches!(judge(facts.weigh(question, at).as_ref(), Mode::Default), Verdict::Allowed { .. })
    };
    assert!(questions.iter().all(allowed), "the fleet of the bench is allowed everything");
    let mut group = criterion.benchmark_group("questions");
    group.throughput(Throughput::Elements(questions.len() as u64));
    group.sample_size(20);
    group.bench_function("weigh", |bencher| {
        bencher.iter(|| {
            for question in &questions {
                black_box(facts.weigh(question, at));
            }
        });
    });
    group.bench_function("weigh and judge", |bencher| {
        bencher.iter(|| {
            for question in &questions {
                black_box(judge(facts.weigh(question, at).as_ref(), Mode::Default));
            }
        });
    });
    group.finish();
    criterion.bench_function("open the section", |bencher| bencher.iter(|| EksFacts::open(black_box(&section))));
}

criterion_group!(benches, weigh);
criterion_main!(benches);
