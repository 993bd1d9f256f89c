"""What an emulator keeps beside AWS's services, under `/_hfaas/`: nothing here is ever asked of AWS."""

from __future__ import annotations

import http.client
import io
from contextlib import closing
from dataclasses import dataclass
from typing import IO
from urllib.parse import urlsplit

from hfaas_deploy.errors import TargetUnreachable

TIMEOUT_S = 60


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP status and a text, in which there may be secrets."""

    status: int
    text: str

    @property
    def is_refusal(self) -> bool:
        return self.status >= 300


def put(endpoint: str, path: str, body: IO[bytes] | None = None) -> Answer:
    """Send the body from its beginning, without reading it into memory; TargetUnreachable where no emulator answers."""
    content = body or io.BytesIO()
    size = content.seek(0, io.SEEK_END)
    content.seek(0)
    url = urlsplit(endpoint)
    try:
        with closing(http.client.HTTPConnection(url.hostname or "", url.port or 80, timeout=TIMEOUT_S)) as line:
            line.request("PUT", path, content, {"Content-Length": str(size)})
            answer = line.getresponse()
            return Answer(answer.status, answer.read().decode(errors="replace"))
    except (OSError, http.client.HTTPException) as error:
        raise TargetUnreachable(f"no emulator answers at {endpoint}: {error}") from error
