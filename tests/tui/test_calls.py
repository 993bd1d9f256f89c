from __future__ import annotations

from typing import Any

import pytest

from hfaas_tui.cli.calls import delegated_to


@pytest.mark.parametrize(
    ("answer", "job"),
    [
        ({"statusCode": 202, "headers": {"hfaas-job-id": "j"}, "body": "Job delegated to batch."}, "j"),
        ({"statusCode": 200, "headers": {"hfaas-job-id": "j"}}, ""),
        ({"statusCode": 202, "headers": {}}, ""),
        ({"statusCode": 202}, ""),
        ({"statusCode": 202, "headers": "text"}, ""),
        ([202], ""),
        ("202", ""),
        (None, ""),
    ],
)
def test_only_the_answer_of_our_supervisor_names_a_job(answer: Any, job: str) -> None:
    assert delegated_to(answer) == job
