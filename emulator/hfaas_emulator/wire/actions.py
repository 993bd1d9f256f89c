"""Which requests change something, told by their names alone."""

from __future__ import annotations

import re
from urllib.parse import parse_qs

READS = ("Get", "List", "Describe", "Head", "Lookup", "Search", "Query", "Scan", "BatchGet", "Filter", "Simulate",
         "Decode", "Check", "Validate", "Preview", "Test", "Select", "StartLiveTail")  # fmt: skip
OWN_ROWS = {
    "sqs": ("SendMessage", "ReceiveMessage", "DeleteMessage", "ChangeMessageVisibility", "PurgeQueue"),
    "sns": ("Publish",),
    "events": ("PutEvents",),
    "logs": ("PutLogEvents",),
    "sts": ("AssumeRole", "GetSessionToken", "GetFederationToken"),
}
"""Actions whose effects are kept in rows of their own, or last no longer than the process."""

POSTED_READS = {"batch": re.compile(r"/+v1/+(describe|list|get)[a-z]+/*")}
"""Paths of REST services where reading is a POST like everything else."""


def action_of(target: str, query: str, body: bytes, content_type: str) -> str:
    """Return the action of a JSON or query request, or an empty string."""
    if target:
        return target.rpartition(".")[2]
    form = body.decode("utf-8", "replace") if content_type.startswith("application/x-www-form-urlencoded") else ""
    for text in (form, query):
        if "Action=" in text:
            return parse_qs(text).get("Action", [""])[0]
    return ""


def changes_state(method: str, service: str, action: str, path: str = "/") -> bool:
    """Tell whether a request must be journaled, given that it succeeds."""
    if service in POSTED_READS and POSTED_READS[service].fullmatch(path):
        return False
    if not action:
        return method not in ("GET", "HEAD", "OPTIONS")
    return not action.startswith((*READS, *OWN_ROWS.get(service, ())))
