"""Who a container belongs to: a label that names the emulator process, so that the dead can be told from the living."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

LABEL = "hfaas.owner"
"""Every container, volume and sandbox carries it; the value is `machine/boot/pid/start`."""

STATE = "hfaas.state"
"""Tells which state directory the emulator worked on."""


def me() -> str:
    """Name this process in a way that no later process shares."""
    return _name(os.getpid())


def state(state_dir: Path) -> str:
    """Name a state directory without telling its path."""
    return hashlib.sha256(str(state_dir.resolve()).encode()).hexdigest()[:16]


def is_dead(owner: str) -> bool:
    """Tell whether the process ran on this machine and is gone; one of another machine never counts as dead."""
    machine, _, rest = owner.partition("/")
    if machine != _machine():
        return False
    pid = rest.split("/")[1] if rest.count("/") == 2 else ""
    return not pid.isdecimal() or _name(int(pid)) != owner


def is_of_this_boot(owner: str) -> bool:
    """Tell whether the machine has run without a break since that process did."""
    return owner.startswith(f"{_machine()}/{_boot()}/")


def _name(pid: int) -> str:
    return f"{_machine()}/{_boot()}/{pid}/{_start(pid)}"


def _boot() -> str:
    return _read("/proc/sys/kernel/random/boot_id")


def _machine() -> str:
    identity = _read("/etc/machine-id") + os.uname().nodename
    return hashlib.sha256(identity.encode()).hexdigest()[:16]


def _start(pid: int) -> str:
    """Return when a process began, `alive` where only that can be known, or nothing when there is none."""
    if fields := _read(f"/proc/{pid}/stat").rpartition(")")[2].split():
        return "" if fields[0] in "ZX" else fields[19]  # ended, but nobody has asked how: init may take its time
    if os.path.exists("/proc/self/stat"):
        return ""
    try:
        os.kill(pid, 0)
    except PermissionError:
        return "alive"
    except OSError:
        return ""
    return "alive"


def _read(path: str) -> str:
    try:
        return Path(path).read_text().strip()
    except OSError:
        return ""
