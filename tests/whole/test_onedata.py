"""A space of Onedata from upload to result, with the real supervisor in real containers."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path
from subprocess import CompletedProcess
from typing import TYPE_CHECKING, Any

import pytest
from docker.errors import NotFound
from tests.emulator.onedata.lab import Answer, Client
from tests.emulator.onedata.test_upstream import environment, python
from tests.whole.conftest import hfaas_in, kill, lasting_port, start

from hfaas_emulator.containers import owner
from hfaas_tui.transfer import client
from hfaas_tui.watch import Emulator, find

if TYPE_CHECKING:
    from docker import DockerClient

__all__ = ["python"]

pytestmark = pytest.mark.docker

Hfaas = Callable[..., CompletedProcess[str]]

SCRIPT = """\
#!/bin/sh
name=$(basename "$INPUT_FILE_PATH")
[ "$AWS_LAMBDA_FUNCTION_NAME-$HFAAS_LEG" = heavy-lambda ] && exit 75
env
tr a-z A-Z <"$INPUT_FILE_PATH" >"$TMP_OUTPUT_DIR/$name"
case $name in
trust*) python3 -c 'import os, urllib.request as r; print(r.urlopen(os.environ["ASKED"]).status)' ;;
esac >>"$TMP_OUTPUT_DIR/$name"
echo "$HFAAS_LEG" >>"$TMP_OUTPUT_DIR/$name"
"""
FUNCTION = """
  - lambda:
      name: {name}
      execution_mode: {mode}
      memory: 128
      timeout: 60
      init_script: work.sh
      container: {{image: "{image}", environment: {{Variables: {{ASKED: "{asked}"}}}}}}
      input: {input}
      output: [{{storage_provider: onedata.hub, path: {name}-out}}]
    batch: {{vcpus: 0.25, memory: 512}}
    hfaas: {{url: {url}}}
"""
PROVIDER = """\
storage_providers:
  onedata:
    hub: {oneprovider_host: provider.example.org, token: "${HUB_TOKEN}", space: lab}
"""
HOSTILE = [
    "blank in name",
    "ünïcode ✓",
    "a#b?c%d",
    "%2f",
    "a%2fb",
    "new\nline",
    "back\\slash",
    "*.?[x]",
    "$(id)",
    "-dash",
    "e\u0301",
    "\u202ertl",
    "n" * 255,
]


def pipeline(directory: Path, image: str, host: str) -> Path:
    """Write a pipeline: two functions with a folder each, and one that only hears of files over HTTP."""

    def function(name: str, mode: str = "lambda", folder: str = "", url: str = "none") -> str:
        inputs = f"[{{storage_provider: onedata.hub, path: {folder}}}]" if folder else "[]"
        asked = f"https://{host}/api/v3/oneprovider/configuration"
        return FUNCTION.format(name=name, mode=mode, image=image, asked=asked, input=inputs, url=url)

    functions = [
        function("upper", folder="in"),
        function("heavy", "lambda-batch", folder="large"),
        function("hooked", url="public"),
    ]
    (directory / "work.sh").write_text(SCRIPT)
    (directory / "pipeline.yaml").write_text(PROVIDER + "functions:\n  aws:" + "".join(functions))
    return directory / "pipeline.yaml"


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "not within 60 s"
        time.sleep(0.01)


class World:
    """A deployed pipeline, and a client of its space."""

    def __init__(self, directory: Path, image: str, *ports: int) -> None:
        self.directory = directory
        self.hfaas = hfaas_in(directory)
        start(self.hfaas, "docker", *ports)
        self.about = self.emulator.make_space("lab")
        self.token = str(self.about["token"])
        deployed = self.hfaas("deploy", "-f", pipeline(directory, image, str(self.about["internalHost"])))
        assert deployed.returncode == 0, deployed.stderr
        self.space = Client(self.about, self.token)
        for folder in ("in", "large", "hook"):
            self.space.folder(folder)

    @property
    def emulator(self) -> Emulator:
        return find(None, self.directory / ".hfaas")

    def settle(self) -> None:
        idle = self.emulator.idle(200)
        assert idle["idle"], idle["pending"]

    def put(self, path: str, content: bytes) -> Answer:
        """Upload a file, and wait until all that follows is done."""
        answer = self.space.put(path, content)
        self.settle()
        return answer

    def aws(self, service: str) -> Any:
        return client(self.emulator.endpoint, service)

    def names(self, folder: str) -> set[str]:
        """Return the names in a folder of the space."""
        if self.space.op("POST", f"lookup-file-id/lab/{folder}").status != 200:
            return set()
        listed = self.space.op("GET", f"data/{self.space.id(folder)}/children?limit=1000").json
        return {str(each["name"]) for each in listed["children"]}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, base_image: str) -> Iterator[World]:
    directory = tmp_path_factory.mktemp("project")
    try:
        world = World(directory, base_image)
        for path in ("in/first", "large/first", "in/trust", "large/trust"):  # right behind the deploy
            world.space.put(path, b"hello\n")
        world.settle()
        yield world
    finally:
        close(0)
        hfaas_in(directory)("down")


def close(kept: int) -> None:
    """Close the connections that were opened when there were so many."""
    for each in Client.opened[kept:]:
        each.close()
    del Client.opened[kept:]


def test_a_file_that_comes_right_after_the_deploy_ends_in_the_space(world: World) -> None:
    assert world.space.read("upper-out/first") == b"HELLO\nlambda\n"


def test_what_does_not_fit_into_lambda_goes_through_batch_into_the_space(world: World) -> None:
    assert world.space.read("heavy-out/first") == b"HELLO\nbatch\n"


@pytest.mark.parametrize(("name", "leg"), [("upper", "lambda"), ("heavy", "batch")])
def test_programs_of_others_trust_the_oneprovider_in_both_legs(world: World, name: str, leg: str) -> None:
    assert world.space.read(f"{name}-out/trust") == f"HELLO\n200\n{leg}\n".encode()


def test_an_overwritten_file_is_processed_again(world: World) -> None:
    world.put("in/again", b"one ")
    assert world.put("in/again", b"two ").status in (201, 204)

    assert world.space.read("upper-out/again") == b"TWO lambda\n"


def test_files_of_a_folder_that_is_moved_in_are_processed(world: World) -> None:
    world.space.folder("stage")
    world.space.folder("stage/deep")
    world.space.put("stage/moved-1", b"1 ")
    world.space.put("stage/deep/moved-2", b"2 ")
    world.settle()

    moved = {"move": f"lab@{world.space.sid}/stage"}
    answer = world.space.cdmi("PUT", "lab/in/stage", moved, Content_Type="application/cdmi-object")
    world.settle()

    assert answer.status == 201
    assert {"moved-1", "moved-2"} <= world.names("upper-out")


def test_names_that_mean_something_elsewhere_go_through_as_they_are(world: World) -> None:
    for name in HOSTILE:
        assert world.space.put(f"in/{name}", b"x").status == 201
    world.settle()

    assert {name for name in HOSTILE if world.space.read(f"upper-out/{name}") != b"Xlambda\n"} == set()


@pytest.mark.parametrize("path", ["in/../../x", "in/%2e%2e/x", "..%2fx", "in/a%00b", "in/" + "n" * 300])
def test_a_path_that_leads_out_is_refused_and_nobody_hears_of_it(world: World, path: str) -> None:
    assert world.space.ask("PUT", f"/cdmi/lab/{path}", b"x").status == 400
    assert world.emulator.idle(120)["idle"]


def test_an_empty_file_is_processed(world: World) -> None:
    world.put("in/empty", b"")

    assert world.space.read("upper-out/empty") == b"lambda\n"


def test_half_an_upload_is_no_event(world: World) -> None:
    connection = world.space.connect()
    connection.putrequest("PUT", "/cdmi/lab/in/half")
    for name, value in (("X-Auth-Token", world.token), ("Content-Length", "1000")):
        connection.putheader(name, value)
    connection.endheaders(b"half")
    wait_for(lambda: "half" in world.names("in"))
    connection.close()
    world.put("in/whole", b"x")

    status = world.space.cdmi("GET", "lab/in/half?completionStatus")
    assert status.json == {"completionStatus": "Processing"}
    assert "half" not in world.names("upper-out")


def test_the_token_stands_nowhere_but_in_the_secret(world: World, docker_engine: DockerClient) -> None:
    stack = world.aws("cloudformation").get_template(StackName=stack_of(world))["TemplateBody"]
    logs = "".join(world.hfaas("logs", name).stdout for name in ("upper", "heavy", "upper-onetrigger"))
    configured = [
        json.dumps(world.aws("lambda").get_function_configuration(FunctionName=name), default=str)
        for name in ("upper", "heavy", "upper-onetrigger", "hooked")
    ]
    containers = []
    ours = {"label": f"{owner.STATE}={owner.state(world.directory / '.hfaas')}"}
    for each in docker_engine.api.containers(all=True, filters=ours):
        with suppress(NotFound):  # one that stood idle has gone meanwhile
            containers.append(json.dumps(docker_engine.api.inspect_container(each["Id"])))
    processes = subprocess.run(["ps", "axeww"], capture_output=True, text=True, check=True).stdout

    assert "arn:aws:secretsmanager" in "".join(configured)
    assert containers
    assert "HFAAS_LEG=batch" in logs
    for place in (json.dumps(stack), logs, *configured, *containers, processes):
        assert world.token not in place


def stack_of(world: World) -> str:
    stacks = world.aws("cloudformation").describe_stacks()["Stacks"]
    return str(stacks[0]["StackName"])


def test_a_wrong_token_loses_nothing_once_it_is_right_again(world: World) -> None:
    secrets = world.aws("secretsmanager")
    (secret,) = secrets.list_secrets()["SecretList"]
    right = secrets.get_secret_value(SecretId=secret["ARN"])["SecretString"]
    wrong = json.dumps({**json.loads(right), "token": "wrong"})
    secrets.put_secret_value(SecretId=secret["ARN"], SecretString=wrong)
    read_only = world.emulator.space_token("lab", readonly=True)
    try:
        for each in ("upper", "upper-onetrigger"):  # containers that know the right one go away
            world.aws("lambda").update_function_configuration(FunctionName=each, Description="anew")
        world.put("in/patient", b"x ")
        assert "patient" not in world.names("upper-out")
        assert world.space.op("GET", f"data/{world.space.id('in')}", X_Auth_Token="wrong").status == 401
        assert Client(world.about, read_only).put("in/forbidden", b"x").status in (400, 403)
    finally:
        secrets.put_secret_value(SecretId=secret["ARN"], SecretString=right)

    world.put("in/impatient", b"x ")
    assert {"patient", "impatient"} <= world.names("upper-out")


@pytest.mark.upstream
def test_upstreams_client_reads_the_result(world: World, python: Path) -> None:
    code = (
        "import os, onedatafilerestclient as o\n"
        "c = o.OnedataFileRESTClient(os.environ['HOST'], os.environ['TOKEN'], verify_ssl=os.environ['CA'])\n"
        "print(c.get_file_content('lab', file_path='heavy-out/first').decode())"
    )
    argv = [str(python), "-W", "ignore", "-c", code]
    done = subprocess.run(
        argv, env=environment(world.space), capture_output=True, text=True, check=False, timeout=50
    )

    assert (done.returncode, done.stdout) == (0, "HELLO\nbatch\n\n"), done.stderr


@pytest.mark.upstream
def test_upstreams_onetrigger_calls_our_function_over_http(world: World, python: Path) -> None:
    (url,) = (each["url"] for each in json.loads(world.hfaas("url", "hooked", "--json").stdout))
    settings = {
        "ONEPROVIDER_HOST": str(world.about["host"]),
        "ONEDATA_ACCESS_TOKEN": world.token,
        "ONEDATA_SPACE": "lab",
        "ONETRIGGER_WEBHOOK": url,
        "ONEDATA_SPACE_FOLDER": "hook",
    }
    trigger = subprocess.Popen(
        [str(python.with_name("onetrigger")), "run"],
        env={**environment(world.space), **settings},
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 90
        number = 0
        while not (heard := world.names("hooked-out")):  # its first look makes all files old
            assert time.monotonic() < deadline, "no file was seen within 90 s"
            world.space.put(f"hook/new-{number}", b"hooked ")
            number += 1
            time.sleep(1)
    finally:
        trigger.terminate()
        trigger.wait()
    world.settle()
    assert world.space.read(f"hooked-out/{min(heard)}") == b"HOOKED lambda\n"


FILES = 20


def upload(world: World, progress: list[str]) -> None:
    """Upload files one after another; one that is not acknowledged is sent again."""
    space = Client(world.about, world.token)
    deadline = time.monotonic() + 120
    while len(progress) < FILES and time.monotonic() < deadline:
        name = f"file-{len(progress):02}"
        try:
            if space.put(f"in/{name}", b"x ").status in (201, 204):
                progress.append(name)
        except (OSError, HTTPException):
            time.sleep(0.1)
            space.connection.close()
            space = Client(world.about, world.token)


@pytest.mark.slow
def test_no_upload_is_lost_when_the_emulator_is_killed_among_them(tmp_path: Path, base_image: str) -> None:
    before = len(Client.opened)
    try:
        world = World(tmp_path, base_image, lasting_port(), lasting_port())
        progress: list[str] = []
        uploads = threading.Thread(target=upload, args=(world, progress))
        uploads.start()
        wait_for(lambda: len(progress) >= FILES // 2)
        port = kill(tmp_path / ".hfaas")
        again = world.hfaas("up", "--detach", "--port", port, "--engine", "docker")
        assert again.returncode == 0, again.stderr
        uploads.join()
        world.space = Client(world.about, world.token)
        world.settle()

        assert len(progress) == FILES
        assert world.names("upper-out") == set(progress)
    finally:
        close(before)
        hfaas_in(tmp_path)("down")
