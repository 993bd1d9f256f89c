"""Refusals in Onedata's words; they become answers in `server.py` and nowhere else."""

from __future__ import annotations

import errno
import sqlite3
from typing import Any

from starlette.responses import Response

from hfaas_emulator.onedata.answers import json_response

_DESCRIPTIONS = {
    "enoent": "No such file or directory.",
    "eexist": "File already exists.",
    "enotdir": "Not a directory.",
    "eisdir": "Is a directory.",
    "enotempty": "Directory not empty.",
    "eacces": "Permission denied.",
    "eperm": "Operation not permitted.",
    "einval": "Invalid argument.",
    "enospc": "No space left on device.",
    "enodata": "No data available.",
    "enametoolong": "File name too long.",
    "eloop": "Too many levels of symbolic links.",
    "enotsup": "Operation not supported.",
    "eio": "Input/output error.",
}


class OnedataError(Exception):
    """An answer that is no success: HTTP status, Onedata's error id, a sentence, details."""

    def __init__(self, status: int, id: str, description: str, **details: Any) -> None:
        super().__init__(f"{id}: {description}")
        self.status = status
        self.id = id
        self.description = description
        self.details = details

    @property
    def errno(self) -> str:
        """Return the POSIX name of the error, or nothing."""
        return str(self.details.get("errno", ""))

    def response(self) -> Response:
        """Return the answer; what the client still sends is read and dropped by the server."""
        error: dict[str, Any] = {"id": self.id, "description": self.description}
        if self.details:
            error["details"] = self.details
        return json_response({"error": error}, self.status)


class Redirect(Exception):
    """The thing is at another address."""

    def __init__(self, location: str) -> None:
        super().__init__(location)
        self.location = location


class Unanswerable(Exception):
    """The client went away, or sends nothing any more."""


def posix(errno: str) -> OnedataError:
    """Refuse as the file system would."""
    return OnedataError(400, "posix", f"Operation failed with POSIX error: {_DESCRIPTIONS[errno]}", errno=errno)


def missing(key: str) -> OnedataError:
    """Refuse a request that lacks a value."""
    return OnedataError(400, "missingRequiredValue", f"Missing required value: {key}.", key=key)


def bad(id: str, key: str, description: str, **details: Any) -> OnedataError:
    """Refuse a value; `id` is without its prefix, as `Integer` of `badValueInteger`."""
    return OnedataError(400, f"badValue{id}", f'Bad value: provided "{key}" {description}.', key=key, **details)


def malformed(description: str = "Provided data could not be understood by the server.") -> OnedataError:
    """Refuse a body that cannot be read."""
    return OnedataError(400, "malformedData", description)


def bad_path(description: str = "Bad value: provided path cannot be understood by the server.") -> OnedataError:
    """Refuse a path that is none."""
    return OnedataError(400, "badValueFilePath", description)


def not_found(description: str = "The resource could not be found.") -> OnedataError:
    """Refuse where REST knows no POSIX error: routes, metadata, CDMI, legacy."""
    return OnedataError(404, "notFound", description)


def forbidden() -> OnedataError:
    """Refuse what the token's owner may not see."""
    return OnedataError(403, "forbidden", "You are not authorized to perform this operation.")


def unauthorized(auth: str = "") -> OnedataError:
    """Refuse a request without a token, or with one that is not ours."""
    described = "You must authenticate yourself to perform this operation."
    if not auth:
        return OnedataError(401, "unauthorized", described)
    error = {"id": auth, "description": "Provided token is not valid."}
    return OnedataError(401, "unauthorized", described, authError=error)


def failed(error: Exception) -> OnedataError:
    """Return the answer for what went wrong here: a full disk is the client's business, the rest is ours."""
    full = isinstance(error, sqlite3.OperationalError) and "full" in str(error)
    if full or (isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)):
        return posix("enospc")
    return OnedataError(500, "internalServerError", "The server has encountered an error.")
