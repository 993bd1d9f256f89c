"""How far a push is: bytes that never go back, a rate that falls when nothing moves, and nothing that nobody knows."""

from __future__ import annotations

import pytest

from hfaas_deploy.messages import LayerMoved, LayerState
from hfaas_tui.ui.project.pushes import WINDOW_S, Pushes

MB = 1_000_000
PUSHING, RETRYING, THERE, PUSHED = (
    LayerState.PUSHING,
    LayerState.RETRYING,
    LayerState.THERE,
    LayerState.PUSHED,
)


class Clock:
    """A time that stands until a test moves it."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def pushes(clock: Clock, size: int = 400 * MB) -> Pushes:
    """Return the push of one image that has begun."""
    found = Pushes({"cut": size}, clock)
    found.start("cut", 400 * MB, 3)
    return found


def test_a_push_moves_with_the_bytes_of_all_its_layers(clock: Clock) -> None:
    found = pushes(clock)
    found.move(LayerMoved("cut", "a", 100 * MB, 300 * MB, PUSHING))
    found.move(LayerMoved("cut", "b", 20 * MB, 50 * MB, PUSHING))
    assert (found.amount.done, found.amount.total) == (120 * MB, 400 * MB)
    assert found.amount.share == pytest.approx(0.3)


def test_a_layer_that_is_tried_again_does_not_take_the_push_back(clock: Clock) -> None:
    found = pushes(clock)
    found.move(LayerMoved("cut", "a", 100 * MB, 300 * MB, PUSHING))
    found.move(LayerMoved("cut", "a", 0, 300 * MB, RETRYING))
    found.move(LayerMoved("cut", "a", 60 * MB, 300 * MB, PUSHING))
    assert found.amount.done == 100 * MB
    found.move(LayerMoved("cut", "a", 130 * MB, 300 * MB, PUSHING))
    assert found.amount.done == 130 * MB


def test_what_the_registry_has_is_done_and_was_not_sent(clock: Clock) -> None:
    found = pushes(clock)
    clock.now += 2
    found.move(LayerMoved("cut", "a", 0, 300 * MB, THERE))
    assert found.amount.done == 300 * MB
    assert found.of("cut").sent == 0
    assert found.amount.rate == 0
    assert found.amount.left_s is None


def test_layers_of_unknown_size_that_are_there_are_what_the_others_leave(clock: Clock) -> None:
    found = pushes(clock)
    found.move(LayerMoved("cut", "a", 0, 0, THERE))
    found.move(LayerMoved("cut", "b", 0, 0, THERE))
    found.move(LayerMoved("cut", "c", 10 * MB, 100 * MB, PUSHING))
    assert found.amount.done == 310 * MB


def test_the_rate_is_that_of_the_last_seconds_and_tells_how_long_the_rest_takes(clock: Clock) -> None:
    found = pushes(clock)
    assert found.amount.rate is None
    for second in range(1, 31):
        clock.now += 1
        speed = 2 if second <= 15 else 10
        done = min(second, 15) * 2 + max(0, second - 15) * speed
        found.move(LayerMoved("cut", "a", done * MB, 400 * MB, PUSHING))
    assert found.amount.rate == pytest.approx(10 * MB)
    assert found.amount.left_s == pytest.approx(22)


def test_when_nothing_moves_the_rate_falls_to_nothing_and_no_end_is_foretold(clock: Clock) -> None:
    found = pushes(clock)
    clock.now += 2
    found.move(LayerMoved("cut", "a", 40 * MB, 400 * MB, PUSHING))
    first = found.amount.rate
    clock.now += 3
    second = found.amount.rate
    clock.now += WINDOW_S
    assert first is not None
    assert second is not None
    assert first > second > 0
    assert found.amount.rate == 0
    assert found.amount.left_s is None


def test_an_image_that_is_not_built_yet_leaves_the_whole_unknown(clock: Clock) -> None:
    found = Pushes({"cut": 400 * MB, "later": 0}, clock)
    found.start("cut", 400 * MB, 1)
    clock.now += 2
    found.move(LayerMoved("cut", "a", 100 * MB, 400 * MB, PUSHING))
    assert found.amount.share is None
    assert found.amount.left_s is None
    assert found.amount.rate == pytest.approx(50 * MB)
    assert found.of("cut").amount.share == pytest.approx(0.25)
    found.start("later", 100 * MB, 1)
    assert found.amount.total == 500 * MB


def test_an_image_that_arrived_is_done_whatever_was_told_of_its_layers(clock: Clock) -> None:
    found = pushes(clock)
    found.move(LayerMoved("cut", "a", 100 * MB, 0, PUSHED))
    found.of("cut").end()
    assert found.amount.share == 1
    assert found.amount.rate is None


def test_layers_that_turn_out_larger_than_the_image_make_it_larger(clock: Clock) -> None:
    found = Pushes({"cut": 10 * MB}, clock)
    found.start("cut", 10 * MB, 2)
    found.move(LayerMoved("cut", "a", 10 * MB, 30 * MB, PUSHING))
    assert (found.amount.done, found.amount.total) == (10 * MB, 30 * MB)
