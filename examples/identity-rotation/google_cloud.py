"""The Google part of the fleet: a GKE cluster, before or after its node account was deleted and created again."""

CLUSTERS, IMAGES = "acme-run", "acme-images"
NUMBERS = {CLUSTERS: "700000000001", IMAGES: "700000000002"}
NODES = f"gke-nodes@{CLUSTERS}.iam.gserviceaccount.com"
BATCH = f"gke-batch@{CLUSTERS}.iam.gserviceaccount.com"
COMPUTE = f"{NUMBERS[CLUSTERS]}-compute@developer.gserviceaccount.com"
OLD_UID, NEW_UID = "104000000000000000001", "104000000000000000002"
READER = "roles/artifactregistry.reader"
SCOPES = "https://www.googleapis.com/auth/"
ANCESTORS = (f"projects/{IMAGES}", "folders/510000000001", "organizations/910000000001")
HOST = "europe-west4-docker.pkg.dev"


def repository_id(name):
    return f"projects/{IMAGES}/locations/europe-west4/repositories/{name}"


def account(email):
    return f"serviceAccount:{email}"


def binding(role, *members, until=None):
    result = {"role": role, "members": list(members)}
    if until:
        result["condition"] = {"title": "until", "expression": f'request.time < timestamp("{until}")'}
    return result


def policy(*bindings, version=1):
    return {"got": {"version": version, "etag": "BwYexample=", "bindings": list(bindings)}}


class Facts:
    """What Google's APIs said of one project's repositories and of the accounts that pull from them."""

    def __init__(self, uid):
        self.tables = {}
        number = NUMBERS[IMAGES]
        self.put("projects", IMAGES, {"got": {
            "name": f"projects/{number}", "projectId": IMAGES, "state": "ACTIVE"}})
        kinds = {"projects": "project", "folders": "folder", "organizations": "organization"}
        chain = [dict(zip(("kind", "id"), ancestor.split("/"))) for ancestor in ANCESTORS]
        self.put("ancestry", IMAGES, {"got": {"ancestor": [
            {"resourceId": {"type": kinds[one["kind"]], "id": one["id"]}} for one in chain]}})
        self.put("services", IMAGES, {"got": {
            "name": f"projects/{number}/services/artifactregistry.googleapis.com", "state": "ENABLED"}})
        for ancestor in ANCESTORS:
            self.put("policies", ancestor, policy())
            self.put("denyPolicyLists", ancestor, {"got": []})
        for email, uid in ((NODES, uid), (BATCH, "104000000000000000003"), (COMPUTE, "104000000000000000004")):
            self.put("serviceAccounts", email, {"got": {"email": email, "uniqueId": uid, "projectId": CLUSTERS}})

        self.boundaries()

    def boundaries(self):
        """Where the accounts live: nothing is bound in their project, and the organization's bindings were refused."""
        organization = ANCESTORS[-1]
        for home in (CLUSTERS, NUMBERS[CLUSTERS]):
            self.put("projects", home, {"got": {
                "name": f"projects/{NUMBERS[CLUSTERS]}", "projectId": CLUSTERS, "state": "ACTIVE"}})
            self.put("ancestry", home, {"got": {"ancestor": [
                {"resourceId": {"type": "project", "id": CLUSTERS}},
                {"resourceId": {"type": "organization", "id": organization.split("/")[1]}}]}})
            self.put("accessBoundaryBindings", f"projects/{home}", {"got": []})
        self.put("accessBoundaryBindings", organization, {"unread": {"unread": {
            "reading": f"principal access boundaries of {organization}",
            "permission": "resourcemanager.organizations.searchPolicyBindings",
            "scope": organization, "assumable": False, "obstacle": "refused"}}})

    def put(self, table, key, reading):
        self.tables.setdefault(table, {})[key] = reading

    def repository(self, name, *bindings, version=1):
        key = repository_id(name)
        self.put("repositories", key, {"got": {"name": key, "format": "DOCKER", "mode": "STANDARD_REPOSITORY"}})
        self.put("repositoryPolicies", key, policy(*bindings, version=version))
        self.put("rules", key, {"got": []})


def pool(cluster, name, nodes, email, scopes):
    labels = {"cloud.google.com/gke-nodepool": name} if nodes else {}
    return {
        "cluster": cluster, "name": name,
        "identity": {"got": {"kind": "nodeServiceAccount", "id": email, "name": email}},
        "shape": {"labels": {key: [value] for key, value in labels.items()}, "taints": [], "os": "linux",
                  "arch": ["amd64"], "nodes": nodes},
        "nodeLabels": labels, "takes": [],
        "vantage": {"scopes": [SCOPES + scope for scope in scopes]},
        "federation": (f"principal://iam.googleapis.com/projects/{NUMBERS[CLUSTERS]}/locations/global"
                       f"/workloadIdentityPools/{CLUSTERS}.svc.id.goog/subject/"),
    }


def add_to(fleet):
    """Adds the cluster, its workloads and the facts about its repositories."""
    cluster = f"projects/{CLUSTERS}/locations/europe-west4/clusters/data-ew4"
    fleet.clusters.append({
        "id": cluster, "provider": "gke", "name": "data-ew4", "location": "europe-west4", "scope": CLUSTERS,
        "endpoint": "https://192.0.2.44", "reachable": True,
        "pools": [
            pool(cluster, "apps", 6, NODES, ["cloud-platform"]),
            pool(cluster, "batch", 2, BATCH, ["logging.write", "monitoring"]),
            pool(cluster, "(new nodes)", 0, COMPUTE, ["cloud-platform"]),
        ],
    })
    facts = Facts(OLD_UID if fleet.before else NEW_UID)
    # Terraform made the account anew; the bindings kept the id of the one before.
    former = account(NODES) if fleet.before else f"deleted:serviceAccount:{NODES}?uid={OLD_UID}"
    builds = account(f"builds@{IMAGES}.iam.gserviceaccount.com")
    facts.repository("apps", binding(READER, former), binding("roles/artifactregistry.writer", builds))
    facts.repository("base", binding(READER, account(NODES), account(BATCH), account(COMPUTE)))
    facts.repository("ml", binding(READER, account(NODES), until="2027-03-01T00:00:00Z"),
                     binding(READER, "group:gke-pullers@acme.example"), version=3)

    for name in ("loader", "api", "web"):
        fleet.workload(cluster, "data", "Deployment", name, ["apps"], [f"{HOST}/{IMAGES}/apps/{name}:3.2"],
                       running=["apps"], failing=["apps"] if name == "api" else ())
    fleet.workload(cluster, "data", "CronJob", "nightly", ["batch"], [f"{HOST}/{IMAGES}/base/etl:2"])
    fleet.workload(cluster, "ml", "Deployment", "serve", ["apps", "(new nodes)"], [f"{HOST}/{IMAGES}/ml/serve:9"],
                   running=["apps"])
    return facts.tables
