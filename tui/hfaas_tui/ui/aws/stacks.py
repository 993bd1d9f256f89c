"""The Stacks that `hfaas` brought up on AWS: their states, the queues and dead letters in them, what was promoted."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from hfaas_deploy.names import logical
from hfaas_tui.ui.aws import batch
from hfaas_tui.ui.aws.functions import Around, Clients, Source, members, stacks

if TYPE_CHECKING:
    from hfaas_deploy.promote.promotion import Promoted

TEMPLATE = "hfaas:template"
"""The tag of our Stacks: the SHA-256 of what they were made of."""

GONE = {"DELETE_COMPLETE", "REVIEW_IN_PROGRESS"}
LOOK_S = 10.0
"""What the System view shows is asked for anew after this time."""


class Stacks:
    """Asks CloudFormation, Batch and SQS; `promoted` tells of a Stack what its newest record says."""

    def __init__(self, link: Clients, promoted: Callable[[str], Promoted | None]) -> None:
        self._link = link
        self._promoted = promoted
        self._shown: dict[str, Any] = {}
        self._shown_at = 0.0
        self._lock = threading.Lock()

    def ours(self) -> list[Mapping[str, Any]]:
        """Return our Stacks, as CloudFormation describes them."""
        found = stacks(self._link.client("cloudformation"))
        return [each for each in found if TEMPLATE in _tags(each) and each["StackStatus"] not in GONE]

    def around(self) -> Around:
        """Return the Stacks and URLs of functions: URLs are outputs with the functions' names."""
        known = self.ours()
        belong = dict(members(self._link.client("cloudformation"), known))
        outputs = {str(each["StackName"]): _outputs(each) for each in known}
        return Around({name: tuple(_urls(name, outputs[stack])) for name, stack in belong.items()}, belong)

    def system(self, sources: Mapping[str, Source]) -> dict[str, Any]:
        """Return stacks, queues and dead letters; what was asked just now is not asked again."""
        with self._lock:
            if not self._shown or time.monotonic() > self._shown_at + LOOK_S:
                self._shown = self._looked(sources)
                self._shown_at = time.monotonic()
            return self._shown

    def _looked(self, sources: Mapping[str, Source]) -> dict[str, Any]:
        wanted = sorted({each.queue for each in sources.values() if each.queue})
        with self._link.told("the Stacks cannot be listed"):
            known = [*self._described()]
        with self._link.told("the queues cannot be listed"):
            queues = batch.queues(self._link.client("batch"), wanted) if wanted else []
        return {"stacks": known, "queues": queues}

    def _described(self) -> Iterator[dict[str, Any]]:
        for each in self.ours():
            name, resources = str(each["StackName"]), [*self._resources(str(each["StackName"]))]
            yield {
                "name": name,
                "status": str(each["StackStatus"]),
                "reason": str(each.get("StackStatusReason", "")),
                "template": _tags(each)[TEMPLATE],
                "changed": (each.get("LastUpdatedTime") or each["CreationTime"]).timestamp(),
                "functions": sum(kind == "AWS::Lambda::Function" for kind, _ in resources),
                **self._record(name),
                "dead_letters": self._dead_letters(url for kind, url in resources if kind == "AWS::SQS::Queue"),
            }

    def _record(self, stack: str) -> dict[str, Any]:
        found = self._promoted(stack)
        return {"promoted": {"at": found.at, "by": found.by, "template": found.template[:12]}} if found else {}

    def _resources(self, stack: str) -> Iterator[tuple[str, str]]:
        api = self._link.client("cloudformation")
        for page in api.get_paginator("list_stack_resources").paginate(StackName=stack):
            for each in page["StackResourceSummaries"]:
                yield str(each["ResourceType"]), str(each.get("PhysicalResourceId", ""))

    def _dead_letters(self, urls: Iterable[str]) -> int:
        """Return how many events and jobs nobody could work on, approximately, as SQS counts."""
        sqs, count = self._link.client("sqs"), 0
        for url in urls:
            told = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])
            count += int(told.get("Attributes", {}).get("ApproximateNumberOfMessages", 0))
        return count


def _tags(stack: Mapping[str, Any]) -> dict[str, str]:
    return {str(each["Key"]): str(each["Value"]) for each in stack.get("Tags", ())}


def _outputs(stack: Mapping[str, Any]) -> dict[str, str]:
    return {str(each["OutputKey"]): str(each["OutputValue"]) for each in stack.get("Outputs", ())}


def _urls(function: str, outputs: Mapping[str, str]) -> Iterator[str]:
    for kind in ("Api", "Url"):
        if address := outputs.get(logical(function, kind)):
            yield address
