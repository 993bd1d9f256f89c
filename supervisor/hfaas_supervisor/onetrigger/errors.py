"""What can go wrong between OneTrigger, its provider and its state.

HfaasError
├── Unreachable      242  no connection, or an answer that asks to try again
├── Refused          242  the provider will not do it, now or later
└── StateTaken         1  somebody else keeps the same state
"""

from __future__ import annotations

from hfaas_supervisor.errors import HfaasError


class Unreachable(HfaasError):
    """The provider did not answer, or asked to try again later."""

    code = 242


class Refused(HfaasError):
    """The provider refused; `status` and `reason` are its own."""

    code = 242

    def __init__(self, message: str, status: int, reason: str) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason


class StateTaken(HfaasError):
    """Another OneTrigger works with the same state."""
