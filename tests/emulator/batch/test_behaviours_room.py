"""Who is given room, who waits and why, and what ends a job early: a whole emulator over HTTP, as in test_behaviours.

The machine of this emulator has 32 vCPUs, 65,536 MB for jobs, and two GPUs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.emulator.batch.actor import IMAGE, Gates, Stage
from tests.emulator.batch.lab import FINAL, Job, Lab, fresh, needs
from tests.emulator.batch.rows import tries
from tests.emulator.conftest import running

from hfaas_emulator.batch import limits


@pytest.fixture(scope="module")
def gates() -> Gates:
    return Gates()


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory, gates: Gates) -> Iterator[Lab]:
    with running(tmp_path_factory.mktemp("state"), lambda: Stage(gates)) as emulator:
        yield Lab(emulator, IMAGE)


Holder = Callable[..., str]


@pytest.fixture
def hold(lab: Lab, gates: Gates) -> Iterator[Holder]:
    """Start a job that keeps its room until the test ends, or until `gate` is opened."""
    ids: list[str] = []

    def start(queue: str = "q", gate: str = "", **wanted: str) -> str:
        job_id = lab.submit("wait", gate or fresh("gate"), jobQueue=queue, define={"container": needs(**wanted)})
        lab.when(job_id, "RUNNING")
        ids.append(job_id)
        return job_id

    yield start
    lab.end(*ids)


def submit(lab: Lab, queue: str = "q", **wanted: str) -> str:
    return lab.submit("exit", "0", jobQueue=queue, define={"container": needs(**wanted)})


ROOM = [
    pytest.param({"vcpus": "32"}, {}, "waits for 1 vCPU: 32 of 32 of this machine are taken", id="vCPUs"),
    pytest.param({"memory": "65000"}, {"memory": "600"}, "waits for 600 MB: 65000 of 65536 MB", id="memory"),
    pytest.param({"gpus": "2"}, {"gpus": "1"}, "waits for 1 GPU: 2 of 2 here are taken", id="GPUs"),
]


@pytest.mark.parametrize(("held", "wanted", "reason"), ROOM)
def test_a_job_waits_for_the_machine_and_runs_when_it_is_its_turn(
    lab: Lab, hold: Holder, gates: Gates, held: dict[str, str], wanted: dict[str, str], reason: str
) -> None:
    hold(gate=(gate := fresh("gate")), **held)
    waits = submit(lab, **wanted)
    said = lab.when(waits, "RUNNABLE", reason=reason)["statusReason"]
    assert said.startswith("CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY - ")
    gates.open(gate)
    assert lab.ended(waits)["status"] == "SUCCEEDED"


def test_a_job_waits_for_its_environment(lab: Lab, hold: Holder, gates: Gates) -> None:
    queue = lab.queue()
    hold(queue, gate=(gate := fresh("gate")), vcpus="2")
    waits = submit(lab, queue)
    lab.when(waits, "RUNNABLE", reason="waits for 1 vCPU: 2 of 2 of environment")
    gates.open(gate)
    assert lab.ended(waits)["status"] == "SUCCEEDED"


def test_who_comes_first_is_served_first(lab: Lab, hold: Holder, gates: Gates) -> None:
    queue = lab.queue("", lab.environment(1))
    hold(queue, gate=(gate := fresh("gate")))
    ids = [submit(lab, queue) for _ in range(3)]
    gates.open(gate)
    jobs = [lab.ended(job_id) for job_id in ids]
    assert jobs[0]["stoppedAt"] <= jobs[1]["startedAt"]
    assert jobs[1]["stoppedAt"] <= jobs[2]["startedAt"]


def test_the_queue_of_higher_priority_is_served_first(lab: Lab, hold: Holder, gates: Gates) -> None:
    environment = lab.environment(1)
    low, high = lab.queue("", environment, priority=1), lab.queue("", environment, priority=9)
    hold(low, gate=(gate := fresh("gate")))
    second, first = submit(lab, low), submit(lab, high)
    gates.open(gate)
    assert lab.ended(first)["stoppedAt"] <= lab.ended(second)["startedAt"]


def test_the_front_of_a_queue_is_told(lab: Lab, hold: Holder) -> None:
    queue = lab.queue("", lab.environment(1))
    hold(queue)
    ids = [submit(lab, queue) for _ in range(2)]
    front = lab.batch.get_job_queue_snapshot(jobQueue=queue)["frontOfQueue"]["jobs"]
    assert [each["jobArn"].rpartition("/")[2] for each in front] == ids
    lab.end(*ids)


def test_a_small_job_does_not_pass_a_large_one_that_waits(lab: Lab, hold: Holder) -> None:
    queue = lab.queue()
    hold(queue)
    large, small = submit(lab, queue, vcpus="2"), submit(lab, queue)
    lab.when(large, "RUNNABLE", reason="waits for 2 vCPUs: 1 of 2")
    lab.when(small, "RUNNABLE", reason="the rest is kept for a job before it")
    lab.end(large, small)


def test_a_job_that_waits_for_a_gpu_lets_others_pass(lab: Lab, hold: Holder) -> None:
    hold(gpus="2")
    waits = submit(lab, gpus="1")
    lab.when(waits, "RUNNABLE", reason="waits for 1 GPU")
    assert lab.ended(submit(lab))["status"] == "SUCCEEDED"
    lab.end(waits)


def test_a_second_environment_is_used_when_the_first_is_full(lab: Lab, hold: Holder) -> None:
    one, two = lab.environment(1), lab.environment(1)
    queue = lab.queue("", one, two)
    hold(queue)
    shows = lab.submit("show", "AWS_BATCH_CE_NAME", jobQueue=queue)
    lab.ended(shows)
    assert lab.lines(shows) == [f"AWS_BATCH_CE_NAME={two}"]


def test_a_second_environment_is_used_when_the_first_is_too_small(lab: Lab) -> None:
    queue = lab.queue("", lab.environment(1), lab.environment(2))
    assert lab.ended(submit(lab, queue, vcpus="2"))["status"] == "SUCCEEDED"


STUCK = [
    pytest.param({"vcpus": "64"}, "needs 64 vCPUs, this machine has 32; start the emulator with --scale-down", id="vCPUs"),
    pytest.param({"memory": "70000"}, "needs 70000 MB, this machine has 65536 MB for jobs", id="memory"),
    pytest.param({"gpus": "4"}, "needs 4 GPUs, this machine has 2", id="GPUs"),
]  # fmt: skip


@pytest.mark.parametrize(("wanted", "reason"), STUCK)
def test_a_job_that_never_fits_says_so_and_is_in_nobodys_way(lab: Lab, wanted: dict[str, str], reason: str) -> None:
    stuck = submit(lab, **wanted)
    said = lab.when(stuck, "RUNNABLE", reason=reason)["statusReason"]
    assert said.startswith("MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT - ")
    assert lab.ended(submit(lab))["status"] == "SUCCEEDED"
    lab.end(stuck)


def test_a_job_larger_than_its_environment_says_so(lab: Lab) -> None:
    stuck = submit(lab, lab.queue(), vcpus="3")
    said = lab.when(stuck, "RUNNABLE", reason="has maxvCpus 2")["statusReason"]
    assert said.startswith("MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE - needs 3 vCPUs")
    lab.end(stuck)


def test_instances_without_gpus_run_no_job_that_needs_one(lab: Lab) -> None:
    queue = lab.queue("", lab.environment(4, types=["c5.large"]))
    stuck = submit(lab, queue, gpus="1")
    lab.when(stuck, "RUNNABLE", reason="needs 1 GPU, environment")
    lab.end(stuck)


def test_a_job_waits_while_its_environment_is_disabled(lab: Lab) -> None:
    environment = lab.environment(1)
    queue = lab.queue("", environment)
    lab.batch.update_compute_environment(computeEnvironment=environment, state="DISABLED")
    waits = submit(lab, queue)
    lab.when(waits, "RUNNABLE", reason=f"the compute environment {environment} is DISABLED")
    lab.batch.update_compute_environment(computeEnvironment=environment, state="ENABLED")
    assert lab.ended(waits)["status"] == "SUCCEEDED"


def test_a_disabled_queue_takes_no_jobs_and_starts_none(lab: Lab, hold: Holder, gates: Gates) -> None:
    queue = lab.queue("", lab.environment(1))
    hold(queue, gate=(gate := fresh("gate")))
    waits = submit(lab, queue)
    lab.batch.update_job_queue(jobQueue=queue, state="DISABLED")
    lab.when(waits, "RUNNABLE", reason=f"the job queue {queue} is DISABLED")
    gates.open(gate)
    assert lab.job(waits)["status"] == "RUNNABLE"
    assert "is not in ENABLED state" in lab.refused(submit, lab, queue)
    lab.batch.update_job_queue(jobQueue=queue, state="ENABLED")
    assert lab.ended(waits)["status"] == "SUCCEEDED"


def test_the_children_of_an_array_share_an_environment(lab: Lab) -> None:
    array = lab.submit("sleep", jobQueue=lab.queue(), arrayProperties={"size": 5})
    for index in range(2):
        lab.when(f"{array}:{index}", "RUNNING")
    summary = lab.job(array)["arrayProperties"]["statusSummary"]
    assert (summary["RUNNING"], summary["RUNNABLE"]) == (2, 3)
    assert lab.job(array)["status"] == "PENDING"
    lab.end(array)


def test_nodes_need_room_for_all_at_once(lab: Lab, hold: Holder, gates: Gates) -> None:
    queue = lab.queue()
    hold(queue, gate=(gate := fresh("gate")))
    nodes = lab.submit("exit", "0", jobQueue=queue, define={"nodes": 2})
    lab.when(nodes, "RUNNABLE", reason="waits for 2 vCPUs: 1 of 2")
    gates.open(gate)
    assert lab.ended(nodes)["status"] == "SUCCEEDED"


def stage(lab: Lab, status: str, gate: str) -> str:
    """Submit a job that stays in a state until a gate is opened, and return its id when it is there."""
    match status:
        case "PENDING":
            job_id = lab.submit("exit", "0", dependsOn=[{"jobId": lab.submit("wait", gate)}])
        case "RUNNABLE":
            queue = lab.queue("", lab.environment(1))
            lab.when(lab.submit("wait", gate, jobQueue=queue), "RUNNING")
            job_id = lab.submit("exit", "0", jobQueue=queue)
        case "STARTING":
            job_id = lab.submit("late", gate, **tries(3))
        case "RUNNING":
            job_id = lab.submit("wait", gate, **tries(3))
        case _:
            job_id = lab.submit("exit", "0" if status == "SUCCEEDED" else "1")
    lab.when(job_id, status)
    return job_id


ENDINGS = [
    *((state, "cancel", "FAILED", "isCancelled") for state in ("PENDING", "RUNNABLE")),
    *((state, "cancel", "SUCCEEDED", "") for state in ("STARTING", "RUNNING")),
    *((state, "terminate", "FAILED", "isTerminated") for state in ("PENDING", "RUNNABLE", "STARTING", "RUNNING")),
    *((state, verb, state, "") for state in FINAL for verb in ("cancel", "terminate")),
]


@pytest.mark.parametrize(("status", "verb", "end", "mark"), ENDINGS)
def test_a_job_is_ended_early(lab: Lab, gates: Gates, status: str, verb: str, end: str, mark: str) -> None:
    job_id = stage(lab, status, gate := fresh("gate"))
    getattr(lab.batch, f"{verb}_job")(jobId=job_id, reason="not needed")
    if end != "SUCCEEDED" and status != "STARTING":  # who is left alone waits for the gate, who is not ends now
        lab.ended(job_id)
    gates.open(gate)
    job = lab.ended(job_id)
    assert job["status"] == end
    assert [name for name in ("isCancelled", "isTerminated") if job[name]] == ([mark] if mark else [])
    assert (job["statusReason"] == "not needed") is bool(mark)
    assert len(job["attempts"]) == (0 if mark and status in ("PENDING", "RUNNABLE") else 1)


def test_a_terminated_container_has_been_told_to_stop(lab: Lab) -> None:
    lab.when(job_id := lab.submit("sleep", **tries(3)), "RUNNING")
    lab.end(job_id)
    assert [each["container"]["exitCode"] for each in lab.job(job_id)["attempts"]] == [143]


def test_what_depends_on_a_cancelled_job_fails(lab: Lab, gates: Gates) -> None:
    first = stage(lab, "RUNNABLE", gate := fresh("gate"))
    second = lab.submit("exit", "0", dependsOn=[{"jobId": first}])
    lab.batch.cancel_job(jobId=first, reason="not needed")
    assert lab.ended(second)["statusReason"] == "Dependent Job failed"
    gates.open(gate)


def test_a_terminated_array_takes_all_its_children_along(lab: Lab) -> None:
    array = lab.submit("sleep", jobQueue=lab.queue(), arrayProperties={"size": 4})
    lab.when(f"{array}:0", "RUNNING")
    lab.end(array)
    children = [lab.job(f"{array}:{index}") for index in range(4)]
    assert {child["statusReason"] for child in children} == {"the test is over"}
    assert lab.job(array)["statusReason"] == "the test is over"


def test_a_cancelled_array_lets_the_children_that_run_go_on(lab: Lab, gates: Gates) -> None:
    gate = fresh("gate")
    array = lab.submit("wait", gate, jobQueue=lab.queue(), arrayProperties={"size": 4})
    lab.when(f"{array}:1", "RUNNING")
    lab.batch.cancel_job(jobId=array, reason="not needed")
    lab.ended(f"{array}:3")
    gates.open(gate)
    summary = lab.ended(array)["arrayProperties"]["statusSummary"]
    assert (summary["SUCCEEDED"], summary["FAILED"]) == (2, 2)


def test_one_child_may_be_ended_alone(lab: Lab, gates: Gates) -> None:
    gate = fresh("gate")
    array = lab.submit("wait", gate, arrayProperties={"size": 2})
    lab.when(f"{array}:0", "RUNNING")
    lab.end(f"{array}:0")
    gates.open(gate)
    summary = lab.ended(array)["arrayProperties"]["statusSummary"]
    assert (summary["SUCCEEDED"], summary["FAILED"]) == (1, 1)


def test_a_terminated_group_of_nodes_is_stopped_as_a_whole(lab: Lab) -> None:
    group = lab.submit("sleep", define={"nodes": 3})
    lab.when(group, "RUNNING")
    lab.end(group)
    assert {lab.job(f"{group}#{node}")["status"] for node in range(3)} == {"FAILED"}


@pytest.fixture(scope="module")
def overdue(lab: Lab) -> Iterator[dict[str, Job]]:
    """Jobs with a second's time, by whose time it is; AWS gives a minute at least."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(limits, "SHORTEST_TIMEOUT_S", 1)
        short: dict[str, Any] = {"timeout": {"attemptDurationSeconds": 1}}
        ids = {
            "job": lab.submit("sleep", **short, **tries(3)),
            "definition": lab.submit("sleep", define=short),
            "child": lab.submit("sleep", arrayProperties={"size": 2}, **short) + ":1",
            "node": lab.submit("sleep", define={"nodes": 2, **short}),
        }
        yield {whose: lab.ended(job_id) for whose, job_id in ids.items()}


@pytest.mark.parametrize("whose", ["job", "definition", "child", "node"])
def test_an_attempt_that_takes_too_long_is_ended_for_good(overdue: dict[str, Job], whose: str) -> None:
    job = overdue[whose]
    assert (job["status"], job["statusReason"]) == ("FAILED", "Job attempt duration exceeded timeout")
    assert [each["container"]["exitCode"] for each in job["attempts"]] == [143]
    assert job["stoppedAt"] - job["startedAt"] >= 1000
