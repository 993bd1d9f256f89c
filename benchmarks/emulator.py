"""The emulator against the floor of the machine, in one run: what no emulator with real containers can beat.

    uv run python -m benchmarks emulator [--engine docker|process] [--only start,cold,warm,...]

The floor of a cold start is the same function image created and started by the Docker SDK on the default bridge,
behind a minimal Runtime API; that of a warm event the same container asked again.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import urlopen

from benchmarks.figures import Row, median, percentile, table
from benchmarks.floor import Floor

from hfaas_deploy import fdl
from hfaas_emulator.state import running
from hfaas_tui import local, transfer
from hfaas_tui.rehearsal import Options, rehearsal
from hfaas_tui.summary import Summary
from hfaas_tui.watch import Emulator

PIPELINE = """\
hfaas: {{stack: bench}}
functions:
  aws:
  - lambda: {{name: none, memory: 256, timeout: 60, init_script: none.sh, container: {{image: "{base}"}}}}
  - lambda: {{name: nap, memory: 256, timeout: 60, init_script: nap.sh, container: {{image: "{base}"}}}}
  - lambda:
      name: upper
      memory: 256
      timeout: 60
      init_script: upper.sh
      container: {{image: "{base}"}}
      input: [{{storage_provider: s3, path: bench/in}}]
      output: [{{storage_provider: s3, path: bench/out}}]
  - lambda:
      name: large
      memory: 128
      timeout: 300
      init_script: large.sh
      container: {{image: "{base}"}}
      input: [{{storage_provider: s3, path: bench/large}}]
      output: [{{storage_provider: s3, path: bench/same}}]
    hfaas: {{tmp: 4096}}
"""
SCRIPTS = {
    "none.sh": "#!/bin/sh\n",
    "large.sh": '#!/bin/sh\nmv "$INPUT_FILE_PATH" "$TMP_OUTPUT_DIR/same"\n',
    "nap.sh": "#!/bin/sh\nsleep 0.2\n",
    "upper.sh": '#!/bin/sh\ntr a-z A-Z <"$INPUT_FILE_PATH" >"$TMP_OUTPUT_DIR/${INPUT_FILE_PATH##*/}"\n',
}
LOOK_S = 0.001


@dataclass(frozen=True, slots=True)
class Bench:
    """A running emulator with the benchmark's functions on it."""

    emulator: Emulator
    pid: int
    images: dict[str, str]

    @property
    def functions(self) -> Any:
        return transfer.client(self.emulator.endpoint, "lambda")

    @property
    def s3(self) -> Any:
        return transfer.s3(self.emulator.endpoint)

    def rss(self, field: str = "VmRSS") -> float:
        """Return resident (VmRSS) or peak (VmHWM) memory of the emulator, in MiB."""
        with open(f"/proc/{self.pid}/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith(field)) / 1024


def run(arguments: list[str]) -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser("benchmarks emulator", description=__doc__)
    parser.add_argument("--base", default="hfaas/base:bookworm")
    parser.add_argument("--engine", choices=("docker", "process"), default="docker")
    parser.add_argument("--only", help="cases, separated by commas")
    chosen = parser.parse_args(arguments)
    wanted = chosen.only.split(",") if chosen.only else list(CASES)
    rows: list[Row] = list(starts()) if "start" in wanted else []
    with bench(chosen.base, chosen.engine) as ready:
        for name in wanted:
            if name != "start":
                rows += CASES[name](ready)
    print(table(("case", "measured", "floor or ideal", "ratio", "aim"), rows))


@contextmanager
def bench(base: str, engine: str) -> Iterator[Bench]:
    """Start an emulator and deploy the functions."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for name, text in SCRIPTS.items():
            (folder / name).write_text(text)
        (folder / "pipeline.yaml").write_text(PIPELINE.format(base=base))
        with rehearsal(Options(folder / "state", engine=engine, concurrency=16)) as emulator:
            about = running(folder / "state")
            if about is None:
                raise SystemExit("the emulator is gone")
            deployed = local.deploy(fdl.read(folder / "pipeline.yaml"), emulator, {}, lambda _: None)
            yield Bench(emulator, about.pid, dict(deployed.images))


def starts() -> Iterator[Row]:
    """Time from the process's start to a healthy answer, and to readiness; resident memory then."""
    healthy, ready, resident = [], [], []
    for _ in range(5):
        with tempfile.TemporaryDirectory() as place:
            times = one_start(Path(place))
        healthy.append(times[0])
        ready.append(times[1])
        resident.append(times[2])
    yield "start to a healthy answer", f"{median(healthy):.2f} s", "", "", "<= 0.6 s"
    yield "start to ready (moto, engine)", f"{median(ready):.2f} s", "", "", ""
    yield "RSS when ready", f"{median(resident):.0f} MiB", "", "", ""


def one_start(state: Path) -> tuple[float, float, float]:
    """Start one emulator on a port chosen beforehand, so that its health can be asked for from the first moment."""
    port = free_port()
    command = [
        sys.executable,
        "-m",
        "hfaas_emulator",
        "--port",
        str(port),
        "--state",
        str(state),
        "--engine",
        "auto",
    ]
    begun = time.perf_counter()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        until(lambda: answers(f"http://127.0.0.1:{port}/_localstack/health"))
        healthy = time.perf_counter() - begun
        until(lambda: running(state) is not None)
        ready = time.perf_counter() - begun
        with open(f"/proc/{child.pid}/status") as status:
            resident = next(int(line.split()[1]) for line in status if line.startswith("VmRSS")) / 1024
    finally:
        child.terminate()
        child.wait()
    return healthy, ready, resident


def cold(ready: Bench) -> Iterator[Row]:
    """First invoke of a function without an environment, against create + start + first answer."""
    floor = None
    if ready.emulator.status()["engine"]["runs_images"]:
        with Floor(ready.images["none"]) as machine:
            floor = median([machine.cold() for _ in range(7)])
    seconds = []
    for number in range(7):
        fresh = f"cold-{number}"
        copy_function(ready, fresh)
        seconds.append(timed(lambda name=fresh: invoke(ready.functions, name)))  # type: ignore[misc]
    yield compared("cold invoke", median(seconds), floor, "<= 1.15x")


def copy_function(ready: Bench, name: str) -> None:
    """Create a function of the same image as `none`."""
    known = ready.functions.get_function_configuration(FunctionName="none")
    ready.functions.create_function(
        FunctionName=name,
        PackageType="Image",
        Code={"ImageUri": ready.images["none"]},
        Role=known["Role"],
        MemorySize=256,
        Timeout=60,
        Environment=known["Environment"],
    )


def warm(ready: Bench) -> Iterator[Row]:
    """Invokes of a warm function through boto3, against the container behind a minimal Runtime API."""
    floor = None
    if ready.emulator.status()["engine"]["runs_images"]:
        with Floor(ready.images["none"]) as machine:
            machine.cold(keep=True)
            floor = median([machine.warm() for _ in range(200)])
    api = ready.functions
    invoke(api, "none")
    seconds = [timed(lambda: invoke(api, "none")) for _ in range(300)]
    yield compared("warm invoke p50 (with the script's fork and exec)", median(seconds), floor, "<= 4 ms or 2.5x")
    yield "warm invoke p95", f"{percentile(seconds, 0.95) * 1000:.1f} ms", "", "", ""


def parallel(ready: Bench) -> Iterator[Row]:
    """100 invokes of 200 ms, eight at a time, warm."""
    api = ready.functions
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: invoke(api, "nap"), range(16)))
        wall = timed(lambda: list(pool.map(lambda _: invoke(api, "nap"), range(100))))
    yield compared("100 x 200 ms, 8 at a time", wall, 0.2 * -(-100 // 8), "<= 1.1x")


def asynchronous(ready: Bench) -> Iterator[Row]:
    """50 events accepted and done."""
    api = ready.functions

    def fifty() -> None:
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda _: api.invoke(FunctionName="none", InvocationType="Event"), range(50)))
        ready.emulator.idle(120)

    fifty()
    yield "50 asynchronous events, all done (warm)", f"{timed(fifty):.2f} s", "", "", "<= 0.5 s"


def pipeline(ready: Bench) -> Iterator[Row]:
    """An object put until its output can be read, one after the other; then 100 at once."""
    s3 = ready.s3
    one_file(s3, "first")
    seconds = [one_file(s3, f"file-{number}") for number in range(50)]
    yield "put -> output, p50", f"{median(seconds) * 1000:.1f} ms", "", "", "<= 12 ms"
    yield "put -> output, p95", f"{percentile(seconds, 0.95) * 1000:.1f} ms", "", "", ""
    yield from burst(ready)


def one_file(s3: Any, name: str) -> float:
    """Return the seconds from before the put until the output is there; looked for without an SDK's weight."""
    url = s3.generate_presigned_url("head_object", {"Bucket": "bench", "Key": f"out/{name}"})
    place = urlsplit(url)
    with contextlib.closing(http.client.HTTPConnection(place.netloc)) as looking:

        def there() -> bool:
            looking.request("HEAD", f"{place.path}?{place.query}")
            answer = looking.getresponse()
            answer.read()
            return answer.status == http.client.OK

        there()
        begun = time.perf_counter()
        s3.put_object(Bucket="bench", Key=f"in/{name}", Body=b"some text\n" * 100)
        until(there)
        return time.perf_counter() - begun


def burst(ready: Bench) -> Iterator[Row]:
    """100 objects put by eight threads; how long each output took."""
    s3 = ready.s3
    put_at: dict[str, float] = {}
    seen_at: dict[str, float] = {}

    def put(number: int) -> None:
        put_at[f"out/burst-{number:03}"] = time.perf_counter()
        s3.put_object(Bucket="bench", Key=f"in/burst-{number:03}", Body=b"some text\n" * 100)

    def all_there() -> bool:
        for entry in s3.list_objects_v2(Bucket="bench", Prefix="out/burst-").get("Contents", ()):
            seen_at.setdefault(entry["Key"], time.perf_counter())
        return len(seen_at) == 100

    begun = time.perf_counter()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(put, range(100)))
        until(all_there, pause=0.02)
    wall = time.perf_counter() - begun
    waited = median([seen_at[key] - put_at[key] for key in seen_at])
    yield "burst of 100 files, p50 / wall", f"{waited:.2f} s / {wall:.2f} s", "", "", "p50 <= 1.2 s"


def big(ready: Bench) -> Iterator[Row]:
    """1 GiB put and got in one piece; resident memory of the emulator at its peak."""
    s3 = ready.s3
    with tempfile.TemporaryFile() as file:
        file.truncate(1 << 30)
        file.seek(0)
        put = timed(lambda: s3.put_object(Bucket="bench", Key="big", Body=file))
    peak = ready.rss("VmHWM")
    got = timed(
        lambda: sum(len(piece) for piece in s3.get_object(Bucket="bench", Key="big")["Body"].iter_chunks(1 << 20))
    )
    yield "1 GiB put", f"{put:.1f} s, peak RSS {peak:.0f} MiB", "", "", "<= 120 MB"
    yield "1 GiB get", f"{got:.1f} s, peak RSS {ready.rss('VmHWM'):.0f} MiB", "", "", ""


def large(ready: Bench) -> Iterator[Row]:
    """1 GiB through a function of 128 MB: fetched, moved, uploaded."""
    s3 = ready.s3
    with tempfile.TemporaryFile() as file:
        file.truncate(1 << 30)
        s3.upload_fileobj(file, "bench", "large/file")
    begun = time.perf_counter()
    ready.emulator.idle(300)
    seconds = time.perf_counter() - begun
    passed = s3.head_object(Bucket="bench", Key="same/same")["ContentLength"] == 1 << 30
    peak = next(tally.peak_mb for tally in summed(ready).tallies() if tally.function == "large")
    yield "1 GiB in and out of a 128 MB function", f"{seconds:.1f} s, peak {peak} MB", "", "", str(passed)


def summed(ready: Bench) -> Summary:
    """Return what the trace says of all functions."""
    summary = Summary()
    summary.feed(ready.emulator.hops())
    return summary


def small(ready: Bench) -> Iterator[Row]:
    """4 KiB objects through boto3."""
    s3 = ready.s3
    body = b"x" * 4096
    puts = [timed(lambda: s3.put_object(Bucket="bench", Key="small", Body=body)) for _ in range(300)]
    gets = [timed(lambda: read(s3, "small")) for _ in range(300)]
    yield "4 KiB put / get, p50", f"{median(puts) * 1000:.1f} / {median(gets) * 1000:.1f} ms", "", "", ""


CASES: dict[str, Callable[[Bench], Iterator[Row]]] = {
    "start": lambda _: starts(),
    "cold": cold,
    "warm": warm,
    "parallel": parallel,
    "async": asynchronous,
    "pipeline": pipeline,
    "small": small,
    "big": big,
    "large": large,
}


def compared(name: str, measured: float, floor: float | None, aim: str) -> Row:
    """Return a row with the ratio to the floor."""
    ratio = f"{measured / floor:.2f}x" if floor else ""
    return name, f"{measured * 1000:.1f} ms", f"{floor * 1000:.1f} ms" if floor else "", ratio, aim


def read(s3: Any, key: str) -> bytes:
    """Return an object of the benchmark's bucket."""
    body: bytes = s3.get_object(Bucket="bench", Key=key)["Body"].read()
    return body


def invoke(api: Any, name: str) -> None:
    """Invoke a function and insist on success."""
    answer = api.invoke(FunctionName=name)
    if answer.get("FunctionError"):
        raise SystemExit(f"{name}: {json.loads(answer['Payload'].read())}")


def timed(action: Callable[[], object]) -> float:
    """Return how long an action takes, in seconds."""
    begun = time.perf_counter()
    action()
    return time.perf_counter() - begun


def until(condition: Callable[[], bool], pause: float = LOOK_S) -> None:
    """Look until a condition holds."""
    deadline = time.monotonic() + 300
    while not condition():
        if time.monotonic() > deadline:
            raise SystemExit("not within 300 s")
        time.sleep(pause)


def answers(url: str) -> bool:
    """Tell whether a URL answers."""
    try:
        with urlopen(url, timeout=1) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def free_port() -> int:
    """Return a port that is free now."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port
