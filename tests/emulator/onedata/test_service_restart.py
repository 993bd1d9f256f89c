"""A space of an emulator that starts anew, in a process of its own: what is imported when is the point."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

from tests.emulator.conftest import running

from hfaas_tui.watch import Emulator as Watch

WAIT_S = 120
SLOWLY = """
import asyncio, importlib, sys, threading, time
from hfaas_emulator.__main__ import main
from hfaas_emulator.onedata.service import Onedata

under_way, import_module, open_spaces = threading.Event(), importlib.import_module, Onedata.open

def slowly(name, package=None):
    if name == "moto.awslambda.models" and not under_way.is_set():
        under_way.set()
        time.sleep(1)
    return import_module(name, package)

async def meanwhile(onedata):
    await asyncio.to_thread(under_way.wait)
    await open_spaces(onedata)

importlib.import_module, Onedata.open = slowly, meanwhile
sys.exit(main(["--state", sys.argv[1], "--port", "0", "--engine", "process", "--tether"]))
"""


def test_a_space_is_there_again_though_moto_is_imported_slowly(tmp_path: Path) -> None:
    with running(tmp_path) as before:
        Watch(before.endpoint).make_space("films")

    with subprocess.Popen(
        [sys.executable, "-c", SLOWLY, str(tmp_path)], stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as emulator:
        deadline = time.monotonic() + WAIT_S
        while emulator.poll() is None and not (tmp_path / "emulator.json").exists():
            assert time.monotonic() < deadline, "it does not start"
            time.sleep(0.02)
        assert emulator.poll() is None, emulator.communicate()[1]
        endpoint = json.loads((tmp_path / "emulator.json").read_text())["endpoint"]
        assert [space["name"] for space in Watch(endpoint).spaces()] == ["films"]
        Watch(endpoint).stop()
