"""A Space of a Oneprovider by CDMI, whose uploads are the only ones that announce their end.

    GET  /cdmi/SPACE/dir/file     the content
    PUT  /cdmi/SPACE/dir/         a folder; that it exists is an answer like another
    PUT  /cdmi/SPACE/dir/file     the content, without CDMI's own content type

The token travels in X-Auth-Token, over verified https and to this host only.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import NamedTuple

from hfaas_supervisor.errors import HfaasError, InputDenied, InputNotFound, OutputFailed, ProviderAuth
from hfaas_supervisor.limits import Limits
from hfaas_supervisor.stores import Provider, secret_variable
from hfaas_supervisor.stores.folders import Folders
from hfaas_supervisor.stores.local import Source, Staging
from hfaas_supervisor.stores.web import Answer, Host, Request, Unreachable, check_key, host_name, quoted

DONE = (200, 201, 202, 204)
WRONG_SLASH = 302
"""CDMI's answer to the name of a folder without its slash, and to that of a file with one."""
WORD = 100


class Problem(NamedTuple):
    """What a Oneprovider says is wrong; `errno` in small letters, if its file system said it."""

    id: str
    errno: str = ""

    def __str__(self) -> str:
        return f"{self.id}/{self.errno}" if self.errno and self.errno != self.id else self.id


def connect(provider: Provider, space: str) -> Onedata:
    """Open a Space as the provider's token; nothing is sent yet."""
    token = provider.text("token").strip()
    if not token or not token.isascii() or not token.isprintable():
        what = "has a token with signs that none has" if token else "has no token"
        raise ProviderAuth(f"storage provider {provider.name} {what}")
    host = host_name(provider.text("oneprovider_host"), provider.name)
    return Onedata(Host(host, {"X-Auth-Token": token}), provider, space)


class Onedata:
    """One Space."""

    keeps_metadata = False

    def __init__(self, host: Host, provider: Provider, space: str) -> None:
        self._host, self._provider, self._space = host, provider, space
        self._folders = Folders(self._create)

    def url(self, key: str) -> str:
        return f"onedata://{self._space}/{key}"

    def fetch(self, key: str, staging: Staging, limits: Limits) -> Mapping[str, str]:
        url = self.url(key)
        request = Request("GET", self._path(key), f"fetching {url}", limits)
        try:
            answer = self._host.fetch(request, staging)
        except Unreachable as error:
            raise InputDenied(f"{url} could not be fetched: {error}") from None
        if answer.status != 200:
            raise self._input_error(url, request, answer)
        return {}

    def send(self, result: Source, key: str, metadata: Mapping[str, str], limits: Limits) -> None:  # noqa: ARG002
        url, folder = self.url(key), key.rpartition("/")[0]
        check_key(key, url)
        request = Request("PUT", self._path(key), f"uploading {url}", limits)
        try:
            answer = self._put(request, result, folder)
            if _is_missing(answer) and folder:
                self._folders.forget(folder)
                answer = self._put(request, result, folder)
        except Unreachable as error:
            raise OutputFailed(f"{url} could not be written: {error}") from None
        if answer.status not in DONE:
            raise self._output_error(url, request, answer)

    def _put(self, request: Request, result: Source, folder: str) -> Answer:
        if not self._folders.ensure(folder, request.limits):
            raise OutputFailed(f"{self.url(folder)} could not be made: {self._no_space}")
        return self._host.send(request, result)

    def _create(self, folder: str, limits: Limits) -> bool:
        url = self.url(folder)
        request = Request("PUT", f"{self._path(folder)}/", f"making {url}", limits)
        answer = self._host.ask(request)
        if answer.status in DONE or problem(answer).errno == "eexist":
            return True
        if _is_missing(answer):
            return False
        raise self._output_error(url, request, answer)

    def _path(self, key: str) -> str:
        return quoted("cdmi", self._space, key)

    def _input_error(self, url: str, request: Request, answer: Answer) -> HfaasError:
        if _is_missing(answer):
            return InputNotFound(f"{url} does not exist, or no longer")
        if answer.status == 401:
            return self._not_accepted(url)
        return InputDenied(f"{url} could not be fetched: {self._words(request, answer)}")

    def _output_error(self, url: str, request: Request, answer: Answer) -> HfaasError:
        if answer.status == 401:
            return self._not_accepted(url)
        if _is_missing(answer):
            return OutputFailed(f"{url} could not be written: {self._no_space}")
        return OutputFailed(f"{url} could not be written: {self._words(request, answer)}")

    @property
    def _no_space(self) -> str:
        return f"{self._host.name} knows no space {self._space} of this token"

    def _not_accepted(self, url: str) -> ProviderAuth:
        secret = secret_variable(self._provider.kind, self._provider.id)
        return ProviderAuth(
            f"{url}: {self._host.name} does not accept the token of {self._provider.name}; "
            f"it is in the secret that {secret} names"
        )

    def _words(self, request: Request, answer: Answer) -> str:
        words = f"{request.method} {request.path} on {self._host.name}: {answer.words}"
        if answer.status == WRONG_SLASH:
            return f"{words}: there is a {'folder' if request.path[-1] != '/' else 'file'} of that name"
        found = str(problem(answer))
        return f"{words} ({found})" if found else words


def problem(answer: Answer) -> Problem:
    """Read the error in an answer, also in the flat form of Oneproviders up to 18.02."""
    if answer.status < 400:
        return Problem("")
    try:
        error = json.loads(answer.body)["error"]
        if isinstance(error, str):
            return Problem(_word(error), _word(error))
        details = error.get("details") or {}
        return Problem(_word(error["id"]), _word(details.get("errno") or "").lower())
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return Problem("")


def _is_missing(answer: Answer) -> bool:
    """Tell whether something on the way is not there; CDMI says it in two ways."""
    return answer.status == 404 or problem(answer).errno == "enoent"


def _word(value: object) -> str:
    return "".join(sign for sign in str(value) if sign.isprintable())[:WORD]
