"""Where `hfaas run` puts its inputs."""

from __future__ import annotations

from pathlib import Path

import pytest

from hfaas_deploy import fdl
from hfaas_deploy.pipeline import Pipeline
from hfaas_tui.errors import UsageError
from hfaas_tui.run import Given, plan_inputs

HYBRID = """\
storage_providers:
  onedata: {hub: {oneprovider_host: hub.example.org, token: t, space: films@0123}}
functions:
  aws:
  - lambda:
      name: cut
      init_script: a.sh
      container: {image: x}
      input: [{storage_provider: onedata.hub, path: in/new, suffix: [.avi]}]
      output: [{storage_provider: s3, path: desk/short}]
  - lambda:
      name: count
      init_script: a.sh
      container: {image: x}
      input: [{storage_provider: s3, path: desk/lists}, {storage_provider: s3, path: desk/short}]
      output: [{storage_provider: onedata.hub, path: out}]
"""


@pytest.fixture
def pipeline(tmp_path: Path) -> Pipeline:
    (tmp_path / "a.sh").write_text("#!/bin/sh\n")
    (tmp_path / "pipeline.yaml").write_text(HYBRID)
    return fdl.read(tmp_path / "pipeline.yaml")


@pytest.fixture
def film(tmp_path: Path) -> Path:
    (tmp_path / "film.avi").touch()
    return tmp_path / "film.avi"


def places(pipeline: Pipeline, *inputs: Path | Given) -> list[str]:
    return [str(each.to) for each in plan_inputs(pipeline, inputs)]


def test_a_file_goes_to_every_entry_that_takes_it(pipeline: Pipeline, film: Path) -> None:
    assert places(pipeline, film) == ["onedata://films/in/new/film.avi", "s3://desk/lists/film.avi"]


@pytest.mark.parametrize(
    ("storage", "place"), [("onedata", "onedata://films/in/new/film.avi"), ("s3", "s3://desk/lists/film.avi")]
)
def test_a_storage_before_the_file_chooses(pipeline: Pipeline, film: Path, storage: str, place: str) -> None:
    given = Given.parse(f"{storage}:{film}")

    assert places(pipeline, given) == [place]


def test_a_file_given_twice_goes_once_to_each_place(pipeline: Pipeline, film: Path) -> None:
    assert len(places(pipeline, film, Given(film, "s3"), film)) == 2


def test_a_file_that_no_space_takes_is_refused_by_name(pipeline: Pipeline, tmp_path: Path) -> None:
    (tmp_path / "x.txt").touch()

    with pytest.raises(UsageError, match=r"x\.txt: no function takes it in onedata") as refused:
        places(pipeline, Given(tmp_path / "x.txt", "onedata"))
    assert refused.value.hint == "cut takes .avi"


def test_a_pipeline_that_waits_for_a_space_names_it(pipeline: Pipeline) -> None:
    with pytest.raises(UsageError, match="cut waits for files in onedata://films/in/new/ and none is given"):
        places(pipeline)


@pytest.mark.parametrize("text", ["a:b", "onedata", "onedata:", "./onedata:x", "c:\\x"])
def test_other_colons_are_part_of_the_name(text: str) -> None:
    assert Given.parse(text) == Path(text)
