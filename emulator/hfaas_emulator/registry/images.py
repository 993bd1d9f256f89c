"""ECR's actions about images, answered from the registry; those about repositories are moto's."""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any

from hfaas_emulator.errors import AwsError
from hfaas_emulator.registry import catalogue
from hfaas_emulator.registry.catalogue import Catalogue, Stored, Wanted
from hfaas_emulator.registry.client import IMAGE_KINDS, Registry
from hfaas_emulator.registry.records import Repositories, Repository
from hfaas_emulator.wire.caller import Caller

Json = dict[str, Any]


class Images:
    """The images of all repositories."""

    def __init__(self, registry: Registry, repositories: Repositories) -> None:
        self._registry = registry
        self._repositories = repositories
        self._actions: Mapping[str, Callable[[Repository, Mapping[str, Any]], Awaitable[Json | None]]] = {
            "ListImages": self._list,
            "DescribeImages": self._describe,
            "BatchGetImage": self._get,
            "BatchDeleteImage": self._delete,
            "PutImage": self._put,
            "DeleteRepository": self._empty,
        }

    async def answer(self, action: str, caller: Caller, body: bytes) -> Json | None:
        """Answer an action; None leaves it to moto. AwsError as ECR words it, EmulatorError without a registry."""
        if action not in self._actions:
            return None
        asked = _parse(body)
        return await self._actions[action](await self._repository(caller, asked), asked)

    async def _repository(self, caller: Caller, asked: Mapping[str, Any]) -> Repository:
        name, account = str(asked.get("repositoryName", "")), str(asked.get("registryId") or caller.account)
        found = await self._repositories.repository(account, caller.region, name)
        if found is None:
            raise AwsError(
                "RepositoryNotFoundException",
                f"The repository with name '{name}' does not exist in the registry with id '{account}'",
            )
        return found

    async def _list(self, repository: Repository, asked: Mapping[str, Any]) -> Json:
        found = await self._catalogue(repository)
        tagged = _status(asked) != "UNTAGGED"  # a registry lists no others
        ids = [(tag, stored.digest) for stored in found.images.values() for tag in stored.tags if tagged]
        return {"imageIds": [{"imageDigest": digest, "imageTag": tag} for tag, digest in ids]}

    async def _describe(self, repository: Repository, asked: Mapping[str, Any]) -> Json:
        found = await self._catalogue(repository)
        chosen = found.images if _status(asked) != "UNTAGGED" else {}
        if asked.get("imageIds"):
            chosen = {one.digest: one for one in [await _one(found, repository, each) for each in _ids(asked)]}
        return {"imageDetails": [await self._detail(repository, stored) for stored in chosen.values()]}

    async def _detail(self, repository: Repository, stored: Stored) -> Json:
        manifest = stored.manifest
        config = await self._registry.config(repository.name, manifest.config) if manifest.is_image else {}
        detail = {
            "registryId": repository.account,
            "repositoryName": repository.name,
            "imageDigest": stored.digest,
            "imageSizeInBytes": manifest.size,
            "imagePushedAt": _moment(config.get("created")),
            "imageManifestMediaType": manifest.kind,
        }
        kind = manifest.document.get("config", {}).get("mediaType")
        more = {"imageTags": list(stored.tags), "artifactMediaType": kind}
        return detail | {key: value for key, value in more.items() if value}

    async def _get(self, repository: Repository, asked: Mapping[str, Any]) -> Json:
        found, images, failures = await self._catalogue(repository), [], []
        for wanted in _ids(asked):
            stored = await found.find(wanted)
            if stored is None:
                failures.append(_failure(wanted))
            else:
                images.append(_image(repository, stored, wanted.tag))
        return {"images": images, "failures": failures}

    async def _delete(self, repository: Repository, asked: Mapping[str, Any]) -> Json:
        """By digest an image goes with all its tags; by tag it goes along with its last one."""
        gone, failures = [], []
        for wanted in _ids(asked):
            found = await self._catalogue(repository)
            stored = await found.find(wanted)
            if stored is None:
                failures.append(_failure(wanted))
                continue
            tags = (wanted.tag,) if wanted.tag else stored.tags
            await self._drop(repository, stored, tags)
            gone += [Wanted(stored.digest, tag).document for tag in tags or ("",)]
        return {"imageIds": gone, "failures": failures}

    async def _drop(self, repository: Repository, stored: Stored, tags: tuple[str, ...]) -> None:
        """Delete a manifest, and write it again under the tags that stay: a registry takes no single tag away."""
        manifest = stored.manifest
        await self._registry.delete(repository.name, stored.digest)
        for tag in stored.tags:
            if tag not in tags:
                await self._registry.put(repository.name, tag, manifest.text, manifest.kind)

    async def _put(self, repository: Repository, asked: Mapping[str, Any]) -> Json:
        text = str(asked.get("imageManifest", ""))
        kind = str(asked.get("imageManifestMediaType") or _parse(text.encode()).get("mediaType") or IMAGE_KINDS[0])
        found = await self._catalogue(repository)
        wanted = Wanted(str(asked.get("imageDigest") or ""), str(asked.get("imageTag") or ""))
        had = await found.find(Wanted(tag=wanted.tag)) if wanted.tag else None
        if had and had.manifest.text == text:
            raise AwsError(
                "ImageAlreadyExistsException",
                f"Image with digest '{had.digest}' and tag '{wanted.tag}' already exists in the repository with name "
                f"'{repository.name}' in registry with id '{repository.account}'",
            )
        if had and repository.immutable:
            raise AwsError(
                "ImageTagAlreadyExistsException",
                f"The image tag '{wanted.tag}' already exists in the '{repository.name}' repository and cannot be "
                "overwritten because the repository is immutable.",
            )
        reference = wanted.tag or wanted.digest
        if not reference or not await self._registry.put(repository.name, reference, text, kind):
            raise AwsError("LayersNotFoundException", f"The manifest or layers of '{reference}' are not there")
        stored = await self._registry.manifest(repository.name, reference)
        return {"image": _image(repository, Stored(stored), wanted.tag)} if stored else {}

    async def _empty(self, repository: Repository, asked: Mapping[str, Any]) -> None:
        """Delete a repository's images before moto deletes its record."""
        found = await self._catalogue(repository)
        if found.images and not asked.get("force"):
            raise AwsError(
                "RepositoryNotEmptyException",
                f"The repository with name '{repository.name}' in registry with id '{repository.account}' cannot be "
                "deleted because it still contains images",
            )
        for digest in found.images:
            await self._registry.delete(repository.name, digest)

    async def _catalogue(self, repository: Repository) -> Catalogue:
        return await catalogue.read(self._registry, repository.name)


async def _one(found: Catalogue, repository: Repository, wanted: Wanted) -> Stored:
    stored = await found.find(wanted)
    if stored is None:
        raise AwsError(
            "ImageNotFoundException",
            f"The image with imageId {wanted} does not exist within the repository with name '{repository.name}' in "
            f"the registry with id '{repository.account}'",
        )
    return stored


def _image(repository: Repository, stored: Stored, tag: str) -> Json:
    return {
        "registryId": repository.account,
        "repositoryName": repository.name,
        "imageId": Wanted(stored.digest, tag or (stored.tags[0] if stored.tags else "")).document,
        "imageManifest": stored.manifest.text,
        "imageManifestMediaType": stored.manifest.kind,
    }


def _failure(wanted: Wanted) -> Json:
    why = {"failureCode": "ImageNotFound", "failureReason": "Requested image not found"}
    return {"imageId": wanted.document, **why}


def _ids(asked: Mapping[str, Any]) -> list[Wanted]:
    given = asked.get("imageIds")
    if not isinstance(given, list) or not given:
        raise AwsError(
            "InvalidParameterException",
            "Invalid parameter at 'imageIds' failed to satisfy constraint: 'must name at least one image'",
        )
    return [Wanted.of(each) for each in given]


def _status(asked: Mapping[str, Any]) -> str:
    chosen = asked.get("filter")
    return str(chosen.get("tagStatus", "")) if isinstance(chosen, Mapping) else ""


def _moment(text: Any) -> float:
    """Return when an image was made, in Unix time: a registry does not tell when it was pushed."""
    try:
        return datetime.fromisoformat(str(text)).timestamp()
    except ValueError:
        return time.time()


def _parse(body: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(body or b"{}")
    except ValueError as error:
        raise AwsError("SerializationException", f"The body is not JSON: {error}") from error
    if not isinstance(found, dict):
        raise AwsError("SerializationException", "The body is not a JSON object")
    return found
