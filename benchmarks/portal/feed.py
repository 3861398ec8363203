"""A live socket for a page that is measured: an account with as many positions as wanted, whose prices move.

The page's own platform serves everything else. Its real socket's cost is measured by `benchmarks.live`; here it is the
browser that matters.
"""

from __future__ import annotations

import asyncio
import json
import random
import threading
import time
from contextlib import suppress
from typing import Any

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed

#: Run in the page before its own scripts: its socket leads to the feed, everything else to the platform.
REDIRECT = """(() => {
  const Real = WebSocket;
  window.WebSocket = class extends Real { constructor() { super("ws://127.0.0.1:%d"); } };
})()"""
#: Makes instruments of this many symbols on the platform.
INSTRUMENTS = """
from datetime import date
from django.utils import timezone
from marketdata.models import Instrument, InstrumentDay
model = Instrument.objects.get(symbol="600519.SH")
for at in range({count}):
    fields = {{field.attname: getattr(model, field.attname) for field in Instrument._meta.concrete_fields}}
    row = Instrument(**(fields | {{"id": None, "symbol": f"{{604000 + at}}.SH", "name": f"股票{{at}}", "pinyin": f"gp{{at}}"}}))
    row.save()
    day = model.day
    InstrumentDay.objects.create(instrument=row, trade_date=day.trade_date, pre_close=10, limit_up=11, limit_down=9, updated_at=timezone.now())
"""


def symbols_of(count: int) -> list[str]:
    return [f"{604000 + at}.SH" for at in range(count)]


class Feed:
    """Serves one page at a time from a thread of its own.

    Parameters
    ----------
    positions
        How many instruments the account holds.
    rate
        Quote messages a second; each moves the prices of all of them. 0: none after the first.
    """

    def __init__(self, positions: int, rate: float) -> None:
        self.symbols = symbols_of(positions)
        self.rate = rate
        self.port = 0
        self._chance = random.Random(1)
        self._loop = asyncio.new_event_loop()
        self._server: Server | None = None
        started = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(started,), daemon=True)
        self._thread.start()
        started.wait(10)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _run(self, started: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        self._server = self._loop.run_until_complete(self._serve())
        self.port = next(iter(self._server.sockets)).getsockname()[1]
        started.set()
        self._loop.run_forever()

    async def _serve(self) -> Server:
        return await serve(self._page, "127.0.0.1", 0, compression=None)

    async def _page(self, page: ServerConnection) -> None:
        moving: asyncio.Task[None] | None = None
        followed: list[str] = []
        with suppress(ConnectionClosed):
            await page.send(json.dumps({"type": "hello", "server_time": "", "user": "alice"}))
            async for text in page:
                asked = json.loads(text)
                channel = asked.get("channel", "")
                if asked["op"] == "subscribe" and channel.startswith("account:"):
                    await page.send(json.dumps(self._snapshot(channel)))
                elif asked["op"] == "subscribe" and channel == "quotes":
                    followed[:] = asked["symbols"]
                    await page.send(json.dumps(self._quotes(followed)))
                    moving = moving or asyncio.create_task(self._move(page, followed))
        if moving is not None:
            moving.cancel()

    async def _move(self, page: ServerConnection, followed: list[str]) -> None:
        with suppress(ConnectionClosed):
            while self.rate > 0:
                await asyncio.sleep(1 / self.rate)
                await page.send(json.dumps(self._quotes(followed)))

    def _snapshot(self, channel: str) -> dict[str, Any]:
        positions = [
            {
                "symbol": symbol,
                "name": f"股票{at}",
                "quantity": 1000,
                "sellable": 1000,
                "yesterday": 1000,
                "avg_price": "10.000",
                "last_price": "10.00",
                "market_value": "10000.00",
            }
            for at, symbol in enumerate(self.symbols)
        ]
        asset = {"cash": "1000000.00", "frozen_cash": "0.00", "available_cash": "1000000.00"}
        data = {"asset": asset, "positions": positions, "orders": [], "trades": [], "executions": [], "grids": []}
        return {"type": "snapshot", "channel": channel, "version": 1, "data": data | {"market_clock": None}}

    def _quotes(self, symbols: list[str]) -> dict[str, Any]:
        return {"type": "quotes", "data": {symbol: self._quote() for symbol in symbols}}

    def _quote(self) -> dict[str, Any]:
        last = round(self._chance.uniform(9.5, 10.5), 2)
        levels = [round(last + step / 100, 2) for step in range(1, 6)]
        return {
            "ts": int(time.time() * 1000),
            "last": last,
            "open": 10.0,
            "high": 10.5,
            "low": 9.5,
            "pre_close": 10.0,
            "volume": self._chance.randrange(10**6),
            "amount": 1e7,
            "ask": levels,
            "bid": [round(2 * last - level, 2) for level in levels],
            "askv": [100] * 5,
            "bidv": [100] * 5,
            "status": 3,
        }
