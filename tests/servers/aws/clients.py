"""Clients of the emulator, as an account's root or as a role that was really assumed."""

import base64
import json

import botocore.session
from botocore.config import Config
from botocore.exceptions import ClientError

# The name an EC2 node's session has: its instance id.
INSTANCE = "i-0123456789abcdef0"
REGION = "us-east-1"

_session = botocore.session.Session()
# One parsed service model for all clients of a service; nothing is read from the caller's own settings.
_session.set_config_variable("profile", None)


class Emulator:
    """The end point, and the clients made for it so far."""

    def __init__(self, endpoint):
        self.endpoint = endpoint
        self._clients = {}

    def client(self, service, region=REGION, *, root=None, keys=None):
        """A client as the root of account `root` (a 12-digit access key is that account's root), or with `keys`."""
        keys = keys or {"AccessKeyId": root, "SecretAccessKey": "test", "SessionToken": None}
        wanted = (service, region, keys["AccessKeyId"])
        if wanted not in self._clients:
            self._clients[wanted] = _session.create_client(
                service,
                region_name=region,
                endpoint_url=self.endpoint,
                aws_access_key_id=keys["AccessKeyId"],
                aws_secret_access_key=keys["SecretAccessKey"],
                aws_session_token=keys["SessionToken"],
                config=Config(retries={"max_attempts": 0}, read_timeout=30),
            )
        return self._clients[wanted]

    def assume(self, role_arn, session=INSTANCE):
        """The keys of a session of the role, asked for by its own account's root.

        A role that trusts a service (a node role) lets the emulator's root in. Where the trust
        policy does not, it is widened for this one call and then put back, byte for byte.
        """
        account, name = role_arn.split(":")[4], role_arn.rsplit("/", 1)[-1]
        sts = self.client("sts", root=account)
        try:
            return sts.assume_role(RoleArn=role_arn, RoleSessionName=session)["Credentials"]
        except ClientError as error:
            if not is_denied(error):
                raise
        iam = self.client("iam", root=account)
        trust = iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]
        anyone = {"Effect": "Allow", "Principal": {"AWS": account}, "Action": "sts:AssumeRole"}
        try:
            iam.update_assume_role_policy(RoleName=name, PolicyDocument=document(anyone))
            return sts.assume_role(RoleArn=role_arn, RoleSessionName=session)["Credentials"]
        finally:
            iam.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(trust))


    def take_on(self, role_arn, session, claims):
        """The keys of a session that a web identity token with these claims gets, or the refusal. Nobody signs it."""
        parts = [{"alg": "none"}, claims, {}]
        token = ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts)
        sts = self.client("sts", root=role_arn.split(":")[4])
        request = {"RoleArn": role_arn, "RoleSessionName": session, "WebIdentityToken": token}
        return sts.assume_role_with_web_identity(**request)["Credentials"]


def is_denied(error):
    """Whether the service refused for want of permission, as opposed to any other failure."""
    return error.response["Error"]["Code"] in ("AccessDenied", "AccessDeniedException")


def document(*statements):
    """A policy document of these statements, as text."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
