"""What decides over a role's requests, from moto's records, its policies compiled; on the moto thread."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from moto.iam.models import IAMBackend, Role, iam_backends
from moto.secretsmanager.models import secretsmanager_backends
from moto.sns.models import sns_backends
from moto.sqs.models import sqs_backends
from moto.sts.models import sts_backends

from hfaas_emulator.moto_services import endpoint_records
from hfaas_emulator.moto_services.s3 import bucket_of
from hfaas_emulator.permissions.decision import Granted, Resource
from hfaas_emulator.permissions.document import Policy, compile_policy
from hfaas_emulator.permissions.session import Session
from hfaas_emulator.wire.caller import ACCOUNT_ID, account_of

ANYTHING = '{"Version": "2012-10-17", "Statement": []}'


def session(access_key: str) -> Session | None:
    """Find the session that an access key is of."""
    found = sts_backends[account_of(access_key)]["aws"].get_assumed_role_from_access_key(access_key)
    return Session(found.role_arn, found.session_name or "", found.policy or "") if found else None


def granted(role: str) -> Granted:
    """Compile a role's policies; a role that is not there has none."""
    found, backend = _role(role)
    if found is None or backend is None:
        return Granted(note=f"there is no role {role}")
    inline = [compile_policy(f"the role's policy {name}", _text(text)) for name, text in found.policies.items()]
    managed = [_managed(backend, arn) for arn in found.managed_policies]
    boundary = found.permissions_boundary_arn
    return Granted(
        (*inline, *managed),
        _managed(backend, boundary) if boundary else None,
        tags=tuple((tag["Key"], tag["Value"]) for tag in _tags(found)),
        id=found.id,
    )


def _role(arn: str) -> tuple[Role | None, IAMBackend | None]:
    account = arn.split(":")[4]
    if not ACCOUNT_ID.fullmatch(account):
        return None, None
    backend = iam_backends[account]["aws"]
    return next((role for role in backend.roles.values() if role.arn == arn), None), backend


def _tags(role: Role) -> Iterator[dict[str, str]]:
    tags = role.tags or []
    yield from tags.values() if isinstance(tags, dict) else tags


def _managed(backend: IAMBackend, arn: str) -> Policy:
    """Compile a managed policy's default version; one that is not there allows nothing."""
    if arn not in backend.managed_policies:
        return Policy(arn)
    policy = backend.managed_policies[arn]
    versions = [each.document for each in policy.versions if each.version_id == policy.default_version_id]
    return compile_policy(arn, _text(versions[0] if versions else ANYTHING))


def _text(document: Any) -> str:
    return document if isinstance(document, str) else json.dumps(document)


def bucket(name: str) -> Resource | None:
    """Return a bucket's policy and owner; None when there is no such bucket."""
    found = bucket_of(name)
    if found is None:
        return None
    policy = found.policy.decode() if isinstance(found.policy, bytes) else found.policy
    compiled = compile_policy(f"the policy of the bucket {name}", policy) if policy else None
    return Resource(compiled, str(found.account_id))


def resource(arn: str) -> Resource:
    """Return the own policy and the owner of a function, queue, topic, secret or role."""
    parts = arn.split(":", 5)
    service, region, account, name = parts[2:6]
    text = ""
    with suppress(Exception):  # moto has a dozen ways to say that there is none: the service itself will say so
        text = _OWN[service](account, region, name, arn)
    policy = compile_policy(f"the own policy of {arn}", text) if text else None
    return Resource(policy, account, must_allow=service == "iam")


def secret(account: str, region: str, id: str) -> str:
    """Return the whole ARN of a secret that is named by name, partial or whole ARN."""
    if id.startswith("arn:"):
        region, account = id.split(":")[3:5]
    if not ACCOUNT_ID.fullmatch(account):
        return ""
    secrets = secretsmanager_backends[account][region].secrets
    return str(secrets[id].arn) if id in secrets else ""


def _function_policy(_account: str, _region: str, _name: str, arn: str) -> str:
    statements = endpoint_records.statements(arn)
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)}) if statements else ""


def _queue_policy(account: str, region: str, name: str, _arn: str) -> str:
    return json.dumps(sqs_backends[account][region].get_queue(name)._policy_json)  # noqa: SLF001


def _topic_policy(account: str, region: str, _name: str, arn: str) -> str:
    return json.dumps(sns_backends[account][region].get_topic(arn)._policy_json)  # noqa: SLF001


def _secret_policy(account: str, region: str, _name: str, arn: str) -> str:
    return str(secretsmanager_backends[account][region].secrets[arn].policy or "")


def _trust(_account: str, _region: str, _name: str, arn: str) -> str:
    found, _ = _role(arn)
    return _text(found.assume_role_policy_document) if found else ""


_OWN = {
    "lambda": _function_policy,
    "sqs": _queue_policy,
    "sns": _topic_policy,
    "secretsmanager": _secret_policy,
    "iam": _trust,
}
