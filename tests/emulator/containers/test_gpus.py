from __future__ import annotations

from hfaas_emulator.containers.engine import Gpu
from hfaas_emulator.containers.gpus import GpuMode, GpuPool

TWO = (Gpu("GPU-1", "A", 1), Gpu("GPU-2", "A", 1))


def test_a_gpu_has_one_holder_at_a_time() -> None:
    pool = GpuPool(TWO)
    assert [pool.take(1), pool.take(1), pool.take(1)] == [("GPU-1",), ("GPU-2",), None]
    assert pool.free == 0


def test_nothing_is_taken_when_not_all_are_free() -> None:
    pool = GpuPool(TWO)
    pool.take(1)
    assert pool.take(2) is None
    assert pool.free == 1


def test_who_asks_for_none_gets_none_also_where_there_is_none() -> None:
    assert GpuPool().take(0) == ()


def test_more_than_there_are_never_come() -> None:
    pool = GpuPool(TWO)
    assert (pool.can_ever(2), pool.can_ever(3)) == (True, False)


def test_what_comes_back_is_told_and_can_be_taken_again() -> None:
    pool = GpuPool(TWO)
    told: list[int] = []
    pool.on_free.append(lambda: told.append(pool.free))
    taken = pool.take(2)
    assert taken
    pool.give(taken)
    assert told == [2]
    assert pool.take(2) == taken


def test_giving_back_twice_or_what_nobody_knows_changes_nothing() -> None:
    pool = GpuPool(TWO)
    told: list[int] = []
    pool.on_free.append(lambda: told.append(pool.free))
    pool.give(("GPU-1", "GPU-9"))
    assert (pool.free, told) == (2, [])


def test_who_is_refused_for_now_is_told_once_to_those_who_could_let_go() -> None:
    pool = GpuPool(TWO)
    told: list[bool] = []
    pool.on_short.append(lambda: told.append(pool.is_short))
    taken = pool.take(2)
    assert taken
    pool.take(1)
    pool.take(1)
    pool.take(3)
    assert told == [True]
    pool.give(taken)
    assert not pool.is_short


def test_what_an_earlier_emulator_gave_away_is_not_given_twice() -> None:
    pool = GpuPool(TWO)
    pool.claim(["GPU-1", "GPU-9"])
    assert pool.take(1) == ("GPU-2",)


def test_shared_gpus_are_seen_by_all_who_ask() -> None:
    pool = GpuPool(TWO, GpuMode.SHARE)
    assert pool.take(1) == pool.take(2) == ("GPU-1", "GPU-2")
    assert pool.take(3) is None
    assert pool.free == 2


def test_without_a_gpu_the_fallback_gives_none_and_says_so() -> None:
    pool = GpuPool((), GpuMode.FALLBACK)
    assert pool.falls_back
    assert pool.can_ever(4)
    assert pool.take(4) == ()


def test_with_a_gpu_the_fallback_is_as_exclusive() -> None:
    pool = GpuPool(TWO, GpuMode.FALLBACK)
    assert not pool.falls_back
    assert not pool.can_ever(3)
    assert pool.take(2)
    assert pool.take(1) is None
