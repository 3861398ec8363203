"""Grids as the engine follows them: every quote in turn, in memory, exact. What it decides goes to rows at once.

One thread uses it. Between two stored changes only the peak or valley moves, and the last price; both are stored every few
seconds and at the end, under the revision that they belong to.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from django.db import DatabaseError, InterfaceError

from ops.clocks import SHANGHAI, wall_now
from qmt.calendar import Phase, phase_at
from trading.grids.choices import Direction, GridState
from trading.grids.course import Course, follow, turned
from trading.grids.figures import Totals, end_of
from trading.grids.models import GridSession, GridSignal
from trading.grids.services.detecting import Turn, grid_finish, opposite_price, price_of, signal_raise
from trading.grids.terms import GridTerms
from trading.orders.services.context import account_clock

MAX_QUOTE_AGE: Final = timedelta(seconds=10)
STORE_EVERY: Final = timedelta(seconds=5)
"""A new peak, valley or last price waits no longer for its row."""

log = logging.getLogger(__name__)

Quote = Mapping[str, Any]


@dataclass(slots=True)
class Watched:
    """One grid in memory.

    Attributes
    ----------
    market_offset
        Market time less wall-clock time, of the account's host.
    host
        Whose quotes it follows.
    busy
        Sides with a signal that is not done: their turns are waited for, and nothing is asked of them.
    changed
        The course or last price is newer than the row.
    """

    pk: int
    revision: int
    symbol: str
    host: str
    terms: GridTerms
    totals: Totals
    course: Course
    began_at: Decimal
    expires_at: datetime
    trade_date: date
    market_offset: timedelta
    last_price: Decimal | None
    busy: frozenset[str]
    changed: bool = False


class GridWatch:
    """Every active grid, by symbol."""

    def __init__(self) -> None:
        self._grids: dict[int, Watched] = {}
        self._by_symbol: dict[str, list[int]] = {}
        self._stored_at = wall_now()
        self.evaluated = 0
        self.signals = 0
        self.failures = 0

    @property
    def symbols(self) -> frozenset[str]:
        """What is followed."""
        return frozenset(self._by_symbol)

    def __len__(self) -> int:
        return len(self._grids)

    def refresh(self) -> None:
        """Read the rows again; what is in memory goes on where its row has not moved.

        Raises
        ------
        django.db.Error
        """
        rows = GridSession.objects.filter(state=GridState.ACTIVE, held="").select_related(
            "account__host__status", "account__host__fed_from"
        )
        busy: dict[int, set[str]] = defaultdict(set)
        for pk, side in GridSignal.objects.filter(final_at__isnull=True).values_list("session", "side"):
            busy[pk].add(side)
        fresh: dict[int, Watched] = {}
        for row in rows.order_by("pk"):
            watched = _watched(row, frozenset(busy[row.pk]))
            if watched is not None:
                fresh[row.pk] = _continued(self._grids.get(row.pk), watched)
        self._grids = fresh
        by_symbol: dict[str, list[int]] = defaultdict(list)
        for watched in fresh.values():
            by_symbol[watched.symbol].append(watched.pk)
        self._by_symbol = dict(by_symbol)

    def evaluate(self, host: str, quotes: Iterable[tuple[str, Quote]]) -> int:
        """Follow quotes of one host in the order they came; returns how many signals and ends they led to.

        Raises
        ------
        django.db.Error
            A decision could not be stored; the grids are read again, and nothing is counted as decided.
        """
        now = wall_now()
        decided = 0
        for symbol, quote in quotes:
            for pk in self._by_symbol.get(symbol, ()):
                # By its number: a decision reads the grids again, and what was in hand is then not followed any more.
                grid = self._grids.get(pk)
                if grid is None or grid.host != host or not _is_in_force(grid, quote, now):
                    continue
                self.evaluated += 1
                decided += self._guarded(grid, quote, now)
        self.signals += decided
        return decided

    def store(self, *, now: bool = False) -> None:
        """Write peaks, valleys and last prices that are newer than their rows, when it is time or at once.

        Raises
        ------
        django.db.Error
        """
        if not now and wall_now() - self._stored_at < STORE_EVERY:
            return
        self._stored_at = wall_now()
        for grid in self._grids.values():
            if grid.changed:
                # Under its revision: a row that moved on has its own course.
                GridSession.objects.filter(pk=grid.pk, revision=grid.revision).update(
                    direction=grid.course.direction, extreme=grid.course.extreme, last_price=grid.last_price
                )
                grid.changed = False

    def _guarded(self, grid: Watched, quote: Quote, now: datetime) -> bool:
        try:
            return self._follow(grid, quote, now)
        except (DatabaseError, InterfaceError):
            raise
        except Exception:
            # One grid in trouble keeps no other from its turn.
            self.failures += 1
            log.exception("grid %s could not follow a quote of %s", grid.pk, grid.symbol)
            return False

    def _follow(self, grid: Watched, quote: Quote, now: datetime) -> bool:
        price = price_of(quote["last"])
        before = grid.course
        grid.course = follow(before, grid.terms, price, now)
        if grid.course != before or grid.last_price != price:
            grid.last_price, grid.changed = price, True
        reason = end_of(
            grid.terms,
            grid.totals,
            center=grid.course.center,
            began_at=grid.began_at,
            price=price,
            market_time=now + grid.market_offset,
            expires_at=grid.expires_at,
        )
        if reason is not None:
            ended = grid_finish(grid.pk, grid.revision, reason, price)
            self.refresh()
            return ended
        side = turned(grid.course, grid.terms, price, now)
        if side is None or side in grid.busy:
            return False
        turn = Turn(
            side=side,
            course=grid.course,
            price=price,
            opposite=opposite_price(side, quote),
            quote_ts=int(quote["ts"]),
            trade_date=grid.trade_date,
            now=now,
        )
        raised = signal_raise(grid.pk, grid.revision, turn)
        self.refresh()
        return raised is not None


def _is_in_force(grid: Watched, quote: Quote, now: datetime) -> bool:
    """A traded price of continuous trading of the grid's own trade date, no older than ten seconds by the market's clock."""
    if quote["last"] <= 0:
        return False
    moment = datetime.fromtimestamp(quote["ts"] / 1000, UTC).astimezone(SHANGHAI)
    if moment.date() != grid.trade_date or phase_at(moment.time()) is not Phase.CONTINUOUS:
        return False
    return now + grid.market_offset - moment <= MAX_QUOTE_AGE


def _watched(row: GridSession, busy: frozenset[str]) -> Watched | None:
    """A grid in memory; None while its figures are not in the day's terms, or its market's clock is not known."""
    clock = account_clock(row.account)
    if clock.stale or row.scaled_on != clock.trade_date:
        return None
    host = row.account.host
    return Watched(
        pk=row.pk,
        revision=row.revision,
        symbol=row.symbol,
        host=host.name if host.fed_from is None else host.fed_from.name,
        terms=row.terms,
        totals=row.totals,
        course=row.course,
        began_at=row.began_at_price,
        expires_at=row.expires_at,
        trade_date=clock.trade_date,
        market_offset=clock.market_time - wall_now(),
        last_price=row.last_price,
        busy=busy,
    )


def _continued(old: Watched | None, fresh: Watched) -> Watched:
    """The fresh row with what memory knows better."""
    if old is None:
        return fresh
    if old.revision == fresh.revision:
        fresh.course, fresh.last_price, fresh.changed = old.course, old.last_price, old.changed
        return fresh
    # It moved for another reason, such as a part fill: the same band keeps its peak or valley.
    mine, theirs = old.course, fresh.course
    if (mine.center, mine.direction) == (theirs.center, theirs.direction) and None not in (
        mine.extreme,
        theirs.extreme,
    ):
        pick = max if mine.direction == Direction.RISING else min
        extreme = pick(mine.extreme or theirs.extreme, theirs.extreme or mine.extreme)  # type: ignore[type-var]
        fresh.course = replace(theirs, extreme=extreme)
        fresh.changed = extreme != theirs.extreme
    return fresh
