"""Functions of container images, and what hangs on them: permissions, retries, addresses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from hfaas_emulator.cloudformation.providers.base import (
    AlreadyExists,
    Context,
    Made,
    PropertyError,
    Props,
    Provider,
    absent_is_none,
    call,
    changed,
    is_absent,
    tag_changes,
    tag_map,
    without,
)

CODE = ("Code", "Architectures")
APART = ("ReservedConcurrentExecutions", "Tags")
"""Properties that calls of their own set; everything else is configuration."""

DEFAULTS: Mapping[str, Any] = {
    "DeadLetterConfig": {"TargetArn": ""},
    "Description": "",
    "Environment": {"Variables": {}},
    "EphemeralStorage": {"Size": 512},
    "FileSystemConfigs": [],
    "ImageConfig": {},
    "KmsKeyArn": "",
    "LoggingConfig": {"LogFormat": "Text"},
    "MemorySize": 128,
    "Timeout": 3,
    "TracingConfig": {"Mode": "PassThrough"},
    "VpcConfig": {"SubnetIds": [], "SecurityGroupIds": []},
}
"""What a property that left the template goes back to."""

URL: Mapping[str, Any] = {"AuthType": "AWS_IAM", "Cors": {}, "InvokeMode": "BUFFERED"}
"""The same of a function's address."""


def _function_name(context: Context, properties: Props) -> str:
    return str(properties.get("FunctionName") or context.short(64))


def _create_function(context: Context, properties: Props) -> Made:
    _check_image(properties)
    first = without(properties, "ReservedConcurrentExecutions")
    wanted = {"PackageType": "Image", **first, "FunctionName": _function_name(context, properties)}
    answer = call(context, "lambda", "create_function", {**wanted, "Tags": tag_map(properties)})
    return _function(answer, first)


def _check_image(properties: Props) -> None:
    if properties.get("PackageType", "Image") != "Image" or set(properties.get("Code", {})) != {"ImageUri"}:
        raise PropertyError(
            "#/Code: only functions of container images are supported: PackageType Image, Code.ImageUri"
        )


def _find_function(context: Context, properties: Props) -> Made | None:
    try:
        name = _function_name(context, properties)
        answer = context.client("lambda").get_function_configuration(FunctionName=name)
    except ClientError as error:
        if is_absent(error):
            return None
        raise
    return _function(answer, {})


def _function(answer: Any, applied: Props) -> Made:
    return Made(answer["FunctionName"], {"Arn": answer["FunctionArn"]}, applied)


def _update_function(context: Context, made: Made, old: Props, new: Props) -> None:
    _check_image(new)
    touched = changed(old, new)
    if touched & set(CODE):
        wanted = {"Architectures": new.get("Architectures", ["x86_64"]), **new["Code"]}
        call(context, "lambda", "update_function_code", {"FunctionName": made.id, **wanted})
    settings = {
        key: new.get(key, DEFAULTS.get(key)) for key in touched - {*CODE, *APART, "FunctionName", "PackageType"}
    }
    if settings:
        call(context, "lambda", "update_function_configuration", {"FunctionName": made.id, **settings})
    if "ReservedConcurrentExecutions" in touched:
        _reserve(context, made.id, new)
    _tag(context.client("lambda"), made.attributes["Arn"], old, new)


def _reserve(context: Context, function: str, new: Props) -> None:
    if "ReservedConcurrentExecutions" in new:
        wanted = {"FunctionName": function, "ReservedConcurrentExecutions": new["ReservedConcurrentExecutions"]}
        call(context, "lambda", "put_function_concurrency", wanted)
    else:
        context.client("lambda").delete_function_concurrency(FunctionName=function)


def _tag(client: Any, arn: str, old: Props, new: Props) -> None:
    put, removed = tag_changes(old, new)
    if put:
        client.tag_resource(Resource=arn, Tags=put)
    if removed:
        client.untag_resource(Resource=arn, TagKeys=removed)


def _delete_function(context: Context, made: Made) -> None:
    context.client("lambda").delete_function(FunctionName=made.id)


def _create_permission(context: Context, properties: Props) -> Made:
    """The statement's name is ours alone, so one that is there already was added before a crash."""
    statement = context.short(100)
    try:
        call(context, "lambda", "add_permission", {**properties, "StatementId": statement})
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") != "ResourceConflictException":
            raise
    return Made(statement, {"Id": statement}, properties)


def _delete_permission(context: Context, made: Made) -> None:
    function = made.properties["FunctionName"]
    context.client("lambda").remove_permission(FunctionName=function, StatementId=made.id)


def _where(properties: Props) -> dict[str, str]:
    return {"FunctionName": properties["TargetFunctionArn"]} | {
        key: properties[key] for key in ("Qualifier",) if key in properties
    }


def _create_url(context: Context, properties: Props) -> Made:
    """Look first: the records would give the function another address."""
    if _find_url(context, properties) is not None:
        raise AlreadyExists("AWS::Lambda::Url", str(properties["TargetFunctionArn"]))
    settings = {key: properties[key] for key in URL if key in properties}
    return _url(
        call(context, "lambda", "create_function_url_config", {**_where(properties), **settings}), properties
    )


@absent_is_none
def _find_url(context: Context, properties: Props) -> Made:
    return _url(context.client("lambda").get_function_url_config(**_where(properties)), {})


def _url(answer: Any, applied: Props) -> Made:
    arn = answer["FunctionArn"]
    return Made(arn, {"FunctionArn": arn, "FunctionUrl": answer["FunctionUrl"]}, applied)


def _update_url(context: Context, _made: Made, old: Props, new: Props) -> None:
    settings = {key: new.get(key, URL[key]) for key in changed(old, new) & set(URL)}
    call(context, "lambda", "update_function_url_config", {**_where(new), **settings})


def _delete_url(context: Context, made: Made) -> None:
    context.client("lambda").delete_function_url_config(**_where(made.properties))


def _create_retries(context: Context, properties: Props) -> Made:
    call(context, "lambda", "put_function_event_invoke_config", properties)
    return Made(f"{properties['FunctionName']}|{properties['Qualifier']}", {}, properties)


def _update_retries(context: Context, _made: Made, _old: Props, new: Props) -> None:
    call(context, "lambda", "put_function_event_invoke_config", new)


def _delete_retries(context: Context, made: Made) -> None:
    where = {key: made.properties[key] for key in ("FunctionName", "Qualifier")}
    context.client("lambda").delete_function_event_invoke_config(**where)


PROVIDERS = {
    "AWS::Lambda::Function": Provider(
        ("lambda",),
        frozenset({"Role", "FunctionName", "PackageType", *CODE, *APART, *DEFAULTS}),
        _create_function, _delete_function, _update_function, _find_function, name="FunctionName",
    ),
    "AWS::Lambda::Permission": Provider(
        ("lambda",),
        frozenset(
            {
                "Action", "EventSourceToken", "FunctionName", "FunctionUrlAuthType", "InvokedViaFunctionUrl",
                "Principal", "PrincipalOrgID", "SourceAccount", "SourceArn",
            }
        ),
        _create_permission, _delete_permission,
    ),
    "AWS::Lambda::Url": Provider(
        ("lambda",), frozenset({"Qualifier", "TargetFunctionArn", *URL}),
        _create_url, _delete_url, _update_url, _find_url,
    ),
    "AWS::Lambda::EventInvokeConfig": Provider(
        ("lambda",),
        frozenset(
            {"DestinationConfig", "FunctionName", "MaximumEventAgeInSeconds", "MaximumRetryAttempts", "Qualifier"}
        ),
        _create_retries, _delete_retries, _update_retries,
    ),
}  # fmt: skip
