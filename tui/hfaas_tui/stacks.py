"""The Stacks that hfaas has brought up in an account, as CloudFormation tells them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

FUNCTION = "AWS::Lambda::Function"


@dataclass(frozen=True, slots=True)
class Known:
    """A Stack of hfaas: CloudFormation's word for its state, the SHA-256 of its template, and its parameters."""

    name: str
    status: str
    template: str
    parameters: Mapping[str, str] = field(default_factory=dict)


def ours(cloudformation: Any) -> list[Known]:
    """Return the Stacks that carry the fingerprint of a template of hfaas."""
    from hfaas_deploy.aws.standing import FINGERPRINT

    found = []
    for page in cloudformation.get_paginator("describe_stacks").paginate():
        for stack in page["Stacks"]:
            tags = {tag["Key"]: tag["Value"] for tag in stack.get("Tags", ())}
            if FINGERPRINT in tags:
                values = {one["ParameterKey"]: one.get("ParameterValue", "") for one in stack.get("Parameters", ())}
                found.append(Known(stack["StackName"], stack["StackStatus"], tags[FINGERPRINT], values))
    return found


def functions(cloudformation: Any) -> dict[str, str]:
    """Return the Stack of each function of ours."""
    return {
        resource["PhysicalResourceId"]: stack.name
        for stack in ours(cloudformation)
        for page in cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack.name)
        for resource in page["StackResourceSummaries"]
        if resource["ResourceType"] == FUNCTION and resource.get("PhysicalResourceId")
    }
