from __future__ import annotations

import dataclasses
import json
import re
import subprocess
import tarfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from hfaas_deploy.building.archive import Entry, pack
from hfaas_deploy.building.images import (
    BuildFailed,
    DockerImages,
    FunctionSource,
    ImageError,
    ImageNotFound,
    NoEngine,
    connect,
    repository,
)

if TYPE_CHECKING:
    from docker import DockerClient

docker_test = pytest.mark.docker


def quiet(_: str) -> None:
    pass


# --- without an engine ---


@pytest.mark.parametrize(
    ("name", "expected"),
    [("split-video", "split-video"), ("Split_Video", "split_video"), ("_a___b-", "a__b"), ("a-_b", "a-b")],
)
def test_a_function_name_becomes_a_repository_that_docker_takes(name: str, expected: str) -> None:
    assert repository(name) == f"hfaas/{expected}"
    assert re.fullmatch(r"hfaas/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*", repository(name))


def test_no_engine_is_told_with_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/docker.sock")
    with pytest.raises(NoEngine, match="no container engine answers") as caught:
        connect()
    assert "DOCKER_HOST" in caught.value.hint


def test_an_unknown_context_is_no_engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.setenv("DOCKER_CONTEXT", "gone")
    with pytest.raises(NoEngine, match="there is no context gone"):
        connect()


# --- with one ---


@pytest.fixture(scope="module")
def images(docker_engine: DockerClient) -> Iterator[DockerImages]:
    """A builder with the user's own cache of bundles; what it built on the images of these tests goes with it."""
    known = {tag for image in docker_engine.images.list() for tag in image.tags}
    with DockerImages(offline=True) as images:
        yield images
    ours = [
        image for image in docker_engine.images.list() if any(re.match("(hfaas/)?t-", tag) for tag in image.tags)
    ]
    bases = {image.attrs["RootFS"]["Layers"][0] for image in ours if not image.tags[0].startswith("hfaas/t-debian")}
    shared = [
        image
        for image in docker_engine.images.list("hfaas/supervised")
        if image.attrs["RootFS"]["Layers"][0] in bases and not known & set(image.tags)
    ]
    for image in [*ours, *shared]:
        for tag in image.tags:
            docker_engine.images.remove(tag, force=True)


def imported(docker_engine: DockerClient, name: str, *entries: Entry, changes: tuple[str, ...] = ()) -> str:
    """Make an image of nothing but these entries."""
    context = BytesIO()
    layer = BytesIO()
    pack(entries, layer)
    dockerfile = "\n".join(["FROM scratch", "ADD layer.tar /", *changes])
    pack([Entry("Dockerfile", dockerfile.encode()), Entry("layer.tar", layer.getvalue())], context)
    context.seek(0)
    docker_engine.images.build(fileobj=context, custom_context=True, tag=name, rm=True)
    return name


@pytest.fixture(scope="module")
def empty_image(docker_engine: DockerClient) -> str:
    """An image with one empty folder: nothing in it can run."""
    return imported(docker_engine, "t-empty", Entry("tmp"))


@pytest.fixture(scope="module")
def busybox(docker_engine: DockerClient, base_image: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The static busybox of the base image."""
    folder = tmp_path_factory.mktemp("base")
    container = docker_engine.containers.create(base_image)
    try:
        stream, _ = container.get_archive("/usr/bin/busybox")
        with tarfile.open(fileobj=BytesIO(b"".join(stream))) as tar:
            tar.extract("busybox", folder, filter="data")
    finally:
        container.remove()
    return folder / "busybox"


@pytest.fixture(scope="module")
def busybox_image(docker_engine: DockerClient, busybox: Path) -> str:
    """An image of a static busybox alone, with an environment made to break a foreign interpreter."""
    return imported(
        docker_engine,
        "t-busybox",
        Entry("bin/busybox", busybox, executable=True),
        Entry("bin/sh", link="busybox"),
        Entry("bin/cat", link="busybox"),
        Entry("work"),
        Entry("tmp"),
        changes=(
            "ENV LD_LIBRARY_PATH=/wrong LD_PRELOAD=/wrong/lib.so PYTHONHOME=/wrong PYTHONPATH=/wrong",
            'ENTRYPOINT ["/bin/busybox", "echo"]',
            'CMD ["from", "the image"]',
            "WORKDIR /work",
            "USER 1234:55",
        ),
    )


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "script.sh"
    path.write_text('#!/bin/sh\necho "script ran with $LD_LIBRARY_PATH" >&2\ncat "$EVENT_FILE" >&2\n')
    return path


def run(image: str, event: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Give one event to a function as `docker run -i` does."""
    command = ["docker", "run", "-i", "--rm", "--network", "none", *options, image]
    return subprocess.run(command, input=event, capture_output=True, text=True, timeout=50, check=False)


def layer_ids(docker_engine: DockerClient, image: str) -> list[str]:
    found: list[str] = docker_engine.images.get(image).attrs["RootFS"]["Layers"]
    return found


def config(docker_engine: DockerClient, image: str) -> dict[str, Any]:
    found: dict[str, Any] = docker_engine.images.get(image).attrs["Config"]
    return found


def function_file(docker_engine: DockerClient, image: str, path: str) -> bytes:
    container = docker_engine.containers.create(image)
    try:
        archive = BytesIO(b"".join(container.get_archive(path)[0]))
    finally:
        container.remove()
    with tarfile.open(fileobj=archive) as tar:
        [member] = tar
        file = tar.extractfile(member)
        assert file is not None
        return file.read()


@docker_test
def test_a_function_on_debian_takes_an_event_on_stdin(images: DockerImages, base_image: str, script: Path) -> None:
    done = run(images.build(FunctionSource("t-debian", base_image, script=script), quiet), '{"hello": 1}')
    assert (done.returncode, "script ran" in done.stderr, '{"hello": 1}' in done.stderr) == (0, True, True), done
    assert json.loads(done.stdout)["statusCode"] == 200


@docker_test
def test_a_function_on_busybox_survives_its_environment(
    images: DockerImages, busybox_image: str, script: Path
) -> None:
    done = run(
        images.build(FunctionSource("t-busybox", busybox_image, script=script), quiet),
        "{}",
        "--tmpfs",
        "/tmp:mode=1777",
    )
    assert (done.returncode, "script ran with /wrong" in done.stderr) == (0, True), done


@docker_test
def test_an_image_with_nothing_in_it_runs_scripts_by_our_shell(
    images: DockerImages, empty_image: str, script: Path
) -> None:
    done = run(images.build(FunctionSource("t-empty", empty_image, script=script), quiet), "{}")
    assert (done.returncode, "script ran" in done.stderr) == (0, True), done


@docker_test
def test_a_read_only_root_and_a_foreign_user_do_no_harm(
    images: DockerImages, base_image: str, script: Path
) -> None:
    options = ("--read-only", "--user", "993:990", "--cap-drop", "ALL", "--tmpfs", "/tmp:mode=1777")
    done = run(images.build(FunctionSource("t-debian", base_image, script=script), quiet), "{}", *options)
    assert (done.returncode, "script ran" in done.stderr) == (0, True), done


@docker_test
def test_without_a_script_the_images_own_command_runs(images: DockerImages, busybox_image: str) -> None:
    image = images.build(FunctionSource("t-own", busybox_image), quiet)
    done = run(image, "{}", "--tmpfs", "/tmp:mode=1777")
    assert "from the image" in done.stderr, done


@docker_test
def test_every_module_imports_in_the_bundle(images: DockerImages, empty_image: str, script: Path) -> None:
    image = images.build(FunctionSource("t-empty", empty_image, script=script), quiet)
    code = (
        "import sys, pkgutil, importlib; sys.path[:0] = ['/opt/hfaas/app', '/opt/hfaas/lib/site']\n"
        "import obstore, awslambdaric.bootstrap, ssl, hfaas_supervisor as package\n"
        "names = [m.name for m in pkgutil.walk_packages(package.__path__, 'hfaas_supervisor.')]\n"
        "apart = ('__main__', 'onetrigger.state_file')\n"  # the second wants SQLite, which stays at home
        "[importlib.import_module(n) for n in names if not n.endswith(apart)]; print(len(names))"
    )
    command = ["docker", "run", "--rm", "--entrypoint", "/opt/hfaas/bin/python3.11", image, "-ISB", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, timeout=50, check=False)
    assert (done.returncode, int(done.stdout or 0) > 5) == (0, True), done


@docker_test
def test_the_supervisors_layers_are_the_same_on_every_image(
    images: DockerImages, docker_engine: DockerClient, empty_image: str, busybox_image: str, script: Path
) -> None:
    on = [
        layer_ids(docker_engine, images.build(FunctionSource("t-layers", image, script=script), quiet))[-3:-1]
        for image in (empty_image, busybox_image)
    ]
    assert on[0] == on[1]


@docker_test
def test_user_environment_and_folder_of_the_image_stay(
    images: DockerImages, docker_engine: DockerClient, busybox_image: str, script: Path
) -> None:
    made = config(docker_engine, images.build(FunctionSource("t-stay", busybox_image, script=script), quiet))
    given = config(docker_engine, busybox_image)
    assert [made[key] for key in ("User", "Env", "WorkingDir")] == [
        given[key] for key in ("User", "Env", "WorkingDir")
    ]
    assert (made["Entrypoint"], made["Cmd"] or []) == (["/opt/hfaas/bin/hfaas-supervisor"], [])
    assert "hfaas.supervisor" in made["Labels"]


@docker_test
def test_the_images_own_command_is_remembered_even_when_derived_twice(
    images: DockerImages, docker_engine: DockerClient, busybox_image: str
) -> None:
    once = images.build(FunctionSource("t-once", busybox_image), quiet)
    twice = images.build(FunctionSource("t-twice", once), quiet)
    assert json.loads(function_file(docker_engine, twice, "/opt/hfaas/function/image.json")) == {
        "entrypoint": ["/bin/busybox", "echo"],
        "cmd": ["from", "the image"],
        "workdir": "/work",
    }


@docker_test
def test_extra_payload_lies_in_var_task(
    images: DockerImages, docker_engine: DockerClient, empty_image: str, script: Path, tmp_path: Path
) -> None:
    payload = tmp_path / "payload/deep"
    payload.mkdir(parents=True)
    (payload / "weights").write_bytes(b"1234")
    source = FunctionSource("t-payload", empty_image, script=script, extra_payload=tmp_path / "payload")
    assert function_file(docker_engine, images.build(source, quiet), "/var/task/deep/weights") == b"1234"


@docker_test
def test_equal_inputs_build_nothing(images: DockerImages, empty_image: str, script: Path) -> None:
    source = FunctionSource("t-equal", empty_image, script=script)
    first = images.build(source, quiet)
    news: list[str] = []
    assert (images.build(source, news.append), news) == (first, [])


@docker_test
def test_another_script_gives_another_image(images: DockerImages, empty_image: str, script: Path) -> None:
    source = FunctionSource("t-edited", empty_image, script=script)
    first = images.build(source, quiet)
    script.write_text("exit 3\n")
    assert images.build(source, quiet) != first


@docker_test
def test_an_image_that_is_ready_is_used_as_it_is(images: DockerImages, empty_image: str) -> None:
    assert images.build(FunctionSource("t-ready", empty_image, create_image=False), quiet) == empty_image


@docker_test
def test_a_missing_image_is_told_with_what_to_do(images: DockerImages) -> None:
    with pytest.raises(
        ImageNotFound, match="image t-gone is neither on this machine nor can it be pulled"
    ) as caught:
        images.build(FunctionSource("t-gone", "t-gone"), quiet)
    assert "docker build -t t-gone" in caught.value.hint


@docker_test
def test_a_pull_that_fails_says_why(docker_engine: DockerClient) -> None:
    with DockerImages() as images, pytest.raises(ImageNotFound, match=r"nor can it be pulled: .*127\.0\.0\.1:9"):
        images.build(FunctionSource("t-gone", "127.0.0.1:9/t-gone"), quiet)


@docker_test
def test_an_image_for_another_architecture_is_refused(images: DockerImages, empty_image: str) -> None:
    with pytest.raises(ImageError, match="is for amd64, the function asks for arm64"):
        images.build(FunctionSource("t-arm", empty_image, architecture="arm64"), quiet)


@docker_test
def test_an_archive_of_docker_save_is_loaded(
    images: DockerImages, docker_engine: DockerClient, script: Path, tmp_path: Path
) -> None:
    name = imported(docker_engine, "t-saved:1", Entry("tmp"), Entry("saved", b"yes"))
    archive = tmp_path / "saved.tar"
    archive.write_bytes(b"".join(docker_engine.images.get(name).save(named=True)))
    docker_engine.images.remove(name)
    image = images.build(FunctionSource("t-load", image_file=archive, script=script), quiet)
    assert function_file(docker_engine, image, "/saved") == b"yes"


@docker_test
def test_an_archive_that_is_none_is_told(images: DockerImages, tmp_path: Path) -> None:
    (tmp_path / "picture.tar").write_bytes(b"not a tar")
    with pytest.raises(ImageError, match=r"picture.tar is no archive of `docker save`"):
        images.build(FunctionSource("t-none", image_file=tmp_path / "picture.tar"), quiet)


# --- hfaas.build ---


@pytest.fixture
def project(tmp_path: Path, busybox_image: str) -> FunctionSource:
    """A function whose image is built from a folder."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "Dockerfile").write_text(
        f"ARG BASE={busybox_image}\nFROM $BASE\nUSER 0\nARG WORD=none\nCOPY . /project/\nRUN echo word $WORD >/word\n"
    )
    (folder / ".dockerignore").write_text("# what is not for the image\n*.secret\n")
    (folder / "kept").touch()
    (folder / "left.secret").touch()
    return FunctionSource("t-project", build_dir=folder, build_args={"WORD": str(tmp_path)}, create_image=False)


@docker_test
def test_a_folder_is_built_with_its_arguments(
    images: DockerImages, docker_engine: DockerClient, project: FunctionSource
) -> None:
    news: list[str] = []
    image = images.build(project, news.append)
    assert function_file(docker_engine, image, "/word") == f"word {project.build_args['WORD']}\n".encode()
    assert any("COPY . /project/" in line for line in news)


@docker_test
def test_what_dockerignore_names_stays_out(images: DockerImages, project: FunctionSource) -> None:
    command = [
        "docker",
        "run",
        "--rm",
        "--entrypoint",
        "/bin/busybox",
        images.build(project, quiet),
        "ls",
        "/project",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=50)
    assert "kept" in done.stdout
    assert "left.secret" not in done.stdout


@docker_test
def test_the_state_of_an_emulator_is_no_part_of_a_folder_that_is_built(
    images: DockerImages, project: FunctionSource
) -> None:
    assert project.build_dir is not None
    first = images.build(project, quiet)
    (project.build_dir / ".hfaas").mkdir()
    (project.build_dir / ".hfaas" / "journal.sqlite").write_bytes(b"secrets")
    assert images.foresee(project) == first


@docker_test
def test_an_unchanged_folder_is_not_built_again(images: DockerImages, project: FunctionSource) -> None:
    first = images.build(project, quiet)
    news: list[str] = []
    assert (images.build(project, news.append), news) == (first, [])


@docker_test
def test_a_folder_is_built_once_for_all_functions_in_it(
    images: DockerImages, docker_engine: DockerClient, project: FunctionSource
) -> None:
    first = images.build(project, quiet)
    news: list[str] = []
    second = images.build(dataclasses.replace(project, name="t-project-2"), news.append)
    assert news == []
    assert second.startswith("hfaas/t-project-2-base:")
    assert docker_engine.images.get(second).id == docker_engine.images.get(first).id


@docker_test
def test_another_argument_builds_another_image(images: DockerImages, project: FunctionSource) -> None:
    other = dataclasses.replace(project, build_args={"WORD": "other"})
    assert images.build(other, quiet) != images.build(project, quiet)


@docker_test
def test_a_failing_build_shows_what_the_build_said(images: DockerImages, project: FunctionSource) -> None:
    assert project.build_dir
    with (project.build_dir / "Dockerfile").open("a") as file:
        file.write("RUN echo the compiler is missing && exit 7\n")
    with pytest.raises(BuildFailed, match=r"building .*project failed") as caught:
        images.build(project, quiet)
    assert re.search("the compiler is missing.*non-zero code: 7", caught.value.hint, re.DOTALL)


@docker_test
def test_a_folder_without_dockerfile_is_told(images: DockerImages, tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="has no Dockerfile"):
        images.build(FunctionSource("t-none", build_dir=tmp_path), quiet)


@docker_test
def test_a_base_image_that_is_missing_is_told_before_the_build(
    images: DockerImages, project: FunctionSource
) -> None:
    with pytest.raises(ImageNotFound, match="image t-nobase is neither on this machine"):
        images.build(dataclasses.replace(project, build_args={"BASE": "t-nobase"}), quiet)


@docker_test
def test_the_current_context_is_followed(
    docker_engine: DockerClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    subprocess.run(
        ["docker", "context", "create", "t-here", "--docker", "host=unix:///var/run/docker.sock"],
        check=True,
        capture_output=True,
    )
    subprocess.run(["docker", "context", "use", "t-here"], check=True, capture_output=True)
    client = connect()
    try:
        assert client.version()["ApiVersion"]
    finally:
        client.close()
