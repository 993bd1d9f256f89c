"""Which requests for AWS Batch are about jobs; the others are about records, which moto keeps."""

from __future__ import annotations

import re
from urllib.parse import unquote

ACTIONS = ("submitjob", "describejobs", "listjobs", "canceljob", "terminatejob", "getjobqueuesnapshot")
_CALL = re.compile(rf"/+v1/+({'|'.join(ACTIONS)})/*")
_TAGS = re.compile(r"/+v1/+tags/+(arn:[^/]+:batch:[^/]+:job/[^/]+)/*")


def action_of(path: str) -> str:
    """Return which of the actions a path names, or nothing."""
    found = _CALL.fullmatch(unquote(path))
    return found.group(1) if found else ""


def tagged(path: str) -> str:
    """Return the ARN of the job whose tags a path names, or nothing."""
    found = _TAGS.fullmatch(unquote(path))
    return found.group(1) if found else ""


def is_about_jobs(path: str) -> bool:
    """Tell whether moto has nothing to say to a path."""
    return bool(action_of(path) or tagged(path))
