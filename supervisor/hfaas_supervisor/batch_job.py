"""The Batch way in: one Event for one Job, the log on stdout as it comes, the script's exit code as the Job's.

The Event is in EVENT, or in S3 under HFAAS_EVENT_URL when it was too long; a shell's stdin is never read. We are process
1 of the container: nobody else handles signals and nobody else collects orphans (script.py does).
"""

from __future__ import annotations

import os
import re

from hfaas_supervisor import start
from hfaas_supervisor.console import Console
from hfaas_supervisor.errors import BadEvent, HfaasError
from hfaas_supervisor.flow import Flow, Invocation
from hfaas_supervisor.limits import Limits
from hfaas_supervisor.stores.local import Staging

STDOUT = 1
OBJECT = re.compile(r"s3://(?P<bucket>[^/]+)/(?P<key>.+)", re.DOTALL)


def run() -> int:
    """Process the Job's Event and return the exit code."""
    limits = Limits(None)
    with limits.listening():
        console = Console(STDOUT)
        job = os.environ.get("AWS_BATCH_JOB_ID", "")
        request = os.environ.get("AWS_LAMBDA_REQUEST_ID") or job or start.new_request_id()
        attempt = os.environ.get("AWS_BATCH_JOB_ATTEMPT") or "1"
        console.line(f"JOB RequestId: {request} JobId: {job or '-'} Attempt: {attempt}")
        try:
            flow = start.flow("batch", STDOUT)
            limits.bound(start.time_limit(), flow.job.timeout_threshold)
            event = _event(flow, limits)
        except HfaasError as error:
            console.error(f"{error.type}: {error}")
            return error.code
        return _process(flow, Invocation(request, event, limits))


def _process(flow: Flow, invocation: Invocation) -> int:
    try:
        flow.run(invocation)
    except HfaasError as error:  # the Flow has logged it
        return error.code
    return 0


def _event(flow: Flow, limits: Limits) -> bytes:
    if text := os.environ.get("EVENT", ""):
        return os.fsencode(text)
    url = os.environ.get("HFAAS_EVENT_URL", "")
    return _fetched(url, flow, limits) if url else b"{}"


def _fetched(url: str, flow: Flow, limits: Limits) -> bytes:
    found = OBJECT.fullmatch(url)
    if found is None:
        raise BadEvent(f"HFAAS_EVENT_URL must be s3://bucket/key, not {url!r}")
    path = os.path.join(flow.root, f".hfaas-event-{os.getpid()}")
    try:
        with Staging(path, url) as staging:
            flow.stores.of("s3", "", found["bucket"]).fetch(found["key"], staging, limits)
        with open(path, "rb") as file:
            return file.read()
    except (HfaasError, OSError) as error:
        if limits.stopped:
            raise
        raise BadEvent(f"the Event cannot be fetched: {error}") from None
    finally:
        if os.path.exists(path):
            os.unlink(path)
