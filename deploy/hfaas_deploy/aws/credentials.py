"""What AWS says of credentials that it does not accept, and what botocore says of those it cannot find, in words."""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime
from typing import Any

from botocore import exceptions
from botocore.exceptions import BotoCoreError, ClientError

from hfaas_deploy.aws.refusals import EXPIRED, LATE, NO_REGION, SIGNED_OUT, UNKNOWN, UNSIGNED, renewal, sign_in
from hfaas_deploy.errors import CredentialsError, DeployError, TargetUnreachable

CLOCK = ("Signature expired", "Signature not yet current")
"""How AWS says of a signature that the clock of who made it is wrong."""

NETWORK = (exceptions.HTTPClientError, exceptions.ConnectionError)
CLOSE = 60
"""Seconds that two clocks may differ without a word."""


def refusal(fault: ClientError, profile: str = "") -> CredentialsError | None:
    """What a refusal says of the credentials; None when it is about something else."""
    said = fault.response.get("Error", {})
    code, message = str(said.get("Code", "")), str(said.get("Message", ""))
    if code in LATE or (code in UNSIGNED and any(words in message for words in CLOCK)):
        return _late(fault)
    if code in EXPIRED:
        return CredentialsError(f"the credentials of {_whose(profile)} have expired", renewal(profile))
    if code in UNKNOWN:
        return CredentialsError(
            f"AWS does not know the access key of {_whose(profile)} (any more)",
            f"{renewal(profile)}; temporary keys need AWS_SESSION_TOKEN, too",
        )
    if code in UNSIGNED:
        return CredentialsError(
            f"the secret key of {_whose(profile)} does not belong to its access key",
            f"copy both anew: {_configure(profile)}, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
        )
    return None


def absence(fault: BotoCoreError, profile: str, region: str) -> DeployError:
    """Why no call was made at all: no credentials, a sign-in that is over, no network."""
    match fault:
        case exceptions.NoCredentialsError():
            of = f" in profile {profile}" if profile else ""
            return CredentialsError(f"no credentials for AWS were found{of}", sign_in(profile))
        case exceptions.PartialCredentialsError():
            return CredentialsError(
                f"the credentials of {_whose(profile)} are incomplete: {fault}",
                "access key and secret key come from the same place",
            )
        case _ if SIGNED_OUT.intersection(kind.__name__ for kind in type(fault).__mro__):
            return CredentialsError(
                f"the sign-in of {_whose(profile)} is over", f"run `aws sso login{_option(profile)}`"
            )
        case _ if type(fault).__name__ in NO_REGION:
            return DeployError(f"{region!r} is no region of AWS", "name one with --region, as eu-west-1")
        case _ if isinstance(fault, NETWORK):
            hint = "is this machine online, and is the region's name right?"
            return TargetUnreachable(f"AWS does not answer in {region}: {fault}", hint)
        case _:
            return CredentialsError(
                f"the credentials of {_whose(profile)} cannot be had: {fault}", renewal(profile)
            )


def _late(fault: ClientError) -> CredentialsError:
    """The answer says what time it is at AWS."""
    headers: dict[str, Any] = dict(fault.response.get("ResponseMetadata", {}).get("HTTPHeaders", {}))
    try:
        ahead = time.time() - parsedate_to_datetime(str(headers.get("date", ""))).timestamp()
    except (TypeError, ValueError):
        ahead = 0.0
    words = f"{abs(ahead) / 60:.0f} min {'fast' if ahead > 0 else 'slow'}" if abs(ahead) > CLOSE else "wrong"
    return CredentialsError(f"AWS refuses the time of the request: the clock here is {words}", "set the clock")


def _whose(profile: str) -> str:
    return f"profile {profile}" if profile else "the environment or the default profile"


def _option(profile: str) -> str:
    return f" --profile {profile}" if profile else ""


def _configure(profile: str) -> str:
    return f"`aws configure{_option(profile)}`"
