"""Reads what this container is told once, at its start."""

from __future__ import annotations

import os

from hfaas_supervisor import layer, stores
from hfaas_supervisor.console import Console
from hfaas_supervisor.errors import ConfigError
from hfaas_supervisor.flow import Flow
from hfaas_supervisor.job import MODES, Job


def flow(leg: str, fd: int) -> Flow:
    """Return the Flow of this container; ConfigError when it cannot work."""
    job = _job()
    stores.check(job)
    return Flow(job, layer.read(), leg, Console(fd, job.log_level))


def time_limit() -> float | None:
    """Return the seconds that HFAAS_JOB_TIMEOUT gives, where nobody else has a deadline."""
    text = os.environ.get("HFAAS_JOB_TIMEOUT", "")
    try:
        return float(text) if text else None
    except ValueError:
        raise ConfigError(f"HFAAS_JOB_TIMEOUT must be a number of seconds, not {text!r}") from None


def new_request_id() -> str:
    """Return a fresh id, for an Event that nobody gave one."""
    digits = os.urandom(16).hex()
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def _job() -> Job:
    text = os.environ.get("FUNCTION_CONFIG") or os.environ.get("FDL")
    if not text:
        if os.environ.get("AWS_LAMBDA_RUNTIME_API"):
            raise ConfigError("FUNCTION_CONFIG is not set; deploy the Function with hfaas")
        job = Job(os.environ.get("AWS_LAMBDA_FUNCTION_NAME") or "function")
    else:
        job = Job.decode(text)
    return _overridden(job)


def _overridden(job: Job) -> Job:
    level = os.environ.get("LOG_LEVEL") or job.log_level
    mode = os.environ.get("EXECUTION_MODE") or job.execution_mode
    if mode not in MODES:
        raise ConfigError(f"EXECUTION_MODE must be one of {', '.join(MODES)}, not {mode!r}")
    threshold = os.environ.get("TIMEOUT_THRESHOLD", "")
    try:
        seconds = float(threshold) if threshold else job.timeout_threshold
    except ValueError:
        raise ConfigError(f"TIMEOUT_THRESHOLD must be a number of seconds, not {threshold!r}") from None
    return job._replace(log_level=level, execution_mode=mode, timeout_threshold=seconds)
