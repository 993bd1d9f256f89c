"""The table of resource types: one row each, filled by one module for each service."""

from __future__ import annotations

from collections.abc import Mapping

from hfaas_emulator.cloudformation.intrinsics import invalid
from hfaas_emulator.cloudformation.providers import (
    apigatewayv2,
    batch,
    ecr,
    events,
    iam,
    lambda_,
    logs,
    s3,
    scheduler,
    secrets,
    sqs,
)
from hfaas_emulator.cloudformation.providers.base import Provider
from hfaas_emulator.cloudformation.template import Template

TYPES: Mapping[str, Provider] = {
    **apigatewayv2.PROVIDERS,
    **batch.PROVIDERS,
    **ecr.PROVIDERS,
    **events.PROVIDERS,
    **iam.PROVIDERS,
    **lambda_.PROVIDERS,
    **logs.PROVIDERS,
    **s3.PROVIDERS,
    **scheduler.PROVIDERS,
    **secrets.PROVIDERS,
    **sqs.PROVIDERS,
}
TAGGABLE = frozenset(kind for kind, provider in TYPES.items() if provider.taggable)

CAPABILITIES = {
    "AWS::IAM::Role": "RoleName",
    "AWS::IAM::Policy": "",
    "AWS::IAM::ManagedPolicy": "ManagedPolicyName",
    "AWS::IAM::InstanceProfile": "InstanceProfileName",
}
"""The types that need an acknowledgement, and the property whose presence asks for the stronger one."""


def check_types(template: Template) -> None:
    """Refuse a template with types that nobody here can make."""
    strange = sorted({one.type for one in template.resources.values()} - set(TYPES))
    if strange:
        raise invalid(f"Template format error: Unrecognized resource types: [{', '.join(strange)}]")


def services(template: Template) -> tuple[str, ...]:
    """Return the services that a template's resources are made of."""
    return tuple(sorted({name for one in template.resources.values() for name in TYPES[one.type].services}))


def capabilities(template: Template) -> tuple[str, ...]:
    """Return what the caller must acknowledge: nothing, CAPABILITY_IAM or CAPABILITY_NAMED_IAM."""
    found = [one for one in template.resources.values() if one.type in CAPABILITIES]
    if not found:
        return ()
    named = any(CAPABILITIES[one.type] in one.properties for one in found)
    return ("CAPABILITY_NAMED_IAM",) if named else ("CAPABILITY_IAM",)
