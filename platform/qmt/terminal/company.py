"""Financial statements of the seeded market's companies: everything follows from the seed, the listing and the report date.

The figures are invented and articulate: assets equal liabilities plus equity, the cash flows add up to the change of cash, and earnings per
share are profit by shares. Announcements keep the exchanges' deadlines (annual report within four months, half-year within two,
quarters within one). Some annual reports are restated a year later, so that point-in-time reads have something to be right about.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any, Final

from qmt.calendar import midnight_ms
from qmt.reference import FinancialTable
from qmt.terminal.catalogue import Listing
from qmt.terminal.chance import key_of

FIRST_YEAR: Final = 2019
_QUARTER_ENDS: Final = ((3, 31), (6, 30), (9, 30), (12, 31))
_YEAR_SHARE: Final = (0.23, 0.48, 0.73, 1.0)
# Windows in which each quarter's report comes: (first day, days) of its year, the annual one of the next.
_WINDOWS: Final = (((4, 15), 15), ((8, 10), 21), ((10, 15), 16), ((3, 10), 50))
_RESTATED_SHARE: Final = 0.985
_HOLDERS: Final = 10

Row = dict[str, Any]


class Company:
    """Statements of one listing.

    Parameters
    ----------
    seed : int
        The market's.
    listing : Listing
        A share of the catalogue.
    """

    def __init__(self, seed: int, listing: Listing) -> None:
        self._seed = seed
        self._listing = listing
        self._value = listing.price * listing.shares
        self._listed = dt.date.fromisoformat(listing.listed)

    def rows(self, table: FinancialTable, until: dt.date) -> list[Row]:
        """Rows announced up to a day, oldest announcement first, in the native module's own fields."""
        makers = {
            FinancialTable.BALANCE: self._balance,
            FinancialTable.INCOME: self._income,
            FinancialTable.CASH_FLOW: self._cash_flow,
            FinancialTable.PERSHARE_INDEX: self._per_share,
            FinancialTable.CAPITAL: self._capital,
        }
        found: list[tuple[dt.date, Row]] = []
        for year, quarter, announced, restated in self._reports(until):
            reported = _period_end(year, quarter)
            if table in makers:
                stamps = {"m_timetag": float(midnight_ms(reported)), "m_anntime": float(midnight_ms(announced))}
                found.append((announced, {**stamps, **makers[table](year, quarter, restated=restated)}))
            elif not restated:
                found += [(announced, row) for row in self._holders(table, year, quarter, reported, announced)]
        return [row for _, row in sorted(found, key=lambda pair: pair[0])]

    def _reports(self, until: dt.date) -> Iterator[tuple[int, int, dt.date, bool]]:
        """(year, quarter, announced on, is a restatement) of every report announced up to a day."""
        first = max(FIRST_YEAR, self._listed.year - 1)
        for year in range(first, until.year + 1):
            for quarter in range(4):
                announced = self._announced(year, quarter)
                if announced <= until and announced >= self._listed:
                    yield year, quarter, announced, False
            again = self._announced(year + 1, 3)
            if self._is_restated(year) and self._announced(year, 3) >= self._listed and again <= until:
                yield year, 3, again, True

    def _announced(self, year: int, quarter: int) -> dt.date:
        (month, first), days = _WINDOWS[quarter]
        begin = dt.date(year + (quarter == 3), month, first)
        return begin + dt.timedelta(days=self._draw("announced", year, quarter) % days)

    def _is_restated(self, year: int) -> bool:
        return self._draw("restated", year) % 4 == 0

    def _draw(self, *what: object) -> int:
        return key_of(self._seed, self._listing.symbol, *what)

    def _part(self, low: float, high: float, *what: object) -> float:
        """A number in [low, high) that is always the same for the same words."""
        return low + (high - low) * (self._draw(*what) % 10_000) / 10_000

    # --- figures --------------------------------------------------------------------------------

    def _revenue(self, year: int, quarter: int, *, restated: bool) -> float:
        whole = self._value * self._part(0.08, 0.3, "turnover")
        for past in range(FIRST_YEAR, year):
            whole *= 1 + self._part(-0.06, 0.16, "growth", past + 1)
        share = _YEAR_SHARE[quarter] * (self._part(0.96, 1.04, "season", year, quarter) if quarter < 3 else 1.0)
        return round(whole * share * (_RESTATED_SHARE if restated else 1.0), 2)

    def _profit(self, year: int, quarter: int, *, restated: bool) -> float:
        margin = self._part(0.06, 0.26, "margin") * self._part(0.9, 1.1, "margin", year)
        return round(self._revenue(year, quarter, restated=restated) * margin, 2)

    def _equity(self, year: int, quarter: int, *, restated: bool) -> float:
        equity = self._value / self._part(1.2, 5.0, "book")
        for past in range(FIRST_YEAR, year):
            equity += 0.6 * self._profit(past, 3, restated=False)
        return round(equity + self._profit(year, quarter, restated=restated), 2)

    def _cash(self, year: int, quarter: int) -> float:
        return round(
            self._equity(year, quarter, restated=False) * 0.22 * self._part(0.85, 1.15, "cash", year, quarter), 2
        )

    # --- tables ---------------------------------------------------------------------------------

    def _balance(self, year: int, quarter: int, *, restated: bool) -> Row:
        equity = self._equity(year, quarter, restated=restated)
        gearing = 0.9 if self._listing.industry in ("银行", "保险", "证券") else self._part(0.2, 0.6, "gearing")
        assets = round(equity / (1 - gearing), 2)
        cash, capital = self._cash(year, quarter), float(self._listing.shares)
        current = round(max(assets * 0.45, cash), 2)
        reserves = round(equity * 0.3, 2)
        return {
            "cash_equivalents": cash,
            "total_current_assets": current,
            "total_non_current_assets": round(assets - current, 2),
            "tot_assets": assets,
            "tot_liab": round(assets - equity, 2),
            "cap_stk": capital,
            "cap_rsrv": reserves,
            "undistributed_profit": round(equity - capital - reserves, 2),
            "tot_shrhldr_eqy_excl_min_int": equity,
            "minority_int": 0.0,
            "total_equity": equity,
            "tot_liab_shrhldr_eqy": assets,
        }

    def _income(self, year: int, quarter: int, *, restated: bool) -> Row:
        revenue = self._revenue(year, quarter, restated=restated)
        profit = self._profit(year, quarter, restated=restated)
        before_tax = round(profit / 0.8, 2)
        per_share = round(profit / self._listing.shares, 4)
        return {
            "revenue": revenue,
            "revenue_inc": revenue,
            "total_operating_cost": round(revenue - before_tax, 2),
            "oper_profit": before_tax,
            "tot_profit": before_tax,
            "inc_tax": round(before_tax - profit, 2),
            "net_profit_incl_min_int_inc": profit,
            "net_profit_excl_min_int_inc": profit,
            "minority_int_inc": 0.0,
            "s_fa_eps_basic": per_share,
            "s_fa_eps_diluted": per_share,
        }

    def _cash_flow(self, year: int, quarter: int, *, restated: bool) -> Row:
        opening, closing = self._cash(year - 1, 3), self._cash(year, quarter)
        operating = round(self._profit(year, quarter, restated=restated) * self._part(0.8, 1.4, "flow", year), 2)
        investing = round(-0.5 * operating, 2)
        return {
            "net_cash_flows_oper_act": operating,
            "net_cash_flows_inv_act": investing,
            "net_cash_flows_fnc_act": round(closing - opening - operating - investing, 2),
            "eff_fx_flu_cash": 0.0,
            "net_incr_cash_cash_equ": round(closing - opening, 2),
            "cash_cash_equ_beg_period": opening,
            "cash_cash_equ_end_period": closing,
        }

    def _per_share(self, year: int, quarter: int, *, restated: bool) -> Row:
        shares = self._listing.shares
        profit, equity = self._profit(year, quarter, restated=restated), self._equity(year, quarter, restated=restated)
        revenue = self._revenue(year, quarter, restated=restated)
        earned = round(profit / shares, 4)
        return {
            "s_fa_eps_basic": earned,
            "s_fa_eps_diluted": earned,
            "s_fa_bps": round(equity / shares, 4),
            "du_return_on_equity": round(profit / equity * 100, 4),
            "net_profit": round(profit / revenue * 100, 4),
            "inc_revenue_rate": round((revenue / self._revenue(year - 1, quarter, restated=False) - 1) * 100, 4),
        }

    def _capital(self, year: int, quarter: int, *, restated: bool) -> Row:
        shares = int(self._listing.shares)
        circulating = int(shares * 0.9)
        return {
            "total_capital": float(shares),
            "circulating_capital": float(circulating),
            "restrict_circulating_capital": float(shares - circulating),
        }

    def _holders(
        self, table: FinancialTable, year: int, quarter: int, reported: dt.date, announced: dt.date
    ) -> Iterator[Row]:
        stamps = {"declareDate": float(midnight_ms(announced)), "endDate": float(midnight_ms(reported))}
        if table is FinancialTable.HOLDER_NUM:
            counted = round(self._value / 3e5 * self._part(0.8, 1.2, "holders", year, quarter))
            yield {**stamps, "shareholder": float(counted), "shareholderA": float(counted), "shareholderFloat": 0.0}
            return
        left = self._listing.shares * (0.9 if table is FinancialTable.TOP10_FLOW_HOLDER else 1.0)
        for rank in range(1, _HOLDERS + 1):
            held = left * self._part(0.05, 0.25, "holder", rank)
            left -= held
            yield {
                **stamps,
                "name": f"模拟股东{rank}",
                "type": "机构" if rank < 8 else "个人",
                "quantity": float(int(held)),
                "reason": "不变",
                "ratio": round(held / self._listing.shares * 100, 4),
                "nature": "流通A股",
                "rank": rank,
            }


def _period_end(year: int, quarter: int) -> dt.date:
    return dt.date(year, *_QUARTER_ENDS[quarter])
