"""First code of a child of the process engine: limits itself, then becomes the supervisor without another exec.

Run by path with the interpreter in isolated mode; imports nothing of the emulator.
"""

from __future__ import annotations

import ctypes
import os
import resource
import runpy
import signal
import sys

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36


def main() -> None:
    """Take `parent storage_bytes open_files program`, and the program's own arguments; 0 limits nothing."""
    parent, storage, files, program = *map(int, sys.argv[1:4]), sys.argv[4]
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        libc.prctl(PR_SET_CHILD_SUBREAPER, 1)
    if os.getppid() != parent:  # the emulator was killed before it could be watched
        sys.exit(1)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _lower(resource.RLIMIT_NOFILE, files)
    _lower(resource.RLIMIT_FSIZE, storage)
    sys.argv = [program, *sys.argv[5:]]
    runpy.run_path(program, run_name="__main__")


def _lower(limit: int, value: int) -> None:
    """Set a limit, but never above what this process was given."""
    if not value:
        return
    hard = resource.getrlimit(limit)[1]
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(limit, (value, value))


if __name__ == "__main__":
    main()
