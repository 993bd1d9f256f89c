"""An app that outlives defects: what fails in a handler, an action or a timer is told, and the next key works.

Textual would end the app, and the widget in which it happened would take no message any more. What fails while the
screen is composed, laid out or painted still ends it: nobody could see what goes on.
"""

from __future__ import annotations

import traceback
from collections.abc import Awaitable, Callable
from functools import partial

from textual.app import App
from textual.dom import DOMNode
from textual.message import Message
from textual.widget import Widget

CALLED = {"_tick", "_flush_next_callbacks", "_invoke_and_clear_callbacks"}
"""Textual's functions that call us back outside of messages, and go on when that failed."""

PAINTED = {"_compositor_refresh", "_refresh_layout"}
"""Those that lay out and paint."""

_DISPATCH = "_dispatch_message"
"""What takes each message from a widget's queue; Textual has no other place for this."""


class Lasting(App[int]):
    """Asks `survives` about each defect."""

    def survives(self, error: Exception) -> bool:
        """Tell of a defect; False where nothing is there that could go on."""
        raise NotImplementedError

    def _register_child(self, parent: DOMNode, child: Widget, before: int | None, after: int | None) -> None:
        vars(child).setdefault(_DISPATCH, partial(self._outlive, child, getattr(child, _DISPATCH)))
        super()._register_child(parent, child, before, after)

    async def _dispatch_message(self, message: Message) -> None:
        await self._outlive(self, super()._dispatch_message, message)

    async def _outlive(
        self, node: DOMNode, dispatch: Callable[[Message], Awaitable[None]], message: Message
    ) -> None:
        try:
            await dispatch(message)
        except Exception as error:
            is_gone = node is not self and not node.is_attached  # it was taken away while it worked
            if not is_gone and (_calls(error) & PAINTED or not self.survives(error)):
                raise

    def _handle_exception(self, error: Exception) -> None:
        calls = _calls(error)
        if not calls & CALLED or calls & PAINTED or not self.survives(error):
            super()._handle_exception(error)


def _calls(error: Exception) -> set[str]:
    """Return the names of the functions in which it happened."""
    return {frame.f_code.co_name for frame, _ in traceback.walk_tb(error.__traceback__)}
