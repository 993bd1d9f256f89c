"""One pipeline from its rehearsal to AWS and away again, by the command line, with real containers on both sides.

Lambda, Batch, HTTP and OneTrigger on the video samples' scripts. The emulator of the project is where it is rehearsed;
another one in a process of its own, with a registry of images, plays AWS. The Oneprovider that the pipeline file names
is that one's: the rehearsal plays it, the promotion goes there.

The story is told once, in chapters that follow one another; tests look at what each chapter has left in writing.
"""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import CompletedProcess
from typing import TYPE_CHECKING, Any

import pytest
from docker.errors import NotFound
from tests.registry import Registry
from tests.standin import ACCOUNT, REGION, StandIn, standin
from tests.whole.conftest import Hfaas, hfaas_in, start

from hfaas_deploy import names
from hfaas_deploy.aws.standing import FINGERPRINT
from hfaas_deploy.aws.target import Target
from hfaas_tui.watch import Emulator, find

if TYPE_CHECKING:
    from docker import DockerClient

pytestmark = pytest.mark.docker

SAMPLES = Path(__file__).parents[2] / "samples"
SCRIPTS = (
    "onedata-video/cut-film.py",
    "video/split-video.py",
    "video/annotate-video.py",
    "http-image/grey-image.py",
)
FUNCTIONS = ("story-annotate", "story-cut", "story-grey", "story-split")
FRAMES = 3
SETTLED_S = 120
CHANGED = "story-split"
PIPELINE = """\
hfaas: {{stack: story}}
storage_providers:
  onedata:
    hub: {{oneprovider_host: "${{HUB_HOST}}", token: "${{HUB_TOKEN}}", space: films}}
functions:
  aws:
  - lambda:
      name: story-cut
      init_script: cut-film.py
      memory: 512
      timeout: 60
      container: {{image: &image "{image}", environment: {{Variables: {{HEIGHT: 240, SECONDS: 1}}}}}}
      input: [{{storage_provider: onedata.hub, path: in, suffix: [.avi]}}]
      output: [{{storage_provider: s3, path: hfaas-story/short}}]
  - lambda:
      name: story-split
      init_script: split-video.py
      memory: 512
      timeout: 60
      container: {{image: *image}}
      input: [{{storage_provider: s3, path: hfaas-story/short}}]
      output: [{{storage_provider: s3, path: hfaas-story/frames}}]
  - lambda:
      name: story-annotate
      init_script: annotate-video.py
      extra_payload: lib
      execution_mode: batch
      memory: 128
      container: {{image: *image}}
      input: [{{storage_provider: s3, path: hfaas-story/films}}]
      output: [{{storage_provider: onedata.hub, path: annotated}}]
    batch: {{vcpus: 1, memory: 2048}}
  - lambda:
      name: story-grey
      init_script: grey-image.py
      memory: 512
      timeout: 29
      container: {{image: *image}}
    api_gateway: {{name: story-grey}}
    hfaas: {{url: public}}
"""
ON_AWS = ("--target", "aws")
MADE: tuple[Callable[[Any], list[Any]], ...] = (
    lambda aws: aws("lambda").list_functions()["Functions"],
    lambda aws: aws("cloudformation").describe_stacks()["Stacks"],
    lambda aws: aws("ecr").describe_repositories()["repositories"],
    lambda aws: aws("s3").list_buckets()["Buckets"],
    lambda aws: aws("secretsmanager").list_secrets()["SecretList"],
    lambda aws: aws("scheduler").list_schedules()["Schedules"],
    lambda aws: aws("batch").describe_job_queues()["jobQueues"],
)
"""What a promotion makes."""


@dataclass(frozen=True, slots=True)
class Side:
    """What the API of one emulator says of the Stack."""

    fingerprint: str
    template: Mapping[str, Any]
    images: Mapping[str, str]
    """What functions run, and the job definition by its name `job`."""
    ids: Mapping[str, str]
    """The ids of these images: the engine's own, or what a pushed manifest names."""


@dataclass
class Story:
    """The project, what plays AWS, and everything that was said on the way."""

    directory: Path
    hfaas: Hfaas
    cloud: StandIn
    host: str
    token: str = field(repr=False)
    engine: DockerClient
    registry: Registry
    said: list[str] = field(default_factory=list, repr=False)
    arguments: set[str] = field(default_factory=set, repr=False)
    """Those of all processes, while it was promoted."""

    def run(self, *arguments: object) -> CompletedProcess[str]:
        """Run a command, and keep what it says."""
        done = self.hfaas(*arguments)
        self.said += [done.stdout, done.stderr]
        return done

    def ok(self, *arguments: object) -> str:
        """Run a command that must succeed; its standard output."""
        done = self.run(*arguments)
        assert done.returncode == 0, done.stderr + done.stdout
        return done.stdout

    def json(self, *arguments: object) -> Any:
        """Run a command that must succeed; what it says, read."""
        return json.loads(self.ok(*arguments, "--json"))

    @property
    def rehearsal(self) -> Emulator:
        return find(None, self.directory / ".hfaas")

    def here(self, service: str) -> Any:
        """A client of the emulator where it is rehearsed."""
        return Target.local(self.rehearsal.endpoint).client(service)

    def there(self, service: str) -> Any:
        """A client of what plays AWS."""
        return self.cloud.target().within(ACCOUNT).client(service)

    def through(self, emulator: str, *options: str) -> None:
        """Send a film by Onedata and one by S3 through the pipeline, and wait until all is done."""
        self.ok("put", "walk.avi", "onedata://films/in/", "--endpoint", emulator)
        self.ok("put", "walk.avi", "s3://hfaas-story/films/", *options)
        idle = Emulator(emulator).idle(SETTLED_S)
        assert idle["idle"], idle["pending"]

    def came_out(self, emulator: str, *options: str) -> set[str]:
        """The names of everything that the pipeline has made of films."""
        bucket = self.json("ls", "s3://hfaas-story/", *options)
        space = self.json("ls", "onedata://films/annotated/", "--endpoint", emulator)
        return {one["object"] for one in [*bucket, *space]} - {"s3://hfaas-story/films/walk.avi"}

    def watched(self, *arguments: object) -> str:
        """Run a command that must succeed, and look at the arguments of all processes at each line that it says."""
        program = Path(sys.executable).parent / "hfaas"
        with subprocess.Popen(
            [program, *map(str, arguments)],
            cwd=self.directory,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            assert process.stdout is not None
            lines = []
            for line in process.stdout:
                lines.append(line)
                self.arguments |= set(arguments_of_all())
        self.said += lines
        assert process.returncode == 0, "".join(lines)
        return "".join(lines)

    def side(self, aws: Any) -> Side:
        """Ask an emulator for its Stack, its functions and its job definition."""
        (stack,) = aws("cloudformation").describe_stacks(StackName="story")["Stacks"]
        body = aws("cloudformation").get_template(StackName="story")["TemplateBody"]
        (job,) = aws("batch").describe_job_definitions(status="ACTIVE")["jobDefinitions"]
        images = {name: aws("lambda").get_function(FunctionName=name)["Code"]["ImageUri"] for name in FUNCTIONS}
        images["job"] = job["containerProperties"]["image"]
        return Side(
            {tag["Key"]: tag["Value"] for tag in stack["Tags"]}[FINGERPRINT],
            body if isinstance(body, dict) else json.loads(body),
            images,
            {name: self._id(reference) for name, reference in images.items()},
        )

    def _id(self, reference: str) -> str:
        name, at, digest = reference.partition("@")
        if not at:
            return str(self.engine.images.get(reference).id)
        found = self.registry.manifest(name.removeprefix(f"{self.registry.address}/"), digest)
        assert found is not None, reference
        return str(json.loads(found[0])["config"]["digest"])


def arguments_of_all() -> Iterator[str]:
    """The arguments of every process of this machine, as `ps` shows them."""
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # it has ended meanwhile
            yield process.read_bytes().decode(errors="replace")


def write(directory: Path, image: str) -> None:
    """Write the project: the samples' scripts, a pipeline, a short film and a picture."""
    for script in SCRIPTS:
        shutil.copy(SAMPLES / script, directory)
    shutil.copytree(SAMPLES / "video" / "lib", directory / "lib", ignore=shutil.ignore_patterns("__pycache__"))
    (directory / "pipeline.yaml").write_text(PIPELINE.format(image=image))
    film = directory / "walk.avi"
    subprocess.run([sys.executable, SAMPLES / "video" / "clip.py", film, str(FRAMES)], check=True)
    import cv2

    _, picture = cv2.VideoCapture(str(film)).read()
    cv2.imwrite(str(directory / "walk.jpg"), picture)


@pytest.fixture(scope="module")
def story(
    tmp_path_factory: pytest.TempPathFactory, registry: Registry, docker_engine: DockerClient, base_image: str
) -> Iterator[Story]:
    """The project, rehearsed nowhere yet."""
    directory, folder = tmp_path_factory.mktemp("project"), tmp_path_factory.mktemp("cloud")
    write(directory, base_image)
    hfaas = hfaas_in(directory)
    with standin(folder, registry.address, "docker") as cloud, pytest.MonkeyPatch.context() as patch:
        cloud.use(patch)
        space = Emulator(cloud.url).make_space("films")
        patch.setenv("HUB_HOST", str(space["internalHost"]))
        patch.setenv("HUB_TOKEN", str(space["token"]))
        patch.setenv("XDG_STATE_HOME", str(directory / "state"))
        try:
            start(hfaas, "docker")
            host, token = str(space["internalHost"]), str(space["token"])
            yield Story(directory, hfaas, cloud, host, token, docker_engine, registry)
        finally:
            hfaas("down")


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """Chapter 1: what the emulator has, and what came out of it."""

    side: Side
    came_out: set[str]


@pytest.fixture(scope="module")
def rehearsed(story: Story) -> Rehearsed:
    story.ok("deploy")
    story.through(story.rehearsal.endpoint)
    return Rehearsed(story.side(story.here), story.came_out(story.rehearsal.endpoint))


@dataclass(frozen=True, slots=True)
class Planned:
    """Chapter 2: the plan, and what it has left on AWS."""

    plan: Mapping[str, Any]
    left: list[Any]


@pytest.fixture(scope="module")
def planned(story: Story, rehearsed: Rehearsed) -> Planned:
    return Planned(story.json("plan"), [one for kind in MADE for one in kind(story.there)])


@dataclass(frozen=True, slots=True)
class Promoted:
    """Chapter 3: what AWS has, and what was said meanwhile."""

    refused: CompletedProcess[str]
    text: str
    side: Side


@pytest.fixture(scope="module")
def promoted(story: Story, planned: Planned) -> Promoted:
    refused = story.run("promote", "--yes", "--account", "1234")
    text = story.watched("promote", "--yes", "--account", ACCOUNT[-4:])
    return Promoted(refused, text, story.side(story.there))


@dataclass(frozen=True, slots=True)
class Used:
    """Chapter 4: films went through on AWS, and commands told of them."""

    came_out: set[str]
    followed: str
    invoked: bytes
    urls: list[dict[str, Any]]
    jobs: list[dict[str, Any]]
    job_log: str
    fetched: bytes


@pytest.fixture(scope="module")
def used(story: Story, promoted: Promoted) -> Used:
    program = Path(sys.executable).parent / "hfaas"
    with subprocess.Popen(
        [program, "logs", "-f", "story-split", *ON_AWS],
        cwd=story.directory,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as follower:
        assert follower.stdout is not None
        story.through(story.cloud.url, *ON_AWS)
        followed = next(line for line in follower.stdout if "pictures" in line)
        follower.send_signal(signal.SIGINT)
    jobs = story.json("jobs", *ON_AWS)
    story.ok("get", "s3://hfaas-story/frames/walk-00000.jpg", "fetched.jpg", *ON_AWS)
    answer = subprocess.run(
        [program, "invoke", "story-grey", "--http", "--data", "walk.jpg", *ON_AWS],
        cwd=story.directory,
        capture_output=True,
        check=True,
    )
    return Used(
        story.came_out(story.cloud.url, *ON_AWS),
        followed,
        answer.stdout,
        story.json("url", *ON_AWS),
        jobs,
        story.ok("logs", "--job", jobs[0]["jobId"], *ON_AWS),
        (story.directory / "fetched.jpg").read_bytes(),
    )


@dataclass(frozen=True, slots=True)
class Changed:
    """Chapter 5: one script is another one, refused before its rehearsal and promoted after it."""

    refused: CompletedProcess[str]
    rehearsed: Side
    plan: Mapping[str, Any]
    text: str
    side: Side
    status: Mapping[str, Any]
    again: Mapping[str, Any]


@pytest.fixture(scope="module")
def changed(story: Story, used: Used) -> Changed:
    script = story.directory / "split-video.py"
    script.write_text(f"{script.read_text()}\n# the same, but another file\n")
    refused = story.run("promote", "--yes")
    story.ok("deploy")
    plan = story.json("plan")
    text = story.ok("promote", "--yes")
    return Changed(
        refused,
        story.side(story.here),
        plan,
        text,
        story.side(story.there),
        story.json("status", *ON_AWS),
        story.json("plan"),
    )


@dataclass(frozen=True, slots=True)
class Searched:
    """Chapter 6: every place where a token must not be, by what the place is."""

    places: Mapping[str, str]
    secret: str


@pytest.fixture(scope="module")
def searched(story: Story, changed: Changed) -> Searched:
    places = {"what was said": "".join(story.said), "arguments of processes": "".join(story.arguments)}
    for where, aws in (("here", story.here), ("there", story.there)):
        for stack in [one["StackName"] for one in aws("cloudformation").describe_stacks()["Stacks"]]:
            places[f"Stack {stack} {where}"] = json.dumps(told_of(stack, aws), default=str)
        places[f"logs {where}"] = json.dumps(logs(aws), default=str)
    for bucket in ("hfaas-story", names.artifacts_bucket(ACCOUNT, REGION)):
        for key, content in objects(story.there("s3"), bucket):
            places[f"s3://{bucket}/{key}"] = content.decode("latin-1")
    for path in [one for one in story.directory.rglob("*") if one.is_file()]:
        with suppress(FileNotFoundError):  # the emulator goes on with its work
            places[str(path.relative_to(story.directory))] = path.read_bytes().decode("latin-1")
    for reference in changed.rehearsed.images.values():
        image = story.engine.images.get(reference)
        places[f"image {reference}"] = json.dumps([image.attrs, image.history()])
    for one in story.engine.api.containers(all=True, filters={"name": "^/hfaas-story-"}):
        with suppress(NotFound):
            places[f"container {one['Names'][0]}"] = json.dumps(story.engine.api.inspect_container(one["Id"]))
    secrets = story.there("secretsmanager")
    (secret,) = secrets.list_secrets()["SecretList"]
    return Searched(places, secrets.get_secret_value(SecretId=secret["ARN"])["SecretString"])


def told_of(stack: str, aws: Any) -> list[Any]:
    """Everything that CloudFormation tells of a Stack."""
    api = aws("cloudformation")
    sets = api.list_change_sets(StackName=stack)["Summaries"]
    return [
        api.get_template(StackName=stack)["TemplateBody"],
        api.describe_stacks(StackName=stack)["Stacks"],
        api.describe_stack_resources(StackName=stack)["StackResources"],
        [page["StackEvents"] for page in api.get_paginator("describe_stack_events").paginate(StackName=stack)],
        [api.describe_change_set(ChangeSetName=one["ChangeSetId"], StackName=stack) for one in sets],
    ]


def logs(aws: Any) -> list[Any]:
    """All lines of all logs."""
    api = aws("logs")
    groups = [one["logGroupName"] for one in api.describe_log_groups()["logGroups"]]
    pages = [
        page for group in groups for page in api.get_paginator("filter_log_events").paginate(logGroupName=group)
    ]
    return [event for page in pages for event in page["events"]]


def objects(s3: Any, bucket: str) -> Iterator[tuple[str, bytes]]:
    """The keys and contents of a bucket."""
    for one in s3.list_objects_v2(Bucket=bucket).get("Contents", ()):
        yield one["Key"], s3.get_object(Bucket=bucket, Key=one["Key"])["Body"].read()


@dataclass(frozen=True, slots=True)
class Destroyed:
    """Chapter 7: the Stack is gone, then its bucket and images; what AWS has after each, and after once more."""

    kept: list[str]
    text: str
    left: list[Any]
    again: CompletedProcess[str]
    running: set[str]


@pytest.fixture(scope="module")
def destroyed(story: Story, searched: Searched) -> Destroyed:
    story.ok("destroy", "--yes")
    kept = [one["Key"] for one in story.there("s3").list_objects_v2(Bucket="hfaas-story")["Contents"]]
    text = story.ok("destroy", "--yes", "--purge", "hfaas-story", "--images")
    left = [one for kind in MADE for one in kind(story.there)]
    again = story.run("destroy", "--yes", "--purge", "hfaas-story", "--images")
    return Destroyed(kept, text, left, again, set(story.side(story.here).ids))


def test_a_film_goes_through_the_rehearsal(rehearsed: Rehearsed) -> None:
    assert {"s3://hfaas-story/short/walk.avi", "s3://hfaas-story/frames/walk-00002.jpg"} < rehearsed.came_out
    assert any(one.startswith("onedata://films/annotated/walk-people.") for one in rehearsed.came_out)


def test_a_first_plan_makes_everything_and_has_touched_nothing(planned: Planned, rehearsed: Rehearsed) -> None:
    assert planned.left == []
    assert {one["upload"] for one in planned.plan["images"]} == {"push"}
    assert {one["action"] for one in planned.plan["changes"]} == {"Add"}
    assert planned.plan["template"]["sha256"] == rehearsed.side.fingerprint


def test_a_plan_is_shown_and_with_other_digits_than_the_accounts_nothing_is_promoted(
    rehearsed: Rehearsed, promoted: Promoted
) -> None:
    assert f"story: LOCAL deploy {rehearsed.side.fingerprint[:12]}" in promoted.refused.stdout
    assert f"-> STAND-IN {ACCOUNT} {REGION}" in promoted.refused.stdout
    assert "4 images to push" in promoted.refused.stdout
    assert promoted.refused.returncode == 1
    assert "these credentials are of 210987654321" in promoted.refused.stderr


def test_aws_has_the_template_that_was_rehearsed(rehearsed: Rehearsed, promoted: Promoted) -> None:
    assert promoted.side.fingerprint == rehearsed.side.fingerprint
    assert promoted.side.template == rehearsed.side.template


def test_aws_has_the_images_that_were_rehearsed(story: Story, rehearsed: Rehearsed, promoted: Promoted) -> None:
    there = promoted.side.images
    assert all(one.startswith(f"{story.registry.address}/hfaas/") and "@sha256:" in one for one in there.values())
    assert there["job"] == there["story-annotate"]
    assert promoted.side.ids == rehearsed.side.ids


def test_every_function_answers_on_aws_before_it_is_called_promoted(promoted: Promoted) -> None:
    assert [name for name in FUNCTIONS if f"{name}: works" not in promoted.text] == []


def test_the_same_comes_out_on_aws(rehearsed: Rehearsed, used: Used) -> None:
    assert used.came_out == rehearsed.came_out


def test_commands_tell_on_aws_what_they_tell_in_a_rehearsal(used: Used) -> None:
    assert f"{FRAMES} pictures" in used.followed
    assert {one["kind"] for one in used.urls} == {"function URL", "HTTP API"}
    assert [one["status"] for one in used.jobs] == ["SUCCEEDED"]
    assert "walk-people" in used.job_log
    assert used.invoked[:2] == used.fetched[:2] == b"\xff\xd8"  # pictures


def test_what_was_changed_since_its_rehearsal_is_not_promoted(changed: Changed) -> None:
    assert changed.refused.returncode == 1
    assert "never ran exactly this template with these images" in changed.refused.stderr
    assert f"the image of {CHANGED} is another one" in changed.refused.stdout


def test_a_changed_script_is_one_image_digest_in_the_plan(changed: Changed, promoted: Promoted) -> None:
    (change,) = changed.plan["changes"]
    assert (change["action"], change["kind"]) == ("Modify", "AWS::Lambda::Function")
    (step,) = [one for one in changed.plan["preview"]["steps"] if one["action"] != "="]
    assert (step["name"], [one["name"] for one in step["settings"]]) == (CHANGED, ["image"])
    assert [one["function"] for one in changed.plan["images"] if one["upload"] != "there"] == [CHANGED]
    assert changed.plan["template"]["sha256"] == promoted.side.fingerprint
    assert "1 to change; 1 image to push" in changed.text


def test_only_the_changed_image_is_another_one_on_aws(changed: Changed, promoted: Promoted) -> None:
    before, now = promoted.side.images, changed.side.images
    assert {name for name in now if now[name] != before[name]} == {CHANGED}
    assert changed.side.ids == changed.rehearsed.ids
    assert changed.again["is_empty"]


def test_status_tells_what_was_promoted(changed: Changed) -> None:
    (stack,) = changed.status["stacks"]
    assert (stack["stack"], stack["status"]) == ("story", "UPDATE_COMPLETE")
    assert stack["template"] == changed.side.fingerprint
    assert stack["images"] == {name: changed.side.images[name] for name in FUNCTIONS}
    assert stack["notes"] == []


def test_the_token_is_in_the_secret_and_nowhere_else(story: Story, searched: Searched) -> None:
    assert json.loads(searched.secret)["token"] == story.token
    assert any(place.startswith("container ") for place in searched.places)
    assert "OneTrigger" in searched.places["what was said"]
    assert story.host in searched.places["Stack story there"]  # what is no secret is found
    assert [place for place, content in searched.places.items() if story.token in content] == []


def test_a_destroyed_stack_leaves_its_bucket_until_that_is_named(destroyed: Destroyed) -> None:
    assert "films/walk.avi" in destroyed.kept
    assert {one.get("Name") for one in destroyed.left} == {names.artifacts_bucket(ACCOUNT, REGION)}


def test_what_is_destroyed_twice_is_gone_and_the_rehearsal_stays(destroyed: Destroyed) -> None:
    assert (destroyed.again.returncode, destroyed.again.stdout) == (0, "story: there is nothing of it\n")
    assert destroyed.running == {*FUNCTIONS, "job"}
