"""Pushes of real images by a real engine to a real registry; and, where engines fail, an engine that says so."""

from __future__ import annotations

import base64
import json
import logging
import os
import threading
import time
import uuid
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests import faults
from tests.faults import Proxy
from tests.registry import Registry
from tests.standin import StandIn, standin

from hfaas_deploy.aws.target import Target
from hfaas_deploy.building.archive import Entry, pack
from hfaas_deploy.errors import RegistryError
from hfaas_deploy.messages import ImagePushed, LayerMoved, LayerState, Message, PushCut, PushStarted
from hfaas_deploy.pipeline import Function, Pipeline
from hfaas_deploy.promote import pushing
from hfaas_deploy.promote.promotion import ImagePlan, Upload
from hfaas_deploy.promote.repositories import Repositories

if TYPE_CHECKING:
    from docker import DockerClient

docker_test = pytest.mark.docker
Items = Generator[dict[str, Any], None, None]
Push = Callable[[], Items]
SMALL, LARGE = 60_000, 400_000
NOW = (0.0, 0.0, 0.0)
"""Tried again at once."""


@pytest.fixture(scope="module")
def proxy(registry: Registry) -> Iterator[Proxy]:
    """What stands between the engine and the registry."""
    with faults.before(registry.url) as found:
        yield found


@pytest.fixture(scope="module")
def behind(proxy: Proxy, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandIn]:
    """What plays AWS; its images go through the proxy."""
    with standin(tmp_path_factory.mktemp("behind"), proxy.address) as found:
        yield found


@pytest.fixture
def target(behind: StandIn, proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> Iterator[Target]:
    yield behind.use(monkeypatch)
    proxy.mend()


@pytest.fixture
def name() -> str:
    """A Function that no other test has."""
    return f"t-push-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def there(target: Target, name: str) -> Repositories:
    """The repositories of a pipeline with that Function, made."""
    target.client("ecr").create_repository(repositoryName=f"hfaas/{name}", imageTagMutability="IMMUTABLE")
    return Repositories(target, Pipeline(Path("pipeline.yaml"), "films", (Function("", name),)))


@dataclass(slots=True)
class Maker:
    """Makes images of nothing but files with random bytes, and takes them away at the end."""

    engine: DockerClient
    name: str
    made: list[str] = field(default_factory=list)

    def image(self, tag: str, *sizes: int, base: str = "scratch") -> ImagePlan:
        """An image with a layer for each size, upon another one."""
        reference = f"hfaas/{self.name}:{tag}"
        steps = "".join(f"ADD {number} /{tag}-{number}\n" for number in range(len(sizes)))
        files = [Entry(str(number), os.urandom(size)) for number, size in enumerate(sizes)]
        context = BytesIO()
        pack([Entry("Dockerfile", f"FROM {base}\n{steps}".encode()), *files], context)
        context.seek(0)
        image, _ = self.engine.images.build(fileobj=context, custom_context=True, tag=reference, rm=True)
        self.made.append(reference)
        return ImagePlan(self.name, reference, f"hfaas/{self.name}", tag, Upload.PUSH, str(image.id))


@pytest.fixture
def maker(docker_engine: DockerClient, name: str) -> Iterator[Maker]:
    maker = Maker(docker_engine, name)
    yield maker
    for reference in reversed(maker.made):
        docker_engine.images.remove(reference)


def push(
    maker: Maker, image: ImagePlan, there: Repositories, pauses: Sequence[float] = NOW
) -> tuple[str, list[Message]]:
    told: list[Message] = []
    return pushing.push(maker.engine, image, "x86_64", there, told.append, pauses), told


def last_states(told: Sequence[Message]) -> list[str]:
    """What became of each layer, in order of the words."""
    layers = {message.layer: message.state for message in told if isinstance(message, LayerMoved)}
    return sorted(layers.values())


def names_of(maker: Maker, image: ImagePlan) -> list[str]:
    return list(maker.engine.images.get(image.id).tags)


# --- by a real engine ---


@docker_test
def test_a_push_tells_of_each_layer_and_ends_with_what_the_registry_has(
    maker: Maker, there: Repositories, registry: Registry
) -> None:
    image = maker.image("one", SMALL, LARGE)

    digest, told = push(maker, image, there)

    uri = there.uri(image.repository)
    assert told[0] == PushStarted(image.function, f"{uri}:one", SMALL + LARGE, 2)
    moved = [message for message in told if isinstance(message, LayerMoved)]
    assert {message.total for message in moved} == {SMALL, LARGE}
    assert last_states(told) == [LayerState.PUSHED, LayerState.PUSHED]
    assert {message.done for message in moved if message.state is LayerState.PUSHED} == {SMALL, LARGE}
    assert told[-1] == ImagePushed(image.function, f"{uri}@{digest}", sent=True)
    text, _ = registry.manifest(image.repository, digest) or ("", "")
    assert json.loads(text)["config"]["digest"] == image.id
    assert names_of(maker, image) == [image.reference], "the name for the push is gone"


@docker_test
def test_an_image_that_is_there_is_not_pushed(maker: Maker, there: Repositories, proxy: Proxy) -> None:
    image = maker.image("one", SMALL)
    first, _ = push(maker, image, there)
    sent = proxy.came("/blobs/uploads/")

    digest, told = push(maker, image, there)

    assert digest == first
    assert told == [ImagePushed(image.function, f"{there.uri(image.repository)}@{digest}", sent=False)]
    assert proxy.came("/blobs/uploads/") == sent


@docker_test
def test_after_an_edit_only_the_layer_that_differs_is_sent(maker: Maker, there: Repositories, proxy: Proxy) -> None:
    before = maker.image("before", LARGE)
    push(maker, before, there)
    sent = proxy.came("PATCH", "/blobs/uploads/")

    _, told = push(maker, maker.image("after", SMALL, base=before.reference), there)

    assert last_states(told) == [LayerState.PUSHED, LayerState.THERE]
    assert proxy.came("PATCH", "/blobs/uploads/") == sent + 2, "a layer and the configuration"


@docker_test
def test_a_push_that_is_cut_off_goes_on_where_it_was(maker: Maker, there: Repositories, proxy: Proxy) -> None:
    image = maker.image("one", SMALL, LARGE)
    proxy.cut("PUT", "/manifests/", times=2)

    digest, told = push(maker, image, there)

    assert [type(message) for message in told].count(PushCut) == 2
    assert last_states(told) == [LayerState.THERE, LayerState.THERE]
    assert there.stored(image.repository, "one") is not None
    assert digest


@docker_test
def test_a_network_that_stays_away_is_told_and_the_next_run_sends_only_what_is_missing(
    maker: Maker, there: Repositories, proxy: Proxy
) -> None:
    image = maker.image("one", SMALL, LARGE)
    proxy.cut("PUT", "/manifests/", times=faults.ALWAYS)

    with pytest.raises(RegistryError, match="did not get through") as caught:
        push(maker, image, there)

    assert caught.value.hint.startswith("run it again")
    assert names_of(maker, image) == [image.reference]
    proxy.mend()
    sent = proxy.came("PATCH", "/blobs/uploads/")
    _, told = push(maker, image, there)
    assert last_states(told) == [LayerState.THERE, LayerState.THERE]
    assert proxy.came("PATCH", "/blobs/uploads/") == sent


@docker_test
@pytest.mark.slow
def test_a_layer_that_is_cut_in_its_middle_is_sent_again_by_the_engine(
    maker: Maker, there: Repositories, proxy: Proxy
) -> None:
    image = maker.image("one", LARGE)
    proxy.cut("PATCH", f"/{image.repository}/blobs/uploads/", after=LARGE // 2)

    _, told = push(maker, image, there)

    states = [message.state for message in told if isinstance(message, LayerMoved)]
    assert states.index(LayerState.RETRYING) > states.index(LayerState.PUSHING)
    assert states[-1] is LayerState.PUSHED


@docker_test
def test_a_registry_that_nobody_reaches_is_tried_a_few_times(
    maker: Maker, there: Repositories, proxy: Proxy
) -> None:
    image = maker.image("one", SMALL)
    proxy.cut("GET /v2/\n", times=faults.ALWAYS)
    told: list[Message] = []

    with pytest.raises(RegistryError, match="did not get through"):
        pushing.push(maker.engine, image, "x86_64", there, told.append, NOW)

    assert [type(message) for message in told].count(PushCut) == len(NOW)


@docker_test
def test_another_image_under_the_tag_is_never_replaced_and_what_to_do_is_told(
    maker: Maker, there: Repositories
) -> None:
    first = maker.image("one", SMALL)
    push(maker, first, there)
    other = replace(maker.image("two", SMALL), tag="one")

    with pytest.raises(RegistryError, match="is another image") as caught:
        push(maker, other, there)

    assert f"docker pull {there.uri(other.repository)}:one" in caught.value.hint
    assert "batch-delete-image" in caught.value.hint
    stored = there.stored(other.repository, "one")
    assert stored
    assert stored.is_image(first.id)


@docker_test
def test_who_was_slower_takes_what_the_faster_one_pushed_if_it_is_the_same(
    maker: Maker, there: Repositories, proxy: Proxy
) -> None:
    image = maker.image("one", SMALL)
    proxy.cut("PUT", "/manifests/", late=True)  # it arrived, and nobody heard of it

    digest, told = push(maker, image, there)

    assert isinstance(told[-1], ImagePushed)
    stored = there.stored(image.repository, "one")
    assert stored
    assert stored.digest == digest


@docker_test
def test_an_image_for_another_machine_is_refused_before_anything_is_sent(
    maker: Maker, there: Repositories, proxy: Proxy
) -> None:
    image = maker.image("one", SMALL)
    sent = proxy.came("/blobs/uploads/")

    with pytest.raises(RegistryError, match="is for linux/amd64, but AWS would run it on linux/arm64"):
        pushing.push(maker.engine, image, "arm64", there, lambda _: None)

    assert proxy.came("/blobs/uploads/") == sent


@docker_test
def test_an_image_that_the_engine_lost_is_told(maker: Maker, there: Repositories) -> None:
    image = replace(maker.image("one", SMALL), id="sha256:" + "0" * 64)

    with pytest.raises(RegistryError, match=r"has the image of t-push-.* no more"):
        push(maker, image, there)


@docker_test
def test_a_push_that_is_interrupted_ends_at_once_and_the_next_one_works(
    maker: Maker, there: Repositories, proxy: Proxy
) -> None:
    image = maker.image("one", SMALL, LARGE)
    moment = proxy.hold("PUT", f"/{image.repository}/blobs/uploads/")

    def interrupt(message: Message) -> None:
        if isinstance(message, LayerMoved) and message.state is LayerState.PUSHING:
            moment.wait()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pushing.push(maker.engine, image, "x86_64", there, interrupt)

    assert there.stored(image.repository, "one") is None
    assert names_of(maker, image) == [image.reference]
    proxy.mend()
    assert push(maker, image, there)[0]


@docker_test
def test_the_password_of_the_registry_is_nowhere_to_be_read(
    maker: Maker,
    there: Repositories,
    caplog: pytest.LogCaptureFixture,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    image = maker.image("one", SMALL)
    caplog.set_level(logging.DEBUG)
    logging.getLogger("botocore").setLevel(logging.INFO)  # it shows answers when it is asked to debug

    _, told = push(maker, image, there)

    password = there.login().password
    secrets = (password, base64.b64encode(f"AWS:{password}".encode()).decode())
    assert not any(secret in f"{caplog.text}{told}" for secret in secrets)
    assert list(tmp_path.iterdir()) == []


# --- by an engine that fails ---

ID = "sha256:" + "a" * 64
LAYER = "sha256:" + "b" * 64
INSPECTED = {
    "Id": ID,
    "Os": "linux",
    "Architecture": "amd64",
    "Size": 1000,
    "RootFS": {"Layers": [LAYER]},
    "RepoTags": ["x:1"],
}


class Engine(ThreadingHTTPServer):
    """Says what a Docker engine would, as the test wants it: `pushes` has the lines of each push, then the end."""

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.pushes: list[Push] = []
        self.heard: list[str] = []

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that left is what some tests are about."""


class _Answers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Engine

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        self._whole(INSPECTED if self.path.endswith("/json") else [{"Size": 1000}])

    def do_DELETE(self) -> None:
        self._whole([])

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.heard.append(self.path)
        if "/push" not in self.path:
            self._whole({}, 201)
            return
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        with closing(self.server.pushes.pop(0)()) as items:
            for item in items:
                line = json.dumps(item).encode() + b"\r\n"
                self.wfile.write(b"%x\r\n%s\r\n" % (len(line), line))
        self.wfile.write(b"0\r\n\r\n")

    def _whole(self, answer: object, status: int = 200) -> None:
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def engine_that(*pushes: Push) -> Iterator[DockerClient]:
    """A client of an engine whose pushes go like this, one after the other."""
    from docker import DockerClient

    server = Engine()
    server.pushes = list(pushes)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    address = f"tcp://127.0.0.1:{server.server_address[1]}"
    client = DockerClient(address, version="1.41")
    try:
        yield client
    finally:
        client.close()
        server.shutdown()
        server.server_close()
        thread.join()


def saying(*items: dict[str, Any]) -> Push:
    return lambda: (item for item in items)


def failing(words: str) -> Push:
    return saying({"status": "The push refers to repository"}, {"errorDetail": {"message": words}, "error": words})


def of(name: str) -> ImagePlan:
    return ImagePlan(name, "x:1", f"hfaas/{name}", "one", Upload.PUSH, ID)


@pytest.mark.parametrize(
    ("words", "message", "hint"),
    [
        ("write /var/lib/docker/x: no space left on device", "does not fit", "make room"),
        ("denied: User: x is not authorized to perform: ecr:PutImage", "does not take .* ecr:PutImage", ""),
        ("dial tcp: lookup x: no such host", "did not get through: .* no such host", "run it again"),
        ("\x1b[2Jdenied:\n\tno\x07", "of t-push-[0-9a-f]+: .2Jdenied: no$", ""),
    ],
)
def test_what_a_registry_says_is_told_in_words(
    there: Repositories, name: str, words: str, message: str, hint: str
) -> None:
    with (
        engine_that(failing(words), failing(words)) as engine,
        pytest.raises(RegistryError, match=message) as caught,
    ):
        pushing.push(engine, of(name), "x86_64", there, lambda _: None, (0.0,))

    assert hint in caught.value.hint
    assert "\x1b" not in caught.value.message


def test_what_the_engine_itself_tried_often_enough_is_not_tried_again(there: Repositories, name: str) -> None:
    states = ("Pushing", "Retrying in 5 seconds", "Retrying in 4 seconds", "Pushing")
    items = [{"status": status, "id": LAYER[7:19], "progressDetail": {}} for status in states]
    told: list[Message] = []

    with (
        engine_that(saying(*items, {"error": "EOF"})) as engine,
        pytest.raises(RegistryError, match="did not get through") as caught,
    ):
        pushing.push(engine, of(name), "x86_64", there, told.append, NOW)

    assert caught.value.hint.startswith("run it again")
    assert [message.state for message in told if isinstance(message, LayerMoved)] == [
        LayerState.PUSHING,
        LayerState.RETRYING,
        LayerState.PUSHING,
    ]
    assert not any(isinstance(message, PushCut) for message in told)


def test_an_engine_that_goes_away_is_told(there: Repositories, name: str) -> None:
    def dies() -> Items:
        yield {"status": "Preparing", "id": LAYER[7:19]}
        raise ConnectionAbortedError

    with engine_that(dies) as engine, pytest.raises(RegistryError, match="container engine did not push") as caught:
        pushing.push(engine, of(name), "x86_64", there, lambda _: None)

    assert "docker info" in caught.value.hint


def test_an_engine_that_falls_silent_is_asked_again(
    there: Repositories, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    go = threading.Event()

    def silent() -> Items:
        yield {"status": "Preparing", "id": LAYER[7:19]}
        go.wait()

    told: list[Message] = []
    with engine_that(silent, failing("denied")) as engine, pytest.raises(RegistryError, match="denied"):
        push, usual = engine.api.push, engine.api.timeout
        patience = iter([1])  # of the first push, and of nothing else

        def impatient(*arguments: Any, **options: Any) -> Any:
            engine.api.timeout = next(patience, usual)
            try:
                return push(*arguments, **options)
            finally:
                engine.api.timeout = usual

        monkeypatch.setattr(engine.api, "push", impatient)
        pushing.push(engine, of(name), "x86_64", there, told.append, (0.0,))
    go.set()

    assert any(isinstance(message, PushCut) for message in told)


def test_an_engine_whose_push_is_interrupted_is_left_alone_at_once(there: Repositories, name: str) -> None:
    left = threading.Event()

    def endless() -> Items:
        try:
            while True:
                yield {"status": "Preparing", "id": LAYER[7:19]}
        finally:
            left.set()

    def interrupt(message: Message) -> None:
        if isinstance(message, LayerMoved):
            raise KeyboardInterrupt

    with engine_that(endless) as engine:
        with pytest.raises(KeyboardInterrupt):
            pushing.push(engine, of(name), "x86_64", there, interrupt)

        assert left.wait(60), "it goes on although nobody listens"


def test_what_arrived_must_be_what_was_rehearsed(there: Repositories, name: str, registry: Registry) -> None:
    def others() -> Items:
        registry.push(f"hfaas/{name}", "one", text=name)
        yield {"aux": {"Tag": "one", "Digest": "sha256:" + "c" * 64}}

    with engine_that(others) as engine, pytest.raises(RegistryError, match="is another image"):
        pushing.push(engine, of(name), "x86_64", there, lambda _: None)


def test_the_digest_of_the_engine_must_be_that_of_the_registry(
    there: Repositories, name: str, registry: Registry
) -> None:
    digest = registry.push(f"hfaas/{name}", "before", text=name)
    text, _ = registry.manifest(f"hfaas/{name}", digest) or ("", "")
    image = replace(of(name), id=ID)

    def rewritten() -> Items:
        registry.push(f"hfaas/{name}", "one", text=name)
        yield {"aux": {"Tag": "one", "Digest": "sha256:" + "c" * 64}}

    inspected = {**INSPECTED, "Id": json.loads(text)["config"]["digest"]}
    with pytest.MonkeyPatch.context() as patch, engine_that(rewritten) as engine:
        patch.setitem(INSPECTED, "Id", inspected["Id"])
        with pytest.raises(RegistryError, match=r"was pushed as sha256:c+, but the registry has sha256:"):
            pushing.push(engine, image, "x86_64", there, lambda _: None)


def test_a_tag_that_somebody_took_meanwhile_is_looked_at(
    there: Repositories, name: str, registry: Registry
) -> None:
    def beaten() -> Items:
        registry.push(f"hfaas/{name}", "one", text=name)
        yield {
            "error": "tag invalid: the image tag 'one' already exists and cannot be overwritten: it is immutable"
        }

    with engine_that(beaten) as engine, pytest.raises(RegistryError, match="is another image"):
        pushing.push(engine, of(name), "x86_64", there, lambda _: None)


def test_a_push_that_the_registry_does_not_know_of_is_told(there: Repositories, name: str) -> None:
    lies = saying({"aux": {"Tag": "one", "Digest": "sha256:" + "c" * 64}})

    with engine_that(lies) as engine, pytest.raises(RegistryError, match="the registry does not have it"):
        pushing.push(engine, of(name), "x86_64", there, lambda _: None)


def test_progress_of_a_layer_is_told_ten_times_a_second_at_most(there: Repositories, name: str) -> None:
    steps = [
        {"status": "Pushing", "id": LAYER[7:19], "progressDetail": {"current": number, "total": 20_000}}
        for number in range(20_000)
    ]
    told: list[Message] = []
    started = time.monotonic()

    with engine_that(saying(*steps, {"error": "denied"})) as engine, pytest.raises(RegistryError):
        pushing.push(engine, of(name), "x86_64", there, told.append)

    moved = [message for message in told if isinstance(message, LayerMoved)]
    assert 1 <= len(moved) <= 1 + (time.monotonic() - started) * 10
