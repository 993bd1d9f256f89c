"""An emulator with a registry stands in for AWS: another account, another region, images that were pushed.

The Stacks of two samples are brought up as a promotion would; nothing in there may be of the emulator's own account.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.registry import Registry
from tests.whole.conftest import Hfaas, hfaas_in

from hfaas_deploy import fdl, names, steps, template
from hfaas_deploy.aws import artifacts
from hfaas_deploy.aws.stack import Stack
from hfaas_deploy.aws.target import Target
from hfaas_deploy.building.images import DockerImages
from hfaas_deploy.pipeline import Pipeline
from hfaas_deploy.template import bootstrap
from hfaas_tui.watch import PROJECT_STATE, Emulator

if TYPE_CHECKING:
    from docker import DockerClient

pytestmark = [pytest.mark.docker, pytest.mark.slow]

ACCOUNT, REGION = "210987654321", "eu-west-1"
OWN = ("000000000000", "123456789012", "us-east-1")
"""What may stand nowhere in the answers about that account."""

NOBODYS = f"sha256:{'f' * 64}"
"""A digest that nobody pushed; its digits are nobody's account either."""

SAMPLES = Path(__file__).parents[2] / "samples"
FRAMES = "4"
SETTLED_S = 120


@dataclass
class Cloud:
    """What stands in for AWS, the target to it, and what was pushed: references by Function."""

    hfaas: Hfaas
    target: Target
    pushed: dict[str, str] = field(default_factory=dict)

    def client(self, service: str) -> Any:
        return self.target.client(service)

    def settle(self) -> None:
        """Wait until everything that a file set in motion is over."""
        assert Emulator(self.target.endpoint).idle(SETTLED_S)["idle"]


@contextmanager
def promoted(cloud: Cloud, engine: DockerClient, sample: str, base: str) -> Iterator[Pipeline]:
    """Bring the Stacks of a sample up with images of the registry; the tags that it made on the engine go again."""
    read = fdl.read(SAMPLES / sample / "pipeline.yaml")
    built = tuple(replace(one, build_args={"BASE": base}) for one in read.functions)
    pipeline = steps.checked(replace(read, functions=built), lambda _: None)
    repositories = Stack(cloud.client("cloudformation"), f"{pipeline.stack}-images")
    _apply(repositories, _document(bootstrap.document(pipeline)), {})
    with DockerImages(offline=True) as images:
        references = steps.build(pipeline, images, lambda _: None)
    uris = repositories.outputs()
    references = {
        name: _push(engine, reference, uris[names.logical(name, "Repository")])
        for name, reference in references.items()
    }
    cloud.pushed |= references
    rendered = template.render(pipeline)
    if pipeline.has_artifacts:
        artifacts.ensure(cloud.client("s3"), ACCOUNT, REGION)
    parameters = {**steps.parameters(references), **steps.network(pipeline, cloud.target)}
    _apply(Stack(cloud.client("cloudformation"), pipeline.stack), rendered, parameters)
    yield pipeline
    for reference in references.values():
        engine.images.remove(reference)


def _document(whole: dict[str, Any]) -> template.Template:
    body = json.dumps(whole)
    return template.Template(body, (), hashlib.sha256(body.encode()).hexdigest())


def _apply(stack: Stack, rendered: template.Template, parameters: dict[str, str]) -> None:
    plan = stack.plan(rendered, parameters)
    assert plan is not None
    assert [event for event in stack.apply(plan) if event.failed] == []


def _push(engine: DockerClient, reference: str, uri: str) -> str:
    """Push an image and return its name by digest; on the engine it is known by that name only."""
    tag = reference.rpartition(":")[2]
    image = engine.images.get(reference)
    image.tag(uri, tag)
    said = list(engine.api.push(uri, tag=tag, stream=True, decode=True))
    engine.images.remove(f"{uri}:{tag}")
    digests = [line["aux"]["Digest"] for line in said if "aux" in line]
    assert digests, said[-1]
    return f"{uri}@{digests[0]}"


@pytest.fixture(scope="module")
def credentials() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", ACCOUNT)
        patch.setenv("AWS_SECRET_ACCESS_KEY", "anything")
        patch.delenv("AWS_PROFILE", raising=False)
        yield


@pytest.fixture(scope="module")
def cloud(
    registry: Registry, credentials: None, docker_engine: DockerClient, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Cloud]:
    """An emulator in a process of its own, with the registry for ECR."""
    folder = tmp_path_factory.mktemp("cloud")
    hfaas = hfaas_in(folder)
    up = hfaas("up", "--detach", "--port", "0", "--engine", "docker", "--registry", registry.address)
    assert up.returncode == 0, up.stderr
    endpoint = json.loads((folder / PROJECT_STATE / "emulator.json").read_text())["endpoint"]
    target = Target.aws(REGION, stand_in=endpoint)
    ec2 = target.client("ec2")
    subnets = tuple(sorted(one["SubnetId"] for one in ec2.describe_subnets()["Subnets"]))
    groups = tuple(one["GroupId"] for one in ec2.describe_security_groups()["SecurityGroups"])
    yield Cloud(hfaas, target.within(ACCOUNT, subnets, groups))
    hfaas("down")


@pytest.fixture(scope="module")
def video(cloud: Cloud, docker_engine: DockerClient, base_image: str) -> Iterator[Pipeline]:
    with promoted(cloud, docker_engine, "video", base_image) as pipeline:
        yield pipeline


@pytest.fixture(scope="module")
def hello(cloud: Cloud, docker_engine: DockerClient, base_image: str) -> Iterator[Pipeline]:
    with promoted(cloud, docker_engine, "hello", base_image) as pipeline:
        yield pipeline


def test_the_caller_is_the_account_and_has_a_network_there(cloud: Cloud) -> None:
    assert cloud.client("sts").get_caller_identity()["Account"] == ACCOUNT
    assert cloud.client("iam").list_account_aliases()["AccountAliases"] == []
    (vpc,) = cloud.client("ec2").describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]
    assert vpc["OwnerId"] == ACCOUNT
    subnets = cloud.client("ec2").describe_subnets()["Subnets"]
    assert {one["AvailabilityZone"][:-1] for one in subnets} == {REGION}


def test_a_file_goes_through_a_function_of_a_pushed_image(cloud: Cloud, hello: Pipeline) -> None:
    s3, key = cloud.client("s3"), f"{uuid.uuid4().hex}.txt"
    s3.put_object(Bucket="hfaas-hello", Key=f"in/{key}", Body=b"hello")
    cloud.settle()
    assert s3.get_object(Bucket="hfaas-hello", Key=f"out/{key}")["Body"].read() == b"HELLO"
    code = cloud.client("lambda").get_function(FunctionName="hello")["Code"]
    assert code["ResolvedImageUri"] == cloud.pushed["hello"]


def test_a_film_goes_through_a_job_of_a_pushed_image(cloud: Cloud, video: Pipeline, tmp_path: Path) -> None:
    film = tmp_path / "film.avi"
    subprocess.run([sys.executable, SAMPLES / "video" / "clip.py", film, FRAMES], check=True)
    s3 = cloud.client("s3")
    s3.upload_file(str(film), "hfaas-video", "films/film.avi")
    cloud.settle()
    found = s3.list_objects_v2(Bucket="hfaas-video", Prefix="annotated/")["Contents"]
    assert [one["Key"].rpartition(".")[0] for one in found] == ["annotated/film-people"] * 2
    batch = cloud.client("batch")
    (queue,) = batch.describe_job_queues()["jobQueues"]
    assert queue["jobQueueArn"].split(":")[3:5] == [REGION, ACCOUNT]
    jobs = batch.list_jobs(jobQueue=queue["jobQueueArn"], jobStatus="SUCCEEDED")["jobSummaryList"]
    (job,) = batch.describe_jobs(jobs=[jobs[0]["jobId"]])["jobs"]
    assert job["container"]["image"] == cloud.pushed["annotate-video"]
    assert job["container"]["logStreamName"]


def test_a_job_of_a_digest_that_nobody_pushed_says_that_it_cannot_be_pulled(cloud: Cloud, video: Pipeline) -> None:
    batch = cloud.client("batch")
    (known,) = batch.describe_job_definitions(jobDefinitionName="annotate-video")["jobDefinitions"]
    image = f"{cloud.pushed['annotate-video'].partition('@')[0]}@{NOBODYS}"
    made = batch.register_job_definition(
        jobDefinitionName="unknown",
        type="container",
        platformCapabilities=known["platformCapabilities"],
        containerProperties={**known["containerProperties"], "image": image},
    )
    (queue,) = batch.describe_job_queues()["jobQueues"]
    asked = {"jobQueue": queue["jobQueueArn"], "jobDefinition": made["jobDefinitionArn"]}
    job = batch.submit_job(jobName="unknown", **asked)["jobId"]
    cloud.settle()
    (ended,) = batch.describe_jobs(jobs=[job])["jobs"]
    assert ended["status"] == "FAILED"
    assert ended["container"]["reason"].startswith("CannotPullContainerError")


QUESTIONS: dict[str, Callable[[Callable[[str], Any]], Any]] = {
    "lambda": lambda aws: aws("lambda").list_functions(),
    "policy": lambda aws: aws("lambda").get_policy(FunctionName="split-video")["Policy"],
    "roles": lambda aws: aws("iam").list_roles(),
    "batch": lambda aws: (
        aws("batch").describe_job_queues(),
        aws("batch").describe_compute_environments(),
        aws("batch").describe_job_definitions(),
    ),
    "logs": lambda aws: aws("logs").describe_log_groups(),
    "events": lambda aws: aws("events").list_rules(),
    "schedules": lambda aws: (aws("scheduler").list_schedules(), aws("scheduler").list_schedule_groups()),
    "secrets": lambda aws: aws("secretsmanager").list_secrets(),
    "queues": lambda aws: aws("sqs").list_queues(),
    "stack": lambda aws: (
        aws("cloudformation").describe_stacks(),
        aws("cloudformation").describe_stack_resources(StackName="hfaas-video"),
    ),
    "notifications": lambda aws: aws("s3").get_bucket_notification_configuration(Bucket="hfaas-video"),
    "bucket": lambda aws: aws("s3").get_bucket_location(Bucket="hfaas-video"),
    "repositories": lambda aws: aws("ecr").describe_repositories(),
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_everything_is_that_accounts_in_that_region(cloud: Cloud, video: Pipeline, question: str) -> None:
    told = json.dumps(QUESTIONS[question](cloud.client), default=str)
    assert [word for word in OWN if word in told] == []


def test_the_account_has_nothing_in_other_regions(cloud: Cloud, video: Pipeline) -> None:
    there = Target.aws("us-east-1", stand_in=cloud.target.endpoint)
    assert there.client("lambda").list_functions()["Functions"] == []
    assert there.client("ecr").describe_repositories()["repositories"] == []
    assert there.client("cloudformation").describe_stacks()["Stacks"] == []


def test_a_digest_that_nobody_pushed_fails_the_update_and_the_function_stays(cloud: Cloud, hello: Pipeline) -> None:
    functions, unknown = cloud.client("lambda"), f"{cloud.pushed['hello'].partition('@')[0]}@{NOBODYS}"
    with pytest.raises(functions.exceptions.InvalidParameterValueException, match="does not exist"):
        functions.update_function_code(FunctionName="hello", ImageUri=unknown)
    code = functions.get_function(FunctionName="hello")["Code"]
    assert code["ImageUri"] == cloud.pushed["hello"]
