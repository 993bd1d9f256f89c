"""A failed invocation in words: which function on which object, why, and what its script said last."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from hfaas_tui.tally import Failure

SHOWN_LINES = 10
PLATFORM = (
    "START RequestId: ",
    "END RequestId: ",
    "REPORT RequestId: ",
    "SCRIPT RequestId: ",
    "UPLOAD RequestId: ",
    "DELEGATED RequestId: ",
    "JOB RequestId: ",
)
OF_SUPERVISOR = re.compile(r" ERROR - (?P<type>Hfaas\.\w+): (?P<message>.*)")
LAST_OUTPUT = "\nlast output:\n"
"""What divides the supervisor's sentence from the script's last lines."""


def explanation(failure: Failure, log: Sequence[str]) -> str:
    """Return the failure in a sentence and, below it, the last lines of its script."""
    failure = _told_by_supervisor(failure, log) if failure.job else failure
    sentence, _, quoted = failure.message.partition(LAST_OUTPUT)
    about = f" on {failure.cause}" if failure.cause else ""
    if failure.cause:
        sentence = sentence.replace(about, "", 1)
    kind = f" ({failure.error_type})" if failure.error_type else ""
    said = quoted.rstrip().splitlines() or _script_lines(failure, log)
    return "\n".join(
        (f"{failure.function}{about}: {sentence}{kind}", *(f"  | {line}" for line in said[-SHOWN_LINES:]))
    )


def _told_by_supervisor(failure: Failure, log: Sequence[str]) -> Failure:
    """Batch knows no more of a failed job than its exit code; our supervisor's last words in its log do."""
    for number in range(len(log) - 1, -1, -1):
        if found := OF_SUPERVISOR.search(log[number]):
            message = "\n".join((found["message"], *log[number + 1 :]))
            return replace(failure, error_type=f"{found['type']}, job {failure.job}", message=message)
    return failure


def _script_lines(failure: Failure, log: Sequence[str]) -> list[str]:
    """Keep what the script said: not the platform's lines, nor the failure once more."""
    told = failure.message.splitlines()[:1]
    return [line for line in log if not line.startswith(PLATFORM) and not any(each in line for each in told)]
