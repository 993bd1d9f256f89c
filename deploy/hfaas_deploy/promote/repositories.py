"""The repositories of ECR that a pipeline's images go to: which are there, what is in them, how an engine logs in.

Everything here only reads. An image is known by two digests: that of its manifest, which the template's parameter
names, and that of its configuration, which the manifest names and which is the engine's id of the image.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError, ClientError

from hfaas_deploy import names
from hfaas_deploy.aws import credentials
from hfaas_deploy.aws.target import Target, is_aws_host, is_local
from hfaas_deploy.errors import RegistryError, WrongTarget
from hfaas_deploy.pipeline import Function, Pipeline
from hfaas_deploy.preview import OPEN
from hfaas_deploy.promote.promotion import ImagePlan
from hfaas_deploy.template import bootstrap

if TYPE_CHECKING:
    from mypy_boto3_ecr import ECRClient

IMAGES = (
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
)
LISTS = (
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.index.v1+json",
)
REGISTRY = re.compile(r"(?P<account>[0-9]{12})\.dkr[.-]ecr(-fips)?\.[a-z0-9-]+\.[a-z0-9.-]+")
"""The registry of an account, as AWS names it."""

ID = 12
"""Characters of an engine's id that tell one image from another."""


@dataclass(frozen=True, slots=True)
class Stored:
    """An image in a repository: the digests of its manifest and its configuration, compressed bytes."""

    digest: str
    config: str
    size: int

    def is_image(self, engines: str) -> bool:
        """Tell whether it is the image that an engine knows by this id: some engines name the manifest."""
        return engines in (self.config, self.digest)


@dataclass(frozen=True, slots=True)
class Login:
    """What an engine shows to a registry; good for hours, and for nobody's eyes."""

    registry: str
    user: str
    password: str = field(repr=False)

    @property
    def auth_config(self) -> dict[str, str]:
        """The same as the engine wants it."""
        return {"username": self.user, "password": self.password, "serveraddress": self.registry}


class Repositories:
    """The repositories of one pipeline in one account and region."""

    def __init__(self, target: Target, pipeline: Pipeline) -> None:
        self._target = target
        self._pipeline = pipeline

    @cached_property
    def registry(self) -> str:
        """What stands before the name of each repository of the account and region."""
        return self.login().registry

    def needed(self) -> tuple[Function, ...]:
        """The Functions whose images must be pushed."""
        return tuple(
            function for function in self._pipeline.functions if bootstrap.needs_repository(function, self.registry)
        )

    def in_place(self, function: Function) -> tuple[str, str] | None:
        """The repository and the tag or digest of an image that is used from where it is; None for all others."""
        if bootstrap.needs_repository(function, self.registry):
            return None
        name, at, digest = function.image.removeprefix(f"{self.registry}/").partition("@")
        repository, _, tagged = name.partition(":")
        return repository, digest if at else tagged or "latest"

    def missing(self) -> tuple[str, ...]:
        """The names of repositories that are needed and not there."""
        wanted = (names.repository(function.name) for function in self.needed())
        return tuple(name for name in wanted if not self.has(name))

    def has(self, repository: str) -> bool:
        """Tell whether there is a repository of this name."""
        return bool(self._ask("describe_repositories", "RepositoryNotFoundException", repositoryNames=[repository]))

    def uri(self, repository: str) -> str:
        """What stands before the tag or digest of an image; also for a repository that is not there yet."""
        return f"{self.registry}/{repository}"

    def parameter(self, image: ImagePlan) -> str:
        """What the template's parameter says of an image: its digest there, its tag until that is known."""
        uri = self.uri(image.repository)
        return f"{uri}@{image.digest}" if image.digest else f"{uri}:{image.tag or OPEN}"

    def stored(self, repository: str, reference: str) -> Stored | None:
        """The image under a tag or a digest; None when it, or its repository, is not there.

        RegistryError when it is a list of images for several platforms, of which AWS runs none.
        """
        kind = "imageDigest" if reference.startswith("sha256:") else "imageTag"
        answer = self._ask(
            "batch_get_image",
            "RepositoryNotFoundException",
            repositoryName=repository,
            imageIds=[{kind: reference}],
            acceptedMediaTypes=[*IMAGES, *LISTS],
        )
        for image in (answer or {}).get("images", []):
            return _stored(f"{repository}:{reference}", image)
        for failure in (answer or {}).get("failures", []):
            if failure.get("failureCode") != "ImageNotFound":
                said = failure.get("failureReason") or failure.get("failureCode")
                raise RegistryError(f"the registry does not give {repository}:{reference}: {said}")
        return None

    def login(self) -> Login:
        """A new login for an engine; RegistryError when AWS gives none."""
        (given, *_) = (self._ask("get_authorization_token") or {}).get("authorizationData") or [{}]
        try:
            user, _, password = base64.b64decode(given["authorizationToken"]).decode().partition(":")
            parts = urlsplit(given["proxyEndpoint"])
            host = parts.hostname or ""
        except (KeyError, ValueError):
            raise RegistryError("the registry gave no login that can be read") from None
        if not self._is_registry(parts.scheme, host, parts.netloc):
            where = self._target.endpoint or "AWS"
            raise WrongTarget(f"images would go to {given['proxyEndpoint']}, which is not where {where} keeps them")
        return Login(parts.netloc, user, password)

    def _is_registry(self, scheme: str, host: str, netloc: str) -> bool:
        """Whether the password may go there: many hosts of AWS are its customers'."""
        if self._target.is_stand_in:
            return is_local(host) and "@" not in netloc
        found = REGISTRY.fullmatch(netloc)
        is_ours = found is not None and found["account"] == (self._target.account or found["account"])
        return scheme == "https" and is_ours and is_aws_host(host)

    @cached_property
    def _client(self) -> ECRClient:
        client: ECRClient = self._target.client("ecr")
        return client

    def _ask(self, operation: str, absent: str = "", **arguments: Any) -> Mapping[str, Any] | None:
        """One call; None when AWS says that what it is about is absent."""
        with _aws_errors(self._target):
            try:
                answer: Mapping[str, Any] = getattr(self._client, operation)(**arguments)
            except ClientError as refusal:
                if absent and refusal.response.get("Error", {}).get("Code") == absent:
                    return None
                raise
            return answer


def tag(function: Function, reference: str, id: str) -> str:
    """The tag of an image in its repository: the hash of what it was made of, or what the engine knows it by."""
    last = reference.rpartition("/")[2]
    if function.create_image and ":" in last and "@" not in last:
        return last.partition(":")[2]
    return id.removeprefix("sha256:")[:ID]


def _stored(name: str, image: Mapping[str, Any]) -> Stored:
    manifest = json.loads(image["imageManifest"])
    if "manifests" in manifest or image.get("imageManifestMediaType") in LISTS:
        raise RegistryError(
            f"{name} is a list of images for several platforms; AWS runs single images only",
            "delete that tag; build with `docker build --provenance=false --platform linux/amd64`, then run it again",
        )
    parts = [manifest["config"], *manifest["layers"]]
    return Stored(
        image["imageId"]["imageDigest"], manifest["config"]["digest"], sum(part["size"] for part in parts)
    )


@contextmanager
def _aws_errors(target: Target) -> Iterator[None]:
    """AWS's refusals become ours, with its words."""
    try:
        yield
    except ClientError as refusal:
        said = refusal.response.get("Error", {})
        denied = str(said.get("Code", "")).startswith("AccessDenied")
        hint = f"ask for the permission ecr:{refusal.operation_name}" if denied else ""
        words = RegistryError(f"the registry of images refused: {said.get('Message') or refusal}", hint)
        raise credentials.refusal(refusal, target.profile) or words from refusal
    except BotoCoreError as fault:
        raise credentials.absence(fault, target.profile, target.region) from fault
