"""Starts ministack, corrected, on a free port of 127.0.0.1, and ends it when stdin closes.

Prints one line of JSON when it answers: {"endpoint": "http://127.0.0.1:PORT", "pid": PID}.

The process that starts it holds its stdin open: when that process ends, however it ends, stdin
closes and the emulator ends too. SIGTERM ends it as well. Nothing is kept on disk.
"""

import asyncio
import json
import os
import signal
import socket
import sys
import threading

# Bound before ministack is imported, because it reads its own port then, and held until it serves,
# so that nobody else can take the port meanwhile.
gateway = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
gateway.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
gateway.bind(("127.0.0.1", 0))
PORT = gateway.getsockname()[1]

# Keys of the caller's own shell must not become the emulator's root key.
for name in [name for name in os.environ if name.startswith(("AWS_", "MINISTACK_"))]:
    del os.environ[name]
os.environ.update(
    AUTH="true",
    BIND_HOST="127.0.0.1",
    GATEWAY_PORT=str(PORT),
    MINISTACK_HOST="127.0.0.1",
    MINISTACK_ACCOUNT_ID="111122223333",
    MINISTACK_AUTOCREATE_AWS_MANAGED="0",
    PERSIST_STATE="0",
    SERVICES="ec2,ecr,eks,iam,organizations,sts",
    # Listeners of other services, which would take fixed ports.
    IOT_MTLS_ENABLED="0",
    SFTP_ENABLED="0",
    LOG_LEVEL="ERROR",
)

from hypercorn.asyncio import serve  # noqa: E402
from hypercorn.config import Config  # noqa: E402
from ministack.app import app  # noqa: E402

import corrections  # noqa: E402


def close_with_stdin(loop, stop):
    """Sets `stop` once the starting process is gone."""
    while sys.stdin.buffer.read(4096):
        pass
    loop.call_soon_threadsafe(stop.set)


def say_ready():
    """Announces the end point as soon as it accepts a connection and answers."""
    import http.client

    while True:
        try:
            probe = http.client.HTTPConnection("127.0.0.1", PORT, timeout=5)
            probe.request("GET", "/_ministack/health")
            if probe.getresponse().status == 200:
                break
        except OSError:
            pass
    print(json.dumps({"endpoint": f"http://127.0.0.1:{PORT}", "pid": os.getpid()}), flush=True)


async def main():
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    loop.add_signal_handler(signal.SIGINT, stop.set)
    threading.Thread(target=close_with_stdin, args=(loop, stop), daemon=True).start()
    threading.Thread(target=say_ready, daemon=True).start()
    config = Config()
    config.bind = [f"fd://{gateway.fileno()}"]
    config.keep_alive_timeout = 75
    config.graceful_timeout = 0.2
    config.loglevel = "ERROR"
    await serve(app, config, shutdown_trigger=stop.wait)


corrections.apply()
try:
    asyncio.run(main())
finally:
    # Worker threads of the emulator may still sleep; nothing of theirs is worth waiting for.
    os._exit(0)
