"""Whether a failed attempt is worth another one: `retryStrategy` and its `evaluateOnExit`."""

from __future__ import annotations

from hfaas_emulator.batch.job import Attempt, Retry, Rule


def again(retry: Retry, attempts: int, last: Attempt) -> bool:
    """Tell whether a job that made so many attempts tries again after this one; no rule that matches means yes."""
    if attempts >= retry.attempts:
        return False
    rule = next((each for each in retry.rules if _matches(each, last)), None)
    return rule is None or rule.action.upper() == "RETRY"


def _matches(rule: Rule, last: Attempt) -> bool:
    code = "" if last.exit is None else str(last.exit)
    return (
        _like(rule.exit_code, code)
        and _like(rule.reason, last.reason)
        and _like(rule.status_reason, last.status_reason)
    )


def _like(pattern: str, text: str) -> bool:
    """Match as AWS does: letter by letter, only a `*` at the end stands for anything."""
    return not pattern or text == pattern or (pattern.endswith("*") and text.startswith(pattern[:-1]))
