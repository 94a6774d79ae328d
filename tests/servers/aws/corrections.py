"""What the emulator gets wrong and a test would stumble over, put right in the running process.

Two rules. A correction closes a gap of *state or of reach* (a document that is missing, an account
that cannot be named, an answer that AWS would give as an error). How the emulator *decides* is left
alone, because a test compares our verdicts with it: where it decides otherwise than AWS documents,
GAPS.md says so instead.
"""

import contextvars
import importlib.util
import json
import runpy
import urllib.parse
import uuid
from pathlib import Path

from ministack.core import iam_actions, iam_evaluator
from ministack.core.responses import (
    AccountRegionScopedDict,
    error_response_json,
    get_account_id,
    get_region,
    set_request_account_id,
)
from ministack.services import ec2, ecr, eks, iam


def apply():
    """Makes every correction. Called once, before the first request."""
    managed_policies()
    other_accounts_registries()
    parts_of_clusters()
    missing_images()
    cluster_fields()
    access_entry_types()
    fargate_profiles()
    pages()
    instances_by_id()
    parts_of_accounts()


def managed_policies():
    """Gap: of some 1,500 AWS-managed policies the emulator knows a few dozen, some without a document.

    The store is replaced as a whole, with the version names AWS uses, so that GetPolicyVersion and
    the enforcement see the true documents and an unknown name is NoSuchEntity.
    """
    # Found without importing moto, whose own dependencies are not installed.
    package = Path(importlib.util.find_spec("moto").origin).parent
    data = runpy.run_path(str(package / "iam" / "aws_managed_policies.py"))["aws_managed_policies_data"]
    iam._aws_managed_policies.clear()
    for name, policy in json.loads(data).items():
        name = policy.get("Path", "/").lstrip("/") + name
        record = iam._make_aws_managed_record(name, json.dumps(policy["Document"]))
        version = {**record["Versions"].pop("v1"), "VersionId": policy["DefaultVersionId"]}
        record["DefaultVersionId"] = policy["DefaultVersionId"]
        record["Versions"][policy["DefaultVersionId"]] = version
        iam._aws_managed_policies[record["Arn"]] = record


# The repositories that the request in hand names, for the calls that name several.
_named = contextvars.ContextVar("named_repositories", default=())

# ECR calls that are checked against a repository (AWS service authorization reference). The others
# (GetAuthorizationToken, DescribeRegistry and so on) name no resource.
_LISTS_REPOSITORIES = "DescribeRepositories"


def other_accounts_registries():
    """Gap: `registryId` is ignored, every call is answered from the caller's own registry.

    The call is checked on the ARN of the owner's repository, so that the caller's identity policy
    *and* the owner's repository policy must allow it, and then answered from the owner's state.
    Root of another account passes only by the repository policy. DescribeRepositories is checked on
    every repository it names instead of on `*`.
    """
    resource_arn, enforce, handle = (
        iam_actions.extract_resource_arn,
        iam_evaluator.enforce,
        ecr.handle_request,
    )

    def arn_of(service, method, path, headers, body, params, region, account):
        _named.set(())
        if service != "ecr":
            return resource_arn(service, method, path, headers, body, params, region, account)
        action = headers.get("x-amz-target", "").rpartition(".")[2]
        request = _json(body)
        owner = request.get("registryId") or account
        if request.get("resourceArn"):
            return request["resourceArn"]
        names = [request["repositoryName"]] if request.get("repositoryName") else []
        if action == _LISTS_REPOSITORIES:
            names = request.get("repositoryNames") or ["*"]
        if not names:
            return "*"
        arns = tuple(f"arn:aws:ecr:{region}:{owner}:repository/{name}" for name in names)
        _named.set(arns[1:])
        return arns[0]

    def checked(access_key, action, service, region, resource_arn="*", service_context=None):
        if service != "ecr":
            return enforce(access_key, action, service, region, resource_arn, service_context)
        for arn in (resource_arn, *_named.get()):
            refusal = enforce(access_key, action, service, region, arn, service_context)
            refusal = refusal or _refused_as_foreign_root(access_key, action, region, arn)
            if refusal:
                return refusal
        return None

    def policy_of(arn):
        _, _, _, region, owner, resource = arn.split(":", 5)
        name = resource.partition("repository/")[2]
        if ecr._repositories.get_scoped(owner, region, name) is not None:
            return ecr._repo_policies.get_scoped(owner, region, name) or "", owner
        # Nothing of another account can be had without its policy, not even the word "absent".
        return None if owner == get_account_id() else ("", owner)

    async def answered(method, path, headers, body, params):
        caller = get_account_id()
        request = _json(body)
        owner = request.get("registryId") or request.get("resourceArn", "").split(":")[4:5]
        set_request_account_id("".join(owner) or caller)
        try:
            return await handle(method, path, headers, body, params)
        finally:
            set_request_account_id(caller)

    iam_actions.extract_resource_arn = arn_of
    iam_evaluator.enforce = checked
    ecr.repository_policy_for_arn = policy_of
    ecr.handle_request = answered


def _refused_as_foreign_root(access_key, action, region, arn):
    """The emulator lets root do anything; in another account's registry root is a principal like others."""
    account = get_account_id()
    principal = iam_evaluator.resolve_principal(access_key or "", account)
    is_root = getattr(principal, "type", "") == "Root"
    if not is_root or not arn.startswith("arn:") or arn.split(":")[4] == account:
        return None
    context = iam_evaluator.EvalContext(principal.arn, "Root", account, action, arn, region)
    policy, _ = ecr.repository_policy_for_arn(arn)
    decision = iam_evaluator.evaluate_resource_policy(policy, context).decision
    return None if decision == "Allow" else iam_evaluator.EvalResult(decision, principal.arn)


def missing_images():
    """Gap: DescribeImages leaves out an image that does not exist; AWS fails the whole call."""
    describe = ecr._describe_images

    def described(request):
        name = request.get("repositoryName", "")
        for image in request.get("imageIds") or [] if name in ecr._repositories else []:
            if ecr._find_image(name, image) is None:
                digest, tag = image.get("imageDigest", "null"), image.get("imageTag", "null")
                return error_response_json(
                    "ImageNotFoundException",
                    f"The image with imageId {{imageDigest:'{digest}', imageTag:'{tag}'}} does not exist within "
                    f"the repository with name '{name}' in the registry with id '{get_account_id()}'",
                    400,
                )
        return describe(request)

    ecr._describe_images = described


def cluster_fields():
    """Gap: CreateCluster drops what it does not know (computeConfig), and a cluster's end point leads nowhere.

    A test joins a cluster to its real API server by sending `endpoint` and `certificateAuthority` with CreateCluster
    (seed.py does), and gives it an issuer of AWS's form by `identity`: AWS would refuse the three, so no client can
    send them by accident.
    """
    create = eks._create_cluster
    # The emulator would start k3s in a container; the API server of the tests is another one.
    eks._docker_available = False

    def created(body, creator_arn=None):
        answer = create(body, creator_arn)
        if answer[0] == 200:
            record = eks._clusters[body["name"]]
            own = ("computeConfig", "endpoint", "certificateAuthority", "identity")
            record.update({key: body[key] for key in own if key in body})
            record["status"] = "ACTIVE"
        return answer

    eks._create_cluster = created


# What the service authorization reference checks a part of a cluster on.
_PARTS = {"node-groups": "nodegroup", "fargate-profiles": "fargateprofile", "access-entries": "access-entry"}


def parts_of_clusters():
    """Gap: a call about one node group, Fargate profile or access entry is checked on its cluster."""
    resource_arn = iam_actions.extract_resource_arn

    def arn_of(service, method, path, headers, body, params, region, account):
        arn = resource_arn(service, method, path, headers, body, params, region, account)
        parts = path.strip("/").split("/", 3)
        if service != "eks" or len(parts) < 4 or parts[0] != "clusters" or parts[2] not in _PARTS:
            return arn
        cluster, name = parts[1], urllib.parse.unquote(parts[3])
        if parts[2] == "access-entries":
            # The entry of arn:aws:iam::ACCOUNT:role/NAME is access-entry/CLUSTER/role/ACCOUNT/NAME/ID.
            owner, _, principal = name.partition("iam::")[2].partition(":")
            kind, _, principal = principal.partition("/")
            name = f"{kind}/{owner}/{principal.rpartition('/')[2]}"
        return f"arn:aws:eks:{region}:{account}:{_PARTS[parts[2]]}/{cluster}/{name}/{uuid.uuid4()}"

    iam_actions.extract_resource_arn = arn_of


def access_entry_types():
    """Gap: the newer types of access entry are refused."""
    eks._VALID_ACCESS_ENTRY_TYPES += ("EC2", "HYBRID_LINUX", "HYPERPOD_LINUX")


_fargate = AccountRegionScopedDict()


def fargate_profiles():
    """Gap: no Fargate profiles. Create, describe, list and delete are added; enforcement knows them already."""
    handle = eks.handle_request

    async def answered(method, path, headers, body, params):
        parts = [urllib.parse.unquote(part) for part in path.strip("/").split("/")]
        if len(parts) in (3, 4) and parts[0] == "clusters" and parts[2] == "fargate-profiles":
            return _fargate_profile(method, parts[1], parts[3] if len(parts) == 4 else None, _json(body), params)
        return await handle(method, path, headers, body, params)

    eks.handle_request = answered


def _fargate_profile(method, cluster, name, body, params):
    if cluster not in eks._clusters:
        return eks._error(404, "ResourceNotFoundException", f"No cluster found for name: {cluster}.")
    if method == "POST" and name is None:
        name = body["fargateProfileName"]
        arn = f"arn:aws:eks:{get_region()}:{get_account_id()}:fargateprofile/{cluster}/{name}/{uuid.uuid4()}"
        profile = {
            "fargateProfileName": name,
            "fargateProfileArn": arn,
            "clusterName": cluster,
            "createdAt": eks._now(),
            "podExecutionRoleArn": body["podExecutionRoleArn"],
            "subnets": body.get("subnets", []),
            "selectors": body.get("selectors", []),
            "status": "ACTIVE",
            "tags": body.get("tags", {}),
        }
        _fargate[(cluster, name)] = profile
        return eks._json_resp(200, {"fargateProfile": profile})
    if method == "GET" and name is None:
        names = sorted(profile for owner, profile in _fargate if owner == cluster)
        return eks._json_resp(200, _page(names, "fargateProfileNames", params))
    profile = _fargate.get((cluster, name))
    if profile is None:
        return eks._error(404, "ResourceNotFoundException", f"No Fargate Profile found with name: {name}.")
    if method == "DELETE":
        del _fargate[(cluster, name)]
    return eks._json_resp(200, {"fargateProfile": profile})


def pages():
    """Gap: lists are cut at `maxResults` without a `nextToken`, so that the rest is lost in silence."""
    for function, key in (
        ("_list_clusters", "clusters"),
        ("_list_nodegroups", "nodegroups"),
        ("_list_access_entries", "accessEntries"),
    ):
        setattr(eks, function, _paged(getattr(eks, function), key))
    ecr._describe_repositories = _paged(ecr._describe_repositories, "repositories")


def instances_by_id():
    """Gap: the filter `instance-id` is ignored, so that every instance of the account answers."""
    matches = ec2._matches_filters

    def answered(instance, filters):
        wanted = filters.get("instance-id")
        return (wanted is None or instance["InstanceId"] in wanted) and matches(instance, filters)

    ec2._matches_filters = answered


def parts_of_accounts():
    """Gap: a call about an instance profile or an identity provider is checked on `*` in place of its ARN."""
    resource_arn = iam_actions.extract_resource_arn

    def arn_of(service, method, path, headers, body, params, region, account):
        named = lambda name: iam_actions._query_param(params, name) if service == "iam" else None
        if named("InstanceProfileName"):
            return f"arn:aws:iam::{account}:instance-profile/{named('InstanceProfileName')}"
        if named("OpenIDConnectProviderArn"):
            return named("OpenIDConnectProviderArn")
        return resource_arn(service, method, path, headers, body, params, region, account)

    iam_actions.extract_resource_arn = arn_of


def _paged(listing, key):
    def answered(*arguments):
        *rest, request = arguments
        whole = {name: value for name, value in request.items() if name not in ("maxResults", "nextToken")}
        status, headers, body = listing(*rest, {**whole, "maxResults": 1_000_000})
        if status != 200:
            return status, headers, body
        answer = json.loads(body)
        return status, headers, json.dumps({**answer, **_page(answer[key], key, request)}).encode()

    return answered


def _page(items, key, request):
    """One page of `items`; the token is the place to go on from."""

    def asked(name, default):
        value = request.get(name, default)
        return int(value[0] if isinstance(value, list) else value)

    start, size = asked("nextToken", 0), asked("maxResults", 100)
    page = {key: items[start : start + size]}
    if start + size < len(items):
        page["nextToken"] = str(start + size)
    return page


def _json(body):
    try:
        value = json.loads(body) if body else {}
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
