"""Judging an execution before anything of it is sent: every leg by the checks of an order, money and shares summed up."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from marketdata.models import Instrument, InstrumentDay
from marketdata.quotes.models import LatestQuote
from marketdata.selectors import instrument_day
from ops.errors import Code, Denied
from qmt.codes import Kind as InstrumentKind
from qmt.gateway import Side
from trading.ledger.fees import cost_of_fill
from trading.ledger.journal import Journal
from trading.orders.services.context import account_clock, check_context, newest_quote
from trading.orders.services.ticket import Ticket
from trading.risk.checks import denials, reservation_of
from trading.risk.context import ZERO, CheckContext
from trading.risk.facts import Working

#: What the whole of a parent may be too large for although each child is not.
_SUMS = frozenset({Code.CASH_INSUFFICIENT, Code.SELLABLE_INSUFFICIENT, Code.ASSET_UNKNOWN})


@dataclass(frozen=True, slots=True)
class Candidate:
    """One leg to judge, with what is read before the account's book is held."""

    number: int
    ticket: Ticket
    instrument: Instrument
    day: InstrumentDay | None
    quote: LatestQuote | None
    note: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, number: int, ticket: Ticket, instrument: Instrument, account: Any, **note: Any) -> Candidate:
        """Read the instrument's day and quote. `account` comes with its host's status."""
        day = instrument_day(instrument, account_clock(account).trade_date)
        return cls(number, ticket, instrument, day, newest_quote(instrument), note)


@dataclass(frozen=True, slots=True)
class Verdict:
    """One leg, what was looked at, and why it is denied; None when it is not."""

    candidate: Candidate
    context: CheckContext
    denial: Denied | None


def judged(
    journal: Journal, user_id: int, candidates: Sequence[Candidate], *, ignore: Collection[Code] = ()
) -> list[Verdict]:
    """Judge legs as if they were placed one after the other, sales first; in that order."""
    verdicts = []
    pledged = _Pledged()
    for candidate in sorted(candidates, key=lambda one: (one.ticket.side is Side.BUY, one.number)):
        context = pledged.context(journal, user_id, candidate)
        denial = next((one for one in denials(context) if one.code not in ignore), None)
        if denial is None:
            pledged.add(journal, user_id, candidate, context)
        verdicts.append(Verdict(candidate, context, denial))
    return verdicts


def sum_judged(journal: Journal, user_id: int, whole: Candidate) -> Verdict:
    """Judge only whether money or shares suffice for the whole of a parent that is traded in parts."""
    context = _Pledged().context(journal, user_id, whole)
    return Verdict(whole, context, next((one for one in denials(context) if one.code in _SUMS), None))


def refuse_denied(verdicts: Iterable[Verdict]) -> None:
    """Raise what was judged.

    Raises
    ------
    Denied
        LEGS_DENIED with each denied leg's number, code, message and facts; nothing has changed.
    """
    denied = [
        {"leg": one.candidate.number, "symbol": one.candidate.ticket.symbol, **one.denial.as_dict()}
        for one in verdicts
        if one.denial is not None
    ]
    if denied:
        raise Denied(Code.LEGS_DENIED, legs=sorted(denied, key=lambda row: row["leg"]))


@dataclass(slots=True)
class _Pledged:
    """What the legs judged so far would take."""

    cash: Decimal = ZERO
    shares: dict[str, int] = field(default_factory=dict)
    working: list[Working] = field(default_factory=list)

    def context(self, journal: Journal, user_id: int, candidate: Candidate) -> CheckContext:
        return check_context(
            journal,
            candidate.ticket,
            instrument=candidate.instrument,
            day=candidate.day,
            quote=candidate.quote,
            user_id=user_id,
            pledged_cash=self.cash,
            pledged_quantity=self.shares.get(candidate.instrument.symbol, 0),
            earlier=self.working,
            hold=False,
        )

    def add(self, journal: Journal, user_id: int, candidate: Candidate, context: CheckContext) -> None:
        ticket = candidate.ticket
        symbol = candidate.instrument.symbol
        reservation = reservation_of(context)
        self.cash += reservation.cash
        if ticket.side is Side.SELL:
            self.cash -= _proceeds(context)
            self.shares[symbol] = self.shares.get(symbol, 0) + ticket.quantity
        self.working.append(
            Working(
                account_id=context.account.pk,
                symbol=symbol,
                side=ticket.side,
                price=ticket.price,
                quantity=ticket.quantity,
                remaining=ticket.quantity,
                at=journal.at,
                worth=reservation.cash,
                user_id=user_id,
                strategy=ticket.strategy,
            )
        )


def _proceeds(context: CheckContext) -> Decimal:
    """What a sale brings in at the worst: at its limit or limit-down, less its fees; nothing without such a price."""
    price = context.price if context.price is not None else None if context.day is None else context.day.limit_down
    if price is None:
        return ZERO
    amount = price * context.quantity
    cost = cost_of_fill(
        account=context.account,
        kind=InstrumentKind(context.instrument.kind),
        side=context.side,
        amount=amount,
        day=context.clock.trade_date,
        earlier_amounts=(),
    )
    return max(ZERO, amount - cost.total)


def symbols_once(candidates: Iterable[Candidate]) -> str | None:
    """The first symbol that two legs name; None when each names another. Two legs of one would trade against each other."""
    seen: set[str] = set()
    for candidate in candidates:
        if candidate.instrument.symbol in seen:
            return candidate.instrument.symbol
        seen.add(candidate.instrument.symbol)
    return None
