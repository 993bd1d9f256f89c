"""Functions: moto keeps the records, complete ones; nothing of it ever runs a function."""

from __future__ import annotations

import time
from typing import Any

from moto.awslambda.models import EventInvokeConfig, ImageConfig, LambdaBackend, LambdaFunction
from moto.core.utils import iso_8601_datetime_with_nanoseconds
from moto.moto_api._internal import mock_random

from hfaas_emulator.errors import AwsError
from hfaas_emulator.moto_services import outward
from hfaas_emulator.moto_services.admission import check_accelerator, check_file_systems
from hfaas_emulator.moto_services.patch import patch

FORGOTTEN = (
    "DeadLetterConfig",
    "LoggingConfig",
    "FileSystemConfigs",
    "SnapStart",
    "AcceleratorConfig",
    "CapacityProviderConfig",
)
MOST_RESERVED = 900
"""Of the 1,000 concurrent executions that an account of AWS begins with, 100 stay for functions without reservation."""


@patch(
    "moto.awslambda.models:LambdaFunction.invoke",
    sha="dadc324f30aed38b",
    reason="would run a container and wait for its end",
)
def invoke(_original: Any, self: LambdaFunction, body: str | bytes, _headers: Any, _response_headers: Any) -> bytes:
    payload = body.encode() if isinstance(body, str) else body
    outward.invoke(self.function_arn, payload or b"{}", "aws")
    return b""


@patch(
    "moto.awslambda.models:LambdaFunction.__init__",
    sha="70a285222b4a0e11",
    reason="drops the dead-letter queue and others",
)
def init(
    original: Any, self: LambdaFunction, account_id: str, spec: dict[str, Any], *args: Any, **named: Any
) -> None:
    original(self, account_id, spec, *args, **named)
    self.extra = {key: spec[key] for key in FORGOTTEN if spec.get(key)}
    _take_digest(self)
    self.revision_id = str(mock_random.uuid4())


@patch(
    "moto.awslambda.models:LambdaFunction.get_configuration",
    sha="803fb04bffde71d9",
    reason="does not show what was dropped",
)
def get_configuration(original: Any, self: LambdaFunction, on_create: bool = False) -> dict[str, Any]:
    result: dict[str, Any] = original(self, on_create)
    logging = {"LogFormat": "Text", "LogGroup": self.logs_group_name, **self.extra.get("LoggingConfig", {})}
    return {**result, **self.extra, "LoggingConfig": logging, "RevisionId": self.revision_id}


@patch(
    "moto.awslambda.models:LambdaFunction.update_configuration",
    sha="eca1cdec066f996f",
    reason="ignores EphemeralStorage, ImageConfig, TracingConfig, KMSKeyArn and what is dropped anyway",
)
def update_configuration(original: Any, self: LambdaFunction, changes: dict[str, Any]) -> dict[str, Any]:
    if "AcceleratorConfig" in changes:
        check_accelerator({"Architectures": self.architectures, **self.extra, **changes})
    check_file_systems({"VpcConfig": self.vpc_config, **self.extra, **changes})
    original(self, changes)
    if "EphemeralStorage" in changes:
        self.ephemeral_storage = changes["EphemeralStorage"]["Size"]
    if "ImageConfig" in changes:
        self.image_config = ImageConfig(changes["ImageConfig"])
    self.tracing_config = changes.get("TracingConfig", self.tracing_config)
    self.kms_key_arn = changes.get("KMSKeyArn", self.kms_key_arn)
    self.extra = {**self.extra, **{key: changes[key] for key in FORGOTTEN if key in changes}}
    _touch(self)
    return dict(self.get_configuration())


@patch(
    "moto.awslambda.models:LambdaFunction.update_function_code",
    sha="64e3dbbbd6947a30",
    reason="keeps the revision id",
)
def update_function_code(original: Any, self: LambdaFunction, spec: dict[str, Any]) -> dict[str, Any]:
    original(self, spec)
    _take_digest(self)
    if spec.get("Architectures"):
        self.architectures = spec["Architectures"]
    if not spec.get("DryRun"):
        _touch(self)
    return dict(self.get_configuration())


def _take_digest(function: LambdaFunction) -> None:
    """Have the code's digest be the image's, where the function names it."""
    if digest := str(function.code.get("ImageUri", "")).partition("@sha256:")[2]:
        function.code_sha_256 = digest


def _touch(function: LambdaFunction) -> None:
    function.last_modified = iso_8601_datetime_with_nanoseconds()
    function.revision_id = str(mock_random.uuid4())


@patch(
    "moto.awslambda.models:LambdaFunction.get_code",
    sha="06c9aab0ee2bf013",
    reason="splits an image at its first colon, port or not",
)
def get_code(original: Any, self: LambdaFunction) -> dict[str, Any]:
    result: dict[str, Any] = original(self)
    if uri := self.code.get("ImageUri"):
        name, _, last = uri.partition("@")[0].rpartition("/")
        repository = "/".join(filter(None, (name, last.partition(":")[0])))
        result["Code"]["ResolvedImageUri"] = f"{repository}@sha256:{self.code_sha_256}"
    return result


@patch(
    "moto.awslambda.models:LambdaFunction.__getstate__",
    sha="a38d065e38088a90",
    reason="listing versions copies the function with all its log lines: 2.5 s with 100,000",
)
def getstate(original: Any, self: LambdaFunction) -> dict[str, Any]:
    state: dict[str, Any] = original(self)
    return {name: value for name, value in state.items() if name != "logs_backend"}


@patch(
    "moto.awslambda.models:LambdaBackend.put_function_event_invoke_config",
    sha="5553f19f08948644",
    reason="appends, and answers with the first: updates are lost",
)
def put_event_invoke_config(
    _original: Any, self: LambdaBackend, function_name: str, config: dict[str, Any]
) -> dict[str, Any]:
    function = self.get_function(function_name)
    function.event_invoke_config = [EventInvokeConfig(function.function_arn, time.time(), config)]
    response: dict[str, Any] = function.event_invoke_config[0].response()
    return response


@patch(
    "moto.awslambda.models:LambdaBackend.update_function_event_invoke_config",
    sha="d8acf819ef04b3c1",
    reason="replaces where AWS merges",
)
def update_event_invoke_config(
    _original: Any, self: LambdaBackend, function_name: str, config: dict[str, Any]
) -> dict[str, Any]:
    kept = self.get_function(function_name).event_invoke_config
    merged = {**(kept[0].config if kept else {}), **config}
    response: dict[str, Any] = self.put_function_event_invoke_config(function_name, merged)
    return response


@patch(
    "moto.awslambda.models:LambdaBackend.create_event_source_mapping",
    sha="19f8125cabf7d67b",
    reason="invokes inside SendMessage, a message at a time",
)
def create_event_source_mapping(_original: Any, _self: LambdaBackend, _spec: dict[str, Any]) -> None:
    raise AwsError("NotImplemented", "Event source mappings are not emulated yet.", 501)


@patch(
    "moto.awslambda.models:LambdaBackend.put_function_concurrency",
    sha="8caf590f63fc8f80",
    reason="takes any number, as no account does",
)
def put_function_concurrency(original: Any, self: LambdaBackend, function_name: str, reserved: Any) -> Any:
    own = self.get_function(function_name)
    others = sum(int(each.reserved_concurrency or 0) for each in self.list_functions() if each is not own)
    if others + int(reserved) > MOST_RESERVED:
        raise AwsError(
            "InvalidParameterValueException",
            "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution "
            "below its minimum value of [100].",
        )
    return original(self, function_name, reserved)


@patch(
    "moto.awslambda.models:LambdaBackend.delete_function",
    sha="828280c86a667d39",
    reason="its environments must stop",
)
def delete_function(original: Any, self: LambdaBackend, function_name: str, qualifier: str | None = None) -> None:
    name = self.get_function(function_name, qualifier).function_name
    original(self, function_name, qualifier)
    if not any(each.function_name == name for each in self.list_functions()):
        outward.forget(self.account_id, self.region_name, name)
