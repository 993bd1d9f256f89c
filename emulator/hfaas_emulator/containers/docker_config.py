"""What we ask of Docker for one container: as closed as Lambda's own sandbox."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hfaas_emulator.containers.engine import ContainerSpec

FUNCTION_USER = "993:990"
"""Lambda's user and group inside."""

ROLE = "hfaas.role"
"""Label of the engine's own helpers."""

_MB = 2**20
_CLOSED = {"CapDrop": ["ALL"], "SecurityOpt": ["no-new-privileges"]}


def function_config(
    spec: ContainerSpec, sandbox: str, volume: str, labels: Mapping[str, str], cpus: int
) -> dict[str, Any]:
    """Return the body of the create call for a function's container that joins a sandbox; `cpus` the engine has."""
    return {
        "Image": spec.image,
        "Labels": {**spec.labels, **labels},
        "Env": [f"{key}={value}" for key, value in spec.environment.items()],
        **({"Entrypoint": list(spec.entrypoint)} if spec.entrypoint else {}),
        **({"Cmd": list(spec.command)} if spec.command else {}),
        **({"WorkingDir": spec.working_directory} if spec.working_directory else {}),
        "User": spec.user,
        "Healthcheck": {"Test": ["NONE"]},
        "HostConfig": {
            **_CLOSED,
            "NetworkMode": f"container:{sandbox}",
            "ReadonlyRootfs": spec.read_only,
            "IpcMode": "none",  # no /dev/shm, as on Lambda
            "Memory": spec.memory_mb * _MB,
            "MemorySwap": spec.memory_mb * _MB,  # equal: no swap
            "PidsLimit": 1024,
            "Ulimits": [_ulimit("nofile", 1024), _ulimit("fsize", spec.storage_mb * _MB)],
            "Mounts": [_tmp(volume)],
            "LogConfig": {"Type": "json-file", "Config": {"max-size": "1m", "max-file": "1"}},
            **({"NanoCpus": int(min(spec.cpus, cpus) * 1e9)} if spec.cpus else {}),
            **({"DeviceRequests": [_gpus(spec.gpus)]} if spec.gpus else {}),
        },
    }


def sandbox_config(image: str, network: str, labels: Mapping[str, str]) -> dict[str, Any]:
    """Return the body of the create call for the container that holds the network namespace."""
    return {
        "Image": image,
        "Labels": {**labels, ROLE: "sandbox"},
        "User": "65534:65534",
        "HostConfig": {
            **_CLOSED,
            "NetworkMode": network,
            "ReadonlyRootfs": True,
            "Memory": 16 * _MB,
            "PidsLimit": 16,
            "LogConfig": {"Type": "none"},
        },
    }


def _ulimit(name: str, value: int) -> dict[str, Any]:
    return {"Name": name, "Soft": value, "Hard": value}


def _tmp(volume: str) -> dict[str, Any]:
    return {"Type": "volume", "Source": volume, "Target": "/tmp", "VolumeOptions": {"NoCopy": True}}  # noqa: S108


def _gpus(uuids: tuple[str, ...]) -> dict[str, Any]:
    return {"Driver": "", "DeviceIDs": list(uuids), "Capabilities": [["gpu"]]}
