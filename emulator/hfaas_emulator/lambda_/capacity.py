"""How many invocations may run at once: the account's limit, and a function's reserved concurrency."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from enum import StrEnum

from hfaas_emulator.errors import AwsError
from hfaas_emulator.lambda_.function import Function


class Limit(StrEnum):
    """The `Reason` of a throttled call."""

    ACCOUNT = "ConcurrentInvocationLimitExceeded"
    RESERVED = "ReservedFunctionConcurrentInvocationLimitExceeded"


class TooManyRequests(AwsError):
    """AWS's refusal of a synchronous call over a limit."""

    def __init__(self, reason: Limit) -> None:
        super().__init__("TooManyRequestsException", "Rate Exceeded.", 429)
        self.reason = reason


class Capacity:
    """The slots of an account; who finds none taken may ask to be called when one is free."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._taken = 0
        self._by_function: Counter[tuple[str, str, str]] = Counter()
        self._blocked: dict[Callable[[], None], None] = {}

    def exceeded(self, function: Function) -> Limit | None:
        """Return the limit that forbids one more invocation, None when there is room."""
        reserved = function.reserved_concurrency
        if reserved is not None and self._by_function[_key(function)] >= reserved:
            return Limit.RESERVED
        return Limit.ACCOUNT if self._taken >= self.limit else None

    def room(self, function: Function) -> int:
        """Return how many more invocations of this function may run."""
        free = self.limit - self._taken
        if function.reserved_concurrency is not None:
            free = min(free, function.reserved_concurrency - self._by_function[_key(function)])
        return max(0, free)

    def take(self, function: Function) -> Limit | None:
        """Take a slot; when a limit forbids it return that limit instead."""
        limit = self.exceeded(function)
        if limit is None:
            self._taken += 1
            self._by_function[_key(function)] += 1
        return limit

    def release(self, function: Function) -> None:
        """Give a slot back and wake those who lacked one, longest blocked first."""
        self._taken -= 1
        self._by_function[_key(function)] -= 1
        blocked, self._blocked = self._blocked, {}
        for wake in blocked:
            wake()

    def block(self, wake: Callable[[], None]) -> None:
        """Call `wake` once, when a slot becomes free."""
        self._blocked.setdefault(wake)


def _key(function: Function) -> tuple[str, str, str]:
    return function.account, function.region, function.name
