"""Calls that a later version answers: refused by name, where moto would run something or hand out AWS's own hosts."""

from __future__ import annotations

import re
from dataclasses import dataclass

from hfaas_emulator.errors import AwsError


@dataclass(frozen=True, slots=True)
class Later:
    """A call by service, method, and path or action; `message` says what is missing."""

    service: str
    method: str
    path: re.Pattern[str]
    message: str
    action: str = ""

    def is_meant(self, service: str, method: str, path: str, action: str) -> bool:
        """Tell whether a request is this call."""
        called = (service, method, action if self.action else "") == (self.service, self.method, self.action)
        return called and self.path.fullmatch(path) is not None


LATER = (
    Later(
        "logs", "POST", re.compile(r"/*"),
        "StartLiveTail is not emulated; `aws logs tail --follow` works.", "StartLiveTail",
    ),
)  # fmt: skip


def refuse(service: str, method: str, path: str, action: str = "") -> None:
    """Let a request pass, or raise an AwsError that names what is missing; `path` is decoded."""
    for call in LATER:
        if call.is_meant(service, method, path, action):
            raise AwsError("NotImplemented", call.message, 501)
