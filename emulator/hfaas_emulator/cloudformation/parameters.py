"""A template's parameters: what a request gave, what was there before, what the template defaults to."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from hfaas_emulator.cloudformation.intrinsics import invalid
from hfaas_emulator.cloudformation.template import Template

HIDDEN = "****"


def values(template: Template, given: Sequence[Mapping[str, str]], previous: Mapping[str, str]) -> dict[str, str]:
    """Return the value of every parameter of the template; ValidationError when one has none or a wrong one."""
    chosen = {str(one.get("ParameterKey", "")): one for one in given}
    if strange := [key for key in chosen if key not in template.parameters]:
        raise invalid(f"Parameters: [{', '.join(strange)}] do not exist in the template")
    found = {key: _value(key, one, chosen.get(key), previous) for key, one in template.parameters.items()}
    if missing := [key for key, value in found.items() if value is None]:
        raise invalid(f"Parameters: [{', '.join(missing)}] must have values")
    complete = {key: value for key, value in found.items() if value is not None}
    for key, value in complete.items():
        _check(key, value, template.parameters[key])
    return complete


def is_list(declared: Mapping[str, Any]) -> bool:
    """Whether a Ref to this parameter gives a list."""
    return str(declared["Type"]).startswith(("List<", "CommaDelimitedList"))


def shown(template: Template, values: Mapping[str, str]) -> dict[str, str]:
    """Return the values as answers may show them."""
    return {
        key: HIDDEN if str(template.parameters.get(key, {}).get("NoEcho", "")).lower() == "true" else value
        for key, value in values.items()
    }


def _value(
    key: str, declared: Mapping[str, Any], given: Mapping[str, str] | None, previous: Mapping[str, str]
) -> str | None:
    if given is not None and given.get("UsePreviousValue", "").lower() == "true":
        if key not in previous:
            raise invalid(
                f"Invalid input for parameter key {key}. Cannot specify usePreviousValue as true for a "
                "parameter key not in the previous template"
            )
        return previous[key]
    if given is not None and "ParameterValue" in given:
        return given["ParameterValue"]
    return _default(declared)


def _default(declared: Mapping[str, Any]) -> str | None:
    if "Default" not in declared:
        return None
    default = declared["Default"]
    return str(default).lower() if isinstance(default, bool) else str(default)


def _check(key: str, value: str, declared: Mapping[str, Any]) -> None:
    for item in value.split(",") if is_list(declared) else [value]:
        _check_item(key, item.strip(), declared)


def _check_item(key: str, value: str, declared: Mapping[str, Any]) -> None:
    said = declared.get("ConstraintDescription")
    allowed = [_default({"Default": one}) for one in declared.get("AllowedValues", [])]
    if allowed and value not in allowed:
        raise invalid(said or f"Parameter '{key}' must be one of AllowedValues")
    if (pattern := declared.get("AllowedPattern")) and not re.fullmatch(str(pattern), value):
        raise invalid(said or f"Parameter '{key}' must match pattern {pattern}")
    if len(value) < int(declared.get("MinLength", 0)):
        raise invalid(said or f"Parameter '{key}' must contain at least {declared['MinLength']} characters")
    if "MaxLength" in declared and len(value) > int(declared["MaxLength"]):
        raise invalid(said or f"Parameter '{key}' must contain at most {declared['MaxLength']} characters")
    if declared["Type"] in ("Number", "List<Number>"):
        _check_number(key, value, declared)


def _check_number(key: str, value: str, declared: Mapping[str, Any]) -> None:
    try:
        number = float(value)
    except ValueError as error:
        raise invalid(f"Parameter '{key}' must be a number.") from error
    if number < float(declared.get("MinValue", number)):
        raise invalid(f"Parameter '{key}' must be a number not less than {declared['MinValue']}")
    if number > float(declared.get("MaxValue", number)):
        raise invalid(f"Parameter '{key}' must be a number not greater than {declared['MaxValue']}")
