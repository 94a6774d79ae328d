//! AWS, on the emulator: the node role of `shop` was created again without its right to pull. The other registry is
//! of an account that nobody here may look into.

use super::servers::aws::{Aws, Keys, Pair, start};
use super::servers::proxy::Proxy;
use super::{Ground, Step};
use serde_json::{Value, json};

const ACCOUNT: &str = "111122223333";
const REGION: &str = "us-east-1";

/// What is run, and how it ends.
const STEPS: [Step; 8] = [
    ("What is broken?", "audit --provider eks --region us-east-1 -f apps.yaml", 2),
    ("What would repair it?", "fix --provider eks --region us-east-1 -f apps.yaml --dry-run", 2),
    (
        "Repair it.",
        "fix --provider eks --region us-east-1 -f apps.yaml --yes --receipt-out repair.receipt.json",
        0,
    ),
    ("Is all well now?", "audit --provider eks --region us-east-1 -f apps.yaml", 0),
    ("A second run finds nothing to do.", "fix --provider eks --region us-east-1 -f apps.yaml --yes", 0),
    (
        "What the owner alone can repair is held back, with what to ask for.",
        "fix --provider eks --region us-east-1 --image 999988887777.dkr.ecr.us-east-1.amazonaws.com/agent:3.1.4 --yes",
        2,
    ),
    ("Take it back.", "undo repair.receipt.json --yes", 0),
    ("It is as it was.", "audit --provider eks --region us-east-1 -f apps.yaml", 2),
];

/// The emulator behind a proxy that has AWS's own answers where the emulator has none.
struct Emulator {
    aws: Aws,
    proxy: Proxy,
}

/// The error says what is missing and which command brings it.
pub(super) fn ground() -> Result<Box<dyn Ground>, String> {
    let aws = start(&fixture()).map_err(|skipped| format!("the AWS part needs the emulator: {skipped}"))?;
    let proxy = aws.account();
    Ok(Box::new(Emulator { aws, proxy }))
}

impl Ground for Emulator {
    fn name(&self) -> &'static str {
        "AWS"
    }

    fn provider(&self) -> &'static str {
        "eks"
    }

    fn environment(&self) -> Vec<(String, String)> {
        let environment = Keys::root(ACCOUNT).environment(&self.proxy.endpoint(), REGION);
        environment.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    fn apps(&self) -> &'static str {
        include_str!("aws.yaml")
    }

    fn steps(&self) -> &'static [Step] {
        &STEPS
    }

    /// Whether the role itself may pull, since the emulator enforces what its policies say.
    fn state(&self) -> String {
        let pair = |name| Pair::new(&format!("arn:aws:iam::{ACCOUNT}:role/shop-nodes"), ACCOUNT, name);
        format!("{:?}", self.aws.ask(&["shop/cart", "billing/settle"].map(pair)))
    }

    fn strangers(&self) -> Vec<String> {
        self.proxy.strangers()
    }
}

fn fixture() -> Value {
    let nodes = json!({ "Version": "2012-10-17", "Statement": [
        { "Effect": "Allow", "Action": "ec2:Describe*", "Resource": "*" }] });
    json!({ "accounts": { ACCOUNT: {
        "roles": { "shop-nodes": { "recreate": true, "inline": { "nodes": nodes } } },
        "repositories": { REGION: {
            "shop/cart": { "images": ["1.0", "5.1.0"] }, "billing/settle": { "images": ["1.0", "2.7.3"] } } },
        "clusters": { REGION: { "shop": {
            "accessConfig": { "authenticationMode": "API" },
            "nodegroups": { "apps": { "nodeRole": "shop-nodes" } },
            "accessEntries": [{ "principalArn": "shop-nodes", "type": "EC2_LINUX" }] } } },
    } } })
}
