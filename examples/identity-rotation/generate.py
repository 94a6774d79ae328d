#!/usr/bin/env python3
"""Writes fleet.snapshot.json: three EKS clusters after a node role was re-created, an AKS cluster after its kubelet
identity was replaced, and a GKE cluster after its node account was made anew. With --before it writes the same fleet a week earlier, before.snapshot.json.

Everything in it is made up. Run it after changing it:
./generate.py > fleet.snapshot.json; ./generate.py --before > before.snapshot.json
"""

import json
import sys

import azure
import google_cloud

PLATFORM, SHARED, DATA = "111122223333", "222233334444", "444455556666"
EU, US = "eu-central-1", "us-west-2"
PULL = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
PULL_ONLY = "arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryPullOnly"
WORKER = "arn:aws:iam::aws:policy/AmazonEKSWorkerNodePolicy"
BOUNDARY = f"arn:aws:iam::{DATA}:policy/data-boundary"

DEAD_ID, LIVE_ID = "AROAEXAMPLEDEADPAYX7Q", "AROAEXAMPLELIVEPAYM2D"


def document(*statements):
    return {"got": {"text": json.dumps({"Version": "2012-10-17", "Statement": list(statements)})}}


def allow(actions, resource=None, principal=None, sid=None):
    statement = {"Effect": "Allow", "Action": actions}
    if sid:
        statement = {"Sid": sid, **statement}
    if principal:
        statement["Principal"] = {"AWS": principal}
    if resource:
        statement["Resource"] = resource
    return statement


def role_arn(account, name):
    return f"arn:aws:iam::{account}:role/{name}"


class Fleet:
    def __init__(self, before=False):
        self.before = before
        self.clusters, self.workloads = [], []
        self.tables, self.azure, self.google = {}, {}, {}

    def put(self, table, key, reading):
        self.tables.setdefault(table, {})[key] = reading

    def role(self, account, name, role_id, attached, boundary=None, inline=()):
        role = {"arn": role_arn(account, name), "roleId": role_id}
        if boundary:
            role["boundary"] = boundary
        key = f"{account}/{name}"
        self.put("roles", key, {"got": role})
        self.put("attachedPolicies", key, {"got": attached})
        self.put("inlinePolicyNames", key, {"got": [policy for policy, _ in inline]})
        for policy, statement in inline:
            self.put("inlinePolicies", f"{key}/{policy}", document(statement))

    def repository(self, account, region, name, tags, policy=None, unread=False):
        key = f"{account}/{region}/{name}"
        self.put("repositories", key, {"got": {"arn": f"arn:aws:ecr:{region}:{account}:repository/{name}"}})
        if unread:
            reading = {
                "unread": {
                    "unread": {
                        "reading": f"repository policy of {name} ({account} {region})",
                        "permission": "ecr:GetRepositoryPolicy",
                        "scope": f"account {account}",
                        "assumable": False,
                        "obstacle": "refused",
                    }
                }
            }
            self.put("repositoryPolicies", key, reading)
        else:
            self.put("repositoryPolicies", key, document(*policy) if policy else "absent")
        for number, tag in enumerate(tags):
            digest = "sha256:" + f"{sum(map(ord, name)) * 7919 + number:x}".rjust(64, "0")
            self.put("images", f"{key}:{tag}", {"got": {"digest": digest, "pushedAt": "2026-11-09T08:00:00Z"}})

    def registry(self, account, region, reader):
        key = f"{account}/{region}"
        self.put("registryPolicies", key, "absent")
        self.put("accountSettings", key, {"got": {"registryPolicyScope": "V2"}})
        self.put("pullThroughRules", key, {"got": []})
        arn = f"arn:aws:sts::{account}:assumed-role/pullaudit/audit"
        self.put("readers", account, {"got": {"arn": arn}} if reader else "absent")

    def cluster(self, account, region, name, pools):
        cluster = f"arn:aws:eks:{region}:{account}:cluster/{name}"
        self.clusters.append({
            "id": cluster,
            "provider": "eks",
            "name": name,
            "location": region,
            "scope": account,
            "endpoint": f"https://EXAMPLE{len(self.clusters)}.gr7.{region}.eks.amazonaws.com",
            "reachable": True,
            "pools": [dict(pool, cluster=cluster) for pool in pools],
        })
        return cluster

    def workload(self, cluster, namespace, kind, name, pools, images, running=None, failing=None, secrets=()):
        containers = [
            {"name": container, "type": "container", "image": image}
            for container, image in zip(("app", "sidecar", "agent"), images)
        ]
        pods = {}
        for pool in running or ():
            pods.setdefault(pool, {}).update({image: "running" for image in images})
        for pool in failing or ():
            pods.setdefault(pool, {}).update({images[0]: "failing"})
        workload = {
            "cluster": cluster,
            "namespace": namespace,
            "kind": kind,
            "name": name,
            "containers": containers,
            "pullSecrets": list(secrets),
            "pools": pools,
            "serviceAccount": "default",
        }
        if kind == "DaemonSet":
            workload["everyPool"] = True
        if pods:
            workload["pods"] = pods
        self.workloads.append(workload)

    def snapshot(self):
        return {
            "schema": "pullaudit/snapshot/1",
            "takenAt": "2026-11-17T14:02:11Z" if self.before else "2026-11-25T14:02:11Z",
            "clusters": sorted(self.clusters, key=lambda cluster: cluster["id"]),
            "workloads": sorted(
                self.workloads, key=lambda one: (one["cluster"], one["namespace"], one["kind"], one["name"])
            ),
            "secrets": {},
            "facts": {"aks": self.azure, "eks": self.tables, "gke": self.google},
            "gaps": [],
            "calls": {
                "arm": {"operations": 17, "attempts": 17},
                "artifactregistry": {"operations": 9, "attempts": 9},
                "cloudresourcemanager": {"operations": 5, "attempts": 5},
                "container": {"operations": 1, "attempts": 1},
                "ecr": {"operations": 61, "attempts": 61},
                "eks": {"operations": 24, "attempts": 24},
                "iam": {"operations": 47, "attempts": 48},
                "kubernetes": {"operations": 45, "attempts": 45},
                "serviceusage": {"operations": 1, "attempts": 1},
                "sts": {"operations": 3, "attempts": 3},
            },
        }


def pool(name, account, role, arch="amd64", kind="nodeRole", nodes=3, takes=()):
    labels = {"eks.amazonaws.com/nodegroup": name}
    result = {
        "name": name,
        "identity": {"got": {"kind": kind, "id": role_arn(account, role), "name": role}},
        "shape": {
            "labels": {key: [value] for key, value in labels.items()},
            "taints": [],
            "os": "linux",
            "arch": [arch],
            "nodes": nodes,
        },
        "nodeLabels": labels,
        "takes": list(takes),
    }
    if takes:
        result["nodeLabels"], result["shape"]["labels"], result["shape"]["nodes"] = {}, {}, 0
    return result


def host(account, region):
    return f"{account}.dkr.ecr.{region}.amazonaws.com"


def build(before=False):
    fleet = Fleet(before)
    shared, platform = host(SHARED, EU), host(PLATFORM, EU)

    pay = fleet.cluster(PLATFORM, EU, "pay-euc1", [
        pool("batch", PLATFORM, "pay-batch", nodes=2),
        pool("general", PLATFORM, "pay-general", nodes=6),
        pool("jobs", PLATFORM, "pay-fargate", kind="podExecutionRole",
             takes=[{"namespace": "jobs", "labels": {}}]),
    ])
    shop = fleet.cluster(PLATFORM, EU, "shop-euc1", [
        pool("gpu", PLATFORM, "shop-gpu", nodes=0),
        pool("web", PLATFORM, "shop-web", arch="arm64", nodes=9),
        pool("workers", PLATFORM, "shop-workers", nodes=4),
    ])
    data = fleet.cluster(DATA, US, "data-usw2", [
        pool("etl", DATA, "data-etl", nodes=5),
        pool("(self-managed data-ingest)", DATA, "data-ingest", nodes=2),
    ])

    # The re-created role: its own policies came back with it, the repository policies still name the old id.
    fleet.role(PLATFORM, "pay-general", DEAD_ID if before else LIVE_ID, [PULL_ONLY, WORKER])
    fleet.role(PLATFORM, "pay-batch", "AROAEXAMPLEPAYBATCH01", [PULL_ONLY, WORKER])
    fleet.role(PLATFORM, "pay-fargate", "AROAEXAMPLEPAYFARGATE", [PULL_ONLY])
    fleet.role(PLATFORM, "shop-web", "AROAEXAMPLESHOPWEB001", [PULL_ONLY, WORKER])
    fleet.role(PLATFORM, "shop-workers", "AROAEXAMPLESHOPWORK01", [PULL_ONLY, WORKER])
    fleet.role(PLATFORM, "shop-gpu", "AROAEXAMPLESHOPGPU001", [PULL_ONLY, WORKER])
    fleet.role(DATA, "data-etl", "AROAEXAMPLEDATAETL001", [PULL_ONLY, WORKER], boundary=BOUNDARY)
    token = allow("ecr:GetAuthorizationToken", "*")
    pull = allow(PULL, f"arn:aws:ecr:{US}:{DATA}:repository/ingest/*")
    fleet.role(DATA, "data-ingest", "AROAEXAMPLEDATAINGEST", [WORKER], inline=[("token", token), ("pull", pull)])

    pull_actions = ["ecr:GetAuthorizationToken", *PULL]
    fleet.put("policies", PULL_ONLY, document(allow([*pull_actions, "ecr:BatchImportUpstreamImage"], "*")))
    fleet.put("policies", WORKER, document(allow(["ec2:DescribeInstances", "eks:DescribeCluster"], "*")))
    # The boundary was written for S3 and logs; nobody thought of the image pull.
    fleet.put("policies", BOUNDARY, document(allow(["s3:*", "logs:*", "ecr:GetAuthorizationToken"], "*")))

    fleet.registry(PLATFORM, EU, reader=True)
    fleet.registry(SHARED, EU, reader=True)
    fleet.registry(DATA, US, reader=True)

    tags = ["8.4.0", "8.5.0"]
    batch = role_arn(PLATFORM, "pay-batch")
    for name in ("ledger/api", "ledger/worker", "ledger/report"):
        fleet.repository(SHARED, EU, name, tags, [allow(PULL, principal=[DEAD_ID, batch], sid="PullFromPay")])
    everyone = [role_arn(PLATFORM, role) for role in ("pay-general", "pay-batch", "pay-fargate", "shop-web")]
    for name in ("base/nginx", "base/otel", "base/fluent-bit"):
        fleet.repository(SHARED, EU, name, ["2026.11"], [allow(PULL, principal=everyone, sid="PullBase")])
    for name in ("pay/gateway", "pay/settle", "pay/fraud", "pay/ui", "shop/cart", "shop/search", "shop/checkout",
                 "shop/mail", "shop/images"):
        fleet.repository(PLATFORM, EU, name, ["1.9.2", "1.9.3"])
    for name in ("etl/loader", "etl/transform", "ingest/kafka", "ingest/http"):
        fleet.repository(DATA, US, name, ["3.1"])
    fleet.repository(DATA, US, "ml/train", ["0.7"], unread=True)

    ledger = [f"{shared}/ledger/{part}:8.4.0" for part in ("api", "worker", "report")]
    fleet.workload(pay, "ledger", "Deployment", "ledger-api", ["general"], [ledger[0]],
                   running=["general"], failing=["general"])
    fleet.workload(pay, "ledger", "Deployment", "ledger-worker", ["general"], [ledger[1]], failing=["general"])
    for name in ("report-eu", "report-us", "report-ap", "audit-trail", "exporter"):
        fleet.workload(pay, "ledger", "Deployment", name, ["general"], [ledger[2]], running=["general"])
    fleet.workload(pay, "ledger", "CronJob", "close-day", ["batch", "general"], [ledger[1]])
    fleet.workload(pay, "ledger", "CronJob", "close-month", ["batch", "general"], [ledger[2]])
    for name in ("gateway", "settle", "fraud", "ui"):
        for color in ("blue", "green"):
            fleet.workload(pay, "pay", "Deployment", f"{name}-{color}", ["batch", "general"],
                           [f"{platform}/pay/{name}:1.9.2", f"{shared}/base/otel:2026.11"], running=["general"])
    for number in range(4):
        fleet.workload(pay, "jobs", "CronJob", f"reconcile-{number}", ["jobs"], [f"{platform}/pay/settle:1.9.3"])

    for cluster, pools in ((pay, ["batch", "general"]), (shop, ["web"])):
        fleet.workload(cluster, "kube-system", "DaemonSet", "fluent-bit", pools,
                       [f"{shared}/base/fluent-bit:2026.11"], running=pools)
        fleet.workload(cluster, "kube-system", "Deployment", "metrics-server", pools,
                       ["registry.k8s.io/metrics-server/metrics-server:v0.8.0"], running=pools[:1])

    for name in ("cart", "search", "checkout", "mail", "images"):
        fleet.workload(shop, "shop", "Deployment", name, ["web", "workers"], [f"{platform}/shop/{name}:1.9.3"],
                       running=["web", "workers"])
        fleet.workload(shop, "shop", "Deployment", f"{name}-canary", ["web", "workers"],
                       [f"{platform}/shop/{name}:1.9.2"])
    # The other half of cross-account: workers may pull by their own policy, the owner never let them in.
    for name in ("edge-cache", "static", "thumbnails"):
        fleet.workload(shop, "shop", "Deployment", name, ["workers"], [f"{shared}/base/nginx:2026.11"],
                       running=["workers"])
    for name in ("train", "evaluate"):
        fleet.workload(shop, "ml", "Job", name, ["gpu"], [f"{host(DATA, US)}/ml/train:0.7"])
    fleet.workload(shop, "ml", "Deployment", "notebook", [], [f"{platform}/shop/search:1.9.3"])
    fleet.workload(shop, "shop", "Deployment", "promo", ["web"], [f"{platform}/Shop/promo:latest"])

    for name in ("loader", "transform"):
        for region in ("eu", "us", "ap"):
            fleet.workload(data, "etl", "CronJob", f"{name}-{region}", ["etl"],
                           [f"{host(DATA, US)}/etl/{name}:3.1"], running=["etl"])
    for name in ("kafka", "http"):
        for lane in ("fast", "bulk"):
            fleet.workload(data, "ingest", "StatefulSet", f"{name}-{lane}", ["(self-managed data-ingest)"],
                           [f"{host(DATA, US)}/ingest/{name}:3.1"], running=["(self-managed data-ingest)"])
    fleet.workload(data, "tools", "Deployment", "redis", ["(self-managed data-ingest)", "etl"], ["redis:7.4"],
                   running=["etl"])
    fleet.workload(data, "tools", "Deployment", "vendor-agent", ["(self-managed data-ingest)", "etl"],
                   ["ghcr.io/vendor/agent:2"], secrets=["vendor-login"], running=["etl"])
    fleet.azure = azure.add_to(fleet)
    fleet.google = google_cloud.add_to(fleet)
    return fleet.snapshot()


if __name__ == "__main__":
    json.dump(build("--before" in sys.argv), sys.stdout, indent=2)
    sys.stdout.write("\n")
