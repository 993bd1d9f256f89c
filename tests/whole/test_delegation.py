"""The three execution modes from file to output, with the real supervisor in real containers.

One pipeline has a function for each cause; all their files are put together and run side by side.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
from tests.whole.conftest import hfaas_in, start

from hfaas_emulator.trace import Hop, What
from hfaas_tui.transfer import client, s3
from hfaas_tui.watch import find

pytestmark = pytest.mark.docker

Hfaas = Callable[..., CompletedProcess[str]]

SCRIPT = """\
#!/bin/sh
name=$(basename "$INPUT_FILE_PATH")
echo "begins in $HFAAS_LEG"
wc -c <"$INPUT_FILE_PATH" >"$TMP_OUTPUT_DIR/$AWS_LAMBDA_FUNCTION_NAME"
case $HFAAS_LEG-$AWS_LAMBDA_FUNCTION_NAME in
lambda-slow) sleep 600 ;;
*-fat) python3 -c 'bytearray(200 * 2**20)' || exit ;;
lambda-bad | lambda-elsewhere) exit 75 ;;
batch-bad) echo "there is no such frame" >&2; exit 4 ;;
esac
echo "$HFAAS_LEG $AWS_BATCH_JOB_ATTEMPT" >>"$TMP_OUTPUT_DIR/$AWS_LAMBDA_FUNCTION_NAME"
"""
FUNCTION = """
  - lambda:
      name: {name}
      execution_mode: {mode}
      memory: 128
      timeout: {timeout}
      init_script: work.sh
      container: {{image: "{image}"}}
      input: [{{storage_provider: s3, path: desk/{name}}}]
      output: [{{storage_provider: s3, path: desk/out}}]
    batch: {{vcpus: {vcpus}, memory: {memory}, compute_resources: {{max_v_cpus: 64}}}}
"""
MODES = {
    "slow": "lambda-batch",
    "fat": "lambda-batch",
    "elsewhere": "lambda-batch",
    "only": "batch",
    "bad": "lambda-batch",
}


def pipeline(directory: Path, image: str, *names: str, vcpus: str = "0.25", memory: str = "1024") -> Path:
    """Write a pipeline of these functions, and return its path."""
    functions = [
        FUNCTION.format(
            name=name,
            mode=MODES[name],
            timeout=20 if name == "slow" else 30,  # of the 20 s four are for handing over
            image=image,
            vcpus=vcpus,
            memory=memory,
        )
        for name in names
    ]
    (directory / "work.sh").write_text(SCRIPT)
    (directory / "pipeline.yaml").write_text("functions:\n  aws:" + "".join(functions))
    return directory / "pipeline.yaml"


class World:
    """What came of one file for each function, and of an event that is too long for a job."""

    def __init__(self, hfaas: Hfaas, directory: Path) -> None:
        self.hfaas, self.emulator = hfaas, find(None, directory / ".hfaas")
        bucket = s3(self.emulator.endpoint)
        for name in MODES:
            bucket.put_object(Bucket="desk", Key=f"{name}/a.txt", Body=b"hello")
        event = json.dumps({"long": "x" * 20_000}).encode()
        functions = client(self.emulator.endpoint, "lambda")
        answer = functions.invoke(FunctionName="only", Payload=event)
        self.answer = json.loads(answer["Payload"].read())
        idle = self.emulator.idle(200)
        assert idle["idle"], idle["pending"]
        self.hops = self.emulator.hops()

    def run(self, name: str) -> list[Hop]:
        """Return the hops of what a function's file set in motion."""
        created = (hop for hop in self.hops if hop.what is What.OBJECT_CREATED)
        run = next(hop.run for hop in created if hop.detail["key"] == f"{name}/a.txt")
        return [hop for hop in self.hops if hop.run == run]

    def output(self, name: str) -> str:
        stored = s3(self.emulator.endpoint).get_object(Bucket="desk", Key=f"out/{name}")
        return str(stored["Body"].read().decode())

    def whats(self, name: str) -> list[str]:
        """Return what happened to a function's file, states of jobs by their names."""
        return [hop.detail["status"] if hop.what is What.JOB_STATE else str(hop.what) for hop in self.run(name)]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, base_image: str) -> Iterator[World]:
    directory = tmp_path_factory.mktemp("project")
    hfaas = hfaas_in(directory)
    start(hfaas, "docker")
    try:
        deployed = hfaas("deploy", "-f", pipeline(directory, base_image, *MODES))
        assert deployed.returncode == 0, deployed.stderr
        yield World(hfaas, directory)
    finally:
        hfaas("down")


CAUSES = {"slow": "time", "fat": "memory", "elsewhere": "exit"}


@pytest.mark.parametrize("name", CAUSES)
def test_what_lambda_cannot_do_batch_does(world: World, name: str) -> None:
    (delegated,) = [hop for hop in world.run(name) if hop.what is What.INVOCATION_DELEGATED]
    assert delegated.detail["cause"] == CAUSES[name]
    assert world.output(name).split() == ["5", "batch", "1"]


@pytest.mark.parametrize("name", [*CAUSES, "only"])
def test_the_output_appears_once_and_only_from_the_job(world: World, name: str) -> None:
    whats = world.whats(name)
    assert whats.count(What.OUTPUT_UPLOADED) == 1
    assert whats.count(What.OBJECT_CREATED) == 2  # the input, the output
    assert whats.index(What.OUTPUT_UPLOADED) > whats.index("RUNNING")
    assert whats[-1] == "SUCCEEDED"


@pytest.mark.parametrize("name", CAUSES)
def test_both_legs_have_one_request_id_and_one_attempt_each(world: World, name: str) -> None:
    run = world.run(name)
    assert len({hop.invocation for hop in run if hop.invocation}) == 1
    assert [hop.what for hop in run].count(What.SCRIPT_STARTED) == 2
    assert [hop.what for hop in run].count(What.INVOCATION_STARTED) == 1


def test_a_batch_function_never_runs_its_script_in_lambda(world: World) -> None:
    started = [hop for hop in world.run("only") if hop.what is What.SCRIPT_STARTED]
    legs = world.whats("only")
    assert len(started) == 1
    assert legs.index(What.SCRIPT_STARTED) > legs.index("RUNNING")
    assert world.output("only").split()[1:] == ["batch", "1"]


def test_a_long_event_is_put_aside_and_read_back(world: World) -> None:
    jobs = client(world.emulator.endpoint, "batch")
    job = jobs.describe_jobs(jobs=[world.answer["headers"]["hfaas-job-id"]])["jobs"][0]
    variables = {each["name"]: each["value"] for each in job["container"]["environment"]}
    assert world.answer["statusCode"] == 202
    assert job["status"] == "SUCCEEDED"
    assert "EVENT" not in variables
    assert variables["HFAAS_EVENT_URL"].startswith("s3://hfaas-artifacts-000000000000-us-east-1/events/")


def test_a_job_that_fails_keeps_its_exit_code_and_uploads_nothing(world: World) -> None:
    last = world.run("bad")[-1]
    assert (last.detail["status"], last.detail["exit"]) == ("FAILED", 4)
    assert What.OUTPUT_UPLOADED not in world.whats("bad")


def test_one_log_group_holds_both_legs(world: World) -> None:
    log = world.hfaas("logs", "bad").stdout
    assert "begins in lambda" in log
    assert "begins in batch" in log
    assert "there is no such frame" in log


def test_why_follows_a_file_through_its_job(world: World) -> None:
    told = world.hfaas("why", "s3://desk/slow/a.txt")
    assert told.returncode == 0, told.stderr
    assert "time was over" in told.stdout
    assert "1 output uploaded" in told.stdout.splitlines()[-1]


def dead_letters(world: World) -> list[dict[str, Any]]:
    """Return the events of jobs that reached the pipeline's dead letters."""
    queues = client(world.emulator.endpoint, "sqs")
    (url,) = [each for each in queues.list_queues()["QueueUrls"] if "DeadLetters" in each]
    told = queues.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0).get("Messages", ())
    return [json.loads(message["Body"]) for message in told]


def test_a_job_that_failed_is_in_the_dead_letters(world: World) -> None:
    (letter,) = [each for each in dead_letters(world) if each["detail"]["jobName"].startswith("bad-")]
    assert letter["detail-type"] == "Batch Job State Change"
    assert (letter["detail"]["status"], letter["detail"]["container"]["exitCode"]) == ("FAILED", 4)


def test_an_image_that_is_gone_fails_the_job_and_is_in_the_dead_letters(world: World) -> None:
    jobs = client(world.emulator.endpoint, "batch")
    (known,) = jobs.describe_job_definitions(jobDefinitionName="only", status="ACTIVE")["jobDefinitions"]
    container = {**known["containerProperties"], "image": "hfaas-whole:gone"}
    made = jobs.register_job_definition(
        jobDefinitionName="gone", type="container", platformCapabilities=["FARGATE"], containerProperties=container
    )
    queue = next(hop.detail["queue"] for hop in world.run("only") if hop.what is What.JOB_SUBMITTED)
    job = jobs.submit_job(jobName="gone", jobQueue=queue, jobDefinition=made["jobDefinitionArn"])["jobId"]
    assert world.emulator.idle(120)["idle"]
    (ended,) = jobs.describe_jobs(jobs=[job])["jobs"]
    assert ended["status"] == "FAILED"
    assert ended["container"]["reason"].startswith("CannotPullContainerError: there is no image hfaas-whole:gone")
    (letter,) = [each for each in dead_letters(world) if each["detail"]["jobId"] == job]
    assert letter["detail"]["statusReason"] == "Task failed to start"


def test_a_run_fails_with_its_job_and_saves_what_both_legs_said(tmp_path: Path, base_image: str) -> None:
    (tmp_path / "a.txt").write_text("hello")
    hfaas = hfaas_in(tmp_path)

    done = hfaas("run", "-f", pipeline(tmp_path, base_image, "bad"), "a.txt", "--output", "out")

    assert done.returncode == 1, done.stderr
    told = done.stdout + done.stderr
    assert "bad on s3://desk/bad/a.txt: the script ended with code 4" in told
    assert "| there is no such frame" in told
    (log,) = (file.read_text() for file in (tmp_path / "out" / "logs").iterdir())
    assert log.index("begins in lambda") < log.index("begins in batch") < log.index("there is no such frame")
