"""Functions without images: under the process engine the emulator keeps the function's own files, and nothing else."""

from __future__ import annotations

import hashlib
import tempfile
from typing import IO

from hfaas_deploy import emulator
from hfaas_deploy.building.archive import pack
from hfaas_deploy.building.bundle import Progress
from hfaas_deploy.building.images import FunctionSource, ImageError, Original, function_entries


class LayerImages:
    """Stores a function's script and payload in an emulator; stands where DockerImages does."""

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint

    def build(self, function: FunctionSource, progress: Progress) -> str:
        """Return `hfaas-layer/<name>:<sha256>` of the function's files, stored in the emulator."""
        if not function.create_image:
            raise ImageError(
                f"{function.name} runs its image as it is, and the process engine runs no images",
                "Use `--engine docker`, or drop create_image: false.",
            )
        if function.mounts:
            raise ImageError(
                f"{function.name} has a file system at {', '.join(function.mounts)}, and the process engine mounts nothing",
                "Use `--engine docker`, or drop file_system.",
            )
        with tempfile.TemporaryFile() as layer:
            digest = _pack(function, layer)
            progress(f"storing the files of {function.name}")
            self._put(digest, layer)
        return _reference(function, digest)

    def foresee(self, function: FunctionSource) -> str:
        """Return what `build` would, without storing anything."""
        with tempfile.TemporaryFile() as layer:
            return _reference(function, _pack(function, layer))

    def _put(self, digest: str, layer: IO[bytes]) -> None:
        answer = emulator.put(self._endpoint, f"/_hfaas/layers/{digest}", layer)
        if answer.is_refusal:
            raise ImageError(f"the emulator refused the function's files: {answer.status} {answer.text}")


def _pack(function: FunctionSource, layer: IO[bytes]) -> str:
    """Write the function's files and return their digest."""
    pack(function_entries(function, Original(), "", "task"), layer)
    layer.seek(0)
    return hashlib.file_digest(layer, "sha256").hexdigest()  # type: ignore[arg-type]


def _reference(function: FunctionSource, digest: str) -> str:
    return f"hfaas-layer/{function.name.lower()}:{digest}"
