"""What one attempt asks of the engine, as its definition words it in DescribeJobs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from hfaas_emulator.batch.identity import Identity
from hfaas_emulator.batch.runner import NotStarted, Work
from hfaas_emulator.containers.engine import ContainerSpec, Mount, Network, Restrictions, TaskLimits
from hfaas_emulator.file_systems import access_point_in, nowhere


def specification(
    work: Work,
    identity: Identity,
    emulator: str,
    environment: Mapping[str, str],
    files: Mapping[str, Path] | None = None,
    folder: Callable[[str], Path] = nowhere,
) -> ContainerSpec:
    """Describe the container; NotStarted when it asks for what no machine of ours may give."""
    task = work.task
    return ContainerSpec(
        name=identity.container,
        image=task.image,
        labels=identity.labels(emulator),
        environment=environment,
        command=task.command,
        memory_mb=work.memory_mb,
        storage_mb=0,
        cpus=work.vcpus,
        gpus=work.gpus,
        read_only=task.read_only,
        user=task.user,
        network=Network.OWN,
        restrictions=Restrictions.BATCH,
        task=limits(task.document),
        files=files or {},
        mounts={path: Mount(folder(point), read_only) for path, point, read_only in shared(task.document)},
    )


def shared(container: Mapping[str, Any]) -> Iterator[tuple[str, str, bool]]:
    """Yield path, access point of EFS, and whether it is only read, for each of those that a container mounts."""
    volumes = {each.get("name"): access_point_in(each) for each in container.get("volumes") or ()}
    for each in container.get("mountPoints") or ():
        if point := volumes.get(each.get("sourceVolume")):
            yield each["containerPath"], point, bool(each.get("readOnly"))


def emptied(container: Mapping[str, Any]) -> list[str]:
    """Return the paths at which AWS would mount something, and here is an empty volume."""
    known = {path for path, *_ in shared(container)}
    paths = (each["containerPath"] for each in container.get("mountPoints") or ())
    return [path for path in paths if path not in known]


def limits(container: Mapping[str, Any]) -> TaskLimits:
    """Read what only a Batch job may ask for out of its `container` document."""
    linux = container.get("linuxParameters") or {}
    if container.get("privileged"):
        raise NotStarted(
            "CannotStartContainerError: privileged asks for all of this machine, and the emulator gives it to nobody; "
            "remove it from the job definition to rehearse the job"
        )
    if linux.get("devices"):
        raise NotStarted(
            "CannotStartContainerError: linuxParameters.devices asks for devices of the host, and the emulator "
            "gives none; remove it, or ask for a GPU by resourceRequirements"
        )
    return TaskLimits(
        shared_memory_mb=linux.get("sharedMemorySize"),
        init=bool(linux.get("initProcessEnabled")),
        tmpfs={each["containerPath"]: int(each["size"]) for each in linux.get("tmpfs") or ()},
        ulimits={
            each["name"]: (int(each["softLimit"]), int(each["hardLimit"]))
            for each in container.get("ulimits") or ()
        },
        volumes=tuple(emptied(container)),
    )
