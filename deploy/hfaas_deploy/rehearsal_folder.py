"""Folders for a rehearsal: the emulator has one of its own in the place of each access point of EFS.

Only an emulator has these paths, and only a rehearsal asks for them: the real file system is never touched.
"""

from __future__ import annotations

import http.client
import json
from contextlib import closing
from urllib.parse import quote, urlsplit

from hfaas_deploy.errors import FileSystemError, TargetUnreachable

TIMEOUT_S = 60


def ensure(endpoint: str, access_point: str) -> str:
    """The folder of that access point on the emulator's machine, made when it is missing."""
    status, body = _put(endpoint, f"/_hfaas/file-systems/{quote(access_point, safe='')}")
    told = body.decode(errors="replace")
    if status >= 300:
        raise FileSystemError(f"the emulator has no folder for {access_point}: {status} {told}")
    try:
        return str(json.loads(told)["folder"])
    except (ValueError, KeyError, TypeError):
        raise FileSystemError(f"the emulator's answer about {access_point} cannot be understood") from None


def _put(endpoint: str, path: str) -> tuple[int, bytes]:
    url = urlsplit(endpoint)
    try:
        with closing(http.client.HTTPConnection(url.hostname or "", url.port or 80, timeout=TIMEOUT_S)) as line:
            line.request("PUT", path)
            answer = line.getresponse()
            return answer.status, answer.read()
    except (OSError, http.client.HTTPException) as error:
        raise TargetUnreachable(f"no emulator answers at {endpoint}: {error}") from error
