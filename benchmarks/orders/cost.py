"""Processor time of one order in each process it passes, without the processes.

What `throughput` measures of whole processes, taken apart: the request through the ASGI application (web), then
the claim, the last look's read and the terminal's pushes as the trade worker applies them. A SQLite file of its own
(`--database-url` for a PostgreSQL) and no Redis: what is not counted is uvicorn's parsing, the sockets and the SDK.

    PYTHONPATH=platform:. python -m benchmarks.orders.cost --orders 300 [--profile web|worker]
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import cProfile
import json
import os
import pstats
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

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


@contextmanager
def counted(name: str, orders: int) -> Iterator[None]:
    """Print the processor time per order of what happens inside, on all threads."""
    began = time.process_time()
    yield
    print(f"{name:<8}{(time.process_time() - began) * 1000 / orders:8.2f} processor ms per order")


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


def measure(orders: int, profile: str) -> None:
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

    def both(count: int) -> None:
        with counted("web", count), asyncio.Runner() as runner:
            ids = runner.run(placed(count))
        with counted("worker", count):
            for order_id in ids:
                work(bench, order_id)

    with contextlib.redirect_stdout(None):
        both(20)
    if profile == "web":
        with profiled(BaseHandler, "get_response"):
            both(orders)
    elif profile == "worker":
        with profiled(sys.modules[__name__], "work"):
            both(orders)
    else:
        both(orders)


def main() -> None:
    """Build the desk, measure, print one line per process."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--orders", type=int, default=300)
    options.add_argument("--profile", choices=("web", "worker"), default="")
    options.add_argument("--database-url", default="", help="postgresql://…; SQLite in a folder of its own by default")
    given = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="desk-cost-") as folder:
        os.environ |= {
            "DESK_ENV": "test",
            "DESK_STATE_DIR": folder,
            "TZ": "Asia/Shanghai",
            "DJANGO_ALLOW_ASYNC_UNSAFE": "1",
        }
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "desk.settings")
        if given.database_url:
            os.environ["DESK_DATABASE_URL"] = given.database_url
        time.tzset()
        Path(folder, "db").mkdir(exist_ok=True)

        import django

        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        call_command("migrate", database="quotes", verbosity=0)
        measure(given.orders, given.profile)


if __name__ == "__main__":
    main()
