"""How far images are on their way into their repositories: bytes, how fast they move, how long the rest may take."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hfaas_deploy.messages import LayerMoved

WINDOW_S = 10.0
"""Seconds whose bytes make the rate: long enough to be calm, short enough to show that a push stands still."""

LEAST_S = 1.0
"""Seconds that must have been seen before there is a rate."""

ARRIVED = {"pushed", "there already"}


@dataclass(frozen=True, slots=True)
class Amount:
    """Bytes: `done` of `total`, which is 0 as long as nobody knows it; `rate` a second, None before it can be told."""

    done: int = 0
    total: int = 0
    rate: float | None = None

    @property
    def share(self) -> float | None:
        """Return how much of it is done, 0..1; None when nobody can know."""
        return min(1.0, self.done / self.total) if self.total else None

    @property
    def left_s(self) -> float | None:
        """Return the seconds that the rest may take; None when nobody can know, as when nothing moves."""
        return (self.total - self.done) / self.rate if self.total > self.done and self.rate else None


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer of an image; one that is there already was not sent."""

    done: int
    total: int
    is_there: bool = False
    was_sent: bool = True


class Rate:
    """Bytes a second over the last seconds, as of now: it falls while nothing comes."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._seen: deque[tuple[float, int]] = deque()

    def add(self, sent: int) -> None:
        """Note how many bytes were sent in all by now."""
        now = self._clock()
        self._seen.append((now, sent))
        while len(self._seen) > 1 and self._seen[1][0] <= now - WINDOW_S:
            self._seen.popleft()

    @property
    def now(self) -> float | None:
        if not self._seen:
            return None
        now = self._clock()
        # what was sent by the beginning of the window, and since when that is so
        before = [one for one in self._seen if one[0] <= now - WINDOW_S]
        began, sent = (now - WINDOW_S, before[-1][1]) if before else self._seen[0]
        return (self._seen[-1][1] - sent) / (now - began) if now - began >= LEAST_S else None


@dataclass
class Push:
    """One image; `done` never goes back, whatever is tried again."""

    clock: Callable[[], float]
    total: int = 0
    is_over: bool = False
    done: int = 0
    sent: int = 0
    _count: int = 0
    _layers: dict[str, Layer] = field(default_factory=dict)
    _rate: Rate = field(init=False)

    def __post_init__(self) -> None:
        self._rate = Rate(self.clock)

    def start(self, size: int, layers: int) -> None:
        """Note that so many bytes, uncompressed, in so many layers are about to go."""
        self.total, self._count = max(size, self.done), layers
        self._rate.add(self.sent)

    def move(self, moved: LayerMoved) -> None:
        """Note how far a layer is."""
        old, state = self._layers.get(moved.layer, Layer(0, 0)), moved.state.value
        total = moved.total or old.total
        is_there = state in ARRIVED
        self._layers[moved.layer] = Layer(
            max(old.done, total if is_there else moved.done), total, is_there, state != "there already"
        )
        if self.total:
            self.total = max(self.total, sum(one.total for one in self._layers.values()))
        self.done = max(self.done, self._reached())
        self.sent = max(self.sent, sum(one.done for one in self._layers.values() if one.was_sent))
        self._rate.add(self.sent)

    def _reached(self) -> int:
        """Return how much is there: of layers whose size nobody told, what the others leave of the whole."""
        layers, waiting = self._layers.values(), [one for one in self._layers.values() if not one.is_there]
        is_known = len(layers) == self._count and all(one.total for one in waiting)
        if self.total and is_known:
            return self.total - sum(one.total - one.done for one in waiting)
        return sum(one.done for one in layers)

    def end(self) -> None:
        """Note that the image is in its repository."""
        self.is_over, self.total = True, max(self.total, self.done)
        self.done = self.total

    @property
    def layers(self) -> tuple[int, int]:
        """Return how many layers are there, of how many that were heard of."""
        return sum(one.is_there for one in self._layers.values()), len(self._layers)

    @property
    def amount(self) -> Amount:
        return Amount(self.done, self.total, None if self.is_over else self._rate.now)


class Pushes:
    """The images that go; `sizes` are their bytes as planned, 0 for what is not built yet."""

    def __init__(self, sizes: Mapping[str, int], clock: Callable[[], float]) -> None:
        self._clock = clock
        self._pushes = {function: Push(clock, size) for function, size in sizes.items()}
        self._rate = Rate(clock)
        self.has_begun = False

    def of(self, function: str) -> Push:
        """Return the push of a function's image."""
        return self._pushes.setdefault(function, Push(self._clock))

    def start(self, function: str, size: int, layers: int) -> None:
        """Note that an image is about to go."""
        self.has_begun = True
        self.of(function).start(size, layers)
        self._rate.add(self._sent)

    def move(self, moved: LayerMoved) -> Push:
        """Note how far a layer is, and return the push that it belongs to."""
        push = self.of(moved.function)
        push.move(moved)
        self._rate.add(self._sent)
        return push

    @property
    def _sent(self) -> int:
        return sum(one.sent for one in self._pushes.values())

    @property
    def is_over(self) -> bool:
        """Tell whether all images are in their repositories."""
        return all(one.is_over for one in self._pushes.values())

    @property
    def amount(self) -> Amount:
        """Return what all of them come to; its total is not known before that of each is."""
        every = self._pushes.values()
        done = sum(one.done for one in every)
        is_known = all(one.is_over or one.total for one in every)
        total = sum(one.total for one in every) if is_known else 0
        return Amount(done, total, None if self.is_over else self._rate.now)
