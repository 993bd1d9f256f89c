"""EFS: in the place of each access point a folder of this machine, shared by all functions and jobs that mount it.

Of what somebody asks for only the access point's id names a folder, and only if it is one; the first who asks makes it.
An access point writes as one user whoever mounts it. Here programs in containers have users of their own, and everybody
may write to what the others have made: the directory above keeps the rest of this machine out.
"""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from hfaas_emulator.errors import EngineError

FOLDER = "file-systems"
"""What the directory is called in a state directory."""

ACCESS_POINT = re.compile(r"fsap-[0-9a-f]{8,40}")
ARN = re.compile(rf"arn:aws[a-z-]*:elasticfilesystem:[a-z0-9-]+:[0-9]{{12}}:access-point/({ACCESS_POINT.pattern})")
DEFAULT_ACL = "system.posix_acl_default"
EVERYBODY = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", who, 0o7, 0xFFFFFFFF) for who in (0x01, 0x04, 0x20))
"""An access control list of Linux: owner, group and all others may do everything with what is made in a folder."""


class FileSystems:
    """The folders below one directory, which is private to its owner."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory.resolve()

    def folder(self, access_point: str) -> Path:
        """Return the folder of an access point, made when it is missing; EngineError when that is impossible."""
        if not ACCESS_POINT.fullmatch(access_point):
            raise EngineError(f"{access_point!r} is no access point of EFS", "it looks like fsap-0123456789abcdef0")
        folder = self._directory / access_point
        try:
            if not folder.is_dir():
                self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
                folder.mkdir()
            _share(folder)
        except OSError as error:
            raise EngineError(f"{folder} cannot be made: {error.strerror}") from error
        return folder


def nowhere(access_point: str) -> Path:
    """Stand in for `FileSystems.folder` where there are none."""
    raise EngineError(f"there is no folder for the access point {access_point}")


def access_point_of(arn: str) -> str:
    """Return the id in the ARN of an access point; empty for all others."""
    found = ARN.fullmatch(arn)
    return found.group(1) if found else ""


def access_point_in(volume: Mapping[str, Any]) -> str:
    """Return the access point of a volume of a job definition; empty for one without."""
    efs = volume.get("efsVolumeConfiguration") or {}
    return str((efs.get("authorizationConfig") or {}).get("accessPointId") or "")


def _share(folder: Path) -> None:
    """Have everybody write in it and, where this machine's file system knows how, to what anybody makes in it.

    A folder that somebody else owns stays as its owner wants it.
    """
    with suppress(OSError):
        folder.chmod(0o777)
        if hasattr(os, "setxattr"):
            os.setxattr(folder, DEFAULT_ACL, EVERYBODY)
