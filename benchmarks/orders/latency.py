"""How long an order waits inside the platform, and how soon a push reaches a client.

Real processes on loopback: uvicorn, Valkey, the simulated terminal, the trade worker. Orders are posted
one after another; the times are those the platform stores with each order.

    PYTHONPATH=platform:. python -m benchmarks.orders.latency --database sqlite --orders 300
    PYTHONPATH=platform:. python -m benchmarks.orders.latency --under-repair      a 1,000-symbol repair runs meanwhile
    PYTHONPATH=platform:. python -m benchmarks.orders.latency --under-reconcile   reconciliation runs meanwhile

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
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import orjson
import websockets

from benchmarks.orders.desk import SYMBOL, Desk, desk, percentile
from tests.faults.harness import Clerk, clerk_of, until

GOALS = {"sqlite": (12.0, 40.0), "postgresql": (18.0, 40.0)}
BUSY_P99 = 120.0
REPAIRED_SYMBOLS = 1000
REPAIRED_DAYS = 244
REQUESTED_TOGETHER = 40


@dataclass
class Samples:
    """Milliseconds of one run."""

    accept_to_claim: list[float] = field(default_factory=list)
    accept_to_call: list[float] = field(default_factory=list)
    request: list[float] = field(default_factory=list)
    push_to_frame: list[float] = field(default_factory=list)


def milliseconds(start: str, end: str) -> float:
    return (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds() * 1000


async def follow(found: Desk, frames: dict[str, float], ready: asyncio.Event) -> None:
    """Note when each fill's frame arrives."""
    url = f"{found.base.replace('http', 'ws')}/ws/v1"
    async with websockets.connect(
        url, additional_headers={"Authorization": f"Bearer {found.token}"}, max_size=None
    ) as client:
        await client.send(json.dumps({"op": "subscribe", "channel": f"account:{found.account}"}))
        async for text in client:
            arrived = time.time()
            message = orjson.loads(text)
            if message["type"] == "snapshot":
                ready.set()
            if message["type"] == "delta":
                for event in message["events"]:
                    if event["kind"] == "trade":
                        frames.setdefault(event["data"]["traded_id"], arrived)


async def place(found: Desk, count: int, pause: float) -> tuple[list[str], Samples, dict[str, float]]:
    """Post `count` orders that fill at once, while a client follows the account."""
    samples, ready = Samples(), asyncio.Event()
    frames: dict[str, float] = {}
    ids: list[str] = []
    listener = asyncio.create_task(follow(found, frames, ready))
    await asyncio.wait_for(ready.wait(), 10)
    async with found.client() as client:
        for _ in range(count):
            began = time.perf_counter()
            answer = await client.post("/api/v1/orders", json=found.body(found.crossing))
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


# --- what runs beside the orders -----------------------------------------------------------------------


@contextlib.contextmanager
def installation(kind: str, beside: str) -> Iterator[Desk]:
    """A running desk; under repair its terminal replays a thousand generated instruments, all of them asked for."""
    if beside != "repair":
        with desk(kind) as found:
            yield found
        return
    from benchmarks.marketdata.repair import symbol, write_daily

    with tempfile.TemporaryDirectory(prefix="desk-bench-") as folder:
        data = Path(folder) / "daily.csv"
        days = write_daily(data, REPAIRED_SYMBOLS, REPAIRED_DAYS)
        options = ("--data", str(data), "--basis", "front_adjusted")
        with desk(kind, terminal=options, symbol=SYMBOL) as found:
            found.stack.start("data", [sys.executable, "manage.py", "worker", "data", "--host", found.stack.host])
            symbols = [symbol(number) for number in range(REPAIRED_SYMBOLS)]
            until(lambda: found.clerk.ask("instruments") >= REPAIRED_SYMBOLS, 120, "the instruments")
            span = {"start": str(days[0]), "end": str(days[-1]), "period": "1m"}
            # One request may hold three million bars.
            for first in range(0, REPAIRED_SYMBOLS, REQUESTED_TOGETHER):
                found.clerk.ask("ensure", symbols=symbols[first : first + REQUESTED_TOGETHER], **span)
            yield found
            progress = found.clerk.ask("repaired")
            print(f"beside it: {progress['rows']:,} rows repaired, {progress['waiting']} windows still waiting")
            if not progress["rows"] or not progress["waiting"]:
                raise SystemExit("the repair did not run all the time: the figures are not of orders beside one")


@contextlib.contextmanager
def reconciling(found: Desk, beside: str) -> Iterator[None]:
    """Every second request of the terminal is a reconciliation's, if that is what is measured."""
    if beside != "reconcile":
        yield
        return
    stopped = threading.Event()

    def again() -> None:
        with clerk_of(found.stack) as another:
            while not stopped.wait(0.1):
                another.ask("reconcile")

    thread = threading.Thread(target=again)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join(10)


def run(kind: str, count: int, pause: float, beside: str) -> Samples:
    """One measured run on a fresh installation."""
    with installation(kind, beside) as found, reconciling(found, beside):
        asyncio.run(place(found, 20, pause))  # warm up
        ids, samples, frames = asyncio.run(place(found, count, pause))
        collect(found.clerk, ids, samples, frames)
        return samples


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--database", choices=("sqlite", "postgresql", "both"), default="both")
    parser.add_argument("--orders", type=int, default=300)
    parser.add_argument("--pause", type=float, default=0.05, help="seconds between two orders")
    load = parser.add_mutually_exclusive_group()
    load.add_argument("--under-repair", dest="beside", action="store_const", const="repair", default="")
    load.add_argument("--under-reconcile", dest="beside", action="store_const", const="reconcile")
    arguments = parser.parse_args()
    kinds = ("sqlite", "postgresql") if arguments.database == "both" else (arguments.database,)
    beside = arguments.beside or "nothing else"
    print(
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, "
        f"{arguments.orders} orders, beside them: {beside}"
    )
    print(f"{'database':<12}{'measure':<18}{'n':>6}{'p50':>9}{'p90':>9}{'p99':>9}{'max':>9}   goal")
    for kind in kinds:
        samples = run(kind, arguments.orders, arguments.pause, arguments.beside)
        p50, p99 = GOALS[kind]
        call = f"p99 ≤ {BUSY_P99:g}" if arguments.beside else f"p50 ≤ {p50:g}, p99 ≤ {p99:g}"
        goals = {"accept_to_call": call, "push_to_frame": "" if arguments.beside else "p50 ≤ 25"}
        for name, values in vars(samples).items():
            if values:
                shares = "".join(f"{percentile(values, share):>9.1f}" for share in (0.5, 0.9, 0.99))
                print(
                    f"{kind:<12}{name.replace('_to_', ' → '):<18}{len(values):>6}{shares}{max(values):>9.1f}   {goals.get(name, '')}"
                )


if __name__ == "__main__":
    main()
