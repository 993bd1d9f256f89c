"""Drives unmodified packages of others against a Oneprovider; run by their own interpreter.

`python upstream.py NAME` with HOST, TOKEN, SPACE, CA in the environment; the assertions are the test.
"""

from __future__ import annotations

import importlib
import os
import pathlib
import sys
import tempfile
import types
from typing import Any

HOST, TOKEN, SPACE, CA = (os.environ.get(key, "") for key in ("HOST", "TOKEN", "SPACE", "CA"))
NAMES = ["blank in name", "ünïcode ✓", "plus+and&semi;", "quo'te\"d", "at@sign"]


def module(name: str) -> Any:
    """Import one of theirs: type checkers of ours do not know it."""
    return importlib.import_module(name)


def rest_client() -> Any:
    return module("onedatafilerestclient").OnedataFileRESTClient(HOST, TOKEN, verify_ssl=CA)


def client() -> None:
    """Use every method of onedatafilerestclient."""
    refused = module("onedatafilerestclient").OnedataRESTError
    c = rest_client()
    (space,) = [name for name in c.list_spaces() if name.partition("@")[0] == SPACE]
    assert c.get_space_id(space)
    made = c.create_file(space, "a/b/c.bin", create_parents=True, mode=0o640)
    assert c.get_file_id(space, file_path="a/b/c.bin") == made
    c.put_file_content(space, b"hello world", file_path="a/b/c.bin")
    c.put_file_content(space, b"HELLO", offset=0, file_id=made)
    assert c.get_file_content(space, file_id=made) == b"HELLO world"
    assert c.get_file_content(space, offset=6, size=3, file_path="a/b/c.bin") == b"wor"
    c.put_file_content(space, iter([b"in ", b"pieces"]), file_id=made)  # chunked
    assert b"".join(c.iter_file_content(space, chunk_size=4, file_id=made)) == b"in pieces"
    attributes = c.get_attributes(space, file_id=made)
    assert (attributes["size"], attributes["type"], attributes["posixPermissions"]) == (9, "REG", "640")
    assert c.get_attributes(space, file_id=made, attributes=["path", "size"]) == {
        "path": f"/{SPACE}/a/b/c.bin",
        "size": 9,
    }
    c.set_attributes(space, {"mode": "0600"}, file_id=made)
    assert c.get_attributes(space, file_id=made)["posixPermissions"] == "600"
    c.set_extended_attribute(space, {"license": "CC-0"}, file_id=made)
    assert c.get_extended_attribute(space, file_id=made) == {"license": "CC-0"}
    assert c.get_attributes(space, file_id=made, attributes=["xattr.license"]) == {"xattr.license": "CC-0"}
    c.set_json_metadata(space, {"a": {"b": 1}}, file_id=made)
    assert c.get_json_metadata(space, file_id=made) == {"a": {"b": 1}}
    c.set_rdf_metadata(space, "<rdf/>", file_id=made)
    assert c.get_rdf_metadata(space, file_id=made) == "<rdf/>"
    for name in NAMES:
        c.create_file(space, f"names/{name}", create_parents=True)
    listed, token = [], None
    while True:
        page = c.list_children(space, file_path="names", limit=2, continuation_token=token)
        listed += [each["name"] for each in page["children"]]
        token = page["nextPageToken"]
        if page["isLast"]:
            break
    assert sorted(listed) == sorted(NAMES), listed
    c.move(space, "a/b", space, "moved")
    assert c.get_file_content(space, file_path="moved/c.bin") == b"in pieces"
    c.remove(space, file_path="moved")
    for missing in ("moved", "names/x/y"):
        try:
            c.get_file_id(space, file_path=missing)
        except refused as error:
            assert (error.http_code, error.category, error.details) == (400, "posix", {"errno": "enoent"})
        else:
            raise AssertionError(missing)


def filesystem() -> None:
    """Use fs.onedatarestfs as any other file system."""
    with module("fs.onedatarestfs").OnedataRESTFS(HOST, TOKEN, SPACE, verify_ssl=CA) as files:
        files.makedir("d")
        with files.openbin("d/a", "w") as out:
            out.write(b"line one\nline two\n")
        with files.openbin("d/a") as found:
            assert found.read(8) == b"line one"
            found.seek(9)
            assert found.read() == b"line two\n"
        with files.openbin("d/a", "a") as out:
            out.write(b"more")
        assert files.getsize("d/a") == 22
        assert files.listdir("d") == ["a"]
        assert files.exists("d/a")
        assert not files.exists("d/b")
        assert files.isdir("d")
        assert files.getinfo("d/a", ["basic", "details"]).name == "a"
        files.writetext("d/t", "text")
        assert files.readtext("d/t") == "text"
        files.move("d/a", "d/b", overwrite=True)
        assert {each.name for each in files.scandir("d")} == {"b", "t"}
        for error, path in ((Exception, "d/none/x"), (Exception, "nothing")):
            try:
                files.openbin(path)
            except error as raised:
                assert type(raised).__name__ == "ResourceNotFound", repr(raised)
            else:
                raise AssertionError(path)
        files.remove("d/b")
        files.remove("d/t")
        files.removedir("d")
        assert files.listdir("/") == []


def supervisor() -> None:
    """Use the Onedata provider of faas-supervisor."""
    credentials = {"space": SPACE, "oneprovider_host": HOST, "token": TOKEN}
    auth = types.SimpleNamespace(get_credential=credentials.get)
    provider = module("faassupervisor.storage.providers.onedata").Onedata(auth)
    with tempfile.TemporaryDirectory() as folder:
        for name, content in (("r.txt", b"x" * 100_000), ("empty", b"")):
            (pathlib.Path(folder) / name).write_bytes(content)
            provider.upload_file(f"{folder}/{name}", name, "out/deep/er")
            event = types.SimpleNamespace(object_key=f"/{SPACE}/out/deep/er/{name}", file_name=f"back-{name}")
            back = provider.download_file(event, folder)
            assert pathlib.Path(back).read_bytes() == content


if __name__ == "__main__":
    {"client": client, "filesystem": filesystem, "supervisor": supervisor}[sys.argv[1]]()
