"""1 GiB through Onedata: into the space, through a function of 128 MB, back into the space, and out again.

    uv run python -m benchmarks onedata [--engine docker|process] [--mib 1024]

OneTrigger, which the deploy makes, tells the function of the file. The emulator's memory is looked at after each step.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.emulator import timed
from benchmarks.figures import Row, table

from hfaas_deploy import fdl
from hfaas_emulator.state import running
from hfaas_tui import local
from hfaas_tui.rehearsal import Options, rehearsal
from hfaas_tui.spaces import Spaces
from hfaas_tui.summary import Summary
from hfaas_tui.watch import Emulator

SPACE, NAME = "bench", "large.bin"
MIB = 1 << 20
PIPELINE = """\
hfaas: {{stack: bench-onedata}}
storage_providers:
  onedata:
    hub: {{oneprovider_host: datahub.egi.eu, token: "${{ONEDATA_TOKEN}}", space: {space}}}
functions:
  aws:
  - lambda:
      name: large
      memory: 128
      timeout: 600
      init_script: large.sh
      container: {{image: "{base}"}}
      input: [{{storage_provider: onedata.hub, path: in}}]
      output: [{{storage_provider: onedata.hub, path: out}}]
    hfaas: {{tmp: 4096}}
"""
SCRIPT = '#!/bin/sh\nmv "$INPUT_FILE_PATH" "$TMP_OUTPUT_DIR/same"\n'


def run(arguments: list[str]) -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser("benchmarks onedata", description=__doc__)
    parser.add_argument("--base", default="hfaas/base:bookworm")
    parser.add_argument("--engine", choices=("docker", "process"), default="docker")
    parser.add_argument("--mib", type=int, default=1024)
    chosen = parser.parse_args(arguments)
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as place:
        rows = list(passage(Path(place), chosen))
    print(table(("step", "measured", "emulator's RSS then", "its peak"), rows))
    print(f"\nload of the machine: {load:.1f} before, {os.getloadavg()[0]:.1f} after, on {os.cpu_count()} cores")


def passage(folder: Path, chosen: argparse.Namespace) -> Iterator[Row]:
    """Send the file on its way and yield what was seen."""
    (folder / "large.sh").write_text(SCRIPT)
    (folder / "pipeline.yaml").write_text(PIPELINE.format(base=chosen.base, space=SPACE))
    source = folder / NAME
    sent = made(source, chosen.mib)
    with rehearsal(Options(folder / "state", engine=chosen.engine)) as emulator:
        local.deploy(fdl.read(folder / "pipeline.yaml"), emulator, {}, print)
        emulator.idle(60)
        yield "deployed", "", *memory(folder)
        space = Spaces(emulator).space(SPACE)
        put = timed(lambda: space.put(source, f"in/{NAME}", lambda _: None))
        yield f"{chosen.mib} MiB put", f"{put:.1f} s", *memory(folder)
        through = until_there(emulator, lambda: space.find("out/same"))
        summary = Summary()
        summary.feed(emulator.hops())
        peak = next(tally.peak_mb for tally in summary.tallies() if tally.function == "large")
        yield "through the function of 128 MB", f"{through:.1f} s, its peak {peak} MB", *memory(folder)
        got = timed(lambda: space.get("out/same", folder / "back", lambda _: None))
        yield f"{chosen.mib} MiB got", f"{got:.1f} s", *memory(folder)
        space.close()
    if digest(folder / "back") != sent:
        raise SystemExit("what came back is not what was sent")


def made(path: Path, mib: int) -> str:
    """Write a file of pieces that differ; return its digest."""
    piece = os.urandom(MIB)
    with path.open("wb") as file:
        for number in range(mib):
            file.write(number.to_bytes(8, "big") + piece[8:])
    return digest(path)


def digest(path: Path) -> str:
    """Return a file's SHA-256."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def until_there(emulator: Emulator, find: Callable[[], Any]) -> float:
    """Wait until nothing is pending any more and insist on the output; return the seconds."""
    begun = time.perf_counter()
    while not emulator.idle(60)["idle"]:
        if time.perf_counter() - begun > 900:
            raise SystemExit("not done within 900 s")
    taken = time.perf_counter() - begun
    if find() is None:
        latest = "\n".join(map(str, emulator.hops()[-8:]))
        raise SystemExit(f"there is no output:\n{latest}")
    return taken


def memory(folder: Path) -> tuple[str, str]:
    """Return the emulator's memory now and at its peak."""
    about = running(folder / "state")
    if about is None:
        raise SystemExit("the emulator is gone")
    with open(f"/proc/{about.pid}/status") as status:
        fields = dict(line.split(":", 1) for line in status)
    return tuple(f"{int(fields[name].split()[0]) / 1024:.0f} MiB" for name in ("VmRSS", "VmHWM"))  # type: ignore[return-value]
