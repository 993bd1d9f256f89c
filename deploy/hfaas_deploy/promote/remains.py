"""What there is of a Stack, and what outlives it: jobs that run, buckets, secrets, repositories of images.

Buckets outlive their Stack, so a Stack that is gone is looked up in the records of promotions. Everything here only
reads.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from hfaas_deploy import names
from hfaas_deploy.aws import credentials
from hfaas_deploy.aws.stack import REVIEW, UNUSABLE, Stack
from hfaas_deploy.aws.target import Target
from hfaas_deploy.messages import JobsUnderWay
from hfaas_deploy.promote import record
from hfaas_deploy.promote.buckets import stack_of
from hfaas_deploy.promote.purging import Contents

BUCKET = "AWS::S3::Bucket"
QUEUE = "AWS::Batch::JobQueue"
SECRET = "AWS::SecretsManager::Secret"  # noqa: S105 - a type of resource
REPOSITORY = "AWS::ECR::Repository"
UNDER_WAY = ("SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING")
Resources = Mapping[str, list[str]]
"""The physical ids of a Stack's resources, by type."""


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
    hollow: str = ""
    """The Stack of its images, where a promotion that stopped left it without any repository."""

    @property
    def is_empty(self) -> bool:
        """Tell whether there is nothing that could be destroyed."""
        return not (self.status or self.buckets or self.repositories or self.hollow or self.listened)


def resources(target: Target, stack: str) -> dict[str, list[str]]:
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


def secrets(resources: Resources) -> tuple[str, ...]:
    """The ARNs of a Stack's secrets."""
    return tuple(_physical(resources, SECRET))


def buckets(target: Target, stack: str, resources: Resources) -> list[str]:
    """The Stack's own buckets, and those that earlier promotions of it left behind and are still there."""
    own = _physical(resources, BUCKET)
    left = recorded(target, stack).difference(own, [record.bucket(target)])
    s3 = target.client("s3")
    there = filter(partial(_is_ours, s3, target), left)
    return [*own, *sorted(one for one in there if not stack_of(target, one, stack))]


def recorded(target: Target, stack: str) -> set[str]:
    """The buckets that promotions of a Stack made."""
    return {
        value
        for one in record.history(target, stack)
        for output, value in one.outputs.items()
        if output == names.logical(value, "Bucket")
    }


def jobs(target: Target, resources: Resources) -> Iterator[JobsUnderWay]:
    """The queues in which something has not ended."""
    queues = _physical(resources, QUEUE)
    batch: Any = target.client("batch") if queues else None
    for queue in queues:
        if count := _waiting(batch, queue):
            yield JobsUnderWay(queue.rpartition("/")[2], count)


def stores(target: Target, stack: str, known: Collection[str] = ()) -> Iterator[ImageStore]:
    """The repositories of the Stack's images that are there; `known` when their Stack is gone."""
    found = known or _physical(resources(target, names.images_stack(stack)), REPOSITORY)
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


def hollow(target: Target, stack: str) -> str:
    """The name of the Stack of images when it never came up and has no repository; empty for all others."""
    name = names.images_stack(stack)
    never_up = Stack.at(target, name).status() in (REVIEW, *UNUSABLE)
    return name if never_up and not any(stores(target, stack)) else ""


def _is_ours(s3: Any, target: Target, bucket: str) -> bool:
    try:
        s3.head_bucket(Bucket=bucket, ExpectedBucketOwner=target.account)
    except ClientError as refusal:
        if lost := credentials.refusal(refusal, target.profile):
            raise lost from refusal
        return False
    return True


def _waiting(batch: Any, queue: str) -> int:
    """How many jobs of a queue have not ended; none when it went meanwhile."""
    listings = (batch.get_paginator("list_jobs").paginate(jobQueue=queue, jobStatus=one) for one in UNDER_WAY)
    try:
        return sum(len(page["jobSummaryList"]) for listing in listings for page in listing)
    except ClientError as refusal:
        if any(words in str(refusal) for words in ("not found", "does not exist")):
            return 0
        raise


def _physical(resources: Resources, kind: str) -> list[str]:
    return sorted(resources.get(kind, []))
