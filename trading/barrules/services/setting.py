"""Having an instrument entered and left by the MACD rule, or not any more."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from django.db import transaction

from accounts.actors import actor_for
from accounts.models import ApiToken, User
from accounts.selectors import account_to_trade
from ops import audit
from ops.clocks import wall_now
from ops.errors import Code, Invalid
from ops.inputs import shown
from trading.barrules.choices import RulePeriod
from trading.barrules.models import MacdRule
from trading.ledger.journal import DATABASE
from trading.ledger.wire import plain
from trading.orders.services.submit import instrument_named
from trading.orders.services.ticket import decimal_of

FIELDS: Final = frozenset({"account", "symbol", "period", "amount", "enabled"})
AMOUNT_LEAST, AMOUNT_MOST = Decimal(100), Decimal(10**8)


def macd_rule_set(
    *,
    user: User,
    account_id: int,
    symbol: Any,
    period: Any = None,
    amount: Any = None,
    enabled: Any = True,
    token: ApiToken | None = None,
    request_id: str = "",
) -> MacdRule:
    """Set the rule on one instrument, in this person's name. Saying again what stands changes nothing.

    Parameters
    ----------
    period
        One of `RulePeriod`; a day when absent.
    amount
        CNY of an entry; required while it is on.

    Raises
    ------
    NotFound, Forbidden
        As `order_submit` does: who may not trade the account decides nothing about it.
    Invalid
        A malformed field, named.
    """
    account = account_to_trade(user, account_id)
    if not isinstance(symbol, str) or not symbol:
        raise Invalid(Code.FIELD_REQUIRED, field="symbol")
    instrument = instrument_named(symbol)
    if not isinstance(enabled, bool):
        raise Invalid(Code.FIELD_INVALID, field="enabled", value=shown(enabled), allowed=[True, False])
    with transaction.atomic(using=DATABASE):
        before = MacdRule.objects.select_for_update().filter(account=account, symbol=instrument.symbol).first()
        terms = {
            "period": _period(period, before),
            "amount": _amount(amount, before),
            "enabled": enabled,
            "user": user,
            "token": token,
            "by_token": token is not None,
        }
        if before is not None and all(getattr(before, name) == value for name, value in terms.items()):
            return before
        if before is None or before.period != terms["period"]:
            terms |= {"judged_bar": 0}
        rule, _created = MacdRule.objects.update_or_create(
            account=account,
            symbol=instrument.symbol,
            defaults={**terms, "instrument_id": instrument.pk, "changed_at": wall_now()},
        )
        audit.record(
            actor=actor_for(user, token),
            action="macd_rule.set",
            target=f"macd_rule:{rule.pk}",
            before=None if before is None else _facts(before),
            after=_facts(rule),
            account_id=account.pk,
            request_id=request_id,
        )
    return rule


def _facts(rule: MacdRule) -> dict[str, Any]:
    return {
        "symbol": rule.symbol,
        "period": str(rule.period),
        "amount": plain(rule.amount),
        "enabled": rule.enabled,
        "user": rule.user_id,
    }


def _period(given: Any, before: MacdRule | None) -> str:
    if given is None:
        return RulePeriod.DAY.value if before is None else before.period
    if given not in RulePeriod.values:
        raise Invalid(Code.FIELD_INVALID, field="period", value=shown(given), allowed=RulePeriod.values)
    return str(given)


def _amount(given: Any, before: MacdRule | None) -> Decimal:
    if given is None:
        if before is None:
            raise Invalid(Code.FIELD_REQUIRED, field="amount")
        kept: Decimal = before.amount
        return kept
    number = decimal_of(given)
    if (
        number is None
        or not number.is_finite()
        or not AMOUNT_LEAST <= number <= AMOUNT_MOST
        or number != round(number, 2)
    ):
        raise Invalid(
            Code.FIELD_INVALID,
            field="amount",
            value=shown(given),
            least=plain(AMOUNT_LEAST),
            most=plain(AMOUNT_MOST),
            decimals=2,
        )
    return number
