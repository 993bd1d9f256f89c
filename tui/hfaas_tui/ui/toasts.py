"""Which toasts are on the screen: at most three, repeats counted, errors until somebody dismisses them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from textual.notifications import Notification

MOST = 3
USUAL_S = 5.0
FOR_GOOD_S = 86_400.0
Severity = Literal["information", "warning", "error"]
Link = tuple[str, str]
"""The view and subject that a toast is about."""


@dataclass
class Toast(Notification):
    """One toast; `said` is its text without the count."""

    said: str = ""
    count: int = 1
    link: Link | None = None
    is_passing: bool = False
    """Whether it tells of something under way: the next one takes its place."""


def made(text: str, title: str, severity: Severity, timeout: float | None, link: Link | None = None) -> Toast:
    """Return a toast; errors stay."""
    stays = FOR_GOOD_S if severity == "error" else timeout or USUAL_S
    shown = f"{text}\nclick or ^l opens it" if link else text
    return Toast(shown, title, severity, stays, markup=False, said=text, link=link)


def merged(new: Notification, shown: Iterable[Notification]) -> tuple[Notification, list[Notification]]:
    """Return what to show for a new toast, and which of the others have to go for it."""
    others = list(shown)
    same = [each for each in others if is_same(each, new)]
    if isinstance(new, Toast) and same and isinstance(same[0], Toast):
        new.count = same[0].count + 1
        new.title = f"×{new.count}"
    same += [each for each in others if isinstance(each, Toast) and each.is_passing and each not in same]
    others = [each for each in others if each not in same]
    excess = len(others) + 1 - MOST
    first = sorted(others, key=lambda each: each.severity == "error")
    return new, same + first[: max(0, excess)]


def is_same(one: Notification, other: Notification) -> bool:
    """Tell whether two toasts say the same."""
    said = [each.said if isinstance(each, Toast) else each.message for each in (one, other)]
    return said[0] == said[1] and one.severity == other.severity
