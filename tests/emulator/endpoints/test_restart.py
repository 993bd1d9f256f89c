"""Endpoints over a restart; a module of its own, because moto is one for the whole process."""

from __future__ import annotations

import http.client
import shutil
import threading
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from tests.emulator.conftest import running
from tests.emulator.endpoints.conftest import Site

DISK = ("journal.sqlite", "journal.sqlite-wal", "control-planes.snapshot")
"""What a kill leaves, in the order in which it may be copied: requests that are in the snapshot too are skipped."""


def test_a_stop_waits_for_no_function(tmp_path: Path) -> None:
    site = Site()
    with site.held(), running(tmp_path, lambda: site.engine) as emulator:
        site.endpoint = emulator.endpoint
        site.make()
        caller = threading.Thread(target=_call, args=(site, urlsplit(site.url).path))
        caller.start()
        while "attempt" not in site.ask("GET", "/_hfaas/idle?wait=0").body.decode():
            assert caller.is_alive(), "the call came back"
    caller.join(60)
    assert not caller.is_alive()


def _call(site: Site, path: str) -> None:
    with suppress(OSError, http.client.HTTPException):
        site.ask("GET", path)


def test_endpoints_are_there_again_with_their_ids_after_a_kill_and_after_a_stop(tmp_path: Path) -> None:
    site, state, killed = Site(), tmp_path / "state", tmp_path / "killed"
    killed.mkdir(mode=0o700)
    with running(state, lambda: site.engine) as emulator:
        site.endpoint = emulator.endpoint
        site.make()
        for name in DISK:
            with suppress(FileNotFoundError):  # a snapshot is written when nothing has changed for a while
                shutil.copy(state / name, killed / name)
    for directory in (killed, state):
        again = Site()
        again.answers({"statusCode": 200, "body": "ok"})
        with running(directory, lambda: again.engine) as emulator:  # noqa: B023  called at once
            again.endpoint = emulator.endpoint
            name = site.url.split("/")[-2]
            paths = (
                f"/_aws/lambda-url/{name}/",
                f"/_aws/execute-api/{site.http}/two/a",
                f"/_aws/execute-api/{site.rest}/prod/a",
            )
            assert [again.ask("GET", path).status for path in paths] == [200] * 3
            shown = again.client("lambda").get_function_url_config(FunctionName="f")["FunctionUrl"]
            assert shown == f"{again.endpoint}/_aws/lambda-url/{name}/"
