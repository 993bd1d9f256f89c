"""Which GPUs of this machine its Docker engine can put into a container."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from typing import Any

from hfaas_emulator.containers import gpu_probe
from hfaas_emulator.containers.engine import Gpu
from hfaas_emulator.containers.gpu_probe import Found

HOOK = "nvidia-container-runtime-hook"
"""The toolkit's program that Docker calls for a GPU, whether or not the runtime is registered by name."""

MENDING = "install nvidia-container-toolkit, run `nvidia-ctk runtime configure --runtime=docker`, restart Docker"


def look(info: Mapping[str, Any]) -> Found:
    """Ask driver and engine; `info` is what the engine says of itself."""
    found = gpu_probe.look()
    if found.gpus and not (has_runtime(info) or has_devices(info, found.gpus)):
        return Found((), f"{found.detail}, but Docker lacks the NVIDIA runtime: {MENDING}")
    return found


def has_runtime(info: Mapping[str, Any]) -> bool:
    """Tell whether the engine gives GPUs by the NVIDIA runtime."""
    return "nvidia" in (info.get("Runtimes") or {}) or shutil.which(HOOK) is not None


def has_devices(info: Mapping[str, Any], gpus: Sequence[Gpu]) -> bool:
    """Tell whether the engine knows all of these GPUs by CDI files."""
    known = {str(each.get("ID", "")) for each in info.get("DiscoveredDevices") or ()}
    return all(f"nvidia.com/gpu={each.uuid}" in known for each in gpus)
