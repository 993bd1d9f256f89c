"""Refuses functions that AWS would refuse, where moto would take them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from hfaas_emulator.containers.engine import Image
from hfaas_emulator.errors import AwsError
from hfaas_emulator.file_systems import ARN, access_point_of

ENVIRONMENT_LIMIT = 4096
DEFAULT_ARCHITECTURES = ("x86_64",)
ACCELERATOR_SIZES = (3, 6, 12, 16, 24, 48)
MOUNT = re.compile(r"/mnt/[a-zA-Z0-9_.-]+")
LONGEST_MOUNT = 160
RANGES = (
    ("Timeout", "timeout", 1, 900),
    ("MemorySize", "memorySize", 128, 10_240),
)
RESERVED = frozenset(
    {
        "_HANDLER",
        "_X_AMZN_TRACE_ID",
        "AWS_DEFAULT_REGION",
        "AWS_REGION",
        "AWS_EXECUTION_ENV",
        "AWS_LAMBDA_FUNCTION_NAME",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
        "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_LAMBDA_INITIALIZATION_TYPE",
        "AWS_LAMBDA_LOG_GROUP_NAME",
        "AWS_LAMBDA_LOG_STREAM_NAME",
        "AWS_ACCESS_KEY",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_LAMBDA_RUNTIME_API",
        "LAMBDA_TASK_ROOT",
        "LAMBDA_RUNTIME_DIR",
    }
)


class Images(Protocol):
    """Knows which images functions can be made of."""

    @property
    def runs_images(self) -> bool:
        """Tell whether the images themselves are used."""

    async def image(self, ref: str) -> Image | None:
        """Look an image up; None when there is none."""


async def check(method: str, path: str, body: bytes, images: Images) -> None:
    """Look at a CreateFunction, UpdateFunctionCode or UpdateFunctionConfiguration; others pass."""
    parts = path.rstrip("/").split("/")[2:]
    match method, parts:
        case "POST", ["functions"]:
            spec = _parse(body)
            check_configuration(spec)
            if spec.get("PackageType", "Zip") != "Image":
                raise _invalid("hfaas runs functions of package type Image; Zip packages are not emulated")
            check_accelerator(spec)
            check_file_systems(spec)
            wanted = spec.get("Architectures") or DEFAULT_ARCHITECTURES
            await check_image(str(spec.get("Code", {}).get("ImageUri", "")), wanted, images)
        case "PUT", ["functions", _, "code"]:
            spec = _parse(body)
            if uri := spec.get("ImageUri"):
                await check_image(str(uri), spec.get("Architectures") or (), images)
        case "PUT", ["functions", _, "configuration"]:
            check_configuration(_parse(body))


def check_configuration(spec: Mapping[str, Any]) -> None:
    """Check limits and environment; AwsError."""
    for key, member, least, most in RANGES:
        value = spec.get(key)
        if not isinstance(value, int):
            continue
        if value > most:
            raise _constraint(value, member, f"less than or equal to {most}")
        if value < least:
            raise _constraint(value, member, f"greater than or equal to {least}")
    check_environment(spec.get("Environment", {}).get("Variables") or {})


def check_accelerator(spec: Mapping[str, Any]) -> None:
    """Check what a function that asks for a GPU must be besides; AwsError."""
    if not (asked := spec.get("AcceleratorConfig")):
        return
    size = asked.get("AcceleratorMemorySize") if isinstance(asked, dict) else None
    if size not in ACCELERATOR_SIZES:
        raise _invalid(
            f"AcceleratorConfig.AcceleratorMemorySize must be one of {ACCELERATOR_SIZES} (GiB), not {size!r}."
        )
    if not spec.get("CapacityProviderConfig"):
        raise _invalid("AcceleratorConfig is supported only for functions with CapacityProviderConfig.")
    if tuple(spec.get("Architectures") or DEFAULT_ARCHITECTURES) != DEFAULT_ARCHITECTURES:
        raise _invalid("AcceleratorConfig is supported only for functions with the x86_64 architecture.")


def check_file_systems(spec: Mapping[str, Any]) -> None:
    """Check what a function mounts, and that it is where that can be reached; AwsError."""
    asked = spec.get("FileSystemConfigs") or []
    if len(asked) > 1:
        raise _unfit(f"[{len(asked)} entries]", "fileSystemConfigs", "have length less than or equal to 1")
    for each in asked:
        arn, path = (
            str(each.get(name, "")) if isinstance(each, dict) else "" for name in ("Arn", "LocalMountPath")
        )
        at = "fileSystemConfigs.1.member"
        if not access_point_of(arn):
            raise _unfit(arn, f"{at}.arn", f"satisfy regular expression pattern: {ARN.pattern}")
        if not MOUNT.fullmatch(path) or path in ("/mnt/.", "/mnt/..") or len(path) > LONGEST_MOUNT:
            raise _unfit(path, f"{at}.localMountPath", f"satisfy regular expression pattern: {MOUNT.pattern}")
        if not (spec.get("VpcConfig") or {}).get("SubnetIds"):
            raise _invalid(f"Function must be configured to execute in a VPC to reference access point {arn}.")


def check_environment(variables: Mapping[str, str]) -> None:
    """Check names and size of a function's environment; AwsError."""
    unable = "Lambda was unable to configure your environment variables because the environment variables you have"
    if reserved := sorted(RESERVED & variables.keys()):
        raise _invalid(
            f"{unable} provided contains reserved keys that are currently not supported for modification. "
            f"Reserved keys used in this request: {', '.join(reserved)}"
        )
    text = json.dumps(dict(variables), separators=(",", ":"), ensure_ascii=False)
    if len(text.encode()) > ENVIRONMENT_LIMIT:
        raise _invalid(f"{unable} provided exceeded the 4KB limit. String measured: {text}")


async def check_image(uri: str, architectures: Sequence[str], images: Images) -> None:
    """Check that the image is there, and for one of these architectures if any are named; AwsError."""
    image = await images.image(uri) if uri else None
    if image is None:
        raise _invalid(f"Source image {uri} does not exist. Provide a valid source image.")
    if images.runs_images and architectures and image.architecture not in architectures:
        raise _invalid(
            f"Source image {uri} is for the architecture {image.architecture}, the function is for "
            f"{', '.join(map(str, architectures))}. Provide a source image for the function's architecture."
        )


def _parse(body: bytes) -> dict[str, Any]:
    try:
        spec = json.loads(body)
    except ValueError as error:
        raise AwsError(
            "InvalidRequestContentException", f"Could not parse request body into json: {error}"
        ) from error
    if not isinstance(spec, dict):
        raise AwsError("InvalidRequestContentException", "Could not parse request body into json: not an object")
    return spec


def _constraint(value: int, member: str, requirement: str) -> AwsError:
    return _unfit(value, member, f"have value {requirement}")


def _unfit(value: object, member: str, must: str) -> AwsError:
    return AwsError(
        "ValidationException",
        f"1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: Member must {must}",
    )


def _invalid(message: str) -> AwsError:
    return AwsError("InvalidParameterValueException", message)
