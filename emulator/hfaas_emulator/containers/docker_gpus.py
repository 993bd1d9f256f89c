"""Which GPUs of this machine its Docker engine can put into a container."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from typing import Any

from hfaas_emulator.containers import gpu_probe
from hfaas_emulator.containers.gpu_probe import Found

HOOK = "nvidia-container-runtime-hook"
"""The program that Docker needs for `--gpus`; it is the toolkit's."""

MENDING = "install nvidia-container-toolkit, run `nvidia-ctk runtime configure --runtime=docker`, restart Docker"


def look(info: Mapping[str, Any]) -> Found:
    """Ask driver and engine; `info` is what the engine says of itself."""
    found = gpu_probe.look()
    if found.gpus and not can_pass(info):
        return Found((), f"{found.detail}, but Docker lacks the NVIDIA runtime: {MENDING}")
    return found


def can_pass(info: Mapping[str, Any]) -> bool:
    """Tell whether this engine knows how to give a GPU to a container."""
    return "nvidia" in (info.get("Runtimes") or {}) or shutil.which(HOOK) is not None or is_cdi(info)


def is_cdi(info: Mapping[str, Any]) -> bool:
    """Tell whether the engine has found NVIDIA devices described by CDI files."""
    devices = info.get("DiscoveredDevices") or ()
    return any(str(each.get("ID", "")).startswith("nvidia.com/gpu=") for each in devices)
