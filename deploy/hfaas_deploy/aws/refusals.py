"""By what AWS's refusals, and botocore's faults, are known to be about the user's credentials; needs neither to be read."""

from __future__ import annotations

EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired"})
UNKNOWN = frozenset(
    {"AuthFailure", "InvalidAccessKeyId", "InvalidClientTokenId", "InvalidToken", "UnrecognizedClientException"}
)
UNSIGNED = frozenset({"SignatureDoesNotMatch", "InvalidSignatureException"})
LATE = frozenset({"RequestExpired", "RequestTimeTooSkewed", "RequestInTheFuture"})
REFUSED = EXPIRED | UNKNOWN | UNSIGNED | LATE
"""Codes of AWS."""

SIGNED_OUT = frozenset({"SSOTokenLoadError", "UnauthorizedSSOTokenError", "TokenRetrievalError", "SSOError"})
ABSENT = frozenset({"NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError"})
NO_REGION = frozenset({"InvalidRegionError", "UnknownRegionError"})
"""Names of botocore's exceptions."""


def sign_in(profile: str = "") -> str:
    """How somebody without credentials gets some."""
    option = f" --profile {profile}" if profile else ""
    profiles = "" if profile else "; --profile NAME takes those of a profile"
    return f"`aws configure sso{option}` or `aws configure{option}` sets them up{profiles}"


def renewal(profile: str = "") -> str:
    """How credentials are made new."""
    option = f" --profile {profile}" if profile else ""
    return f"run `aws sso login{option}`, or get new keys from who gave you these"
