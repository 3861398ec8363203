"""The quote client's static data: calendar, sectors, details, factors, statements, bonds, funds, new issues."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qmt.terminal import bson
from qmt.terminal.native.strict import native_call


class ReferenceNatives:
    """The part of ``IPythonApiClient`` that reads static data; the client provides the link."""

    _ask: Callable[..., Any]

    @native_call("datacenter")
    def get_sector_list(self) -> list[str]:
        return list(self._ask("sectors"))

    @native_call("datacenter")
    def get_stock_list_in_sector(self, sector: str, stamp: int) -> list[str]:
        return list(self._ask("sector_members", name=sector, stamp=int(stamp)))

    @native_call("datacenter")
    def get_weight_in_index(self, code: str) -> dict[str, float]:
        return dict(self._ask("index_weights", symbol=code))

    @native_call("datacenter")
    def get_divid_factors(self, code: str, start: str, end: str) -> dict[str, Any]:
        return dict(self._ask("factors", symbol=code, start=start, end=end))

    @native_call("datacenter")
    def get_instrument_detail(self, code: str) -> bytes:
        detail = self._ask("instrument_detail", symbol=code)
        return bson.encode(detail) if detail else b""

    @native_call("datacenter")
    def get_stock_type(self, code: str) -> dict[str, bool]:
        return dict(self._ask("instrument_types", symbol=code))

    @native_call("datacenter")
    def get_trading_dates_by_market(self, market: str, start: str, end: str, count: int) -> list[int]:
        return list(self._ask("trading_dates", market=market, start=start, end=end, count=int(count)))

    @native_call("datacenter")
    def get_market_last_trade_date(self, market: str) -> int:
        found = self._ask("trading_dates", market=market, start="", end="", count=1)
        return int(found[-1]) if found else 0

    @native_call("datacenter")
    def get_holidays(self) -> list[int]:
        return list(self._ask("holidays"))

    @native_call("datacenter")
    def down_index_weight(self) -> None:
        """Nothing to fetch: the simulated terminal always has today's weights."""

    @native_call("datacenter")
    def get_financial_data(
        self, codes: list[str], tables: list[str], start: str, end: str, report_type: str
    ) -> dict[str, Any]:
        return dict(
            self._ask("financials", symbols=list(codes), tables=list(tables), start=start, end=end, by=report_type)
        )

    @native_call("datacenter")
    def down_cb_data(self) -> None:
        self._ask("bonds_download")

    @native_call("datacenter")
    def get_cb_info(self, code: str) -> bytes:
        facts = self._ask("bond", symbol=code)
        return bson.encode(facts) if facts else b""

    @native_call("datacenter")
    def get_ipo_info(self, start: str, end: str) -> list[dict[str, Any]]:
        return list(self._ask("new_issues", start=start, end=end))

    @native_call("datacenter")
    def read_local_data(self, path: str, start: str | int, end: str | int, count: int) -> list[bytes]:
        return [bson.encode(record) for record in self._ask("data_records", path=path)]
