"""Which actions of S3 a request means, on which bucket or object.

Without a key the resource is the bucket, with one the object. The action goes by method and sub-resource. A copy reads
its source as well; tags and ACLs in headers are actions of their own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import unquote

from hfaas_emulator.permissions.context import Context, joined
from hfaas_emulator.permissions.document import Ask

BUCKET = {
    "accelerate": "AccelerateConfiguration",
    "acl": "BucketAcl",
    "analytics": "AnalyticsConfiguration",
    "cors": "BucketCORS",
    "encryption": "EncryptionConfiguration",
    "intelligent-tiering": "IntelligentTieringConfiguration",
    "inventory": "InventoryConfiguration",
    "lifecycle": "LifecycleConfiguration",
    "logging": "BucketLogging",
    "metrics": "MetricsConfiguration",
    "notification": "BucketNotification",
    "object-lock": "BucketObjectLockConfiguration",
    "ownershipControls": "BucketOwnershipControls",
    "policy": "BucketPolicy",
    "policyStatus": "BucketPolicyStatus",
    "publicAccessBlock": "BucketPublicAccessBlock",
    "replication": "ReplicationConfiguration",
    "requestPayment": "BucketRequestPayment",
    "tagging": "BucketTagging",
    "versioning": "BucketVersioning",
    "website": "BucketWebsite",
}
DELETED = {"policy": "DeleteBucketPolicy", "website": "DeleteBucketWebsite"}
"""Sub-resources of a bucket whose removal is an action of its own; of the others it is a Put."""

LISTED = {
    "versions": "ListBucketVersions",
    "uploads": "ListBucketMultipartUploads",
    "location": "GetBucketLocation",
}
OBJECT = {"acl": "Acl", "tagging": "Tagging"}
LOCKED = {"retention": "Retention", "legal-hold": "LegalHold"}
GRANTS = ("x-amz-acl", "x-amz-grant-")
COPY = "x-amz-copy-source"
KEYED_HEADERS = (
    "x-amz-acl", "x-amz-copy-source", "x-amz-metadata-directive", "x-amz-server-side-encryption",
    "x-amz-server-side-encryption-aws-kms-key-id", "x-amz-storage-class", "x-amz-content-sha256",
    "if-match", "if-none-match",
)  # fmt: skip
KEYED_QUERY = {
    "prefix": "s3:prefix",
    "delimiter": "s3:delimiter",
    "max-keys": "s3:max-keys",
    "versionId": "s3:versionid",
}


@dataclass(frozen=True, slots=True)
class Request:
    """What of a request its meaning depends on: `key` decoded, header names in lower case."""

    method: str
    bucket: str
    key: str
    query: Mapping[str, Sequence[str]]
    headers: Mapping[str, str]


def asks(request: Request, context: Context) -> tuple[Ask, ...]:
    """Return what must be allowed; of a deletion of several objects only `deletion` can tell, object by object."""
    if not request.bucket:
        return (Ask("s3:ListAllMyBuckets", "*", context, "arn:aws:s3:::*"),)
    told = joined(context, lambda: _keys(request))
    arn = f"arn:aws:s3:::{request.bucket}"
    if not request.key:
        if request.method == "POST":  # a deletion of several, or a form
            return ()
        return (Ask(f"s3:{_bucket_action(request)}", arn, told),)
    own = tuple(Ask(f"s3:{action}", f"{arn}/{request.key}", told) for action in _object_actions(request))
    return own + tuple(_source(request, context))


def may_tell(request: Request) -> bool:
    """Tell whether an answer that something is missing may be about an object."""
    reads = request.method in {"GET", "HEAD"} and "uploadId" not in request.query
    return bool(request.key) and (reads or COPY in request.headers)


def listing(request: Request, context: Context) -> Ask:
    """Return what whoever is told that an object is missing must be allowed."""
    source = unquote(request.headers.get(COPY, "")).lstrip("/").partition("/")[0]
    return Ask("s3:ListBucket", f"arn:aws:s3:::{source or request.bucket}", context)


def deletion(request: Request, key: str, version: str, context: Context) -> Ask:
    """Return what the deletion of one of several objects means."""
    action = "s3:DeleteObjectVersion" if version else "s3:DeleteObject"
    return Ask(action, f"arn:aws:s3:::{request.bucket}/{key}", joined(context, lambda: _keys(request)))


def _bucket_action(request: Request) -> str:
    method, query = request.method, request.query
    if method == "HEAD":
        return "ListBucket"
    if method == "GET" and (listed := next((LISTED[name] for name in LISTED if name in query), "")):
        return listed
    name = next((name for name in BUCKET if name in query), "")
    if method == "DELETE":
        return DELETED.get(name) or (f"Put{BUCKET[name]}" if name else "DeleteBucket")
    if method == "PUT":
        return f"Put{BUCKET[name]}" if name else "CreateBucket"
    return f"Get{BUCKET[name]}" if name else "ListBucket"


def _object_actions(request: Request) -> Iterator[str]:
    query = request.query
    version = "Version" if "versionId" in query else ""
    part = next((OBJECT[name] for name in OBJECT if name in query), "")
    locked = next((LOCKED[name] for name in LOCKED if name in query), "")
    match request.method:
        case "GET" | "HEAD" if locked:
            yield f"GetObject{locked}"
        case "GET" | "HEAD" if "uploadId" in query:
            yield "ListMultipartUploadParts"
        case "GET" | "HEAD":
            yield f"GetObject{version}{part}"
            if "attributes" in query:
                yield f"GetObject{version}Attributes"
        case "DELETE" if "uploadId" in query:
            yield "AbortMultipartUpload"
        case "DELETE":
            yield f"DeleteObject{version}{part}"
        case "POST" if "select" in query:
            yield "GetObject"
        case "POST" if "restore" in query:
            yield "RestoreObject"
        case _ if locked:
            yield f"PutObject{locked}"
        case _ if part:
            yield f"PutObject{version}{part}"
        case _:
            yield "PutObject"
            yield from _with_headers(request)


def _with_headers(request: Request) -> Iterator[str]:
    if "x-amz-tagging" in request.headers:
        yield "PutObjectTagging"
    if any(name.startswith(GRANTS) for name in request.headers):
        yield "PutObjectAcl"


def _source(request: Request, context: Context) -> Iterator[Ask]:
    source = request.headers.get(COPY, "")
    if request.method != "PUT" or not source:
        return
    path, _, query = source.lstrip("/").partition("?")
    action = "s3:GetObjectVersion" if query.startswith("versionId=") else "s3:GetObject"
    yield Ask(action, f"arn:aws:s3:::{unquote(path)}", context)


def _keys(request: Request) -> dict[str, tuple[str, ...]]:
    """Return the condition keys of S3 that the request speaks of."""
    found = {key: tuple(request.query[name]) for name, key in KEYED_QUERY.items() if name in request.query}
    found |= {f"s3:{name}": (request.headers[name],) for name in KEYED_HEADERS if name in request.headers}
    for pair in request.headers.get("x-amz-tagging", "").split("&"):
        name, equals, value = pair.partition("=")
        if equals:
            found[f"s3:requestobjecttag/{unquote(name).lower()}"] = (unquote(value),)
    return found
