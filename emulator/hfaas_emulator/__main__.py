"""`python -m hfaas_emulator`: the emulator in the foreground."""

from __future__ import annotations

import argparse
import logging
import os
import shutil
import sys
from pathlib import Path

from hfaas_emulator.containers.gpus import GpuMode
from hfaas_emulator.errors import EmulatorError
from hfaas_emulator.server import DEFAULT_CONCURRENCY, Options, run


def _options(arguments: list[str] | None) -> Options:
    parser = argparse.ArgumentParser("python -m hfaas_emulator", description="A small AWS on this machine.")
    parser.add_argument("--port", type=int, default=4566, help="TCP port, 0 chooses a free one (default: 4566)")
    parser.add_argument("--state", type=Path, required=True, help="directory that keeps everything acknowledged")
    parser.add_argument("--engine", choices=("auto", "docker", "process"), default="auto")
    parser.add_argument("--concurrency", type=int, default=DEFAULT_CONCURRENCY, help="functions running at once")
    parser.add_argument("--retry-delay", type=float, default=60, help="seconds before a failed event's first retry")
    parser.add_argument(
        "--gpu",
        choices=[str(mode) for mode in GpuMode],
        default=str(GpuMode.EXCLUSIVE),
        help="one GPU for one job, all GPUs for whoever asks, or the CPU where there is no GPU (default: exclusive)",
    )
    parser.add_argument(
        "--scale-down", action="store_true", help="run jobs that are larger than this machine with what it has"
    )
    parser.add_argument(
        "--onedata-port",
        type=int,
        default=0,
        help="TCP port of the Oneprovider (default: a free one, then always that)",
    )
    parser.add_argument(
        "--flush-delay",
        type=_seconds,
        default=(0.0, 0.0),
        metavar="LOW,HIGH",
        help="seconds that changes in a space take (default: 0)",
    )
    parser.add_argument(
        "--registry", default="", metavar="HOST:PORT", help="registry of images that ECR stands for (plain HTTP)"
    )
    parser.add_argument(
        "--file-systems",
        type=Path,
        metavar="DIRECTORY",
        help="where the folders lie that stand in for EFS (default: in the state directory)",
    )
    parser.add_argument("--tether", action="store_true", help="stop when standard input ends")
    parser.add_argument("--discard", action="store_true", help="remove the state directory at the end")
    parser.add_argument("--log-level", default="warning", choices=("debug", "info", "warning", "error"))
    chosen = parser.parse_args(arguments)
    logging.basicConfig(level=chosen.log_level.upper(), format="%(asctime)s %(name)s %(levelname)s %(message)s")
    return Options(
        chosen.port,
        chosen.state.absolute(),
        chosen.engine,
        chosen.concurrency,
        chosen.retry_delay,
        chosen.tether,
        chosen.discard,
        GpuMode(chosen.gpu),
        chosen.scale_down,
        chosen.onedata_port,
        chosen.flush_delay,
        chosen.registry,
        chosen.file_systems and chosen.file_systems.absolute(),
    )


def _seconds(text: str) -> tuple[float, float]:
    low, _, high = text.partition(",")
    return float(low), float(high or low)


def main(arguments: list[str] | None = None) -> int:
    """Run until stopped; 1 when it could not start."""
    options = _options(arguments)
    try:
        run(options)
    except EmulatorError as error:
        print(f"error: {error.message}", file=sys.stderr)  # noqa: T201 (this is what a person reads)
        if error.hint:
            print(f"hint: {error.hint}", file=sys.stderr)  # noqa: T201
        return 1
    if options.discard:  # who made the directory may have been killed by now
        shutil.rmtree(options.state, ignore_errors=True)
    return 0


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # all is closed and written; taking thousands of modules apart would take a second
