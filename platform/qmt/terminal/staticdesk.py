"""Static data in the shapes the SDK's native modules return: statements, bond terms, fund baskets, new issues.

What a terminal has to download first is empty until it was; what the market's source does not have stays empty, as the SDK answers for it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from qmt.calendar import date_of_ms
from qmt.referenceframes import NATIVE_TABLES, day
from qmt.terminal.history import HistoryError
from qmt.terminal.landed import LandedStore, Stretch
from qmt.terminal.market import Market

ETF_BASKETS: Final = 2004
METADATA: Final = {ETF_BASKETS: "etfredemptionlist", 2009: "sectors"}
"""Numbers of the SDK's metadata that can be downloaded, and what their landed stretches are called."""

_BONDS: Final = "bonds"
_EVERY: Final = "*"
_ANNOUNCE_TIME: Final = "announce_time"
_ANNOUNCED: Final = ("m_anntime", "declareDate")
_REPORTED: Final = ("m_timetag", "endDate")


class StaticDesk:
    """Answers static reads for one market.

    Parameters
    ----------
    landed : LandedStore
        What was downloaded, and when.
    data_dir : Path or None
        Folder that the paths of data files seem to lie in.
    """

    def __init__(self, market: Market, landed: LandedStore, data_dir: Path | None) -> None:
        self._market = market
        self._landed = landed
        self._folder = data_dir or Path("memory")

    def financials(
        self, symbols: Sequence[str], tables: Sequence[str], start: str, end: str, by: str
    ) -> dict[str, dict[str, list[dict[str, Any]]]]:
        """Landed rows per symbol and native table name, filtered by announcement or report date.

        Raises
        ------
        HistoryError
            A table that does not exist.
        """
        known = {native: table for table, native in NATIVE_TABLES.items()}
        unknown = [name for name in tables if name not in known]
        if unknown:
            raise HistoryError(f"unknown financial table: {unknown[0]}")
        return {
            symbol: {name: self._rows(symbol, name, start, end, by) for name in tables}
            for symbol in symbols
            if self._market.instrument(symbol) is not None
        }

    def _rows(self, symbol: str, native: str, start: str, end: str, by: str) -> list[dict[str, Any]]:
        table = next(table for table, name in NATIVE_TABLES.items() if name == native)
        stretches = self._landed.stretches(symbol, str(table))
        if not stretches:
            return []
        until = date_of_ms(max(stretch.seen_ms for stretch in stretches))
        names = _ANNOUNCED if by == _ANNOUNCE_TIME else _REPORTED
        first, last = day(start) or dt.date.min, day(end) or dt.date.max
        return [
            dict(row)
            for row in self._market.financials(symbol, table, until)
            if _landed_by(row, stretches) and first <= (_date(row, names) or dt.date.min) <= last
        ]

    def land_bonds(self, now_ms: int) -> None:
        """Download the bonds' terms."""
        self._landed.add(_EVERY, _BONDS, Stretch(0, now_ms, now_ms))

    def bond(self, symbol: str, today: dt.date) -> dict[str, Any]:
        """Terms of a bond, empty before they were downloaded and for what is no bond."""
        return dict(self._market.bond_facts(symbol, today)) if self._landed.stretches(_EVERY, _BONDS) else {}

    def new_issues(self, start: str, end: str, today: dt.date) -> list[dict[str, Any]]:
        """New issues whose subscription begins between two days."""
        first, last = start or "0", end or "9"
        return [dict(row) for row in self._market.new_issues(today) if first <= row["startDate"] <= last]

    def paths(self, codes: Sequence[str], metaid: int) -> dict[str, str]:
        """Where the data files of a metadata number lie; codes that were not downloaded are left out."""
        name = METADATA.get(metaid)
        if name is None:
            raise HistoryError(f"data files of metadata {metaid} are not simulated")
        return {code: str(self._folder / f"{code}_{metaid}") for code in codes if self._landed.stretches(code, name)}

    def records(self, path: str) -> list[dict[str, Any]]:
        """Records of one data file, as of its download.

        Raises
        ------
        HistoryError
            No file of this terminal.
        """
        code, _, metaid = Path(path).name.rpartition("_")
        stretches = self._landed.stretches(code, METADATA.get(int(metaid) if metaid.isdigit() else 0, ""))
        if not stretches or metaid != str(ETF_BASKETS):
            raise HistoryError(f"there is no data file {path}")
        seen = date_of_ms(max(stretch.seen_ms for stretch in stretches))
        return [dict(row) for row in self._market.basket_records(code.rpartition(".")[2], seen)]


def _date(row: Any, names: Sequence[str]) -> dt.date | None:
    return next((found for name in names if (found := day(row.get(name))) is not None), None)


def _landed_by(row: Any, stretches: Sequence[Stretch]) -> bool:
    """Whether a download's span of announcement dates covers the row."""
    announced = row.get("m_anntime", row.get("declareDate"))
    return any(stretch.start_ms <= announced <= stretch.end_ms for stretch in stretches)
