"""Notifications of buckets that are not the pipeline's: read, merged with ours, written back, and read again.

    before anything is made   conflicts: somebody else's entries that ours would meet; S3 refuses those
    when the Stack is up      merge: ours are known by their Ids, everybody else's stay as they are
    when it is removed        merge with nothing

CloudFormation cannot do it: it would own the bucket. S3 keeps one document for each bucket and knows no version of it,
so the last writer wins; what was written is therefore read again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from hfaas_deploy import names
from hfaas_deploy.errors import BucketMissing, ExistingBucketError, TargetUnreachable
from hfaas_deploy.pipeline import Pipeline
from hfaas_deploy.template import storage

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

Json = dict[str, Any]

LAMBDA = "LambdaFunctionConfigurations"
LISTS = (LAMBDA, "QueueConfigurations", "TopicConfigurations")
UPLOADS = "s3:ObjectCreated:"
RIGHTS = "the deploying user needs s3:GetBucketNotification and PutBucketNotification there"


def wanted(pipeline: Pipeline, bucket: str, arns: Mapping[str, str]) -> list[Json]:
    """Our entries of a bucket; `arns` are those of the Functions by name, as far as they are known."""
    entries = [
        {
            "LambdaFunctionArn": arns.get(function.name, ""),
            "Events": [f"{UPLOADS}*"],
            **_filter(storage.rules(source.prefix, suffix)),
        }
        for function, source in storage.listeners(pipeline, bucket)
        for suffix in source.suffix or ("",)
    ]
    return [{"Id": f"{_mark(pipeline.stack)}{number}", **entry} for number, entry in enumerate(entries, start=1)]


def merged(document: Json, stack: str, ours: Sequence[Json]) -> Json:
    """The document with our entries exchanged; others, and what is no list of entries, stay as they are."""
    rest = {name: value for name, value in document.items() if name != "ResponseMetadata"}
    functions = [*_others(rest, LAMBDA, stack), *ours]
    return {
        **{name: value for name, value in rest.items() if name != LAMBDA},
        **({LAMBDA: functions} if functions else {}),
    }


def conflicts(document: Json, stack: str, ours: Sequence[Json]) -> Iterator[str]:
    """Entries of others that could match an object of ours, in words."""
    for kind in LISTS:
        for other in _others(document, kind, stack):
            if any(_told_of_uploads(event) for event in other.get("Events", ())):
                for own in ours:
                    if _meet(_ends(own), _ends(other)):
                        target = next((str(v) for k, v in other.items() if k.endswith("Arn")), "")
                        yield f"{_shown(own)} meets {_shown(other)} of {target.rpartition(':')[2] or other.get('Id')}"


def read(s3: S3Client, bucket: str, account: str) -> Json:
    """The document of a bucket; ExistingBucketError when there is no such bucket, or it is not ours to ask."""
    try:
        found: Any = s3.get_bucket_notification_configuration(Bucket=bucket, ExpectedBucketOwner=account)
    except ClientError as refusal:
        raise _refused(bucket, refusal) from refusal
    except BotoCoreError as fault:
        raise TargetUnreachable(f"{s3.meta.endpoint_url} does not answer: {fault}") from fault
    return {name: value for name, value in found.items() if name != "ResponseMetadata"}


def check(s3: S3Client, pipeline: Pipeline, account: str) -> None:
    """ExistingBucketError when our entries would meet somebody else's; nothing is touched."""
    for bucket in foreign(pipeline):
        found = list(conflicts(read(s3, bucket, account), pipeline.stack, wanted(pipeline, bucket, {})))
        if found:
            hint = "S3 refuses two notifications for one object: use another folder, or suffixes that differ"
            raise ExistingBucketError(f"bucket {bucket}: {'; '.join(found)}", hint)


def put(s3: S3Client, bucket: str, stack: str, ours: Sequence[Json], account: str) -> bool:
    """Write our entries into a bucket; false when they are there already."""
    before = read(s3, bucket, account)
    after = merged(before, stack, ours)
    if _sorted(before) == _sorted(after):
        return False
    document: Any = after
    try:
        s3.put_bucket_notification_configuration(
            Bucket=bucket, NotificationConfiguration=document, ExpectedBucketOwner=account
        )
    except ClientError as refusal:
        raise _refused(bucket, refusal) from refusal
    except BotoCoreError as fault:
        raise TargetUnreachable(f"{s3.meta.endpoint_url} does not answer: {fault}") from fault
    if _sorted(read(s3, bucket, account)) != _sorted(after):
        hint = "somebody else changes them, too; deploy again"
        raise ExistingBucketError(f"the notifications of bucket {bucket} are not as they were written", hint)
    return True


def is_denied(fault: ExistingBucketError) -> bool:
    """Tell whether S3 does not let us at a bucket: it is somebody else's by now, or a right is missing."""
    cause = fault.__cause__
    return isinstance(cause, ClientError) and cause.response.get("Error", {}).get("Code") in ("AccessDenied", "403")


def others(document: Json, stack: str) -> int:
    """How many entries are not those of a Stack."""
    return sum(len(_others(document, kind, stack)) for kind in LISTS)


def targets(document: Json) -> set[str]:
    """The names of what a bucket notifies."""
    arns = (
        str(value)
        for kind in LISTS
        for one in document.get(kind, [])
        for key, value in one.items()
        if key.endswith("Arn")
    )
    return {arn.rpartition(":")[2] for arn in arns} | (
        {"EventBridge"} if "EventBridgeConfiguration" in document else set()
    )


def foreign(pipeline: Pipeline) -> list[str]:
    """The buckets that are not the pipeline's and that Functions of it listen to."""
    return [one.name for one in pipeline.buckets if one.existing and storage.listeners(pipeline, one.name)]


def known(outputs: Mapping[str, str]) -> list[str]:
    """The buckets that a Stack says it has entries in."""
    return [name for name in outputs.get(storage.LISTENED, "").split(",") if name]


def listed(buckets: Sequence[str]) -> dict[str, str]:
    """The output of a Stack that says that it has entries in these."""
    return {storage.LISTENED: ",".join(buckets)} if buckets else {}


def arns(pipeline: Pipeline, outputs: Mapping[str, str]) -> dict[str, str]:
    """The ARNs of the Functions of a Stack by its outputs."""
    return {one.name: outputs[names.logical(one.name, "Function")] for one in pipeline.functions}


def _refused(bucket: str, refusal: ClientError) -> ExistingBucketError:
    said = refusal.response.get("Error", {})
    if said.get("Code") in ("NoSuchBucket", "404"):
        hint = f"make it, or let the pipeline own it: remove hfaas.buckets.{bucket}.existing"
        return BucketMissing(f"bucket {bucket} is said to exist and does not", hint)
    return ExistingBucketError(f"the notifications of bucket {bucket}: {said.get('Message') or refusal}", RIGHTS)


def _filter(rules: list[Json]) -> Json:
    return {"Filter": {"Key": {"FilterRules": rules}}} if rules else {}


def _mark(stack: str) -> str:
    return f"hfaas.{stack}."


def _others(document: Json, kind: str, stack: str) -> list[Json]:
    own = re.compile(rf"{re.escape(_mark(stack))}\d+")
    return [one for one in document.get(kind, []) if kind != LAMBDA or not own.fullmatch(str(one.get("Id", "")))]


def _told_of_uploads(event: str) -> bool:
    return event.startswith(UPLOADS) or event in ("s3:*", "s3:ObjectCreated*")


def _ends(entry: Json) -> tuple[str, str]:
    rules = entry.get("Filter", {}).get("Key", {}).get("FilterRules", [])
    found = {str(rule["Name"]).lower(): str(rule["Value"]) for rule in rules}
    return found.get("prefix", ""), found.get("suffix", "")


def _meet(one: tuple[str, str], other: tuple[str, str]) -> bool:
    (first, last), (its_first, its_last) = one, other
    begins = first.startswith(its_first) or its_first.startswith(first)
    return begins and (last.endswith(its_last) or its_last.endswith(last))


def _shown(entry: Json) -> str:
    prefix, suffix = _ends(entry)
    return f"{prefix}*{suffix}"


def _sorted(document: Json) -> Json:
    """The same document whatever the order of its entries, and whatever Ids and case S3 gives back."""
    return {
        name: sorted((_plain(one) for one in value), key=str) if isinstance(value, list) else value
        for name, value in document.items()
        if value or name == "EventBridgeConfiguration"
    }


def _plain(entry: Json) -> Json:
    rest = {name: value for name, value in entry.items() if name not in ("Filter", "Events")}
    return {**rest, "Events": sorted(entry.get("Events", ())), "ends": _ends(entry)}
