"""The emulator's own services, called as anybody calls them: boto3's engine, in worker threads, one session."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable
from functools import cache, partial
from typing import Any, ParamSpec, TypeVar

from anyio import CapacityLimiter, to_thread

THREADS = 6
"""Calls at once; the services below share one thread, so more would only wait there."""

MAKING = threading.Lock()
"""Clients may be used by every thread, but made by one at a time."""

PARTITION = {
    "partition": "aws",
    "dnsSuffix": "amazonaws.com",
    "regionRegex": ".+",
    "regions": {},
    "defaults": {
        "hostname": "{service}.{region}.{dnsSuffix}",
        "protocols": ["https"],
        "signatureVersions": ["v4"],
    },
    "services": {"s3": {"defaults": {"signatureVersions": ["s3v4"]}, "endpoints": {}}},
}
"""All that botocore needs to know of AWS's endpoints when there is one for all; its own list takes 8 MB."""

P = ParamSpec("P")
T = TypeVar("T")


class Clients:
    """One botocore client for each service, account and region, made when first asked for."""

    def __init__(self, endpoint: Callable[[], str]) -> None:
        self._endpoint = endpoint
        self._clients: dict[tuple[str, str, str], Any] = {}

    def get(self, account: str, region: str, service: str) -> Any:
        """Return a client; from worker threads only, the first one of a service takes a tenth of a second."""
        key = (account, region, service)
        found = self._clients.get(key)
        if found is not None:
            return found
        with MAKING:
            if key not in self._clients:
                self._clients[key] = self._make(account, region, service)
            return self._clients[key]

    def warm(self, account: str, region: str, services: Iterable[str]) -> None:
        """Make clients that will be needed soon."""
        for service in services:
            self.get(account, region, service)

    def _make(self, account: str, region: str, service: str) -> Any:
        from botocore.config import Config

        # No proxies: the endpoint is this process. Two attempts: a refusal shall be seen, not waited for.
        config = Config(
            connect_timeout=5,
            read_timeout=120,
            retries={"total_max_attempts": 2, "mode": "standard"},
            proxies={},
            max_pool_connections=THREADS,
            s3={"addressing_style": "path"},
        )
        keys = {"aws_access_key_id": account, "aws_secret_access_key": "emulator"}
        return _session().create_client(
            service, region_name=region, endpoint_url=self._endpoint(), config=config, **keys
        )


@cache
def _session() -> Any:
    """Return the one session, which reads nobody's profile: a user's AWS_PROFILE must not break the emulator."""
    from botocore.regions import EndpointResolver
    from botocore.session import Session

    from hfaas_emulator.service_models import Terse  # imports botocore

    session = Session()
    settings = session.get_component("config_store")
    for name, value in (("profile", None), ("config_file", os.devnull), ("credentials_file", os.devnull)):
        settings.set_config_variable(name, value)
    session.get_component("data_loader").file_loader = Terse()
    session.register_component("endpoint_resolver", EndpointResolver({"version": 3, "partitions": [PARTITION]}))
    return session


class Threads:
    """The bridge from the event loop to calls that block."""

    def __init__(self) -> None:
        self._limiter: CapacityLimiter | None = None

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a blocking function in a worker thread; a cancelled caller leaves it to end by itself."""
        self._limiter = self._limiter or CapacityLimiter(THREADS)
        call = partial(function, *args, **kwargs)
        return await to_thread.run_sync(call, limiter=self._limiter, abandon_on_cancel=True)
