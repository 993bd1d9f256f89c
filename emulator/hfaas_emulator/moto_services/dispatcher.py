"""moto as one application: imported, patched, its version checked, its randomness ours.

Importing this module imports moto (about a second), so it happens on the moto thread while the port answers
already.
"""

from __future__ import annotations

import functools
import importlib
import logging
import secrets
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import moto

from hfaas_emulator.account import ACCOUNT
from hfaas_emulator.errors import AwsError, EmulatorError
from hfaas_emulator.moto_services.bridge import Answer, Request, Wsgi, run
from hfaas_emulator.moto_services.patch import apply, patch
from hfaas_emulator.moto_services.postponed import postponed
from hfaas_emulator.service_models import Terse
from hfaas_emulator.wire.caller import caller, connect

VERSION = "5.2.5"

log = logging.getLogger("hfaas.moto")


@patch(
    "moto.moto_server.werkzeug_app:DomainDispatcherApplication.get_backend_for_host",
    sha="1f41972c1e4e660f",
    reason="lists moto's package folder under a lock on every request: 0.4 ms",
)
def get_backend_for_host(original: Any, self: Any, host: str | None) -> Any:
    return _backend_for_host(original, self, host)


@functools.lru_cache(maxsize=4096)
def _backend_for_host(original: Any, dispatcher: Any, host: str | None) -> Any:
    return original(dispatcher, host)


@patch(
    "moto.core.utils:method_names_from_class",
    sha="9dbac89d082b655f",
    reason="inspects a class's members on every request",
    also=("moto.core.responses:method_names_from_class",),
)
def method_names_from_class(original: Any, clazz: type) -> Any:
    return _method_names(original, clazz)


@functools.cache
def _method_names(original: Any, clazz: type) -> Any:
    return original(clazz)


@patch(
    "moto.core.loaders:create_loader",
    sha="b94f7ea2b2fa445a",
    reason="keeps the descriptions of services with all their prose",
    also=("moto.core.utils:create_loader",),
)
def create_loader(original: Any) -> Any:
    loader = original()
    loader.file_loader = Terse()
    return loader


@patch(
    "moto.core.base_backend:AccountSpecificBackend._generate_regions",
    sha="6f339e32d8fa8024",
    reason="8 MB to know which regions there are; here all are, MOTO_ALLOW_NONEXISTENT_REGION says so",
)
def generate_regions(_original: Any, _self: Any, _service_name: str) -> list[str]:
    return []


@patch(
    "moto.core.common_models:BaseModel.__new__",
    sha="08cf0ef20e88029a",
    reason="keeps every instance for ever (for a dashboard): +95 MB after 30,000 overwritten objects",
)
def new_model(_original: Any, cls: type, *_args: Any, **_kwargs: Any) -> Any:
    return object.__new__(cls)


@patch(
    "moto.moto_server.utilities:RegexConverter.__init__",
    sha="e0730570d2307cba",
    reason="its dot stops at a line feed, so a key that holds one is not found",
)
def new_converter(original: Any, self: Any, url_map: Any, *items: str) -> None:
    original(self, url_map, f"(?s:{items[0]})", *items[1:])


def check_version(found: str = moto.__version__) -> None:
    """Raise an EmulatorError unless this is the moto that the patches were written for."""
    if found != VERSION:
        raise EmulatorError(
            f"moto {found} is installed, hfaas needs {VERSION}", f"pip install 'moto[server]=={VERSION}'"
        )


class Dispatcher:
    """moto's WSGI application with our patches in place."""

    def __init__(self, services: tuple[str, ...]) -> None:
        check_version()  # before more of another moto is imported, which may well fail
        with postponed():
            for service in ("awslambda", "sns", "iam", "ssm"):
                importlib.import_module(f"moto.{service}.models")
        from moto.iam.models import iam_backends
        from moto.moto_api._internal import mock_random
        from moto.moto_server import werkzeug_app

        werkzeug_app.DEFAULT_ACCOUNT_ID = ACCOUNT  # for whom it makes a backend only to read its URLs
        connect(lambda key: _issuer(iam_backends, key))
        self._random = mock_random
        for module in (__name__, *services):
            importlib.import_module(module)
            apply(module)
        self._wsgi: Wsgi = werkzeug_app.DomainDispatcherApplication(werkzeug_app.create_backend_app)

    def __call__(self, request: Request) -> Answer:
        """Answer a request with fresh random ids."""
        return self.seeded(request, secrets.randbits(64))

    def seeded(self, request: Request, seed: int) -> Answer:
        """Answer a request; the same seed gives the same ids."""
        self._random.seed(seed)
        if not request.account:
            request = replace(request, account=caller(request.headers, request.query).account)
        try:
            answer = run(self._wsgi, request)
        except NotImplementedError as error:
            raise AwsError("NotImplemented", str(error) or "This action is not implemented.", 501) from error
        except AwsError:
            raise
        except Exception as error:
            log.exception("moto failed at %s %s", request.method, request.path)
            raise AwsError("InternalFailure", f"moto failed: {type(error).__name__}: {error}", 500) from error
        return answer


def _issuer(issued: Mapping[str, Any], access_key: str) -> str:
    """Return the account whose IAM issued an access key; the event loop asks, too, so asking makes no backend."""
    for account, backends in list(issued.items()):
        backend = dict.get(backends, "aws")
        if backend is not None and access_key in backend.access_keys:
            return account
    return ""
