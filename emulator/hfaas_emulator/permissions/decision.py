"""IAM's decision: an explicit Deny beats all, then something must allow.

                     same account                                another account's resource
    allowed when     the role's policies allow (within boundary  both the role's policies and the resource's
                     and session policy), or the resource's
                     policy names the role or everybody

A resource policy that names only the account leaves the decision to the role's policies. One that names the role is
bounded by the boundary and the session policy, one that names the session is not.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from hfaas_emulator.permissions.document import Ask, Policy, Principals, Statement, Who

IDENTITY = "identity-based policy"
RESOURCE = "resource-based policy"
BOUNDARY = "permissions boundary"
SESSION = "session policy"
UNKNOWN = "this emulator does not know"


@dataclass(frozen=True, slots=True)
class Granted:
    """All that speaks for a session: its role's policies, and what bounds them where there is such a bound.

    `note` says what is odd about the role itself: that it does not exist.
    """

    policies: tuple[Policy, ...] = ()
    boundary: Policy | None = None
    session: Policy | None = None
    tags: tuple[tuple[str, str], ...] = ()
    id: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource's own policy, and the account that owns it (empty: the caller's)."""

    policy: Policy | None = None
    account: str = ""
    must_allow: bool = False
    """Whether the resource has to agree even within one account, as a role to being assumed."""


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether it is allowed; if not, `because` in AWS's words, and `note` what a person should know besides.

    `unsure`: a condition that this emulator does not know may have decided otherwise on AWS.
    """

    allowed: bool
    because: str = ""
    note: str = ""
    unsure: bool = False


NOTHING = Resource()
ALLOWED = Decision(allowed=True)


def decide(granted: Granted, who: Who, ask: Ask, resource: Resource = NOTHING) -> Decision:
    """Evaluate one action on one resource."""
    if denied := _denied(granted, who, ask, resource):
        return denied
    notes: list[str] = []
    identity = _allowed(granted.policies, ask, notes)
    own = resource.policy
    foreign = resource.account not in {"", who.account}
    if foreign or resource.must_allow:
        refused = _bounded(granted, ask, notes, identity=identity or not foreign)
        if not refused and not _resource_allows(own, who, ask, notes, through_account=identity):
            refused = RESOURCE
    elif _names_session(own, who, ask):
        refused = ""
    else:
        named = not identity and _resource_allows(own, who, ask, notes, through_account=False)
        refused = _bounded(granted, ask, notes, identity=identity or named)
    if not refused:
        return ALLOWED
    told = "; ".join(filter(None, [granted.note, *dict.fromkeys(notes)]))
    because = f"because no {refused} allows the {ask.action} action"
    return Decision(allowed=False, because=because, note=told, unsure=UNKNOWN in told)


def _denied(granted: Granted, who: Who, ask: Ask, resource: Resource) -> Decision | None:
    bounds = ((SESSION, granted.session), (BOUNDARY, granted.boundary), (RESOURCE, resource.policy))
    for kind, policy in (*((IDENTITY, each) for each in granted.policies), *bounds):
        if policy is None:
            continue
        for statement in policy.denies:
            principals = statement.principals
            if principals is not None and not principals.through_account(who):
                continue
            if statement.concerns(ask) and (unknown := statement.objection(ask.context)) is not None:
                article = "an" if kind == IDENTITY else "a"
                return Decision(
                    allowed=False,
                    because=f"with an explicit deny in {article} {kind}",
                    note=_named(policy, statement, _denies(unknown)),
                    unsure=bool(unknown),
                )
    return None


def _bounded(granted: Granted, ask: Ask, notes: list[str], *, identity: bool) -> str:
    """Return what fails to allow; nothing when all do."""
    if not identity:
        return IDENTITY
    for kind, policy in ((BOUNDARY, granted.boundary), (SESSION, granted.session)):
        if policy is not None and not _allowed((policy,), ask, notes):
            return kind
    return ""


def _allowed(policies: Iterable[Policy], ask: Ask, notes: list[str]) -> bool:
    return any(_fits(policy, statement, ask, notes) for policy in policies for statement in policy.allows)


def _fits(policy: Policy, statement: Statement, ask: Ask, notes: list[str]) -> bool:
    if not statement.concerns(ask):
        return False
    unknown = statement.objection(ask.context)
    if unknown is None:
        notes.append(_named(policy, statement, "would allow it, but its conditions do not hold"))
    elif unknown:
        notes.append(_named(policy, statement, f"would allow it, but {UNKNOWN} {unknown}"))
    return unknown == ""


def _resource_allows(policy: Policy | None, who: Who, ask: Ask, notes: list[str], *, through_account: bool) -> bool:
    for statement in policy.allows if policy else ():
        principals = statement.principals or Principals()
        meant = principals.through_account(who) if through_account else principals.directly(who)
        if policy and meant and _fits(policy, statement, ask, notes):
            return True
    return False


def _names_session(policy: Policy | None, who: Who, ask: Ask) -> bool:
    """Tell whether a resource policy allows it to this very session."""
    return any(
        statement.principals is not None
        and not statement.principals.is_not
        and who.session in statement.principals.names
        and statement.concerns(ask)
        and statement.objection(ask.context) == ""
        for statement in (policy.allows if policy else ())
    )


def _named(policy: Policy, statement: Statement, does: str) -> str:
    sid = f"statement {statement.sid} of " if statement.sid else ""
    return f"{sid}{policy.name} {does}"


def _denies(unknown: str) -> str:
    return f"may deny it: {UNKNOWN} {unknown}" if unknown else "denies it"
