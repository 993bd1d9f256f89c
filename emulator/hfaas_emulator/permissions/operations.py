"""What a request to a REST service is called: by method and path, from botocore's descriptions."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

INVOKED = {"Invoke", "InvokeAsync", "InvokeWithResponseStream"}
"""Operations of Lambda that are one action."""

JOBS = {
    name.lower(): name
    for name in ("SubmitJob", "DescribeJobs", "ListJobs", "CancelJob", "TerminateJob", "GetJobQueueSnapshot")
}
_RPC = re.compile(r"/service/[^/]+/operation/(\w+)/?")
_BATCH = re.compile(r"/+v1/+(\w+)/*")
_LABEL = re.compile(r"\\\{([^}+]+)(\+?)\\\}")


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of a REST service; `path` fits the path without its query, `constant` is text that the query has."""

    name: str
    method: str
    path: re.Pattern[str]
    constant: str = ""


async def name_of(service: str, method: str, path: str, query: str) -> str:
    """Return the operation's name; nothing when none is known. The first question about a service takes a thread."""
    if found := _RPC.fullmatch(path):
        return found[1]
    if service == "batch" and (job := _BATCH.fullmatch(path)) and job[1] in JOBS:
        return JOBS[job[1]]
    known = _known.get(service)
    if known is None:
        known = _known[service] = await asyncio.to_thread(operations, service)
    for each in known:
        if each.method == method and each.path.fullmatch(path) and each.constant in query:
            return "InvokeFunction" if service == "lambda" and each.name in INVOKED else each.name
    return ""


_known: dict[str, tuple[Operation, ...]] = {}


@cache
def operations(service: str) -> tuple[Operation, ...]:
    """Read the operations of a service (as it is signed for), the more exact paths first; blocks for 0.1 s."""
    document = _description(service)
    if document is None or not str(document["metadata"].get("protocol", "")).startswith("rest"):
        return ()
    found = [_operation(name, given["http"]) for name, given in document["operations"].items()]
    return tuple(sorted(found, key=lambda each: (-len(each.constant), -_exactness(each.path.pattern))))


def _exactness(pattern: str) -> int:
    return len(pattern) - 100 * pattern.count("(?:")


def _operation(name: str, http: dict[str, Any]) -> Operation:
    path, _, query = str(http["requestUri"]).partition("?")
    labelled = _LABEL.sub(lambda label: "(?:.+)" if label[2] else "(?:[^/]+)", re.escape(path.rstrip("/")))
    return Operation(name, str(http["method"]), re.compile(f"{labelled}/?"), query)


def _description(service: str) -> Any:
    import botocore

    from hfaas_emulator.service_models import Terse

    folder = Path(botocore.__file__).parent / "data" / service
    versions = sorted(each for each in folder.iterdir() if each.is_dir()) if service and folder.is_dir() else []
    return Terse().load_file(str(versions[-1] / "service-2")) if versions else None
