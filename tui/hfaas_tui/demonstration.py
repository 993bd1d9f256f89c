"""What `hfaas demo` runs: the video sample on a clip that is drawn for it."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from hfaas_deploy import fdl
from hfaas_tui.errors import CliError
from hfaas_tui.run import Order

BASES = ("debian:bookworm-slim", "hfaas/base:bookworm")
"""Images the sample can be built on, the first one there is taken; the second is made by scripts/base-image."""


def order(output: Path, engine: str, say: Callable[[str], None]) -> Order:
    """Draw the clip and say what to run on it."""
    sample = samples() / "video"
    clip = output / "clip.avi"
    output.mkdir(parents=True, exist_ok=True)
    drawn = subprocess.run(
        [sys.executable, str(sample / "clip.py"), str(clip)], capture_output=True, text=True, check=False
    )
    if drawn.returncode:
        raise CliError(f"the clip could not be drawn: {drawn.stderr.strip()}")
    say(f"drew {clip}: {clip.stat().st_size >> 10} KiB of people walking")
    chosen, base = _surroundings(engine, say)
    arguments = {"BASE": base} if base else {}
    return Order(fdl.read(sample / "pipeline.yaml"), (clip,), output, chosen, build_args=arguments)


def samples() -> Path:
    """Return the folder of the samples: inside the installed package, or the checkout's."""
    for place in (Path(__file__).parent / "samples", Path(__file__).parents[2] / "samples"):
        if (place / "video" / "pipeline.yaml").is_file():
            return place
    raise CliError("the samples are not installed", "clone the repository and run `uv run hfaas demo` there")


def _surroundings(engine: str, say: Callable[[str], None]) -> tuple[str, str]:
    """Choose engine and base image; without an image to build on, `auto` falls back to plain processes and says so."""
    if engine == "process":
        return engine, ""
    if named := os.environ.get("HFAAS_BASE_IMAGE"):
        return engine, named
    from hfaas_deploy.building.images import NoEngine

    try:
        base = _base(say)
    except NoEngine as error:
        if engine == "docker":
            raise
        say(f"{error.message}: functions run as plain processes, images are not used")
        return "process", ""
    if not base and engine == "auto":
        say(f"neither {' nor '.join(BASES)} is on this machine, and nothing can be fetched:")
        say("functions run as plain processes, images are not used; scripts/base-image makes an image")
        return "process", ""
    return engine, base or BASES[0]


def _base(say: Callable[[str], None]) -> str:
    """Return a base image, fetched when none is on this machine; empty when that is impossible."""
    from docker.errors import APIError, ImageNotFound

    from hfaas_deploy.building.images import connect

    with contextlib.closing(connect()) as client:
        for name in BASES:
            with contextlib.suppress(ImageNotFound):
                client.images.get(name)
                return name
        say(f"fetching {BASES[0]}")
        with contextlib.suppress(APIError):
            client.images.pull(BASES[0])
            return BASES[0]
    return ""
