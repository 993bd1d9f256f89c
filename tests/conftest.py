"""What all tests share: moto, a Docker engine that may be missing only where nobody demanded it, a base image.

Workers run in parallel. The tests of a module stay on one worker and share its emulator; the modules that run
containers stay together, too, because some of their tests count the engine's containers.
"""

from __future__ import annotations

import gc
import os
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from botocore.loaders import JSONFileLoader, Loader
from tests.registry import registry  # noqa: F401 - a fixture
from tests.standin import aws, shared_stand_in, stand_in  # noqa: F401 - fixtures
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

if TYPE_CHECKING:
    from docker import DockerClient

BASE_IMAGE = os.environ.get("HFAAS_BASE_IMAGE", "hfaas/base:bookworm")

CONTAINERS = re.compile(r"mark\.docker|\b(own_|docker_)?room: Room\b")
"""What tells a module that runs containers: the mark, or a fixture that has it."""

MOTO = """
import gc, logging, sys
gc.set_threshold(10_000, 20, 100)
from moto.server import ThreadedMotoServer
logging.getLogger("werkzeug").setLevel(logging.ERROR)
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
print("http://%s:%s" % server.get_host_and_port(), flush=True)
sys.stdin.read()
"""


def pytest_configure(config: pytest.Config) -> None:
    """Keep bytecode in pytest's cache where none may be written beside the code; seldom look for garbage."""
    gc.set_threshold(10_000, 20, 100)  # moto, boto3 and the linter fill the heap: a tenth of the time went there
    _read_descriptions_once()
    cache = getattr(config, "cache", None)
    if sys.dont_write_bytecode and cache is not None:  # each process the tests start would compile moto anew
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        sys.pycache_prefix = os.environ["PYTHONPYCACHEPREFIX"] = str(cache.mkdir("bytecode"))
        sys.dont_write_bytecode = False


def _read_descriptions_once() -> None:
    """Have the sessions of this process share what botocore ships: each would read its endpoints and services anew."""
    read = JSONFileLoader.load_file

    @cache
    def shipped(path: str) -> Any:
        return read(JSONFileLoader(), path)

    def load(loader: JSONFileLoader, path: str) -> Any:
        return shipped(path) if path.startswith(Loader.BUILTIN_DATA_PATH) else read(loader, path)

    JSONFileLoader.load_file = load  # type: ignore[method-assign, assignment]


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """Start no workers for files that are named: one process is done with them sooner, and can be debugged."""
    named = [argument.partition("::")[0].endswith(".py") for argument in config.args]
    return 0 if all(named) else None


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadFileScheduling:
    """Give out whole modules, those with containers as one."""

    class Scheduling(LoadFileScheduling):  # type: ignore[misc]  # xdist has no types
        def _split_scope(self, nodeid: str) -> str:
            return _scope(config, nodeid)

    return Scheduling(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Have workers begin with the modules that take longest, so that they end together."""
    if not hasattr(config, "workerinput"):
        return
    seconds: defaultdict[str, float] = defaultdict(float)
    for item in items:
        seconds[_scope(config, item.nodeid)] += _estimate(item)
    items.sort(key=lambda item: -seconds[_scope(config, item.nodeid)])


def _estimate(item: pytest.Item) -> float:
    if item.get_closest_marker("slow") or item.get_closest_marker("docker"):
        return 3
    return 0.6 if item.get_closest_marker("screens") else 0.05


@cache
def _has_containers(module: Path) -> bool:
    return CONTAINERS.search(module.read_text()) is not None


def _scope(config: pytest.Config, nodeid: str) -> str:
    module = nodeid.partition("::")[0]
    return "docker" if _has_containers(config.rootpath / module) else module


def missing(reason: str) -> None:
    """Skip, or fail where HFAAS_REQUIRE_DOCKER says that Docker tests must run."""
    if os.environ.get("HFAAS_REQUIRE_DOCKER") == "1":
        pytest.fail(f"HFAAS_REQUIRE_DOCKER=1, but {reason}")
    pytest.skip(reason)


@pytest.fixture(scope="session", autouse=True)
def own_state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep what programs note for the user of this machine out of the user's home."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield


@pytest.fixture(scope="session")
def moto_server() -> Iterator[str]:
    """Run unpatched moto in a process of its own, and give its endpoint: the emulator patches it in this one."""
    plain = {key: value for key, value in os.environ.items() if not key.startswith("MOTO_")}
    server = subprocess.Popen(
        [sys.executable, "-c", MOTO], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=plain
    )
    assert server.stdin is not None
    assert server.stdout is not None
    yield server.stdout.readline().strip()
    server.stdin.close()
    server.wait(60)
    server.stdout.close()


@pytest.fixture(scope="session")
def docker_engine() -> Iterator[DockerClient]:
    """A client of the Docker engine."""
    from hfaas_deploy.building.images import NoEngine, connect

    try:
        client = connect()
    except NoEngine as error:
        missing(f"no Docker engine answers: {error.message}")
    yield client
    client.close()


@pytest.fixture(scope="session")
def base_image(docker_engine: DockerClient) -> str:
    """The name of a Debian image with Python and OpenCV, made by scripts/base-image."""
    from docker.errors import ImageNotFound

    try:
        docker_engine.images.get(BASE_IMAGE)
    except ImageNotFound:
        missing(f"image {BASE_IMAGE} is not there; make it with scripts/base-image")
    return BASE_IMAGE
