"""The routes that upstream's OneTrigger needs."""

from __future__ import annotations

import pytest
from tests.emulator.onedata.lab import Client


def test_a_directory_lists_absolute_paths(client: Client) -> None:
    name = client.about["name"]
    client.folder("in")
    client.put("in/b")
    client.put("in/a")
    found = client.op("GET", f"files//{name}/in").json
    assert [each["path"] for each in found] == [f"/{name}/in/a", f"/{name}/in/b"]
    assert found[0]["id"] == client.id("in/a")


def test_a_file_lists_itself(client: Client) -> None:
    client.put("a")
    found = client.op("GET", f"files/{client.about['name']}/a").json
    assert found == [{"id": client.id("a"), "path": f"/{client.about['name']}/a"}]


@pytest.mark.parametrize(("path", "kind", "mode"), [("in", "dir", "0775"), ("in/a", "reg", "0664")])
def test_attributes_tell_what_a_path_is(client: Client, path: str, kind: str, mode: str) -> None:
    client.folder("in")
    client.put("in/a", b"12345")
    found = client.op("GET", f"attributes/{client.about['name']}/{path}").json
    assert (found["type"], found["mode"], found["file_id"]) == (kind, mode, client.id(path))


@pytest.mark.parametrize("route", ["files", "attributes", "metadata/attrs"])
def test_a_missing_path_is_404_here(client: Client, route: str) -> None:
    assert client.op("GET", f"{route}/{client.about['name']}/no").status == 404
    assert client.op("GET", f"{route}/no-space/a").status == 404
