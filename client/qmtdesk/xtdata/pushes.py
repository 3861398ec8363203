"""Subscriptions with callbacks, as the SDK has them, over one live socket."""

from __future__ import annotations

import itertools
import threading
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from qmtdesk.desk import Desk
from qmtdesk.errors import DeskError
from qmtdesk.live.messages import Bars, Quotes, Refused
from qmtdesk.live.sync import Live
from qmtdesk.xtdata import shapes

Callback = Callable[[dict[str, Any]], object]


#: The platform takes no longer list.
MOST_SYMBOLS = 2000


@dataclass(frozen=True, slots=True)
class _Subscription:
    period: str
    symbols: frozenset[str]
    whole: bool
    callback: Callback


class Pushes:
    """Calls callbacks in one thread; what a callback raises is printed and goes no further, as with the SDK."""

    def __init__(self, desk: Desk, lot: Callable[[str], int]) -> None:
        self._desk = desk
        self._lot = lot
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._subscriptions: dict[int, _Subscription] = {}
        self._live: Live | None = None

    def subscribe(self, period: str, symbols: Sequence[str], callback: Callback, *, whole: bool = False) -> int:
        """Begin; the number that ends it."""
        with self._lock:
            number = next(self._numbers)
            self._subscriptions[number] = _Subscription(period, frozenset(symbols), whole, callback)
            self._ask(period)
            if self._live is not None:
                self._live.start()
            return number

    def unsubscribe(self, number: int) -> None:
        """End; a number that is none is ignored."""
        with self._lock:
            ended = self._subscriptions.pop(number, None)
            if ended is not None:
                self._ask(ended.period)

    def wait(self) -> None:
        """Block for as long as the socket lives."""
        with self._lock:
            live = self._live
        if live is not None:
            live.join()

    def close(self) -> None:
        """End all of it."""
        with self._lock:
            self._subscriptions.clear()
            live, self._live = self._live, None
        if live is not None:
            live.close()

    def _ask(self, period: str) -> None:
        """Have the socket bring what all subscriptions of a period together want."""
        symbols = sorted({name for one in self._subscriptions.values() if one.period == period for name in one.symbols})
        if self._live is None:
            self._live = self._desk.live()
            self._live.on(Quotes, self._quotes)
            self._live.on(Bars, self._bars)
            self._live.on(Refused, _refused)
        channel = {"tick": "quotes", "1m": "bars", "5m": "bars:5m"}[period]
        wanted = symbols if len(symbols) <= MOST_SYMBOLS else None  # all; each gets its own of them
        if not symbols:
            self._live.leave(channel)
        elif period == "tick":
            self._live.quotes(wanted)
        else:
            self._live.bars(wanted, period)

    def _quotes(self, message: Quotes) -> None:
        self._tell("tick", {name: shapes.tick(quote, self._lot(name)) for name, quote in message.data.items()})

    def _bars(self, message: Bars) -> None:
        bars = {name: shapes.live_bar(bar, self._lot(name)) for name, bar in message.data.items()}
        self._tell(message.period, bars)

    def _tell(self, period: str, news: dict[str, shapes.Partial]) -> None:
        with self._lock:
            concerned = [one for one in self._subscriptions.values() if one.period == period]
        for one in concerned:
            chosen = {name: value for name, value in news.items() if name in one.symbols}
            if not chosen:
                continue
            try:
                one.callback(chosen if one.whole else {name: [value] for name, value in chosen.items()})
            except Exception:  # noqa: BLE001 - a script's mistake; the SDK prints it and goes on
                traceback.print_exc()


def _refused(message: Refused) -> None:
    """End the thread with the platform's words: a feed that stays silent is worse."""
    raise DeskError(message.code, message.message, facts=message.details)
