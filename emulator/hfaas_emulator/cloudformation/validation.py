"""What is known to be wrong with a plan before anything is touched."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from hfaas_emulator.cloudformation.plan import Action, Change, Problem
from hfaas_emulator.cloudformation.providers import TYPES
from hfaas_emulator.cloudformation.template import Template

UNKNOWN_PROPERTY = "PROPERTY_VALIDATION"
NAME_TAKEN = "NAME_CONFLICT_VALIDATION"
CHECKS = {
    UNKNOWN_PROPERTY: "AWS::EarlyValidation::PropertyValidation",
    NAME_TAKEN: "AWS::EarlyValidation::ResourceExistenceCheck",
}


def unknown_properties(template: Template, planned: Iterable[Change]) -> list[Problem]:
    """Return the properties that would fail a resource which the plan makes or changes."""
    found = []
    for change in planned:
        if change.action is Action.REMOVE:
            continue
        strange = sorted(set(template.resources[change.logical].properties) - TYPES[change.type].properties)
        found += [
            Problem(change.logical, change.type, UNKNOWN_PROPERTY, f"Unsupported property [{name}]")
            for name in strange
        ]
    return found


def other_types(old: Template, new: Template) -> str:
    """Return why a template cannot follow another one; empty when it can."""
    both = old.resources.keys() & new.resources.keys()
    moved = sorted(name for name in both if old.resources[name].type != new.resources[name].type)
    if not moved:
        return ""
    return (
        "Update of resource type is not permitted. The new template modifies resource type of the following "
        f"resources: [{', '.join(moved)}]"
    )


def summary(problems: Sequence[Problem]) -> str:
    """Say in AWS's words that validation failed, and add what AWS has one ask for."""
    checks = ", ".join(dict.fromkeys(CHECKS[one.check] for one in problems))
    said = "; ".join(f"{one.logical}: {one.reason}" for one in problems)
    return (
        f"The following hook(s)/validation failed: [{checks}]. To troubleshoot Early Validation errors, use the "
        f"DescribeEvents API for detailed failure information. ({said})"
    )
