"""Run the web process: HTTP, static files and the live socket."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from typing import Any

from desk.management.process import ProcessCommand
from desk.settings.schema import get_config
from ops.database_watch import watch_databases

DRAIN_SECONDS = 2


class Command(ProcessCommand):
    help = "Run uvicorn with the platform's ASGI application."

    def add_arguments(self, parser: ArgumentParser) -> None:
        config = get_config()
        parser.add_argument("--host", default=config.bind)
        parser.add_argument("--port", type=int, default=config.port)
        parser.add_argument(
            "--drain",
            type=int,
            default=DRAIN_SECONDS,
            metavar="SECONDS",
            help="how long requests under way may take to end after SIGTERM, when no new ones are taken",
        )

    def handle(self, *args: Any, host: str, port: int, drain: int, **options: Any) -> None:
        import uvicorn

        from desk.connections import BoundedHttpProtocol
        from desk.webserver import WebServer

        config = get_config()
        watch_databases()
        server = WebServer(
            uvicorn.Config(
                "desk.asgi:application",
                host=host,
                port=port,
                http=BoundedHttpProtocol,
                ws="websockets-sansio",
                ws_max_size=64 * 1024,
                # A text is made once for all clients; compressing it for each would undo that.
                ws_per_message_deflate=False,
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=config.behind_tls_proxy,
                forwarded_allow_ips=config.trusted_proxies,
                timeout_graceful_shutdown=drain,
            )
        )
        server.run()
        if not server.started:
            sys.exit(1)
