"""The orders a batch may be about, loaded once, and the finding of the one an event means."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from typing import Any

from django.db.models import BigIntegerField, CharField, DateField, Q, QuerySet

from ops.prepared import Prepared
from qmt.gateway import (
    CancelError,
    CancelResponse,
    OrderError,
    OrderResponse,
    OrderUpdate,
    TradeUpdate,
)
from trading.orders.models import Order

_CHUNK = 400
"""Clues per statement: databases bound the parameters of one, and short ones parse faster."""
_FEW = 8
"""So many of a kind come with the pushes of a moment; a query's answer brings more."""
_MOST_SEQ = 2**63 - 1
"""The largest number that the column holds."""

OrderEvidence = OrderResponse | OrderUpdate | TradeUpdate | OrderError | CancelResponse | CancelError


@dataclass(frozen=True, slots=True)
class Clues:
    """By what an event can be matched, in this order: our tag, the exchange's number, the terminal's, the call's.

    ``trade_date`` bounds the exchange's number, which repeats over days; the session
    bounds the terminal's number and the call's.
    """

    tag: str = ""
    order_sysid: str = ""
    broker_order_id: str = ""
    seq: int | None = None
    account_id: int | None = None
    trade_date: date | None = None


def clues_of(event: OrderEvidence, account_id: int | None, trade_date: date | None) -> Clues:
    """What the event says about which order it means."""
    order_id = getattr(event, "order_id", None)
    return Clues(
        tag=getattr(event, "tag", ""),
        order_sysid=getattr(event, "order_sysid", ""),
        # −1 and 0 are the SDK's "no number".
        broker_order_id=str(order_id) if order_id is not None and order_id > 0 else "",
        # The sequence number of a cancel is the cancel's own, not the order's.
        seq=event.seq if isinstance(event, OrderResponse | OrderError) else None,
        account_id=account_id,
        trade_date=trade_date,
    )


@dataclass(slots=True)
class OrderBook:
    """Candidate orders of one batch and their indexes; read while the journals are open."""

    accounts: frozenset[int]
    session_key: str
    _by_tag: dict[str, Order] = field(default_factory=dict)
    _by_sysid: dict[tuple[int, date, str], Order] = field(default_factory=dict)
    _by_broker_id: dict[str, list[Order]] = field(default_factory=dict)
    _by_seq: dict[int, Order] = field(default_factory=dict)

    @classmethod
    def load(cls, clues: Sequence[Clues], *, accounts: Iterable[int], session_key: str) -> OrderBook:
        """Read every order of the accounts that one of the clues may mean."""
        book = cls(frozenset(accounts), session_key)
        for order in candidates(clues, accounts=book.accounts, session_key=session_key):
            book.add(order)
        return book

    def add(self, order: Order) -> None:
        """Make an order findable, again after it got a number it did not have."""
        if order.tag:
            self._by_tag[order.tag] = order
        if order.order_sysid:
            self._by_sysid[order.account_id, order.trade_date, order.order_sysid] = order
        if order.broker_order_id:
            same = self._by_broker_id.setdefault(order.broker_order_id, [])
            if order not in same:
                same.append(order)
        if order.session_seq is not None and order.session_key == self.session_key:
            self._by_seq[order.session_seq] = order

    def find(self, clues: Clues) -> Order | None:
        """The order that is meant, or None while nobody can tell."""
        found = self._by_tag.get(clues.tag) if clues.tag else None
        if found is None and clues.order_sysid and clues.trade_date is not None:
            found = self._of_sysid(clues, clues.trade_date)
        if found is None and clues.broker_order_id:
            found = self._of_broker_id(clues)
        if found is None and clues.seq is not None and clues.seq > 0:
            found = self._by_seq.get(clues.seq)
        return found

    def _of_sysid(self, clues: Clues, trade_date: date) -> Order | None:
        accounts = self.accounts if clues.account_id is None else (clues.account_id,)
        found = (self._by_sysid.get((pk, trade_date, clues.order_sysid)) for pk in accounts)
        matches = [order for order in found if order is not None]
        return matches[0] if len(matches) == 1 else None

    def _of_broker_id(self, clues: Clues) -> Order | None:
        matches = [
            order for order in self._by_broker_id.get(clues.broker_order_id, ()) if self._same_session(order, clues)
        ]
        return matches[0] if len(matches) == 1 else None

    def _same_session(self, order: Order, clues: Clues) -> bool:
        if clues.account_id is not None and order.account_id != clues.account_id:
            return False
        # An event that brings a tag of its own means another order than the one numbered alike.
        if clues.tag and order.tag and clues.tag != order.tag:
            return False
        return bool(self.session_key) and order.seen_session == self.session_key


def candidates(clues: Sequence[Clues], *, accounts: Iterable[int], session_key: str) -> list[Order]:
    """Orders of the accounts that any of the clues may mean."""
    concerned = frozenset(accounts)
    found: dict[object, Order] = {}
    for start in range(0, len(clues), _CHUNK):
        for order in _Sought.of(clues[start : start + _CHUNK], session_key).read(concerned, session_key):
            if order.account_id in concerned:
                found.setdefault(order.pk, order)
    return list(found.values())


@dataclass(frozen=True, slots=True)
class _Sought:
    """What clues name, each kind by itself."""

    tags: list[str]
    ids: list[str]
    seqs: list[int]
    sysids: dict[date, list[str]]

    @classmethod
    def of(cls, clues: Sequence[Clues], session_key: str) -> _Sought:
        """Numbers of the terminal mean nothing outside of a session."""
        ids = {clue.broker_order_id for clue in clues if clue.broker_order_id and session_key}
        seqs = {clue.seq for clue in clues if clue.seq is not None and 0 < clue.seq <= _MOST_SEQ and session_key}
        sysids: dict[date, set[str]] = {}
        for clue in clues:
            if clue.order_sysid and clue.trade_date is not None:
                sysids.setdefault(clue.trade_date, set()).add(clue.order_sysid)
        return cls(
            tags=sorted({clue.tag for clue in clues if clue.tag}),
            ids=sorted(ids),
            seqs=sorted(seqs),
            sysids={day: sorted(numbers) for day, numbers in sysids.items()},
        )

    def read(self, accounts: frozenset[int], session_key: str) -> Iterable[Order]:
        """The orders, with who placed them. The few that a push names are asked for with a compiled query."""
        if not (self.tags or self.ids or self.seqs or self.sysids):
            return ()
        day, numbers = next(iter(self.sysids.items()), (date.min, []))
        lists: tuple[list[Any], ...] = (self.tags, self.ids, self.seqs, numbers)
        one_account = len(accounts) == 1 or not numbers
        if len(self.sysids) > 1 or not one_account or max(map(len, lists)) > _FEW:
            mine = Q(account__in=accounts)
            return _orders(_condition(self.tags, self.ids, self.seqs, self.sysids, mine, session_key))
        # Padded with repeats: two sizes of each list cover whatever comes.
        padded = [values + values[-1:] * (_FEW - len(values)) if len(values) > 1 else values for values in lists]
        account_id = next(iter(accounts), 0)
        return _few(*map(len, padded)).all(session_key, account_id, day, *itertools.chain(*padded))


@cache
def _few(tags: int, ids: int, seqs: int, numbers: int) -> Prepared[Order]:
    """So many tags, numbers at the terminal, calls, and numbers at the exchange of one account's date."""

    def build(session_key: Any, account_id: Any, day: Any, *values: Any) -> QuerySet[Order]:
        left = iter(values)
        of_tag, of_id, of_seq, of_number = (list(itertools.islice(left, size)) for size in (tags, ids, seqs, numbers))
        sysids = {day: of_number} if of_number else {}
        return _orders(_condition(of_tag, of_id, of_seq, sysids, Q(account=account_id), session_key))

    text, number = CharField(), BigIntegerField()
    return Prepared(build, text, number, DateField(), *[text] * (tags + ids), *[number] * seqs, *[text] * numbers)


def _orders(condition: Q) -> QuerySet[Order]:
    return Order.objects.filter(condition).select_related("created_by")


def _condition(
    tags: Sequence[Any],
    ids: Sequence[Any],
    seqs: Sequence[Any],
    sysids: Mapping[Any, Sequence[Any]],
    mine: Q,
    session_key: Any,
) -> Q:
    """One OR of conditions that each have an index of their own.

    The account stands only where its index needs it: as a condition over all of them it
    would tempt a planner to read the account's whole day.
    """
    condition = Q(tag__in=tags) if tags else Q()
    if ids:
        condition |= Q(seen_session=session_key, broker_order_id__in=ids)
    if seqs:
        condition |= Q(session_key=session_key, session_seq__in=seqs)
    for day, numbers in sysids.items():
        condition |= mine & Q(order_sysid__in=numbers, trade_date=day)
    return condition
