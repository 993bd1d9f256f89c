"""What a Stack was last made of."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

FINGERPRINT = "hfaas:template"
"""The tag by which a Stack of ours is known: its value is the SHA-256 of the template."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What a Stack was last made of: the template as data, and the values of its parameters."""

    template: Mapping[str, Any] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    fingerprint: str = ""
    """The SHA-256 of the template, as the deploy wrote it down."""


def read_standing(body: Any, told: Any) -> Standing:
    """Read what a Stack, or a change set that was described, is made of."""
    values = {one["ParameterKey"]: one["ParameterValue"] for one in told.get("Parameters", [])}
    tags = {one["Key"]: one["Value"] for one in told.get("Tags", [])}
    return Standing(json.loads(body) if isinstance(body, str) else body, values, tags.get(FINGERPRINT, ""))
