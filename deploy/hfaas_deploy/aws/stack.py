"""Plans, applies, watches and removes one Stack by change sets.

Every step reads its state from CloudFormation and nothing is kept here, so what was cut off (terminal closed,
network lost) is taken up again by doing it again. An operation is over when the Stack's *own* last event has
been seen, so that no event is lost, and the first failure is the one that is reported: the others follow from it.

A Stack has one operation at a time: what comes after the last event of an older one, up to the first end, belongs to
this one, the rollback that CloudFormation begins by itself as well.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from hfaas_deploy.aws import credentials
from hfaas_deploy.aws.changes import Change, Plan, read_detail
from hfaas_deploy.aws.events import STACK, Event, Fault, Told, read_event, together
from hfaas_deploy.aws.looks import Looks
from hfaas_deploy.aws.standing import FINGERPRINT, Standing, read_standing
from hfaas_deploy.aws.target import Target
from hfaas_deploy.errors import (
    CredentialsError,
    StackBroken,
    StackBusy,
    StackError,
    StackForeign,
    StackSlow,
    TargetUnreachable,
)
from hfaas_deploy.template import Template

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient

NOTHING = ("didn't contain changes", "No updates are to be performed")
Waiting = Callable[[tuple[str, ...], float], None]
UNUSABLE = ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED", "DELETE_COMPLETE")
"""States of a Stack that never came up, or is gone: a deploy begins anew."""

PLAN_WITHIN = 300.0
SILENCE = 1800.0  # seconds without any event after which we stop watching
BEGUN_WITHIN = 20.0
"""Seconds in which we find out whether an operation has begun whose order was not answered."""

REVIEW = "REVIEW_IN_PROGRESS"
UP = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"})
GONE = frozenset({"DELETE_COMPLETE"})
BACK = frozenset({"UPDATE_ROLLBACK_COMPLETE"})
"""How operations end that did what they should."""

THROTTLED = frozenset({"Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequestsException"})


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
        return read_standing(body, stack)

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
        return read_standing(body, told)

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
        looks = Looks(PLAN_WITHIN)
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
        looks = Looks(PLAN_WITHIN)
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
                    tuple(map(read_detail, change.get("Details", ()))),
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
        told = Told()
        looks = Looks(SILENCE)

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
        self, arn: str, last: str, looks: Looks, quiet: Callable[[], None] = lambda: None
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
        return any(event.token == token for event in self._listen(arn, last, Looks(within)))

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
            news.append(read_event(raw))
        return news[::-1]

    def _before_operation(self, arn: str) -> str:
        """The last event of the operation before the one under way, or before the last; empty when that is the first.

        Events lag behind the Stack's status: when it is busy, the newest end is that of an older operation.
        """
        own = (event for event in map(read_event, self._raw_events(arn)) if event.own)
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


def _is_busy(status: str) -> bool:
    return status.endswith("_IN_PROGRESS") and status != REVIEW
