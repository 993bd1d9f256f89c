from __future__ import annotations

import pytest

from hfaas_emulator.onedata import paths
from hfaas_emulator.onedata.errors import OnedataError


@pytest.mark.parametrize(
    ("raw", "found"),
    [
        (b"/a//b/", ("a", "b")),
        (b"/a%2Fb", ("a", "b")),
        (b"/a/./b", ("a", "b")),
        (b"/a+b", ("a+b",)),
        (b"/a%2541", ("a%41",)),
        ("/%C3%A4 ö".encode(), ("ä ö",)),
        (b"/...", ("...",)),
    ],
)
def test_a_path_is_decoded_once_and_split(raw: bytes, found: tuple[str, ...]) -> None:
    assert paths.segments(paths.decoded(raw)) == found


@pytest.mark.parametrize("raw", [b"/a/../b", b"/a/%2e%2e/b", b"/..%2fb", b"/a%00b", b"/%ff", b"/%ed%a0%80"])
def test_what_leads_astray_is_refused(raw: bytes) -> None:
    with pytest.raises(OnedataError, match="badValueFilePath"):
        paths.segments(paths.decoded(raw))


@pytest.mark.parametrize("path", ["ä" * 128, "a/" * 201, "/".join(["a" * 200] * 100)])
def test_what_is_too_long_is_refused(path: str) -> None:
    with pytest.raises(OnedataError) as refused:
        paths.segments(path)
    assert refused.value.errno == "enametoolong"
