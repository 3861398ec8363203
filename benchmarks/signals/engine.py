"""What detection costs, how soon a signal reaches a client, and how soon its order reaches the terminal.

    PYTHONPATH=platform:. python -m benchmarks.signals.engine screen              one core, no processes
    PYTHONPATH=platform:. python -m benchmarks.signals.engine live --database sqlite --signals 100

``screen``: positions with full exit plans (stop loss, both take-profits, adding) against batches in which every one of their
instruments has a quote: a random walk that fires, arms and disarms on the way. Each batch is timed from the parsed message to the findings.

``live``: real processes on loopback (uvicorn, Valkey, the simulated terminal, the trade worker, the engine). The benchmark publishes
quotes as the data worker does, so that an add is due with each. Milliseconds:

quote → frame     the quote's publication to the signal in a WebSocket client
signal → call     the signal's row to the SDK call of its order
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import random
import sys
import time
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import django
import orjson
import redis
import websockets

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "desk.settings")
django.setup()

from benchmarks.orders.desk import SYMBOL, Desk, desk, percentile  # noqa: E402
from benchmarks.stand import signed_as_platform  # noqa: E402
from ops.publish import PREFIX  # noqa: E402
from qmt.calendar import to_ms  # noqa: E402
from qmt.codes import Board  # noqa: E402
from qmt.rules import lot_rule  # noqa: E402
from tests.faults.harness import until  # noqa: E402
from trading.signals.inforce import PlanInForce  # noqa: E402
from trading.signals.models import ExitPlan  # noqa: E402
from trading.signals.rules import Figures  # noqa: E402
from trading.signals.screen import Row, Screen  # noqa: E402
from trading.signals.terms import terms_parse  # noqa: E402

DAY = date(2026, 11, 20)
GOAL_MS = 20.0


def milliseconds(start: str, end: str) -> float:
    return (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds() * 1000


# --- detection alone
def rows_of(positions: int, chance: random.Random) -> list[Row]:
    """Positions of as many instruments; every third has had its first take-profit."""
    plan = PlanInForce(ExitPlan(enabled=True), 1, terms_parse({"add": True}))
    lots = lot_rule(Board.MAIN, DAY)
    assert lots is not None
    rows = []
    for number in range(positions):
        cost = Decimal(chance.randint(300, 30_000)) / 100
        figures = Figures(cost, cost, None, first_done=number % 3 == 0)
        rows.append(Row(number, number % 20, f"{number:06d}.SZ", number, plan, figures, 1000, 1000, lots, DAY))
    return rows


def screen(positions: int, batches: int) -> None:
    """Time batches of quotes of every instrument."""
    chance = random.Random(20261120)
    rows = rows_of(positions, chance)
    prices = [float(row.figures.cost) for row in rows]
    watched = Screen(rows)
    times, hits = [], 0
    for batch in range(batches):
        ts = to_ms(DAY, datetime.strptime("09:31", "%H:%M").time()) + batch * 1000  # noqa: DTZ007 - a time of day
        prices = [max(0.01, round(price * (1 + chance.gauss(0, 0.004)), 2)) for price in prices]
        message = orjson.dumps({row.symbol: {"ts": ts, "last": price} for row, price in zip(rows, prices, strict=True)})
        quotes = orjson.loads(message)
        began = time.perf_counter()
        findings = watched.take(quotes, ts + 100)
        times.append((time.perf_counter() - began) * 1000)
        hits += len(findings.hits)
    shares = "".join(f"{percentile(times, share):>9.2f}" for share in (0.5, 0.9, 0.99))
    print(
        f"{positions:,} positions, {batches} batches, {hits:,} signals{shares}{max(times):>9.2f}   goal ≤ {GOAL_MS:g}"
    )


# --- end to end
@dataclass
class Samples:
    """Milliseconds of one run."""

    quote_to_frame: list[float] = field(default_factory=list)
    signal_to_call: list[float] = field(default_factory=list)


async def plan_and_position(found: Desk) -> None:
    """A position, a plan that adds 100 shares at any drop, and automatic trading."""
    async with found.client() as client:
        answer = await client.post("/api/v1/orders", json=found.body(found.crossing, 1000))
        await asyncio.to_thread(found.clerk.until_status, answer.json()["id"], "FILLED")
        terms = {
            "stop_loss": False,
            "first_take_profit": False,
            "trailing": False,
            "add": True,
            "add_drop_from": "0.001",
            "add_drop_to": "0.5",
            "add_amount": f"{found.last * 104:.2f}",
            "add_position_limit": "1000000000",
            "add_min_amount": "0",
            "add_cooldown_seconds": 1,
            "repeat_seconds": 0,
        }
        body = {"account": found.account, "enabled": True, "terms": terms}
        answer = await client.put("/api/v1/exit-plans", json=body)
        if answer.status_code != 200:
            raise SystemExit(answer.text)
    await asyncio.to_thread(found.clerk.ask, "auto_trading")


async def run(found: Desk, count: int) -> Samples:
    """Publish quotes one after another, each a second of market time after the last."""
    await plan_and_position(found)
    found.stack.start("engine", [sys.executable, "manage.py", "engine"])
    url = f"{found.base.replace('http', 'ws')}/ws/v1"
    samples = Samples()
    client = redis.Redis.from_url(found.stack.environment["DESK_REDIS_URL"])
    await asyncio.to_thread(until, lambda: dict(client.pubsub_numsub(PREFIX + "quotes"))[b"desk:live:quotes"] > 0, 30)
    headers = {"Authorization": f"Bearer {found.token}"}
    async with websockets.connect(url, additional_headers=headers, max_size=None) as socket:
        await socket.send(json.dumps({"op": "subscribe", "channel": f"signals:{found.account}"}))
        while json.loads(await socket.recv())["type"] != "signals":
            continue
        await asyncio.sleep(3)  # the engine takes the position up
        for number in range(count + 5):
            await sample(found, client, socket, samples, keep=number >= 5)
            await asyncio.sleep(1.1)
    return samples


async def sample(found: Desk, client: Any, socket: Any, samples: Samples, *, keep: bool) -> None:
    """One quote, its signal, its order."""
    offset = (await asyncio.to_thread(found.clerk.ask, "session"))["clock_offset_ms"]
    began = time.time()
    price, ask = round(float(found.last) * 0.99, 2), float(found.crossing)
    quote = {
        "ts": int(began * 1000) + int(offset), "last": price, "open": price, "high": price, "low": price, "pre_close": price,
        "volume": 1, "amount": 1.0, "bid": [price] * 5, "ask": [ask] * 5, "bidv": [100] * 5, "askv": [100] * 5, "status": 0,
    }  # fmt: skip
    body = orjson.dumps({"t": int(began * 1000), "host": "sim", "q": {SYMBOL: quote}})
    client.publish(PREFIX + "quotes", signed_as_platform("quotes", body, found.stack.folder))
    signal = await told(socket)
    arrived = time.time()
    key = f"auto:sig:{signal['id']}:1"
    order = await asyncio.to_thread(until, lambda: sent(found, key), 10, f"the order of {signal}")
    assert order is not None  # `until` answers nothing else
    if keep:
        samples.quote_to_frame.append((arrived - began) * 1000)
        samples.signal_to_call.append(milliseconds(signal["detected_at"].replace("Z", "+00:00"), order["sent_at"]))
    await asyncio.to_thread(found.clerk.until_status, order["id"], "FILLED")


async def told(socket: Any) -> dict[str, Any]:
    """The next signal that was just detected."""
    async with asyncio.timeout(15):
        while True:
            message = json.loads(await socket.recv())
            if message["type"] == "signals":
                fresh = [signal for signal in message["data"] if signal["state"] in ("DETECTED", "WORKING")]
                if fresh and fresh[0]["version"] == 1:
                    return dict(fresh[0])


def sent(found: Desk, key: str) -> dict[str, Any] | None:
    """The order under a key, once it has left."""
    try:
        order: dict[str, Any] = found.clerk.ask("order_of", key=key)
    except AssertionError:  # not placed yet
        return None
    return order if order["sent_at"] else None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("screen", "live"))
    parser.add_argument("--positions", type=int, default=2000)
    parser.add_argument("--batches", type=int, default=500)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--signals", type=int, default=100)
    arguments = parser.parse_args()
    print(f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    print(f"{'':<50}{'p50':>9}{'p90':>9}{'p99':>9}{'max':>9}")
    if arguments.what == "screen":
        screen(arguments.positions, arguments.batches)
        return
    with desk(arguments.database) as found:
        samples = asyncio.run(run(found, arguments.signals))
    for name, values in vars(samples).items():
        shares = "".join(f"{percentile(values, share):>9.1f}" for share in (0.5, 0.9, 0.99))
        words = f"{arguments.database} {name.replace('_to_', ' → ')} ({len(values)})"
        print(f"{words:<50}{shares}{max(values):>9.1f}   goal p50 ≤ 60")


if __name__ == "__main__":
    main()
