"""Looks for NVIDIA GPUs of this machine by the driver's own program."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

from hfaas_emulator.containers.engine import Gpu

DRIVER = "/proc/driver/nvidia"
PROGRAM = "nvidia-smi"
DEADLINE_S = 10.0
"""A driver that nobody uses wakes up for every question: seconds where there are many GPUs."""

LAST_S = 1.0
"""How long a killed question may take to vanish."""

LOAD = (
    "--query-gpu=uuid,utilization.gpu,memory.used,memory.total,temperature.gpu,power.draw,driver_version",
    "--format=csv,noheader,nounits",
)
"""The question for how busy GPUs are."""

LOAD_S = 3.0
_QUERY = ("--query-gpu=uuid,name,memory.total", "--format=csv,noheader,nounits")


@dataclass(frozen=True, slots=True)
class Found:
    """The GPUs there are; `detail` tells which, or why there are none."""

    gpus: tuple[Gpu, ...]
    detail: str


def is_worth_a_look() -> bool:
    """Tell in no time whether there is a trace of a driver."""
    return os.path.exists(DRIVER) or shutil.which(PROGRAM) is not None


def look(deadline_s: float = DEADLINE_S) -> Found:
    """Ask the driver, in the calling thread."""
    if not is_worth_a_look():
        return Found((), "no NVIDIA driver on this machine")
    if shutil.which(PROGRAM) is None:
        return Found((), f"an NVIDIA driver is loaded, but {PROGRAM} is not on PATH")
    try:
        return _parsed(_asked(_QUERY, deadline_s))
    except OSError as error:
        return Found((), f"{PROGRAM} cannot be started: {error.strerror}")
    except subprocess.TimeoutExpired:
        return Found((), f"{PROGRAM} did not answer within {deadline_s:g} s")
    except _Refused as refusal:
        return Found((), f"{PROGRAM} fails: {refusal}")


def ask_load() -> str:
    """Ask the driver `LOAD`, in the calling thread; an exception when it does not answer."""
    return _asked(LOAD, LOAD_S)


class _Refused(Exception):
    """The program ended with an error, or with an answer that is none."""


def _asked(question: Sequence[str], deadline_s: float) -> str:
    asked = subprocess.Popen(
        [PROGRAM, *question],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    try:
        answer, _ = asked.communicate(timeout=deadline_s)
    except subprocess.TimeoutExpired:
        _end(asked)
        raise
    if asked.returncode:
        raise _Refused(_first_line(answer) or f"exit code {asked.returncode}")
    return answer


def _end(asked: subprocess.Popen[str]) -> None:
    """Kill what hangs; a process that the kernel itself holds in a broken driver is not waited for."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(asked.pid, signal.SIGKILL)
    with contextlib.suppress(subprocess.TimeoutExpired):
        asked.wait(LAST_S)
    if asked.stdout:
        asked.stdout.close()


def _parsed(answer: str) -> Found:
    gpus = tuple(_gpu(line) for line in answer.splitlines() if line.strip())
    if not gpus:
        return Found((), f"{PROGRAM} knows no GPU")
    return Found(gpus, ", ".join(described(each) for each in gpus))


def visible(found: Found, wish: str | None) -> Found:
    """Keep what CUDA_VISIBLE_DEVICES leaves to this process: indexes or (beginnings of) uuids, up to a wrong one."""
    if wish is None or not found.gpus:
        return found
    kept: list[Gpu] = []
    for name in (each.strip() for each in wish.split(",")):
        gpu = _named(found.gpus, name)
        if gpu is None or gpu in kept:
            break
        kept.append(gpu)
    if not kept:
        return Found((), f"{found.detail}, but CUDA_VISIBLE_DEVICES={wish} hides all")
    return Found(tuple(kept), ", ".join(described(each) for each in kept))


def _named(gpus: Sequence[Gpu], name: str) -> Gpu | None:
    if name.isdecimal():
        return gpus[int(name)] if int(name) < len(gpus) else None
    matching = [each for each in gpus if name and each.uuid.startswith(name)]
    return matching[0] if len(matching) == 1 else None


def described(gpu: Gpu) -> str:
    """Name a GPU for people."""
    return f"{gpu.name} ({gpu.memory_mb} MB)"


def _gpu(line: str) -> Gpu:
    fields = [each.strip() for each in line.split(",")]
    if len(fields) != 3 or not fields[0].startswith(("GPU-", "MIG-")) or not fields[2].isdecimal():
        raise _Refused(f"it says {_first_line(line)!r}")
    return Gpu(fields[0], fields[1], int(fields[2]))


def _first_line(text: str) -> str:
    return next((line.strip()[:200] for line in text.splitlines() if line.strip()), "")
