"""Judging an order without placing it: every check with its verdict, what it would take, what it would cost."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from accounts.models import BrokerAccount, User
from accounts.selectors import account_get, may_trade
from marketdata.selectors import instrument_day
from ops.errors import Code, Denied, Forbidden
from qmt.codes import Kind
from trading.ledger.fees import cost_of_fill
from trading.ledger.journal import unheld_journal
from trading.ledger.wire import day, money, plain
from trading.orders.choices import Source
from trading.orders.services.context import account_clock, check_context, newest_quote
from trading.orders.services.submit import instrument_named
from trading.orders.services.ticket import Ticket
from trading.risk.approval import Wish, approval_needed
from trading.risk.catalogue import CATALOGUE
from trading.risk.checks import CHECKS, reservation_of
from trading.risk.context import CheckContext
from trading.risk.limits import Limit
from trading.risk.rules.prices import clamped_to_cage, last_price
from trading.risk.usage import used_of


def order_check(*, user: User, account_id: int, **wish: Any) -> dict[str, Any]:
    """What would become of an order if it were placed now; changes nothing and holds nothing.

    Parameters
    ----------
    wish
        ``symbol``, ``side``, ``quantity``, ``price_type``, ``price``, ``client_order_id``, ``strategy``, as
        `order_submit` takes them.

    Returns
    -------
    dict
        ``accepted``; ``approval`` that it would wait for, if any; ``checks`` with each one's verdict, code and facts; ``limits`` that apply with their
        usage; ``reservation``; ``cost`` by item; ``price`` that would be sent.

    Raises
    ------
    NotFound, Forbidden, Invalid
        As `order_submit` does.
    """
    account = account_get(user, account_id)
    if not may_trade(user, account):
        raise Forbidden(Code.TRADE_NOT_GRANTED, account=account.pk)
    ticket = Ticket.parse(**{"price_type": "LIMIT", "price": None, "client_order_id": None, **wish})
    context = clamped_to_cage(unheld_context(account, ticket, user_id=user.pk))
    checks = verdicts(context)
    accepted = all(check["verdict"] == "PASSED" for check in checks)
    held = reservation_of(context)
    return {
        "account": account.pk,
        "symbol": context.instrument.symbol,
        "side": str(ticket.side),
        "quantity": ticket.quantity,
        "price_type": str(ticket.price_type),
        "price": plain(context.price),
        "clamped_from": None if context.price == ticket.price else plain(ticket.price),
        "trade_date": day(context.clock.trade_date),
        "accepted": accepted,
        "approval": _approval(context, ticket, user) if accepted else None,
        "checks": checks,
        "reservation": {"cash": money(held.cash), "quantity": held.quantity},
        "cost": cost_of(context),
    }


def unheld_context(account: BrokerAccount, ticket: Ticket, *, user_id: int) -> CheckContext:
    """What decides about an order of somebody's if it were placed now; nothing is locked.

    Raises
    ------
    Invalid
        SYMBOL_UNKNOWN, and what else `instrument_named` says.
    """
    instrument = instrument_named(ticket.symbol)
    return check_context(
        unheld_journal(account),
        ticket,
        instrument=instrument,
        day=instrument_day(instrument, account_clock(account).trade_date),
        quote=newest_quote(instrument),
        user_id=user_id,
        hold=False,
    )


def _approval(context: CheckContext, ticket: Ticket, user: User) -> dict[str, Any] | None:
    """The rules that would make the order wait for somebody else, and for how long; None when it would not."""
    if context.facts is None:
        return None
    wish = Wish.of(context, strategy=ticket.strategy, user_id=user.pk, source=str(Source.API))
    hold = approval_needed(context.facts.version, [wish])
    return None if hold is None else {"rules": hold.reasons(), "expires_seconds": hold.expires_seconds}


def verdicts(context: CheckContext) -> list[dict[str, Any]]:
    """Every check and every limit that applies, each with its verdict."""
    return [*_checked(context), *_limits_checked(context)]


def _checked(context: CheckContext) -> list[dict[str, Any]]:
    return [_verdict(check.__name__, check(context)) for check in CHECKS]


def _limits_checked(context: CheckContext) -> list[dict[str, Any]]:
    """Each limit that applies, by itself."""
    facts = context.facts
    if facts is None:
        return []
    return [
        _verdict(str(limit.kind), CATALOGUE[limit.kind].check(context, limit)) | {"limit": _limit(context, limit)}
        for limit in facts.limits
    ]


def _verdict(name: str, denial: Denied | None) -> dict[str, Any]:
    if denial is None:
        return {"check": name, "verdict": "PASSED", "code": "", "facts": {}, "limit": None}
    facts = denial.as_dict().get("details", {})
    return {"check": name, "verdict": "DENIED", "code": str(denial.code), "facts": facts, "limit": None}


def _limit(context: CheckContext, limit: Limit) -> dict[str, Any]:
    return {
        "id": limit.id,
        "scope": str(limit.scope),
        "value": plain(limit.value),
        "unit": str(CATALOGUE[limit.kind].unit),
        "used": plain(used_of(context, limit)),
    }


def cost_of(context: CheckContext) -> dict[str, Any] | None:
    """Amount and fees if it were filled whole, at once, at its price; None without any price to go by."""
    # A buy at the market may cost its limit-up; a sale brings in no more than the last price promises.
    price = (context.worst_price if context.is_buy else context.price) or last_price(context)
    if price is None:
        return None
    amount = (price * context.quantity).quantize(Decimal("0.01"))
    cost = cost_of_fill(
        account=context.account,
        kind=Kind(context.instrument.kind),
        side=context.side,
        amount=amount,
        day=context.clock.trade_date,
        earlier_amounts=(),
    )
    total = amount + cost.total if context.is_buy else amount - cost.total
    return {
        "amount": money(amount),
        "commission": money(cost.commission),
        "stamp_duty": money(cost.stamp_duty),
        "transfer_fee": money(cost.transfer_fee),
        "fees": money(cost.total),
        "total": money(total),
    }
