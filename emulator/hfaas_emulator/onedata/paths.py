"""Paths of requests: decoded once, split, and checked; none of them ever becomes a path of this machine."""

from __future__ import annotations

from urllib.parse import quote, unquote_to_bytes

from hfaas_emulator.onedata.errors import bad_path, posix

NAME_LIMIT = 255
PATH_LIMIT = 16 << 10
DEPTH_LIMIT = 200


def decoded(raw: bytes) -> str:
    """Decode the percent signs of a request's path, once; OnedataError when it is no UTF-8."""
    try:
        return unquote_to_bytes(raw).decode()
    except UnicodeDecodeError as error:
        raise bad_path() from error


def segments(path: str) -> tuple[str, ...]:
    """Split a decoded path; OnedataError for what leads out of it, for NUL, and for what is too long."""
    found = tuple(part for part in path.split("/") if part not in ("", "."))
    if ".." in found or "\0" in path:
        raise bad_path()
    try:
        encoded = [part.encode() for part in found]
    except UnicodeEncodeError as error:  # half a surrogate pair, out of JSON
        raise bad_path() from error
    too_long = any(len(part) > NAME_LIMIT for part in encoded)
    if too_long or len(found) > DEPTH_LIMIT or sum(map(len, encoded)) > PATH_LIMIT:
        raise posix("enametoolong")
    return found


def name(text: str) -> str:
    """Check a single name; OnedataError when it is none."""
    if segments(text) != (text,):
        raise bad_path()
    return text


def quoted(path: str) -> str:
    """Return a path as it goes into a URL."""
    return quote(path, safe="/")


def space_and_id(text: str) -> tuple[str, str]:
    """Split `name@id`; the id is empty when the name stands alone."""
    space, _, identity = text.partition("@")
    return space, identity
