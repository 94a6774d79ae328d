//! Whether the caller may write, asked of IAM's own simulator.

use super::place::operation;
use crate::live::Live;
use crate::live::accounts::Account;
use crate::live::call::Caller;
use crate::live::iam::Reading;
use crate::live::operation::{Operation, SIMULATE_PRINCIPAL_POLICY};
use crate::remedy::{RepositoryArn, Target};
use crate::weigh::arn::RoleArn;
use aws_sdk_iam::types::{ContextEntry, ContextKeyTypeEnum, EvaluationResult, PolicyEvaluationDecisionType};
use futures_util::future::join_all;
use pullaudit_core::{Change, Held, Open, OwnRight, Read};
use std::collections::{BTreeMap, BTreeSet};

/// Resources that are asked about in one call.
const BATCH: usize = 50;

/// A right at a resource of an account.
type Wanted = (String, &'static str, String);

/// Whether the caller holds the right of each change. Rights of one account and action are asked together.
pub(super) async fn preflight(live: &Live, changes: &[&Change]) -> Vec<OwnRight> {
    let wanted: Vec<Option<(Wanted, Target)>> = changes.iter().map(|change| of(change)).collect();
    let mut groups: BTreeMap<(String, &'static str), BTreeSet<String>> = BTreeMap::new();
    for ((account, action, resource), _) in wanted.iter().flatten() {
        groups.entry((account.clone(), action)).or_default().insert(resource.clone());
    }
    let asked = join_all(groups.into_iter().map(|((account, action), resources)| async move {
        let resources: Vec<String> = resources.into_iter().collect();
        let held = simulate(live, &account, action, &resources).await;
        let key = move |resource: String| (account.clone(), action, resource);
        resources.into_iter().map(key).zip(held).collect::<Vec<(Wanted, Held)>>()
    }));
    let held: BTreeMap<Wanted, Held> = asked.await.into_iter().flatten().collect();
    let own = changes.iter().zip(wanted).map(|(change, wanted)| match wanted {
        Some((key, target)) => {
            let held = held.get(&key).cloned().unwrap_or(Held::No);
            OwnRight { right: key.1.to_owned(), place: place(&target), held }
        }
        None => OwnRight { right: "a change of AWS".to_owned(), place: change.document.clone(), held: Held::No },
    });
    own.collect()
}

fn of(change: &Change) -> Option<(Wanted, Target)> {
    let target = Target::of(change)?;
    let action = operation(&target, change.after.is_some()).action;
    let resource = match &target {
        Target::Inline { role } | Target::Attachment { role } => role.clone(),
        Target::Repository { arn } => arn.clone(),
    };
    Some(((target.account().to_owned(), action, resource), target))
}

fn place(target: &Target) -> String {
    let account = target.account();
    match target {
        Target::Inline { .. } | Target::Attachment { .. } => {
            format!("role {} ({account})", target.role_name().unwrap_or_default())
        }
        Target::Repository { arn } => {
            let name = RepositoryArn::parse(arn).map(|of| of.name).unwrap_or_default();
            format!("repository {name} ({account})")
        }
    }
}

/// Whether the caller may do this to each of these, in their order.
async fn simulate(live: &Live, id: &str, action: &'static str, resources: &[String]) -> Vec<Held> {
    let all = |held: Held| resources.iter().map(|_| held.clone()).collect::<Vec<_>>();
    let region = resources.first().and_then(|arn| arn.split(':').nth(3)).filter(|region| !region.is_empty());
    let account = match live.accounts(region).await {
        Ok(accounts) => accounts.get(id),
        Err(error) => {
            let what = error.to_string().lines().next().unwrap_or_default().to_owned();
            return all(Held::Open(Open::undecidable(what)));
        }
    };
    // Nobody of ours writes in an account that no credential belongs to.
    let Some(account) = account else { return all(Held::No) };
    let source = match source(&live.caller, account).await {
        Ok(source) => source,
        Err(open) => return all(Held::Open(open)),
    };
    let mut held = Vec::new();
    for batch in resources.chunks(BATCH) {
        held.extend(ask(&live.caller, account, &source, action, batch).await);
    }
    held
}

/// The caller as the simulator takes it: a role with its path, or a user. It takes no root.
async fn source(caller: &Caller, account: &Account) -> Result<String, Open> {
    let Some(RoleArn { name, session: Some(_), .. }) = RoleArn::parse(&account.arn) else {
        if account.arn.contains(":user/") {
            return Ok(account.arn.clone());
        }
        return Err(Open::undecidable(format!("the rights of {}: IAM does not simulate it", account.arn)));
    };
    let iam = account.iam();
    let reading = Reading { caller, iam: &iam, scope: format!("account {}", account.id) };
    match reading.role(name).await {
        Read::Got(role) => Ok(role.arn),
        Read::Absent => Err(Open::undecidable(format!("the rights of {}: its role is not found", account.arn))),
        Read::Unread(open) => Err(open),
    }
}

async fn ask(
    caller: &Caller,
    account: &Account,
    source: &str,
    action: &'static str,
    resources: &[String],
) -> Vec<Held> {
    let simulating: &'static Operation = SIMULATE_PRINCIPAL_POLICY;
    let iam = account.iam();
    let mut request = iam
        .simulate_principal_policy()
        .policy_source_arn(source)
        .action_names(action)
        .set_resource_arns(Some(resources.to_vec()));
    if action.ends_with("achRolePolicy") {
        let arn = Target::Attachment { role: resources.first().cloned().unwrap_or_default() }.policy_arn();
        request = request.context_entries(
            ContextEntry::builder()
                .context_key_name("iam:PolicyARN")
                .context_key_type(ContextKeyTypeEnum::String)
                .context_key_values(arn)
                .build(),
        );
    }
    match caller.ask(simulating, request.send()).await {
        Ok(answer) => {
            let results = answer.evaluation_results.unwrap_or_default();
            resources.iter().map(|resource| held(&results, resource, action)).collect()
        }
        Err(trouble) => {
            let open = trouble.open("your own rights", format!("account {}", account.id));
            resources.iter().map(|_| Held::Open(open.clone())).collect()
        }
    }
}

/// What the simulator says of one resource. It knows no repository policy, which may allow what no policy of
/// the caller does, and no context but what it was given.
fn held(results: &[EvaluationResult], resource: &str, action: &str) -> Held {
    let of_resource = results.iter().flat_map(EvaluationResult::resource_specific_results);
    let specific = of_resource
        .filter(|one| one.eval_resource_name() == resource)
        .map(|one| (one.eval_resource_decision(), one.missing_context_values().is_empty()));
    let whole = results.iter().filter(|one| one.eval_resource_name() == Some(resource));
    let whole = whole.map(|one| (one.eval_decision(), one.missing_context_values().is_empty()));
    let open = |why: &str| Held::Open(Open::undecidable(format!("{action} on {resource}: {why}")));
    match specific.chain(whole).next() {
        Some((PolicyEvaluationDecisionType::Allowed, _)) => Held::Yes,
        Some((_, false)) => open("a condition in your policies needs what IAM can't simulate"),
        Some((PolicyEvaluationDecisionType::ExplicitDeny, true)) => Held::No,
        Some((PolicyEvaluationDecisionType::ImplicitDeny, true)) if action.starts_with("iam:") => Held::No,
        Some(_) => open("no policy of yours allows it, and the repository's own may"),
        None => open("IAM's simulator said nothing of it"),
    }
}
