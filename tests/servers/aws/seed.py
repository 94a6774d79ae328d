"""Creates what a fixture declares, through the emulator's own API, and prints what came of it.

Usage: seed.py ENDPOINT < fixture.json. The shape of a fixture is described in README.md beside this file.
"""

import hashlib
import json
import re
import sys

from botocore.exceptions import ClientError

from clients import Emulator, document

NODE_TRUST = document(
    {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
)
OWN_FIELDS = ("endpoint", "certificateAuthority", "computeConfig", "identity")
PLACEHOLDER = re.compile(r"\{\{(roleId|roleArn):(?:(\d{12})/)?([\w+=,.@-]+?)(@before)?\}\}")


class Seeder:
    """One run over one fixture. Roles of all accounts come first, since any document may name any of them."""

    def __init__(self, emulator, fixture):
        self.emulator = emulator
        self.accounts = fixture["accounts"]
        self.made = {
            account: {"roles": {}, "policies": {}, "repositories": {}, "clusters": {}} for account in self.accounts
        }

    def run(self):
        """Creates everything; the answer mirrors the fixture."""
        steps = (self.create_role, self.create_policy, self.equip_role, self.create_repository, self.create_cluster)
        sections = ("roles", "policies", "roles", "repositories", "clusters")
        for step, section in zip(steps, sections):
            for account, wanted in self.accounts.items():
                for key, value in wanted.get(section, {}).items():
                    step(account, key, value)
        for account, wanted in self.accounts.items():
            for name, role in wanted.get("instanceProfiles", {}).items():
                iam = self.emulator.client("iam", root=account)
                iam.create_instance_profile(InstanceProfileName=name)
                iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=role)
            for issuer, audiences in wanted.get("identityProviders", {}).items():
                self.emulator.client("iam", root=account).create_open_id_connect_provider(
                    Url=f"https://{issuer}", ClientIDList=audiences
                )
            for region, instances in wanted.get("instances", {}).items():
                self.made[account]["instances"] = {
                    name: self.create_instance(account, region, profile) for name, profile in instances.items()
                }
        return {"accounts": self.made}

    # Identities

    def create_role(self, account, name, role):
        """The bare role; created a second time where the fixture wants its first id to be dead."""
        iam = self.emulator.client("iam", root=account)
        trust = role.get("trust")
        request = {
            "RoleName": name,
            "Path": role.get("path", "/"),
            "AssumeRolePolicyDocument": json.dumps(trust) if trust else NODE_TRUST,
            "Tags": [{"Key": key, "Value": value} for key, value in role.get("tags", {}).items()],
        }
        made = {}
        if role.get("there"):
            known = iam.get_role(RoleName=name)["Role"]
            self.made[account]["roles"][name] = {"arn": known["Arn"], "id": known["RoleId"]}
            return
        if role.get("recreate") or role.get("deleted"):
            made["before"] = iam.create_role(**request)["Role"]["RoleId"]
            made["arn"] = iam.get_role(RoleName=name)["Role"]["Arn"]
            iam.delete_role(RoleName=name)
        if not role.get("deleted"):
            created = iam.create_role(**request)["Role"]
            made.update(arn=created["Arn"], id=created["RoleId"])
            if made["id"] == made.get("before"):
                raise SystemExit(f"role {name} was re-created with the same id")
        self.made[account]["roles"][name] = made

    def create_policy(self, account, name, policy):
        """A customer-managed policy: a document, or {"path", "document"}."""
        policy = policy if "document" in policy else {"document": policy}
        created = self.emulator.client("iam", root=account).create_policy(
            PolicyName=name, Path=policy.get("path", "/"), PolicyDocument=self.text(account, policy["document"])
        )
        self.made[account]["policies"][name] = created["Policy"]["Arn"]

    def equip_role(self, account, name, role):
        """Inline, attached and boundary policies."""
        if role.get("deleted"):
            return
        iam = self.emulator.client("iam", root=account)
        for policy, inline in role.get("inline", {}).items():
            iam.put_role_policy(RoleName=name, PolicyName=policy, PolicyDocument=self.text(account, inline))
        for policy in role.get("attached", []):
            iam.attach_role_policy(RoleName=name, PolicyArn=self.policy_arn(account, policy))
        if role.get("boundary"):
            arn = self.policy_arn(account, role["boundary"])
            iam.put_role_permissions_boundary(RoleName=name, PermissionsBoundary=arn)

    def policy_arn(self, account, name):
        """The ARN of one of the account's own policies, else of an AWS-managed one, which must exist."""
        own = self.made[account]["policies"]
        if name in own:
            return own[name]
        arn = name if name.startswith("arn:") else f"arn:aws:iam::aws:policy/{name}"
        # The emulator attaches anything; a misspelt name would quietly grant nothing.
        self.emulator.client("iam", root=account).get_policy(PolicyArn=arn)
        return arn

    def role_arn(self, account, name):
        """The ARN of a role the fixture declares, or the name itself where it is an ARN already."""
        return name if name.startswith("arn:") else self.made[account]["roles"][name]["arn"]

    def create_instance(self, account, region, profile):
        """The id of a machine with that instance profile, or with none."""
        given = {"IamInstanceProfile": {"Name": profile}} if profile else {}
        made = self.emulator.client("ec2", region, root=account).run_instances(
            ImageId="ami-0123456789abcdef0", MinCount=1, MaxCount=1, **given
        )
        return made["Instances"][0]["InstanceId"]

    # Registries and clusters

    def create_repository(self, account, region, repositories):
        """Repositories of one region, with their policies and images."""
        made = self.made[account]["repositories"][region] = {}
        ecr = self.emulator.client("ecr", region, root=account)
        for name, wanted in repositories.items():
            if wanted.get("there"):
                ecr.set_repository_policy(repositoryName=name, policyText=self.text(account, wanted["policy"]))
                continue
            tags = [{"Key": key, "Value": value} for key, value in wanted.get("tags", {}).items()]
            repository = ecr.create_repository(repositoryName=name, tags=tags)["repository"]
            made[name] = {"arn": repository["repositoryArn"], "uri": repository["repositoryUri"], "images": {}}
            for tag in wanted.get("images", ["1.0"]):
                manifest = image(f"{account}/{region}/{name}:{tag}")
                put = ecr.put_image(repositoryName=name, imageTag=tag, imageManifest=json.dumps(manifest))
                layer = manifest["layers"][0]["digest"]
                made[name]["images"][tag] = {"digest": put["image"]["imageId"]["imageDigest"], "layer": layer}
            if wanted.get("policy") is not None:
                ecr.set_repository_policy(repositoryName=name, policyText=self.text(account, wanted["policy"]))

    def create_cluster(self, account, region, clusters):
        """Clusters of one region, with node groups, Fargate profiles and access entries."""
        made = self.made[account]["clusters"][region] = {}
        eks = self.emulator.client("eks", region, root=account)
        for name, wanted in clusters.items():
            made[name] = self.bare_cluster(account, eks, name, wanted)
            for group, node_group in wanted.get("nodegroups", {}).items():
                role = self.role_arn(account, node_group["nodeRole"])
                eks.create_nodegroup(
                    **{"clusterName": name, "nodegroupName": group, "subnets": ["subnet-1"], **node_group, "nodeRole": role}
                )
            for profile, fargate in wanted.get("fargateProfiles", {}).items():
                role = self.role_arn(account, fargate["podExecutionRoleArn"])
                eks.create_fargate_profile(
                    **{"clusterName": name, "fargateProfileName": profile, **fargate, "podExecutionRoleArn": role}
                )
            for entry in wanted.get("accessEntries", []):
                principal = self.role_arn(account, entry["principalArn"])
                eks.create_access_entry(**{"clusterName": name, **entry, "principalArn": principal})

    def bare_cluster(self, account, eks, name, wanted):
        """CreateCluster with the fields of a real API server added behind the SDK's back (see corrections.py)."""
        own = {key: wanted[key] for key in OWN_FIELDS if key in wanted}
        compute = own.get("computeConfig", {})
        if "nodeRoleArn" in compute:
            own["computeConfig"] = {**compute, "nodeRoleArn": self.role_arn(account, compute["nodeRoleArn"])}

        def add_own_fields(params, **_):
            params["body"] = json.dumps({**json.loads(params["body"]), **own}).encode()

        eks.meta.events.register("before-call.eks.CreateCluster", add_own_fields, unique_id="own-fields")
        access = {"authenticationMode": "API_AND_CONFIG_MAP", "bootstrapClusterCreatorAdminPermissions": False}
        try:
            created = eks.create_cluster(
                name=name,
                roleArn=self.cluster_role(account),
                version=wanted.get("version", "1.36"),
                resourcesVpcConfig={"subnetIds": ["subnet-1", "subnet-2"]},
                accessConfig={**access, **wanted.get("accessConfig", {})},
                tags=wanted.get("tags", {}),
            )
        finally:
            eks.meta.events.unregister("before-call.eks.CreateCluster", unique_id="own-fields")
        return created["cluster"]["arn"]

    def cluster_role(self, account):
        """The control plane's own role, which the emulator wants to exist."""
        name = "pullaudit-test-control-plane"
        iam = self.emulator.client("iam", root=account)
        try:
            return iam.get_role(RoleName=name)["Role"]["Arn"]
        except iam.exceptions.NoSuchEntityException:
            return iam.create_role(RoleName=name, AssumeRolePolicyDocument=NODE_TRUST)["Role"]["Arn"]

    # Documents

    def text(self, account, policy):
        """A document as text, placeholders filled in. Text is taken as it is, so that it may be malformed."""
        text = policy if isinstance(policy, str) else json.dumps(policy)
        return PLACEHOLDER.sub(lambda match: self.fill(account, *match.groups()), text)

    def fill(self, account, what, other_account, name, before):
        """The value of one placeholder: a role's ARN, its id, or the id it had before it was re-created."""
        role = self.made[other_account or account]["roles"][name]
        return role["arn"] if what == "roleArn" else role["before" if before else "id"]


def image(seed):
    """A manifest whose digests differ from those of every other image."""

    def part(kind):
        blob = f"{seed} {kind}".encode()
        return {"mediaType": kind, "size": len(blob), "digest": "sha256:" + hashlib.sha256(blob).hexdigest()}

    kinds = "application/vnd.docker.container.image.v1+json", "application/vnd.docker.image.rootfs.diff.tar.gzip"
    return {
        "schemaVersion": 2,
        "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
        "config": part(kinds[0]),
        "layers": [part(kinds[1])],
    }


if __name__ == "__main__":
    try:
        print(json.dumps(Seeder(Emulator(sys.argv[1]), json.load(sys.stdin)).run()))
    except ClientError as error:
        raise SystemExit(f"the emulator refused what the fixture declares: {error}") from error
