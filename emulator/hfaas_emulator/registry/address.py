"""Where the registry is, and which references of images are its."""

from __future__ import annotations

import re
from dataclasses import dataclass

from hfaas_emulator.errors import EmulatorError

PLACE = re.compile(r"([A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?):([0-9]{1,5})")
REPOSITORY = re.compile(r"(?:[a-z0-9]+(?:[._-]+[a-z0-9]+)*/)*[a-z0-9]+(?:[._-]+[a-z0-9]+)*")
TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Name:
    """An image in a repository, by tag or by digest."""

    repository: str
    reference: str


@dataclass(frozen=True, slots=True)
class Address:
    """HOST:PORT of a registry that speaks plain HTTP; the Docker engine allows that for this machine's addresses."""

    text: str

    @property
    def url(self) -> str:
        return f"http://{self.text}"

    def uri(self, repository: str) -> str:
        """Return what a repository is called before the tag or digest of an image."""
        return f"{self.text}/{repository}"

    def name(self, reference: str) -> Name | None:
        """Read a reference of an image; None when it is not of this registry, or of nothing that can be there."""
        if not reference.startswith(f"{self.text}/"):
            return None
        rest = reference.removeprefix(f"{self.text}/")
        repository, at, digest = rest.partition("@")
        path, slash, last = repository.rpartition("/")
        last, _, tag = last.partition(":")
        found = Name(f"{path}{slash}{last}", digest if at else tag or "latest")
        return found if is_repository(found.repository) and is_reference(found.reference) else None


def parse(text: str) -> Address:
    """Read HOST:PORT; EmulatorError when it is not that."""
    found = PLACE.fullmatch(text)
    if found is None or not 0 < int(found[3]) < 65536:
        raise EmulatorError(f"{text!r} is no address of a registry", "give it as HOST:PORT, such as 127.0.0.1:5000")
    return Address(text)


def is_repository(text: str) -> bool:
    """Whether a text can be the name of a repository."""
    return len(text) <= 256 and REPOSITORY.fullmatch(text) is not None


def is_reference(text: str) -> bool:
    """Whether a text can be a tag or a digest."""
    return bool(TAG.fullmatch(text) or DIGEST.fullmatch(text))
