"""Whether a request is signed, and whether a presigned one comes in time; signatures themselves are not verified."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from hfaas_emulator.errors import AwsError

WEEK_S = 604_800
DATE = "%Y%m%dT%H%M%SZ"

Query = Mapping[str, Sequence[str]]


def is_signed(headers: Mapping[str, str], query: Query) -> bool:
    """Tell whether somebody signed a request, in its headers or in its address."""
    return "authorization" in headers or _is_new(query) or _is_old(query)


def check_time(query: Query, now: float) -> None:
    """Refuse a presigned request whose time is over; AwsError."""
    if _is_new(query):
        end = _signed_at(query) + _seconds(query)
    elif _is_old(query):
        end = _number(query["Expires"][0], "AccessDenied", "Invalid date (should be seconds since epoch)", 403)
    else:
        return
    if end < now:
        raise AwsError("AccessDenied", "Request has expired", 403)


def _is_new(query: Query) -> bool:
    return "X-Amz-Signature" in query


def _is_old(query: Query) -> bool:
    return {"AWSAccessKeyId", "Signature", "Expires"} <= query.keys()


def _signed_at(query: Query) -> float:
    try:
        return datetime.strptime(query["X-Amz-Date"][0], DATE).replace(tzinfo=UTC).timestamp()
    except (KeyError, ValueError) as error:
        raise _parameters("X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"") from error


def _seconds(query: Query) -> int:
    code, message = "AuthorizationQueryParametersError", "X-Amz-Expires should be a number"
    seconds = _number(query.get("X-Amz-Expires", [""])[0], code, message, 400)
    if seconds > WEEK_S:
        raise _parameters(f"X-Amz-Expires must be less than a week (in seconds); that is {WEEK_S}")
    return seconds


def _number(text: str, code: str, message: str, status: int) -> int:
    if not (text.isascii() and text.isdigit()):
        raise AwsError(code, message, status)
    return int(text)


def _parameters(message: str) -> AwsError:
    return AwsError("AuthorizationQueryParametersError", message)
