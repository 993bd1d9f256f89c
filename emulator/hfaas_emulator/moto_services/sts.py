"""Sessions of roles: their tokens say whose they are, so that a job which outlives the emulator is still known."""

from __future__ import annotations

from typing import Any

from hfaas_emulator.moto_services.patch import patch
from hfaas_emulator.permissions.session import Session, token


@patch(
    "moto.sts.models:AssumedRole.__init__",
    sha="7a9e804024b6075d",
    reason="gives out a random token, which nobody knows any more after a restart",
)
def new_session(original: Any, self: Any, *args: Any, **named: Any) -> None:
    original(self, *args, **named)
    if str(self.role_arn).count(":") >= 5:
        self.session_token = token(Session(self.role_arn, self.session_name or "", self.policy or ""))
