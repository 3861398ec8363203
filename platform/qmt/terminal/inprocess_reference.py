"""Face B's static data: `qmt.reference.ReferenceGateway` directly over the terminal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from typing import Final

from qmt import referenceframes as frames
from qmt.gateway import ProgressCallback
from qmt.reference import ConvertibleTerms, EtfBasket, FinancialRow, FinancialTable, IpoInfo
from qmt.referencecalls import known
from qmt.terminal.staticdesk import ETF_BASKETS, METADATA
from qmt.terminal.terminal import Terminal

Fetch = Callable[[Sequence[str], str, str, str, ProgressCallback | None, float], None]

_SECONDS: Final = 60.0
_LISTS: Final = ("XXXXXX.SH", "XXXXXX.SZ")
# Names of the SDK's metadata for the field numbers of a basket; the SDK translates them on face A.
_BASKET_NAMES: Final = {
    "G": "time",
    "1": "基金名称",
    "2": "现金差额",
    "4": "基金份额净值",
    "5": "预估现金差额",
    "8": "最小申购、赎回单位",
    "13": "成份股信息",
    "15": "成份股名称",
    "16": "成份股数量",
    "17": "现金替代标志",
    "18": "申购现金替代溢价比率",
    "19": "申购替代金额",
    "20": "赎回现金替代折价比率",
    "21": "赎回替代金额",
}
_MARKETS: Final = {1: "SH", 2: "SZ", 4: "BJ"}


class InProcessReference:
    """Static data of a terminal in this process."""

    def __init__(self, terminal: Terminal, fetch: Fetch) -> None:
        self._terminal = terminal
        self._fetch = fetch

    def refresh_lists(self) -> None:
        """Have the terminal fetch its lists anew."""
        self._terminal.statics.land_bonds(self._terminal.now_ms())
        for name in _LISTS:
            self._fetch([name], METADATA[ETF_BASKETS], "", "", None, _SECONDS)

    def members_on(self, sector: str, day: date) -> list[str]:
        """Members of a sector on a past day."""
        return self._terminal.reference.sector_members(sector, day)

    def index_weights(self, symbol: str) -> dict[str, Decimal]:
        """Today's weights in per cent."""
        return frames.weights(self._terminal.reference.index_weights(symbol, self._terminal.trade_date()))

    def download_financials(
        self, symbols: Sequence[str], tables: Sequence[FinancialTable], start: str, end: str
    ) -> None:
        """Have the terminal fetch statements."""
        for table in tables:
            self._fetch(symbols, str(table), start, end, None, _SECONDS)

    def financials(self, symbols: Sequence[str], tables: Sequence[FinancialTable]) -> list[FinancialRow]:
        """Every row that has landed."""
        names = [frames.NATIVE_TABLES[table] for table in tables]
        return list(frames.financial_rows(self._terminal.statics.financials(symbols, names, "", "", "report_time")))

    def convertibles(self, symbols: Sequence[str]) -> list[ConvertibleTerms]:
        """Terms of the bonds that the terminal knows."""
        today = self._terminal.trade_date()
        found = ((symbol, self._terminal.statics.bond(symbol, today)) for symbol in symbols)
        return [frames.convertible(symbol, facts) for symbol, facts in found if facts]

    def etf_baskets(self) -> list[EtfBasket]:
        """Today's creation baskets."""
        statics = self._terminal.statics
        return [
            frames.etf_basket(
                record["S"], {_BASKET_NAMES.get(key, key): _translated(value) for key, value in record.items()}
            )
            for path in statics.paths(_LISTS, ETF_BASKETS).values()
            for record in statics.records(path)
        ]

    def ipos(self, start: str = "", end: str = "") -> list[IpoInfo]:
        """New issues."""
        return known(
            frames.ipo(row) for row in self._terminal.statics.new_issues(start, end, self._terminal.trade_date())
        )


def _translated(value: object) -> object:
    if not isinstance(value, list):
        return value
    return [
        {"成份股代码": f"{one['14']}.{_MARKETS[one['22']]}"}
        | {_BASKET_NAMES[key]: found for key, found in one.items() if key in _BASKET_NAMES}
        for one in value
    ]
