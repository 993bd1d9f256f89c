"""Which failures move work from Lambda to Batch, and what is moved without trying.

An ordinary failure never moves: in Batch the same bug would only cost an instance.
"""

from __future__ import annotations

from collections.abc import Sequence

from hfaas_supervisor import environment
from hfaas_supervisor.errors import HfaasError, NoSpace, ScriptFailed, ScriptOutOfMemory, ScriptTimeout
from hfaas_supervisor.events import Item
from hfaas_supervisor.job import Job

ELSEWHERE = 75
"""EX_TEMPFAIL: a script ends with it to say "not here"."""

FAILURES = ((ScriptTimeout, "time"), (ScriptOutOfMemory, "memory"), (NoSpace, "space"))


class Moved(Exception):
    """What is left of an invocation belongs into a Job; `why` says it to whoever reads the log."""

    def __init__(self, cause: str, items: Sequence[Item], why: str) -> None:
        super().__init__(cause)
        self.cause, self.items, self.why = cause, tuple(items), why


def may_move(job: Job, leg: str) -> bool:
    """Tell whether this container can hand its work over: a Job cannot, nor one that runs a single Event."""
    return leg == "lambda" and job.execution_mode != "lambda"


def at_once(job: Job, leg: str) -> tuple[str, str]:
    """Return the cause for which the script shall not even start here, and its words, or two empty texts."""
    if not may_move(job, leg):
        return "", ""
    if job.execution_mode == "batch":
        return "mode", "execution_mode is batch: the script runs in a Job only"
    if "gpu" in job.delegate and job.wants_gpu and environment.gpus() == 0:
        return "gpu", "batch.enable_gpu is set and there is no GPU here"
    return "", ""


def of(error: HfaasError, job: Job, leg: str) -> str:
    """Return the cause that a failure is, or an empty text when it stays a failure."""
    name = _name(error)
    return name if may_move(job, leg) and name in job.delegate else ""


def _name(error: HfaasError) -> str:
    if isinstance(error, ScriptFailed):
        return "exit" if error.code == ELSEWHERE else ""
    return next((name for kind, name in FAILURES if isinstance(error, kind)), "")
