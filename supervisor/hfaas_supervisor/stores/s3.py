"""S3 and MinIO by obstore: streamed both ways in constant memory, one client for each bucket.

What obstore would silently change or refuse (keys with empty, `.` or `..` segments, slashes at the ends, control
characters) goes through `signed.py` instead.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from html import unescape
from typing import TYPE_CHECKING, Any, NamedTuple

import obstore
from obstore import exceptions
from obstore.store import S3Store

from hfaas_supervisor.command import HOME
from hfaas_supervisor.errors import (
    ConfigError,
    HfaasError,
    InputDenied,
    InputNotFound,
    OutputFailed,
    ProviderAuth,
)
from hfaas_supervisor.job import Job
from hfaas_supervisor.keys import FULL, RELATIVE, Keys
from hfaas_supervisor.limits import Limits
from hfaas_supervisor.stores import Provider
from hfaas_supervisor.stores import region as region_of
from hfaas_supervisor.stores.local import PIECE, Source, Staging

if TYPE_CHECKING:
    from obstore.store import ClientConfig

SINGLE = 5 * 1024 * 1024
"""Files up to this size are one PUT; larger ones have parts of at least this size."""
PARTS = 9000
MESSAGE = re.compile(r"<Message>([^<]{1,1000})</Message>")
SMALL_MEMORY_MB = 256
LAST_LINE = "-----END CERTIFICATE-----\n"
SOURCES = (
    "AWS_ACCESS_KEY_ID",
    RELATIVE,
    FULL,
    "AWS_WEB_IDENTITY_TOKEN_FILE",
)


MINIO = "http://minio-service.minio:9000"
"""Where faas-supervisor looks for MinIO when nobody says."""


class Access(NamedTuple):
    """How one bucket is reached: with its own keys, or the role's when None."""

    bucket: str
    region: str
    endpoint: str
    keys: Keys | None
    timeout: str
    kind: str = "s3"
    verify: bool = True

    @property
    def is_plain(self) -> bool:
        """Tell whether there is no TLS."""
        return self.endpoint.startswith("http:")

    def url(self, key: str) -> str:
        """Return how messages call an Object."""
        return f"{self.kind}://{self.bucket}/{key}"


def connect(job: Job, leg: str, provider: Provider, bucket: str) -> S3:
    """Open a bucket as the role, or as the provider `s3.<id>` or `minio.<id>`."""
    timeout = "900s" if leg == "lambda" else "86400s"
    if provider.kind == "minio":
        region, endpoint = provider.text("region", "us-east-1"), _endpoint_of(provider) or MINIO
        verify = provider.settings.get("verify") is not False
        return S3(Access(bucket, region, endpoint, _keys(provider), timeout, "minio", verify))
    region = provider.text("region", region_of(job, bucket))
    endpoint = _endpoint_of(provider) or (
        os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL") or ""
    )
    if provider.id:
        return S3(Access(bucket, region, endpoint, _keys(provider), timeout))
    if leg == "lambda" and not any(os.environ.get(source) for source in SOURCES):
        raise ProviderAuth(f"s3://{bucket}: this environment holds no AWS credentials; the Function needs a role")
    return S3(Access(bucket, region, endpoint, None, timeout))


def _keys(provider: Provider) -> Keys:
    access, secret = provider.text("access_key"), provider.text("secret_key")
    if not access or not secret:
        raise ProviderAuth(f"storage provider {provider.name} has no access_key and secret_key")
    return Keys(access, secret)


def _endpoint_of(provider: Provider) -> str:
    endpoint = provider.text("endpoint")
    if endpoint and not endpoint.startswith(("http://", "https://")):
        raise ConfigError(
            f"the endpoint of storage provider {provider.name} must begin with http:// or https://, "
            f"not {endpoint!r}"
        )
    return endpoint.rstrip("/")


class S3:
    """One bucket."""

    keeps_metadata = True

    def __init__(self, access: Access) -> None:
        self._access = access
        self._store = _store(access)

    def url(self, key: str) -> str:
        return self._access.url(key)

    def fetch(self, key: str, staging: Staging, limits: Limits) -> Mapping[str, str]:
        if _is_odd(key):
            from hfaas_supervisor import odd_keys  # late: hardly ever needed

            return odd_keys.fetch(self._access, key, staging, limits)
        try:
            answer = obstore.get(self._store, key)
            staging.reserve(answer.meta["size"])
            for piece in answer.stream(min_chunk_size=PIECE):
                limits.check(f"fetching {self.url(key)}")
                staging.write(memoryview(piece))
        except (exceptions.BaseError, OSError, ValueError) as error:
            raise self._input_error(key, error) from None
        staging.commit(answer.meta["size"])
        return {name.lower(): value for name, value in answer.attributes.items()}

    def send(self, result: Source, key: str, metadata: Mapping[str, str], limits: Limits) -> None:
        limits.check(f"uploading {self.url(key)}")
        if _is_odd(key):
            from hfaas_supervisor import odd_keys

            odd_keys.send(self._access, result, key, metadata, limits)
            return
        try:
            self._put(result, key, metadata, limits)
        except (exceptions.BaseError, OSError, ValueError) as error:
            raise self._output_error(key, error) from None

    def _put(self, result: Source, key: str, metadata: Mapping[str, str], limits: Limits) -> None:
        attributes = dict(metadata)
        if result.size <= SINGLE:
            obstore.put(self._store, key, result.content(), attributes=attributes, use_multipart=False)
            return
        watched = _Watched(result, f"uploading {self.url(key)}", limits)
        try:
            obstore.put(
                self._store,
                key,
                watched,
                attributes=attributes,
                chunk_size=max(SINGLE, result.size // PARTS),
                max_concurrency=_concurrency(),
            )
        except Exception:
            if watched.error is not None:
                raise watched.error from None
            raise

    def _input_error(self, key: str, error: Exception) -> HfaasError:
        url = self.url(key)
        if isinstance(error, FileNotFoundError):
            return InputNotFound(f"{url} does not exist")
        if isinstance(error, exceptions.PermissionDeniedError):
            said = _said(error)
            return InputDenied(
                f"{url} is missing or not allowed: without s3:ListBucket S3 answers 403 for both{said}"
            )
        if isinstance(error, exceptions.UnauthenticatedError):
            return ProviderAuth(f"{url}: the credentials are not accepted")
        return InputDenied(f"{url} could not be fetched: {self._reason(error)}")

    def _output_error(self, key: str, error: Exception) -> HfaasError:
        url = self.url(key)
        if isinstance(error, FileNotFoundError):
            return OutputFailed(f"{url} could not be written: there is no bucket {self._access.bucket}")
        if isinstance(error, exceptions.PermissionDeniedError):
            who = "its keys need" if self._access.keys else "the role needs"
            return OutputFailed(f"{url} could not be written: {who} s3:PutObject there{_said(error)}")
        return OutputFailed(f"{url} could not be written: {self._reason(error)}")

    def _reason(self, error: Exception) -> str:
        text = str(error).partition("\n")[0]
        if "redirect" in text and self._access.kind == "s3":
            return f"bucket {self._access.bucket} is not in region {self._access.region}"
        return text


def _said(error: Exception) -> str:
    """Return S3's own words on a refusal, in parentheses: they name the permission and the principal."""
    found = MESSAGE.search(str(error))
    return f" ({unescape(found[1])})" if found else ""


class _Watched:
    """The pieces of a file, until time runs out: an exception from here makes obstore abort the upload."""

    def __init__(self, result: Source, doing: str, limits: Limits) -> None:
        self._pieces, self._doing, self._limits = result.pieces(), doing, limits
        self.error: HfaasError | None = None

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        try:
            self._limits.check(self._doing)
            return next(self._pieces)
        except HfaasError as error:
            self.error = error
            raise


def _store(access: Access) -> S3Store:
    own_host = not access.endpoint and "." not in access.bucket
    credentials = _provide(access.keys) if access.keys else _container() if _needs_container() else None
    options: dict[str, Any] = {"endpoint": access.endpoint} if access.endpoint else {}
    if credentials is not None:
        options["credential_provider"] = credentials
    return S3Store(
        access.bucket,
        region=access.region,
        virtual_hosted_style_request=own_host,
        client_options=_client(access),
        retry_config={"max_retries": 5, "retry_timeout": _seconds(60)},
        **options,
    )


def _provide(keys: Keys) -> Any:
    def provide() -> dict[str, Any]:
        return {"access_key_id": keys.id, "secret_access_key": keys.secret, "token": None, "expires_at": None}

    return provide


def _needs_container() -> bool:
    """Tell whether the keys are at an address where obstore does not look: it takes a full one with a token file only."""
    if os.environ.get("AWS_ACCESS_KEY_ID") or not os.environ.get(FULL):
        return False
    return not os.environ.get(RELATIVE) and not os.environ.get("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")


def _container() -> Any:
    from datetime import UTC, datetime

    from hfaas_supervisor.container_keys import EARLY_S, lent

    def provide() -> dict[str, Any]:
        keys, expires = lent()
        end = datetime.fromtimestamp(expires - EARLY_S, UTC) if expires != float("inf") else None
        return {
            "access_key_id": keys.id,
            "secret_access_key": keys.secret,
            "token": keys.token or None,
            "expires_at": end,
        }

    return provide


def _client(access: Access) -> ClientConfig:
    config: ClientConfig = {
        "allow_http": access.is_plain,
        "timeout": access.timeout,
        "read_timeout": "60s",
    }
    if not access.verify:
        config["allow_invalid_certificates"] = True
    if roots := _roots(plain=access.is_plain):
        config["root_certificate"] = roots
    return config


def _roots(*, plain: bool) -> str:
    """Return the certificates we bring and those the user names; without any, obstore builds no client at all.

    One is enough for an endpoint without TLS and saves the 10 ms that reading all of them takes.
    """
    paths = [f"{HOME}/etc/ca-certificates.crt", os.environ.get("AWS_CA_BUNDLE"), os.environ.get("SSL_CERT_FILE")]
    texts = []
    for path in paths:
        if path and os.path.isfile(path):
            with open(path, encoding="ascii", errors="replace") as file:
                texts.append(file.read())
    text = "\n".join(texts)
    end = text.find(LAST_LINE) + len(LAST_LINE)
    return text[:end] if plain and end >= len(LAST_LINE) else text


def _seconds(count: int) -> Any:
    from datetime import timedelta

    return timedelta(seconds=count)


def _concurrency() -> int:
    size = os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "")
    return 2 if size.isdigit() and int(size) < SMALL_MEMORY_MB else 4


def _is_odd(key: str) -> bool:
    strange = any(segment in ("", ".", "..") for segment in key.split("/"))
    return strange or any(character < " " or character == "\x7f" for character in key)
