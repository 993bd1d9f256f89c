"""Folders for a rehearsal: the emulator has one of its own in the place of each access point of EFS.

Only an emulator has these paths, and only a rehearsal asks for them: the real file system is never touched.
"""

from __future__ import annotations

import json
from urllib.parse import quote

from hfaas_deploy import emulator
from hfaas_deploy.errors import FileSystemError


def ensure(endpoint: str, access_point: str) -> str:
    """The folder of that access point on the emulator's machine, made when it is missing."""
    answer = emulator.put(endpoint, f"/_hfaas/file-systems/{quote(access_point, safe='')}")
    if answer.is_refusal:
        raise FileSystemError(f"the emulator has no folder for {access_point}: {answer.status} {answer.text}")
    try:
        return str(json.loads(answer.text)["folder"])
    except (ValueError, KeyError, TypeError):
        raise FileSystemError(f"the emulator's answer about {access_point} cannot be understood") from None
