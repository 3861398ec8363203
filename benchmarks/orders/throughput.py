"""A steady stream of orders on one account, a burst, and every one of them in the right state afterwards.

Real processes as in `latency`. Orders are posted at their times whether or not the ones before are answered; half of
them fill, half rest. Afterwards the terminal's book is compared with ours, to the share and the cent.

    PYTHONPATH=platform:. python -m benchmarks.orders.throughput --database sqlite --rate 40 --seconds 60 --burst 200
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import time
from dataclasses import dataclass
from datetime import datetime

from benchmarks.orders.desk import Desk, desk, percentile
from tests.faults.harness import until

DRAIN_SECONDS = 10.0
WAITING = ("QUEUED", "SUBMITTING", "SUBMITTED", "UNKNOWN")


@dataclass
class Flow:
    """One measured flow of orders."""

    posted: int
    accepted: int
    sent: int
    seconds: float
    drained_seconds: float
    waits_ms: list[float]
    cpu_ms_per_order: dict[str, float]


async def post(found: Desk, times: list[float]) -> tuple[list[str], float]:
    """Post one order at each of these seconds from now; returns the ids and the time the last answer took to come."""
    async with found.client() as client:
        began = time.perf_counter()

        async def one(number: int, at: float) -> str | None:
            await asyncio.sleep(max(0.0, at - (time.perf_counter() - began)))
            price = found.crossing if number % 2 else found.resting
            answer = await client.post("/api/v1/orders", json=found.body(price, 100 + 100 * (number % 9)))
            return str(answer.json()["id"]) if answer.status_code == 201 else None

        ids = await asyncio.gather(*(one(number, at) for number, at in enumerate(times)))
        return [order_id for order_id in ids if order_id], time.perf_counter() - began


def flow(found: Desk, times: list[float]) -> Flow:
    """Post, wait until the terminal has answered every order, and read the stored times."""
    began, used = time.perf_counter(), cpu(found)
    ids, seconds = asyncio.run(post(found, times))
    until(lambda: found.clerk.ask("in_states", states=WAITING) == 0, 120, "every order answered")
    drained = time.perf_counter() - began
    until(lambda: found.clerk.ask("unnoted") == 0, 10, "the notes of the calls")
    rows = [row for row in found.clerk.ask("orders") if row["id"] in set(ids) and row["sent_at"]]
    waits = [milliseconds(row["submitted_at"], row["sent_at"]) for row in rows]
    spent = {name: (after - used[name]) * 1000 / len(times) for name, after in cpu(found).items()}
    return Flow(len(times), len(ids), len(waits), seconds, drained, waits, spent)


def cpu(found: Desk) -> dict[str, float]:
    """Processor seconds of the processes an order passes."""
    return {name: found.stack.cpu_seconds(name) for name in ("web", "trade", "terminal", "valkey")}


def run(kind: str, rate: float, seconds: float, burst: int) -> bool:
    """Both flows on a fresh installation; returns whether the books agree and all was taken in time."""
    with desk(kind) as found:
        flow(found, [number / 10 for number in range(20)])  # warm up
        steady = flow(found, [number / rate for number in range(int(rate * seconds))])
        # In time: the last answer comes with the last order, not seconds behind it.
        in_time = steady.sent == steady.posted and steady.drained_seconds <= seconds + 2
        report(kind, f"{rate:g} orders/s for {seconds:g} s", steady, f"all within {seconds + 2:g} s", good=in_time)
        sudden = flow(found, [0.0] * burst)
        drained = sudden.sent == sudden.posted and sudden.drained_seconds <= DRAIN_SECONDS
        report(kind, f"burst of {burst}", sudden, f"drained in {DRAIN_SECONDS:g} s", good=drained)
        time.sleep(2)
        try:
            until(lambda: not found.books(), 60, "books that agree")
        except AssertionError:
            print(f"{kind:<12}the books differ: {found.books()[:5]}")
            return False
        print(f"{kind:<12}the terminal's book and ours agree: {found.clerk.ask('counts')}")
        return in_time and drained


def milliseconds(start: str, end: str) -> float:
    return (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds() * 1000


def report(kind: str, name: str, found: Flow, goal: str, *, good: bool) -> None:
    waits = "".join(f"{percentile(found.waits_ms, share):>9.1f}" for share in (0.5, 0.99)) if found.waits_ms else ""
    print(
        f"{kind:<12}{name:<28}{found.sent:>5} of {found.posted:<5}{found.seconds:>9.1f}{found.drained_seconds:>9.1f}{waits}"
        f"   {goal}: {'yes' if good else 'NO'}",
        flush=True,
    )
    spent = ", ".join(f"{name} {value:.1f}" for name, value in found.cpu_ms_per_order.items())
    print(f"{'':<12}processor ms per order: {spent}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--database", choices=("sqlite", "postgresql", "both"), default="both")
    parser.add_argument("--rate", type=float, default=40.0, help="orders per second")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--burst", type=int, default=200)
    arguments = parser.parse_args()
    kinds = ("sqlite", "postgresql") if arguments.database == "both" else (arguments.database,)
    print(f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    print(
        f"{'database':<12}{'flow':<28}{'sent':>14}{'posted s':>9}{'done s':>9}{'p50 ms':>9}{'p99 ms':>9}   accepted → call"
    )
    good = [run(kind, arguments.rate, arguments.seconds, arguments.burst) for kind in kinds]
    raise SystemExit(0 if all(good) else 1)


if __name__ == "__main__":
    main()
