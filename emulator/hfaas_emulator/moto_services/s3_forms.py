"""Uploads by HTML forms: what moto takes for granted, and where their signature is."""

from __future__ import annotations

from typing import Any

from hfaas_emulator.errors import AwsError
from hfaas_emulator.moto_services.patch import patch
from hfaas_emulator.moto_services.s3 import bucket_of, current
from hfaas_emulator.moto_services.s3_strangers import may
from hfaas_emulator.s3.request import Call

SIGNATURES = frozenset({"x-amz-signature", "signature"})


@patch(
    "moto.s3.responses:S3Response.setup_class",
    sha="f4fd5cb219d152d8",
    reason="fails at forms without a key or a file, and asks for no signature",
)
def setup_class(original: Any, self: Any, request: Any, *args: Any, **named: Any) -> None:
    call = current()
    if call is None and request.method == "POST":
        # Unsigned, and taken for a form of another service, because its bucket is in its host.
        raise AwsError("AccessDenied", "Access Denied", 403)
    if call is not None and call.is_form:
        _check(call, request)
    original(self, request, *args, **named)


def _check(call: Call, request: Any) -> None:
    fields = {name.lower() for name in request.form}
    if "key" not in request.form:
        raise _invalid(
            "Bucket POST must contain a field named 'key'.  If it is specified, please check the order of the fields."
        )
    if "file" not in request.form and "file" not in request.files:
        raise _invalid("POST requires exactly one file upload per request.")
    bucket = bucket_of(call.bucket)
    signed = call.signed or SIGNATURES & fields
    if bucket is not None and not signed and not may(bucket, "s3:PutObject", request.form["key"]):
        raise AwsError("AccessDenied", "Access Denied", 403)


def _invalid(message: str) -> AwsError:
    return AwsError("InvalidArgument", message)
