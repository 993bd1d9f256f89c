"""Plans, applies, watches and removes one Stack by change sets.

Every step reads its state from CloudFormation and nothing is kept here, so what was cut off (terminal closed,
network lost) is taken up again by doing it again. An operation is over when the Stack's *own* last event has
been seen, so that no event is lost, and the first failure is the one that is reported: the others follow from it.

A Stack has one operation at a time: what comes after the last event of an older one, up to the first end, belongs to
this one, the rollback that CloudFormation begins by itself as well.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from hfaas_deploy.aws import credentials
from hfaas_deploy.aws.target import Target
from hfaas_deploy.errors import (
    CredentialsError,
    StackBroken,
    StackBusy,
    StackError,
    StackFailed,
    StackForeign,
    StackSlow,
    TargetUnreachable,
)
from hfaas_deploy.template import Template

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient

NOTHING = ("didn't contain changes", "No updates are to be performed")
CANCELLED = ("Resource creation cancelled", "Resource update cancelled")
STACK = "AWS::CloudFormation::Stack"
Waiting = Callable[[tuple[str, ...], float], None]
UNUSABLE = ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED", "DELETE_COMPLETE")
"""States of a Stack that never came up, or is gone: a deploy begins anew."""

FINGERPRINT = "hfaas:template"
PLAN_WITHIN = 300.0
SILENCE = 1800.0  # seconds without any event after which we stop watching
STILL = 120.0
"""Seconds without any event after which, and after which again, it is told what CloudFormation is at."""

FIRST_LOOK, LAST_LOOK, PATIENT_LOOK = 0.05, 0.5, 4.0
BEGUN_WITHIN = 20.0
"""Seconds in which we find out whether an operation has begun whose order was not answered."""

REVIEW = "REVIEW_IN_PROGRESS"
UP = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"})
GONE = frozenset({"DELETE_COMPLETE"})
BACK = frozenset({"UPDATE_ROLLBACK_COMPLETE"})
"""How operations end that did what they should."""

THROTTLED = frozenset({"Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequestsException"})


@dataclass(frozen=True, slots=True)
class Detail:
    """Why a resource changes: `attribute` is Properties, Tags, ...; `cause` a parameter or another resource.

    `recreation` is CloudFormation's word: Never, Conditionally or Always.
    """

    attribute: str
    name: str = ""
    cause: str = ""
    recreation: str = "Never"


@dataclass(frozen=True, slots=True)
class Change:
    """One line of a plan."""

    action: str
    resource: str
    kind: str
    replacement: str = ""
    details: tuple[Detail, ...] = ()

    @property
    def destroys(self) -> bool:
        return self.action == "Remove" or self.replacement in ("True", "Conditional")

    @property
    def is_of_tags(self) -> bool:
        """Tell whether nothing but tags changes, as it does on every resource when those of the Stack do."""
        return bool(self.details) and all(detail.attribute == "Tags" for detail in self.details)


@dataclass(frozen=True, slots=True)
class Plan:
    """A change set that is ready and not executed; `fresh` says that it would make the Stack."""

    stack: str
    stack_id: str
    change_set: str
    changes: tuple[Change, ...]
    fresh: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """What a Stack was last made of: the template as data, and the values of its parameters."""

    template: Mapping[str, Any] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    fingerprint: str = ""
    """The SHA-256 of the template, as the deploy wrote it down."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a resource, or to the Stack itself.

    `token` is that of whoever asked for it, `physical` what the resource is called outside of the Stack, once it is there.
    """

    id: str
    resource: str
    kind: str
    status: str
    reason: str
    own: bool = False
    token: str = ""
    physical: str = ""

    @property
    def failed(self) -> bool:
        return self.status.endswith("_FAILED")

    @property
    def ends(self) -> bool:
        """Tell whether the Stack's operation is over with it."""
        return self.own and self.status.endswith(("_COMPLETE", "_FAILED"))


@dataclass(frozen=True, slots=True)
class Fault:
    """What AWS says against a resource."""

    resource: str
    kind: str
    reason: str
    physical: str = ""

    @property
    def essence(self) -> tuple[str, str]:
        """What it has in common with faults of other resources that differ in the resource's names alone."""
        reason = self.reason
        for name in filter(None, (self.physical, self.resource)):
            reason = reason.replace(name, "*")
        return self.kind, reason


def together(faults: Iterable[Fault]) -> list[str]:
    """Faults in words, in their order: those for one reason are told once, with the names of all resources."""
    alike: dict[tuple[str, str], list[Fault]] = {}
    for fault in faults:
        alike.setdefault(fault.essence, []).append(fault)
    told = []
    for first, *others in alike.values():
        also = f"; the same of {', '.join(one.resource for one in others)}" if others else ""
        told.append(f"{first.resource} ({first.kind}): {first.reason}{also}")
    return told


class Stack:
    """One Stack on one target.

    A patient one goes on watching when nothing is heard of CloudFormation, which goes on by itself; `trouble` is told
    why, once for each silence. `waiting` is told what CloudFormation is at when there was no event for some minutes,
    and for how many seconds.
    """

    def __init__(
        self,
        cloudformation: CloudFormationClient,
        name: str,
        *,
        profile: str = "",
        is_patient: bool = False,
        trouble: Callable[[str], None] | None = None,
        waiting: Waiting | None = None,
    ) -> None:
        self._client = cloudformation
        self.name = name
        self._profile = profile
        self._is_patient = is_patient
        self._trouble = trouble
        self._waiting = waiting

    @classmethod
    def at(
        cls,
        target: Target,
        name: str,
        trouble: Callable[[str], None] | None = None,
        waiting: Waiting | None = None,
    ) -> Stack:
        """A Stack there; AWS is given time, an emulator that does not answer is gone."""
        client = target.client("cloudformation")
        return cls(client, name, profile=target.profile, is_patient=target.is_aws, trouble=trouble, waiting=waiting)

    def status(self) -> str:
        """CloudFormation's word for the Stack's state; empty when there is no Stack."""
        stack = self._described()
        return str(stack["StackStatus"]) if stack else ""

    def outputs(self) -> dict[str, str]:
        """What the Stack gives away, by name."""
        stack = self._described() or {}
        return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}

    def standing(self) -> Standing | None:
        """What the Stack was last made of; None when the next plan makes it."""
        stack = self._described()
        if not stack or stack["StackStatus"] in ("REVIEW_IN_PROGRESS", *UNUSABLE):
            return None
        body = self._call("get_template", StackName=self.name, TemplateStage="Original")["TemplateBody"]
        return _standing(body, stack)

    def admit(self) -> None:
        """StackForeign when there is a Stack of this name without our mark; one that is empty is nobody's."""
        stack = self._described()
        if not stack or stack["StackStatus"] in (REVIEW, *GONE):
            return
        if FINGERPRINT not in {tag.get("Key") for tag in stack.get("Tags", ())}:
            raise StackForeign(
                f"Stack {self.name} was not made by hfaas, so it is left alone", "name yours otherwise: hfaas.stack"
            )

    def is_busy(self) -> bool:
        """Tell whether an operation is under way."""
        return _is_busy(self.status())

    def plan(self, template: Template, parameters: Mapping[str, str], url: str = "") -> Plan | None:
        """A change set to look at; None when nothing would change. Nothing is touched yet.

        `url` is where a template lies that is too large to be sent along.
        """
        fresh = self._may_create()
        name = f"hfaas-{template.sha256[:12]}-{uuid.uuid4().hex[:8]}"
        try:
            made = self._call(
                "create_change_set",
                StackName=self.name,
                ChangeSetName=name,
                ChangeSetType="CREATE" if fresh else "UPDATE",
                **({"TemplateURL": url} if url else {"TemplateBody": template.body}),
                Parameters=[{"ParameterKey": k, "ParameterValue": v} for k, v in sorted(parameters.items())],
                Capabilities=["CAPABILITY_IAM"],
                Tags=[{"Key": FINGERPRINT, "Value": template.sha256}],
                OnStackFailure="ROLLBACK",
                ImportExistingResources=True,
                ClientToken=name,
            )
        except StackError as refusal:
            if any(words in refusal.message for words in NOTHING):
                return None
            raise
        try:
            return self._ready(made["Id"], made["StackId"], fresh=fresh)
        except KeyboardInterrupt:
            with suppress(StackError, TargetUnreachable):
                self.discard(Plan(self.name, made["StackId"], made["Id"], (), fresh))
            raise

    def discard(self, plan: Plan) -> None:
        """Throw a plan away, and the empty Stack that it would have filled."""
        self._call("delete_change_set", ChangeSetName=plan.change_set, StackName=self.name)
        if plan.fresh and self.status() == "REVIEW_IN_PROGRESS":
            self._call("delete_stack", StackName=self.name)

    def carried(self, plan: Plan) -> Standing:
        """What a plan would make the Stack of, as CloudFormation has it: template, parameters, fingerprint."""
        there = {"ChangeSetName": plan.change_set, "StackName": self.name}
        body = self._call("get_template", **there, TemplateStage="Original")["TemplateBody"]
        told = self._call("describe_change_set", **there)
        return _standing(body, told)

    def apply(self, plan: Plan) -> Iterator[Event]:
        """Execute a plan and give its events as they come; StackFailed when it was rolled back."""
        last = self._newest(plan.stack_id)
        token = (plan.change_set.rpartition("/")[2] or plan.change_set)[:128]
        there = {"ChangeSetName": plan.change_set, "StackName": self.name}
        try:
            self._call("execute_change_set", **there, ClientRequestToken=token)
        except (StackError, TargetUnreachable) as refusal:
            was_cut = self._is_patient and isinstance(refusal, TargetUnreachable)
            if not self._has_begun(plan.stack_id, last, token, BEGUN_WITHIN if was_cut else 0.0):
                raise
        yield from self._follow(plan.stack_id, last, UP)

    def watch(self) -> Iterator[Event]:
        """The events of the operation that is under way, from its start; of the last one when all is quiet."""
        stack = self._described()
        if stack:
            yield from self._follow(stack["StackId"], self._before_operation(stack["StackId"]), UP | GONE)

    def remove(self) -> Iterator[Event]:
        """Delete the Stack; buckets stay. Watched by its ARN, since a deleted name cannot be asked for."""
        stack = self._described()
        if not stack:
            return
        arn = stack["StackId"]
        last = self._newest(arn)
        self._call("delete_stack", StackName=arn, ClientRequestToken=f"hfaas-{uuid.uuid4()}")
        if stack["StackStatus"] == "REVIEW_IN_PROGRESS":  # an empty one, of whose end there need not be an event
            self._await_gone()
        else:
            yield from self._follow(arn, last, GONE)

    def _await_gone(self) -> None:
        looks = _Looks(PLAN_WITHIN)
        while looks.again():
            if self.status() in ("", "DELETE_COMPLETE"):
                return
        raise StackError(
            f"Stack {self.name} is still there {PLAN_WITHIN:.0f} s after its end was asked for", "look again"
        )

    def continue_rollback(self) -> Iterator[Event]:
        """Take up a rollback that failed."""
        stack = self._described()
        if stack:
            last = self._newest(stack["StackId"])
            token = f"hfaas-{uuid.uuid4()}"
            self._call("continue_update_rollback", StackName=self.name, ClientRequestToken=token)
            yield from self._follow(stack["StackId"], last, BACK)

    def _may_create(self) -> bool:
        """Whether the next change set makes the Stack; raises where none can be made."""
        status = self.status()
        if status in ("", "REVIEW_IN_PROGRESS", "DELETE_COMPLETE"):
            return True
        if _is_busy(status):
            raise StackBusy(f"Stack {self.name} is {status}", "wait for it, or watch it")
        if status in ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED"):
            raise StackBroken(f"Stack {self.name} is {status}", "remove it with `hfaas rm`, then deploy again")
        if status == "UPDATE_ROLLBACK_FAILED":
            raise StackBroken(f"Stack {self.name} is {status}", "continue its rollback, then deploy again")
        return False

    def _ready(self, change_set: str, stack_id: str, *, fresh: bool) -> Plan | None:
        looks = _Looks(PLAN_WITHIN)
        while looks.again():
            answer = self._call("describe_change_set", ChangeSetName=change_set, StackName=self.name)
            if answer["Status"] == "CREATE_COMPLETE":
                return Plan(self.name, stack_id, change_set, tuple(self._changes(answer)), fresh)
            if answer["Status"] == "FAILED":
                reason = answer.get("StatusReason", "the change set failed")
                is_nothing = any(words in reason for words in NOTHING)
                faults = [] if is_nothing else self._faults(change_set)
                self.discard(Plan(self.name, stack_id, change_set, (), fresh))
                if is_nothing:
                    return None
                raise StackError(f"{self.name}: {'; '.join(faults) or reason}")
        raise StackError(f"the plan of {self.name} was not ready within {PLAN_WITHIN:.0f} s")

    def warnings(self, plan: Plan) -> tuple[str, ...]:
        """What CloudFormation finds worth a word about a plan that can be executed."""
        return tuple(self._faults(plan.change_set))

    def _faults(self, change_set: str) -> list[str]:
        """What is wrong with the resources of a change set, once for each reason; older CloudFormations do not tell."""
        return together(self._raw_faults(change_set))

    def _raw_faults(self, change_set: str) -> Iterator[Fault]:
        page: dict[str, str] = {}
        while True:
            arguments = {"ChangeSetName": change_set, "Filters": {"FailedEvents": True}, **page}
            try:
                answer = self._call("describe_events", **arguments)
            except StackError:
                return
            for event in answer.get("OperationEvents", ()):
                said = event.get("ValidationStatusReason") or event.get("ResourceStatusReason")
                if said:
                    resource, kind = event.get("LogicalResourceId", self.name), event.get("ResourceType", STACK)
                    yield Fault(resource, kind, said, event.get("PhysicalResourceId", ""))
            if not answer.get("NextToken"):
                return
            page = {"NextToken": answer["NextToken"]}

    def _changes(self, answer: Any) -> Iterator[Change]:
        while True:
            for change in (entry["ResourceChange"] for entry in answer.get("Changes", [])):
                yield Change(
                    change["Action"],
                    change["LogicalResourceId"],
                    change["ResourceType"],
                    change.get("Replacement", ""),
                    tuple(map(_detail, change.get("Details", ()))),
                )
            if not answer.get("NextToken"):
                return
            page = {
                "ChangeSetName": answer["ChangeSetId"],
                "StackName": self.name,
                "NextToken": answer["NextToken"],
            }
            answer = self._call("describe_change_set", **page)

    def _follow(self, arn: str, last: str, good: Collection[str]) -> Iterator[Event]:
        """Events after `last`, oldest first, until the Stack settles; StackFailed when not as in `good`."""
        told = _Told()
        looks = _Looks(SILENCE)

        def quiet() -> None:
            if self._waiting and (seconds := looks.long_silence()):
                self._waiting(told.at, seconds)

        for event in self._listen(arn, last, looks, quiet):
            looks.start_over()
            told.note(event)
            yield event
            if event.ends:
                if event.status in good:
                    return
                raise told.failure(self.name, event)
        raise StackError(
            f"nothing was heard of Stack {self.name} for {SILENCE / 60:.0f} min",
            "it goes on by itself; run it again: that watches on",
        )

    def _listen(
        self, arn: str, last: str, looks: _Looks, quiet: Callable[[], None] = lambda: None
    ) -> Iterator[Event]:
        """Events after `last` as they come; silence is borne where CloudFormation goes on by itself."""
        is_silent = False
        while looks.again():
            try:
                news = self._since(arn, last)
            except (TargetUnreachable, StackSlow) as fault:
                if not self._is_patient:
                    raise
                if self._trouble and not is_silent:
                    self._trouble(fault.message)
                is_silent = True
                looks.back_off()
                continue
            except CredentialsError as refusal:
                hint = f"Stack {self.name} goes on by itself, and is watched again by running it again"
                raise CredentialsError(refusal.message, f"{refusal.hint}; {hint}") from refusal
            is_silent = False
            last = news[-1].id if news else last
            yield from news
            if not news:
                quiet()

    def _has_begun(self, arn: str, last: str, token: str, within: float) -> bool:
        """Tell whether an operation is under way by our token, although its order was not well answered."""
        return any(event.token == token for event in self._listen(arn, last, _Looks(within)))

    def _described(self) -> Any:
        try:
            return self._call("describe_stacks", StackName=self.name)["Stacks"][0]
        except StackError as refusal:
            if "does not exist" in refusal.message:
                return None
            raise

    def _newest(self, arn: str) -> str:
        events = self._call("describe_stack_events", StackName=arn)["StackEvents"]
        return str(events[0]["EventId"]) if events else ""

    def _since(self, arn: str, last: str) -> list[Event]:
        """Newest first from CloudFormation, so reading ends at the event that is known."""
        news: list[Event] = []
        for raw in self._raw_events(arn):
            if raw["EventId"] == last:
                break
            news.append(_event(raw))
        return news[::-1]

    def _before_operation(self, arn: str) -> str:
        """The last event of the operation before the one under way, or before the last; empty when that is the first.

        Events lag behind the Stack's status: when it is busy, the newest end is that of an older operation.
        """
        own = (event for event in map(_event, self._raw_events(arn)) if event.own)
        for number, event in enumerate(own):
            if (event.ends or event.status == REVIEW) and (number or self.is_busy()):
                return event.id
        return ""

    def _raw_events(self, arn: str) -> Iterator[Any]:
        token: dict[str, str] = {}
        while True:
            page = self._call("describe_stack_events", StackName=arn, **token)
            yield from page["StackEvents"]
            if not page.get("NextToken"):
                return
            token = {"NextToken": page["NextToken"]}

    def _call(self, operation: str, **arguments: Any) -> Any:
        """One call; AWS's refusal becomes ours, with its words."""
        try:
            return getattr(self._client, operation)(**arguments)
        except ClientError as refusal:
            said = refusal.response.get("Error", {})
            kind = StackSlow if said.get("Code") in THROTTLED else StackError
            words = kind(said.get("Message") or str(refusal))
            raise credentials.refusal(refusal, self._profile) or words from refusal
        except BotoCoreError as fault:
            if self._is_patient and not isinstance(fault, credentials.NETWORK):
                raise credentials.absence(fault, self._profile, self._client.meta.region_name) from fault
            raise TargetUnreachable(f"{self._client.meta.endpoint_url} does not answer: {fault}") from fault


def _detail(raw: Any) -> Detail:
    target = raw.get("Target", {})
    return Detail(
        attribute=target.get("Attribute", ""),
        name=target.get("Name", ""),
        cause=raw.get("CausingEntity", ""),
        recreation=target.get("RequiresRecreation", "Never"),
    )


def _event(raw: Any) -> Event:
    return Event(
        id=raw["EventId"],
        resource=raw["LogicalResourceId"],
        kind=raw["ResourceType"],
        status=raw["ResourceStatus"],
        reason=raw.get("ResourceStatusReason", ""),
        own=raw["ResourceType"] == STACK and raw.get("PhysicalResourceId", raw["StackId"]) == raw["StackId"],
        token=raw.get("ClientRequestToken", ""),
        physical=raw.get("PhysicalResourceId", ""),
    )


def _is_busy(status: str) -> bool:
    return status.endswith("_IN_PROGRESS") and status != REVIEW


def _standing(body: Any, told: Any) -> Standing:
    values = {one["ParameterKey"]: one["ParameterValue"] for one in told.get("Parameters", [])}
    tags = {one["Key"]: one["Value"] for one in told.get("Tags", [])}
    return Standing(json.loads(body) if isinstance(body, str) else body, values, tags.get(FINGERPRINT, ""))


class _Told:
    """What an operation has told of its failures so far: the first one is the cause."""

    def __init__(self) -> None:
        self._failures: dict[str, Fault] = {}
        self._begun: dict[str, str] = {}
        self._turned = ""

    @property
    def at(self) -> tuple[str, ...]:
        """The resources that it has begun with and not ended, each with its type."""
        return tuple(f"{resource} ({kind.rpartition('::')[2]})" for resource, kind in self._begun.items())

    def note(self, event: Event) -> None:
        """Remember a failure, why the Stack turned back, and what is under way."""
        if event.status.endswith("_IN_PROGRESS") and not event.own:
            self._begun[event.resource] = event.kind
        else:
            self._begun.pop(event.resource, None)
        if event.own and "ROLLBACK_IN_PROGRESS" in event.status:
            self._turned = self._turned or event.reason
        elif event.failed and not event.own and event.reason not in CANCELLED:
            fault = Fault(event.resource, event.kind, event.reason, event.physical)
            self._failures.setdefault(event.resource, fault)

    def failure(self, stack: str, end: Event) -> StackFailed:
        """The error for an operation that ended like this."""
        causes = together(self._failures.values())
        if end.status == "DELETE_FAILED" and causes:
            return StackFailed("; ".join(causes), UNDONE["DELETE_FAILED"])
        hint = UNDONE.get(end.status, f"the Stack is now {end.status}")
        cause = causes[0] if causes else self._turned or end.reason
        return StackFailed(cause or f"Stack {stack} is {end.status}", hint)


UNDONE = {
    "ROLLBACK_COMPLETE": "everything it had made was removed again",
    "UPDATE_ROLLBACK_COMPLETE": "the Stack is as it was before",
    "DELETE_COMPLETE": "somebody deleted the Stack meanwhile",
    "DELETE_FAILED": "the rest is gone; free what is named, then run it again: it goes on with what is left",
    "UPDATE_ROLLBACK_FAILED": "mend what is named, then run it again: it goes on with the rollback first",
}
"""What has become of the Stack, by how an operation ended."""


class _Looks:
    """Waits a little longer before each look, as long as there is time."""

    def __init__(self, within: float) -> None:
        self._within = within
        self._first = True
        self._pause = FIRST_LOOK
        self.start_over()

    def back_off(self) -> None:
        """Nothing was heard: leave time before the next look."""
        self._pause = PATIENT_LOOK

    def start_over(self) -> None:
        """There was news: the next may come soon."""
        self._pause = FIRST_LOOK
        self._since = time.monotonic()
        self._told_at = 0.0
        self._deadline = self._since + self._within

    def long_silence(self) -> float:
        """How many seconds there was no news, when that is worth a word again; 0 when it is not."""
        seconds = time.monotonic() - self._since
        if seconds < self._told_at + STILL:
            return 0.0
        self._told_at = seconds
        return seconds

    def again(self) -> bool:
        """Say whether to look once more, after waiting for the right moment."""
        if self._first:
            self._first = False
            return True
        if time.monotonic() > self._deadline:
            return False
        time.sleep(self._pause)
        self._pause = min(self._pause * 1.6, LAST_LOOK)
        return True
