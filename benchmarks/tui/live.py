"""The terminal UI at a real emulator: the start, idleness, a thousand invocations under way."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.figures import median
from benchmarks.tui.cases import keys
from benchmarks.tui.measured import OURS, Figure, Key, latencies, number, program
from benchmarks.tui.terminal import terminal

from hfaas_deploy import fdl
from hfaas_tui import local, transfer
from hfaas_tui.rehearsal import Options, rehearsal
from hfaas_tui.watch import Emulator

FUNCTIONS = 8
CONCURRENCY = 24
QUEUED = 1_600
"""So many that a thousand are under way all the time that keys are pressed."""

STARTS = 5
IDLE_S, SETTLE_S, AGES_S = 20, 11, 6
FUNCTION = """\
  - lambda: {{name: bench-{number}, memory: 256, timeout: 60, init_script: nap.sh, container: {{image: "{base}"}}}}
"""
BASE = "hfaas/base:bookworm"


@dataclass(frozen=True, slots=True)
class Live:
    """An emulator with functions that has had something to do."""

    emulator: Emulator

    @property
    def endpoint(self) -> str:
        return self.emulator.endpoint

    def invoke(self, count: int) -> None:
        """Put events into the queues of the functions, and do not wait for them."""
        api = transfer.client(self.endpoint, "lambda")
        with ThreadPoolExecutor(4) as pool:
            list(
                pool.map(
                    lambda n: api.invoke(FunctionName=f"bench-{n % FUNCTIONS}", InvocationType="Event"),
                    range(count),
                )
            )

    def under_way(self) -> int:
        """Return how many invocations are not over."""
        return sum(each["kind"] == "event" for each in self.emulator.idle()["pending"])


@contextmanager
def live() -> Iterator[Live]:
    """Start an emulator on the process engine and deploy functions."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "nap.sh").write_text("#!/bin/sh\necho begins\nsleep 1\necho done\n")
        lines = [FUNCTION.format(number=n, base=BASE) for n in range(FUNCTIONS)]
        (folder / "pipeline.yaml").write_text("hfaas: {stack: bench}\nfunctions:\n  aws:\n" + "".join(lines))
        options = Options(folder / "state", engine="process", concurrency=CONCURRENCY, discard=True)
        with rehearsal(options) as emulator:
            local.deploy(fdl.read(folder / "pipeline.yaml"), emulator, {}, lambda _: None)
            yield Live(emulator)


def first(at: Live) -> Iterator[Figure]:
    """From exec to what is on screen."""
    splash: list[float] = []
    frame: list[float] = []
    cpu: list[float] = []
    listed: list[float] = []
    bare: list[float] = []
    bare_cpu: list[float] = []
    for _ in range(STARTS):
        with terminal([OURS, "--endpoint", at.endpoint]) as screen:
            splash.append(screen.wait("hfaas ") - screen.began)
            frame.append(screen.wait(r"1 Functions\]") - screen.began)
            cpu.append(screen.cpu())
            listed.append(screen.wait("bench-0") - screen.began)
        with terminal(program("peers", "minimal", 0)) as screen:
            bare.append(screen.wait("keys 0 end") - screen.began)
            bare_cpu.append(screen.cpu())
    yield Figure("exec -> splash", median(splash) * 1000, "ms", bar=30)
    yield Figure("exec -> first frame", median(frame), "s", f"minimal app of Textual {number(median(bare))} s", 0.6)
    yield Figure("CPU until then", median(cpu), "s", f"minimal app {number(median(bare_cpu))} s")
    yield Figure("exec -> functions of the emulator", median(listed), "s")


def idle(at: Live) -> Iterator[Figure]:
    """What it costs to leave it open: while nothing runs, then while the ages of the last minute change."""
    with terminal([OURS, "--endpoint", at.endpoint]) as screen:
        screen.wait("bench-0")
        time.sleep(SETTLE_S)
        cpu, before = screen.cpu(), screen.bytes
        time.sleep(IDLE_S)
        yield Figure(f"idle for {IDLE_S} s: CPU", (screen.cpu() - cpu) / IDLE_S * 100, "%", "", 1)
        yield Figure("idle: to the terminal", (screen.bytes - before) / IDLE_S, "bytes/s", "", 0)
        yield Figure("RSS", screen.resident(), "MB")
        at.invoke(FUNCTIONS)
        if not at.emulator.idle(60)["idle"]:
            raise SystemExit("the functions did not answer within 60 s")
        time.sleep(2)
        cpu, before = screen.cpu(), screen.bytes
        time.sleep(AGES_S)
        beside = f"{number((screen.bytes - before) / AGES_S)} bytes/s"
        yield Figure("each second another age on screen: CPU", (screen.cpu() - cpu) / AGES_S * 100, "%", beside)


def busy(at: Live) -> Iterator[Figure]:
    """Keys while a thousand invocations are under way."""
    with terminal([OURS, "--endpoint", at.endpoint]) as screen:
        screen.wait("bench-0")
        at.invoke(QUEUED)
        for view, key, moves in (("functions", "1", there_and_back()), ("runs", "3", turns())):
            screen.press(key)
            time.sleep(2)
            before, load = at.under_way(), os.getloadavg()[0]
            begun = time.perf_counter(), screen.cpu()
            taken = latencies(screen, moves)
            cpu = (screen.cpu() - begun[1]) / (time.perf_counter() - begun[0])
            beside = f"{before} -> {at.under_way()} under way, load {load:.1f}, CPU {cpu:.0%}"
            yield from keys(f"{view} while invocations are under way", taken, 30, beside)


def there_and_back() -> Iterator[Key]:
    """Yield keys that move the cursor of the functions down and up again."""
    for _ in range(4):
        yield from (("j", f"▸[^▸]{{0,24}}bench-{row}") for row in range(1, FUNCTIONS))
        yield from (("k", f"▸[^▸]{{0,24}}bench-{row}") for row in range(FUNCTIONS - 2, -1, -1))


def turns() -> Iterator[Key]:
    """Yield keys that go to the last run and to the first."""
    for _ in range(25):
        yield "G", "▸"
        yield "g", "▸"
