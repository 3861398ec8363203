"""A terminal whose feed is generated: so many instruments, each with a new tick every few seconds.

Everything but the quotes is the simulated terminal as it is; the pushes go through its links to the real SDK's Python layer.
When each snapshot left is noted in a file: its event time and the wall clock, both in milliseconds.

    PYTHONPATH=platform:. python -m benchmarks.live.feed --state-dir DIR --log FILE --instruments 5500 --seconds 3
"""

from __future__ import annotations

import argparse
import datetime as dt
import signal
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from qmt.calendar import SHANGHAI, load_sse_calendar, to_ms
from qmt.terminal import bson
from qmt.terminal.clock import Clock, ManualClock, SimClock
from qmt.terminal.exchange import Exchange
from qmt.terminal.market import state_file_name
from qmt.terminal.quotedesk import QuoteClient, QuoteDesk
from qmt.terminal.seeded import SeededMarket
from qmt.terminal.server import Server
from qmt.terminal.state import StateStore
from qmt.terminal.terminal import Terminal
from qmt.terminal.types import ExchangeEvent

EVENING = dt.time(20, 0)
LEVELS = np.arange(5)


def symbols_of(count: int) -> list[str]:
    """Made-up codes of main-board shares, half in Shanghai and half in Shenzhen; none of them is the seeded market's."""
    half = count // 2
    return [f"{605_000 + n}.SH" for n in range(count - half)] + [f"{2_000 + n:06d}.SZ" for n in range(half)]


class RandomWalk:
    """Random-walk prices and random volumes, one generator for all."""

    def __init__(self, symbols: list[str], seed: int) -> None:
        self.symbols = symbols
        self._random = np.random.default_rng(seed)
        size = len(symbols)
        self._cents = self._random.integers(500, 20_000, size)
        self._opening = self._cents.copy()
        self._high, self._low = self._cents.copy(), self._cents.copy()
        self._lots = np.zeros(size, dtype=np.int64)
        self._amount = np.zeros(size)
        self._trades = np.zeros(size, dtype=np.int64)

    def snapshot(self, now_ms: int) -> dict[str, Any]:
        """Everybody's next tick, in the terminal's own fields."""
        size = len(self.symbols)
        self._cents = np.maximum(self._cents + self._random.integers(-3, 4, size), 100)
        self._high, self._low = np.maximum(self._high, self._cents), np.minimum(self._low, self._cents)
        lots = self._random.integers(1, 500, size)
        self._lots += lots
        self._amount += lots * self._cents  # 100 shares to the lot, 100 cents to the yuan
        self._trades += self._random.integers(1, 20, size)
        prices = self._cents[:, None] + np.zeros(5, dtype=np.int64)
        bids, asks = ((prices + side * (LEVELS + 1)) / 100 for side in (-1, 1))
        sizes = self._random.integers(1, 3_000, (2, size, 5))
        columns = zip(
            self.symbols,
            *(values.tolist() for values in (self._cents / 100, self._opening / 100, self._high / 100)),
            *(values.tolist() for values in (self._low / 100, self._amount, self._lots, self._trades)),
            *(values.tolist() for values in (asks, bids, sizes[0], sizes[1])),
            strict=True,
        )
        return {
            symbol: {
                "time": now_ms,
                "lastPrice": last,
                "open": opening,
                "high": high,
                "low": low,
                "lastClose": opening,
                "amount": amount,
                "volume": volume,
                "pvolume": volume * 100,
                "stockStatus": 0,
                "openInt": 13,
                "transactionNum": trades,
                "lastSettlementPrice": 0.0,
                "settlementPrice": 0.0,
                "pe": 0.0,
                "askPrice": ask,
                "bidPrice": bid,
                "askVol": ask_size,
                "bidVol": bid_size,
                "volRatio": 0.0,
                "speed1Min": 0.0,
                "speed5Min": 0.0,
            }
            for symbol, last, opening, high, low, amount, volume, trades, ask, bid, ask_size, bid_size in columns
        }


class SilentDesk(QuoteDesk):
    """The seeded market's own quotes are not pushed."""

    def publish(self, events: Iterable[ExchangeEvent]) -> None:
        pass

    def deliver_present(self, client: QuoteClient, number: int) -> None:
        pass

    def push(self, data: bytes) -> None:
        """Send one whole-market push to everybody who follows a market."""
        for client in self._clients:
            for number in list(client.subscriptions):
                client.send({"kind": "quote", "sub": number, "data": data})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--state-dir", type=Path, required=True)
    parser.add_argument("--log", type=Path, required=True)
    parser.add_argument("--instruments", type=int, default=5_500)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--closed", action="store_true", help="the market is closed and nothing is pushed")
    options = parser.parse_args()
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    home = options.state_dir / "terminal" / "sim"
    userdata = home / "userdata_mini"
    userdata.mkdir(parents=True, exist_ok=True)
    market = SeededMarket(seed=7, calendar=load_sse_calendar(options.state_dir / "calendar.json"))
    store = StateStore(home / state_file_name(market), identity=market.identity)
    session = market.first_session(dt.datetime.now(SHANGHAI).date())
    clock: Clock = SimClock(store=store, calendar=market.calendar, first_session=session, speed=1.0)
    if options.closed:
        clock = ManualClock(to_ms(session, EVENING))
    exchange = Exchange(market=market, clock=clock, store=store, accounts=[])
    terminal = Terminal(exchange=exchange, market=market, data_dir=userdata / "datadir")
    desk = terminal.quotes = SilentDesk(exchange, market, terminal.faults)
    terminal.step()
    server = Server(terminal, clock, userdata=userdata)
    server.start()
    walk = RandomWalk(symbols_of(options.instruments), seed=7)
    with options.log.open("a", buffering=1) as log:
        due = time.monotonic()
        while not stopped.wait(max(due - time.monotonic(), 0.01)):
            due += options.seconds
            if options.closed:
                continue
            now_ms = terminal.now_ms()
            data = bson.encode(walk.snapshot(now_ms))
            left = time.time()
            with terminal.lock:
                desk.push(data)
            log.write(f"{now_ms} {left * 1000:.0f}\n")
    server.stop()


if __name__ == "__main__":
    main()
