"""Names on AWS: limits, logical ids, and the few physical names we choose ourselves.

Only what must be found by name from outside the Stack is named (functions, log groups, buckets). CloudFormation
names the rest, so that it can replace them.
"""

from __future__ import annotations

import hashlib
import ipaddress
import re

STACK = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,127}")
PLAIN_WORDS = re.compile(r"[a-z][a-z0-9]*(-[a-z][a-z0-9]*)*")
BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]*[a-z0-9]")
TAG = re.compile(r"[\w\s.:/=+@-]*")
RESERVED_BUCKETS = (("xn--", "sthree-", "amzn-s3-demo-"), ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"))


EVENTS = "events/"
"""Where in the artifacts bucket events lie that are too large for a job."""

ONETRIGGER = "onetrigger"
"""Where in the artifacts bucket OneTrigger remembers what it has seen, and how its Functions' names end."""


def logical(name: str, kind: str) -> str:
    """`detect-faces`, `Role` -> `DetectFacesRole`: logical ids have letters and digits only.

    No two names share an id: what would be lost on the way (case, other characters) comes back as a hash.
    """
    words = "".join(word[:1].upper() + word[1:] for word in re.split(r"[^A-Za-z0-9]+", name))
    if not PLAIN_WORDS.fullmatch(name):
        words += "X" + hashlib.sha256(name.encode()).hexdigest()[:6]
    return words + kind


def image_parameter(function: str) -> str:
    """The template parameter that takes the image of a Function."""
    return logical(function, "Image")


def log_group(function: str) -> str:
    return f"/aws/lambda/{function}"


def secret(kind: str, id: str) -> str:
    """The logical id of a provider's secret."""
    return logical(f"{kind}-{id}", "Secret")


def onetrigger(function: str, number: int) -> str:
    """The Function that watches for another one; the first of several has no number."""
    return f"{function}-{ONETRIGGER}{f'-{number}' if number > 1 else ''}"


def repository(function: str) -> str:
    """The image repository of a Function; a name that ECR does not take is told apart by a hash."""
    near = re.sub(r"[-_]+", "-", function.lower()).strip("-")
    if near == function:
        return f"hfaas/{near}"
    return f"hfaas/{near}{'-' * bool(near)}{hashlib.sha256(function.encode()).hexdigest()[:6]}"


def images_stack(stack: str) -> str:
    """The Stack with the image repositories of another one."""
    whole = f"{stack}-images"
    return whole if len(whole) <= 128 else f"{stack[:114]}-{hashlib.sha256(stack.encode()).hexdigest()[:6]}-images"


def bucket_arn(bucket: str, path: str = "") -> dict[str, str]:
    """Built from the name, never from the bucket resource: that breaks the circle of bucket and permission."""
    return {"Fn::Sub": f"arn:${{AWS::Partition}}:s3:::{bucket}{path}"}


def artifacts_bucket(account: str, region: str) -> str:
    """The bucket for what is too large to travel in a call; one for all pipelines of an account and region."""
    return f"hfaas-artifacts-{account}-{region}"


def bucket_fault(name: str) -> str:
    """Why AWS refuses this bucket name; empty when it does not."""
    if not 3 <= len(name) <= 63:
        return f"has {len(name)} character{'s' * (len(name) != 1)}; AWS wants 3 to 63"
    if name != name.lower():
        return "has capital letters; AWS wants lower case"
    if not BUCKET.fullmatch(name):
        return (
            "may have only lower-case letters, digits, dots and hyphens, and begins and ends with a letter or digit"
        )
    if ".." in name:
        return "has two dots in a row"
    if _is_address(name):
        return "looks like an IP address"
    beginnings, endings = RESERVED_BUCKETS
    if name.startswith(beginnings) or name.endswith(endings):
        return "has a beginning or an end that AWS keeps for itself"
    return ""


def tag_fault(key: str, value: str) -> str:
    """Why AWS refuses this tag; empty when it does not."""
    if key.lower().startswith("aws:"):
        return "begins with aws:, which AWS keeps for itself"
    if len(key) > 128 or len(value) > 256:
        return "is too long; AWS takes 128 characters and 256 of the value"
    return "" if TAG.fullmatch(key) and TAG.fullmatch(value) else "has characters that AWS refuses in tags"


def suggest_bucket(name: str) -> str:
    """The nearest name that AWS takes; empty when there is none."""
    near = re.sub(r"[^a-z0-9.-]+", "-", name.lower()).strip("-.")[:63].strip("-.")
    return near if near and not bucket_fault(near) else ""


def _is_address(name: str) -> bool:
    try:
        ipaddress.IPv4Address(name)
    except ValueError:
        return False
    return True
