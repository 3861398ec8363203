"""Processor time of one order in each process it passes, without the processes.

What `throughput` measures of whole processes, taken apart: the request through the ASGI application (web), then
the claim, the last look's read and the terminal's pushes as the trade worker applies them. Database and Valkey are
real and its own; what is not counted is uvicorn's parsing, the sockets and the SDK. Of several rounds the median is
told and the least, which other work on the machine disturbs least: compare two versions by running them in turns.

    PYTHONPATH=platform:. python -m benchmarks.orders.cost --database postgresql [--profile web|worker]
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import cProfile
import json
import os
import pstats
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from tests.postgres import Postgres, postgres_server

if TYPE_CHECKING:
    from tests.orders.bench import Bench

Post = Callable[[], Awaitable[tuple[int, dict[str, Any]]]]


def client(bench: Bench) -> Post:
    """A caller that posts one order of alice's through the ASGI application."""
    from accounts.services import token_create
    from desk.asgi import application
    from ops.audit import Actor

    scopes = ["orders:write", "account:read"]
    _, token = token_create(
        actor=Actor.system("cost"), user=bench.alice, name="cost", scopes=scopes, rate_per_minute=10_000
    )
    body = {"account": bench.account.pk, "symbol": "600519.SH", "side": "BUY", "quantity": 100, "price": "10.00"}
    sent = json.dumps({**body, "price_type": "LIMIT"}).encode()
    headers = {
        "host": "127.0.0.1",
        "content-type": "application/json",
        "accept": "*/*",
        "authorization": f"Bearer {token}",
    }
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "scheme": "http",
        "path": "/api/v1/orders", "raw_path": b"/api/v1/orders", "query_string": b"", "root_path": "",
        "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80),
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()]
        + [(b"content-length", str(len(sent)).encode())],
    }  # fmt: skip

    async def post() -> tuple[int, dict[str, Any]]:
        asked, closed, heard = iter([{"type": "http.request", "body": sent, "more_body": False}]), asyncio.Event(), []

        async def receive() -> dict[str, Any]:
            for message in asked:
                return message
            await closed.wait()
            return {"type": "http.disconnect"}

        async def send(message: dict[str, Any]) -> None:
            heard.append(message)

        await application(dict(scope), receive, send)
        answer = b"".join(message.get("body", b"") for message in heard[1:])
        return heard[0]["status"], json.loads(answer)

    return post


def work(bench: Bench, order_id: str) -> None:
    """What the trade worker does about one order that fills at once, as its events gather: three transactions."""
    from uuid import UUID

    from accounts.models import BrokerAccount
    from ops.clocks import wall_now
    from trading.orders.claims import claim_all
    from trading.orders.intake import CallReturned
    from trading.orders.models import Order

    seen = Order.objects.select_related("created_by").get(pk=UUID(order_id), host_name="sim")
    order = claim_all({seen.pk: seen}, account_id=seen.account_id, host_name="sim").orders[seen.pk]
    BrokerAccount.objects.get(pk=order.account_id)
    order.session_seq = seq = int(order.pk.int % 10**9)
    response, reported = bench.response(order), bench.update(order, 50)
    bench.apply(response, reported, CallReturned(str(order.tag), seq, wall_now()))
    fill = bench.fill(order, 100)
    filled = bench.update(order, 56, traded_quantity=100, traded_price=fill.price)
    bench.apply(filled, fill, bench.asset(), bench.position(100))


@dataclass
class Meter:
    """Processor milliseconds per order: of this process, and of the database server where there is one."""

    server: Postgres | None
    found: dict[str, list[float]] = field(default_factory=dict)

    @contextmanager
    def counting(self, name: str, orders: int) -> Iterator[None]:
        """Count what happens inside, on all threads."""
        began = self._now()
        yield
        for place, (before, after) in enumerate(zip(began, self._now(), strict=True)):
            self.found.setdefault(name if place == 0 else f"{name}: database", []).append(
                (after - before) * 1000 / orders
            )

    def _now(self) -> tuple[float, ...]:
        return (time.process_time(),) if self.server is None else (time.process_time(), self.server.cpu_seconds())

    def report(self) -> None:
        """Print a line for each part, and one for their sum."""
        rows = self.found | {"together": [sum(parts) for parts in zip(*self.found.values(), strict=True)]}
        for name, values in rows.items():
            print(f"{name:<18}{median(values):8.2f} median {min(values):8.2f} least   processor ms per order")


@contextmanager
def profiled(owner: Any, name: str) -> Iterator[None]:
    """Print where the time of one function goes, whichever thread calls it."""
    profiler, function = cProfile.Profile(), getattr(owner, name)

    def watched(*given: Any) -> Any:
        return profiler.runcall(function, *given)

    setattr(owner, name, watched)
    try:
        yield
    finally:
        setattr(owner, name, function)
        pstats.Stats(profiler).sort_stats("cumulative").print_stats(90)
        pstats.Stats(profiler).sort_stats("tottime").print_stats(30)


def measure(orders: int, rounds: int, profile: str, server: Postgres | None) -> None:
    """Place the orders, then do the worker's part of each; a few of both come first, to warm up."""
    from django.core.handlers.base import BaseHandler

    from accounts.models import HostStatus
    from ops.clocks import wall_now
    from tests.orders.bench import make_bench

    bench = make_bench(cash="100000000000")
    post = client(bench)

    def alive() -> None:
        HostStatus.objects.update(updated_at=wall_now())  # a trade worker that reports

    async def placed(count: int) -> list[str]:
        answers = []
        for number in range(count):
            if number % 20 == 0:
                alive()
            answers.append(await post())
        wrong = [answer for status, answer in answers if status != 201]
        assert not wrong, wrong[0]
        return [str(answer["id"]) for _, answer in answers]

    def both(runner: asyncio.Runner, meter: Meter, count: int) -> None:
        with meter.counting("web", count):
            ids = runner.run(placed(count))
        with meter.counting("worker", count):
            for order_id in ids:
                work(bench, order_id)

    meter = Meter(server)
    with asyncio.Runner() as runner, contextlib.ExitStack() as watched:
        both(runner, Meter(server), 20)
        if profile == "web":
            watched.enter_context(profiled(BaseHandler, "get_response"))
        elif profile == "worker":
            watched.enter_context(profiled(sys.modules[__name__], "work"))
        for _ in range(rounds):
            both(runner, meter, orders)
    meter.report()


@contextmanager
def valkey() -> Iterator[None]:
    """The installation's Valkey, with somebody who hears the trade worker's bell."""
    import redis
    from django.conf import settings

    from desk.settings.schema import get_config
    from desk.supervisor import plan
    from tests.faults.harness import until
    from trading.orders.doorbell import PREFIX

    config = get_config()
    plan.prepare_folders(config)
    server = subprocess.Popen(plan.valkey(config).command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until(config.redis_socket.exists, 10, "Valkey's socket")
        with redis.Redis.from_url(settings.REDIS_URL) as listener, listener.pubsub() as bell:
            bell.subscribe(f"{PREFIX}sim")
            yield
    finally:
        server.kill()
        server.wait()


def main() -> None:
    """Build the desk, measure, print one line per part."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--orders", type=int, default=50, help="in each round")
    options.add_argument("--rounds", type=int, default=6)
    options.add_argument("--profile", choices=("web", "worker"), default="")
    options.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    given = options.parse_args()
    with contextlib.ExitStack() as held:
        folder = held.enter_context(tempfile.TemporaryDirectory(prefix="desk-cost-"))
        os.environ |= {
            "DESK_ENV": "test",
            "DESK_STATE_DIR": folder,
            "TZ": "Asia/Shanghai",
            "DJANGO_ALLOW_ASYNC_UNSAFE": "1",
        }
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "desk.settings")
        server = None
        if given.database == "postgresql":
            server = held.enter_context(postgres_server(durable=True))
            os.environ |= server.environment()
        time.tzset()
        Path(folder, "db").mkdir(exist_ok=True)

        import django

        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        call_command("migrate", database="quotes", verbosity=0)
        held.enter_context(valkey())
        print(f"{given.database}, {given.rounds} rounds of {given.orders} orders")
        measure(given.orders, given.rounds, given.profile, server)


if __name__ == "__main__":
    main()
