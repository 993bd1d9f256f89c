"""What the registry must know of ECR's repositories; the records themselves are moto's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository of an account and region."""

    name: str
    account: str
    region: str
    immutable: bool = False


class Repositories(Protocol):
    """Knows which repositories were made."""

    async def repository(self, account: str, region: str, name: str) -> Repository | None:
        """Find a repository; None when there is none."""
