"""Asks the emulator, as the role itself, for what a kubelet's pull needs, and prints what it answered.

Usage: ask.py ENDPOINT < pairs.json, with pairs a list of
  {"role": ARN, "repository": NAME, "account": REGISTRY, "region": "us-east-1", "tag": "1.0", "session": NAME}
(the last three may be left out), and with {"bearer": CLAIMS} a session that a token with these claims gets. For each pair, in order, it prints
  {"token": "ok"|"denied", "image": ..., "layer": ..., "texts": {"image": "User: ... is not authorized ..."}}

Only a refusal for want of permission is "denied"; any other failure ends the run with its text.
With {"assume": ARN, "session": NAME} as input it prints the keys of a session instead, and with
{"assume": ARN, "cluster": NAME} the token with which that session enters an EKS cluster.
"""

import base64
import json
import sys

from botocore.exceptions import ClientError

from clients import INSTANCE, REGION, Emulator, is_denied


def ask(emulator, pair):
    """The three answers for one (role, repository)."""
    registry, region, repository = pair["account"], pair.get("region", REGION), pair["repository"]
    wanted = {"registryId": registry, "repositoryName": repository}
    tag = [{"imageTag": pair.get("tag", "1.0")}]
    layer = layer_of(emulator.client("ecr", region, root=registry), wanted, tag)
    # A kubelet makes a session once; a pair is asked about in a session of its own, so that pairs do not mix.
    if "bearer" in pair:
        try:
            keys = emulator.take_on(pair["role"], "ecr-credential-provider", pair["bearer"])
        except ClientError as error:
            if not is_denied(error):
                raise
            refused = error.response["Error"].get("Message", str(error))
            return {**dict.fromkeys(("token", "image", "layer"), "denied"), "texts": {"session": refused}}
    else:
        keys = emulator.assume(pair["role"], pair.get("session", INSTANCE))
    ecr = emulator.client("ecr", region, keys=keys)
    calls = {
        "token": lambda: ecr.get_authorization_token(),
        "image": lambda: existing(ecr.batch_get_image(**wanted, imageIds=tag)),
        "layer": lambda: ecr.get_download_url_for_layer(**wanted, layerDigest=layer),
    }
    answers, texts = {}, {}
    for name, call in calls.items():
        try:
            call()
            answers[name] = "ok"
        except ClientError as error:
            if not is_denied(error):
                raise
            answers[name] = "denied"
            texts[name] = error.response["Error"].get("Message", str(error))
    return {**answers, "texts": texts}


def layer_of(owner, wanted, tag):
    """The first layer of the image, read as the registry's own root."""
    manifest = existing(owner.batch_get_image(**wanted, imageIds=tag))["images"][0]["imageManifest"]
    return json.loads(manifest)["layers"][0]["digest"]


def existing(answer):
    """The answer of BatchGetImage, unless it says that the image is not there."""
    if answer["failures"] or not answer["images"]:
        raise SystemExit(f"no such image: {answer['failures']}")
    return answer


def token(emulator, keys, cluster):
    """A presigned GetCallerIdentity that names the cluster in a signed header, as `aws eks get-token` makes it."""
    request = {
        "method": "GET",
        "url": f"https://sts.{REGION}.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15",
        "body": {},
        "headers": {"x-k8s-aws-id": cluster},
        "context": {},
    }
    signer = emulator.client("sts", keys=keys)._request_signer
    url = signer.generate_presigned_url(request, "GetCallerIdentity", region_name=REGION, expires_in=60)
    return "k8s-aws-v1." + base64.urlsafe_b64encode(url.encode()).decode().rstrip("=")


def main():
    """Reads one request from stdin and prints its answer."""
    emulator, request = Emulator(sys.argv[1]), json.load(sys.stdin)
    if isinstance(request, dict):
        keys = emulator.assume(request["assume"], request.get("session", INSTANCE))
        answer = {name: keys[name] for name in ("AccessKeyId", "SecretAccessKey", "SessionToken")}
        if "cluster" in request:
            answer = token(emulator, keys, request["cluster"])
    else:
        answer = [ask(emulator, pair) for pair in request]
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
