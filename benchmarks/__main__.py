"""`python -m benchmarks NAME [options]`: numbers, each with the floor or the peer of the same run."""

from __future__ import annotations

import sys

from benchmarks import batch, emulator, onedata, onetrigger, promote, stack, supervisor
from benchmarks.tui import bench as tui

BENCHMARKS = {
    "batch": batch.run,
    "emulator": emulator.run,
    "onedata": onedata.run,
    "onetrigger": onetrigger.run,
    "promote": promote.run,
    "stack": stack.run,
    "supervisor": supervisor.run,
    "tui": tui.run,
}


def main() -> None:
    """Run the benchmark that is named."""
    if len(sys.argv) < 2 or sys.argv[1] not in BENCHMARKS:
        raise SystemExit(f"usage: python -m benchmarks {{{','.join(BENCHMARKS)}}} [options]")
    BENCHMARKS[sys.argv[1]](sys.argv[2:])


main()
