"""One request, read: who calls, about which stack, with which template and parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from hfaas_emulator.cloudformation import limits, parameters
from hfaas_emulator.cloudformation.engine import StackEngine
from hfaas_emulator.cloudformation.intrinsics import invalid
from hfaas_emulator.cloudformation.providers import capabilities, check_types
from hfaas_emulator.cloudformation.stack import OnFailure, Stack, Status, Version
from hfaas_emulator.cloudformation.template import EMPTY, Template, parse
from hfaas_emulator.errors import AwsError

T = TypeVar("T")

PAGE = 100
STRONGER = {
    "CAPABILITY_IAM": {"CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"},
    "CAPABILITY_NAMED_IAM": {"CAPABILITY_NAMED_IAM"},
}
"""What acknowledges a capability."""


@dataclass(frozen=True, slots=True)
class Call:
    """A request of the query protocol."""

    engine: StackEngine
    account: str
    region: str
    fields: Mapping[str, Any]

    def text(self, key: str) -> str:
        return str(self.fields.get(key, ""))

    def required(self, key: str) -> str:
        if key not in self.fields:
            raise invalid(
                f"1 validation error detected: Value null at '{key[:1].lower()}{key[1:]}' failed to satisfy "
                "constraint: Member must not be null"
            )
        return self.text(key)

    def flag(self, key: str) -> bool:
        return self.text(key).lower() == "true"

    def listed(self, key: str) -> list[Any]:
        found = self.fields.get(key, [])
        return found if isinstance(found, list) else []

    def stack(self) -> Stack:
        """Return the stack the request names."""
        return self.engine.find(self.account, self.region, self.required("StackName"))

    def new_name(self) -> str:
        return limits.text("stackName", self.required("StackName"), limits.NAME, limits.STARTS_WITH_LETTER)

    def token(self, key: str = "ClientRequestToken") -> str:
        """Return the token by which a repeated request is known; empty without one."""
        given = self.text(key)
        where = f"{key[:1].lower()}{key[1:]}"
        return given and limits.text(where, given, limits.TOKEN, limits.LETTERS_AND_DIGITS)

    def living(self) -> Stack | None:
        """Return the stack that the request's name stands for, if there is one."""
        given = self.required("StackName")
        found = self.engine.find(self.account, self.region, given) if given.startswith("arn:") else None
        return found or self.engine.living(self.account, self.region, given)

    async def template(self) -> Template:
        """Return the template that the request brings."""
        return _made_of(await self._body(None))

    async def version(self, previous: Version | None) -> Version:
        """Return what the stack shall be; refuses unacknowledged capabilities and bad parameters."""
        body = await self._body(previous)
        template = _made_of(body)
        acknowledged = tuple(map(str, self.listed("Capabilities")))
        for needed in capabilities(template):
            if not STRONGER[needed] & set(acknowledged):
                raise AwsError("InsufficientCapabilitiesException", f"Requires capabilities : [{needed}]")
        given: Sequence[Mapping[str, str]] = self.listed("Parameters")
        limits.parameters(given)
        values = parameters.values(template, given, previous.parameters if previous else {})
        return Version(body, values, self._tags(previous), acknowledged)

    async def _body(self, previous: Version | None) -> str:
        if self.flag("UsePreviousTemplate") and previous is not None:
            return previous.body
        body, url = self.text("TemplateBody"), self.text("TemplateURL")
        if body.strip() and url:
            raise invalid("Specify either Template URL or Template Body, not both.")
        if url:
            return await self.engine.document(self.account, self.region, url)
        if not body.strip():
            raise invalid("Either Template URL or Template Body must be specified.")
        if len(body.encode()) > limits.BODY:
            raise invalid(
                "1 validation error detected: Value at 'templateBody' failed to satisfy constraint: "
                f"Member must have length less than or equal to {limits.BODY}"
            )
        return body

    def _tags(self, previous: Version | None) -> Mapping[str, str]:
        if "Tags" not in self.fields and previous is not None:
            return previous.tags
        return limits.tags(self.listed("Tags"))

    def on_failure(self, key: str) -> OnFailure | None:
        """Return what shall become of a failure, if the request says so."""
        given = self.text(key)
        if self.flag("DisableRollback"):
            if given:
                raise invalid(f"DisableRollback and {key} cannot both be specified")
            return OnFailure.DO_NOTHING
        if given and given not in set(OnFailure):
            raise invalid(
                f"1 validation error detected: Value '{given}' at 'onFailure' failed to satisfy constraint: Member must satisfy enum value set: [DO_NOTHING, DELETE, ROLLBACK]"
            )
        return OnFailure(given) if given else None

    def page(self, items: Sequence[T], size: int = PAGE) -> tuple[Sequence[T], str | None]:
        """Return one page, and the token of the next one."""
        token = self.text("NextToken") or "0"
        if not token.isdecimal():
            raise invalid("Invalid NextToken")
        start = int(token)
        more = start + size < len(items)
        return items[start : start + size], str(start + size) if more else None


def _made_of(body: str) -> Template:
    template = parse(body)
    check_types(template)
    return template


def old_template(stack: Stack) -> Template:
    """Return what a stack is made of now; one under review has nothing yet."""
    return EMPTY if stack.status is Status.REVIEW_IN_PROGRESS else stack.version.template
