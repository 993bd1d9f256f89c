"""What Batch does, in real containers, where that is what matters: `f` runs eight jobs at once on two cores.

The jobs of the table are submitted together by the first test that needs one and run side by side.
"""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from typing import Any

import pytest
from tests.emulator.batch.lab import Job, Lab, needs, until
from tests.emulator.batch.rows import tries
from tests.emulator.conftest import running

from hfaas_emulator.batch import limits

pytestmark = pytest.mark.docker

OWN_IMAGE = "hfaas-behaviours:own"
LIMITS = """
from pathlib import Path
root = Path("/sys/fs/cgroup")
v1 = root / "memory/memory.limit_in_bytes"
quota = root / "cpu/cpu.cfs_quota_us"
memory = v1 if v1.exists() else root / "memory.max"
cpus = [quota, root / "cpu/cpu.cfs_period_us"] if quota.exists() else [root / "cpu.max"]
quota, period = " ".join(file.read_text() for file in cpus).split()
print(int(memory.read_text()) // 2**20, int(quota) / int(period))
"""
REACH = """
import os, urllib.error, urllib.request
try:
    urllib.request.urlopen(os.environ["AWS_ENDPOINT_URL"] + "/no-such-bucket/key")
except urllib.error.HTTPError as error:
    print(b"NoSuchBucket" in error.read())
"""
LISTEN = """
import os, signal, socket, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit())  # the kernel spares process 1 otherwise
own, main = (int(os.environ["AWS_BATCH_JOB_" + kind]) for kind in ("NODE_INDEX", "MAIN_NODE_INDEX"))
if own == main:
    with socket.create_server(("", 9000)) as server:
        heard = [server.accept() for _ in range(2)]
        print(*sorted(each.recv(9).decode() for each, _ in heard), len({peer[0] for _, peer in heard}), flush=True)
else:
    for _ in range(2_400):
        try:
            socket.create_connection((os.environ["AWS_BATCH_JOB_MAIN_NODE_PRIVATE_IPV4_ADDRESS"], 9000)).send(b"%d" % own)
            break
        except OSError:
            time.sleep(0.05)
    time.sleep(600)
"""
HAS_INIT = {"container": {"linuxParameters": {"initProcessEnabled": True}}}
"""The kernel spares process 1 a signal it does not wait for: with one of Docker's, a shell that is not ready ends, too."""

GRACE = "trap 'echo stopping; exit 5' TERM; echo up; while :; do sleep 0.05; done"


def shell(line: str, **more: Any) -> tuple[tuple[str, ...], dict[str, Any]]:
    return ("sh", "-c", line), more


def python(program: str, **more: Any) -> tuple[tuple[str, ...], dict[str, Any]]:
    return ("python3", "-c", program), more


JOBS = {
    "nodes": python(LISTEN, jobQueue="q", define={"fargate": False, "nodes": 3, "main": 1}),
    "grace": shell(GRACE),
    "timeout": shell(GRACE, timeout={"attemptDurationSeconds": 1}, define=HAS_INIT, **tries(3)),
    **{f"exit {code}": shell(f"exit {code}") for code in (0, 1, 3, 137, 143, 255)},
    "lines": shell("echo one; echo two >&2; sleep 0.2; printf three"),
    "memory": python("bytearray(2**30)"),
    "limits": python(LIMITS),
    "endpoint": python(REACH),
    "retry": shell("exit $((2 - AWS_BATCH_JOB_ATTEMPT))", **tries(3)),
    "no image": (("sh",), {"define": {"container": {"image": "hfaas-behaviours:gone"}}}),
    "no command": (("/nope",), {}),
    "entry point": (("hello",), {"define": {"container": {"image": OWN_IMAGE}}}),
    "user": shell("id -u", define={"container": {"user": "4321"}}),
    "read-only": shell("echo x >/x", define={"container": {"readonlyRootFilesystem": True}}),
    "array": shell("echo $AWS_BATCH_JOB_ARRAY_INDEX", arrayProperties={"size": 100}),
}


@pytest.fixture(scope="module")
def own_image(docker_engine: Any, base_image: str) -> Iterator[None]:
    """An image with an entry point, a working directory and a user of its own."""
    recipe = f'FROM {base_image}\nUSER 1234\nWORKDIR /data\nENTRYPOINT ["sh", "-c", "echo $0 $(pwd) $(id -u)"]\n'
    docker_engine.images.build(fileobj=BytesIO(recipe.encode()), tag=OWN_IMAGE, rm=True)
    yield
    docker_engine.images.remove(OWN_IMAGE, force=True)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory, base_image: str, own_image: None) -> Iterator[Lab]:
    state = tmp_path_factory.mktemp("state")
    with running(state, lambda: None, engine="docker", scale_down=True) as emulator:
        yield Lab(emulator, base_image)


@pytest.fixture(scope="module")
def submitted(lab: Lab) -> Iterator[dict[str, str]]:
    """The jobs of the table by name; AWS gives an attempt a minute at least."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(limits, "SHORTEST_TIMEOUT_S", 1)
        made = {}
        for name, (command, more) in JOBS.items():
            define = {"fargate": True, **more.pop("define", {})}
            made[name] = lab.submit(*command, define=define, **{"jobQueue": "f", **more})
        lab.when(made["grace"], "RUNNING")
        until(lambda: lab.lines(made["grace"]) == ["up"])
        lab.batch.terminate_job(jobId=made["grace"], reason="not needed")
        yield made


def codes(job: Job) -> list[int | None]:
    return [each["container"].get("exitCode") for each in job["attempts"]]


@pytest.mark.parametrize("code", [0, 1, 3, 137, 143, 255])
def test_the_exit_code_is_the_containers(lab: Lab, submitted: dict[str, str], code: int) -> None:
    job = lab.ended(submitted[f"exit {code}"])
    assert (job["status"], codes(job)) == ("FAILED" if code else "SUCCEEDED", [code])
    assert "reason" not in job["container"]


def test_what_a_job_prints_is_its_log(lab: Lab, submitted: dict[str, str]) -> None:
    lab.ended(submitted["lines"])
    assert sorted(lab.lines(submitted["lines"])) == ["one", "three", "two"]


def test_a_lack_of_memory_is_told(lab: Lab, submitted: dict[str, str]) -> None:
    job = lab.ended(submitted["memory"])
    assert (job["status"], codes(job)) == ("FAILED", [137])
    assert job["container"]["reason"] == "OutOfMemoryError: Container killed due to memory usage"


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("limits", ["512 0.25"]),
        ("endpoint", ["True"]),
        ("entry point", ["hello /data 1234"]),
        ("user", ["4321"]),
    ],
)
def test_inside_a_job_finds(lab: Lab, submitted: dict[str, str], name: str, lines: list[str]) -> None:
    lab.ended(submitted[name])
    assert lab.lines(submitted[name]) == lines


def test_a_read_only_root_cannot_be_written(lab: Lab, submitted: dict[str, str]) -> None:
    assert lab.ended(submitted["read-only"])["status"] == "FAILED"
    assert "Read-only file system" in lab.lines(submitted["read-only"])[0]


def test_a_failed_attempt_is_followed_by_another_container(lab: Lab, submitted: dict[str, str]) -> None:
    job = lab.ended(submitted["retry"])
    assert (job["status"], codes(job)) == ("SUCCEEDED", [1, 0])


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("no image", "CannotPullContainerError: there is no image hfaas-behaviours:gone on this machine"),
        ("no command", "CannotStartContainerError: "),
    ],
)
def test_what_cannot_start_fails(lab: Lab, submitted: dict[str, str], name: str, reason: str) -> None:
    job = lab.ended(submitted[name])
    assert (job["status"], job["statusReason"], codes(job)) == ("FAILED", "Task failed to start", [None])
    assert job["container"]["reason"].startswith(reason)


def test_a_hundred_children_run_each_once(lab: Lab, submitted: dict[str, str]) -> None:
    array = submitted["array"]
    until(lambda: lab.job(array)["status"] == "SUCCEEDED")
    assert lab.job(array)["arrayProperties"]["statusSummary"]["SUCCEEDED"] == 100
    assert [lab.lines(f"{array}:{index}") for index in (0, 42, 99)] == [["0"], ["42"], ["99"]]


def test_three_nodes_find_each_other_and_end_with_the_main_one(lab: Lab, submitted: dict[str, str]) -> None:
    group = submitted["nodes"]
    assert lab.ended(group)["status"] == "SUCCEEDED"
    assert lab.lines(f"{group}#1") == ["0 2 2"]
    assert lab.job(f"{group}#0")["status"] == "SUCCEEDED"


def test_a_terminated_job_may_clean_up(lab: Lab, submitted: dict[str, str]) -> None:
    job = lab.ended(submitted["grace"])
    assert (job["statusReason"], codes(job)) == ("not needed", [5])
    assert lab.lines(submitted["grace"]) == ["up", "stopping"]


def test_an_attempt_that_takes_too_long_is_told_to_stop_and_not_repeated(
    lab: Lab, submitted: dict[str, str]
) -> None:
    job = lab.ended(submitted["timeout"])
    assert (job["status"], job["statusReason"]) == ("FAILED", "Job attempt duration exceeded timeout")
    assert codes(job) in ([5], [143])  # as far as the shell had come


def test_a_job_without_its_gpu_waits_and_says_what_to_do(lab: Lab, docker_engine: Any) -> None:
    if "nvidia" in docker_engine.info()["Runtimes"]:
        pytest.skip("this machine may have a GPU")
    job = lab.submit("true", define={"container": needs(gpus="1")})
    said = lab.when(job, "RUNNABLE", reason="start with --gpu fallback")["statusReason"]
    assert said.startswith("MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT - needs 1 GPU: ")
    lab.end(job)
