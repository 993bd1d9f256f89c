"""What may be called what: the rules of S3 for buckets, in words."""

from __future__ import annotations

import re

_ADDRESS = re.compile(r"\d+\.\d+\.\d+\.\d+")
_BEGINNINGS = ("xn--", "sthree-", "amzn-s3-demo-")
_ENDS = ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3")


def bucket_problem(name: str) -> str:
    """Return why S3 would not have a bucket of this name; empty when it would."""
    if not 3 <= len(name) <= 63:
        return f"a bucket's name has 3 to 63 characters, and this has {len(name)}"
    wrong = next((char for char in name if not re.fullmatch("[a-z0-9.-]", char)), "")
    if wrong:
        what = "a capital" if wrong.isupper() else "a blank" if wrong.isspace() else f"a {wrong}"
        return f"a bucket's name has small letters, digits, dots and hyphens only, and this has {what}"
    if not (name[0].isalnum() and name[-1].isalnum()):
        return "a bucket's name begins and ends with a letter or a digit"
    if ".." in name:
        return "a bucket's name has no two dots in a row"
    if _ADDRESS.fullmatch(name):
        return "a bucket's name must not look like an IP address"
    kept = next((each for each in _BEGINNINGS if name.startswith(each)), "")
    kept = kept or next((each for each in _ENDS if name.endswith(each)), "")
    return f"AWS keeps names with {kept} for itself" if kept else ""


def space_problem(name: str) -> str:
    """Return why Onedata would not have a space of this name; empty when it would."""
    if not 2 <= len(name) <= 50:
        return f"a space's name has 2 to 50 characters, and this has {len(name)}"
    if not re.fullmatch(r"\w(?:[\w .()-]*[\w.)])", name):
        return "a space's name has letters, digits, blanks, hyphens, dots and brackets, and begins with a letter or digit"
    return ""


def folder_problem(name: str) -> str:
    """Return why a folder cannot have this name; empty when it can."""
    if not name.strip("/"):
        return "a folder needs a name"
    if any(part in {"", ".", ".."} for part in name.strip("/").split("/")):
        return "a folder's name has no empty part and no . or .. in it"
    if not name.isprintable():
        return "a folder's name has no control characters"
    return "" if len(name.encode("utf-8", "replace")) < 900 else "a folder's name has at most 900 bytes"


def place_problem(uri: str) -> str:
    """Return why a bucket or a space cannot have this address; empty when it can."""
    scheme, _, name = uri.partition("://")
    if scheme == "s3":
        return bucket_problem(name)
    return space_problem(name) if scheme == "onedata" else "it begins with s3:// or onedata://"
