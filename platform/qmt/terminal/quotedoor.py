"""The calls of a quote client, from frames to the terminal and back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qmt.calendar import date_of_ms
from qmt.terminal.commoncontrol import CommonControl
from qmt.terminal.downloads import DownloadJob
from qmt.terminal.history import TICK, HistoryError
from qmt.terminal.links import Deferred, Refusal
from qmt.terminal.native import columns
from qmt.terminal.protocol import Frame
from qmt.terminal.quotedesk import QuoteClient
from qmt.terminal.terminal import Terminal


class QuoteDoor:
    """One quote client's calls."""

    def __init__(self, terminal: Terminal, client: QuoteClient) -> None:
        self._terminal = terminal
        self._client = client
        self._common = CommonControl(terminal, client)
        reference, statics = terminal.reference, terminal.statics
        self._calls: dict[str, Callable[[Frame], Any]] = {
            "market_data": lambda frame: Deferred(lambda: self._market_data(frame)),
            "full_tick": lambda frame: terminal.full_tick_text(frame["symbols"]),
            "subscribe": lambda frame: terminal.subscribe(client, frame["symbols"], frame["period"]),
            "subscribe_go": lambda frame: terminal.deliver_present(client, frame["number"]),
            "unsubscribe": lambda frame: terminal.unsubscribe(client, frame["number"]),
            "download": self._download,
            "stop_downloads": lambda _: terminal.stop_downloads(client),
            "common_control": lambda frame: self._common.call(frame["name"], frame["parameters"]),
            "sectors": lambda _: reference.sectors(terminal.trade_date()),
            "sector_members": lambda frame: reference.sector_members(
                frame["name"], date_of_ms(frame["stamp"]) if frame["stamp"] >= 0 else terminal.trade_date()
            ),
            "index_weights": lambda frame: reference.index_weights(frame["symbol"], terminal.trade_date()),
            "instrument_types": lambda frame: reference.instrument_types(frame["symbol"]),
            "instrument_detail": lambda frame: reference.instrument_detail(frame["symbol"], terminal.trade_date()),
            "factors": lambda frame: reference.factors(
                frame["symbol"], frame["start"], frame["end"], terminal.trade_date()
            ),
            "trading_dates": lambda frame: reference.trading_dates(
                frame["market"], frame["start"], frame["end"], frame["count"], terminal.trade_date()
            ),
            "holidays": lambda _: reference.holidays(terminal.trade_date()),
            "financials": lambda frame: statics.financials(
                frame["symbols"], frame["tables"], frame["start"], frame["end"], frame["by"]
            ),
            "bonds_download": lambda _: statics.land_bonds(terminal.now_ms()),
            "bond": lambda frame: statics.bond(frame["symbol"], terminal.trade_date()),
            "new_issues": lambda frame: statics.new_issues(frame["start"], frame["end"], terminal.trade_date()),
            "data_records": lambda frame: statics.records(frame["path"]),
        }

    def call(self, operation: str, frame: Frame) -> Any:
        """Answer one call."""
        handler = self._calls.get(operation)
        if handler is None:
            raise Refusal(f"unknown call {operation!r}")
        try:
            return handler(frame)
        except HistoryError as error:
            raise Refusal(str(error)) from error

    def _market_data(self, frame: Frame) -> Frame:
        try:
            if frame["period"] == TICK:
                ticks = self._terminal.read_ticks(
                    frame["symbols"],
                    frame["start"],
                    frame["end"],
                    count=frame["count"],
                    from_server=frame["from_server"],
                )
                return columns.pack(columns.TICKS, TICK, ticks, frame["fields"])
            bars = self._terminal.read_bars(
                frame["symbols"],
                frame["period"],
                frame["start"],
                frame["end"],
                count=frame["count"],
                dividend_type=frame["dividend_type"],
                fill=frame["fill"],
                from_server=frame["from_server"],
            )
        except HistoryError as error:
            raise Refusal(str(error)) from error
        return columns.pack(columns.BARS, frame["period"], bars, frame["fields"])

    def _download(self, frame: Frame) -> None:
        number = int(frame["number"])

        def report(progress: dict[str, Any]) -> None:
            self._client.send({"kind": "progress", "number": number, "data": progress})

        job = DownloadJob(
            symbols=tuple(frame["symbols"]),
            period=frame["period"],
            start=frame["start"],
            end=frame["end"],
            incrementally=frame["incrementally"],
            report=report,
        )
        self._terminal.download(self._client, job)
