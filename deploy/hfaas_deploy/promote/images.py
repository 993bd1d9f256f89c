"""Which images of a pipeline an engine and ECR have, and what is to be done with each.

An image lies in its repository, or is pushed, or is built before that. Nothing is made here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from hfaas_deploy import names, steps
from hfaas_deploy.aws.target import Target
from hfaas_deploy.building.images import EngineImage, Foresight, ImageBuilder
from hfaas_deploy.errors import RegistryError
from hfaas_deploy.pipeline import Function, Pipeline
from hfaas_deploy.promote import repositories
from hfaas_deploy.promote.promotion import ImagePlan, Upload
from hfaas_deploy.promote.repositories import Repositories, Stored


class Engine(ImageBuilder, Foresight, Protocol):
    """Makes images, and knows those that it has."""

    def identity(self, reference: str) -> EngineImage | None:
        """Return what the engine has under a reference; None for nothing."""


@dataclass(frozen=True, slots=True)
class Found:
    """What the images are, and what is worth a word about them."""

    images: tuple[ImagePlan, ...]
    missing: tuple[str, ...]
    parameters: Mapping[str, str]
    notes: tuple[str, ...]


class Images:
    """Looks what an engine and ECR have of a pipeline's images."""

    def __init__(self, target: Target, pipeline: Pipeline, engine: Engine) -> None:
        self._pipeline, self._engine = pipeline, engine
        self._there = Repositories(target, pipeline)

    def found(self, deployed: Mapping[str, str]) -> Found:
        """What there is of each Function's image; `deployed` are the parameters of the Stack as it stands."""
        missing = self._there.missing()
        images, notes = [], []
        for function in self._pipeline.functions:
            image, note = self._image(function, missing)
            images.append(replace(image, deployed=deployed.get(names.image_parameter(function.name), "")))
            notes += [note] if note else []
        parameters = {image.function: self._there.parameter(image) for image in images}
        return Found(tuple(images), missing, parameters, tuple(notes))

    def _image(self, function: Function, missing: Sequence[str]) -> tuple[ImagePlan, str]:
        if place := self._there.in_place(function):
            return self._used(function, *place), ""
        repository = names.repository(function.name)
        reference = self._engine.foresee(steps.source(function))
        engine = self._engine.identity(reference) if reference else None
        tag = repositories.tag(function, reference, engine.id if engine else "") if reference else ""
        stored = self._there.stored(repository, tag) if tag and repository not in missing else None
        image = ImagePlan(function.name, reference, repository, tag, _upload(engine, stored))
        if stored:
            is_same = engine is None or stored.is_image(engine.id)
            image = replace(image, id=_id(engine, stored), digest=stored.digest, size=stored.size)
            return image, "" if is_same else _other_build(function, repository, tag)
        return (replace(image, id=engine.id, size=engine.size) if engine else image), ""

    def _used(self, function: Function, repository: str, at: str) -> ImagePlan:
        """An image that is in ECR already and goes in as it is."""
        stored = self._there.stored(repository, at)
        if stored is None:
            raise RegistryError(
                f"{function.name}: there is no image {function.image}", "push it, or name another one"
            )
        return ImagePlan(
            function.name, function.image, repository, at, Upload.NONE, stored.config, stored.digest, stored.size
        )


def _upload(engine: EngineImage | None, stored: Stored | None) -> Upload:
    if stored:
        return Upload.NONE
    return Upload.PUSH if engine else Upload.BUILD


def _id(engine: EngineImage | None, stored: Stored) -> str:
    """What rehearsals know the image by that lies in ECR."""
    return engine.id if engine and stored.is_image(engine.id) else stored.config


def _other_build(function: Function, repository: str, tag: str) -> str:
    return (
        f"{function.name}: {repository}:{tag} was built elsewhere from the same files; that image is used, "
        "not the one of this machine, and it was not rehearsed here"
    )
