"""`hfaas jobs`, `job`, `logs --job` and `cancel` on a real Batch whose containers are functions of the test."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from hfaas_emulator import admin
from hfaas_tui.run import Stuck, find_stuck
from hfaas_tui.summary import Summary
from hfaas_tui.watch import Emulator

Hfaas = Callable[..., tuple[int, str, str]]


def listed(hfaas: Hfaas, *arguments: str) -> list[dict[str, Any]]:
    code, out, err = hfaas("jobs", "--json", *arguments)
    assert code == 0, err
    found: list[dict[str, Any]] = json.loads(out)
    return found


def test_jobs_are_listed_the_newest_first(hfaas: Hfaas, batch: Any) -> None:
    first, second = batch.done("say", "a"), batch.done("fail", "3")

    assert [each["jobId"] for each in listed(hfaas, "--queue", batch.queue)] == [second, first]


def test_a_list_says_how_each_job_ended(hfaas: Hfaas, batch: Any) -> None:
    batch.done("fail", "3")

    _, out, _ = hfaas("jobs", "--queue", batch.queue)

    assert "FAILED" in out
    assert "exit 3" in out


def test_jobs_of_one_state_are_asked_for_by_its_name_in_any_case(hfaas: Hfaas, batch: Any) -> None:
    failed = batch.done("fail", "3")
    batch.done("say", "a")

    assert [each["jobId"] for each in listed(hfaas, "--queue", batch.queue, "--status", "failed")] == [failed]


def test_what_a_job_waits_for_is_in_the_list(hfaas: Hfaas, batch: Any) -> None:
    batch.until(batch.submit("sleep", vcpus="2"), "RUNNING")
    batch.until(batch.submit("say", "a"), "RUNNABLE")

    (waits,) = listed(hfaas, "--queue", batch.queue, "--status", "RUNNABLE")

    assert "vCPU" in waits["reason"]


def test_children_of_an_array_are_listed_only_with_all(hfaas: Hfaas, batch: Any) -> None:
    job = batch.done("say", "a", arrayProperties={"size": 2})

    assert [each["jobId"] for each in listed(hfaas, "--queue", batch.queue)] == [job]
    assert [each["jobId"] for each in listed(hfaas, "--queue", batch.queue, "--all")] == [
        job,
        f"{job}:0",
        f"{job}:1",
    ]


def test_of_many_jobs_the_newest_are_listed_and_the_others_counted(hfaas: Hfaas, batch: Any) -> None:
    ids = [batch.done("say", text) for text in "abc"]

    _, out, err = hfaas("jobs", "--queue", batch.queue, "--limit", "2")

    assert [each[:8] in out for each in ids] == [False, True, True]
    assert "... and 1 older: --limit 3 lists all" in err


def test_a_queue_that_is_not_there_is_answered_with_those_that_are(hfaas: Hfaas, batch: Any) -> None:
    code, _, err = hfaas("jobs", "--queue", "nowhere")

    assert code == 1
    assert "there is no job queue nowhere" in err
    assert batch.queue in err


def test_a_job_is_found_by_the_beginning_of_its_id(hfaas: Hfaas, batch: Any) -> None:
    job = batch.done("say", "a")

    code, out, _ = hfaas("job", job[:13], "--json")

    assert code == 0
    assert json.loads(out)["jobId"] == job


def test_a_job_shows_everything_worth_knowing(hfaas: Hfaas, batch: Any) -> None:
    job = batch.done("fail", "3", retryStrategy={"attempts": 2})

    _, out, _ = hfaas("job", job)

    told = dict(line.split(maxsplit=1) for line in out.splitlines())
    assert (told["job"], told["status"], told["queue"]) == (job, "FAILED", batch.queue)
    assert told["resources"] == "1 vCPU, 128 MB"
    assert told["attempts"] == "2 of 2"
    assert told["command"] == "fail 3"
    assert out.count("exit 3") == 3


def test_a_missing_image_is_told_with_the_reason_of_the_container(hfaas: Hfaas, batch: Any) -> None:
    job = batch.done("say", "a", image="nowhere:1")

    assert "CannotPullContainerError" in hfaas("job", job)[1]


def test_a_job_that_was_delegated_says_by_whom_and_why(hfaas: Hfaas, batch: Any) -> None:
    variables = {"AWS_LAMBDA_REQUEST_ID": "r-1", "HFAAS_ORIGIN": '{"cause":"time","seconds":2.5}'}
    environment = [{"name": name, "value": value} for name, value in variables.items()]

    job = batch.done("say", "a", containerOverrides={"environment": environment})

    assert "delegated by works because time was over after 2.5 s" in hfaas("job", job)[1]


def test_an_array_shows_its_children_those_in_trouble_first(hfaas: Hfaas, batch: Any) -> None:
    job = batch.done("fail", "3", arrayProperties={"size": 2})

    _, out, _ = hfaas("job", job)

    assert "2 children: 2 FAILED" in out
    assert f"{job}:0 FAILED exit 3" in out


@pytest.mark.parametrize("unknown", ["zzz", "00000000-0000-4000-8000-000000000000"])
def test_a_job_that_is_not_there_is_told_with_what_to_do(hfaas: Hfaas, batch: Any, unknown: str) -> None:
    batch.done("say", "a")

    code, _, err = hfaas("job", unknown)

    assert code == 1
    assert "there is no job" in err
    assert "hfaas jobs" in err


def test_the_log_of_a_job_is_that_of_its_container(hfaas: Hfaas, batch: Any) -> None:
    job = batch.done("say", "hello", "there")

    assert hfaas("logs", "--job", job)[1].endswith("  hello there\n")


def test_the_log_of_an_array_is_that_of_its_children_each_marked(hfaas: Hfaas, batch: Any) -> None:
    job = batch.done("say", "hello", arrayProperties={"size": 2})

    lines = sorted(line.split("  ", 1)[1] for line in hfaas("logs", "--job", job)[1].splitlines())

    assert lines == [":0   hello", ":1   hello"]


def test_following_a_job_ends_with_it_and_says_how(hfaas: Hfaas, batch: Any) -> None:
    job = batch.submit("say", "hello")

    code, out, err = hfaas("logs", "--job", job, "-f")

    assert code == 0
    assert out.endswith("  hello\n")
    assert "SUCCEEDED" in err.splitlines()[-1]


def test_a_job_without_a_log_yet_says_what_it_waits_for(hfaas: Hfaas, batch: Any) -> None:
    job = batch.until(batch.submit("say", "a", vcpus="64"), "RUNNABLE")

    code, out, err = hfaas("logs", "--job", job)

    assert (code, out) == (0, "")
    assert "RUNNABLE" in err


def test_a_job_that_waits_is_cancelled(hfaas: Hfaas, batch: Any) -> None:
    job = batch.until(batch.submit("say", "a", vcpus="64"), "RUNNABLE")

    code, out, _ = hfaas("cancel", job, "--reason", "not needed")

    assert code == 0
    assert "cancelled before it began" in out
    batch.until(job, "FAILED")
    assert "not needed" in hfaas("job", job)[1]


def test_an_array_that_waits_is_cancelled_with_its_children(hfaas: Hfaas, batch: Any) -> None:
    job = batch.submit("say", "a", vcpus="64", arrayProperties={"size": 2})
    batch.until(f"{job}:1", "RUNNABLE")

    assert "cancelled before it began" in hfaas("cancel", job)[1]
    batch.until(job, "FAILED")
    assert "2 FAILED" in hfaas("job", job)[1]


def test_a_job_that_runs_is_terminated(hfaas: Hfaas, batch: Any) -> None:
    job = batch.until(batch.submit("sleep"), "RUNNING")

    _, out, _ = hfaas("cancel", job)

    assert "terminated while it ran" in out
    batch.until(job, "FAILED")


def test_an_array_with_children_that_run_is_terminated(hfaas: Hfaas, batch: Any) -> None:
    job = batch.submit("sleep", arrayProperties={"size": 3})
    batch.until(f"{job}:0", "RUNNING")

    assert "terminated" in hfaas("cancel", job)[1]
    batch.until(job, "FAILED")


def test_a_job_that_has_ended_is_left_alone_and_an_unknown_one_does_not_keep_the_others(
    hfaas: Hfaas, batch: Any
) -> None:
    over = batch.done("say", "a")
    waits = batch.until(batch.submit("say", "a", vcpus="64"), "RUNNABLE")

    code, out, err = hfaas("cancel", "zzz", over, waits)

    assert code == 1
    assert "zzz" in err
    assert "is SUCCEEDED already" in out
    batch.until(waits, "FAILED")


def test_logs_wants_a_function_or_a_job(hfaas: Hfaas) -> None:
    assert hfaas("logs")[0] == 2
    assert hfaas("logs", "f", "--job", "j")[0] == 2


def test_status_counts_the_jobs_that_are_pending(hfaas: Hfaas, batch: Any) -> None:
    batch.until(batch.submit("say", "a", vcpus="64"), "RUNNABLE")

    _, out, _ = hfaas("status")

    assert "of them job" in out
    assert "needs 64 vCPU" in out


def test_status_says_what_jobs_can_get(hfaas: Hfaas) -> None:
    _, out, _ = hfaas("status")

    assert "jobs get up to" in out
    assert "GPUs (exclusive): none" in out


def test_idleness_is_waited_for_longer_than_one_request_waits(
    endpoint: str, batch: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admin, "LONGEST_WAIT", 0.01)
    batch.submit("sleep")

    began = time.monotonic()
    assert not Emulator(endpoint).idle(0.3)["idle"]
    assert time.monotonic() - began >= 0.3


def stuck(endpoint: str) -> list[Stuck]:
    """Return what a run on this emulator would give up."""
    emulator, summary = Emulator(endpoint), Summary()
    pending = emulator.idle()["pending"]
    summary.feed(emulator.hops())
    return find_stuck(pending, summary)


def test_a_run_gives_up_jobs_that_can_never_start(endpoint: str, batch: Any) -> None:
    job = batch.until(batch.submit("say", "a", vcpus="64"), "RUNNABLE")

    (only,) = stuck(endpoint)

    assert only.job == job
    assert "64 vCPU" in only.reason
    assert only.hint


def test_a_run_gives_up_an_array_once_when_none_of_its_children_can_start(endpoint: str, batch: Any) -> None:
    job = batch.submit("say", "a", vcpus="64", arrayProperties={"size": 2})
    batch.until(f"{job}:1", "RUNNABLE")

    assert [each.job for each in stuck(endpoint)] == [job]


def test_a_run_gives_up_with_a_job_those_that_depend_on_it(endpoint: str, batch: Any) -> None:
    first = batch.until(batch.submit("say", "a", vcpus="64"), "RUNNABLE")
    batch.until(batch.submit("say", "a", dependsOn=[{"jobId": first}]), "PENDING")

    assert [each.job for each in stuck(endpoint)] == [first]


def test_a_run_waits_for_a_job_whose_turn_comes(endpoint: str, batch: Any) -> None:
    batch.until(batch.submit("sleep", vcpus="2"), "RUNNING")
    batch.until(batch.submit("say", "a"), "RUNNABLE")

    assert stuck(endpoint) == []


def submit_group(batch: Any, *command: str) -> str:
    """Submit a group of two nodes that do this and return its id."""
    requirements = [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "128"}]
    container = {"image": "works:1", "command": list(command), "resourceRequirements": requirements}
    nodes = {
        "numNodes": 2,
        "mainNode": 0,
        "nodeRangeProperties": [{"targetNodes": "0:", "container": container}],
    }
    made = batch.api.register_job_definition(jobDefinitionName="group", type="multinode", nodeProperties=nodes)
    settings = {"jobName": "group", "jobQueue": batch.queue, "jobDefinition": made["jobDefinitionArn"]}
    return str(batch.until(batch.api.submit_job(**settings)["jobId"], "SUCCEEDED", "FAILED"))


def test_a_group_of_nodes_is_shown_with_its_nodes_and_their_logs(hfaas: Hfaas, batch: Any) -> None:
    job = submit_group(batch, "say", "hello")

    shown, log = hfaas("job", job)[1], hfaas("logs", "--job", job)[1]

    assert "2, the main one is 0" in shown
    assert f"{job}#1 SUCCEEDED" in shown
    assert sorted(line.split("  ", 1)[1] for line in log.splitlines()) == ["#0   hello", "#1   hello"]
