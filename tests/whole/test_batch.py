"""Jobs that cannot start, and jobs whose emulator is killed: through the command line, as its user has it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from subprocess import CompletedProcess
from typing import TYPE_CHECKING, Any

import pytest
from tests.whole.conftest import hfaas_in, kill, lasting_port, start

from hfaas_emulator.containers import owner
from hfaas_emulator.trace import What
from hfaas_tui.location import Location
from hfaas_tui.transfer import client, listing, s3
from hfaas_tui.watch import Emulator

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.containers import Container

pytestmark = pytest.mark.docker  # those without containers, too: they take their time

Hfaas = Callable[..., CompletedProcess[str]]
WAIT_S = 60
FILES = 3

PIPELINE = """\
functions:
  aws:
  - lambda:
      name: work
      execution_mode: batch
      memory: 128
      timeout: 30
      init_script: work.sh
      container: {{image: "{image}"}}
      input: [{{storage_provider: s3, path: work/in}}]
      output: [{{storage_provider: s3, path: work/out}}]
    batch:
      vcpus: {vcpus}
      memory: 128
      compute_resources: {{type: EC2, instance_types: [optimal], max_v_cpus: {most}}}
"""
SCRIPT = """\
#!/bin/sh
{first}
touch "$TMP_OUTPUT_DIR/$(basename "$INPUT_FILE_PATH")-$AWS_BATCH_JOB_ATTEMPT-$(hostname)-$$"
"""


def until_there(file: str) -> str:
    """Return the shell's words for waiting until there is such a file."""
    return f"while [ ! -e {file} ]; do sleep 0.1; done"


def pipeline(directory: Path, image: str, *, vcpus: int = 1, most: int = 2, first: str = ":") -> Path:
    """Write a pipeline of one function that runs in Batch only, and return its path."""
    (directory / "pipeline.yaml").write_text(PIPELINE.format(image=image, vcpus=vcpus, most=most))
    (directory / "work.sh").write_text(SCRIPT.format(first=first))
    return directory / "pipeline.yaml"


def run(directory: Path, *arguments: str) -> tuple[int, dict[str, Any]]:
    """Run a job that is larger than this machine."""
    (directory / "a.txt").write_text("hello")
    file = pipeline(directory, "not-used", vcpus=64, most=64)
    done = hfaas_in(directory)(
        "run", "-f", file, "a.txt", "--output", "out", "--engine", "process", "--json", *arguments
    )
    return done.returncode, json.loads(done.stdout)


def test_a_run_whose_job_can_never_start_ends_early_and_says_what_to_do(tmp_path: Path) -> None:
    code, told = run(tmp_path)

    (stuck,) = told["stuck"]
    assert code == 1
    assert stuck["function"] == "work"
    assert "needs 64 vCPUs, this machine has " in stuck["reason"]
    assert stuck["hint"] == "add --scale-down to run it with less"
    assert told["seconds"] < WAIT_S
    assert told["outputs"] == []


def test_scaled_down_a_run_does_what_this_machine_has_no_room_for(tmp_path: Path) -> None:
    code, told = run(tmp_path, "--scale-down")

    assert (code, told["stuck"], told["failures"]) == (0, [], [])
    assert len(told["outputs"]) == 1


class Site:
    """An emulator that may be killed, with a pipeline of jobs; two run at a time, and end when there is the file `go`."""

    def __init__(self, directory: Path, engine: str, image: str, go: str) -> None:
        self._directory, self._engine, self._port = directory, engine, lasting_port()
        self.hfaas = hfaas_in(directory)
        self.up()
        deployed = self.hfaas("deploy", "-f", pipeline(directory, image, first=until_there(go)))
        assert deployed.returncode == 0, deployed.stderr
        for number in range(FILES):
            s3(self.endpoint).put_object(Bucket="work", Key=f"in/{number}", Body=b"hello")

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def up(self) -> None:
        start(self.hfaas, self._engine, self._port)

    def scripts(self) -> int:
        """Return how many scripts this emulator has seen begin."""
        return sum(hop.what is What.SCRIPT_STARTED for hop in Emulator(self.endpoint).hops())

    def submit(self, image: str, *command: str) -> None:
        """Submit a job that is none of the function's."""
        batch = client(self.endpoint, "batch")
        (queue,) = batch.describe_job_queues()["jobQueues"]
        needs = [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "128"}]
        container = {"image": image, "command": list(command), "resourceRequirements": needs}
        made = batch.register_job_definition(
            jobDefinitionName="plain", type="container", containerProperties=container
        )
        batch.submit_job(jobName="plain", jobQueue=queue["jobQueueArn"], jobDefinition=made["jobDefinitionArn"])

    def kill(self) -> None:
        kill(self._directory / ".hfaas")

    def jobs(self, *statuses: str) -> list[dict[str, Any]]:
        """Describe all jobs in these states."""
        batch = client(self.endpoint, "batch")
        (queue,) = batch.describe_job_queues()["jobQueues"]
        listed = [
            each["jobId"]
            for status in statuses
            for each in batch.list_jobs(jobQueue=queue["jobQueueArn"], jobStatus=status)["jobSummaryList"]
        ]
        return list(batch.describe_jobs(jobs=listed)["jobs"]) if listed else []

    def until(self, condition: Callable[[], object]) -> None:
        deadline = time.monotonic() + WAIT_S
        while not condition():
            assert time.monotonic() < deadline, "it did not come to pass"
            time.sleep(0.02)

    def done(self) -> list[dict[str, Any]]:
        """Return all jobs once nothing is pending, the first to start first."""
        idle = Emulator(self.endpoint).idle(WAIT_S)
        assert idle["idle"], idle["pending"]
        return sorted(self.jobs("SUCCEEDED", "FAILED"), key=lambda job: job["startedAt"])

    def outputs(self) -> tuple[list[str], list[str]]:
        """Return the files and, apart from them, the attempts that left an output; each leaves one of its own."""
        names = [each.relative.split("-") for each in listing(s3(self.endpoint), Location("work", "out/"))]
        return sorted(name[0] for name in names), sorted(name[1] for name in names)


def exits(job: dict[str, Any]) -> list[tuple[int | None, str]]:
    return [(each["container"].get("exitCode"), each["statusReason"]) for each in job["attempts"]]


GONE = "Host EC2 (instance i-hfaas) terminated."
EXITED, LOST = (0, "Essential container in task exited"), (None, GONE)
UNHEARD = [(242, GONE)], [(243, GONE)]
"""The attempt of a supervisor to whom nobody gave the input, or from whom nobody took the output."""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Callable[[str, str, str], Site]]:
    """Open a site; whatever runs at the end is stopped."""
    yield lambda *about: Site(tmp_path, *about)
    hfaas_in(tmp_path)("down")


def test_processes_die_with_a_killed_emulator_and_their_jobs_are_tried_again(
    site: Callable[[str, str, str], Site], tmp_path: Path
) -> None:
    made = site("process", "not-used", str(tmp_path / "go"))
    made.until(lambda: made.scripts() == 2 and len(made.jobs("RUNNABLE")) == 1)

    made.kill()
    made.up()
    (tmp_path / "go").touch()

    jobs = made.done()
    assert sorted(map(exits, jobs), key=len) == [[EXITED], [LOST, EXITED], [LOST, EXITED]]
    assert made.outputs() == (["0", "1", "2"], ["1", "2", "2"])


def test_containers_go_on_without_their_emulator_and_each_job_ends_once(
    site: Callable[[str, str, str], Site], base_image: str, docker_engine: DockerClient, tmp_path: Path
) -> None:
    from docker.errors import APIError

    label = f"{owner.STATE}={owner.state(tmp_path / '.hfaas')}"
    go = "/tmp/go"

    def left() -> list[Any]:
        return list(docker_engine.api.containers(all=True, filters={"label": label}))

    def running() -> list[Container]:
        return list(docker_engine.containers.list(filters={"label": [label, "hfaas.kind=job"]}))

    def let_go() -> None:
        for container in running():
            with suppress(APIError):  # it has ended since
                container.exec_run(["touch", go])

    def all_went() -> bool:
        let_go()
        return len(made.jobs("SUCCEEDED")) == 4

    made = site("docker", base_image, go)
    made.until(lambda: made.scripts() == 2 and made.jobs("RUNNABLE"))
    made.submit(base_image, "sh", "-c", until_there(go))
    made.kill()
    made.up()  # the first two went on
    let_go()
    made.until(lambda: len(made.jobs("SUCCEEDED")) == 2 and len(made.jobs("RUNNING")) == 2)
    made.kill()
    let_go()
    made.until(lambda: not running())
    made.up()  # the other two ended, and one of them had nobody to give its output to
    made.until(all_went)

    *ended, (*unheard, again) = [exits(job) for job in made.done()]
    assert ended == [[EXITED], [EXITED], [EXITED]]
    assert unheard in UNHEARD
    assert again == EXITED
    assert made.outputs() == (["0", "1", "2"], ["1", "1", "2"])
    assert made.hfaas("down").returncode == 0
    assert left() == []
