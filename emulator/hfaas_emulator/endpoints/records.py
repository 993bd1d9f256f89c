"""What endpoints must know of APIs and function URLs; the records themselves are moto's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Integration:
    """What answers a method or route.

    `parameters` and `templates` are of the request; `responses` are the integration responses of a REST API by
    status code, as moto tells them.
    """

    type: str
    uri: str = ""
    timeout_ms: int | None = None
    credentials: str = ""
    payload_format: str = "1.0"
    passthrough: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)
    templates: Mapping[str, str | None] = field(default_factory=dict)
    responses: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True, slots=True)
class Method:
    """A method (`ANY` is all) of a resource; `unknown` names what it asks for and nobody here does."""

    authorization: str
    integration: Integration | None
    unknown: str = ""


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource of a REST API by its path template, `/files/{proxy+}`."""

    id: str
    path: str
    methods: Mapping[str, Method]


@dataclass(frozen=True, slots=True)
class RestStage:
    """A stage serves the resources as they were when its deployment was made."""

    name: str
    deployment: str
    variables: Mapping[str, str]
    resources: Sequence[Resource]


@dataclass(frozen=True, slots=True)
class RestApi:
    """A REST API (v1)."""

    id: str
    account: str
    region: str
    stages: Mapping[str, RestStage]
    binary_types: Sequence[str] = ()
    disabled: bool = False
    policy: str = ""


@dataclass(frozen=True, slots=True)
class Cors:
    """What pages of other origins may do; lists as AWS keeps them, `*` is everything."""

    origins: Sequence[str] = ()
    methods: Sequence[str] = ()
    headers: Sequence[str] = ()
    expose: Sequence[str] = ()
    max_age: int | None = None
    credentials: bool = False


@dataclass(frozen=True, slots=True)
class Route:
    """A route of an HTTP API by its key, `GET /files/{id}` or `$default`."""

    key: str
    authorization: str
    integration: Integration | None


@dataclass(frozen=True, slots=True)
class HttpStage:
    """A stage of an HTTP API, its routes as they were deployed."""

    name: str
    variables: Mapping[str, str]
    routes: Sequence[Route]


@dataclass(frozen=True, slots=True)
class HttpApi:
    """An HTTP API (v2)."""

    id: str
    account: str
    region: str
    stages: Mapping[str, HttpStage]
    cors: Cors | None = None
    disabled: bool = False


@dataclass(frozen=True, slots=True)
class FunctionUrl:
    """A function's own URL; `auth` is NONE or AWS_IAM."""

    id: str
    account: str
    region: str
    function: str
    auth: str
    cors: Cors | None = None


@dataclass(frozen=True, slots=True)
class Principal:
    """Who signed a request."""

    access_key: str
    account: str
    arn: str
    id: str


class Records(Protocol):
    """What endpoints ask of the control planes."""

    async def api(self, id: str) -> RestApi | HttpApi | None:
        """Find an API of any account and region."""

    async def function_url(self, id: str) -> FunctionUrl | None:
        """Find a function URL of any account and region."""

    async def statements(self, function: str) -> Sequence[Mapping[str, Any]]:
        """Return the statements of the resource policy of a function (ARN, qualified or not)."""

    async def principal(self, access_key: str) -> Principal:
        """Return whom an access key stands for."""
