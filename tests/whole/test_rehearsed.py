"""What `hfaas run` and `hfaas deploy` rehearsed is known afterwards, with real images; plain processes rehearse none."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.whole.conftest import Hfaas

from hfaas_deploy import fdl, template
from hfaas_deploy.building import images
from hfaas_deploy.promote.rehearsals import Rehearsals

pytestmark = pytest.mark.timeout(180)


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
