"""Static data of a terminal for tests: what a test puts in comes out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from qmt.errors import DownloadFailed
from qmt.reference import ConvertibleTerms, EtfBasket, FinancialRow, FinancialTable, IpoInfo


@dataclass
class FakeReference:
    """Implements `qmt.reference.ReferenceGateway`."""

    weights: dict[str, dict[str, Decimal]] = field(default_factory=dict)
    rows: list[FinancialRow] = field(default_factory=list)
    bonds: list[ConvertibleTerms] = field(default_factory=list)
    baskets: list[EtfBasket] = field(default_factory=list)
    issues: list[IpoInfo] = field(default_factory=list)
    members: dict[tuple[str, date], list[str]] = field(default_factory=dict)
    downloaded: list[tuple[str, ...]] = field(default_factory=list)
    refreshed: int = 0
    failures: int = 0

    def refresh_lists(self) -> None:
        self.refreshed += 1

    def members_on(self, sector: str, day: date) -> list[str]:
        return self.members.get((sector, day), [])

    def index_weights(self, symbol: str) -> dict[str, Decimal]:
        return self.weights.get(symbol, {})

    def download_financials(
        self, symbols: Sequence[str], tables: Sequence[FinancialTable], start: str, end: str
    ) -> None:
        if self.failures:
            self.failures -= 1
            raise DownloadFailed("服务器繁忙")
        self.downloaded.append(tuple(symbols))

    def financials(self, symbols: Sequence[str], tables: Sequence[FinancialTable]) -> list[FinancialRow]:
        return [row for row in self.rows if row.symbol in symbols and row.table in tables]

    def convertibles(self, symbols: Sequence[str]) -> list[ConvertibleTerms]:
        return [bond for bond in self.bonds if bond.symbol in symbols]

    def etf_baskets(self) -> list[EtfBasket]:
        return self.baskets

    def ipos(self, start: str = "", end: str = "") -> list[IpoInfo]:
        return self.issues
