"""A client of the registry's HTTP API: manifests, tags, configurations.

Calls block, so each runs in a thread of its own pool; a command that talks to a registry must not hold moto's.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hfaas_emulator.errors import EmulatorError
from hfaas_emulator.registry.address import Address, is_reference, is_repository

IMAGE_KINDS = (
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
)
"""Manifests of one image, which is all that Lambda and Batch run."""

LIST_KINDS = (
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.index.v1+json",
)
TIMEOUT_S = 20
LARGEST = 16 * 2**20
"""Bytes of a manifest or configuration at most; registries take 4 MiB."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a tag or a digest stands for: the text as it was pushed, its media type, its digest."""

    text: str
    kind: str
    digest: str

    @property
    def is_image(self) -> bool:
        """Whether it is of one image, and not a list for several architectures."""
        return self.kind in IMAGE_KINDS

    @property
    def document(self) -> Mapping[str, Any]:
        found = json.loads(self.text)
        return found if isinstance(found, dict) else {}

    @property
    def config(self) -> str:
        """Return the digest of the configuration, which is the engine's id of the image."""
        return str(self.document.get("config", {}).get("digest", ""))

    @property
    def size(self) -> int:
        """Return the bytes of all layers, compressed."""
        return sum(int(layer.get("size", 0)) for layer in self.document.get("layers", ()))


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    headers: http.client.HTTPMessage
    body: bytes


class Registry:
    """A registry that speaks the distribution API, version 2."""

    def __init__(self, address: Address) -> None:
        self.address = address

    async def manifest(self, repository: str, reference: str) -> Manifest | None:
        """Return a manifest by tag or digest; None when there is none."""
        if not is_repository(repository) or not is_reference(reference):
            return None
        accepted = {"Accept": ", ".join((*IMAGE_KINDS, *LIST_KINDS))}
        answer = await self._ask("GET", f"{repository}/manifests/{reference}", accepted)
        if answer is None:
            return None
        kind = answer.headers.get_content_type()
        digest = f"sha256:{hashlib.sha256(answer.body).hexdigest()}"
        return Manifest(answer.body.decode("utf-8", "replace"), kind, digest)

    async def tags(self, repository: str) -> list[str]:
        """Return the tags of a repository, in order; none when nobody pushed to it."""
        answer = await self._ask("GET", f"{repository}/tags/list") if is_repository(repository) else None
        found = _read(answer).get("tags") if answer else None
        return sorted(filter(is_reference, map(str, found or ())))

    async def config(self, repository: str, digest: str) -> Mapping[str, Any]:
        """Return an image's configuration; empty when it is not there."""
        if not is_repository(repository) or not is_reference(digest):
            return {}
        answer = await self._ask("GET", f"{repository}/blobs/{digest}")
        return _read(answer) if answer else {}

    async def put(self, repository: str, reference: str, text: str, kind: str) -> bool:
        """Write a manifest under a tag; False when the registry misses parts of the image."""
        headers = {"Content-Type": kind}
        answer = await self._ask(
            "PUT", f"{repository}/manifests/{reference}", headers, text.encode(), refusals=(400,)
        )
        return answer is not None and answer.status < 300

    async def delete(self, repository: str, digest: str) -> None:
        """Delete a manifest with all its tags."""
        await self._ask("DELETE", f"{repository}/manifests/{digest}")

    async def _ask(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        refusals: tuple[int, ...] = (),
    ) -> _Answer | None:
        """Return an answer, None for 404; EmulatorError when the registry does not answer, or refuses."""
        try:
            answer = await asyncio.to_thread(self._exchange, method, f"/v2/{path}", dict(headers or {}), body)
        except (OSError, http.client.HTTPException) as error:
            raise EmulatorError(
                f"the registry at {self.address.text} does not answer: {error}", "start it"
            ) from error
        if answer.status == 404:
            return None
        if answer.status == 405:
            raise EmulatorError(
                f"the registry at {self.address.text} does not delete images",
                "allow it in its configuration: `storage: {delete: {enabled: true}}`",
            )
        if answer.status >= 400 and answer.status not in refusals:
            raise EmulatorError(f"the registry at {self.address.text} answers {method} {path} with {answer.status}")
        return answer

    def _exchange(self, method: str, path: str, headers: dict[str, str], body: bytes | None) -> _Answer:
        connection = http.client.HTTPConnection(self.address.text, timeout=TIMEOUT_S)
        with contextlib.closing(connection):
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return _Answer(answer.status, answer.headers, answer.read(LARGEST))


def _read(answer: _Answer) -> Mapping[str, Any]:
    try:
        found = json.loads(answer.body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
