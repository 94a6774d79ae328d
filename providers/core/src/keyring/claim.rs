//! A keyring as one claim: does any of its attempts pull?

use super::{Attempt, Credential, Keyring};
use crate::{Claim, Code, CoreFinding, Open};
use std::collections::BTreeSet;

/// The pull as one claim: it holds when one attempt does. `weigh` says what is known of a credential at
/// the registry; it is asked for identities and for requests without a login, never for a pull secret,
/// whose login nobody tries. Its `None` is an open fact: not collected, or which identity it is.
pub fn pull_claim(keyring: &Keyring, mut weigh: impl FnMut(&Credential) -> Option<Claim>) -> Claim {
    claim_of(keyring, &mut weigh)
}

type Weigh<'a> = dyn FnMut(&Credential) -> Option<Claim> + 'a;

fn claim_of(keyring: &Keyring, weigh: &mut Weigh<'_>) -> Claim {
    match keyring {
        Keyring::Attempts(attempts) => {
            let unread_secrets = unread_secrets(attempts);
            Claim::Any(attempts.iter().map(|attempt| attempt_claim(attempt, &unread_secrets, weigh)).collect())
        }
        Keyring::Broken { secret, defect } => Claim::no(
            CoreFinding::PullSecretBroken.code(),
            format!("pull secret {secret}"),
            format!("The kubelet can't parse it and fails the pod: {defect}."),
        ),
        Keyring::OneOf { why, cases } => {
            let cases = cases.iter().map(|case| claim_of(case, weigh)).collect();
            Claim::OneOf { why: why.clone(), cases }
        }
    }
}

/// What keeps a pull secret's attempt uncertain; whatever else hangs on it is the secret's finding too.
fn unread_secrets(attempts: &[Attempt]) -> BTreeSet<&Open> {
    let of_secret = |attempt: &&Attempt| matches!(attempt.credential, Credential::Secret(_));
    attempts.iter().filter(of_secret).filter_map(|attempt| attempt.maybe.as_ref()).collect()
}

fn attempt_claim(attempt: &Attempt, unread_secrets: &BTreeSet<&Open>, weigh: &mut Weigh<'_>) -> Claim {
    let claim = match &attempt.credential {
        Credential::Secret(name) => unjudged(name),
        credential => weigh(credential).unwrap_or_else(|| unweighed(credential)),
    };
    let Some(open) = &attempt.maybe else { return claim };
    let code =
        if unread_secrets.contains(open) { CoreFinding::PullSecretUnjudged } else { CoreFinding::IdentityUnread };
    Claim::All(vec![whether_tried(code.code(), &attempt.credential, open), claim])
}

fn whether_tried(code: Code, credential: &Credential, open: &Open) -> Claim {
    let detail = "It is not known whether the kubelet tries this credential.";
    Claim::open(code, source(credential), detail, vec![open.clone()])
}

fn unjudged(name: &str) -> Claim {
    let open = Open::undecidable(format!(
        "whether the registry accepts the login of pull secret {name}: pullaudit never logs in with a workload's secret"
    ));
    let detail = "The kubelet tries its login; what that may pull can't be read from rights.";
    Claim::open(CoreFinding::PullSecretUnjudged.code(), format!("pull secret {name}"), detail, vec![open])
}

fn unweighed(credential: &Credential) -> Claim {
    let source = source(credential);
    if let Credential::Unidentified(open) = credential {
        let detail = "The reading that names the identity is missing.";
        return Claim::open(CoreFinding::IdentityUnread.code(), source, detail, vec![open.clone()]);
    }
    let open = Open::undecidable(format!("whether {source} may pull: nothing was read that answers this"));
    Claim::open(CoreFinding::NotCollected.code(), source, "Nothing was read about what it may pull.", vec![open])
}

fn source(credential: &Credential) -> String {
    match credential {
        Credential::Principal(principal) => format!("{} {}", principal.kind.describe(), principal.name),
        Credential::Secret(name) => format!("pull secret {name}"),
        Credential::Anonymous => "a request without a login".to_owned(),
        Credential::Unidentified(_) => "the node's own identity".to_owned(),
    }
}
