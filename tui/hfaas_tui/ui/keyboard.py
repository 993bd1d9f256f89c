"""One key after the other: each goes to what has the focus once those before it have had their effect.

Textual hands a key to what has the focus when it is read, so what is typed at once, `:s3 films⏎`, would go to the view
that `:` covers with its line, and be lost. A marker follows each key from the focus up to the app:

key -> focus -> its parents -> app: marker is back -> the same again, until the focus stays -> next key
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from textual.message import Message

if TYPE_CHECKING:
    from textual.app import App
    from textual.widget import Widget

ROUNDS = 2
"""What a key makes a widget say of itself follows behind the first marker."""

MOST_ROUNDS = 20
LOOK_S = 0.05
"""How often to look for a marker while keys wait: it is gone with a widget that was taken away."""

MOST_LOOKS = 20
"""After so many looks in vain keys go on, whatever became of the marker; a busy machine looks late, too."""


class Passed(Message):
    """Comes to the app behind a key, when all between have seen that key."""

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__()


class Keyboard:
    """Keeps keys until it is their turn; used on the app's own queue only."""

    def __init__(self, app: App[Any]) -> None:
        self._app = app
        self._waiting: deque[Callable[[], Awaitable[None]]] = deque()
        self._at: Widget | None = None
        self._number = self._rounds = 0
        self._looks = 0
        self._is_watched = False

    @property
    def is_quiet(self) -> bool:
        """Tell whether every key has had its effect; the marker of one may have gone with what that key closed."""
        return not self._waiting and (self._at is None or not _is_there(self._at))

    async def typed(self, deliver: Callable[[], Awaitable[None]]) -> None:
        """Have what was typed delivered, now or when it is its turn."""
        if self._at is not None:
            self._waiting.append(deliver)
            self._watch()
            return
        if (front := self._front()) is None:
            return
        self._at, self._rounds, self._looks = front, 0, 0
        try:
            await deliver()
        finally:
            self._follow(front)

    async def passed(self, marker: Passed) -> None:
        """Go on when a key has had its effect."""
        if marker.number != self._number or self._at is None:
            return
        self._rounds, self._looks = self._rounds + 1, 0
        front = self._front()
        if self._rounds < ROUNDS or (front is not self._at and self._rounds < MOST_ROUNDS):
            self._follow(front)
        else:
            await self._next()

    def _front(self) -> Widget | None:
        """Return what the next key is for; None when the app ends and has no screen any more."""
        return (self._app.focused or self._app.screen) if self._app.screen_stack else None

    def _follow(self, widget: Widget | None) -> None:
        self._number += 1
        self._at = widget
        if widget is not None:
            widget.post_message(Passed(self._number))

    async def _next(self) -> None:
        self._at = None
        if self._waiting:
            await self.typed(self._waiting.popleft())

    def _watch(self) -> None:
        if not self._is_watched:
            self._is_watched = True
            self._app.set_timer(LOOK_S, lambda: self._app.call_later(self._look))

    async def _look(self) -> None:
        """Send another marker where one went with its widget; wait for none for ever."""
        self._is_watched = False
        if self._at is None:
            return
        self._looks += 1
        if self._looks > MOST_LOOKS:
            await self._next()
        elif not _is_there(self._at):
            self._follow(self._front())
        if self._waiting:
            self._watch()


def _is_there(widget: Widget) -> bool:
    return widget.is_running and widget.is_attached
