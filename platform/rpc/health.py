"""The standard health service, told the truth: each service by what it needs to do its work.

============================  =====================================================================================
``desk.v1.DataService``       both databases answer and have every migration
``desk.v1.TradingService``    the main database does, and at least one host's order session is ready
``desk.v1.LiveService``       as DataService, and live messages arrive from Redis
``desk.v1.FunctionService``   the main database does, and at least one host's reads worker reports
`` `` (blank: the server)     the first three: nothing waits for functions by name
============================  =====================================================================================

The library's own servicer holds a lock while it writes to a watcher, so that one that reads nothing would stop everybody's
news; hence this one. It is open to everybody, as the health addresses of REST are, and says nothing beyond yes or no.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from typing import Any

import grpc
import grpc.aio
from grpc_health.v1 import health_pb2 as pb

from accounts.choices import SessionState
from accounts.health import DATABASES
from accounts.models import HostStatus, QmtHost
from ops import health
from ops.clocks import wall_now
from ops.health import Check
from rpc.calls import Context

log = logging.getLogger(__name__)

SERVICE = pb.DESCRIPTOR.services_by_name["Health"].full_name
DATA, TRADING, LIVE, SERVER = "desk.v1.DataService", "desk.v1.TradingService", "desk.v1.LiveService", ""
FUNCTIONS = "desk.v1.FunctionService"
#: Whoever asks without a token may not use up the server.
MAX_WATCHERS = 200

Status = pb.HealthCheckResponse.ServingStatus


def serving(*, live: bool) -> dict[str, bool]:
    """Which services can do their work now. Reads the databases.

    Parameters
    ----------
    live
        Whether live messages arrive in this process.
    """
    stores = {alias: _store(alias) for alias in DATABASES}
    told = {
        DATA: all(stores.values()),
        TRADING: stores["default"] and _some_session_is_ready(),
        LIVE: all(stores.values()) and live,
    }
    functions = stores["default"] and _some_reads_worker_reports()
    return {**told, FUNCTIONS: functions, SERVER: all(told.values())}


def _store(alias: str) -> bool:
    checks: list[Check] = [health.check_database(alias)]
    if checks[0].ok:
        checks.append(health.check_migrations(alias))
    return all(check.ok for check in checks)


def _some_session_is_ready() -> bool:
    """Whether the orders of at least one host can be sent, by a report that is not too old to be believed."""
    ready = HostStatus.objects.filter(host__enabled=True, session_state=SessionState.READY)
    return ready.filter(updated_at__gte=wall_now() - health.HEARTBEAT_MAX_AGE).exists()


def _some_reads_worker_reports() -> bool:
    hosts = QmtHost.objects.filter(enabled=True).values_list("name", flat=True)
    return any(health.check_heartbeat(f"worker.reads@{name}").ok for name in hosts)


class Health:
    """What is served, and whom to tell when it changes. Used from the event loop only."""

    def __init__(self) -> None:
        self._told: dict[str, Any] = dict.fromkeys(
            (DATA, TRADING, LIVE, FUNCTIONS, SERVER), pb.HealthCheckResponse.NOT_SERVING
        )
        self._changed = asyncio.Event()
        self._watchers = 0

    def tell(self, told: Mapping[str, bool]) -> None:
        """Take over which services can do their work."""
        now = {name: _status(serving=ok) for name, ok in told.items()}
        if now != self._told:
            changed = sorted(name or "server" for name in now if now[name] != self._told.get(name))
            log.info("health: %s", ", ".join(f"{name} {_word(now, name)}" for name in changed))
            self._told = now
            self._changed.set()
            # The next change has an event of its own: nobody is told twice, nobody is forgotten.
            self._changed = asyncio.Event()

    def stop(self) -> None:
        """Serve nothing any more: watchers are told before the server ends."""
        self.tell(dict.fromkeys(self._told, False))

    async def check(self, request: pb.HealthCheckRequest, context: Context) -> pb.HealthCheckResponse:
        """How one service is, now; NOT_FOUND for one that is not served here."""
        status = self._told.get(request.service)
        if status is None:
            await context.abort(grpc.StatusCode.NOT_FOUND, "There is no such service.")
        return pb.HealthCheckResponse(status=status)

    async def watch(self, request: pb.HealthCheckRequest, context: Context) -> AsyncIterator[pb.HealthCheckResponse]:
        """How one service is, and again whenever that changes."""
        if self._watchers >= MAX_WATCHERS:
            await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "Too many watch already.")
        self._watchers += 1
        last = None
        try:
            while True:
                changed = self._changed
                status = self._told.get(request.service, pb.HealthCheckResponse.SERVICE_UNKNOWN)
                if status != last:
                    last = status
                    yield pb.HealthCheckResponse(status=status)
                await changed.wait()
        finally:
            self._watchers -= 1

    def handler(self) -> grpc.GenericRpcHandler:
        """Everything gRPC needs to serve it."""
        read, write = pb.HealthCheckRequest.FromString, pb.HealthCheckResponse.SerializeToString
        return grpc.method_handlers_generic_handler(
            SERVICE,
            {
                "Check": grpc.unary_unary_rpc_method_handler(self.check, read, write),
                "Watch": grpc.unary_stream_rpc_method_handler(self.watch, read, write),
            },
        )


def _status(*, serving: bool) -> Any:
    return pb.HealthCheckResponse.SERVING if serving else pb.HealthCheckResponse.NOT_SERVING


def _word(told: Mapping[str, Any], name: str) -> str:
    return str(Status.Name(told["" if name == "server" else name]))
