"""One step of a promotion as the view shows it: a list, a detail of what is under the cursor, and what is below."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from hfaas_tui.ui.widgets.chrome import Part
from hfaas_tui.ui.widgets.textpane import Line
from hfaas_tui.ui.widgets.vtable import Column

if TYPE_CHECKING:
    from hfaas_tui.ui.screens.promote.view import Promote


class Page:
    """What the view shows at one step; each row has an `id` of its own."""

    NUMBER: ClassVar[int] = 0
    CLASS: ClassVar[str] = ""
    WIDE: ClassVar[Sequence[Column]] = ()
    SMALL: ClassVar[Sequence[Column]] = ()

    def __init__(self, view: Promote) -> None:
        self.view = view

    @property
    def has_news(self) -> bool:
        """Tell whether something is to be shown that was not; asked at each look."""
        return False

    @property
    def is_bare(self) -> bool:
        """Tell whether there is nothing but a reason why."""
        return False

    @property
    def empty(self) -> Sequence[str]:
        """Return what stands where there are no rows."""
        return ()

    def rows(self) -> Sequence[Any]:
        return ()

    def cell(self, row: Any, column: str) -> tuple[str, str]:
        return str(getattr(row, column)), ""

    def followed(self) -> str:
        """Return the row that the cursor goes along with; empty for none."""
        return ""

    def what(self) -> Iterable[Part]:
        """Return the second line: what this is about."""
        return ()

    def sum(self) -> Iterable[Part]:
        """Return the last line: what it comes to, and what is next."""
        return ()

    def title(self, row: Any) -> tuple[Sequence[Part], Sequence[Part]]:  # noqa: ARG002 - for subclasses
        """Return what stands above the detail, left and right."""
        return (), ()

    def detail(self, row: Any) -> Iterable[Line]:  # noqa: ARG002 - as above
        return ()

    def below_title(self) -> Sequence[Part]:
        return ()

    def below(self) -> Iterator[Line]:
        yield from ()
