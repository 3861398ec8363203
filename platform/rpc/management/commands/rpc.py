"""Run the gRPC server."""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
from argparse import ArgumentParser
from typing import Any

from desk.management.process import ProcessCommand, stop_event_on_signals
from desk.settings.safety import rpc_problem
from desk.settings.schema import get_config
from ops.database_watch import watch_databases
from rpc.server import RpcServer

log = logging.getLogger(__name__)


class Command(ProcessCommand):
    help = "Run the gRPC server."

    def add_arguments(self, parser: ArgumentParser) -> None:
        config = get_config()
        parser.add_argument("--host", default=config.rpc_bind)
        parser.add_argument("--port", type=int, default=config.rpc_port)

    def handle(self, *args: Any, host: str, port: int, **options: Any) -> None:
        config = get_config()
        if problem := rpc_problem(config, host):
            sys.exit(problem)
        watch_databases()
        address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        server = RpcServer(address, certificate=config.rpc_tls_certificate, key=config.rpc_tls_key)
        sys.exit(asyncio.run(_serve(server, address, stop_event_on_signals())))


async def _serve(server: RpcServer, address: str, stop: threading.Event) -> int:
    try:
        await server.start()
    except (RuntimeError, OSError) as error:
        log.error("gRPC cannot listen at %s: %s", address, error)
        return 1
    log.info("gRPC listens at %s", address)
    # On a thread of its own: asyncio takes no signal handlers on Windows.
    await asyncio.to_thread(stop.wait)
    await server.stop()
    return 0
