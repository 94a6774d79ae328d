"""The Azure part of the fleet: an AKS cluster, before or after its kubelet identity was replaced."""

SUBSCRIPTION = "11111111-aaaa-4bbb-8ccc-000000000001"
OLD = "1f0d0c6e-3b7a-4f0e-9b57-6f2f5a8d22c4"
NEW = "7c1e5a90-8d14-4c6b-a1a0-2f4b77d090ab"
GITOPS = "5b9c7e21-0f6d-4f55-8b8e-0a9d3c1e7f10"
ACR_PULL = "7f951dda-4ed3-4680-a7ca-43fe172d538d"
READER = "b93aa761-3e63-49ed-ac28-beffa264f7ac"
PULL = "Microsoft.ContainerRegistry/registries/pull/read"
CONTENT = "Microsoft.ContainerRegistry/registries/repositories/content/read"
METADATA = "Microsoft.ContainerRegistry/registries/repositories/metadata/read"


def registry_id(name):
    return (f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-acr/providers/Microsoft.ContainerRegistry"
            f"/registries/{name}")


def assignment(number, registry, principal, role, condition=None):
    guid = f"a5510000-0000-4000-8000-{number:012d}"
    properties = {
        "scope": registry_id(registry),
        "roleDefinitionId": f"/providers/Microsoft.Authorization/roleDefinitions/{role}",
        "principalId": principal,
        "principalType": "ServicePrincipal",
    }
    if condition:
        properties |= {"condition": condition, "conditionVersion": "2.0"}
    scope = registry_id(registry)
    return {"id": f"{scope}/providers/Microsoft.Authorization/roleAssignments/{guid}", "name": guid,
            "properties": properties}


def role(guid, name, actions=(), data=()):
    permission = {"actions": list(actions), "notActions": [], "dataActions": list(data), "notDataActions": []}
    return {"got": {"name": guid, "properties": {"roleName": name, "type": "BuiltInRole",
                                                 "permissions": [permission]}}}


def deny():
    scope = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-acr"
    return {
        "id": f"{scope}/providers/Microsoft.Authorization/denyAssignments/d0000000-0000-4000-8000-000000000001",
        "name": "d0000000-0000-4000-8000-000000000001",
        "properties": {
            "denyAssignmentName": "mrg-lock",
            "scope": registry_id("acmebase"),
            "permissions": [{"actions": ["*"], "notActions": [], "dataActions": [], "notDataActions": []}],
            "principals": [{"id": "00000000-0000-0000-0000-000000000000", "type": "SystemDefined"}],
            "excludePrincipals": [{"id": GITOPS, "type": "ServicePrincipal"}],
        },
    }


def only(*repositories):
    names = " OR ".join(
        f"@Request[Microsoft.ContainerRegistry/registries/repositories:name] StringEqualsIgnoreCase '{name}'"
        for name in repositories)
    return f"((!(ActionMatches{{'{CONTENT}'}}) AND !(ActionMatches{{'{METADATA}'}})) OR ({names}))"


class Facts:
    """What Resource Manager said of three registries."""

    def __init__(self, puller):
        self.puller = puller
        self.tables = {"registries": {SUBSCRIPTION: {"got": []}}}
        tenant = "7e0a0000-0000-4000-8000-000000000001"
        self.put("subscriptions", "", {"got": [{"subscriptionId": SUBSCRIPTION, "tenantId": tenant}]})
        self.put("roleDefinitions", ACR_PULL, role(ACR_PULL, "AcrPull", [PULL]))
        self.put("roleDefinitions", READER,
                 role(READER, "Container Registry Repository Reader", data=[CONTENT, METADATA]))

    def put(self, table, key, reading):
        self.tables.setdefault(table, {})[key] = reading

    def registry(self, name, mode, held, denies=()):
        properties = {"loginServer": f"{name}.azurecr.io", "roleAssignmentMode": mode,
                      "publicNetworkAccess": "Enabled"}
        self.tables["registries"][SUBSCRIPTION]["got"].append(
            {"id": registry_id(name), "name": name, "location": "westeurope", "properties": properties})
        key = registry_id(name).lower()
        self.put("roleAssignmentsAtScope", key, {"got": held})
        mine = [one for one in held if one["properties"]["principalId"] == self.puller]
        self.put("roleAssignments", f"{key}|{self.puller}", {"got": mine})
        self.put("denyAssignments", key, {"got": list(denies)})
        self.put("cacheRules", key, {"got": []})


def pools(cluster, identity):
    result = []
    for name, nodes in (("system", 3), ("apps", 8), ("spot", 2)):
        labels = {"kubernetes.azure.com/agentpool": name}
        result.append({
            "cluster": cluster, "name": name, "identity": {"got": identity},
            "shape": {"labels": {key: [value] for key, value in labels.items()}, "taints": [], "os": "linux",
                      "arch": ["amd64"], "nodes": nodes},
            "nodeLabels": labels, "takes": [],
        })
    return result


def add_to(fleet):
    """Adds the cluster, its workloads and the facts about its registries."""
    puller, name = (OLD, "aks-kubelet-a") if fleet.before else (NEW, "aks-kubelet-b")
    cluster = (f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-prod/providers"
               "/Microsoft.ContainerService/managedClusters/prod-weu-1")
    fleet.clusters.append({
        "id": cluster, "provider": "aks", "name": "prod-weu-1", "location": "westeurope", "scope": SUBSCRIPTION,
        "endpoint": "https://prod-weu-1-example.hcp.westeurope.azmk8s.io", "reachable": True,
        "pools": pools(cluster, {"kind": "kubelet", "id": puller, "name": name}),
    })
    facts = Facts(puller)
    facts.put("principals", puller, {"got": {"id": puller, "displayName": name, "accountEnabled": True,
                                             "servicePrincipalType": "ManagedIdentity"}})
    if not fleet.before:
        facts.put("principals", OLD, "absent")
    legacy, abac = "LegacyRegistryPermissions", "AbacRepositoryPermissions"
    facts.registry("acmeprod", legacy, [assignment(1, "acmeprod", OLD, ACR_PULL)])
    facts.registry("acmebase", legacy, [assignment(2, "acmebase", OLD, ACR_PULL)], [deny()])
    # Whoever replaced the identity thought of the newest registry, and of two of its repositories.
    facts.registry("acmetools", abac, [assignment(3, "acmetools", puller, READER, only("ops/agent", "ops/proxy"))])

    apps = ["apps", "spot"]
    for name in ("cart", "search", "checkout"):
        fleet.workload(cluster, "web", "Deployment", name, apps, [f"acmeprod.azurecr.io/{name}:5.1.0"],
                       running=["apps"], failing=["apps"] if name == "cart" else ())
    fleet.workload(cluster, "billing", "CronJob", "settle", apps, ["acmeprod.azurecr.io/settle:2.0"])
    fleet.workload(cluster, "web", "Deployment", "edge", apps, ["acmebase.azurecr.io/nginx:1.29"],
                   running=["apps"])
    fleet.workload(cluster, "ops", "DaemonSet", "agent", ["apps", "spot", "system"],
                   ["acmetools.azurecr.io/ops/agent:7"], running=["apps", "spot", "system"])
    fleet.workload(cluster, "ops", "Deployment", "proxy", ["system"], ["acmetools.azurecr.io/ops/proxy:3"],
                   running=["system"])
    return facts.tables
