from __future__ import annotations

import lzma
import re
import tarfile
import threading
from dataclasses import replace
from pathlib import Path
from typing import IO

import pytest

from hfaas_deploy.building import bundle
from hfaas_deploy.building.archive import Entry, pack, tree
from hfaas_deploy.building.bundle import Bundle, BundleError, BundleNotMade, Bundles, default_bundles


def quiet(_: str) -> None:
    pass


@pytest.fixture(scope="module")
def runtime() -> Path:
    """The real runtime, from the user's cache where it was built before."""
    try:
        return default_bundles().get("amd64", quiet).runtime
    except BundleError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def made(runtime: Path, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """The runtime with the app, made once."""
    return Bundles(tmp_path_factory.mktemp("made"), {"HFAAS_BUNDLE": str(runtime)}).get("amd64", quiet)


@pytest.fixture
def bundles(tmp_path: Path) -> Bundles:
    """Bundles that have nothing but their cache."""
    return Bundles(tmp_path / "cache", {}, recipe=tmp_path / "recipe", shipped=tmp_path / "shipped")


def given(bundles: Bundles, path: Path) -> Bundles:
    return Bundles(bundles.cache, {"HFAAS_BUNDLE": str(path)}, recipe=bundles.recipe, shipped=bundles.shipped)


def names(archive: Path) -> list[str]:
    with tarfile.open(archive) as tar:
        return tar.getnames()


def test_both_archives_unpack_below_opt_hfaas(made: Bundle) -> None:
    for archive in (made.runtime, made.app):
        assert names(archive)[:2] == ["opt", "opt/hfaas"]


def test_the_runtime_is_no_larger_than_60_mb(runtime: Path) -> None:
    assert runtime.stat().st_size < 60e6


def test_an_archive_given_by_environment_is_taken_as_it_is(made: Bundle, runtime: Path) -> None:
    assert made.runtime.read_bytes() == runtime.read_bytes()


def test_a_folder_given_by_environment_gives_the_same_archive(
    bundles: Bundles, runtime: Path, tmp_path: Path
) -> None:
    with tarfile.open(runtime) as tar:
        tar.extraction_filter = tarfile.fully_trusted_filter
        tar.extractall(tmp_path / "unpacked")
    folder = given(bundles, tmp_path / "unpacked/opt/hfaas")
    assert folder.get("amd64", quiet).runtime.read_bytes() == runtime.read_bytes()


def test_a_wrong_place_given_by_environment_is_refused(bundles: Bundles, tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"HFAAS_BUNDLE names .*nowhere, which is no bundle"):
        given(bundles, tmp_path / "nowhere").get("amd64", quiet)


def test_a_release_brings_the_runtime_compressed(bundles: Bundles) -> None:
    bundles.shipped.mkdir()
    with lzma.open(bundles.shipped / "amd64.tar.xz", "wb") as out:
        pack([Entry("opt/hfaas/bin/hfaas-supervisor", b"shipped")], out)
    with lzma.open(bundles.shipped / "amd64.tar.xz") as expected:
        assert bundles._runtime("amd64", quiet).read_bytes() == expected.read()


def test_the_app_is_the_supervisor_with_bytecode_that_asks_for_no_times(made: Bundle) -> None:
    app = made.app
    compiled = "opt/hfaas/app/hfaas_supervisor/__pycache__/job.cpython-311.pyc"
    assert {"opt/hfaas/app/__main__.py", "opt/hfaas/app/hfaas_supervisor/job.py", compiled} <= set(names(app))
    with tarfile.open(app) as tar:
        file = tar.extractfile(compiled)
        assert file is not None
        assert file.read()[4:8] == b"\x01\0\0\0"  # hash-based, unchecked


def test_the_app_is_the_same_bytes_each_time(bundles: Bundles, made: Bundle, runtime: Path) -> None:
    again = given(bundles, runtime).get("amd64", quiet)
    assert again.app.read_bytes() == made.app.read_bytes()
    assert again.key == made.key


def test_an_architecture_without_supervisor_is_refused(bundles: Bundles) -> None:
    with pytest.raises(BundleError, match="no supervisor for riscv64 images"):
        bundles.get("riscv64", quiet)


def test_a_bundle_that_must_not_be_made_is_told(bundles: Bundles) -> None:
    with pytest.raises(BundleNotMade):
        replace(bundles, recipe=bundle.RECIPE, makes=False).get("amd64", quiet)


def test_without_recipe_and_release_the_error_names_the_ways_out(bundles: Bundles) -> None:
    with pytest.raises(BundleError) as caught:
        bundles.get("amd64", quiet)
    assert re.search("bookworm.*Docker engine.*HFAAS_BUNDLE.*process", caught.value.hint, re.DOTALL)


@pytest.fixture
def recipe(bundles: Bundles, runtime: Path) -> Path:
    """A recipe that no machine can follow, so a container must."""
    bundles.recipe.mkdir()
    for name in bundle.INGREDIENTS:
        (bundles.recipe / name).write_text("echo the recipe went wrong; exit 3")
    return runtime


def test_where_the_machine_cannot_build_a_container_does(bundles: Bundles, recipe: Path) -> None:
    asked = []

    def container(folder: Path, architecture: str, out: IO[bytes], progress: object) -> None:
        asked.append((folder, architecture))
        out.write(recipe.read_bytes())

    built = Bundles(bundles.cache, {}, container, bundles.recipe, bundles.shipped)
    assert built.get("amd64", quiet).runtime.read_bytes() == recipe.read_bytes()
    assert asked == [(bundles.recipe, "amd64")]


def test_a_failed_build_shows_its_last_lines_and_leaves_nothing(bundles: Bundles, recipe: Path) -> None:
    here = bundle._is_bookworm()
    with pytest.raises(BundleError, match="the recipe went wrong" if here else "not here yet"):
        bundles.get("amd64", quiet)
    assert list(bundles.cache.glob("*.tar")) == []


def test_two_at_once_build_once(bundles: Bundles, recipe: Path) -> None:
    builds = []

    def container(folder: Path, architecture: str, out: IO[bytes], progress: object) -> None:
        builds.append(architecture)
        out.write(recipe.read_bytes())

    built = Bundles(bundles.cache, {}, container, bundles.recipe, bundles.shipped)
    threads = [threading.Thread(target=built.get, args=("amd64", quiet)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert builds == ["amd64"]


def test_a_cache_that_cannot_be_written_is_told(tmp_path: Path, runtime: Path) -> None:
    (tmp_path / "file").touch()
    unwritable = Bundles(tmp_path / "file/cache", {"HFAAS_BUNDLE": str(runtime)})
    with pytest.raises(BundleError, match=r"the cache .* cannot be written: Not a directory"):
        unwritable.get("amd64", quiet)


def test_an_unpacked_bundle_in_use_brings_neither_app_nor_function(bundles: Bundles, tmp_path: Path) -> None:
    for name in ("bin/hfaas-supervisor", "app/__main__.py", "function/script"):
        (tmp_path / "used" / name).parent.mkdir(parents=True)
        (tmp_path / "used" / name).touch()
    with (tmp_path / "expected.tar").open("wb") as out:
        pack([Entry("opt/hfaas/bin/hfaas-supervisor", b"")], out)
    taken = given(bundles, tmp_path / "used")._runtime("amd64", quiet)
    assert names(taken) == names(tmp_path / "expected.tar")
    assert len(list(tree(tmp_path / "used"))) == 6
