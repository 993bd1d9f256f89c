from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

Hfaas = Callable[..., CompletedProcess[str]]

ENGINES = [
    pytest.param("process", id="process"),
    pytest.param("docker", id="docker", marks=pytest.mark.docker),
]


@pytest.fixture
def image(request: pytest.FixtureRequest, engine: str) -> str:
    return request.getfixturevalue("base_image") if engine == "docker" else "not-used"


@pytest.mark.slow
@pytest.mark.parametrize("engine", ENGINES)
def test_a_file_goes_in_and_its_result_comes_out(
    hfaas: Hfaas, hello: Callable[[str], Path], engine: str, image: str, tmp_path: Path
) -> None:
    (tmp_path / "a.txt").write_text("hello")

    done = hfaas("run", "-f", hello(image), "--input", "a.txt", "--output", "out", "--engine", engine)

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "a.txt").read_text() == "HELLO"


@pytest.mark.slow
@pytest.mark.parametrize("engine", ENGINES)
def test_a_failing_file_fails_the_run_and_leaves_the_others_alone(
    hfaas: Hfaas, hello: Callable[[str], Path], engine: str, image: str, tmp_path: Path
) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "good.txt").write_text("hello")
    (tmp_path / "in" / "bad.txt").write_text("fail")

    done = hfaas("run", "-f", hello(image), "--input", "in", "--output", "out", "--engine", engine, "--json")

    assert done.returncode == 1
    told = json.loads(done.stdout)
    assert [failure["input"] for failure in told["failures"]] == ["s3://greetings/in/bad.txt"]
    assert "this file says fail" in Path(tmp_path / told["failures"][0]["log"]).read_text()
    assert (tmp_path / "out" / "good.txt").read_text() == "HELLO"


@pytest.mark.slow
def test_the_process_engine_says_that_images_are_not_used(
    hfaas: Hfaas, hello: Callable[[str], Path], tmp_path: Path
) -> None:
    (tmp_path / "a.txt").write_text("hello")

    done = hfaas("run", "-f", hello("x"), "a.txt", "--output", "out", "--engine", "process")

    assert "images were not used" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("-f", "missing.yaml", "a.txt"), "missing.yaml"),
        (("-f", "pipeline.yaml", "nowhere.txt"), "nowhere.txt does not exist"),
        (("-f", "pipeline.yaml", "a.txt", "--output", "a.txt/out"), "--output a.txt/out"),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_sentence(
    hfaas: Hfaas, hello: Callable[[str], Path], tmp_path: Path, arguments: tuple[str, ...], complaint: str
) -> None:
    hello("x")
    (tmp_path / "a.txt").write_text("hello")

    done = hfaas("run", "--output", "out", "--engine", "process", *arguments)

    assert done.returncode != 0
    assert complaint in done.stderr
    assert "Traceback" not in done.stderr
