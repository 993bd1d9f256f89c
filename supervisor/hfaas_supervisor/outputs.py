"""Uploads the results of one Item: what is found, which output takes it, under which key, in which order."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from hfaas_supervisor.errors import HfaasError, OutputFailed
from hfaas_supervisor.job import Job, Output
from hfaas_supervisor.limits import Limits
from hfaas_supervisor.stores import Place, Store, Stores, place
from hfaas_supervisor.stores.local import Result

AT_ONCE = 4
LARGE = 5 * 1024 * 1024
"""Files above go one after another, each in parallel parts, before the small ones: memory stays bounded."""


class Upload(NamedTuple):
    """One file on its way to one key."""

    result: Result
    store: Store
    key: str


class Naming(NamedTuple):
    """What keys are made of besides the file's own name."""

    request: str
    subfolder: str = ""
    failed: bool = False


def plan(results: Sequence[Result], job: Job, naming: Naming, stores: Stores) -> list[Upload]:
    """Choose for every output the files its filters take."""
    uploads = []
    for output in job.outputs:
        taken = [result for result in results if takes(output, result.name)]
        if not taken:
            continue
        target = place(job, output.provider, output.path)
        store = stores.of(target.kind, target.id, target.bucket)
        uploads += [Upload(result, store, key(output, target, result.name, naming)) for result in taken]
    return uploads


def takes(output: Output, name: str) -> bool:
    """Tell whether an output's filters take a file: several prefixes or suffixes are OR, both kinds together AND."""
    return _any(output.prefix, name, str.startswith) and _any(output.suffix, name, str.endswith)


def key(output: Output, target: Place, name: str, naming: Naming) -> str:
    """Return the key of a result."""
    if naming.failed:
        return f"{target.folder}.failed/{naming.request}/{name}"
    middle = {"mirror": naming.subfolder, "request": naming.request}.get(output.layout, "")
    return "/".join(part for part in (target.folder, middle, name) if part)


def send(
    uploads: Sequence[Upload], metadata: Mapping[str, str], limits: Limits, done: Callable[[Upload], None]
) -> None:
    """Upload everything or raise; the error lists what is visible by then."""
    visible: list[Upload] = []

    def one(upload: Upload) -> None:
        upload.store.send(upload.result, upload.key, metadata, limits)
        visible.append(upload)
        done(upload)

    large = [upload for upload in uploads if upload.result.size > LARGE]
    small = [upload for upload in uploads if upload.result.size <= LARGE]
    try:
        for upload in large:
            one(upload)
        _together(one, small)
    except HfaasError as error:
        raise _with_visible(error, visible) from None


def _together(one: Callable[[Upload], None], uploads: Sequence[Upload]) -> None:
    if len(uploads) < 2:
        for upload in uploads:
            one(upload)
        return
    from concurrent.futures import ThreadPoolExecutor  # late: costs 5 ms, and most results are one file

    with ThreadPoolExecutor(min(AT_ONCE, len(uploads))) as pool:
        running = [pool.submit(one, upload) for upload in uploads]
        try:
            for future in running:
                future.result()
        except HfaasError:
            pool.shutdown(wait=True, cancel_futures=True)
            raise


def _with_visible(error: HfaasError, visible: Sequence[Upload]) -> HfaasError:
    if not visible:
        return error
    urls = ", ".join(upload.store.url(upload.key) for upload in visible[:20])
    more = f" and {len(visible) - 20} more" if len(visible) > 20 else ""
    kind = type(error) if not isinstance(error, OutputFailed) else OutputFailed
    return kind(f"{error}; already visible: {urls}{more}")


def _any(patterns: Sequence[str], name: str, fits: Callable[[str, str], bool]) -> bool:
    return not patterns or any(_matches(pattern, name, fits) for pattern in patterns)


def _matches(pattern: str, name: str, fits: Callable[[str, str], bool]) -> bool:
    if not any(sign in pattern for sign in "*?["):
        return fits(name, pattern)
    from fnmatch import fnmatchcase  # late: plain text is the rule

    return fnmatchcase(name, pattern)
