"""`hfaas-tui --web`: the same UI in a browser of this machine.

arguments -> listener on 127.0.0.1 -> address with a token, told once -> server -> for each browser a UI as a child
"""

from __future__ import annotations

import asyncio
import secrets
import socket
import sys

from hfaas_tui.errors import CliError
from hfaas_tui.ui.options import Arguments
from hfaas_tui.ui.web.server import HOST, LocalServer

TOKEN_BYTES = 32


def serve(read: Arguments) -> int:
    """Serve until ^c; CliError when the port cannot be had."""
    listener = listen(read.web or 0)
    server = LocalServer(call(read), listener, secrets.token_urlsafe(TOKEN_BYTES))
    access = "it may change things" if read.web_write else "it changes nothing; --web-write lets it"
    sys.stdout.write(f"hfaas-tui is at {server.address}\nwho has this address has the UI: {access}. ^c ends it.\n")
    sys.stdout.flush()
    asyncio.run(server.run())
    return 0


def listen(port: int) -> socket.socket:
    """Bind a port of this machine only; 0 is any free one."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
        listener.listen()
    except OSError as error:
        listener.close()
        words = f"port {port} of {HOST} cannot be had: {error.strerror}"
        raise CliError(words, "name another port, or none for any free one") from error
    return listener


def call(read: Arguments) -> list[str]:
    """Return how the UI behind each browser is called: by nothing but what we read and wrote anew."""
    named = {
        "state": read.state,
        "endpoint": read.endpoint,
        "target": read.target if read.target != "local" else "",
        "profile": read.profile,
        "region": read.region,
        "replay": read.replay,
        "speed": read.speed,
        "theme": read.theme,
        "view": read.view,
    }
    switched = {
        "demo": read.demo,
        "read-only": read.read_only or not read.web_write,
        "ascii": read.ascii,
        "no-mouse": not read.mouse,
    }
    return [
        sys.executable,
        "-P",  # else a file random.py of the project would be taken for Python's
        "-m",
        "hfaas_tui.ui",
        *(f"--{name}={value}" for name, value in named.items() if value not in {None, ""}),
        *(f"--build-arg={each}" for each in read.build_args),
        *(f"--{name}" for name, is_on in switched.items() if is_on),
        *(["--", str(read.place)] if read.place else []),
    ]
