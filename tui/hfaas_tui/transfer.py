"""Files into storages and back; names from a storage never lead out of the directory they are meant for."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Protocol

from hfaas_tui import aws
from hfaas_tui.errors import CliError, UsageError
from hfaas_tui.location import Location

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PARALLEL = 8

Moved = Callable[[int], None]
"""Is told how many more bytes have moved, from any thread."""


def client(endpoint: str, service: str) -> Any:
    """Return a boto3 client of an emulator's service; its credentials are made up, as the emulator wants."""
    import boto3
    from botocore.config import Config

    config = Config(max_pool_connections=2 * PARALLEL, retries={"max_attempts": 2}, read_timeout=930)
    return boto3.client(
        service,  # type: ignore[call-overload]
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",  # noqa: S106
        config=config,
    )


def s3(endpoint: str) -> S3Client:
    """Return a client of an emulator's S3."""
    made: S3Client = client(endpoint, "s3")
    return made


@dataclass(frozen=True, slots=True)
class Upload:
    """A file and where it goes."""

    file: Path
    to: Location


@dataclass(frozen=True, slots=True)
class Found:
    """A file of a listing; `relative` is its name below what was asked for."""

    at: Location
    relative: str
    size: int


class Storage(Protocol):
    """What holds files: buckets, or spaces."""

    def put(self, file: Path, to: Location, moved: Moved) -> None:
        """Copy a file into it."""

    def listing(self, place: Location) -> list[Found]:
        """List the file at a place, or everything below it."""

    def get(self, at: Location, target: Path, moved: Moved) -> None:
        """Copy out of it to a file."""

    def close(self) -> None:
        """Let go of connections."""


class Buckets:
    """S3 as a storage."""

    def __init__(self, client: S3Client) -> None:
        self._client = client

    def put(self, file: Path, to: Location, moved: Moved) -> None:
        self._client.upload_file(str(file), to.bucket, to.key, Callback=moved)

    def listing(self, place: Location) -> list[Found]:
        return listing(self._client, place)

    def get(self, at: Location, target: Path, moved: Moved) -> None:
        self._client.download_file(at.bucket, at.key, str(target), Callback=moved)

    def close(self) -> None:
        self._client.close()


def plan_uploads(files: Iterable[Path], target: Location) -> list[Upload]:
    """Pair files, and every file below folders, with their objects; UsageError for what cannot be read."""
    files = list(files)
    folder = target.key.endswith("/") or not target.key or len(files) > 1 or any(file.is_dir() for file in files)
    prefix = target.key.strip("/") + "/" if folder and target.key.strip("/") else ""
    uploads = []
    for file, relative in _below(files):
        key = prefix + relative if folder else target.key
        uploads.append(Upload(file, replace(target, key=key)))
    return uploads


def _below(files: Iterable[Path]) -> Iterator[tuple[Path, str]]:
    for file in files:
        if file.is_dir():
            inside = sorted(_tree(file))
            if not inside:
                raise UsageError(f"{file} has no files in it")
            for path in inside:
                yield _readable(path), path.relative_to(file).as_posix()
        else:
            yield _readable(file), file.name


def _tree(folder: Path) -> Iterator[Path]:
    """Yield everything below a folder that is none itself; nothing is left out in silence."""

    def refuse(error: OSError) -> None:
        raise UsageError(f"{error.filename}: {error.strerror}", "check its permissions") from error

    for place, folders, names in os.walk(folder, onerror=refuse):
        for name in folders:
            if (path := Path(place, name)).is_symlink():
                raise UsageError(
                    f"{path} is a link to a folder", "name the folder it leads to as an input of its own"
                )
        yield from (Path(place, name) for name in names)


def _readable(file: Path) -> Path:
    try:
        str(file).encode()
    except UnicodeEncodeError:
        raise UsageError(f"{str(file)!r} is no UTF-8 name, and names in storages must be", "rename it") from None
    if file.is_symlink() and not file.exists():
        raise UsageError(f"{file} is a link that leads nowhere")
    if not file.exists():
        raise UsageError(f"{file} does not exist")
    if not file.is_file():
        raise UsageError(f"{file} is no regular file")
    if not os.access(file, os.R_OK):
        raise UsageError(f"{file} cannot be read", "check its permissions")
    return file


def unseen(_: int) -> None:
    """Take the number of bytes that moved, and show nobody."""


def upload(storage: Storage, uploads: Sequence[Upload], moved: Moved = unseen) -> list[str]:
    """Copy files into a storage, several at once; returns where they are, in order."""

    def one(upload: Upload) -> str:
        with _told(f"{upload.file} could not be put at {upload.to}"):
            storage.put(upload.file, upload.to, moved)
        return str(upload.to)

    with ThreadPoolExecutor(PARALLEL) as pool:
        return list(pool.map(one, uploads))


@contextmanager
def _told(what: str) -> Iterator[None]:
    """Turn what a client or the disk says into one sentence that begins with `what`."""
    try:
        yield
    except CliError as error:
        raise CliError(f"{what}: {error.message}", error.hint) from error
    except OSError as error:
        raise CliError(f"{what}: {error.strerror or error}") from error
    except Exception as error:
        reason = aws.words(error)
        if reason is None:
            raise
        raise CliError(f"{what}: {reason[0]}", reason[1]) from error


def listing(client: S3Client, place: Location) -> list[Found]:
    """List the object at a place in S3, or everything below it."""
    found = []
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=place.bucket, Prefix=place.key):
        for entry in page.get("Contents", ()):
            key = entry["Key"]
            inside = not place.key or key == place.key or key.startswith(place.key.rstrip("/") + "/")
            if inside and not key.endswith("/"):
                relative = PurePosixPath(key).name if key == place.key else key[len(place.key.rstrip("/")) :]
                found.append(Found(Location(place.bucket, key), relative.lstrip("/"), entry["Size"]))
    return found


def download(storage: Storage, found: Sequence[Found], directory: Path, moved: Moved = unseen) -> list[Path]:
    """Copy to files below a directory, several at once; CliError for a name that would lead out of it."""
    return copy(storage, found, [_inside(directory, each.relative) for each in found], moved)


def copy(storage: Storage, found: Sequence[Found], targets: Sequence[Path], moved: Moved = unseen) -> list[Path]:
    """Copy each to its file, several at once; returns the files. CliError."""

    def one(pair: tuple[Found, Path]) -> Path:
        each, target = pair
        with _told(f"{each.at} could not be copied to {target}"):
            target.parent.mkdir(parents=True, exist_ok=True)
            storage.get(each.at, target, moved)
        return target

    with ThreadPoolExecutor(PARALLEL) as pool:
        return list(pool.map(one, zip(found, targets, strict=True)))


def plan_downloads(found: Sequence[Found], place: Location, target: str) -> list[Path]:
    """Pair what was found at a place with files, as cp does; CliError or UsageError for what cannot be.

    One file becomes `target`, unless that is a folder or ends in `/`; whatever lies below a folder goes into one.
    """
    at = Path(target)
    is_one = len(found) == 1 and found[0].at.key.strip("/") == place.key.strip("/")
    if is_one and not at.is_dir() and not target.endswith("/"):
        return [at]
    if at.exists() and not at.is_dir():
        raise UsageError(f"{at} is no folder", f"{place} is one: name a folder for what is in it")
    return [_inside(at, each.relative) for each in found]


def _inside(directory: Path, relative: str) -> Path:
    parts = PurePosixPath(relative).parts
    if not parts or relative.startswith("/") or any(part in {"..", "."} or "\0" in part for part in parts):
        raise CliError(f"the name {relative!r} cannot be a file below {directory}")
    return directory.joinpath(*parts)
