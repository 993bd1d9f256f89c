"""Our OneTrigger beside upstream's 1.0.4, unmodified, in one run: the same space, the same uploads, at the same time.

    uv run python -m benchmarks onetrigger [--upstream PYTHON] [--only start,announced,plain,slow,refused,killed]

PYTHON is an interpreter with onetrigger==1.0.4; without it uv makes one in the cache folder. Each of the two has a
counting proxy of its own before the emulated Oneprovider and a webhook of its own; uploads go past the proxies. The
end of an upload is the moment its last byte was handed to the kernel.
"""

from __future__ import annotations

import argparse
import http.client
import os
import ssl
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks import triggers
from benchmarks.counting import Authority, Proxy, proxies
from benchmarks.figures import Row, percentile, table
from benchmarks.triggers import Hook, Trigger

from hfaas_tui.oneprovider import Access
from hfaas_tui.rehearsal import Options, rehearsal

SPACE = "bench"
FOLDERS, FILES = 20, 25
QUIET_S = 6.0
"""Without a request for so long, a trigger has started: upstream's looks are 10 s apart, its requests less."""

IDLE_S = 30
UPLOADS = 20
SLOW_S, SLOW_PIECE = 25, 1 << 20
PATIENCE_S = 45
"""What has not come by then is lost: upstream looks each 10 s, our retries wait less."""

DELIVERED_S = 0.1
"""So long after an upload its event has left us, and its webhook has not answered yet: the worst moment to be killed."""

Upload = Callable[[str], None]


class Uploads:
    """Puts files into the space and notes when each was finished."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._trust = ssl.create_default_context(cafile=access.ca)
        self._local = threading.local()
        self.ended: dict[str, float] = {}

    def folder(self, path: str) -> None:
        """Make a folder."""
        self._put(f"/cdmi/{SPACE}/{path}/", ())

    def announced(self, path: str) -> None:
        """Upload a small file by CDMI, which says when it is complete."""
        self._put(f"/cdmi/{SPACE}/{path}", (b"x" * 1000,), path)

    def plain(self, path: str) -> None:
        """Upload a small file by REST, which does not."""
        self._put(self._rest(path), (b"x" * 1000,), path)

    def slow(self, path: str, *, announced: bool) -> float:
        """Upload for SLOW_S seconds; return when it began."""
        began = time.perf_counter()

        def pieces() -> Iterator[bytes]:
            for number in range(SLOW_S):
                yield bytes(SLOW_PIECE)
                time.sleep(max(0.0, began + number + 1 - time.perf_counter()))
            yield b"the end"

        size = SLOW_S * SLOW_PIECE + len(b"the end")
        self._put(f"/cdmi/{SPACE}/{path}" if announced else self._rest(path), pieces(), path, size)
        return began

    def _rest(self, path: str) -> str:
        return f"/api/v3/oneprovider/data/{self._access.id}/path/{path}"

    def _put(self, url: str, body: Sequence[bytes] | Iterator[bytes], path: str = "", size: int = 0) -> None:
        length = size or sum(map(len, body))
        line = self._line()
        line.putrequest("PUT", url)
        for name, value in (("X-Auth-Token", self._access.token), ("Content-Length", str(length))):
            line.putheader(name, value)
        line.endheaders()
        for piece in body:
            line.send(piece)
        self.ended[f"/{SPACE}/{path}"] = time.perf_counter()
        answer = line.getresponse()
        said = answer.read()
        if answer.status >= 300:
            raise SystemExit(f"PUT {url}: {answer.status} {said[:300]!r}")

    def _line(self) -> http.client.HTTPSConnection:
        if not hasattr(self._local, "line"):
            self._local.line = http.client.HTTPSConnection(self._access.host, timeout=60, context=self._trust)
        line: http.client.HTTPSConnection = self._local.line
        return line


@dataclass(frozen=True, slots=True)
class Bench:
    """Both triggers on one space."""

    both: tuple[Trigger, Trigger]
    uploads: Uploads

    def start(self) -> None:
        """Start both and wait until their requests have ceased."""
        for each in self.both:
            each.proxy.last = time.perf_counter() + QUIET_S
            each.start()
        wait(lambda: all(time.perf_counter() - each.proxy.last > QUIET_S for each in self.both), 300)

    def settled(self, keys: Sequence[str]) -> None:
        """Wait until both have told of all files, or until it is in vain; then a moment for what comes twice."""
        wait(lambda: not any(each.hook.missing(keys) for each in self.both), PATIENCE_S)
        time.sleep(2)


def run(arguments: list[str]) -> None:
    """Measure both and print the table."""
    parser = argparse.ArgumentParser("benchmarks onetrigger", description=__doc__)
    parser.add_argument("--upstream", type=Path, metavar="PYTHON", help="interpreter that has onetrigger 1.0.4")
    parser.add_argument("--only", default=",".join(CASES), help="cases, separated by commas")
    chosen = parser.parse_args(arguments)
    rows: list[Row] = []
    load = os.getloadavg()[0]
    with bench(chosen.upstream) as ready:
        begun = starting(ready)
        for name in chosen.only.split(","):
            rows += begun if name == "start" else CASES[name](ready)
    print(table(("", *(each.name for each in ready.both)), rows))
    print(f"\nload of the machine: {load:.1f} before, {os.getloadavg()[0]:.1f} after, on {os.cpu_count()} cores")


@contextmanager
def bench(python: Path | None) -> Iterator[Bench]:
    """Start an emulator, make a space with files, and make both triggers ready to start."""
    command = triggers.upstreams(python)
    with ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        emulator = stack.enter_context(rehearsal(Options(place / "state", engine="process", discard=True)))
        access = Access.of(emulator.make_space(SPACE))
        uploads = Uploads(access)
        fill(uploads)
        authority = Authority(place)
        counted = stack.enter_context(proxies(access.host, access.ca, authority, 2))
        both = (
            trigger("hfaas", triggers.ours(place / "ours.sqlite"), access, counted[0], authority),
            trigger("onetrigger 1.0.4", command, access, counted[1], authority),
        )
        for each in both:
            stack.callback(each.kill)
        yield Bench(both, uploads)


def fill(uploads: Uploads) -> None:
    """Put the files there that were there before."""
    uploads.folder("in")
    for folder in range(FOLDERS):
        uploads.folder(f"in/{folder:02}")
        for file in range(FILES):
            uploads.announced(f"in/{folder:02}/old-{file:02}")


def trigger(name: str, command: list[str], access: Access, proxy: Proxy, authority: Authority) -> Trigger:
    """Make a trigger with its webhook; the variables are upstream's, ours reads the same."""
    hook = Hook()
    hook.open()
    variables = {
        "ONEPROVIDER_HOST": proxy.host,
        "ONEDATA_ACCESS_TOKEN": access.token,
        "ONEDATA_SPACE": SPACE,
        "ONEDATA_SPACE_FOLDER": "in",
        "ONETRIGGER_WEBHOOK": hook.url,
        "REQUESTS_CA_BUNDLE": str(authority.file),
    }
    log = authority.file.with_name(f"{name}.log")
    return Trigger(name, command, variables, proxy, hook, log)


def starting(ready: Bench) -> list[Row]:
    """Requests and processor time of a start with all files there, and of 30 idle seconds."""
    began = time.perf_counter()
    ready.start()
    first = [(each.proxy.requests, each.cpu(), each.proxy.last - began) for each in ready.both]
    time.sleep(IDLE_S)
    idle = [
        (each.proxy.requests - known[0], each.cpu() - known[1])
        for each, known in zip(ready.both, first, strict=True)
    ]
    return [
        (f"requests at start, {FOLDERS * FILES} files in {FOLDERS} folders", *(str(each[0]) for each in first)),
        ("seconds until the last of them", *(f"{each[2]:.1f}" for each in first)),
        ("CPU of the start", *(f"{each[1]:.2f} s" for each in first)),
        (f"requests in {IDLE_S} idle seconds", *(str(each[0]) for each in idle)),
        (f"CPU of {IDLE_S} idle seconds", *(f"{each[1]:.2f} s" for each in idle)),
        ("RSS", *(f"{each.resident():.0f} MiB" for each in ready.both)),
    ]


def announced(ready: Bench) -> Iterator[Row]:
    """From the end of an upload by CDMI to its event."""
    yield from latency(ready, "CDMI", ready.uploads.announced)


def plain(ready: Bench) -> Iterator[Row]:
    """From the end of an upload by REST to its event: nothing tells its end, so ours waits 7 quiet seconds."""
    yield from latency(ready, "REST", ready.uploads.plain)


def latency(ready: Bench, way: str, upload: Upload) -> Iterator[Row]:
    """One upload a second, so that they fall on all moments between two looks of upstream."""
    paths = [f"in/{number:02}/{way}" for number in range(UPLOADS)]
    keys = put(paths, upload, 1.0)
    ready.settled(keys)
    waits = [waited(each.hook, ready.uploads, keys) for each in ready.both]
    yield f"end of upload ({way}) to event, p50", *(seconds(each, 0.5) for each in waits)
    yield f"end of upload ({way}) to event, p95", *(seconds(each, 0.95) for each in waits)
    yield f"lost / doubled of {UPLOADS} ({way})", *tallies(ready, keys)


def waited(hook: Hook, uploads: Uploads, keys: Sequence[str]) -> list[float]:
    """Return the seconds between end of upload and event, of the files that were told of."""
    return [came - uploads.ended[key] for key in keys if (came := hook.first(key)) is not None]


def seconds(values: Sequence[float], part: float) -> str:
    """Return a percentile in words."""
    if not values:
        return "none came"
    value = percentile(values, part)
    return f"{value * 1000:.0f} ms" if abs(value) < 1 else f"{value:.1f} s"


def slow(ready: Bench) -> Iterator[Row]:
    """Uploads that take 25 s, 1 MiB each second: when is the event?"""
    names = {"CDMI": "in/00/slow-cdmi", "REST": "in/01/slow-rest"}
    with ThreadPoolExecutor(2) as pool:
        began = dict(
            zip(
                names,
                pool.map(lambda way: ready.uploads.slow(names[way], announced=way == "CDMI"), names),
                strict=True,
            )
        )
    ready.settled([f"/{SPACE}/{path}" for path in names.values()])
    for way, path in names.items():
        key = f"/{SPACE}/{path}"
        took = ready.uploads.ended[key] - began[way]
        told = [verdict(each.hook, key, began[way], took) for each in ready.both]
        yield f"upload of {took:.1f} s ({way}) is reported at", *told


def verdict(hook: Hook, key: str, began: float, took: float) -> str:
    """Say at which second an upload was reported, and whether it was finished then."""
    times = [came - began for known, came in hook.taken if known == key]
    if not times:
        return "never"
    words = ", ".join(f"{each:.1f} s" for each in times)
    return f"{words}: {'finished' if times[0] >= took else 'too early'}"


def refused(ready: Bench) -> Iterator[Row]:
    """Ten uploads while each webhook answers 503 twice."""
    for each in ready.both:
        each.hook.refuse = 2
    keys = put([f"in/{number:02}/refused" for number in range(10)], ready.uploads.announced, 0.2)
    ready.settled(keys)
    yield "webhook answers 503 twice, 10 uploads: lost / doubled", *tallies(ready, keys)


def killed(ready: Bench) -> Iterator[Row]:
    """Fifty uploads in 20 s; kill -9 after 25, a new start after 40; the webhooks take 300 ms for each event."""
    for each in ready.both:
        each.hook.delay_s = 0.3
    paths = [f"in/{number % FOLDERS:02}/killed-{number:02}" for number in range(50)]
    keys = put(paths[:25], ready.uploads.announced, 0.4)
    time.sleep(DELIVERED_S)
    for each in ready.both:
        each.kill()
    keys += put(paths[25:40], ready.uploads.announced, 0.4)
    for each in ready.both:
        each.start()
    keys += put(paths[40:], ready.uploads.announced, 0.4)
    ready.settled(keys)
    yield "kill -9 amid 50 uploads, then a new start: lost / doubled", *tallies(ready, keys)
    yield "distinct eventIds among these", *(str(each.hook.distinct(keys) or "has none") for each in ready.both)


def put(paths: Sequence[str], upload: Upload, pause: float) -> list[str]:
    """Upload one after the other, that far apart; return what events will call them."""
    begun = time.perf_counter()
    for number, path in enumerate(paths):
        time.sleep(max(0.0, begun + number * pause - time.perf_counter()))
        upload(path)
    return [f"/{SPACE}/{path}" for path in paths]


def tallies(ready: Bench, keys: Sequence[str]) -> list[str]:
    """Return what was lost and what was doubled, for both."""
    return [f"{each.hook.missing(keys)} / {each.hook.doubled(keys)}" for each in ready.both]


def wait(condition: Callable[[], bool], limit_s: float) -> None:
    """Look until a condition holds, or for so long."""
    deadline = time.monotonic() + limit_s
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)


CASES: dict[str, Callable[[Bench], Iterator[Row]]] = {
    "start": lambda _: iter(()),
    "announced": announced,
    "plain": plain,
    "slow": slow,
    "refused": refused,
    "killed": killed,
}
