"""The account and region that callers get when their credentials do not say otherwise."""

from __future__ import annotations

ACCOUNT = "000000000000"
"""LocalStack's account id, so that its users' ARNs keep working."""

REGION = "us-east-1"
