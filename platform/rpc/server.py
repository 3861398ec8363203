"""The gRPC server of one process.

One event loop moves messages (grpc.aio); everything that touches a database runs on threads, see `rpc.threads`.
"""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Final

import grpc
import grpc.aio
from django.conf import settings

from ops.heartbeats import Heartbeat
from ops.hub import running_hub
from rpc import data, duties, functions, live, reflection
from rpc import health as healths
from rpc.threads import Threads

log = logging.getLogger(__name__)

MAX_REQUEST_BYTES = 1024 * 1024
MAX_ANSWER_BYTES = 8 * 1024 * 1024
MAX_CALLS = 2_000
"""Calls and streams under way at once; one more is refused with RESOURCE_EXHAUSTED."""
THREADS_EACH = 6
HEALTH_SECONDS = 1.0
GRACE_SECONDS = 1.5

SERVICES: Final = (data.SERVICE, duties.SERVICE, live.SERVICE, functions.SERVICE)

_OPTIONS: Final = (
    # A second process on the port must fail, not take every other connection.
    ("grpc.so_reuseport", 0),
    ("grpc.max_receive_message_length", MAX_REQUEST_BYTES),
    ("grpc.max_send_message_length", MAX_ANSWER_BYTES),
    # A client whose machine went away holds no stream: it is asked when it was silent, and given up without an answer.
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    # Clients may ask as well, also while they call nothing.
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 5_000),
)


class RpcServer:
    """Serves the platform's services, health and reflection. Use it from one event loop.

    Parameters
    ----------
    address
        Host and port to listen at; port 0 for any that is free.
    certificate, key
        PEM files; without them connections are not encrypted.
    """

    def __init__(self, address: str, *, certificate: Path | None = None, key: Path | None = None) -> None:
        self._address = address
        self._certificate = certificate
        self._key = key
        self._threads = {service.full_name: Threads(service.service.name, THREADS_EACH) for service in SERVICES}
        self._own = Threads("health", 2)
        self.health = healths.Health()
        self._heartbeat = Heartbeat("rpc")
        self._watch: asyncio.Task[None] | None = None
        self._server: grpc.aio.Server | None = None

    async def start(self) -> int:
        """Listen; returns the port.

        Raises
        ------
        RuntimeError
            The address cannot be listened at.
        OSError
            A TLS file cannot be read.
        """
        server = grpc.aio.server(options=_OPTIONS, maximum_concurrent_rpcs=MAX_CALLS)
        handlers = [service.handler(self._threads[service.full_name]) for service in SERVICES]
        names = [service.full_name for service in SERVICES]
        server.add_generic_rpc_handlers(
            (*handlers, self.health.handler(), reflection.handler([*names, healths.SERVICE], self._own))
        )
        credentials = self._credentials()
        if credentials is None:
            port = server.add_insecure_port(self._address)
        else:
            port = server.add_secure_port(self._address, credentials)
        await server.start()
        self._server = server
        running_hub(settings.REDIS_URL)
        self._watch = asyncio.create_task(self._look_again_and_again(), name="rpc-health")
        return port

    async def stop(self, grace_seconds: float = GRACE_SECONDS) -> None:
        """Take no new calls, let calls end for a moment, end streams, give everything back."""
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.gather(self._watch, return_exceptions=True)
        self.health.stop()
        if self._server is not None:
            await self._server.stop(grace_seconds)
        await running_hub(settings.REDIS_URL).stop()
        everybody = (*self._threads.values(), self._own)
        await asyncio.gather(*(asyncio.to_thread(threads.stop) for threads in everybody))

    def threads_of(self, service: str) -> Threads:
        """The threads that a service's functions run on."""
        return self._threads[service]

    def _credentials(self) -> grpc.ServerCredentials | None:
        if self._certificate is None or self._key is None:
            return None
        return grpc.ssl_server_credentials([(self._key.read_bytes(), self._certificate.read_bytes())])

    async def look(self) -> None:
        """Look once at what the services need, and tell whoever watches; a look that succeeds is a heartbeat."""
        live = running_hub(settings.REDIS_URL).is_up
        self.health.tell(await self._own.run(healths.serving, live=live))
        await self._own.run(self._heartbeat.beat)

    async def _look_again_and_again(self) -> None:
        while True:
            try:
                await self.look()
            except Exception:
                log.exception("health could not be looked at")
                self.health.stop()
            await asyncio.sleep(HEALTH_SECONDS)
