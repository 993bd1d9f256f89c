"""Listings in pages, what is below them, which names are taken, and what places may be called."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.tui.ui.world import FakeBackend

from hfaas_tui.errors import CliError
from hfaas_tui.ui.model import Entry, Listing, Place
from hfaas_tui.ui.screens.storage import listing
from hfaas_tui.ui.screens.storage.names import bucket_problem, folder_problem, place_problem, space_problem
from hfaas_tui.ui.widgets.picker import scan
from hfaas_tui.ui.widgets.tree import Branches


class Paged(FakeBackend):
    """A target that gives three names at once."""

    def listing(self, uri: str, *, prefix: str = "", after: str = "") -> Listing:
        entries = super().listing(uri, prefix=prefix).entries
        begin = int(after or 0)
        return Listing(uri, entries[begin : begin + 3], str(begin + 3) if begin + 3 < len(entries) else "")


def world(*uris: str) -> Paged:
    backend = Paged()
    backend.objects = dict.fromkeys(uris, b"12345")
    return backend


def test_pages_are_read_one_after_the_other_and_all_again() -> None:
    backend = world(*(f"s3://b/{n}" for n in range(8)))
    first = listing.read(backend, "s3://b/")
    assert (len(first.entries), first.is_whole) == (3, False)
    second = listing.read(backend, "s3://b/", start=first)
    assert [entry.name for entry in second.entries] == list("012345")
    again = listing.read(backend, "s3://b/", pages=3)
    assert (len(again.entries), again.is_whole, again.pages) == (8, True, 3)


@pytest.mark.parametrize(
    ("subject", "folder", "select"),
    [
        ("s3://b", "s3://b/", ""),
        ("b/", "s3://b/", ""),
        ("s3://b/in", "s3://b/in/", ""),
        ("s3://b/in/", "s3://b/in/", ""),
        ("s3://b/in/x.png", "s3://b/in/", "s3://b/in/x.png"),
        ("b/in/gone", "s3://b/in/", "s3://b/in/gone"),
        ("onedata://s/a", "onedata://s/", "onedata://s/a"),
    ],
)
def test_a_subject_is_a_place_a_folder_or_an_object(subject: str, folder: str, select: str) -> None:
    backend = world("s3://b/in/x.png", "s3://b/in-2/y")
    assert listing.resolve(backend, subject) == (folder, select)


def test_all_below_folders_is_counted() -> None:
    backend = world("s3://b/a/1", "s3://b/a/c/2", "s3://b/a/c/d/3", "s3://b/x")
    found = listing.below(backend, [Entry("s3://b/a/", "a/"), Entry("s3://b/x", "x", 5)])
    assert (found.words, found.size) == ("4 objects", 20)
    assert listing.below(backend, [Entry("s3://b/", "b")], most=2).words == "more than 2 objects"


def test_a_folder_keeps_its_name_and_taken_names_are_found(tmp_path: Path) -> None:
    (tmp_path / "photos" / "deep").mkdir(parents=True)
    for name in ("photos/1.jpg", "photos/deep/2.jpg", "x.png"):
        (tmp_path / name).write_bytes(b"abc")
    backend = world("s3://b/in/photos/deep/2.jpg", "s3://b/in/x.png.old")
    plan = listing.plan_upload(backend, [tmp_path / "photos", tmp_path / "x.png"], "s3://b/in/")
    assert [order.uri for order in plan.orders] == [
        "s3://b/in/photos/1.jpg",
        "s3://b/in/photos/deep/2.jpg",
        "s3://b/in/x.png",
    ]
    assert plan.clashes == (1,)
    assert [order.uri for order in listing.settle(backend, plan, "skip")] == [
        "s3://b/in/photos/1.jpg",
        "s3://b/in/x.png",
    ]
    assert listing.settle(backend, plan, "both")[1].uri == "s3://b/in/photos/deep/2 (2).jpg"
    assert listing.settle(backend, plan, "overwrite")[1].overwrite


def test_a_saved_folder_keeps_its_name_and_hostile_names_stay_inside(tmp_path: Path) -> None:
    backend = world("s3://b/out/a.png", "s3://b/out/../../evil", "s3://b/x\x1b]0;hi\x07")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a.png").write_bytes(b"")
    chosen = [Entry("s3://b/out/", "out/"), Entry("s3://b/x\x1b]0;hi\x07", "x", 5)]
    plan = listing.plan_download(backend, chosen, tmp_path)
    paths = {order.uri: order.path.relative_to(tmp_path).as_posix() for order in plan.orders}
    assert paths["s3://b/out/a.png"] == "out/a.png"
    assert paths["s3://b/out/../../evil"] == "out/_/_/evil"
    assert paths["s3://b/x\x1b]0;hi\x07"] == "x_]0;hi_"
    assert len(plan.renamed) == 2
    assert [plan.orders[number].uri for number in plan.clashes] == ["s3://b/out/a.png"]
    assert {order.path.name for order in listing.settle(backend, plan, "both")} == {"a (2).png", "evil", "x_]0;hi_"}


def test_a_file_is_no_folder_to_save_in(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"")
    with pytest.raises(CliError, match="is a file"):
        listing.plan_download(world(), [], tmp_path / "x")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("ab", "3 to 63"),
        ("a" * 64, "3 to 63"),
        ("Films", "a capital"),
        ("my films", "a blank"),
        ("a_b", "a _"),
        ("-abc", "begins and ends"),
        ("a..b", "two dots"),
        ("127.0.0.1", "IP address"),
        ("xn--films", "for itself"),
        ("films-s3alias", "for itself"),
    ],
)
def test_the_rules_of_s3_are_told_in_words(name: str, words: str) -> None:
    assert words in bucket_problem(name)


def test_good_names_are_good() -> None:
    assert not bucket_problem("scar-video.2")
    assert not space_problem("My space (2)")
    assert not folder_problem("a/b c")
    assert not place_problem("onedata://films")


def test_bad_folders_and_places_are_told() -> None:
    assert folder_problem("a/../b")
    assert folder_problem("a\nb")
    assert space_problem("x")
    assert place_problem("ftp://films")


def test_the_tree_has_places_by_kind_and_the_folders_that_were_opened() -> None:
    tree = Branches()
    tree.set_places([Place("onedata://s", 2), Place("s3://b", 5), Place("s3://c")], "local")
    tree.open_to("s3://b/in/deep/")
    names = [("  " * node.depth + node.name, node.is_open) for node in tree.nodes()]
    assert names == [
        ("S3 (local)", False),
        ("  b", True),
        ("    in", True),
        ("      deep", True),
        ("  c", False),
        ("", False),
        ("Onedata (local)", False),
        ("  s", False),
    ]
    tree.set_folders("s3://b/", ["s3://b/in/", "s3://b/out/"], None)
    assert tree.close("s3://b/in/")
    assert [node.name for node in tree.nodes()][:4] == ["S3 (local)", "b", "in", "out"]


def test_a_folder_of_this_machine_is_listed_folders_first(tmp_path: Path) -> None:
    for name in ("b.txt", "a.txt", ".hidden"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "z").mkdir()
    (tmp_path / "broken").symlink_to(tmp_path / "nowhere")
    files, note = scan(tmp_path)
    assert [file.name for file in files] == ["z", "a.txt", "b.txt", "broken", ".hidden"]
    assert not note
    assert scan(tmp_path / "nowhere")[0] == []
