"""Takes a Stack down on AWS: what is left is looked at first, buckets go only when they are named.

    facts      jobs that run, buckets with what is in them, secrets, repositories of images
    destroy    notifications in buckets of others -> jobs told -> Stack deleted -> buckets purged -> repositories

Buckets outlive their Stack, so a Stack that is gone is looked up in the records of promotions: what it left behind can
still be purged. Each call about a bucket says whose it must be; one of another account is never touched.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from hfaas_deploy import credentials, names, notifications, steps
from hfaas_deploy.errors import DeployError, PurgeError, TargetUnreachable
from hfaas_deploy.messages import (
    Destroyed,
    Emptying,
    GoesOn,
    JobsUnderWay,
    Progress,
    Purged,
    Recovering,
    SecretsLeaving,
    Unheard,
)
from hfaas_deploy.promote import record
from hfaas_deploy.promote.buckets import stack_of
from hfaas_deploy.stack import Stack
from hfaas_deploy.target import Target

BUCKET = "AWS::S3::Bucket"
QUEUE = "AWS::Batch::JobQueue"
SECRET = "AWS::SecretsManager::Secret"  # noqa: S105 - a type of resource
REPOSITORY = "AWS::ECR::Repository"
UNDER_WAY = ("SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING")
RECOVERY = "AWS may keep their values for a recovery window of 7 to 30 days; `aws secretsmanager restore-secret` has them back"
COUNTED = 100
"""Pages of 1,000 entries that are counted before we say `at least`."""

ROUNDS = 5
"""How often a bucket is emptied into which somebody goes on writing."""

UNWRITABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that keys may have and XML has not, so that such keys cannot stand in a list to delete."""

AWAY = frozenset({"NoSuchBucket", "404"})
FORBIDDEN = frozenset({"AccessDenied", "403", "AllAccessDisabled"})


@dataclass(frozen=True, slots=True)
class Contents:
    """A bucket and what is in it: versions and delete markers count as objects; `is_more` when not all was counted.

    With a `fault` nothing is known of it, or nothing may be done with it.
    """

    bucket: str
    objects: int = 0
    bytes: int = 0
    uploads: int = 0
    is_more: bool = False
    fault: str = ""


@dataclass(frozen=True, slots=True)
class ImageStore:
    """A repository of images, and compressed bytes of those that are in it."""

    repository: str
    images: int = 0
    bytes: int = 0


@dataclass(frozen=True, slots=True)
class Remains:
    """What a Stack consists of, as far as a person wants to know before it goes; `status` is empty for none."""

    stack: str
    status: str
    jobs: tuple[JobsUnderWay, ...] = ()
    buckets: tuple[Contents, ...] = ()
    secrets: tuple[str, ...] = ()
    repositories: tuple[ImageStore, ...] = ()
    listened: tuple[str, ...] = ()
    """Buckets of others that notify it, and will forget it."""
    gone: tuple[str, ...] = ()
    """Buckets that it had, and that are not there, or somebody else's, by now."""

    @property
    def is_empty(self) -> bool:
        """Tell whether there is nothing that could be destroyed."""
        return not (self.status or self.buckets or self.repositories)


def facts(target: Target, stack: str) -> Remains:
    """Look at a Stack and at what outlives it; nothing is touched."""
    with _AwsErrors(target):
        one = _admitted(target, stack, lambda _: None)
        resources = _resources(target, stack)
        buckets = _buckets(target, stack, resources)
        return Remains(
            stack=stack,
            status=one.status(),
            jobs=tuple(_jobs(target, resources)),
            buckets=tuple(contents(target, name) for name in buckets),
            secrets=tuple(_physical(resources, SECRET)),
            repositories=tuple(_stores(target, stack)),
            listened=tuple(notifications.known(one.outputs())),
            gone=tuple(sorted(_recorded(target, stack).difference(buckets))),
        )


def contents(target: Target, bucket: str) -> Contents:
    """Count what is in a bucket; the fault says why that cannot be."""
    s3 = target.client("s3")
    objects = size = uploads = 0
    is_more = False
    try:
        for number, page in enumerate(_pages(s3, "list_object_versions", target, bucket)):
            objects += len(page.get("Versions", ())) + len(page.get("DeleteMarkers", ()))
            size += sum(one["Size"] for one in page.get("Versions", ()))
            if is_more := number + 1 >= COUNTED and page["IsTruncated"]:
                break
        for page in _pages(s3, "list_multipart_uploads", target, bucket):
            uploads += len(page.get("Uploads", ()))
    except ClientError as refusal:
        return Contents(bucket, fault=_why(bucket, refusal, target))
    return Contents(bucket, objects, size, uploads, is_more)


def destroy(
    target: Target, stack: str, progress: Progress, purge: Collection[str] = (), *, images: bool = False
) -> None:
    """Delete a Stack; then the buckets in `purge` for good, and with `images` the repositories of its images.

    DeployError when a bucket is named that is not the Stack's, before anything is touched. What was cut off is taken up
    by the same call again.
    """
    with _AwsErrors(target):
        one = _admitted(target, stack, progress)
        if images:
            _admitted(target, names.images_stack(stack), progress)
        resources = _resources(target, stack)
        buckets = _buckets(target, stack, resources)
        _check(stack, purge, buckets)
        secrets = tuple(_physical(resources, SECRET))
        _take_down(one, target, resources, progress)
        for bucket in dict.fromkeys(purge):
            _release(target, stack, bucket)
            empty(target, bucket, progress)
        repositories = tuple(store.repository for store in _stores(target, stack))
        if images:
            _remove_images(target, stack, progress)
            repositories = tuple(store.repository for store in _stores(target, stack, repositories))
        if secrets:
            progress(SecretsLeaving(secrets, RECOVERY))
        left = (bucket for bucket in buckets if bucket not in purge)
        progress(Destroyed(stack, tuple(left), repositories))


def empty(target: Target, bucket: str, progress: Progress) -> None:
    """Delete a bucket of ours with every version, delete marker and begun upload; PurgeError when it does not go."""
    s3 = target.client("s3")
    objects = size = 0
    try:
        for _ in range(ROUNDS):
            for count, weight in _swept(s3, target, bucket):
                objects, size = objects + count, size + weight
                progress(Emptying(bucket, objects, size))
            if _deleted(s3, target, bucket):
                break
        else:
            raise PurgeError(
                f"bucket {bucket} does not get empty: somebody goes on writing into it",
                "stop what writes there, then run it again",
            )
    except ClientError as refusal:
        if refusal.response.get("Error", {}).get("Code") in AWAY:
            return
        if lost := credentials.refusal(refusal, target.profile):
            raise lost from refusal
        raise PurgeError(_why(bucket, refusal, target), "what is gone is gone; run it again") from refusal
    progress(Purged(bucket, objects, size))


def _check(stack: str, purge: Collection[str], buckets: Collection[str]) -> None:
    if others := sorted(set(purge) - set(buckets)):
        known = ", ".join(buckets) or "none that is known"
        raise PurgeError(
            f"{', '.join(others)} is no bucket of Stack {stack}, so nothing was touched",
            f"its buckets are: {known}",
        )


def _admitted(target: Target, stack: str, progress: Progress) -> Stack:
    """The Stack of that name; DeployError for what is no name, and for a Stack that hfaas has not made."""
    if not names.STACK.fullmatch(stack):
        raise DeployError(f"{stack!r} is no name of a Stack", "`hfaas status --target aws` shows them")
    one = Stack.at(target, stack, lambda reason: progress(Unheard(stack, reason)))
    one.admit()
    return one


def _release(target: Target, stack: str, bucket: str) -> None:
    """PurgeError for a bucket that another Stack has taken over meanwhile."""
    if holder := stack_of(target, bucket, stack):
        raise PurgeError(f"bucket {bucket} belongs to Stack {holder} by now, so it stays", "leave it out")


def _take_down(stack: Stack, target: Target, resources: Mapping[str, list[str]], progress: Progress) -> None:
    """Bring the Stack to its end, whatever is under way."""
    try:
        if stack.is_busy():
            progress(Recovering(stack.name, stack.status()))
            steps.settle(stack, progress)
        steps.forget(stack, target, progress)
        for job in _jobs(target, resources):
            progress(job)
        steps.tell(stack.remove(), progress)
    except KeyboardInterrupt:
        progress(GoesOn(stack.name))
        raise


def _remove_images(target: Target, stack: str, progress: Progress) -> None:
    name = names.images_stack(stack)
    one = _admitted(target, name, progress)
    try:
        if one.is_busy():
            steps.settle(one, progress)
        steps.tell(one.remove(), progress)
    except KeyboardInterrupt:
        progress(GoesOn(name))
        raise


def _swept(s3: Any, target: Target, bucket: str) -> Iterator[tuple[int, int]]:
    """Delete what is in a bucket, page by page: how many entries, how many bytes."""
    for page in _pages(s3, "list_object_versions", target, bucket):
        versions = [*page.get("Versions", ()), *page.get("DeleteMarkers", ())]
        if versions:
            yield _deleted_versions(s3, target, bucket, versions), sum(one.get("Size", 0) for one in versions)
    for page in _pages(s3, "list_multipart_uploads", target, bucket):
        uploads = page.get("Uploads", [])
        for upload in uploads:
            _abort(s3, target, bucket, upload)
        if uploads:
            yield len(uploads), 0


def _deleted_versions(s3: Any, target: Target, bucket: str, versions: list[Any]) -> int:
    objects = [{"Key": one["Key"], "VersionId": one["VersionId"]} for one in versions]
    for one in objects:
        if UNWRITABLE.search(one["Key"]):
            s3.delete_object(Bucket=bucket, **one, ExpectedBucketOwner=target.account)
    if rest := [one for one in objects if not UNWRITABLE.search(one["Key"])]:
        _deleted_together(s3, target, bucket, rest)
    return len(versions)


def _deleted_together(s3: Any, target: Target, bucket: str, objects: list[dict[str, str]]) -> None:
    answer = s3.delete_objects(
        Bucket=bucket, Delete={"Objects": objects, "Quiet": True}, ExpectedBucketOwner=target.account
    )
    for fault in answer.get("Errors", ()):
        raise PurgeError(
            f"bucket {bucket}: {fault.get('Key')} does not go: {fault.get('Message') or fault.get('Code')}",
            "a lock or a policy of the bucket may keep it; what is gone is gone",
        )


def _abort(s3: Any, target: Target, bucket: str, upload: Mapping[str, Any]) -> None:
    try:
        s3.abort_multipart_upload(
            Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"], ExpectedBucketOwner=target.account
        )
    except ClientError as refusal:
        if refusal.response.get("Error", {}).get("Code") != "NoSuchUpload":
            raise


def _deleted(s3: Any, target: Target, bucket: str) -> bool:
    try:
        s3.delete_bucket(Bucket=bucket, ExpectedBucketOwner=target.account)
    except ClientError as refusal:
        if refusal.response.get("Error", {}).get("Code") == "BucketNotEmpty":
            return False
        raise
    return True


def _pages(client: Any, operation: str, target: Target, bucket: str) -> Iterator[Any]:
    """Every page of a listing; what is deleted on the way does not move the rest."""
    yield from client.get_paginator(operation).paginate(Bucket=bucket, ExpectedBucketOwner=target.account)


def _why(bucket: str, refusal: ClientError, target: Target) -> str:
    said = refusal.response.get("Error", {})
    if said.get("Code") in AWAY:
        return f"bucket {bucket} is not there any more"
    if said.get("Code") in FORBIDDEN:
        return f"bucket {bucket} is not of account {target.account}, or you may not: {said.get('Message')}"
    return f"bucket {bucket}: {said.get('Message') or refusal}"


def _resources(target: Target, stack: str) -> dict[str, list[str]]:
    """The physical ids of a Stack's resources, by type; empty when there is no Stack."""
    found: dict[str, list[str]] = {}
    pages: Any = target.client("cloudformation").get_paginator("list_stack_resources")
    try:
        for page in pages.paginate(StackName=stack):
            for one in page["StackResourceSummaries"]:
                if one.get("PhysicalResourceId") and one["ResourceStatus"] != "DELETE_COMPLETE":
                    found.setdefault(one["ResourceType"], []).append(one["PhysicalResourceId"])
    except ClientError as refusal:
        if "does not exist" not in str(refusal.response.get("Error", {}).get("Message")):
            raise
    return found


def _physical(resources: Mapping[str, list[str]], kind: str) -> list[str]:
    return sorted(resources.get(kind, []))


def _buckets(target: Target, stack: str, resources: Mapping[str, list[str]]) -> list[str]:
    """The Stack's own buckets, and those that earlier promotions of it left behind and are still there."""
    own = _physical(resources, BUCKET)
    left = _recorded(target, stack).difference(own, [record.bucket(target)])
    s3 = target.client("s3")
    there = filter(partial(_is_ours, s3, target), left)
    return [*own, *sorted(one for one in there if not stack_of(target, one, stack))]


def _recorded(target: Target, stack: str) -> set[str]:
    """The buckets that promotions of a Stack made."""
    return {
        value
        for one in record.history(target, stack)
        for output, value in one.outputs.items()
        if output == names.logical(value, "Bucket")
    }


def _is_ours(s3: Any, target: Target, bucket: str) -> bool:
    try:
        s3.head_bucket(Bucket=bucket, ExpectedBucketOwner=target.account)
    except ClientError as refusal:
        if lost := credentials.refusal(refusal, target.profile):
            raise lost from refusal
        return False
    return True


def _jobs(target: Target, resources: Mapping[str, list[str]]) -> Iterator[JobsUnderWay]:
    """The queues in which something has not ended."""
    queues = _physical(resources, QUEUE)
    batch: Any = target.client("batch") if queues else None
    for queue in queues:
        if count := _waiting(batch, queue):
            yield JobsUnderWay(queue.rpartition("/")[2], count)


def _waiting(batch: Any, queue: str) -> int:
    """How many jobs of a queue have not ended; none when it went meanwhile."""
    listings = (batch.get_paginator("list_jobs").paginate(jobQueue=queue, jobStatus=one) for one in UNDER_WAY)
    try:
        return sum(len(page["jobSummaryList"]) for listing in listings for page in listing)
    except ClientError as refusal:
        if any(words in str(refusal) for words in ("not found", "does not exist")):
            return 0
        raise


def _stores(target: Target, stack: str, known: Collection[str] = ()) -> Iterator[ImageStore]:
    """The repositories of the Stack's images that are there; `known` when their Stack is gone."""
    found = known or _physical(_resources(target, names.images_stack(stack)), REPOSITORY)
    ecr: Any = target.client("ecr") if found else None
    for repository in sorted(found):
        try:
            pages = list(ecr.get_paginator("describe_images").paginate(repositoryName=repository))
        except ClientError as refusal:
            if refusal.response.get("Error", {}).get("Code") == "RepositoryNotFoundException":
                continue
            raise
        images = [image for page in pages for image in page["imageDetails"]]
        yield ImageStore(repository, len(images), sum(image.get("imageSizeInBytes", 0) for image in images))


class _AwsErrors:
    """What AWS refuses, and what botocore cannot do, becomes ours."""

    def __init__(self, target: Target) -> None:
        self._target = target

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, fault: BaseException | None, trace: object) -> None:
        if isinstance(fault, ClientError):
            said = fault.response.get("Error", {})
            words = f"AWS refuses {fault.operation_name}: {said.get('Message') or fault}"
            raise credentials.refusal(fault, self._target.profile) or DeployError(words) from fault
        if isinstance(fault, BotoCoreError):
            if self._target.is_aws:
                raise credentials.absence(fault, self._target.profile, self._target.region) from fault
            raise TargetUnreachable(f"{self._target.endpoint} does not answer: {fault}") from fault
