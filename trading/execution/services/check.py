"""Judging an execution without starting it: every leg's verdict, what would be traded and when, and what it would cost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from accounts.models import BrokerAccount, User
from accounts.selectors import account_to_trade
from marketdata.models import Instrument
from ops.errors import Code
from trading.execution.choices import Kind
from trading.execution.facts import LegFacts
from trading.execution.holding import execution_hold
from trading.execution.preview import Due, split_children, window_children
from trading.execution.services.start import (
    judge,
    legs_of,
    lots_of,
    refuse_shape,
    target_steps,
    window_of,
)
from trading.execution.services.validation import Candidate, Verdict
from trading.execution.wishes import Wish, parse
from trading.ledger.journal import unheld_journal
from trading.ledger.wire import day, moment, money, plain
from trading.orders.services.check import cost_of
from trading.orders.services.context import account_clock
from trading.risk.context import CheckContext

_FEES = ("commission", "stamp_duty", "transfer_fee", "fees")
ZERO = Decimal(0)


def execution_check(*, user: User, account_id: int, body: Mapping[str, Any]) -> dict[str, Any]:
    """What would become of a basket, targets, a split or a TWAP if it were started now; changes nothing.

    Parameters
    ----------
    body
        As `execution_start` takes it.

    Returns
    -------
    dict
        ``accepted``; ``approval`` that the whole would wait for, if any; ``legs`` in the order in which they are
        judged, sales first, each with its verdict, code, facts and cost; ``cost`` of all; ``children`` of a split or
        a TWAP with their times.

    Raises
    ------
    NotFound, Forbidden, Invalid
        As `execution_start` does.
    Denied
        ASSET_UNKNOWN, QUOTE_UNKNOWN: a target's value cannot be turned into shares.
    """
    account = account_to_trade(user, account_id)
    wish = parse(body)
    clock = account_clock(account)
    window = window_of(wish, clock)
    idle: list[dict[str, Any]] = []
    if wish.kind is Kind.TARGET:
        candidates, idle = _targets(account, wish)
    else:
        candidates = legs_of(account, wish.tickets)
    if candidates:
        refuse_shape(wish, candidates, clock.trade_date)
    journal = unheld_journal(account)
    verdicts = judge(
        journal,
        user.pk,
        candidates,
        kind=wish.kind,
        child_quantity=wish.child_quantity,
        slices=wish.slices,
        waits=window is not None and window[0] > clock.market_time,
    )
    children = _children(wish, candidates, window, clock.trade_date)
    legs = _legs(candidates, verdicts, [child.quantity for child in children])
    accepted = bool(candidates) and all(verdict.denial is None for verdict in verdicts)
    hold = execution_hold(journal, user.pk, candidates) if accepted else None
    return {
        "account": account.pk,
        "kind": str(wish.kind),
        "trade_date": day(clock.trade_date),
        "accepted": accepted,
        "code": "" if candidates else str(Code.NOTHING_TO_TRADE),
        "approval": None if hold is None else {"rules": hold.reasons(), "expires_seconds": hold.expires_seconds},
        "legs": [*legs, *idle],
        "cost": _sum(legs),
        "children": [_child_view(child) for child in children],
    }


def _targets(account: BrokerAccount, wish: Wish) -> tuple[list[Candidate], list[dict[str, Any]]]:
    """The legs that targets make, and a row for each target that makes none."""
    candidates: list[Candidate] = []
    idle = []
    for number, (instrument, step, candidate) in enumerate(target_steps(account, wish), 1):
        if candidate is None:
            idle.append(_reached(number, instrument, wish.targets[number - 1].price_type, step.note))
        else:
            candidates.append(candidate)
    return candidates, idle


def _reached(number: int, instrument: Instrument, price_type: str, note: dict[str, Any]) -> dict[str, Any]:
    return {
        "leg": number,
        "symbol": instrument.symbol,
        "name": instrument.name,
        "side": None,
        "quantity": 0,
        "price_type": price_type,
        "price": None,
        "verdict": "NOTHING",
        "code": "",
        "facts": {},
        "note": note,
        "cost": None,
    }


def _children(
    wish: Wish, candidates: Sequence[Candidate], window: tuple[datetime, datetime] | None, today: date
) -> list[Due]:
    if wish.kind not in (Kind.SPLIT, Kind.TWAP):
        return []
    whole = candidates[0]
    leg = LegFacts(1, whole.ticket.side == "BUY", whole.ticket.quantity, lots_of(whole.instrument, today))
    if wish.child_quantity is not None:
        return list(split_children(leg, wish.child_quantity))
    return [] if window is None or wish.slices is None else list(window_children(leg, *window, wish.slices))


def _legs(
    candidates: Sequence[Candidate], verdicts: Sequence[Verdict], children: Sequence[int]
) -> list[dict[str, Any]]:
    """One row per leg: what is traded in parts has two verdicts on one leg, of which a denial counts."""
    rows: dict[int, dict[str, Any]] = {}
    wholes = {candidate.number: candidate for candidate in candidates}
    for verdict in verdicts:
        whole = wholes[verdict.candidate.number]
        denial = verdict.denial
        rows[whole.number] = {
            "leg": whole.number,
            "symbol": whole.instrument.symbol,
            "name": whole.instrument.name,
            "side": str(whole.ticket.side),
            "quantity": whole.ticket.quantity,
            "price_type": str(whole.ticket.price_type),
            "price": plain(whole.ticket.price),
            "verdict": "PASSED" if denial is None else "DENIED",
            "code": "" if denial is None else str(denial.code),
            "facts": {} if denial is None else denial.as_dict().get("details", {}),
            "note": whole.note,
            "cost": _cost(verdict.context, children or [whole.ticket.quantity]),
        }
    return list(rows.values())


def _cost(context: CheckContext, quantities: Iterable[int]) -> dict[str, Any] | None:
    """Amount and fees of a leg, each of its orders paying its own smallest commission; None without a price to go by."""
    totals = dict.fromkeys(("amount", *_FEES, "total"), ZERO)
    for quantity, times in Counter(quantities).items():
        cost = cost_of(replace(context, quantity=quantity))
        if cost is None:
            return None
        for name in totals:
            totals[name] += Decimal(cost[name]) * times
    return {name: money(total) for name, total in totals.items()}


def _sum(legs: Iterable[Mapping[str, Any]]) -> dict[str, Any] | None:
    """What all legs come to; ``net`` is what the account has less afterwards, negative when it has more."""
    rows = [leg for leg in legs if leg["quantity"]]
    if not rows or any(row["cost"] is None for row in rows):
        return None

    def total(name: str, side: str = "") -> Decimal:
        return sum((Decimal(row["cost"][name]) for row in rows if side in ("", row["side"])), ZERO)

    return {
        "bought": money(total("amount", "BUY")),
        "sold": money(total("amount", "SELL")),
        **{name: money(total(name)) for name in _FEES},
        "net": money(total("total", "BUY") - total("total", "SELL")),
    }


def _child_view(child: Due) -> dict[str, Any]:
    return {"number": child.number, "quantity": child.quantity, "at": moment(child.at)}
