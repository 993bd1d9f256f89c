"""What conditions and variables may look at, gathered only when one looks: most policies have neither."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

Context = Mapping[str, Sequence[str]]
"""Keys in lower case, each with its values."""


class Gathered(Mapping[str, Sequence[str]]):
    """A context that is made at the first look, and then stays as it is."""

    __slots__ = ("_made", "_make")

    def __init__(self, make: Callable[[], Context]) -> None:
        self._make = make
        self._made: Context | None = None

    def _all(self) -> Context:
        if self._made is None:
            self._made = self._make()
        return self._made

    def __getitem__(self, key: str) -> Sequence[str]:
        return self._all()[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())


def joined(context: Context, more: Callable[[], Context]) -> Context:
    """Return a context with more in it."""
    return Gathered(lambda: {**context, **more()})
