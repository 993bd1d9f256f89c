"""Function URLs: moto keeps their settings; where they lead, and whom a policy lets in, is ours."""

from __future__ import annotations

from typing import Any

from moto.awslambda.exceptions import GenericResourcNotFound
from moto.awslambda.models import FunctionUrlConfig, LambdaFunction
from moto.awslambda.policy import Policy
from moto.awslambda.responses import LambdaResponse
from moto.core.utils import utcnow
from moto.moto_api._internal import mock_random

from hfaas_emulator.errors import AwsError
from hfaas_emulator.moto_services import addresses
from hfaas_emulator.moto_services.patch import patch

AUTH_TYPES = ("NONE", "AWS_IAM")
MODES = ("BUFFERED", "RESPONSE_STREAM")


@patch(
    "moto.awslambda.models:FunctionUrlConfig.__init__",
    sha="c7d8d1ce7780d6a2",
    reason="makes a URL of AWS's, and takes any AuthType",
)
def init(original: Any, self: FunctionUrlConfig, function: LambdaFunction, config: dict[str, Any]) -> None:
    _check({"AuthType": None, **config})
    original(self, function, dict(config))
    self.id = mock_random.uuid4().hex


@patch(
    "moto.awslambda.models:FunctionUrlConfig.to_dict",
    sha="727e485c7073fd78",
    reason="shows a URL of AWS's, and `Buffered`",
)
def to_dict(original: Any, self: FunctionUrlConfig) -> dict[str, Any]:
    shown = {**original(self), "FunctionUrl": addresses.of_function(self.id), "InvokeMode": "BUFFERED"}
    return {name: value for name, value in shown.items() if value is not None}


@patch(
    "moto.awslambda.models:FunctionUrlConfig.update",
    sha="1b615142b1aafeef",
    reason="takes any AuthType, and never takes CORS rules away",
)
def update(_original: Any, self: FunctionUrlConfig, new_config: dict[str, Any]) -> None:
    _check(new_config)
    known = ("AuthType", "Cors", "InvokeMode")
    self.config = {**self.config, **{name: new_config[name] for name in known if new_config.get(name) is not None}}
    self.last_modified = utcnow().strftime("%Y-%m-%dT%H:%M:%S.000+0000")


def _check(config: dict[str, Any]) -> None:
    if "AuthType" in config and config["AuthType"] not in AUTH_TYPES:
        raise AwsError(
            "ValidationException",
            f"1 validation error detected: Value '{config['AuthType']}' at 'authType' failed to satisfy constraint: "
            "Member must satisfy enum value set: [NONE, AWS_IAM]",
        )
    mode = config.get("InvokeMode") or "BUFFERED"
    if mode not in MODES:
        raise AwsError(
            "ValidationException", f"Value '{mode}' at 'invokeMode' must be one of [BUFFERED, RESPONSE_STREAM]"
        )
    if mode == "RESPONSE_STREAM":
        raise AwsError(
            "NotImplemented",
            "InvokeMode RESPONSE_STREAM is not emulated: hfaas does not stream answers. Use BUFFERED.",
            501,
        )


@patch(
    "moto.awslambda.models:LambdaFunction.create_url_config",
    sha="dd468657df628b35",
    reason="replaces a URL that is there",
)
def create_url_config(original: Any, self: LambdaFunction, config: dict[str, Any]) -> FunctionUrlConfig:
    if self.url_config:
        raise AwsError(
            "ResourceConflictException",
            f"Failed to create function url config for [functionArn = {self.function_arn}]. "
            "Error message:  FunctionUrlConfig exists for this Lambda function",
            409,
        )
    made: FunctionUrlConfig = original(self, config)
    return made


@patch(
    "moto.awslambda.models:LambdaFunction.update_url_config",
    sha="6ef6956440f667af",
    reason="fails without a URL",
)
def update_url_config(original: Any, self: LambdaFunction, config: dict[str, Any]) -> FunctionUrlConfig:
    if not self.url_config:
        raise GenericResourcNotFound
    updated: FunctionUrlConfig = original(self, config)
    return updated


@patch(
    "moto.awslambda.models:LambdaFunction.delete_url_config",
    sha="a63386f1fccb821e",
    reason="succeeds without a URL",
)
def delete_url_config(original: Any, self: LambdaFunction) -> None:
    if not self.url_config:
        raise GenericResourcNotFound
    original(self)


@patch(
    "moto.awslambda.responses:LambdaResponse.create_function_url_config",
    sha="da0086c6fba2a8f5",
    reason="drops the alias that a URL is for",
)
def create_function_url_config(original: Any, self: LambdaResponse) -> Any:
    if self._get_param("Qualifier"):
        raise AwsError("NotImplemented", "URLs of aliases are not emulated, only those of functions.", 501)
    return original(self)


@patch(
    "moto.awslambda.policy:Policy.condition_merge",
    sha="4e7628c376d6490e",
    reason="knows nothing of function URLs, and of two conditions with one operator keeps the last",
)
def condition_merge(_original: Any, _self: Policy, obj: dict[str, Any]) -> None:
    merged: dict[str, dict[str, Any]] = dict(obj.pop("Condition", {}))
    found = [obj.pop(name) for name in ("SourceArn", "SourceAccount") if name in obj]
    if kind := obj.pop("FunctionUrlAuthType", None):
        found.append({"StringEquals": {"lambda:FunctionUrlAuthType": kind}})
    if obj.pop("InvokedViaFunctionUrl", None):
        found.append({"Bool": {"lambda:InvokedViaFunctionUrl": "true"}})
    for condition in found:
        for operator, wanted in condition.items():
            merged[operator] = {**merged.get(operator, {}), **wanted}
    if merged:
        obj["Condition"] = merged
