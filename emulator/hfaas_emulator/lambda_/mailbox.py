"""The hand-over of events and answers between the pool and the runtime inside one container.

Everything is a future: the runtime's `/next` waits on one, the pool waits on the answer's, and the container's
end or the time limit resolves that same future. Nobody polls, so a warm hand-over costs one turn of the loop.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from hfaas_emulator.lambda_.outcome import Outcome


@dataclass(frozen=True, slots=True)
class Event:
    """What `/next` answers with."""

    id: str
    payload: bytes
    deadline_ms: int
    function_arn: str
    trace_id: str
    client_context: str = ""


class InitFailed(Exception):
    """The environment ended, or gave up, before it asked for its first event."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.message)
        self.outcome = outcome


class Mailbox:
    """Holds at most one event and one answer."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.ready: asyncio.Future[None] = self._loop.create_future()
        self.fetched = False
        self._request = ""
        self._event: Event | None = None
        self._reader: asyncio.Future[Event] | None = None
        self._answer: asyncio.Future[Outcome] | None = None

    def offer(self, event: Event) -> asyncio.Future[Outcome]:
        """Put an event in; the future is its answer."""
        self._request, self.fetched = event.id, False
        self._answer = self._loop.create_future()
        if self._reader and not self._reader.done():
            self.fetched = True
            self._reader.set_result(event)
        else:
            self._event = event
        return self._answer

    def ask(self) -> asyncio.Future[Event]:
        """The runtime asks for its next event; a second question replaces one whose connection is gone."""
        if not self.ready.done():
            self.ready.set_result(None)
        if self._reader and not self._reader.done():
            self._reader.cancel()
        self._reader = self._loop.create_future()
        if self._event:
            self._reader.set_result(self._event)
            self._event, self.fetched = None, True
        return self._reader

    def expects(self, request: str) -> bool:
        """Tell whether the answer to this request is awaited."""
        return request == self._request and self._answer is not None and not self._answer.done()

    def answer(self, request: str, outcome: Outcome) -> bool:
        """Deliver the answer of a request; False when nobody awaits it."""
        if not self.expects(request) or self._answer is None:
            return False
        self._answer.set_result(outcome)
        return True

    def fail_init(self, outcome: Outcome) -> None:
        """Give up before the first event."""
        if not self.ready.done():
            self.ready.set_exception(InitFailed(outcome))
            self.ready.exception()  # nobody may be waiting any more; that is no defect

    def end(self, outcome: Outcome) -> None:
        """The container ended: whoever waits learns it."""
        self.fail_init(outcome)
        self.answer(self._request, outcome)
