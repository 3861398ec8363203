"""The commands of the quote channel's ``commonControl``, by the names the SDK uses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from qmt.terminal.history import BAR_PERIODS, TICK
from qmt.terminal.links import Refusal
from qmt.terminal.quotedesk import MARKETS, QuoteClient
from qmt.terminal.terminal import Terminal

DOWNLOAD_VERSION: Final = 2
"""Any number makes the SDK use its newer download path."""


class CommonControl:
    """Answers commands for one client."""

    def __init__(self, terminal: Terminal, client: QuoteClient) -> None:
        self._terminal = terminal
        self._client = client
        self._commands: dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
            "getapiversion": lambda _: {"downloadversion": DOWNLOAD_VERSION},
            "downloadholidaydata": lambda _: {"result": True},
            "getperiodlist": lambda _: {"result": [{"name": name} for name in (TICK, *BAR_PERIODS)]},
            "getauthorizedmarketlist": lambda _: {"result": list(MARKETS)},
            "getcurrentsubinfo": lambda _: {"result": self._terminal.subscriptions(client)},
            "getallsubinfo": lambda _: {"result": self._terminal.subscriptions(None)},
            "getcomingtradedate": lambda _: {"result": terminal.reference.coming_dates(terminal.trade_date())},
            "getopenclosetradetimebystock": lambda given: terminal.reference.trading_period(given["stockcode"]),
            "getopencloseklinetimebystock": lambda given: terminal.reference.trading_period(given["stockcode"]),
            "getopenclosealltradetime": lambda _: {"result": terminal.reference.trading_periods()},
            "getopencloseallklinetime": lambda _: {"result": terminal.reference.trading_periods()},
            "getfullkline": self._full_kline,
            "getdatafilepath": lambda given: {
                "result": terminal.statics.paths(given["stocklist"], int(given["metaid"]))
            },
            "simulatedclock": lambda _: terminal.clock_document(),
        }

    @property
    def commands(self) -> frozenset[str]:
        """The commands that are answered."""
        return frozenset(self._commands)

    def call(self, name: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Answer one command."""
        command = self._commands.get(name)
        if command is None:
            raise Refusal(f"commonControl {name} is not simulated")
        return command(parameters)

    def _full_kline(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The latest trading day's K-lines, aligned over the symbols."""
        day = self._terminal.trade_date().strftime("%Y%m%d")
        found = self._terminal.read_bars(
            given["stocklist"],
            given["period"],
            given["starttime"] or day,
            given["endtime"],
            count=int(given["count"]),
            dividend_type=given["dividendtype"],
            fill=bool(given["fillData"]),
            from_server=True,
        )
        stamps = sorted({int(stamp) for rows in found.values() for stamp in rows["time"]})
        fields = list(given["fields"]) or ["open", "high", "low", "close", "volume", "amount"]
        result = {}
        for field in fields:
            known = {
                symbol: dict(zip(rows["time"].tolist(), rows[field].tolist(), strict=True))
                for symbol, rows in found.items()
            }
            result[field] = [[known[symbol].get(stamp) for stamp in stamps] for symbol in found]
        return {"result": result, "stock": list(found), "stime": [self._terminal.stamp_text(stamp) for stamp in stamps]}
