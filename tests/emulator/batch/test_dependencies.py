"""dependsOn: who waits for whom, and what an end means to them."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from hfaas_emulator.batch.job import Dependency, Kind
from hfaas_emulator.errors import AwsError

SEQUENTIAL = Dependency("", Kind.SEQUENTIAL)


def n_to_n(job: str) -> Dependency:
    return Dependency(job, Kind.N_TO_N)


async def test_a_job_waits_until_the_other_succeeded(world: Any) -> None:
    first = await world.submit()
    second = await world.submit("second", after=(first,))
    assert world.status(second) == "PENDING"
    assert world.idle.pending()[-1].what == "second: PENDING: waits for other jobs"

    await world.end(first)
    assert world.told(second) == ["SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING"]


async def test_a_job_waits_for_all_it_depends_on(world: Any) -> None:
    first = [await world.submit() for _ in range(2)]
    last = await world.submit(after=tuple(first))
    await world.end(first[1])
    assert world.status(last) == "PENDING"

    await world.end(first[0])
    assert world.status(last) == "RUNNING"


async def test_a_job_named_twice_is_waited_for_once(world: Any) -> None:
    first = await world.submit()
    last = await world.submit(after=(first, first))
    await world.end(first)

    assert world.status(last) == "RUNNING"


async def test_a_failure_runs_down_a_chain(world: Any) -> None:
    chain = [await world.submit()]
    for _ in range(3):
        chain.append(await world.submit(after=(chain[-1],)))
    await world.end(chain[0], 1)

    assert world.states(*chain) == ["FAILED"] * 4
    assert [world.job(each).reason for each in chain[1:]] == ["Dependent Job failed"] * 3
    assert len(world.machinery.works) == 1
    assert not world.idle.pending()


async def test_a_job_that_two_failures_reach_fails_once(world: Any) -> None:
    first = await world.submit()
    middle = [await world.submit(after=(first,)) for _ in range(2)]
    last = await world.submit(after=tuple(middle))
    await world.end(first, 1)

    assert world.told(last) == ["SUBMITTED", "PENDING", "FAILED"]


async def test_one_failure_is_enough_whatever_else_is_awaited(world: Any) -> None:
    first = [await world.submit() for _ in range(2)]
    last = await world.submit(after=tuple(first))
    await world.end(first[0], 1)
    assert world.status(last) == "FAILED"

    await world.end(first[1])
    assert world.told(last)[-1] == "FAILED"


async def test_a_retry_is_no_failure_yet(world: Any) -> None:
    first = await world.submit(retry=2)
    last = await world.submit(after=(first,))
    await world.end(first, 1)
    assert world.status(last) == "PENDING"

    await world.end(first)
    assert world.status(last) == "RUNNING"


@pytest.mark.parametrize(("exit", "status"), [(0, "RUNNING"), (1, "FAILED")])
async def test_a_job_may_depend_on_one_that_is_final_already(world: Any, exit: int, status: str) -> None:
    first = await world.submit()
    await world.end(first, exit)
    last = await world.submit(after=(first,))

    assert world.status(last) == status


async def test_a_job_that_depends_on_nothing_known_is_refused(world: Any) -> None:
    with pytest.raises(AwsError, match="Job nothing that the job depends on does not exist") as refused:
        await world.submit(after=("nothing",))

    assert refused.value.code == "ClientException"


async def test_a_job_of_another_account_is_unknown(world: Any) -> None:
    first = await world.submit()
    stranger = dataclasses.replace(
        world.job(first).submission, id="x", account="1", dependencies=(Dependency(first),)
    )

    with pytest.raises(AwsError, match="does not exist"):
        await world.plane.submit(stranger)


async def test_a_dependency_on_an_array_waits_for_all_its_children(world: Any) -> None:
    array = await world.submit(array=2)
    last = await world.submit(after=(array,))
    await world.end(f"{array}:0")
    assert world.status(last) == "PENDING"

    await world.end(f"{array}:1")
    assert world.status(last) == "RUNNING"


async def test_a_dependency_on_one_child_waits_for_that_child(world: Any) -> None:
    array = await world.submit(array=2)
    last = await world.submit(after=(f"{array}:1",))
    await world.end(f"{array}:1")

    assert world.status(last) == "RUNNING"


async def test_an_array_waits_as_a_whole(world: Any) -> None:
    first = await world.submit(vcpus=0.5)
    array = await world.submit(array=2, after=(first,), vcpus=0.5)
    assert world.states(array, f"{array}:0", f"{array}:1") == ["PENDING"] * 3

    await world.end(first)
    assert world.states(array, f"{array}:0", f"{array}:1") == ["PENDING", "RUNNING", "RUNNING"]


async def test_an_array_fails_with_what_it_waits_for(world: Any) -> None:
    first = await world.submit()
    array = await world.submit(array=2, after=(first,))
    await world.end(first, 1)

    assert world.states(array, f"{array}:0", f"{array}:1") == ["FAILED"] * 3
    assert world.job(f"{array}:0").reason == "Dependent Job failed"


async def test_n_to_n_pairs_the_children(world: Any) -> None:
    one = await world.submit(array=3, vcpus=0.25)
    two = await world.submit(array=3, vcpus=0.25, after=(n_to_n(one),))
    await world.end(f"{one}:1")
    await world.end(f"{one}:2", 1)

    assert world.states(*(f"{two}:{index}" for index in range(3))) == ["PENDING", "RUNNING", "FAILED"]


async def test_children_of_a_sequential_array_run_one_by_one(world: Any) -> None:
    array = await world.submit(array=3, after=(SEQUENTIAL,), vcpus=0.5)
    order = []
    for index in range(3):
        order.append(world.running())
        await world.end(f"{array}:{index}")

    assert order == [[f"{array}:0"], [f"{array}:1"], [f"{array}:2"]]
    assert world.status(array) == "SUCCEEDED"


async def test_a_failure_ends_a_sequential_array(world: Any) -> None:
    array = await world.submit(array=1000, after=(SEQUENTIAL,))
    await world.end(f"{array}:0", 1)

    assert world.status(array) == "FAILED"
    assert world.job(f"{array}:999").reason == "Dependent Job failed"
    assert len(world.machinery.works) == 1


async def test_kinds_can_be_combined(world: Any) -> None:
    one = await world.submit(array=2, vcpus=0.25)
    two = await world.submit(array=2, vcpus=0.25, after=(n_to_n(one), SEQUENTIAL))
    await world.end(f"{one}:1")
    assert world.status(f"{two}:1") == "PENDING"
    await world.end(f"{one}:0")
    await world.end(f"{two}:0")

    assert world.status(f"{two}:1") == "RUNNING"


REFUSED = {
    "N_TO_N on a plain job": (0, 2, "N_TO_N dependency is only valid between array jobs"),
    "N_TO_N of a plain job": (2, 0, "N_TO_N dependency is only valid between array jobs"),
    "N_TO_N of another size": (3, 2, "N_TO_N dependency is only valid between equal sizes"),
}


@pytest.mark.parametrize(("first", "second", "said"), REFUSED.values(), ids=REFUSED.keys())
async def test_pairs_that_do_not_match_are_refused(world: Any, first: int, second: int, said: str) -> None:
    one = await world.submit(array=first)
    with pytest.raises(AwsError, match=said):
        await world.submit(array=second, after=(n_to_n(one),))


async def test_a_plain_job_has_no_sequence(world: Any) -> None:
    with pytest.raises(AwsError, match="SEQUENTIAL dependency is only valid for array jobs"):
        await world.submit(after=(SEQUENTIAL,))


async def test_terminating_what_runs_fails_what_waits_for_it(world: Any) -> None:
    first = await world.submit()
    last = await world.submit(after=(first,))
    await world.plane.terminate(first, "enough")
    await world.turn()

    assert (world.status(last), world.job(last).reason) == ("FAILED", "Dependent Job failed")
