"""Whose the buckets are that a pipeline names: S3 has one room of names for everybody.

404   free: it is made
200   ours: it is taken over with what is in it, unless it is another Stack's, or in another region
403   somebody else's: another name is suggested
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from hfaas_deploy import names
from hfaas_deploy.aws import credentials, notifications
from hfaas_deploy.aws.target import Target
from hfaas_deploy.errors import ExistingBucketError, TargetUnreachable
from hfaas_deploy.pipeline import Bucket, Pipeline
from hfaas_deploy.promote import purging
from hfaas_deploy.promote.promotion import Adoption, BucketPlan, Owner
from hfaas_deploy.template import storage

LONGEST = 63
EVERYBODY = ("/AllUsers", "/AuthenticatedUsers")
"""How S3's groups of grantees end that are not one's own."""

RIGHTS = "or you lack s3:ListBucket there"


class Buckets:
    """Looks at buckets of a Target whose account is known; touches nothing."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._s3: Any = target.client("s3")

    def plans(self, pipeline: Pipeline, held: Collection[str]) -> Iterator[BucketPlan]:
        """What becomes of each bucket of the pipeline, and of the artifacts bucket; `held` are those of its own Stack."""
        for bucket in pipeline.buckets:
            yield self._existing(bucket, pipeline) if bucket.existing else self._own(bucket, pipeline, held)
        yield self._artifacts()

    def is_there(self, bucket: str) -> bool:
        """Tell whether a bucket is ours."""
        return self._look(bucket)[0] is Owner.OURS

    def _own(self, bucket: Bucket, pipeline: Pipeline, held: Collection[str]) -> BucketPlan:
        owner, region = self._look(bucket.name)
        place = f"hfaas.buckets.{bucket.name}.existing"
        plan = BucketPlan(bucket.name, owner)
        if owner is Owner.FOREIGN:
            return _with(plan, fault=f"bucket {bucket.name} is somebody else's{self._instead(bucket.name)}")
        if owner is Owner.FREE or bucket.name in held:
            return plan
        if region and region != self._target.region:
            words = f"bucket {bucket.name} is yours, but in {region}; Functions of {self._target.region} cannot listen to it"
            return _with(plan, fault=f"{words}: promote with --region {region}{self._instead(bucket.name, ', or')}")
        if stack := self._stack_of(bucket.name, pipeline.stack):
            words = f"bucket {bucket.name} belongs to Stack {stack}, and only one can have it"
            return _with(plan, fault=f"{words}: set {place}: true, or use another name")
        return self._adopted(plan, pipeline)

    def _adopted(self, plan: BucketPlan, pipeline: Pipeline) -> BucketPlan:
        """One of ours that no Stack has: what is in it, and what it loses when the Stack's template configures it."""
        found = purging.contents(self._target, plan.name, most=1)
        try:
            losses, unknown = tuple(self._losses(plan.name, pipeline)), found.fault
        except ExistingBucketError as refusal:
            losses, unknown = (), f"{refusal.message}; {refusal.hint}"
        adoption = Adoption(found.objects, found.bytes, found.is_more, losses)
        return replace(plan, is_adopted=True, note=unknown, adoption=adoption)

    def _losses(self, bucket: str, pipeline: Pipeline) -> Iterator[str]:
        """What a bucket has that our template sets otherwise; policy, lifecycle and the like it leaves alone."""
        if storage.listeners(pipeline, bucket):
            told = notifications.targets(notifications.read(self._s3, bucket, self._target.account))
            if others := sorted(told.difference(function.name for function in pipeline.functions)):
                yield f"does not notify {', '.join(others)} any more"
        if self._is_public(bucket):
            yield "is closed to the public"

    def _is_public(self, bucket: str) -> bool:
        """Tell whether its policy or its grants let everybody in; what cannot be asked is taken for a no."""
        whose = {"Bucket": bucket, "ExpectedBucketOwner": self._target.account}
        with suppress(ClientError):
            if self._s3.get_bucket_policy_status(**whose)["PolicyStatus"]["IsPublic"]:
                return True
        with suppress(ClientError):
            grants = self._s3.get_bucket_acl(**whose)["Grants"]
            return any(str(one["Grantee"].get("URI", "")).endswith(EVERYBODY) for one in grants)
        return False

    def _existing(self, bucket: Bucket, pipeline: Pipeline) -> BucketPlan:
        owner, _ = self._look(bucket.name)
        plan = BucketPlan(bucket.name, owner, is_existing=True)
        is_heard = bucket.name in notifications.foreign(pipeline)
        if owner is Owner.FREE:
            words = f"bucket {bucket.name} is said to exist and does not"
            return _with(plan, fault=f"{words}: make it, or remove hfaas.buckets.{bucket.name}.existing")
        if not is_heard:
            return _with(plan, note="no Function listens to it")
        if owner is Owner.FOREIGN:
            return _with(plan, fault=f"bucket {bucket.name} is of another account, {RIGHTS}")
        return self._merging(plan, pipeline)

    def _merging(self, plan: BucketPlan, pipeline: Pipeline) -> BucketPlan:
        """Whether our notifications go beside what is there."""
        ours = notifications.wanted(pipeline, plan.name, {})
        try:
            document = notifications.read(self._s3, plan.name, self._target.account)
        except ExistingBucketError as refusal:
            return _with(plan, fault=f"{refusal.message}; {refusal.hint}")
        if met := list(notifications.conflicts(document, pipeline.stack, ours)):
            words = f"bucket {plan.name}: {'; '.join(met)}"
            hint = "S3 refuses two notifications for one object: use another folder, or suffixes that differ"
            return _with(plan, fault=f"{words}; {hint}")
        others = notifications.others(document, pipeline.stack)
        return _with(plan, note=f"others have {others} there" if others else "")

    def _artifacts(self) -> BucketPlan:
        """The one that all pipelines share; who has its name could read what goes there."""
        name = names.artifacts_bucket(self._target.account, self._target.region)
        owner, _ = self._look(name)
        plan = BucketPlan(name, owner)
        if owner is Owner.FOREIGN:
            return _with(plan, fault=f"bucket {name}, for events and records, is somebody else's, {RIGHTS}")
        return _with(plan, note="for events and records of all pipelines") if owner is Owner.FREE else plan

    def _look(self, bucket: str) -> tuple[Owner, str]:
        """Whose a bucket is, and its region where that is told."""
        try:
            answer = self._s3.head_bucket(Bucket=bucket, ExpectedBucketOwner=self._target.account)
        except ClientError as refusal:
            return self._judged(bucket, refusal)
        except BotoCoreError as fault:
            raise TargetUnreachable(f"{self._s3.meta.endpoint_url} does not answer: {fault}") from fault
        return Owner.OURS, str(answer.get("BucketRegion") or _region(answer))

    def _judged(self, bucket: str, refusal: ClientError) -> tuple[Owner, str]:
        match refusal.response.get("ResponseMetadata", {}).get("HTTPStatusCode"):
            case 404:
                return Owner.FREE, ""
            case 301:
                return Owner.OURS, _region(refusal.response)
            case 403:
                return Owner.FOREIGN, _region(refusal.response)
        told = credentials.refusal(refusal, self._target.profile)
        raise told or ExistingBucketError(f"bucket {bucket} cannot be looked at: {refusal}") from None

    def _stack_of(self, bucket: str, own: str) -> str:
        """The other Stack that a bucket belongs to; empty when there is none, or CloudFormation does not tell."""
        try:
            return stack_of(self._target, bucket, own)
        except (ClientError, BotoCoreError):
            return ""

    def _instead(self, bucket: str, words: str = ":") -> str:
        """A name that is free, or no words at all."""
        short = hashlib.sha256(f"{self._target.account}{self._target.region}".encode()).hexdigest()[:6]
        for end in (self._target.account[-4:], short):
            near = f"{bucket[: LONGEST - 1 - len(end)].rstrip('.-')}-{end}"
            if self._look(near)[0] is Owner.FREE:
                return f"{words} {near} is free"
        return f"{words} use another name"


def stack_of(target: Target, bucket: str, own: str = "") -> str:
    """The Stack, other than one's own, that a bucket belongs to; empty when there is none."""
    client: Any = target.client("cloudformation")
    try:
        found = client.describe_stack_resources(PhysicalResourceId=bucket)["StackResources"]
    except ClientError as refusal:
        if "does not exist" in str(refusal.response.get("Error", {}).get("Message")):
            return ""
        raise
    stacks = {str(one.get("StackName", "")) for one in found if one.get("PhysicalResourceId") == bucket}
    return next((one for one in sorted(stacks) if one != own), "")


def _with(plan: BucketPlan, note: str = "", fault: str = "") -> BucketPlan:
    return replace(plan, note=note, fault=fault)


def _region(answer: Any) -> str:
    headers = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    return str(headers.get("x-amz-bucket-region", ""))
