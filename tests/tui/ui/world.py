"""A target that needs no emulator: what it holds is what a test puts in; calls are noted."""

from __future__ import annotations

import dataclasses
import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from hfaas_tui.errors import CliError
from hfaas_tui.ui.backend import Invoked, Moved, News
from hfaas_tui.ui.model import (
    Condition,
    Entry,
    Function,
    Gpu,
    Health,
    Listing,
    LogLine,
    Machine,
    Place,
    Run,
    RunDetail,
    Step,
    Target,
)

NOW = 1_790_000_000.0
"""The Unix time of all tests."""


class FakeBackend:
    """A target in memory; `calls` notes what was asked, `broken` makes everything fail."""

    def __init__(self, target: Target | None = None) -> None:
        self.target = target or Target("local", "127.0.0.1:4566", "us-east-1")
        self.has: dict[str, Function] = {}
        self.runs: list[Run] = []
        self.steps: list[Step] = []
        self.objects: dict[str, bytes] = {}
        self.spots: list[str] = []
        self.lines: list[LogLine] = []
        self.details: dict[str, RunDetail] = {}
        self.stories: dict[str, tuple[str, list[Step]]] = {}
        self.status: dict[str, Any] = {"engine": {"name": "docker", "runs_images": True}, "version": "0.1.0"}
        self.calls: list[tuple[Any, ...]] = []
        self.broken = ""
        self.hold: threading.Event | None = None
        self._more: queue.Queue[News | None] = queue.Queue()
        self._more_lines: queue.Queue[list[LogLine] | None] = queue.Queue()

    def tell(
        self, *runs: Run, steps: tuple[Step, ...] = (), writers: Mapping[str, tuple[str, str]] | None = None
    ) -> None:
        """Have the feed report runs."""
        self._more.put(News(runs, steps, writers))

    def write(self, *lines: LogLine) -> None:
        """Have the log feed report lines."""
        self._more_lines.put(list(lines))

    def _note(self, *call: Any) -> None:
        self.calls.append(call)
        if self.hold:
            self.hold.wait(60)
        if self.broken:
            raise CliError(self.broken, "start it with S")

    def health(self) -> Health:
        from hfaas_tui.ui.model import Problem

        if self.broken:
            return Health(is_up=False, problem=Problem(self.broken, "start it with S"))
        return Health(is_up=True, since=NOW - 60, status=self.status)

    def machine(self) -> Machine:
        gpu = Gpu(0, "NVIDIA H100 80GB HBM3", 0.12, 79 << 30, 80 << 30, 41, 118, "550.54")
        return Machine(
            cpu=0.38, memory=0.44, memory_total=16 << 30, disk_free=139 << 30, disk_total=200 << 30, gpus=(gpu,)
        )

    def functions(self) -> list[Function]:
        self._note("functions")
        return list(self.has.values())

    def places(self) -> list[Place]:
        self._note("places")
        objects = dict(self.objects)  # tests and transfers change it meanwhile
        return [
            Place(
                spot,
                objects=sum(uri.startswith(spot + "/") for uri in objects),
                size=sum(len(data) for uri, data in objects.items() if uri.startswith(spot + "/")),
            )
            for spot in self.spots
        ]

    def news(self) -> Iterator[News]:
        yield News(tuple(self.runs), tuple(self.steps), {})
        while (more := self._more.get()) is not None:
            yield more

    def log_lines(self) -> Iterator[list[LogLine]]:
        yield list(self.lines)
        while (more := self._more_lines.get()) is not None:
            yield more

    def invoke(self, function: str, payload: bytes, *, wait: bool) -> Invoked:
        self._note("invoke", function, payload, wait)
        return Invoked("11112222-3333-4444-5555-666677778888", b'{"ok": true}')

    def detail(self, run: Run) -> RunDetail:
        self._note("detail", run.id)
        return self.details.get(run.id, RunDetail(run))

    def again(self, run: Run) -> str:
        self._note("again", run.id)
        return "99990000-3333-4444-5555-666677778888"

    def stop(self, run: Run) -> str:
        self._note("stop", run.id)
        return "terminated"

    def story(self, uri: str) -> tuple[str, list[Step]]:
        self._note("story", uri)
        return self.stories.get(uri, ("nothing is known of it", []))

    def listing(self, uri: str, *, prefix: str = "", after: str = "") -> Listing:
        self._note("listing", uri, prefix, after)
        base = uri.rstrip("/") + "/"
        found: dict[str, Entry] = {}
        for each, data in sorted(self.objects.items()):
            if each.startswith(base + prefix):
                name, slash, _ = each.removeprefix(base).partition("/")
                entry = Entry(base + name + slash, name + slash, None if slash else len(data), NOW - 90)
                found.setdefault(name + slash, entry)
        return Listing(uri, tuple(found.values()))

    def head(self, uri: str) -> Mapping[str, str]:
        self._note("head", uri)
        return {"size": str(len(self.objects[uri])), "etag": "9b2c41aa"}

    def read(self, uri: str, limit: int) -> bytes:
        self._note("read", uri, limit)
        return self.objects[uri][:limit]

    def download(self, uri: str, target: Path, moved: Moved) -> None:
        self._note("download", uri, target)
        target.write_bytes(self.objects[uri])
        moved(len(self.objects[uri]))

    def upload(self, source: Path, uri: str, moved: Moved) -> None:
        self._note("upload", source, uri)
        self.objects[uri] = source.read_bytes()
        moved(len(self.objects[uri]))

    def delete(self, uri: str) -> None:
        self._note("delete", uri)
        self.spots = [spot for spot in self.spots if spot != uri]
        for each in [
            each for each in [*self.objects] if each == uri or (uri.endswith("/") and each.startswith(uri))
        ]:
            del self.objects[each]

    def make_place(self, uri: str) -> None:
        self._note("make_place", uri)
        self.spots.append(uri)

    def delete_function(self, name: str) -> None:
        self._note("delete_function", name)
        del self.has[name]

    def system(self) -> Mapping[str, Any]:
        self._note("system")
        return self.status

    def close(self) -> None:
        self._more.put(None)
        self._more_lines.put(None)


def function(name: str, **more: Any) -> Function:
    """Return a function like most are."""
    usual = {
        "memory_mb": 2048,
        "timeout_s": 300,
        "image": f"hfaas/{name}",
        "digest": "sha256:41fe9c00",
        "stack": "video",
    }
    return Function(name, **{**usual, **more})


def run(
    id: str, of: str, state: Condition = Condition.OK, began: float = 60, took: float | None = 7.4, **more: Any
) -> Run:
    """Return a run that began `began` seconds ago and took `took` (None while it goes on)."""
    start = NOW - began
    return Run(
        f"{id}-0000-4000-8000-000000000000",
        of,
        state=state,
        queued=start - 0.5,
        started=None if state is Condition.QUEUED else start,
        ended=None if took is None else start + took,
        attempt=1,
        memory_mb=2048,
        **more,
    )


def sample() -> FakeBackend:
    """Return the world of the screens in the design."""
    backend = FakeBackend()
    for each in (
        function(
            "scar-lambda-darknet",
            memory_mb=3008,
            inputs=("s3://scar-video/split-images",),
            outputs=("s3://scar-video/output",),
        ),
        function(
            "scar-batch-ffmpeg-split",
            mode="batch",
            memory_mb=1024,
            inputs=("s3://scar-video/input",),
            outputs=("s3://scar-video/split-images",),
        ),
        function(
            "mask-detector-image",
            mode="lambda-batch",
            gpus=1,
            inputs=("s3://mask-detector/raw",),
            outputs=("s3://mask-detector/result", "onedata://datahub/masks"),
        ),
        function(
            "plant-classification",
            mode="lambda-batch",
            memory_mb=3008,
            gpus=1,
            inputs=("s3://plants/raw",),
            outputs=("s3://plants/out",),
        ),
        function("grayify", memory_mb=512, timeout_s=60, urls=("http://127.0.0.1:4566/grayify",)),
        function("deep-audio", memory_mb=3008, state=Condition.BUILDING),
        function("scar-mrbayes", state=Condition.DRIFT, timeout_s=900, reason="deployed is not what the FDL says"),
    ):
        backend.has[each.name] = each
    backend.runs = [
        run(
            "77be1010",
            "mask-detector-image",
            Condition.TIMED_OUT,
            340,
            300.0,
            job="7f1a2222-0000-4000-8000-000000000000",
            cause="time",
        ),
        run("7f3c11e1", "scar-batch-ffmpeg-split", Condition.RUNNING, 41, None, kind="job", queue="video", vcpus=2),
        run(
            "9b02aa4d",
            "mask-detector-image",
            Condition.RUNNING,
            22,
            None,
            kind="job",
            queue="video",
            vcpus=2,
            gpus=1,
            invocation="x",
        ),
        run(
            "c1100b9a",
            "mask-detector-image",
            Condition.QUEUED,
            4,
            None,
            kind="job",
            queue="video",
            message="no room: 2 of 2 vCPUs are taken",
        ),
        run(
            "a91e07c4",
            "plant-classification",
            Condition.FAILED,
            59,
            31.0,
            error_type="RuntimeError",
            message="CUDA out of memory. Tried to allocate 1.20 GiB",
            origin="s3://plants/raw/rosa-17.jpg",
            exit=1,
            peak_mb=2871,
        ),
        run(
            "2265b1f5",
            "scar-lambda-darknet",
            Condition.OK,
            33,
            7.4,
            origin="s3://scar-video/split-images/frame-0042.jpg",
            outputs=("s3://scar-video/output/frame-0042.png",),
            peak_mb=1544,
            is_cold=True,
            init_ms=410,
        ),
        run("51aa4207", "grayify", Condition.OK, 11, 0.6, origin="api", peak_mb=80),
        run("7f1a2222", "mask-detector-image", Condition.OK, 41, 39.2, kind="job", queue="video", vcpus=2),
    ]
    backend.spots = ["s3://mask-detector", "s3://plants", "s3://scar-video", "onedata://datahub"]
    for n in range(40, 45):
        backend.objects[f"s3://scar-video/output/frame-00{n}.png"] = b"\x89PNG" + bytes(400)
    backend.objects["s3://scar-video/output/summary.json"] = b'{"frames": 5}'
    backend.objects["s3://scar-video/input/clip-7.mp4"] = bytes(8400)
    backend.objects["s3://mask-detector/raw/crowd-004.jpg"] = bytes(1800)
    backend.objects["s3://plants/raw/rosa-17.jpg"] = bytes(2100)
    backend.objects["onedata://datahub/masks/crowd-004.jpg"] = bytes(1900)
    backend.lines = [
        LogLine(NOW - 33, "scar-lambda-darknet", "2265b1f5-0000-4000-8000-000000000000", level, raw)
        for level, raw in (
            ("INFO", b"Reading storage event: s3://scar-video/split-images/frame-0042.jpg"),
            ("INFO", b"Executing user defined script yolo.sh"),
            ("WARN", b"storage_output: suffix filter matched 0 of 2 files"),
            ("", b"\x1b[32mpredicted\x1b[0m: dog 97%"),
        )
    ] + [
        LogLine(NOW - 30, "plant-classification", "a91e07c4-0000-4000-8000-000000000000", "ERROR", raw)
        for raw in (
            b"Traceback (most recent call last):",
            b"RuntimeError: CUDA out of memory. Tried to allocate 1.20 GiB",
        )
    ]
    return backend


def until(condition: Callable[[], object], seconds: float = 60) -> None:
    """Wait in a thread of the test until a condition holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.005)


def changed(of: Run, **more: Any) -> Run:
    """Return a run with other values."""
    return dataclasses.replace(of, **more)
