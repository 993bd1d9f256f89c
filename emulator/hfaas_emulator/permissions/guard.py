"""Stops what a role may not do: finds out who asks, asks the records, refuses in AWS's words and leaves a hop.

A developer's own keys are no role's session and pass without a question. For a role, a request whose records are known
costs some microseconds: they are asked again only after a control plane changed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Protocol
from urllib.parse import unquote

from hfaas_emulator.permissions import operations, refusal, s3_asks, service_asks, session
from hfaas_emulator.permissions.context import Context, Gathered, joined
from hfaas_emulator.permissions.decision import NOTHING, Decision, Granted, Resource, decide
from hfaas_emulator.permissions.document import Ask, Who, compile_policy
from hfaas_emulator.permissions.session import Session
from hfaas_emulator.trace import Trace, What
from hfaas_emulator.wire.actions import action_of
from hfaas_emulator.wire.caller import Caller
from hfaas_emulator.wire.errors import Protocol as Wire

TOKEN = "x-amz-security-token"  # noqa: S105  a header's name
WITH_POLICIES = frozenset({"lambda", "sqs", "sns", "secretsmanager"})
"""Services, besides S3, whose resources have policies of their own that may allow or deny."""

INVOKE = "InvokeFunction"
ASSUME = "sts:AssumeRole"


class Records(Protocol):
    """What the control planes know."""

    async def session(self, access_key: str) -> Session | None:
        """Return whose session an access key is, None when it is none that is known."""

    async def granted(self, role: str) -> Granted:
        """Return what speaks for a role (ARN)."""

    async def resource(self, arn: str) -> Resource:
        """Return the own policy and the owner of a function, queue, topic, secret or role (trust policy)."""

    async def bucket(self, name: str) -> Resource | None:
        """Return the policy and the owner of a bucket; None when there is none."""

    async def secret(self, account: str, region: str, id: str) -> str:
        """Return the whole ARN of a secret; nothing when there is none."""


Whose = Callable[[str, Session], str]
"""Says which invocation uses an access key, by the key or the session's name; nothing when that is not known."""


@dataclass(frozen=True, slots=True)
class Bearer:
    """Who asks: a session, what speaks for it, and what conditions see of it."""

    access_key: str
    session: Session
    who: Who
    granted: Granted
    context: Context


@dataclass(frozen=True, slots=True)
class Refused:
    """One thing that was asked for and is not allowed; `message` in AWS's words."""

    ask: Ask
    decision: Decision
    message: str


class Guard:
    """Decides for every request; belongs to the event loop."""

    def __init__(self, records: Records, trace: Trace, whose: Whose) -> None:
        self._records = records
        self._trace = trace
        self._whose = whose

    async def bearer(
        self, who: Caller, headers: Mapping[str, str], query: str, source_ip: str = ""
    ) -> Bearer | None:
        """Return the role's session that sent a request; None when nobody's or a developer's own keys did."""
        if not who.access_key.startswith(session.TEMPORARY):
            return None
        token = headers.get(TOKEN) or _of_query(query)
        found = session.read(token) if token else None
        if found is None:
            found = await self._records.session(who.access_key)
        if found is None:
            return None
        granted = await self._records.granted(found.role)
        if found.policy:
            granted = replace(granted, session=compile_policy("the session's policy", found.policy))
        principal = Who(found.arn, found.role, found.account)
        whole, session_of = granted, found
        context = Gathered(lambda: _context(session_of, whole, who.region, headers, source_ip))
        return Bearer(who.access_key, found, principal, granted, context)

    async def admit(self, who: Caller, request: service_asks.Request, bearer: Bearer, wire: Wire) -> None:
        """Refuse a request to any service but S3; AwsError."""
        for ask in service_asks.asks(request, bearer.context):
            if refused := await self.objection(bearer, await self._resolved(ask, who)):
                self.tell(bearer, refused)
                raise refusal.error(request.service, wire, refused.message)

    async def admit_call(
        self, who: Caller, wire: Wire, call: Call, body: bytes = b"", *, invokes: bool = False
    ) -> None:
        """Refuse a request as it came in, to any service but S3; AwsError. Whoever invokes needs no body for that."""
        bearer = await self.bearer(who, call.headers, call.query, call.source_ip)
        if bearer is None:
            return
        kind = call.headers.get("content-type", "")
        operation = INVOKE if invokes else action_of(call.headers.get("x-amz-target", ""), call.query, body, kind)
        if not operation:
            operation = await operations.name_of(who.service, call.method, call.path, call.query)
        given = {} if invokes else service_asks.members(body, kind)
        request = service_asks.Request(
            who.service, operation, who.region, bearer.who.account, call.method, call.path, call.query, given
        )
        await self.admit(who, request, bearer, wire)

    async def admit_s3(self, bearer: Bearer, request: s3_asks.Request) -> None:
        """Refuse a request to S3; AwsError. A bucket that is not there is refused by S3 itself."""
        for ask in s3_asks.asks(request, bearer.context):
            if refused := await self.objection(bearer, ask):
                self.tell(bearer, refused)
                raise refusal.error("s3", Wire.S3, refused.message)

    async def admit_missing(self, bearer: Bearer, request: s3_asks.Request) -> None:
        """Refuse to tell that an object is missing to whoever may not list its bucket; AwsError."""
        if not s3_asks.may_tell(request):
            return
        if refused := await self.objection(bearer, s3_asks.listing(request, bearer.context)):
            self.tell(bearer, refused)
            raise refusal.error("s3", Wire.S3, refused.message)

    async def deletions(
        self, bearer: Bearer, request: s3_asks.Request, objects: Iterable[tuple[str, str]]
    ) -> dict[tuple[str, str], str]:
        """Return AWS's words for each of several objects (key and version) that may not be deleted."""
        found: dict[tuple[str, str], str] = {}
        for key, version in dict.fromkeys(objects):
            ask = s3_asks.deletion(request, key, version, bearer.context)
            if refused := await self.objection(bearer, ask):
                self.tell(bearer, refused)
                found[key, version] = refused.message
        return found

    async def objection(self, bearer: Bearer, ask: Ask) -> Refused | None:
        """Return what speaks against an ask; None when it is allowed."""
        resource = await self._resource(ask)
        if resource is None:
            return None
        if resource.account:
            ask = Ask(ask.action, ask.resource, joined(ask.context, lambda: _owner(resource.account)), ask.shown)
        decision = decide(bearer.granted, bearer.who, ask, resource)
        if decision.allowed:
            return None
        return Refused(ask, decision, refusal.words(bearer.session.arn, ask, decision))

    def tell(self, bearer: Bearer, refused: Refused) -> None:
        """Leave a hop, of the invocation whose credentials they are."""
        self._trace.hop(
            "permissions",
            What.ROLE_DENIED,
            invocation=self._whose(bearer.access_key, bearer.session),
            role=bearer.session.role.rpartition("/")[2],
            action=refused.ask.action,
            resource=refused.ask.shown or refused.ask.resource,
            reason=refused.decision.because + (f" ({refused.decision.note})" if refused.decision.note else ""),
        )

    async def _resource(self, ask: Ask) -> Resource | None:
        """Return what is known of a resource; None where S3 itself says that there is no such bucket."""
        parts = ask.resource.split(":", 5)
        if len(parts) < 6:
            return NOTHING
        service = parts[2]
        if service == "s3":
            found = await self._records.bucket(parts[5].partition("/")[0])
            return NOTHING if found is None and ask.action == "s3:CreateBucket" else found
        if service in WITH_POLICIES or ask.action == ASSUME:
            return await self._records.resource(ask.resource)
        return Resource(account=parts[4])

    async def _resolved(self, ask: Ask, who: Caller) -> Ask:
        """Put a secret's whole ARN in the place of its name: policies name that."""
        if not ask.action.startswith("secretsmanager:") or ask.resource == "*":
            return ask
        whole = await self._records.secret(who.account, who.region, ask.shown or ask.resource)
        return replace(ask, resource=whole) if whole else ask


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP request: `path` and `query` still percent-encoded, header names in lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    source_ip: str = ""


def _of_query(query: str) -> str:
    """Return the session token of a presigned request."""
    pairs = (each.partition("=") for each in query.split("&"))
    return next((unquote(value) for name, _, value in pairs if name.lower() == TOKEN), "")


def _owner(account: str) -> dict[str, tuple[str, ...]]:
    return {"aws:resourceaccount": (account,), "s3:resourceaccount": (account,)}


def _context(found: Session, granted: Granted, region: str, headers: Mapping[str, str], source_ip: str) -> Context:
    """Return what conditions may look at; clients here use no TLS, those on AWS do."""
    now = time.time()
    context = {
        "aws:principalarn": (found.role,),
        "aws:principalaccount": (found.account,),
        "aws:principaltype": ("AssumedRole",),
        "aws:userid": (f"{granted.id}:{found.name}",),
        "aws:securetransport": ("true",),
        "aws:principalisawsservice": ("false",),
        "aws:viaawsservice": ("false",),
        "aws:multifactorauthpresent": ("false",),
        "aws:requestedregion": (region,),
        "aws:epochtime": (str(int(now)),),
        "aws:currenttime": (datetime.fromtimestamp(now, UTC).isoformat(),),
        "aws:useragent": (headers.get("user-agent", ""),),
        **{f"aws:principaltag/{name.lower()}": (value,) for name, value in granted.tags},
    }
    if source_ip:
        context["aws:sourceip"] = (source_ip,)
    if referer := headers.get("referer"):
        context["aws:referer"] = (referer,)
    return context
