"""Starts etcd and a kube-apiserver on free ports of 127.0.0.1, and ends them when stdin closes.

Usage: serve.py KUBE_APISERVER ETCD USERS [WEBHOOK]
  USERS is JSON: [{"name", "token", "groups": [...]}]. A WEBHOOK is the address of a token reviewer.

Prints one line of JSON when the API server is ready: {"endpoint", "ca" (PEM), "folder", "pids": [...]}.
The folder holds everything the servers write and is removed at the end.
The process that starts it holds its stdin open: when that process ends, however it ends, stdin
closes and both servers end too, the API server first. SIGTERM ends them as well.
"""

import base64
import json
import secrets
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

READY_WITHIN = 60


def main():
    """Makes the folder, serves, removes it."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    threading.Thread(target=close_with_stdin, args=(stop,), daemon=True).start()
    with tempfile.TemporaryDirectory(prefix="pullaudit-kubernetes-", ignore_cleanup_errors=True) as folder:
        serve(*sys.argv[1:3], json.loads(sys.argv[3]), (sys.argv[4:] or [None])[0], Path(folder), stop)


def serve(apiserver, etcd, users, webhook, data, stop):
    """Starts both servers, announces them, waits, ends them."""
    servers = []
    try:
        client, peer, secure = free_ports(3)
        servers.append(start(etcd, etcd_flags(data, client, peer), data / "etcd.log"))
        flags = apiserver_flags(data, client, secure, users, webhook)
        servers.append(start(apiserver, flags, data / "kube-apiserver.log"))
        wait_until_ready(secure, users[0]["token"], servers, data, stop)
        ready = {
            "endpoint": f"https://127.0.0.1:{secure}",
            "ca": (data / "apiserver.crt").read_text(),
            "folder": str(data),
            "pids": [server.pid for server in servers],
        }
        print(json.dumps(ready), flush=True)
        stop.wait()
    finally:
        # An API server whose etcd is gone takes much longer to end.
        for server in reversed(servers):
            end(server)


def close_with_stdin(stop):
    """Sets `stop` once the starting process is gone."""
    while sys.stdin.buffer.read(4096):
        pass
    stop.set()


def free_ports(count):
    """Ports that were free a moment ago; all held at once, so that they differ."""
    held = [socket.socket() for _ in range(count)]
    for one in held:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return ports


def etcd_flags(data, client, peer):
    """One member, its data on disk without fsync: nothing here outlives the test."""
    clients, peers = f"http://127.0.0.1:{client}", f"http://127.0.0.1:{peer}"
    return [
        f"--data-dir={data / 'etcd'}",
        f"--listen-client-urls={clients}",
        f"--advertise-client-urls={clients}",
        f"--listen-peer-urls={peers}",
        f"--initial-advertise-peer-urls={peers}",
        f"--initial-cluster=default={peers}",
        "--log-level=error",
        "--unsafe-no-fsync",
    ]


def apiserver_flags(data, etcd, port, users, webhook):
    """RBAC, static tokens, ServiceAccount admission as shipped; a self-signed certificate that is its own CA."""
    (data / "tokens.csv").write_text(
        "".join(f'{user["token"]},{user["name"]},{user["name"]},"{",".join(user["groups"])}"\n' for user in users)
    )
    (data / "service-accounts.key").write_text(private_key())
    flags = [
        f"--etcd-servers=http://127.0.0.1:{etcd}",
        "--bind-address=127.0.0.1",
        "--advertise-address=127.0.0.1",
        f"--secure-port={port}",
        f"--cert-dir={data}",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={data / 'service-accounts.key'}",
        f"--service-account-signing-key-file={data / 'service-accounts.key'}",
        f"--token-auth-file={data / 'tokens.csv'}",
        "--authorization-mode=RBAC",
        "--anonymous-auth=false",
        "--service-cluster-ip-range=10.0.0.0/24",
        "--allow-privileged=true",
    ]
    if webhook:
        reviewer = {"name": "reviewer", "cluster": {"server": webhook}}
        context = {"name": "reviewer", "context": {"cluster": "reviewer", "user": "apiserver"}}
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [reviewer],
            "users": [{"name": "apiserver", "user": {}}],
            "contexts": [context],
            "current-context": "reviewer",
        }
        (data / "webhook.json").write_text(json.dumps(config))
        flags.append(f"--authentication-token-webhook-config-file={data / 'webhook.json'}")
        flags.append("--authentication-token-webhook-version=v1")
    return flags


def private_key():
    """A new P-256 key as PEM. The scalar is enough for a reader to work out the rest (RFC 5915)."""
    scalar = (secrets.randbits(255) | 1).to_bytes(32, "big")
    curve = bytes.fromhex("a00a06082a8648ce3d030107")
    body = b"\x02\x01\x01" + b"\x04\x20" + scalar + curve
    text = base64.encodebytes(b"\x30" + bytes([len(body)]) + body).decode()
    return f"-----BEGIN EC PRIVATE KEY-----\n{text}-----END EC PRIVATE KEY-----\n"


def start(program, flags, log):
    """Starts a server with its output in a file that is shown when it does not come up."""
    with log.open("wb") as output:
        return subprocess.Popen([program, *flags], stdin=subprocess.DEVNULL, stdout=output, stderr=output)


def wait_until_ready(port, token, servers, data, stop):
    """Returns when /readyz says so; ends with the end of the log when a server died or time is up."""
    # Only this one question goes unverified: the certificate it would be checked against is not written yet.
    unverified = ssl._create_unverified_context()
    request = urllib.request.Request(
        f"https://127.0.0.1:{port}/readyz", headers={"Authorization": f"Bearer {token}"}
    )
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=unverified)
    )
    deadline = time.monotonic() + READY_WITHIN
    while time.monotonic() < deadline and not stop.is_set():
        for server in servers:
            if server.poll() is not None:
                raise SystemExit(f"{server.args[0]} ended with {server.returncode}:\n{last_lines(data)}")
        try:
            if opener.open(request, timeout=2).status == 200:
                return
        except OSError:
            time.sleep(0.05)
    raise SystemExit(f"the API server was not ready within {READY_WITHIN} s:\n{last_lines(data)}")


def last_lines(data):
    """The end of both logs."""
    return "\n".join(
        line for log in ("etcd.log", "kube-apiserver.log") if (data / log).exists()
        for line in (data / log).read_text(errors="replace").splitlines()[-15:]
    )


def end(server):
    """SIGTERM, five seconds, SIGKILL."""
    if server.poll() is None:
        server.terminate()
        try:
            server.wait(5)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


if __name__ == "__main__":
    main()
