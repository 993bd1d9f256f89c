"""Files, directories and symbolic links as plain data."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from hfaas_emulator.onedata import ids


class Kind(StrEnum):
    """What a node is."""

    FILE = "REG"
    DIRECTORY = "DIR"
    LINK = "SYMLNK"


class Doc(StrEnum):
    """The documents that tell of a node; each change of one has a number of its own."""

    META = "fileMeta"
    LOCATION = "fileLocation"
    TIMES = "times"
    CUSTOM = "customMetadata"


@dataclass(frozen=True, slots=True)
class Node:
    """A node at one moment; times are Unix seconds, `blob` names its bytes on disk, `target` is a link's."""

    uuid: str
    space: str
    parent: str | None
    name: str
    kind: Kind
    mode: int
    size: int
    blob: str
    target: str
    atime: int
    mtime: int
    ctime: int
    birth: int

    @property
    def id(self) -> str:
        """Return the identifier that clients see."""
        return ids.file_id(self.uuid, self.space)

    @property
    def parent_id(self) -> str | None:
        return ids.file_id(self.parent, self.space) if self.parent else None

    @property
    def is_directory(self) -> bool:
        return self.kind is Kind.DIRECTORY

    @property
    def is_file(self) -> bool:
        return self.kind is Kind.FILE


@dataclass(frozen=True, slots=True)
class Space:
    """A space; `seq` numbers its last change, `quota` bounds its bytes (0: nothing does)."""

    id: str
    name: str
    seq: int
    quota: int = 0


@dataclass(frozen=True, slots=True)
class Note:
    """What a commit changed: in which space, and, if somebody should hear of it, what became of which path."""

    space: Space
    path: str = ""
    change: str = ""
