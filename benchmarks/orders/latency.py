"""How long an order waits inside the platform, and how soon a push reaches a client.

Real processes on loopback: uvicorn, Valkey, the simulated terminal, the trade worker. Orders are posted
one after another; the times are those the platform stores with each order.

    PYTHONPATH=platform:. python -m benchmarks.orders.latency --database sqlite --orders 300

Columns, in milliseconds:

accept → claim    the order's acceptance (before its commit) to the claim by the trade worker
accept → call     the order's acceptance to the SDK call: the figure with a goal
request           the POST as its caller sees it
push → frame      a fill's arrival on the SDK thread to its frame in a WebSocket client
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import platform
import socket
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import httpx
import orjson
import websockets

from tests.faults.harness import Clerk, Stack, clerk_of, until
from tests.postgres import temporary_postgres

SYMBOL = "600519.SH"
GOALS = {"sqlite": (15.0, 50.0), "postgresql": (20.0, None)}


@dataclass
class Samples:
    """Milliseconds of one run."""

    accept_to_claim: list[float] = field(default_factory=list)
    accept_to_call: list[float] = field(default_factory=list)
    request: list[float] = field(default_factory=list)
    push_to_frame: list[float] = field(default_factory=list)


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` of the samples lie (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def milliseconds(start: str, end: str) -> float:
    return (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds() * 1000


async def follow(url: str, token: str, account: int, frames: dict[str, float], ready: asyncio.Event) -> None:
    """Note when each fill's frame arrives."""
    async with websockets.connect(url, additional_headers={"Authorization": f"Bearer {token}"}) as client:
        await client.send(json.dumps({"op": "subscribe", "channel": f"account:{account}"}))
        async for text in client:
            arrived = time.time()
            message = orjson.loads(text)
            if message["type"] == "snapshot":
                ready.set()
            if message["type"] == "delta":
                for event in message["events"]:
                    if event["kind"] == "trade":
                        frames.setdefault(event["data"]["traded_id"], arrived)


async def place(
    base: str, token: str, account: int, count: int, pause: float, price: str
) -> tuple[list[str], Samples, dict[str, float]]:
    """Post `count` orders that fill at once, while a client follows the account."""
    samples, ready = Samples(), asyncio.Event()
    frames: dict[str, float] = {}
    ids: list[str] = []
    listener = asyncio.create_task(follow(f"{base.replace('http', 'ws')}/ws/v1", token, account, frames, ready))
    await asyncio.wait_for(ready.wait(), 10)
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=base, headers=headers, timeout=10) as client:
        for _ in range(count):
            began = time.perf_counter()
            answer = await client.post(
                "/api/v1/orders",
                json={
                    "account": account,
                    "symbol": SYMBOL,
                    "side": "BUY",
                    "quantity": 100,
                    "price_type": "LIMIT",
                    "price": price,
                },
            )
            samples.request.append((time.perf_counter() - began) * 1000)
            if answer.status_code != 201:
                raise SystemExit(f"order refused: {answer.status_code} {answer.text}")
            ids.append(answer.json()["id"])
            await asyncio.sleep(pause)
    await asyncio.sleep(2)
    listener.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await listener
    return ids, samples, frames


def collect(clerk: Clerk, ids: Sequence[str], samples: Samples, frames: Mapping[str, float]) -> None:
    """The stored times of the orders and their fills."""
    for order_id in ids:
        row = clerk.order(order_id)
        if not row["sent_at"]:
            raise SystemExit(f"order was not sent: {row}")
        samples.accept_to_claim.append(milliseconds(row["submitted_at"], row["claimed_at"]))
        samples.accept_to_call.append(milliseconds(row["submitted_at"], row["sent_at"]))
    for trade in clerk.ask("trades"):
        if (arrived := frames.get(trade["traded_id"])) is not None:
            received = datetime.fromisoformat(trade["received_at"]).timestamp()
            samples.push_to_frame.append((arrived - received) * 1000)


@contextlib.contextmanager
def databases(kind: str) -> Iterator[dict[str, str]]:
    """Environment of the chosen database; PostgreSQL with its durability on."""
    if kind == "sqlite":
        yield {}
        return
    with temporary_postgres(durable=True) as environment:
        yield environment


def run(kind: str, count: int, pause: float) -> Samples:
    """One measured run on a fresh installation."""
    with databases(kind) as environment:
        port = free_port()
        stack = Stack(PORT=str(port), **environment)
        try:
            stack.prepare()
            stack.start_valkey()
            stack.start_terminal("--account", "8000000001:1000000000", "--account", "8000000002")
            stack.start_worker()
            stack.start("web", [sys.executable, "manage.py", "web"])
            token = stack.manage("token_create", "alice", "--scopes", "orders:write,account:read,market:read").split()[
                0
            ]
            with clerk_of(stack) as clerk:
                clerk.until_session()
                last = float(clerk.ask("quote_instrument", symbol=SYMBOL)["last"])
                price = f"{last * 1.015:.2f}"  # crosses the book, inside the 2% cage
                base = f"http://127.0.0.1:{port}"
                until(lambda: _alive(base), 20, "the web process")
                account = clerk.ask("account_id")
                asyncio.run(place(base, token, account, 20, pause, price))  # warm up
                ids, samples, frames = asyncio.run(place(base, token, account, count, pause, price))
                collect(clerk, ids, samples, frames)
                return samples
        finally:
            stack.close()


def _alive(base: str) -> bool:
    try:
        return httpx.get(f"{base}/api/v1/health/live", timeout=1).status_code == 200
    except httpx.HTTPError:
        return False


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--database", choices=("sqlite", "postgresql", "both"), default="both")
    parser.add_argument("--orders", type=int, default=300)
    parser.add_argument("--pause", type=float, default=0.05, help="seconds between two orders")
    arguments = parser.parse_args()
    kinds = ("sqlite", "postgresql") if arguments.database == "both" else (arguments.database,)
    print(
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, {arguments.orders} orders"
    )
    print(f"{'database':<12}{'measure':<18}{'n':>6}{'p50':>9}{'p90':>9}{'p99':>9}{'max':>9}   goal")
    for kind in kinds:
        samples = run(kind, arguments.orders, arguments.pause)
        p50, p99 = GOALS[kind]
        goals = {"accept_to_call": f"p50 ≤ {p50:g}" + (f", p99 ≤ {p99:g}" if p99 else ""), "push_to_frame": "p50 ≤ 25"}
        for name, values in vars(samples).items():
            if values:
                shares = "".join(f"{percentile(values, share):>9.1f}" for share in (0.5, 0.9, 0.99))
                print(
                    f"{kind:<12}{name.replace('_to_', ' → '):<18}{len(values):>6}{shares}{max(values):>9.1f}   {goals.get(name, '')}"
                )


if __name__ == "__main__":
    main()
