"""What is in a repository: each image once, with all its tags.

A registry lists tags only, so images that lost their last tag are known by their digest alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from hfaas_emulator.registry.client import Manifest, Registry


@dataclass(frozen=True, slots=True)
class Stored:
    """One image and its tags."""

    manifest: Manifest
    tags: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        return self.manifest.digest


@dataclass(frozen=True, slots=True)
class Wanted:
    """An image as a request names it: by digest, by tag, or by both."""

    digest: str = ""
    tag: str = ""

    @classmethod
    def of(cls, given: Any) -> Wanted:
        """Read an `imageId`."""
        named = given if isinstance(given, Mapping) else {}
        return cls(str(named.get("imageDigest") or ""), str(named.get("imageTag") or ""))

    def is_of(self, stored: Stored) -> bool:
        return self.digest in ("", stored.digest) and (not self.tag or self.tag in stored.tags)

    @property
    def document(self) -> dict[str, str]:
        named = {"imageDigest": self.digest, "imageTag": self.tag}
        return {key: value for key, value in named.items() if value}

    def __str__(self) -> str:
        return f"{{imageDigest:'{self.digest or 'null'}', imageTag:'{self.tag or 'null'}'}}"


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The images of a repository."""

    registry: Registry
    repository: str
    images: Mapping[str, Stored] = field(default_factory=dict)

    async def find(self, wanted: Wanted) -> Stored | None:
        """Return an image, also one without tags when its digest is given."""
        for stored in self.images.values():
            if wanted.document and wanted.is_of(stored):
                return stored
        if not wanted.digest or wanted.tag or wanted.digest in self.images:
            return None
        bare = await self.registry.manifest(self.repository, wanted.digest)
        return Stored(bare) if bare else None


async def read(registry: Registry, repository: str) -> Catalogue:
    """Ask for all tags and what they stand for."""
    tags = await registry.tags(repository)
    manifests = await asyncio.gather(*(registry.manifest(repository, tag) for tag in tags))
    return Catalogue(registry, repository, _grouped(zip(tags, manifests, strict=True)))


def _grouped(found: Iterable[tuple[str, Manifest | None]]) -> dict[str, Stored]:
    images: dict[str, Stored] = {}
    for tag, manifest in found:
        if manifest is not None:
            had = images.get(manifest.digest, Stored(manifest))
            images[manifest.digest] = Stored(manifest, (*had.tags, tag))
    return images
