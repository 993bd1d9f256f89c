"""Where functions are called over HTTP, and calling them there.

What is deployed is asked, not the pipeline's file: endpoints of others are found, too. An emulator's addresses are
paths of its own port, so no name has to be looked up.
"""

from __future__ import annotations

import http.client
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from hfaas_tui import aws
from hfaas_tui.errors import CliError
from hfaas_tui.transfer import client
from hfaas_tui.where import Where

Clients = Callable[[str], Any]
"""Makes a boto3 client of a service."""

FUNCTION = re.compile(r":function:([^:/]+)")
GREEDY = re.compile(r"\{[^{}]+\+\}")
ANYTHING = "launch"
"""What scar calls the path that `{proxy+}` stands for."""

REGION = "us-east-1"
PATIENCE_S = 910


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An address of a function; `kind` is a function URL, an HTTP API or a REST API."""

    function: str
    kind: str
    method: str
    authorization: str
    url: str

    @property
    def service(self) -> str:
        """Return what requests to it are signed for."""
        return "lambda" if self.kind == URL else "execute-api"

    @property
    def is_signed(self) -> bool:
        """Tell whether it wants signed requests."""
        return self.authorization == "AWS_IAM"

    def to_json(self) -> dict[str, str]:
        return {
            "function": self.function,
            "kind": self.kind,
            "method": self.method,
            "authorization": self.authorization,
            "url": self.url,
        }


URL, HTTP_API, REST_API = "function URL", "HTTP API", "REST API"


class Endpoints:
    """All endpoints of an emulator, or of an account of AWS in one region: it has no endpoint then."""

    def __init__(self, endpoint: str, clients: Clients | None = None, region: str = REGION) -> None:
        self._endpoint = endpoint
        self._clients: Clients = clients or (lambda service: client(endpoint, service))
        self._region = region

    @classmethod
    def at(cls, where: Where) -> Endpoints:
        """Return the endpoints of where a command goes."""
        return cls(where.target.endpoint, where.client, where.target.region)

    def all(self, function: str = "") -> list[Endpoint]:
        """Return the endpoints, those of one function when it is named; CliError when it does not exist."""
        names = self._functions()
        if function and function not in names:
            raise CliError(
                f"there is no function {function!r}", "`hfaas ls` shows the functions of the same target"
            )
        found = [*self._urls([function] if function else names), *self._http_apis(), *self._rest_apis()]
        return [each for each in found if function in ("", each.function)]

    def _functions(self) -> list[str]:
        pages = self._clients("lambda").get_paginator("list_functions").paginate()
        return [str(each["FunctionName"]) for page in pages for each in page["Functions"]]

    def _urls(self, functions: Iterable[str]) -> Iterator[Endpoint]:
        api = self._clients("lambda")
        for name in functions:
            try:
                known = api.get_function_url_config(FunctionName=name)
            except api.exceptions.ResourceNotFoundException:
                continue
            yield Endpoint(name, URL, "ANY", str(known["AuthType"]), str(known["FunctionUrl"]))

    def _http_apis(self) -> Iterator[Endpoint]:
        gateway = self._clients("apigatewayv2")
        for api in _listed(gateway, "get_apis"):
            api_id = api["ApiId"]
            served = {
                f"integrations/{each['IntegrationId']}": _function(each.get("IntegrationUri"))
                for each in _listed(gateway, "get_integrations", ApiId=api_id)
            }
            if not any(served.values()):
                continue
            stages = [str(each["StageName"]) for each in _listed(gateway, "get_stages", ApiId=api_id)]
            for route in _listed(gateway, "get_routes", ApiId=api_id):
                if name := served.get(route.get("Target", "")):
                    yield from _routed(api["ApiEndpoint"], stages, route, name)

    def _rest_apis(self) -> Iterator[Endpoint]:
        gateway = self._clients("apigateway")
        for api in _listed(gateway, "get_rest_apis"):
            api_id = api["id"]
            stages = [each["stageName"] for each in gateway.get_stages(restApiId=api_id)["item"]]
            for resource in _listed(gateway, "get_resources", restApiId=api_id, embed=["methods"]):
                for verb, method in resource.get("resourceMethods", {}).items():
                    if name := _function(method.get("methodIntegration", {}).get("uri")):
                        authorization = str(method.get("authorizationType", "NONE"))
                        for stage in stages:
                            address = f"{self._rest(api_id)}/{stage}{_path(resource['path'])}"
                            yield Endpoint(name, REST_API, verb, authorization, address)

    def _rest(self, api_id: str) -> str:
        """Return where a REST API begins: AWS does not tell, it follows from its id."""
        if self._endpoint:
            return f"{self._endpoint}/_aws/execute-api/{api_id}"
        china = ".cn" if self._region.startswith("cn-") else ""
        return f"https://{api_id}.execute-api.{self._region}.amazonaws.com{china}"


def _listed(gateway: Any, operation: str, **asked: Any) -> Iterator[Any]:
    """Yield everything that an operation of API Gateway lists, on all pages; the older API writes it small."""
    for page in gateway.get_paginator(operation).paginate(**asked):
        yield from page.get("Items", ()) or page.get("items", ())


def _routed(base: str, stages: Sequence[str], route: Mapping[str, Any], function: str) -> Iterator[Endpoint]:
    """Yield the addresses of a route of an HTTP API, one for each stage."""
    method, _, path = str(route["RouteKey"]).partition(" ")
    if method == "$default":
        method, path = "ANY", "/"
    for stage in stages:
        at = "" if stage == "$default" else f"/{stage}"
        yield Endpoint(
            function, HTTP_API, method, str(route.get("AuthorizationType", "NONE")), f"{base}{at}{_path(path)}"
        )


def _path(route: str) -> str:
    """Return a route's path with something where anything may stand."""
    return GREEDY.sub(ANYTHING, route)


def _function(uri: str | None) -> str:
    found = FUNCTION.search(uri or "")
    return found[1] if found else ""


@dataclass(frozen=True, slots=True)
class Call:
    """What to send: the path goes behind the endpoint's own."""

    method: str = ""
    path: str = ""
    query: Sequence[tuple[str, str]] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    @property
    def words(self) -> str:
        return f"{self.status} {http.client.responses.get(self.status, '')}".rstrip()


def choose(found: Sequence[Endpoint], function: str) -> Endpoint:
    """Return the endpoint to call a function by: its own URL before an API; CliError when it has none."""
    if not found:
        raise CliError(
            f"{function} has no URL",
            "give it `hfaas: {url: iam}` or an `api_gateway` in the pipeline file and deploy again",
        )
    order = (URL, HTTP_API, REST_API)
    return min(found, key=lambda each: order.index(each.kind))


@dataclass(frozen=True, slots=True)
class Signer:
    """With what requests are signed: credentials as botocore has them, and the region."""

    credentials: Any = field(repr=False)
    region: str = REGION
    is_for_aws: bool = False

    @classmethod
    def of(cls, where: Where) -> Signer:
        """Return the signer of where a command goes; CliError when the user has no credentials."""
        found = where.target.credentials()
        if found is None:
            raise CliError("no credentials for AWS were found", aws.SIGN_IN)
        return cls(found, where.target.region, where.target.is_aws and not where.target.is_stand_in)

    def headers(self, service: str, method: str, url: str, call: Call) -> dict[str, str]:
        """Return the headers that sign a request; CliError where they would not go to AWS."""
        from hfaas_deploy.aws.target import is_aws_host

        parts = urlsplit(url)
        if self.is_for_aws and (parts.scheme != "https" or not is_aws_host(parts.hostname or "")):
            raise CliError(f"{url} is no address of AWS, so no request to it is signed")
        from botocore.auth import SigV4Auth
        from botocore.awsrequest import AWSRequest

        request: Any = AWSRequest(method, url, dict(call.headers), call.body)
        SigV4Auth(self.credentials, service, self.region).add_auth(request)
        wanted = ("authorization", "x-amz-date", "x-amz-security-token")
        return {name: value for name, value in request.headers.items() if name.lower() in wanted}


def send(endpoint: Endpoint, call: Call, signer: Signer) -> Answer:
    """Call a function over HTTP, signed where its endpoint wants that."""
    method = call.method or _method(endpoint, call)
    url = _address(endpoint, call)
    headers = dict(call.headers)
    if endpoint.is_signed:
        headers |= signer.headers(endpoint.service, method, url, call)
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(str(parts.hostname), parts.port, timeout=PATIENCE_S)
    try:
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
        connection.request(method, target, call.body or None, headers)
        answer = connection.getresponse()
        return Answer(answer.status, tuple(answer.getheaders()), answer.read())
    except (OSError, http.client.HTTPException) as error:
        raise CliError(f"{url} does not answer ({error})", "is it up, and this machine on the network?") from error
    finally:
        connection.close()


def _method(endpoint: Endpoint, call: Call) -> str:
    """Return the method that nobody named: the endpoint's only one, else POST for a body and GET without."""
    if endpoint.method != "ANY":
        return endpoint.method
    return "POST" if call.body else "GET"


def _address(endpoint: Endpoint, call: Call) -> str:
    """Put a path and a query behind an endpoint; a greedy route's own path gives way."""
    url = endpoint.url
    if call.path:
        base = url.removesuffix(f"/{ANYTHING}") if endpoint.kind != URL else url
        url = f"{base.rstrip('/')}/{quote(call.path.lstrip('/'), safe='/%:@!$&()*+,;=~-._')}"
    return f"{url}?{urlencode(list(call.query))}" if call.query else url
