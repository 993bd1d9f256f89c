"""What is measured of the terminal UI, each case by itself."""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from benchmarks.figures import percentile
from benchmarks.tui.measured import OURS, Figure, Key, both, counted, down, latencies, number, program
from benchmarks.tui.terminal import Terminal, terminal

ROWS, UPDATES = 10_000, 200
RATE, TOTAL = 100_000, 1_000_000
REMOTE_RATE, REMOTE_S = 5_000, 8
PEER_RATE = 5_000
PATIENCE_S = 15
STARTED_S = 2
"""So long after the first line the program has imported what it needs to look around."""

SCREENFUL = 24
"""Rows of hits that make a screenful: the view has 30 lines."""

FOLLOWING, READING = 30, 30
"""Keys pressed while the end is followed, and while one reads further up."""


@dataclass(frozen=True, slots=True)
class Flood:
    """A source of log lines that runs."""

    endpoint: str
    child: subprocess.Popen[str]

    def end(self) -> tuple[int, float]:
        """Wait for the last line; return how many were sent, and in how many seconds."""
        if self.child.stdout is None:
            raise SystemExit("the source of lines has no output")
        said = json.loads(self.child.stdout.readline())
        return int(said["sent"]), float(said["seconds"])


@contextmanager
def flood(rate: int, total: int) -> Iterator[Flood]:
    """Run a source of log lines; it begins when somebody connects."""
    child = subprocess.Popen(
        program("flood", rate, total), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        if child.stdout is None:
            raise SystemExit("the source of lines has no output")
        yield Flood(f"http://127.0.0.1:{int(child.stdout.readline())}", child)
    finally:
        if child.stdin:
            child.stdin.close()
        child.kill()
        child.wait()


# --- logs


def logs() -> Iterator[Figure]:
    """A flood: keys while it lasts, what was kept, what a million lines cost, and the filter over them."""
    with flood(RATE, TOTAL) as source, terminal([OURS, "--endpoint", source.endpoint, "--view", "logs"]) as screen:
        screen.wait("follow", limit_s=10)
        screen.wait(r"line 0\d{6}", limit_s=10)
        time.sleep(STARTED_S)
        begun = time.perf_counter(), screen.cpu()
        following = latencies(screen, time_column(FOLLOWING))
        reading = latencies(screen, upwards(screen, READING))
        busy = (screen.cpu() - begun[1]) / (time.perf_counter() - begun[0])
        sent, seconds = source.end()
        ended = time.perf_counter()
        mark, _ = screen.press("G")
        time.sleep(0.5)
        kept = shown(screen, mark)
        while kept < sent and time.perf_counter() - ended < PATIENCE_S:
            mark = screen.mark()
            time.sleep(0.3)
            kept = shown(screen, mark) or kept
        late = time.perf_counter() - ended
        yield from keys(f"logs at {number(sent / seconds)} lines/s, following", following, 20)
        yield from keys("the same, reading further up", reading, 20)
        yield Figure("CPU meanwhile", busy * 100, "%")
        yield Figure("lines lost", sent - kept, "", f"{sent:,} sent, shown {late:.1f} s after the last", 0)
        yield Figure(f"RSS with {sent:,} lines", screen.resident(), "MB", "", 80)
        yield from filtering(screen, sent)


def time_column(count: int) -> Iterator[Key]:
    """Yield keys that hide and show the time: both paint all lines anew."""
    for each in range(count):
        yield "t", r"▸(…|bench-f)" if each % 2 == 0 else r"▸\d\d:\d\d:\d\d"


def upwards(screen: Terminal, count: int) -> Iterator[Key]:
    """Yield keys that go up line by line; which line each will find is known from the one before."""
    mark, _ = screen.press("k")
    screen.wait("follow off", mark)
    time.sleep(STARTED_S)  # the head and the lines are painted in either order
    at = int(re.findall(r"▸[^▸]*?line (\d{7})", screen.painted(mark))[-1])
    for each in range(at - 1, at - 1 - count, -1):
        yield "k", f"▸[^▸]{{0,60}}line {each:07d}"


def shown(screen: Terminal, mark: int) -> int:
    """Return how many lines the head of the view has said there are since a mark; 0 when it said nothing."""
    found = re.findall(r"(?<![\d,+])([\d,]+) lines? ·", screen.painted(mark))
    return int(found[-1].replace(",", "")) if found else 0


def filtering(screen: Terminal, total: int) -> Iterator[Figure]:
    """Type a pattern into the filter of a million lines; the time runs from the first key of it."""
    for name, pattern, hits in (
        ("text", "needle", total // 1000),
        ("regex", r"needle\s+frame-0\d+", total // 1000),
        ("alternation", "needle|frame-0042", 2 * total // 1000),
    ):
        mark, _ = screen.press("/")
        screen.wait("/", mark)
        mark, pressed = screen.press(pattern)
        rows = screen.count(r"line \d{4}(?:500|042) ", SCREENFUL, mark)
        whole = screen.wait(rf"{hits:,} of {total:,}\s+\d", mark)
        yield Figure(f"filter of {total:,} lines, {name}: first screenful", (rows - pressed) * 1000, "ms", "", 200)
        yield Figure("the same: all", whole - pressed, "s", "", 2)
        mark, _ = screen.press("\x1b")
        screen.wait(rf"{total:,} lines · \d+/s", mark)
        time.sleep(0.3)


def peers() -> Iterator[Figure]:
    """Textual's own widgets under a flood."""
    for kind, rates in (("log", (PEER_RATE, RATE)), ("richlog", (PEER_RATE // 5, PEER_RATE))):
        for rate in rates:
            with terminal(program("peers", kind, rate)) as screen:
                screen.wait("keys 0 end")
                time.sleep(1)
                taken = latencies(screen, counted(count=25))
                said = re.findall(r"end, (\d+) lines", screen.painted(0))
                got = f"{int(said[-1]) / (time.perf_counter() - screen.began):,.0f}" if said else "never painted"
            beside = f"asked for {number(rate)} lines/s, got {got}"
            yield Figure(f"peer: {NAMES[kind]}, key -> paint p50", both(taken)[0], "ms", beside, more=_p95(taken))


NAMES = {"log": "Textual's Log", "richlog": "Textual's RichLog"}


def remote() -> Iterator[Figure]:
    """What following costs over SSH."""
    with flood(REMOTE_RATE, REMOTE_RATE * (REMOTE_S + 4)) as source:
        command = [OURS, "--endpoint", source.endpoint, "--view", "logs"]
        with terminal(command, SSH_CONNECTION="192.0.2.1 1 192.0.2.2 22") as screen:
            screen.wait(r"line 0\d{6}", limit_s=10)
            time.sleep(1)
            before = screen.bytes
            time.sleep(REMOTE_S)
            rate = (screen.bytes - before) / REMOTE_S / 1024
    yield Figure(f"over SSH, following {number(REMOTE_RATE)} lines/s", rate, "KiB/s", "", 60)


# --- tables


def tables() -> Iterator[Figure]:
    """The cursor of tables of ten thousand rows, while nothing and while much happens."""
    for view, name in (("functions", "function"), ("storage", "object")):
        for updates in (0, UPDATES):
            with terminal(program("made", view, ROWS, updates)) as screen:
                screen.wait(f"{name}-00000")
                if view == "storage":
                    everything_read(screen)
                time.sleep(1)
                begun = time.perf_counter(), screen.cpu()
                taken = latencies(screen, down(name, 0))
                busy = (screen.cpu() - begun[1]) / (time.perf_counter() - begun[0])
            beside = f"CPU {busy:.0%}"
            yield from keys(f"{ROWS:,} {name}s, {updates} updates/s", taken, 20, beside)
    for updates in (0, UPDATES):
        with terminal(program("peers", "datatable", updates)) as screen:
            screen.wait("cell 20 ")
            time.sleep(1)
            taken = latencies(screen, counted(count=25))
        beside = f"{updates} updates/s"
        yield Figure(f"peer: DataTable of {ROWS:,} rows, p50", both(taken)[0], "ms", beside, more=_p95(taken))


def everything_read(screen: Terminal) -> None:
    """Go to the end until all pages were read, then back to the first row."""
    deadline = time.monotonic() + 20
    while True:
        mark, _ = screen.press("G")
        try:
            screen.wait(f"▸[^▸]{{0,24}}object-{ROWS - 1:05d}", mark, 0.3)
            break
        except TimeoutError:
            if time.monotonic() > deadline:
                raise
    mark, _ = screen.press("g")
    screen.wait("▸[^▸]{0,24}object-00000", mark)


def keys(case: str, taken: list[float], bar: float, beside: str = "") -> Iterator[Figure]:
    """Return the two figures of keys; a lost key is in the words."""
    p50, p95 = both(taken)
    lost = sum(each >= 3000 for each in taken)
    told = f", {lost} of {len(taken)} keys lost" if lost else ""
    yield Figure(f"{case}: key -> paint p50", p50, "ms", beside, bar, more=told)
    yield Figure("the same: p95", p95, "ms")


def _p95(taken: list[float]) -> str:
    return f" (p95 {number(percentile(taken, 0.95))} ms)"
