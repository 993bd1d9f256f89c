from __future__ import annotations

import pytest

from hfaas_supervisor.errors import ScriptTimeout, Stopped
from hfaas_supervisor.limits import Limits


@pytest.mark.parametrize(
    ("seconds", "asked", "threshold", "grace"),
    [
        (300, 10, 10, 2),  # as asked
        (300, 200, 60, 2),  # at most a fifth
        (20, 10, 4, 2),
        (300, 0, 1, 2 / 3),  # at least a second
        (3, 10, 1, 2 / 3),
        (1, 10, 0.5, 1 / 3),  # but never more than half
    ],
)
def test_the_threshold_is_clamped_and_divided(seconds: float, asked: float, threshold: float, grace: float) -> None:
    limits = Limits(seconds, asked)
    assert (limits.threshold, limits.grace) == pytest.approx((threshold, grace))


@pytest.mark.parametrize(("seconds", "grace"), [(300, 2), (10, 2 / 3), (3, 1 / 3)])
def test_a_submission_to_batch_has_time_of_its_own(seconds: float, grace: float) -> None:
    limits = Limits(seconds, hands_over=True)
    assert limits.grace == pytest.approx(grace)
    assert limits.threshold - limits.grace >= 2 / 3 - 1e-9


@pytest.mark.parametrize(("seconds", "left"), [(300, 1.2), (10, 1.2), (3, 2 / 3), (1, 1 / 3)])
def test_an_upload_that_hangs_leaves_the_submission_its_time(seconds: float, left: float) -> None:
    limits = Limits(seconds, hands_over=True)
    assert limits.end is not None
    assert limits.submit_at is not None
    assert limits.upload_end is not None
    assert limits.end - limits.submit_at == pytest.approx(left)
    assert limits.upload_end <= limits.submit_at


def test_transfers_end_before_the_answer_must_be_out() -> None:
    limits = Limits(30)
    assert limits.end is not None
    assert limits.script_end is not None
    assert limits.upload_end is not None
    assert limits.script_end + limits.grace < limits.upload_end < limits.end
    assert limits.end - limits.upload_end == pytest.approx(2)


def test_without_a_limit_nothing_ends() -> None:
    limits = Limits(None)
    limits.check("working")
    assert limits.script_end is None


def test_what_is_over_says_what_it_was_doing() -> None:
    with pytest.raises(ScriptTimeout, match="while uploading x"):
        Limits(0).check("uploading x")


def test_a_stop_goes_before_everything() -> None:
    limits = Limits(0)
    limits.stopped = True
    with pytest.raises(Stopped):
        limits.check("uploading x")
