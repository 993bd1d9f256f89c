"""`hfaas space`, and `put`, `get` and `ls` with onedata://, on a real Oneprovider in the emulator."""

from __future__ import annotations

import json
import ssl
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from tests.tui.conftest import Hfaas

from hfaas_tui import spaces, transfer
from hfaas_tui.errors import CliError
from hfaas_tui.location import ONEDATA, Location
from hfaas_tui.oneprovider import Access, Oneprovider, quoted
from hfaas_tui.spaces import Spaces
from hfaas_tui.watch import Emulator

ODD = "ä b+%41#?&;'\"\\.txt"


@pytest.fixture
def space(hfaas: Hfaas) -> Iterator[str]:
    """A space of the test's own."""
    name = f"s-{uuid.uuid4().hex[:8]}"
    hfaas("space", "create", name)
    yield name
    hfaas("space", "rm", name, "--recursive")


def access(hfaas: Hfaas, name: str) -> dict[str, Any]:
    about: dict[str, Any] = json.loads(hfaas("space", "create", name, "--json")[1])
    return about


def names(hfaas: Hfaas, place: str) -> list[str]:
    return [each["name"] for each in json.loads(hfaas("space", "ls", place, "--json")[1])]


def test_create_tells_host_token_and_authority_of_a_space_that_works(hfaas: Hfaas, space: str) -> None:
    about = access(hfaas, space)
    request = urllib.request.Request(
        f"https://{about['host']}/api/v3/oneprovider/spaces", headers={"X-Auth-Token": about["token"]}
    )
    with urllib.request.urlopen(request, context=ssl.create_default_context(cafile=about["ca"])) as answer:
        assert space in [each["name"] for each in json.load(answer)]


def test_create_finds_a_space_that_exists(hfaas: Hfaas, space: str) -> None:
    assert access(hfaas, space) == access(hfaas, space)


def test_create_for_people_has_a_line_for_each_thing(hfaas: Hfaas, space: str) -> None:
    _, out, _ = hfaas("space", "create", space)

    assert [line.split()[0] for line in out.splitlines()] == [
        "name",
        "spaceId",
        "host",
        "internalHost",
        "ca",
        "token",
    ]


def test_a_space_is_seeded_from_a_folder(hfaas: Hfaas, space: str, tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "x").write_text("x")
    (tmp_path / "y").write_text("yy")

    assert hfaas("space", "create", space, "--seed", str(tmp_path))[0] == 0
    assert names(hfaas, space) == ["a/", "y"]


def test_spaces_are_listed_with_what_they_hold(hfaas: Hfaas, space: str, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"12345")
    hfaas("space", "put", str(tmp_path / "x"), f"{space}/")

    listed = {each["name"]: each["bytes"] for each in json.loads(hfaas("space", "ls", "--json")[1])}
    assert listed[space] == 5
    assert space in hfaas("space", "ls")[1]


def test_the_status_names_the_spaces_and_what_they_hold(hfaas: Hfaas, space: str, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"12345")
    hfaas("space", "put", str(tmp_path / "x"), f"{space}/")

    assert {"name": space, "bytes": 5} in json.loads(hfaas("status", "--json")[1])["spaces"]
    assert f"{space} (5 B)" in hfaas("status")[1]


def test_a_folder_goes_in_and_comes_back_whole(hfaas: Hfaas, space: str, tmp_path: Path) -> None:
    """Names that mean something in URLs, an empty file, and one of several pieces."""
    source = tmp_path / "in"
    (source / "deep" / ODD).mkdir(parents=True)
    (source / "deep" / ODD / ODD).write_text("odd")
    (source / "empty").touch()
    (source / "large").write_bytes(bytes(range(256)) * 4096)
    assert hfaas("put", str(source), f"onedata://{space}/put/")[0] == 0

    code, out, _ = hfaas("get", f"onedata://{space}/put", str(tmp_path / "out"), "--json")

    assert code == 0
    assert len(json.loads(out)) == 3
    for file in ("empty", "large", f"deep/{ODD}/{ODD}"):
        assert (tmp_path / "out" / file).read_bytes() == (source / file).read_bytes()
    assert not list((tmp_path / "out").rglob("*.part"))


def test_one_file_keeps_or_gets_a_name(hfaas: Hfaas, space: str, tmp_path: Path) -> None:
    (tmp_path / "x").write_text("x")

    assert hfaas("space", "put", str(tmp_path / "x"), f"{space}/in/")[1].strip() == f"onedata://{space}/in/x"
    assert hfaas("space", "put", str(tmp_path / "x"), f"{space}/in/y")[1].strip() == f"onedata://{space}/in/y"
    assert names(hfaas, f"{space}/in") == ["x", "y"]


def test_a_file_is_replaced(hfaas: Hfaas, space: str, tmp_path: Path) -> None:
    for text in ("longer", "new"):
        (tmp_path / "x").write_text(text)
        hfaas("space", "put", str(tmp_path / "x"), f"{space}/x")

    hfaas("space", "get", f"{space}/x", str(tmp_path / "out"))
    assert (tmp_path / "out").read_text() == "new"


def test_one_file_of_a_space_goes_to_a_file_or_into_a_folder(hfaas: Hfaas, space: str, tmp_path: Path) -> None:
    (tmp_path / "x").write_text("x")
    hfaas("space", "put", str(tmp_path / "x"), f"{space}/in/x")

    assert hfaas("get", f"onedata://{space}/in/x", str(tmp_path / "y.txt"))[0] == 0
    assert hfaas("space", "get", f"{space}/in/x", f"{tmp_path}/new/")[0] == 0
    assert hfaas("get", f"onedata://{space}/in", str(tmp_path / "out"))[0] == 0
    assert {(tmp_path / name).read_text() for name in ("y.txt", "new/x", "out/x")} == {"x"}


def test_ls_lists_files_with_their_addresses(hfaas: Hfaas, space: str, tmp_path: Path) -> None:
    (tmp_path / "x").write_text("x")
    hfaas("space", "put", str(tmp_path / "x"), f"{space}/in/")

    assert json.loads(hfaas("ls", f"onedata://{space}", "--json")[1]) == [
        {"object": f"onedata://{space}/in/x", "size": "1 B"}
    ]
    assert json.loads(hfaas("ls", f"onedata://{space}/i", "--json")[1]) == []


def test_a_long_folder_is_listed_in_pages(
    hfaas: Hfaas, space: str, endpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(7):
        (tmp_path / str(number)).touch()
    hfaas("space", "put", str(tmp_path), f"{space}/")
    monkeypatch.setattr(spaces, "PAGE", 3)

    with closing(Spaces(Emulator(endpoint))) as opened:
        found = opened.listing(Location(space, "", ONEDATA))
    assert [each.relative for each in found] == list("0123456")


def test_what_is_not_empty_is_only_removed_on_demand(hfaas: Hfaas, space: str, tmp_path: Path) -> None:
    (tmp_path / "x").write_text("x")
    hfaas("space", "put", str(tmp_path / "x"), f"{space}/in/")

    code, _, err = hfaas("space", "rm", f"{space}/in")
    assert code == 2
    assert "is not empty" in err
    assert hfaas("space", "rm", space)[0] == 2
    assert hfaas("space", "rm", f"{space}/in/x")[0] == 0
    assert hfaas("space", "rm", f"{space}/in")[0] == 0
    assert names(hfaas, space) == []


def test_a_removed_space_is_gone(hfaas: Hfaas) -> None:
    hfaas("space", "create", "gone")

    assert hfaas("space", "rm", "gone")[0] == 0
    assert "gone" not in hfaas("space", "ls")[1]


@pytest.mark.parametrize("arguments", [("ls", "none"), ("get", "none/x"), ("rm", "none"), ("token", "none")])
def test_a_space_that_does_not_exist_is_named(hfaas: Hfaas, arguments: tuple[str, ...]) -> None:
    code, _, err = hfaas("space", *arguments)

    assert code == 1
    assert "there is no space 'none'" in err


def test_reading_never_makes_a_space(hfaas: Hfaas) -> None:
    hfaas("get", "onedata://typo/x")

    assert "typo" not in hfaas("space", "ls", "--json")[1]


def test_a_name_that_cannot_be_is_refused(hfaas: Hfaas) -> None:
    code, _, err = hfaas("space", "create", "a@b")

    assert code == 1
    assert "a space cannot be called 'a@b'" in err


def test_nothing_at_a_place_is_said(hfaas: Hfaas, space: str) -> None:
    code, _, err = hfaas("space", "get", f"{space}/none")

    assert code == 1
    assert f"there is nothing at onedata://{space}/none" in err


@pytest.mark.parametrize("path", ["../other/x", "a/./b", ".."])
def test_a_path_never_leads_out_of_its_space(hfaas: Hfaas, space: str, tmp_path: Path, path: str) -> None:
    (tmp_path / "x").touch()

    code, _, err = hfaas("space", "put", str(tmp_path / "x"), f"{space}/{path}")
    assert code == 1
    assert "is no path in a space" in err


def test_a_revoked_token_opens_nothing(hfaas: Hfaas, space: str) -> None:
    assert "no tokens" in hfaas("space", "tokens", space)[1]
    hfaas("space", "token", space, "--read-only")
    hfaas("space", "token", space)
    first, second = json.loads(hfaas("space", "tokens", space, "--json")[1])
    assert [first["scope"], second["scope"]] == ["readonly", "full"]

    assert hfaas("space", "revoke", space, first["id"])[:2] == (0, f"{first['id']}: revoked\n")
    assert json.loads(hfaas("space", "tokens", space, "--json")[1]) == [second]
    assert second["id"] in hfaas("space", "tokens", space)[1]

    code, _, err = hfaas("space", "revoke", space, first["id"])
    assert (code, "has no token" in err) == (1, True)


def test_a_token_is_revoked_by_its_own_space_only(hfaas: Hfaas, space: str) -> None:
    hfaas("space", "create", "another")
    hfaas("space", "token", space)
    (made,) = json.loads(hfaas("space", "tokens", space, "--json")[1])

    assert hfaas("space", "revoke", "another", made["id"])[0] == 1
    assert json.loads(hfaas("space", "tokens", space, "--json")[1]) == [made]


def test_a_token_opens_its_own_space_only(hfaas: Hfaas, space: str) -> None:
    hfaas("space", "create", "other")
    about = access(hfaas, space)
    token = hfaas("space", "token", space)[1].strip()
    with closing(Oneprovider(Access.of({**about, "token": token}))) as provider:
        assert provider.json("POST", f"lookup-file-id{quoted(space)}")["fileId"]
        with pytest.raises(CliError):
            provider.json("POST", f"lookup-file-id{quoted('other')}")
    hfaas("space", "rm", "other")


def test_a_read_only_token_does_not_write(hfaas: Hfaas, space: str, tmp_path: Path) -> None:
    (tmp_path / "x").touch()
    token = hfaas("space", "token", space, "--read-only")[1].strip()
    with closing(spaces.Space(Access.of({**access(hfaas, space), "token": token}))) as opened:
        assert opened.listing("") == []
        with pytest.raises(CliError, match="Permission denied"):
            opened.put(tmp_path / "x", "x", transfer.unseen)


def test_a_wrong_token_is_told_in_the_oneproviders_words(hfaas: Hfaas, space: str) -> None:
    opened = spaces.Space(Access.of({**access(hfaas, space), "token": "wrong"}))

    with pytest.raises(CliError, match=r"You must authenticate .* \(401\)"):
        opened.listing("")


def test_an_authority_that_cannot_be_read_is_no_traceback(hfaas: Hfaas, space: str) -> None:
    about = access(hfaas, space)

    with pytest.raises(CliError, match="cannot be trusted"):
        Oneprovider(Access.of({**about, "ca": "/nowhere/ca.pem"}))


def test_a_file_that_shrinks_on_the_way_fails_with_its_name(
    hfaas: Hfaas, space: str, endpoint: str, tmp_path: Path
) -> None:
    file = tmp_path / "x"
    file.write_bytes(bytes(600_000))

    def cut(_: int) -> None:
        file.write_bytes(b"")

    uploads = transfer.plan_uploads([file], Location(space, "x", ONEDATA))
    refused = pytest.raises(CliError, match=r"x could not be put at .* shorter meanwhile")
    with closing(Spaces(Emulator(endpoint))) as opened, refused:
        transfer.upload(opened, uploads, cut)


def test_without_an_emulator_it_says_so(hfaas: Hfaas) -> None:
    code, _, err = hfaas("space", "ls", "--endpoint", "http://127.0.0.1:9")

    assert code == 1
    assert "no emulator answers" in err
