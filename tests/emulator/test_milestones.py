from __future__ import annotations

import pytest

from hfaas_emulator.milestones import Milestone, milestone
from hfaas_emulator.trace import What

SAID = {
    "SCRIPT RequestId: r Item: 2 Start\n": Milestone("r", What.SCRIPT_STARTED, {"item": 2}),
    "SCRIPT RequestId: r Item: 2 Exit: -9 Duration: 1.5 ms\n": Milestone(
        "r", What.SCRIPT_ENDED, {"item": 2, "exit": -9, "duration_ms": 1.5}
    ),
    "UPLOAD RequestId: r Url: s3://b/a b Bytes: 7": Milestone(
        "r", What.OUTPUT_UPLOADED, {"url": "s3://b/a b", "bytes": 7}
    ),
    "DELEGATED RequestId: r JobId: j Cause: 3 s were left of 10 s\n": Milestone(
        "r", What.INVOCATION_DELEGATED, {"job": "j", "cause": "3 s were left of 10 s"}
    ),
    "DELEGATED RequestId: r JobId: j Cause: out of memory after 1.5 s\n": Milestone(
        "r", What.INVOCATION_DELEGATED, {"job": "j", "cause": "out of memory", "seconds": 1.5}
    ),
    "JOB RequestId: r JobId: j:3 Attempt: 2\n": Milestone("r", None),
}


@pytest.mark.parametrize("line", SAID)
def test_a_milestone_is_read(line: str) -> None:
    assert milestone(line) == SAID[line]


@pytest.mark.parametrize(
    "line", ["", "SCRIPT\n", "UPLOAD done\n", "a SCRIPT RequestId: r Item: 2 Start\n", "JOB lot\n"]
)
def test_other_lines_are_no_milestones(line: str) -> None:
    assert milestone(line) is None
