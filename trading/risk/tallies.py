"""Counting what people do: orders, cancels and turnover of the day, by account, person and strategy.

The counters are rows, so they survive restarts. They belong to the open account journals: rows are locked in
key order and written once when the journals close, in the same transaction as what they count.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Any, Final

from django.db.models import CharField, QuerySet

from ops.prepared import Prepared
from trading.ledger.journal import Journal
from trading.risk.facts import ZERO, Usage
from trading.risk.models import Tally

#: The window of rates in milliseconds. `Tally.recent` keeps the moments within it, so a rate is exact over any
#: second, not over the clock's seconds.
WINDOW_MS: Final = 1000
_COLUMNS: Final = (
    "orders",
    "cancels",
    "turnover",
    "recent",
    "most_per_second",
    "opening_equity",
    "peak_equity",
    "transferred",
)


def subjects_of(*, account_id: int, user_id: int | None, strategy: str = "") -> tuple[str, ...]:
    """Everybody on whose account something is counted."""
    found = [f"a:{account_id}"]
    if user_id is not None:
        found += [f"u:{user_id}", f"ua:{user_id}:{account_id}"]
    if strategy:
        found.append(f"s:{strategy}")
    return tuple(found)


def tally_key(trade_date: date, subject: str) -> str:
    """The key of a subject's row of a date."""
    return f"{trade_date:%Y%m%d}:{subject}"


def usage_of(tally: Tally, at: datetime) -> Usage:
    """A row's counters as the checks see them at a moment."""
    since = _ms(at) - WINDOW_MS
    return Usage(
        orders=tally.orders,
        cancels=tally.cancels,
        turnover=tally.turnover,
        in_last_second=sum(moment > since for moment in tally.recent),
        opening_equity=tally.opening_equity,
        peak_equity=tally.peak_equity,
    )


def usage_read(trade_date: date, subjects: Iterable[str], at: datetime) -> dict[str, Usage]:
    """The counters of subjects as they stand, nothing held; subjects without a row are left out."""
    keys = [tally_key(trade_date, subject) for subject in subjects]
    return {tally.subject: usage_of(tally, at) for tally in Tally.objects.filter(pk__in=keys)}


#: An order asks for as many counters as it has subjects; a basket over several accounts for more.
_MOST_PREPARED: Final = 8


def _lockable(keys: Iterable[Any]) -> QuerySet[Tally]:
    return Tally.objects.select_for_update().filter(pk__in=list(keys)).order_by("pk")


@cache
def _prepared(count: int) -> Prepared[Tally]:
    return Prepared(lambda *keys: _lockable(keys), *[CharField()] * count)


@dataclass(slots=True)
class Tallies:
    """The counters that the open journals hold and change. One per transaction."""

    at: datetime
    _rows: dict[str, Tally] = field(default_factory=dict)
    _changed: set[str] = field(default_factory=set)
    _waiting: list[_Count] = field(default_factory=list)

    @classmethod
    def of(cls, journal: Journal) -> Tallies:
        """The counters of the journal's transaction."""
        part = journal.parts.get(cls)
        if not isinstance(part, Tallies):
            part = journal.parts[cls] = cls(journal.at)
        return part

    def hold(self, trade_date: date, subjects: Iterable[str]) -> dict[str, Usage]:
        """Lock the counters of these subjects until the transaction ends, and read them."""
        rows = self._held({tally_key(trade_date, subject): (subject, trade_date) for subject in subjects})
        return {row.subject: usage_of(row, self.at) for row in rows}

    def count(
        self,
        trade_date: date,
        subjects: Iterable[str],
        *,
        orders: int = 0,
        cancels: int = 0,
        turnover: Decimal = ZERO,
    ) -> None:
        """Add to the counters of every subject, when the journals close."""
        self._waiting.append(_Count(trade_date, tuple(subjects), orders, cancels, turnover))

    def note_equity(self, trade_date: date, account_id: int, worth: Worth) -> None:
        """The account is worth so much: see `Worth`."""
        self._waiting.append(_Count(trade_date, (f"a:{account_id}",), worth=worth))

    def settle(self) -> None:
        """Take what was counted into the rows, for whoever has to read them within this transaction."""
        wanted = {
            tally_key(one.trade_date, subject): (subject, one.trade_date)
            for one in self._waiting
            for subject in one.subjects
        }
        self._held(wanted)
        for one in self._waiting:
            for subject in one.subjects:
                key = tally_key(one.trade_date, subject)
                if one.apply(self._rows[key], self.at):
                    self._changed.add(key)
        self._waiting.clear()

    def close(self) -> None:
        """Write what was counted: one locking read, one statement."""
        self.settle()
        if self._changed:
            rows = [self._rows[key] for key in sorted(self._changed)]
            Tally.objects.bulk_create(rows, update_conflicts=True, unique_fields=["key"], update_fields=_COLUMNS)
            self._changed.clear()

    def _held(self, wanted: dict[str, tuple[str, date]]) -> list[Tally]:
        """The rows of these keys, ours until the transaction ends; made where there were none."""
        missing = sorted(wanted.keys() - self._rows.keys())
        if missing:
            found = self._lock(missing)
            new = [key for key in missing if key not in found]
            if new:
                # Somebody else may be making the same row: whoever is second waits here and reads the first's.
                made = [Tally(key=key, subject=wanted[key][0], trade_date=wanted[key][1]) for key in new]
                Tally.objects.bulk_create(made, ignore_conflicts=True)
                found |= self._lock(new)
            self._rows |= found
        return [self._rows[key] for key in wanted]

    @staticmethod
    def _lock(keys: list[str]) -> dict[str, Tally]:
        few = len(keys) <= _MOST_PREPARED
        return {row.pk: row for row in (_prepared(len(keys)).all(*keys) if few else _lockable(keys))}


@dataclass(frozen=True, slots=True)
class Worth:
    """What an account is worth, and what its day is measured from.

    Attributes
    ----------
    equity
        As the broker just stated it, CNY.
    transferred
        Booked from outside today, less what went there: neither profit nor loss, so the day's start moves with it.
    opening
        Asked once, for the day's start: the equity at the last close, None before the first.
    """

    equity: Decimal
    transferred: Decimal = ZERO
    opening: Callable[[], Decimal | None] = lambda: None

    def apply(self, tally: Tally) -> bool:
        """Note it in the day's row; False when that changes nothing.

        The day's high starts again with a transfer: whether it contained the money before it was booked, nobody knows.
        """
        if self.equity <= 0:
            return False  # a terminal that has not summed up yet; never a reason to stop
        before = (tally.opening_equity, tally.peak_equity, tally.transferred)
        if tally.opening_equity is None:
            closed = self.opening()
            tally.opening_equity = self.equity if closed is None else closed + self.transferred
            tally.peak_equity = tally.opening_equity
        elif self.transferred != tally.transferred:
            tally.opening_equity += self.transferred - tally.transferred
            tally.peak_equity = tally.opening_equity
        tally.transferred = self.transferred
        tally.peak_equity = max(tally.peak_equity or self.equity, self.equity)
        return (tally.opening_equity, tally.peak_equity, tally.transferred) != before


@dataclass(frozen=True, slots=True)
class _Count:
    """One thing that was done, and by whom."""

    trade_date: date
    subjects: tuple[str, ...]
    orders: int = 0
    cancels: int = 0
    turnover: Decimal = ZERO
    worth: Worth | None = None

    def apply(self, tally: Tally, at: datetime) -> bool:
        """Add to a row; False when that changes nothing."""
        if self.worth is not None:
            return self.worth.apply(tally)
        tally.orders += self.orders
        tally.cancels += self.cancels
        tally.turnover += self.turnover
        messages = self.orders + self.cancels
        if messages > 0:
            now = _ms(at)
            tally.recent = [moment for moment in tally.recent if moment > now - WINDOW_MS] + [now] * messages
            tally.most_per_second = max(tally.most_per_second, len(tally.recent))
        return True


def _ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)
