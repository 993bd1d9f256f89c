"""What `hfaas run` and `hfaas deploy` rehearsed is known afterwards, with real images; plain processes rehearse none."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.whole.conftest import Hfaas

from hfaas_deploy import fdl, steps, template
from hfaas_deploy.building import images
from hfaas_deploy.promote.rehearsals import Rehearsals

BESIDE = """\
  - lambda:
      name: beside
      memory: 128
      timeout: 30
      init_script: hello.sh
      container: {{image: "{image}"}}
      input: [{{storage_provider: s3, path: greetings/nothing-comes-here, suffix: [none]}}]
      output: [{{storage_provider: s3, path: greetings/beside}}]
"""


@pytest.fixture(autouse=True)
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rehearsals]:
    """What the commands of a test note."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state-of-user"))
    yield Rehearsals()


@pytest.mark.docker
def test_a_run_without_failures_rehearses_its_template_and_the_images_that_ran(
    hfaas: Hfaas, hello: Callable[[str], Path], tmp_path: Path, base_image: str, kept: Rehearsals
) -> None:
    file = hello(base_image)
    (tmp_path / "a.txt").write_text("hello")

    done = hfaas("run", "-f", file, "--input", "a.txt", "--output", "out", "--engine", "docker")

    assert done.returncode == 0, done.stderr
    latest = kept.latest(fdl.read(file).stack)
    assert latest is not None
    with images.DockerImages() as engine:
        reference = next(
            tag for tag in engine._client.images.get(latest.images["hello"]).tags if tag.startswith("hfaas/hello:")
        )
        found = engine.identity(reference)
        assert engine.identity("hfaas/hello:none-of-this-name") is None
    assert found is not None
    assert found.size > 0
    assert latest.template == template.render(fdl.read(file)).sha256
    assert kept.find(latest.template, {"hello": found.id}) == latest
    assert latest.how == "run"


@pytest.mark.docker
def test_a_run_that_failed_rehearses_nothing_and_a_deploy_of_the_same_does(
    hfaas: Hfaas,
    emulator: Callable[..., str],
    hello: Callable[[str], Path],
    tmp_path: Path,
    base_image: str,
    kept: Rehearsals,
) -> None:
    file = hello(base_image)
    (tmp_path / "a.txt").write_text("fail")

    done = hfaas("run", "-f", file, "--input", "a.txt", "--output", "out", "--engine", "docker")

    assert done.returncode != 0
    assert not kept.folder.exists()
    emulator("docker")
    assert hfaas("deploy", "-f", file).returncode == 0
    latest = kept.latest(fdl.read(file).stack)
    assert latest is not None
    assert latest.how == "deploy"


@pytest.mark.docker
def test_an_image_that_was_built_anew_under_its_tag_was_not_rehearsed_by_the_next_deploy(
    hfaas: Hfaas, emulator: Callable[..., str], hello: Callable[[str], Path], base_image: str, kept: Rehearsals
) -> None:
    file = hello(base_image)
    emulator("docker")
    assert hfaas("deploy", "-f", file).returncode == 0
    came_up = kept.latest(fdl.read(file).stack)
    assert came_up is not None
    with images.DockerImages() as engine:
        reference = steps.source(fdl.read(file).functions[0])
        tag = engine.foresee(reference)
        was = engine.client.images.get(tag)
        other = engine.client.images.get(base_image)
        assert other.tag(tag)
        try:
            again = hfaas("deploy", "-f", file)
        finally:
            assert was.tag(tag)

    assert again.returncode == 0, again.stderr
    assert "the image of hello was built anew meanwhile" in again.stderr
    assert kept.find(came_up.template, {"hello": str(other.id)}) is None
    assert kept.find(came_up.template, came_up.images) == came_up


@pytest.mark.docker
def test_a_run_notes_what_its_containers_were_made_of_and_which_functions_had_none(
    hfaas: Hfaas, hello: Callable[[str], Path], tmp_path: Path, base_image: str, kept: Rehearsals
) -> None:
    file = hello(base_image)
    file.write_text(file.read_text() + BESIDE.format(image=base_image))
    (tmp_path / "a.txt").write_text("hello")

    done = hfaas("run", "-f", file, "--input", "s3:a.txt", "--output", "out", "--engine", "docker")

    assert done.returncode == 0, done.stderr
    latest = kept.latest(fdl.read(file).stack)
    assert latest is not None
    assert latest.how == "run"
    assert latest.idle == ("beside",)
    assert latest.images.keys() == {"hello", "beside"}


@pytest.mark.slow
def test_plain_processes_rehearse_no_images(
    hfaas: Hfaas, hello: Callable[[str], Path], tmp_path: Path, kept: Rehearsals
) -> None:
    file = hello("debian")
    (tmp_path / "a.txt").write_text("hello")

    done = hfaas("run", "-f", file, "--input", "a.txt", "--output", "out", "--engine", "process")

    assert done.returncode == 0, done.stderr
    assert not kept.folder.exists()


@pytest.mark.docker
def test_where_nothing_can_be_noted_a_run_goes_on_and_says_so(
    hfaas: Hfaas, hello: Callable[[str], Path], tmp_path: Path, base_image: str
) -> None:
    (tmp_path / "state-of-user").write_text("a file")
    (tmp_path / "a.txt").write_text("hello")

    done = hfaas("run", "-f", hello(base_image), "--input", "a.txt", "--output", "out", "--engine", "docker")

    assert done.returncode == 0, done.stderr
    assert "this rehearsal is not remembered" in done.stderr
