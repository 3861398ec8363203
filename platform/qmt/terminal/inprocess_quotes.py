"""Face B's quote session: `qmt.gateway.QuoteGateway` directly over the terminal."""

from __future__ import annotations

import datetime as dt
import itertools
import logging
import threading
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from qmt import frames
from qmt.errors import DownloadTimeout, QueryFailed, SubscriptionLimit, TerminalDown, download_failure
from qmt.gateway import (
    MAX_SINGLE_SUBSCRIPTIONS,
    ClockReading,
    DividendFactor,
    DownloadProgress,
    InstrumentDetail,
    Period,
    ProgressCallback,
    Quote,
    QuoteCallback,
)
from qmt.terminal import bson
from qmt.terminal.downloads import DownloadJob
from qmt.terminal.history import HistoryError
from qmt.terminal.inprocess_reference import InProcessReference
from qmt.terminal.protocol import Frame
from qmt.terminal.quotedesk import QuoteClient

if TYPE_CHECKING:
    from qmt.terminal.inprocess import InProcessTerminal

logger = logging.getLogger(__name__)


class InProcessQuotes:
    """A quote session; see `InProcessTerminal.quote_gateway`. Its callbacks run on the stepping thread."""

    def __init__(self, host: InProcessTerminal) -> None:
        self._host = host
        self._client: QuoteClient | None = None
        self._handles = itertools.count(1)
        self._registry: dict[int, tuple[tuple[str, ...], str, QuoteCallback]] = {}
        self._callbacks: dict[int, tuple[str, QuoteCallback]] = {}
        self._numbers: dict[int, int] = {}

    def connect(self, address: str) -> None:
        """Connect; any address is this terminal's."""
        self.cut()
        if not self._host.is_up:
            raise TerminalDown("the terminal is not running")
        self._client = self._host.terminal.quote_attach(self._receive)
        for handle, (targets, period, callback) in self._registry.items():
            self._subscribe(handle, targets, period, callback)

    def close(self) -> None:
        """End the session."""
        self.cut()

    def cut(self) -> None:
        """The link is lost; the registered subscriptions are kept for the next connect."""
        client, self._client = self._client, None
        self._callbacks.clear()
        self._numbers.clear()
        if client is not None:
            self._host.terminal.quote_detach(client)

    def is_alive(self) -> bool:
        """Whether the link is up."""
        return self._client is not None

    def download(
        self,
        symbols: Sequence[str],
        period: Period,
        start: str,
        end: str,
        on_progress: ProgressCallback | None = None,
        deadline_seconds: float = 600.0,
    ) -> None:
        """Have the terminal fetch history to its disk."""
        self._fetch(symbols, str(period), start, end, on_progress, deadline_seconds)

    def _fetch(
        self,
        symbols: Sequence[str],
        period: str,
        start: str,
        end: str,
        on_progress: ProgressCallback | None,
        deadline_seconds: float,
    ) -> None:
        client = self._linked()
        finished = threading.Event()
        failures: list[str] = []

        def report(progress: Mapping[str, Any]) -> None:
            if progress["total"] < 0:
                failures.append(progress["message"])
                finished.set()
                return
            if on_progress is not None:
                on_progress(
                    DownloadProgress(
                        progress["finished"], progress["total"], progress["stockcode"], progress["message"]
                    )
                )
            if progress["finished"] >= progress["total"]:
                finished.set()

        job = DownloadJob(tuple(symbols), period, start, end, incrementally=not start, report=report)
        self._host.terminal.download(client, job)
        end_time = time.monotonic() + deadline_seconds
        while not finished.wait(0.02):
            if client.gone.is_set():
                raise TerminalDown("the link was lost during a download")
            if time.monotonic() >= end_time:
                self._host.terminal.stop_downloads(client)
                raise DownloadTimeout(
                    f"{len(symbols)} symbols of {period} did not arrive within {deadline_seconds:g} s"
                )
        if failures:
            raise download_failure(failures[0])

    def read_local(self, symbols: Sequence[str], period: Period, start: str, end: str) -> dict[str, pd.DataFrame]:
        """Raw bars that have landed."""
        self._linked()
        try:
            found = self._host.terminal.read_bars(
                symbols, str(period), start, end, count=-1, dividend_type="none", fill=False, from_server=False
            )
        except HistoryError as error:
            raise QueryFailed(str(error)) from error
        return {
            symbol: frames.bars_frame({field: rows[field] for field in frames.BAR_FIELDS}, frames.volume_unit(symbol))
            for symbol, rows in found.items()
        }

    def read_ticks(self, symbols: Sequence[str], start: str, end: str) -> dict[str, pd.DataFrame]:
        """Ticks that have landed."""
        self._linked()
        found = self._host.terminal.read_ticks(symbols, start, end, count=-1, from_server=False)
        return {
            symbol: frames.ticks_frame(
                {name: rows[name] for name in rows.dtype.names or ()}, frames.volume_unit(symbol)
            )
            for symbol, rows in found.items()
        }

    def instruments(self, symbols: Sequence[str]) -> list[InstrumentDetail]:
        """Details of the known symbols."""
        self._linked()
        terminal = self._host.terminal
        with terminal.lock:
            day = terminal.exchange.trade_date
            details = [(symbol, terminal.reference.instrument_detail(symbol, day)) for symbol in symbols]
        return [frames.instrument_detail(symbol, frames.complete(detail)) for symbol, detail in details if detail]

    def sectors(self) -> list[str]:
        """Names of the sectors."""
        self._linked()
        return self._host.terminal.reference.sectors(self._host.terminal.trade_date())

    def sector_members(self, name: str) -> list[str]:
        """Today's members."""
        if name not in self.sectors():
            raise QueryFailed(f"the terminal has no sector {name!r}")
        return self._host.terminal.reference.sector_members(name, self._host.terminal.trade_date())

    def trading_days(self, market: str, start: str, end: str) -> list[dt.date]:
        """Trading days between two dates."""
        self._linked()
        stamps = self._host.terminal.reference.trading_dates(
            market, start, end, -1, self._host.terminal.exchange.trade_date
        )
        return [frames.day_of_stamp(stamp) for stamp in stamps]

    def holidays(self) -> list[dt.date]:
        """Published holidays."""
        self._linked()
        numbers = self._host.terminal.reference.holidays(self._host.terminal.exchange.trade_date)
        return [frames.day_of_text(str(number)) for number in numbers]

    def factors(self, symbol: str) -> list[DividendFactor]:
        """Ex-rights events."""
        self._linked()
        rows = self._host.terminal.reference.factors(symbol, "", "", self._host.terminal.exchange.trade_date)
        return [frames.dividend_factor(symbol, day, row) for day, row in sorted(rows.items())]

    @property
    def reference(self) -> InProcessReference:
        """Index weights, statements, bonds, funds, new issues."""
        self._linked()
        return InProcessReference(self._host.terminal, self._fetch)

    def full_tick(self, symbols: Sequence[str]) -> dict[str, Quote]:
        """Latest snapshots."""
        self._linked()
        ticks = self._host.terminal.full_tick(symbols)
        return {symbol: frames.quote(symbol, tick, frames.volume_unit(symbol)) for symbol, tick in ticks.items()}

    def subscribe_quotes(self, targets: Sequence[str], callback: QuoteCallback) -> int:
        """Follow symbols or whole markets."""
        return self._register(tuple(targets), "", callback)

    def subscribe_ticks(self, symbol: str, callback: QuoteCallback) -> int:
        """Follow one symbol tick by tick."""
        if sum(bool(period) for _targets, period, _callback in self._registry.values()) >= MAX_SINGLE_SUBSCRIPTIONS:
            raise SubscriptionLimit(f"{MAX_SINGLE_SUBSCRIPTIONS} single subscriptions are in use")
        return self._register((symbol,), Period.TICK.value, callback)

    def _register(self, targets: tuple[str, ...], period: str, callback: QuoteCallback) -> int:
        self._linked()
        handle = next(self._handles)
        self._registry[handle] = (targets, period, callback)
        try:
            self._subscribe(handle, targets, period, callback)
        except QueryFailed:
            del self._registry[handle]
            raise
        return handle

    def unsubscribe(self, handle: int) -> None:
        """End a subscription."""
        self._registry.pop(handle, None)
        number = self._numbers.pop(handle, None)
        if number is not None and self._client is not None:
            self._callbacks.pop(number, None)
            self._host.terminal.unsubscribe(self._client, number)

    def market_clock(self) -> ClockReading:
        """The terminal's market clock."""
        self._linked()
        return frames.clock_reading(self._host.terminal.clock_document(), time.time_ns() // 1_000_000)

    def _linked(self) -> QuoteClient:
        if self._client is None:
            raise TerminalDown("there is no quote link")
        return self._client

    def _subscribe(self, handle: int, targets: tuple[str, ...], period: str, callback: QuoteCallback) -> None:
        client = self._linked()
        with self._host.terminal.lock:  # so that the first push finds its callback
            number = self._host.terminal.subscribe(client, targets, period)
            if number < 0:
                raise QueryFailed(f"the terminal knows none of {list(targets)}")
            self._numbers[handle] = number
            self._callbacks[number] = (period, callback)
            self._host.terminal.deliver_present(client, number)

    def _receive(self, frame: Frame) -> None:
        period, callback = self._callbacks.get(frame["sub"], ("", None))
        if callback is None:
            return
        for ticks in frames.pushes(bson.decode(frame["data"]), single=bool(period)):
            batch = {symbol: frames.quote(symbol, tick, frames.volume_unit(symbol)) for symbol, tick in ticks.items()}
            try:
                callback(batch)
            except Exception:
                logger.exception("a quote callback failed")
