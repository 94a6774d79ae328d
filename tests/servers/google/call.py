"""Calls methods of Google's APIs through Google's own library, with the documents that it carries.

Reads lines of JSON from standard input, {"service", "version", "method", "arguments"}, and answers each with a
line: {"ok": ANSWER} or {"error": STATUS, "reason": TEXT}. A method is told by its path, such as
projects.locations.clusters.list. Where each service is stands in CLOUDSDK_API_ENDPOINT_OVERRIDES_*, the
credentials in GOOGLE_APPLICATION_CREDENTIALS.
"""

import json
import os
import sys

from google.auth import identity_pool
from google.auth.exceptions import GoogleAuthError
from google.oauth2 import service_account
from googleapiclient.discovery import build
from googleapiclient.errors import HttpError

SCOPES = ["https://www.googleapis.com/auth/cloud-platform"]


def credentials():
    """The credentials in the file, without asking anybody for the project that they belong to."""
    path = os.environ["GOOGLE_APPLICATION_CREDENTIALS"]
    with open(path, encoding="utf-8") as file:
        kind = json.load(file)["type"]
    if kind == "service_account":
        return service_account.Credentials.from_service_account_file(path, scopes=SCOPES)
    return identity_pool.Credentials.from_file(path, scopes=SCOPES)


def client(services, key, who):
    """The client of one service, built once."""
    if key not in services:
        end = os.environ["CLOUDSDK_API_ENDPOINT_OVERRIDES_" + key[0].upper()]
        options = {"api_endpoint": end}
        services[key] = build(*key, credentials=who, client_options=options, static_discovery=True)
    return services[key]


def call(services, who, line):
    """One call."""
    at = client(services, (line["service"], line["version"]), who)
    *resources, method = line["method"].split(".")
    for resource in resources:
        at = getattr(at, resource)()
    try:
        return {"ok": getattr(at, method)(**line["arguments"]).execute(num_retries=0)}
    except HttpError as error:
        return {"error": error.resp.status, "reason": error.reason}
    except GoogleAuthError as error:
        return {"error": 0, "reason": str(error)}


def main():
    services, who = {}, credentials()
    for line in sys.stdin:
        print(json.dumps(call(services, who, json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
