"""Static data over the SDK: `qmt.reference.ReferenceGateway` on a quote session's checked calls."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Any, Final, TypeVar

from qmt import referenceframes as frames
from qmt.errors import QueryFailed, QueryTimeout
from qmt.gateway import ProgressCallback
from qmt.reference import ConvertibleTerms, EtfBasket, FinancialRow, FinancialTable, IpoInfo

T = TypeVar("T")
Call = Callable[[Callable[[], Any], str, float], Any]
"""Runs a function on the session's verified link: (function, its name, seconds)."""
Download = Callable[[Sequence[str], Any, str, str, ProgressCallback | None, float], None]

LIST_SECONDS: Final = 120.0
FINANCIAL_SECONDS: Final = 1800.0
SYMBOLS_PER_READ: Final = 200
_SECTORS: Final = (2009, 86_400_000)
"""The SDK's own period of the sector lists (``download_sector_data``)."""
_BASKETS: Final = "etfredemptionlist"
_BASKET_LISTS: Final = ("XXXXXX.SH", "XXXXXX.SZ")


class SdkReference:
    """Reads static data through xtdata. Nothing here waits without a deadline.

    Parameters
    ----------
    call, download : callable
        The quote session's own: every call is checked against a dead or foreign link.
    """

    def __init__(self, xtdata: Any, call: Call, download: Download) -> None:
        self._xtdata = xtdata
        self._call = call
        self._download = download

    def refresh_lists(self) -> None:
        """Have the terminal fetch its lists anew."""
        self._download([], _SECTORS, "", "", None, LIST_SECONDS)
        self._call(self._xtdata.download_index_weight, "download_index_weight", LIST_SECONDS)
        self._call(self._xtdata.download_cb_data, "download_cb_data", LIST_SECONDS)
        for name in _BASKET_LISTS:
            self._download([name], _BASKETS, "", "", None, LIST_SECONDS)

    def members_on(self, sector: str, day: date) -> list[str]:
        """Members of a sector on a past day."""
        stamp = day.strftime("%Y%m%d")
        return list(
            self._call(
                lambda: self._xtdata.get_stock_list_in_sector(sector, stamp), "get_stock_list_in_sector", LIST_SECONDS
            )
        )

    def index_weights(self, symbol: str) -> dict[str, Decimal]:
        """Today's weights in per cent."""
        return frames.weights(
            self._call(lambda: self._xtdata.get_index_weight(symbol), "get_index_weight", LIST_SECONDS) or {}
        )

    def download_financials(
        self, symbols: Sequence[str], tables: Sequence[FinancialTable], start: str, end: str
    ) -> None:
        """Have the terminal fetch statements, table by table as the SDK does."""
        for table in tables:
            self._download(symbols, str(table), start, end, None, FINANCIAL_SECONDS)

    def financials(self, symbols: Sequence[str], tables: Sequence[FinancialTable]) -> list[FinancialRow]:
        """Every row that has landed."""
        names = [str(table) for table in tables]
        rows: list[FinancialRow] = []
        for at in range(0, len(symbols), SYMBOLS_PER_READ):
            part = list(symbols[at : at + SYMBOLS_PER_READ])
            # The raw form: the other one raises for a whole batch when a single date is NaN.
            found = self._call(
                partial(self._xtdata.get_financial_data_ori, part, names), "get_financial_data", LIST_SECONDS
            )
            rows += frames.financial_rows(found or {})
        return rows

    def convertibles(self, symbols: Sequence[str]) -> list[ConvertibleTerms]:
        """Terms of the bonds that the terminal knows."""
        found = []
        for symbol in symbols:
            try:
                facts = self._call(partial(self._xtdata.get_cb_info, symbol), "get_cb_info", LIST_SECONDS)
            except QueryTimeout:
                raise
            except QueryFailed:
                continue  # nothing known about a bond is an empty buffer, which the SDK cannot decode
            if facts:
                found.append(frames.convertible(symbol, facts))
        return found

    def etf_baskets(self) -> list[EtfBasket]:
        """Today's creation baskets."""
        found = self._call(self._xtdata.get_etf_info, "get_etf_info", LIST_SECONDS) or {}
        return [frames.etf_basket(symbol, facts) for symbol, facts in found.items()]

    def ipos(self, start: str = "", end: str = "") -> list[IpoInfo]:
        """New issues."""
        return known(
            frames.ipo(row)
            for row in self._call(lambda: self._xtdata.get_ipo_info(start, end), "get_ipo_info", LIST_SECONDS) or ()
        )


def known(found: Iterable[T | None]) -> list[T]:
    """What is not None."""
    return [one for one in found if one is not None]
