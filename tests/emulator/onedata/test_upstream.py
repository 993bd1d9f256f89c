"""Unmodified packages of others against our Oneprovider, in an environment of their own outside the repository.

They are slow, so they run when they are asked for: by `-m upstream`, or by HFAAS_REQUIRE_UPSTREAM=1, which also makes
a failure of what cannot be installed.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from tests.emulator.onedata.lab import Client

PACKAGES = (
    "onedatafilerestclient==25.2.0",
    "fs.onedatarestfs==25.2.0",
    "onetrigger==1.0.4",
    "setuptools<81",
    "requests",
    "boto3",
    "pyyaml",
)
SUPERVISOR = "faas-supervisor==1.5.8"
"""Apart and without what it says it needs: its metadata is malformed, and a resolver silently takes an older one."""

PATIENCE_S = 240
"""For one step of what is installed, and for a package's own program."""

pytestmark = [pytest.mark.upstream, pytest.mark.timeout(5 * PATIENCE_S)]

REQUIRED = os.environ.get("HFAAS_REQUIRE_UPSTREAM") == "1"


@pytest.fixture(scope="session")
def python(request: pytest.FixtureRequest) -> Path:
    """The interpreter of an environment with the packages, made once."""
    if not REQUIRED and "upstream" not in request.config.getoption("-m"):
        pytest.skip("only when asked for: -m upstream")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hfaas" / "upstream-1"
    interpreter = cache / "bin" / "python"
    if not (cache / "complete").exists():
        _install(cache, interpreter)
    return interpreter


def _install(cache: Path, interpreter: Path) -> None:
    steps = (
        ["uv", "venv", "-q", "--clear", "--python", "3.11", str(cache)],
        ["uv", "pip", "install", "-q", "--python", str(interpreter), *PACKAGES],
        ["uv", "pip", "install", "-q", "--python", str(interpreter), "--no-deps", SUPERVISOR],
    )
    for step in steps:
        try:
            done = subprocess.run(step, capture_output=True, text=True, check=False, timeout=PATIENCE_S)
            failed = done.stderr if done.returncode else ""
        except (OSError, subprocess.TimeoutExpired) as error:
            failed = str(error)
        if failed:
            if REQUIRED:
                pytest.fail(f"the packages cannot be installed: {failed}")
            pytest.skip(f"the packages cannot be installed: {failed[-200:]}")
    (cache / "complete").touch()


def environment(client: Client) -> dict[str, str]:
    about = client.about
    return {
        "PATH": os.environ["PATH"],
        "HOST": about["host"],
        "TOKEN": client.token,
        "SPACE": about["name"],
        "CA": about["ca"],
        "REQUESTS_CA_BUNDLE": about["ca"],
    }


@pytest.mark.parametrize("name", ["client", "filesystem", "supervisor"])
def test_a_package_works_unmodified(python: Path, client: Client, name: str) -> None:
    script = Path(__file__).with_name("upstream.py")
    argv = [str(python), "-W", "ignore", str(script), name]
    done = subprocess.run(
        argv, env=environment(client), capture_output=True, text=True, check=False, timeout=PATIENCE_S
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture
def webhook() -> Iterator[tuple[str, queue.Queue[Any]]]:
    """A web server that takes events."""
    events: queue.Queue[Any] = queue.Queue()

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            events.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Hook)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/", events
    server.shutdown()
    server.server_close()
    thread.join()


def test_upstreams_onetrigger_tells_of_a_new_file(
    python: Path, client: Client, webhook: tuple[str, queue.Queue[Any]]
) -> None:
    address, events = webhook
    client.folder("in")
    client.put("in/old", b"x")
    variables = environment(client)
    settings = {
        "ONEPROVIDER_HOST": variables["HOST"],
        "ONEDATA_ACCESS_TOKEN": client.token,
        "ONEDATA_SPACE": variables["SPACE"],
        "ONETRIGGER_WEBHOOK": address,
        "ONEDATA_SPACE_FOLDER": "in",
    }
    trigger = subprocess.Popen(
        [str(python.with_name("onetrigger")), "run"],
        env={**variables, **settings},
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert trigger.stderr is not None
        while "Subscribing" not in (line := trigger.stderr.readline()):
            assert line, "onetrigger ended"
        before = client.op("GET", f"data/{client.id('in/old')}").json["name"]
        while events.empty():  # its first look makes all files old: new ones until one is new to it
            client.put(f"in/new-{os.urandom(4).hex()}", before.encode())
            try:
                event = events.get(timeout=6)
                break
            except queue.Empty:
                continue
        else:
            event = events.get()
    finally:
        trigger.terminate()
        trigger.communicate()
    record = event["Records"][0]
    assert event["Key"] == f"/{client.about['name']}/in/{record['objectKey']}"
    assert record["eventSource"] == "OneTrigger"
    assert record["objectId"] == client.id(f"in/{record['objectKey']}")
