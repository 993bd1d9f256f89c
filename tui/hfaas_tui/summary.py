"""What a run came to, from the hops of its trace alone.

An invocation that was delegated has two legs: it goes on in Batch and ends with its job, not with the answer of its
Lambda function. A job that nobody delegated counts like an invocation, under the name of its definition.

Functions of OneTrigger are counted apart: they are not the user's, and how often they look says nothing of his files.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from hfaas_emulator.trace import Hop, What
from hfaas_tui.changes import file_of
from hfaas_tui.lacking import lacks
from hfaas_tui.legs import Leg, Legs, why_delegated
from hfaas_tui.tally import Failure, Tally

ENDED = {What.INVOCATION_SUCCEEDED, What.INVOCATION_FAILED}
STATES = {
    What.EVENT_QUEUED: "queued",
    What.INVOCATION_STARTED: "running",
    What.INVOCATION_SUCCEEDED: "succeeded",
    What.INVOCATION_FAILED: "failed",
    What.EVENT_RETRY: "queued",
    What.EVENT_DISCARDED: "failed",
}


class Summary:
    """Fed hop by hop; knows at each moment how far every function is."""

    def __init__(self) -> None:
        self._tallies: dict[str, Tally] = {}
        self._states: dict[str, str] = {}
        self._functions: dict[str, str] = {}
        self._causes: dict[str, str] = {}
        self._failures: dict[str, Failure] = {}
        self._delegated: set[str] = set()
        self._legs = Legs()
        self._lacking: dict[str, dict[str, None]] = {}
        self.problems: list[str] = []
        self.images: dict[str, set[str]] = {}
        """The engine's ids of the images that containers were started of, by reference."""

    def feed(self, hops: Iterable[Hop]) -> None:
        """Take more of the trace, in order."""
        for hop in hops:
            self._take(hop)

    def tallies(self) -> list[Tally]:
        """Return one tally for each function of the user, in the order they came to life."""
        return [each for each in self._tallies.values() if not each.is_onetrigger]

    def watchers(self) -> list[Tally]:
        """Return one tally for each function of OneTrigger."""
        return [each for each in self._tallies.values() if each.is_onetrigger]

    def failures(self) -> list[Failure]:
        """Return the invocations that failed for good, or have failed so far, with what their roles lacked."""
        return [self._with_lacking(each) for each in self._failures.values()]

    def stuck(self, pending: Iterable[str]) -> list[Leg]:
        """Return the jobs that keep everything waiting for ever, when these ids are all that is pending; else none."""
        return self._legs.stuck(pending)

    def _take(self, hop: Hop) -> None:
        if hop.what is What.PROBLEM:
            self.problems.append(str(hop.detail.get("message", "")))
        elif hop.what is What.PERMISSION_DENIED:
            self.problems.append(
                f"s3://{hop.detail.get('bucket')}/{hop.detail.get('key')}: {hop.detail.get('reason')}"
            )
        elif hop.what is What.ROLE_DENIED:
            self._deny(hop)
        elif hop.what is What.IMAGE_RAN:
            self.images.setdefault(str(hop.detail.get("image", "")), set()).add(str(hop.detail.get("id", "")))
        elif hop.invocation:
            self._take_invocation(hop)

    def _deny(self, hop: Hop) -> None:
        """Note what a role lacked; an invocation that copes with it has no problem."""
        if hop.invocation:
            self._lacking.setdefault(hop.invocation, {})[lacks(hop)] = None
        elif lacks(hop) not in self.problems:
            self.problems.append(lacks(hop))

    def _with_lacking(self, failure: Failure) -> Failure:
        told = [failure.message, *self._lacking.get(failure.invocation, ())]
        return replace(failure, message="; ".join(filter(None, told)))

    def _take_invocation(self, hop: Hop) -> None:
        if "bucket" in hop.detail and "key" in hop.detail and hop.what is not What.OBJECT_CREATED:
            self._causes[hop.invocation] = f"s3://{hop.detail['bucket']}/{hop.detail['key']}"
        elif file := file_of(hop):
            self._causes[hop.invocation] = file
        match hop.what:
            case What.JOB_SUBMITTED | What.JOB_STATE:
                self._take_job(hop, self._legs.take(hop))
            case What.INVOCATION_DELEGATED:
                self._delegate(hop)
                self._tally(hop).causes[why_delegated(hop)] += 1
            case What.INVOCATION_SUCCEEDED if hop.invocation in self._delegated:
                pass  # only its first leg has ended
            case _ if hop.what in STATES:
                self._take_attempt(hop, STATES[hop.what])

    def _take_attempt(self, hop: Hop, state: str) -> None:
        tally = self._tally(hop)
        self._move(hop.invocation, tally, state)
        if hop.what in ENDED:
            self._measure(tally, hop)
        if hop.what is What.EVENT_RETRY:
            tally.retries += 1
        if hop.what in {What.INVOCATION_FAILED, What.EVENT_DISCARDED}:
            self._fail(tally.function, hop)
        else:
            self._failures.pop(hop.invocation, None)

    def _delegate(self, hop: Hop) -> None:
        if hop.invocation not in self._delegated:
            self._delegated.add(hop.invocation)
            self._tally(hop).delegated += 1

    def _take_job(self, hop: Hop, leg: Leg) -> None:
        if leg.is_delegated:
            self._delegate(hop)
        tally = self._tally(hop)
        leg.function = tally.function
        leg.measure(hop, tally)
        tally.waits = leg.reason if leg.status == "RUNNABLE" else ""
        if not leg.is_inside:
            self._move(hop.invocation, tally, self._legs.state(leg))
        elif leg.status == "RUNNING":
            self._move(hop.invocation, tally, "running")
        if leg.status == "FAILED" and not leg.is_inside:
            cause = self._causes.get(hop.invocation, "")
            self._failures[hop.invocation] = self._legs.failure(leg, tally.function, cause)
        elif leg.status == "SUCCEEDED":
            self._failures.pop(hop.invocation, None)

    def _tally(self, hop: Hop) -> Tally:
        known = self._functions.get(hop.invocation, "")
        named = hop.detail.get("function") or known or hop.detail.get("name") or "?"
        name = str(known if "job" in hop.detail and known else named)
        name = name.rsplit(":function:", maxsplit=1)[-1].split(":", maxsplit=1)[0]
        self._functions[hop.invocation] = name
        return self._tallies.setdefault(name, Tally(name))

    def _move(self, invocation: str, tally: Tally, state: str) -> None:
        before = self._states.get(invocation)
        if before:
            setattr(tally, before, getattr(tally, before) - 1)
        setattr(tally, state, getattr(tally, state) + 1)
        self._states[invocation] = state

    def _measure(self, tally: Tally, hop: Hop) -> None:
        tally.durations.append(float(hop.detail.get("duration_ms", 0)))
        tally.peak_mb = max(tally.peak_mb, int(hop.detail.get("peak_mb", 0)))
        tally.memory_mb = int(hop.detail.get("memory_mb", 0)) or tally.memory_mb

    def _fail(self, function: str, hop: Hop) -> None:
        known = self._failures.get(hop.invocation)
        if known and hop.what is What.EVENT_DISCARDED:
            return
        self._failures[hop.invocation] = Failure(
            function,
            hop.invocation,
            self._causes.get(hop.invocation, ""),
            str(hop.detail.get("error_type", "")),
            str(hop.detail.get("message") or hop.detail.get("reason", "")),
            str(hop.detail.get("log_group", "")),
            str(hop.detail.get("log_stream", "")),
        )
