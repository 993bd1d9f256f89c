"""A WebDAV server such as dCache's: GET, PUT and MKCOL over https, with a login and its password."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping

from hfaas_supervisor.errors import HfaasError, InputDenied, InputNotFound, OutputFailed, ProviderAuth
from hfaas_supervisor.limits import Limits
from hfaas_supervisor.stores import Provider, secret_variable
from hfaas_supervisor.stores.folders import Folders
from hfaas_supervisor.stores.local import Source, Staging
from hfaas_supervisor.stores.web import Answer, Host, Request, Unreachable, check_key, host_name, quoted

DONE = (200, 201, 204)
EXISTS = 405
PARENT_MISSING = 409


def connect(provider: Provider) -> WebDav:
    """Open a server as the provider's login; nothing is sent yet."""
    login, password = provider.text("login"), provider.text("password")
    if not login or not password:
        raise ProviderAuth(f"storage provider {provider.name} has no login and password")
    name, _, root = provider.text("hostname").removeprefix("https://").partition("/")
    credentials = b64encode(f"{login}:{password}".encode()).decode()
    host = Host(host_name(name, provider.name), {"Authorization": f"Basic {credentials}"})
    return WebDav(host, provider, root)


class WebDav:
    """One server, below the folder that its hostname may name."""

    keeps_metadata = False

    def __init__(self, host: Host, provider: Provider, root: str) -> None:
        self._host, self._provider, self._root = host, provider, root
        self._folders = Folders(self._create)

    def url(self, key: str) -> str:
        return f"webdav://{self._host.name}/{key}"

    def fetch(self, key: str, staging: Staging, limits: Limits) -> Mapping[str, str]:
        url = self.url(key)
        try:
            answer = self._host.fetch(Request("GET", self._path(key), f"fetching {url}", limits), staging)
        except Unreachable as error:
            raise InputDenied(f"{url} could not be fetched: {error}") from None
        if answer.status == 404:
            raise InputNotFound(f"{url} does not exist, or no longer")
        if answer.status != 200:
            raise self._error(InputDenied, f"{url} could not be fetched", "GET", answer)
        return {}

    def send(self, result: Source, key: str, metadata: Mapping[str, str], limits: Limits) -> None:  # noqa: ARG002
        url, folder = self.url(key), key.rpartition("/")[0]
        check_key(key, url)
        request = Request("PUT", self._path(key), f"uploading {url}", limits)
        try:
            answer = self._put(request, result, folder)
            if answer.status in (404, PARENT_MISSING) and folder:
                self._folders.forget(folder)
                answer = self._put(request, result, folder)
        except Unreachable as error:
            raise OutputFailed(f"{url} could not be written: {error}") from None
        if answer.status not in DONE:
            raise self._error(OutputFailed, f"{url} could not be written", "PUT", answer)

    def _put(self, request: Request, result: Source, folder: str) -> Answer:
        if not self._folders.ensure(folder, request.limits):
            raise OutputFailed(f"{self.url(folder)} could not be made: the folder above it is missing")
        return self._host.send(request, result)

    def _create(self, folder: str, limits: Limits) -> bool:
        url = self.url(folder)
        answer = self._host.ask(Request("MKCOL", f"{self._path(folder)}/", f"making {url}", limits))
        if answer.status in DONE or answer.status == EXISTS:
            return True
        if answer.status in (404, PARENT_MISSING):
            return False
        raise self._error(OutputFailed, f"{url} could not be made", "MKCOL", answer)

    def _path(self, key: str) -> str:
        return quoted(self._root, key)

    def _error(self, kind: type[HfaasError], what: str, method: str, answer: Answer) -> HfaasError:
        if answer.status == 401:
            secret = secret_variable(self._provider.kind, self._provider.id)
            return ProviderAuth(
                f"{what}: {self._host.name} does not accept login and password of {self._provider.name}; "
                f"they are in the secret that {secret} names"
            )
        return kind(f"{what}: {self._host.name} answered {method} with {answer.words}")
