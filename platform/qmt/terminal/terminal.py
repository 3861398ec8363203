"""The simulated terminal as one object: exchange, sessions, quotes, history and faults behind one lock.

The TCP server and the in-process face are two doors to it; nothing here knows about sockets.
"""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import orjson

from qmt.calendar import datetime_of_ms
from qmt.terminal import natives
from qmt.terminal.downloads import DownloadDesk, DownloadJob
from qmt.terminal.exchange import Exchange
from qmt.terminal.faults import FaultPlan
from qmt.terminal.history import HistoryDesk
from qmt.terminal.landed import LandedStore
from qmt.terminal.market import BarArray, Market, state_file_name
from qmt.terminal.quotedesk import QuoteClient, QuoteDesk
from qmt.terminal.reference import ReferenceDesk, clock_document
from qmt.terminal.staticdesk import StaticDesk
from qmt.terminal.tradedesk import Send, TradeClient, TradeDesk

STEP_SECONDS: Final = 0.2


class Terminal:
    """Everything a terminal does, without its link.

    Parameters
    ----------
    data_dir : Path or None
        Folder of the downloaded history; None keeps it in memory.
    download_pace_seconds : float
        Time one symbol of a download takes.
    """

    def __init__(
        self,
        *,
        exchange: Exchange,
        market: Market,
        data_dir: Path | None = None,
        download_pace_seconds: float = 0.002,
    ) -> None:
        self.lock = threading.RLock()
        self.faults = FaultPlan()
        self.exchange = exchange
        self.market = market
        self.data_dir = data_dir
        self.landed = LandedStore(data_dir / _landed_file(market) if data_dir else None, market.identity)
        self.trade = TradeDesk(exchange, self.faults)
        self.quotes = QuoteDesk(exchange, market, self.faults)
        self.history = HistoryDesk(market, self.landed, self.faults, self.lock)
        self.reference = ReferenceDesk(market, self.faults)
        self.statics = StaticDesk(market, self.landed, data_dir)
        self.downloads = DownloadDesk(market, self.landed, self.faults, self.now_ms, download_pace_seconds)

    def close(self) -> None:
        """Close the terminal's own files; the exchange's store belongs to whoever made it."""
        self.landed.close()

    def now_ms(self) -> int:
        """Market time of the last step."""
        with self.lock:
            return self.exchange.now_ms

    def step(self) -> None:
        """Advance the market to its clock and tell everybody what happened."""
        with self.lock:
            self.exchange.step()
            self._publish()

    def run(self, stopped: threading.Event) -> None:
        """Step until told to stop."""
        while not stopped.wait(STEP_SECONDS):
            self.step()

    # --- trade ------------------------------------------------------------------------------------

    def trade_attach(self, session_id: int, send: Send) -> TradeClient | None:
        """Open a trade session; None when the id is refused."""
        with self.lock:
            return self.trade.attach(session_id, send)

    def trade_detach(self, client: TradeClient) -> None:
        """End a trade session."""
        with self.lock:
            self.trade.detach(client)

    def trade_call(self, client: TradeClient, operation: str, seq: int, arguments: Mapping[str, Any]) -> int:
        """Carry out a native call."""
        with self.lock:
            taken = self.trade.call(client, operation, seq, arguments)
            self._publish()
            return taken

    def place_by_hand(self, arguments: Mapping[str, Any]) -> tuple[int, str]:
        """Place an order as the terminal's own user would: no session, no remark. Returns its id and, if refused, the words."""
        with self.lock:
            order_id, _, message = self.trade.place({**arguments, "strategy_name": "", "order_remark": ""})
            self._publish()
            return order_id, message

    def cancel_by_hand(self, account_id: str, order_id: int) -> tuple[bool, str]:
        """Cancel an order as the terminal's own user would; the sessions see only the order's own pushes."""
        with self.lock:
            result = self.exchange.cancel(account_id, order_id=order_id)
            self._publish()
            return result.ok, result.message

    # --- quotes -----------------------------------------------------------------------------------

    def quote_attach(self, send: Send) -> QuoteClient:
        """Register a quote client."""
        with self.lock:
            return self.quotes.attach(send)

    def quote_detach(self, client: QuoteClient) -> None:
        """Forget a quote client."""
        with self.lock:
            self.quotes.detach(client)

    def subscribe(self, client: QuoteClient, targets: Sequence[str], period: str) -> int:
        """Follow quotes; see `QuoteDesk.subscribe`. Nothing is pushed for it before `deliver_present`."""
        with self.lock:
            return self.quotes.subscribe(client, targets, period)

    def deliver_present(self, client: QuoteClient, number: int) -> None:
        """Push a new subscription's first state."""
        with self.lock:
            self.quotes.deliver_present(client, number)

    def unsubscribe(self, client: QuoteClient, number: int) -> None:
        """Stop following."""
        with self.lock:
            self.quotes.unsubscribe(client, number)

    def download(self, client: QuoteClient, job: DownloadJob) -> None:
        """Start a download for a client."""
        with self.lock:
            client.downloads = [other for other in client.downloads if not other.stopped.is_set()]
            client.downloads.append(job)
        self.downloads.begin(job)

    def stop_downloads(self, client: QuoteClient) -> bool:
        """Stop a client's downloads; what has landed stays."""
        with self.lock:
            running, client.downloads = client.downloads, []
        for job in running:
            job.stopped.set()
        return bool(running)

    def read_bars(
        self,
        symbols: Sequence[str],
        period: str,
        start: str | int,
        end: str | int,
        *,
        count: int,
        dividend_type: str,
        fill: bool,
        from_server: bool,
    ) -> dict[str, BarArray]:
        """Bars; see `HistoryDesk.bars`."""
        return self.history.bars(
            symbols,
            period,
            start,
            end,
            count=count,
            dividend_type=dividend_type,
            fill=fill,
            from_server=from_server,
            now_ms=self.now_ms(),
        )

    def read_ticks(
        self,
        symbols: Sequence[str],
        start: str | int,
        end: str | int,
        *,
        count: int,
        from_server: bool,
    ) -> dict[str, BarArray]:
        """Ticks; see `HistoryDesk.ticks`."""
        return self.history.ticks(symbols, start, end, count=count, from_server=from_server, now_ms=self.now_ms())

    def full_tick(self, targets: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Latest snapshots of symbols or whole markets."""
        with self.lock:
            wanted = set(targets)
            symbols = [
                one.symbol for one in self.market.instruments() if one.symbol in wanted or str(one.market) in wanted
            ]
            ticks = self.market.snapshot(symbols, now_ms=self.exchange.now_ms)
        return {symbol: {"timetag": _timetag(tick.time_ms), **natives.tick(tick)} for symbol, tick in ticks.items()}

    def full_tick_text(self, targets: Sequence[str]) -> str:
        """The same as the JSON text that the native module returns."""
        return orjson.dumps(self.full_tick(targets)).decode()

    def clock_document(self) -> dict[str, Any]:
        """The market clock."""
        with self.lock:
            return clock_document(self.exchange.trade_date, self.exchange.phase, self.exchange.now_ms)

    def trade_date(self) -> dt.date:
        """Date of the present session."""
        with self.lock:
            return self.exchange.trade_date

    def held_symbols(self) -> frozenset[str]:
        """What the accounts hold."""
        with self.lock:
            books = (self.exchange.positions(account.account_id) for account in self.exchange.accounts())
            return frozenset(holding.symbol for holdings in books for holding in holdings if holding.quantity)

    def subscriptions(self, client: QuoteClient | None) -> list[dict[str, Any]]:
        """Subscriptions of one client, or of all."""
        with self.lock:
            return self.quotes.subscriptions(client)

    def stamp_text(self, stamp_ms: int) -> str:
        """A stamp as the SDK's index shows it."""
        return datetime_of_ms(stamp_ms).strftime("%Y%m%d%H%M%S")

    def _publish(self) -> None:
        events = self.exchange.drain_events()
        self.trade.publish(events)
        self.quotes.publish(events)


def _timetag(stamp_ms: int) -> str:
    return datetime_of_ms(stamp_ms).strftime("%Y%m%d %H:%M:%S")


def _landed_file(market: Market) -> str:
    """Each market's own, as its state file is."""
    return state_file_name(market).replace("exchange", "landed", 1)
