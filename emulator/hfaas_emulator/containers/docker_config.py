"""What we ask of Docker for one container: as closed as Lambda's own sandbox, or as open as ECS's tasks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from hfaas_emulator.containers.engine import ContainerSpec, Restrictions, TaskLimits

FUNCTION_USER = "993:990"
"""Lambda's user and group inside."""

ROLE = "hfaas.role"
"""Label of the engine's own helpers."""

OUTLIVES = "hfaas.outlives"
"""Label of containers that another emulator of the same state directory will want to take over: jobs."""

VISIBLE = "NVIDIA_VISIBLE_DEVICES"
"""What the NVIDIA runtime goes by; images of CUDA set it to `all`."""

ONEPROVIDER = "oneprovider.hfaas.internal"
"""The emulated Oneprovider's name inside containers."""

_MB = 2**20
_CLOSED = {"CapDrop": ["ALL"], "SecurityOpt": ["no-new-privileges"]}
_SHARED_MEMORY_MB = 64  # Docker's default


@dataclass(frozen=True, slots=True)
class Place:
    """Where a container comes to be: network sandbox, volume for /tmp (or empty), and what the engine has."""

    sandbox: str
    volume: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    cpus: int = 1
    nvidia_runtime: bool = False
    cdi: bool = False


def needs_scratch(spec: ContainerSpec) -> bool:
    """Tell whether /tmp is a volume of its own; a job's /tmp is the image's."""
    return spec.restrictions is Restrictions.LAMBDA


def container_config(spec: ContainerSpec, place: Place) -> dict[str, Any]:
    """Return the body of the create call for a container that joins a sandbox."""
    closed = spec.restrictions is Restrictions.LAMBDA
    return {
        "Image": spec.image,
        "Labels": {**spec.labels, **place.labels, **({} if closed else {OUTLIVES: "1"})},
        "Env": [f"{key}={value}" for key, value in _environment(spec, place).items()],
        **({"Entrypoint": list(spec.entrypoint)} if spec.entrypoint else {}),
        **({"Cmd": list(spec.command)} if spec.command else {}),
        **({"WorkingDir": spec.working_directory} if spec.working_directory else {}),
        "User": spec.user,
        "Healthcheck": {"Test": ["NONE"]},
        "HostConfig": {
            "NetworkMode": f"container:{place.sandbox}",
            "ReadonlyRootfs": spec.read_only,
            "Memory": spec.memory_mb * _MB,
            "MemorySwap": spec.memory_mb * _MB,  # equal: no swap
            **({"NanoCpus": int(min(spec.cpus, place.cpus) * 1e9)} if spec.cpus else {}),
            **({"DeviceRequests": [_gpus(spec.gpus, place)]} if spec.gpus else {}),
            **(_function(spec, place) if closed else _task(spec, place)),
        },
    }


def _function(spec: ContainerSpec, place: Place) -> dict[str, Any]:
    return {
        **_CLOSED,
        "IpcMode": "none",  # no /dev/shm, as on Lambda
        "PidsLimit": 1024,
        "Ulimits": [_ulimit("nofile", 1024, 1024), *_file_size(spec)],
        "Mounts": [*([_tmp(place.volume)] if place.volume else []), *_files(spec), *_folders(spec)],
        "LogConfig": _log("1m", 1),
    }


def _task(spec: ContainerSpec, place: Place) -> dict[str, Any]:
    asked = spec.task
    return {
        "Init": asked.init,
        "IpcMode": "private",
        "ShmSize": (asked.shared_memory_mb or _SHARED_MEMORY_MB) * _MB,
        "Ulimits": [*_ulimits(asked), *_file_size(spec)],
        "Tmpfs": {path: f"rw,size={size}m" for path, size in asked.tmpfs.items()},
        "Mounts": [*(_empty(path, place.labels) for path in asked.volumes), *_files(spec), *_folders(spec)],
        "LogConfig": _log("10m", 2),  # an emulator that starts again reads the output from there
    }


def sandbox_config(image: str, network: str, labels: Mapping[str, str], host: str = "") -> dict[str, Any]:
    """Return the body of the create call for the container that holds the network namespace.

    Who joins it also has its /etc/hosts: there `host`, this machine, has the name of our Oneprovider.
    """
    return {
        "Image": image,
        "Labels": {**labels, ROLE: "sandbox"},
        "User": "65534:65534",
        "HostConfig": {
            **_CLOSED,
            "NetworkMode": network,
            **({"ExtraHosts": [f"{ONEPROVIDER}:{host}"]} if host else {}),
            "ReadonlyRootfs": True,
            "Memory": 16 * _MB,
            "PidsLimit": 16,
            "LogConfig": {"Type": "none"},
        },
    }


def _environment(spec: ContainerSpec, place: Place) -> dict[str, str]:
    """Hide the GPUs from who was given none, where the runtime would go by the image's own wish."""
    if not place.nvidia_runtime:
        return dict(spec.environment)
    return {**spec.environment, VISIBLE: ",".join(spec.gpus) or "void"}


def _gpus(uuids: tuple[str, ...], place: Place) -> dict[str, Any]:
    if place.cdi and not place.nvidia_runtime:
        return {"Driver": "cdi", "DeviceIDs": [f"nvidia.com/gpu={each}" for each in uuids]}
    return {"Driver": "", "DeviceIDs": list(uuids), "Capabilities": [["gpu"]]}


def _ulimits(asked: TaskLimits) -> Iterable[dict[str, Any]]:
    return (_ulimit(name, soft, hard) for name, (soft, hard) in asked.ulimits.items())


def _file_size(spec: ContainerSpec) -> list[dict[str, Any]]:
    size = spec.storage_mb * _MB
    return [_ulimit("fsize", size, size)] if size else []


def _ulimit(name: str, soft: int, hard: int) -> dict[str, Any]:
    return {"Name": name, "Soft": soft, "Hard": hard}


def _tmp(volume: str) -> dict[str, Any]:
    return {"Type": "volume", "Source": volume, "Target": "/tmp", "VolumeOptions": {"NoCopy": True}}  # noqa: S108


def _files(spec: ContainerSpec) -> Iterable[dict[str, Any]]:
    return (
        {"Type": "bind", "Source": str(source), "Target": path, "ReadOnly": True}
        for path, source in spec.files.items()
    )


def _folders(spec: ContainerSpec) -> Iterable[dict[str, Any]]:
    return (
        {"Type": "bind", "Source": str(mount.folder), "Target": path, "ReadOnly": mount.read_only}
        for path, mount in spec.mounts.items()
    )


def _empty(path: str, labels: Mapping[str, str]) -> dict[str, Any]:
    return {"Type": "volume", "Target": path, "VolumeOptions": {"Labels": dict(labels)}}


def _log(size: str, files: int) -> dict[str, Any]:
    return {"Type": "json-file", "Config": {"max-size": size, "max-file": str(files)}}
