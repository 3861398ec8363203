"""Five real years as a recorded quote sequence: every signal that the rules imply is detected once, where it is due, and nothing else.

Four prices a day, in the order open, high, low, close. Each share is bought at the first open; the stop loss and the trailing
take-profit sell it, and it is bought again at the next day's open; the first take-profit counts as filled at once; what was bought today
cannot be sold (T+1). What is due is computed here straight from the formulas, one price after the other. A sample of the
shares runs always, all of them with the slow tests; absent (the file is not part of the project), both are skipped.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest

from qmt.calendar import to_ms
from qmt.codes import Board
from qmt.rules import LotRow, lot_rule
from trading.signals.choices import SignalKind
from trading.signals.inforce import PlanInForce
from trading.signals.models import ExitPlan
from trading.signals.rules import Figures
from trading.signals.screen import Hit, Row, Screen
from trading.signals.terms import ExitTerms, terms_parse

FILE = Path(os.environ.get("DESK_TEST_REAL_DATA", Path(__file__).resolve().parents[3] / "shared" / "data")) / (
    "ashare_daily.csv.gz"
)
ORDER = (("open", time(9, 31)), ("high", time(10, 30)), ("low", time(13, 30)), ("close", time(14, 56)))
QUANTITY = 1000
D = Decimal
TABLE = ((D("0.5"), D("0.80")), (D("0.4"), D("0.83")), (D("0.3"), D("0.85")), (D("0.2"), D("0.87")), (D("0.15"), D("0.90")),
         (D("0.1"), D("0.93")), (D("0.05"), D("0.96")))  # fmt: skip

Due = tuple[str, date, str, Decimal, int]
"""Symbol, day, kind, price and quantity."""
Day = tuple[date, tuple[Decimal, ...]]


def read_file(symbols: int | None) -> dict[str, list[Day]]:
    rows = pd.read_csv(FILE, dtype=str)
    chosen = sorted(rows["ts_code"].unique())
    chosen = chosen if symbols is None else chosen[:: max(1, len(chosen) // symbols)][:symbols]
    history: dict[str, list[Day]] = {}
    for symbol, part in rows[rows["ts_code"].isin(chosen)].sort_values("trade_date").groupby("ts_code"):
        prices = part[[name for name, _moment in ORDER]].to_numpy()
        days = [datetime.strptime(text, "%Y%m%d").date() for text in part["trade_date"]]  # noqa: DTZ007 - a date
        history[str(symbol)] = [(day, tuple(D(text) for text in row)) for day, row in zip(days, prices, strict=True)]
    return history


# ------------------------------------------------------------------ straight from the formulas
@dataclass
class Share:
    """One share that is held, by the formulas alone."""

    cost: Decimal
    hi: Decimal
    bh: Decimal | None = None
    done: bool = False
    told: frozenset[str] = frozenset()

    def exits(self, p: Decimal) -> list[str]:
        """The exits that hold at a price, most urgent first."""
        self.hi = max(self.hi, p)
        holds = ["STOP_LOSS"] if p <= self.cost * (1 - D("0.075")) else []
        if self.done:
            g = (self.hi - self.cost) / self.cost
            level = next((factor * self.hi for gain, factor in TABLE if g >= gain), self.cost * D("0.925"))
            return holds + (["TRAILING"] if p <= level else [])
        if self.bh is None:
            self.bh = p if (p - self.cost) / self.cost >= D("0.06") else None
        elif p < self.cost * D("1.06") * D("0.995") ** 2:
            self.bh = None
        else:
            self.bh = max(self.bh, p)
            holds += ["FIRST_TAKE_PROFIT"] if (self.bh - p) / self.bh >= D("0.005") else []
        return holds

    def signal(self, p: Decimal, *, sellable: bool) -> str | None:
        """The exit that is told at a price."""
        holds = self.exits(p)
        if not holds:
            self.told = frozenset()
            return None
        if holds[0] in self.told:
            self.told = frozenset(holds)
            return None
        self.told = frozenset(holds) if sellable else self.told & frozenset(holds)
        return holds[0] if sellable else None

    def adds(self, p: Decimal) -> int:
        """Shares to add at a price."""
        if self.done or not D("0.07") <= (self.cost - p) / self.cost < D("0.075"):
            return 0
        money = min(D(35000), D(70000) - QUANTITY * p)
        return int(money / p) // 100 * 100 if money >= 1000 else 0


def due_signals(symbol: str, days: list[Day]) -> list[Due]:
    due: list[Due] = []
    share: Share | None = None
    for day, prices in days:
        sellable = share is not None
        share = share or Share(prices[0], prices[0])
        for p in prices:
            kind = share.signal(p, sellable=sellable)
            if kind is not None:
                due.append((symbol, day, kind, p, 600 if kind == "FIRST_TAKE_PROFIT" else 1000))
            if kind in ("STOP_LOSS", "TRAILING"):
                share = None
                break
            if kind == "FIRST_TAKE_PROFIT":
                share.done, share.bh = True, None
            if shares := share.adds(p):
                due.append((symbol, day, "ADD", p, shares))
    return due


# ----------------------------------------------------------------------------- by the engine
@dataclass
class Desk:
    """The positions of all shares, and the screen that watches them."""

    plan: PlanInForce
    lots: LotRow
    rows: dict[str, Row] = field(default_factory=dict)
    screen: Screen = field(default_factory=lambda: Screen([]))

    def morning(self, day: date, opens: dict[str, Decimal]) -> None:
        """Yesterday's memory in rows of today; what is not held is bought at the open."""
        kept = {self.screen.rows[at].symbol: at for at in range(len(self.screen.rows))}
        rows = []
        for number, (symbol, price) in enumerate(opens.items()):
            if symbol in self.rows:
                at = kept[symbol]
                before = self.rows[symbol]
                told, added = int(self.screen.latches[at]), int(self.screen.added_at[at])
                row = replace(before, figures=self.screen.figures(at), latches=told, added_at=added, sellable=QUANTITY)
                row = replace(row, trade_date=day, seen_at=int(self.screen.seen_at[at]))
            else:
                figures = Figures(price, price, None, first_done=False)
                row = Row(number, 1, symbol, number, self.plan, figures, QUANTITY, 0, self.lots, day)
            rows.append(row)
        # A share that does not trade today keeps yesterday's memory.
        idle = [
            replace(
                self.rows[symbol],
                figures=self.screen.figures(at),
                latches=int(self.screen.latches[at]),
                added_at=int(self.screen.added_at[at]),
                sellable=QUANTITY,
                trade_date=day,
            )
            for symbol, at in kept.items()
            if symbol in self.rows and symbol not in opens
        ]
        self._watch([replace(row, track_id=number) for number, row in enumerate([*rows, *idle])])

    def follow(self, hits: list[Hit]) -> None:
        """What the fills of these signals do."""
        rows = dict(self.rows)
        for hit in hits:
            if hit.kind is SignalKind.FIRST_TAKE_PROFIT:
                rows[hit.row.symbol] = replace(
                    rows[hit.row.symbol], figures=replace(hit.figures, first_done=True, bh=None)
                )
            elif hit.kind in (SignalKind.STOP_LOSS, SignalKind.TRAILING):
                del rows[hit.row.symbol]
        if rows != self.rows:
            older = self.screen
            self._watch(list(rows.values()))
            self.screen.inherit(older)

    def _watch(self, rows: list[Row]) -> None:
        self.rows = {row.symbol: row for row in rows}
        self.screen = Screen(rows)


def detected(history: dict[str, list[Day]], terms: ExitTerms) -> list[Due]:
    lots = lot_rule(Board.MAIN, date(2020, 1, 2))
    assert lots is not None
    desk = Desk(PlanInForce(ExitPlan(enabled=True), 1, terms), lots)
    by_day: dict[date, dict[str, tuple[Decimal, ...]]] = {}
    for symbol, days in history.items():
        for day, prices in days:
            by_day.setdefault(day, {})[symbol] = prices
    found: list[Due] = []
    for day in sorted(by_day):
        desk.morning(day, {symbol: prices[0] for symbol, prices in by_day[day].items()})
        for at, (_name, moment) in enumerate(ORDER):
            ts = to_ms(day, moment)
            quotes = {symbol: {"ts": ts, "last": float(prices[at])} for symbol, prices in by_day[day].items()}
            findings = desk.screen.take(quotes, ts + 500)
            assert not findings.bad
            found += [(hit.row.symbol, day, str(hit.kind), hit.price, hit.quantity) for hit in findings.hits]
            assert not desk.screen.take(quotes, ts + 900).hits, "a quote that comes twice tells nothing new"
            desk.follow(findings.hits)
    return found


def compare(symbols: int | None) -> list[Due]:
    history = read_file(symbols)
    due = [signal for symbol, days in history.items() for signal in due_signals(symbol, days)]
    found = detected(history, terms_parse({"add": True}))
    assert sorted(found) == sorted(due)
    return due


@pytest.mark.skipif(not FILE.exists(), reason="the recorded bars are not part of the project")
def test_signals_of_some_shares_over_five_years_are_those_of_the_formulas() -> None:
    kinds = {signal[2] for signal in compare(4)}
    assert kinds == {"STOP_LOSS", "FIRST_TAKE_PROFIT", "TRAILING", "ADD"}


@pytest.mark.slow
@pytest.mark.skipif(not FILE.exists(), reason="the recorded bars are not part of the project")
@pytest.mark.timeout(600)
def test_signals_of_every_share_over_five_years_are_those_of_the_formulas() -> None:
    assert len(compare(None)) > 10_000
