"""The images that a function or job of an account may be made of."""

from __future__ import annotations

from hfaas_emulator.containers.engine import Engine, Image
from hfaas_emulator.errors import AwsError
from hfaas_emulator.registry.client import Registry
from hfaas_emulator.registry.records import Repositories
from hfaas_emulator.wire.caller import Caller

_ARCHITECTURES = {"amd64": "x86_64"}


class Source:
    """Looks images up for one caller: in the registry those that are its, on this machine the others."""

    def __init__(
        self, engine: Engine, registry: Registry | None, repositories: Repositories, caller: Caller
    ) -> None:
        self._engine = engine
        self._registry = registry
        self._repositories = repositories
        self._caller = caller

    @property
    def runs_images(self) -> bool:
        return self._engine.runs_images

    async def image(self, ref: str) -> Image | None:
        """Return an image; None when the caller has no such repository, or nothing of that name is in it.

        An engine that runs images fetches it now, as Lambda does. AwsError for a list of several architectures.
        """
        name = self._registry.address.name(ref) if self._registry else None
        if self._registry is None or name is None:
            return await self._engine.image(ref)
        caller = self._caller
        if await self._repositories.repository(caller.account, caller.region, name.repository) is None:
            return None
        manifest = await self._registry.manifest(name.repository, name.reference)
        if manifest is None:
            return None
        if not manifest.is_image:
            raise AwsError(
                "InvalidParameterValueException",
                f"The image manifest, config or layer media type for the source image {ref} is not supported.",
            )
        if (found := await self._engine.image(ref)) or self._engine.runs_images:
            return found
        config = await self._registry.config(name.repository, manifest.config)
        given = str(config.get("architecture", ""))
        return Image(ref, manifest.config, _ARCHITECTURES.get(given, given), supervised=True)
