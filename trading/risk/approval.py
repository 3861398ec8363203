"""Whether an order needs somebody else's approval: the rules in force, held in memory under the limits' version word.

Asked after the pre-trade checks: what they deny is denied, whoever would approve it. A kill switch's sale is never held.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from desk.settings.schema import get_config
from ops.errors import Code, Denied
from trading.ledger.wire import plain
from trading.risk.context import CheckContext
from trading.risk.facts import ZERO
from trading.risk.models import ApprovalRule
from trading.risk.rules.prices import last_price

_PERCENT = Decimal(100)


@dataclass(frozen=True, slots=True)
class Rule:
    """One enabled approval rule, as the orders see it. Empty conditions hold for everything."""

    id: int
    version: int
    account_id: int | None = None
    user_id: int | None = None
    strategy: str = ""
    min_value: Decimal | None = None
    symbols: frozenset[str] = frozenset()
    sides: frozenset[str] = frozenset()
    sources: frozenset[str] = frozenset()
    expires_seconds: int | None = None
    max_drift_percent: Decimal | None = None
    note: str = ""

    def asks_about(self, wish: Wish) -> bool:
        """Whether the rule is about such an order, whatever its value."""
        return (
            self.account_id in (None, wish.account_id)
            and self.user_id in (None, wish.user_id)
            and self.strategy in ("", wish.strategy)
            and (not self.symbols or wish.symbol in self.symbols)
            and (not self.sides or wish.side in self.sides)
            and (not self.sources or wish.source in self.sources)
        )


@dataclass(frozen=True, slots=True)
class Wish:
    """One order as the rules look at it. `value` in CNY, None where nothing bounds it; `last` is the price it met."""

    account_id: int
    user_id: int | None
    strategy: str
    symbol: str
    side: str
    source: str
    value: Decimal | None
    last: Decimal | None

    @classmethod
    def of(cls, context: CheckContext, *, strategy: str, user_id: int | None, source: str) -> Wish:
        """Take over what the pre-trade checks looked at; an order is valued at the most it can cost."""
        last = last_price(context)
        price = context.worst_price or last
        return cls(
            account_id=context.account.pk,
            user_id=user_id,
            strategy=strategy,
            symbol=context.instrument.symbol,
            side=str(context.side),
            source=source,
            value=None if price is None else price * context.quantity,
            last=last,
        )


@dataclass(frozen=True, slots=True)
class Hold:
    """Why something waits for approval, and on which terms: of several rules the narrowest terms hold."""

    rules: tuple[Rule, ...]
    value: Decimal | None
    expires_seconds: int
    max_drift_percent: Decimal | None

    def reasons(self) -> list[dict[str, Any]]:
        """The rules as the request keeps them."""
        return [{"id": rule.id, "version": rule.version, "note": rule.note} for rule in self.rules]


_lock = threading.Lock()
_held: tuple[str, tuple[Rule, ...]] | None = None


def approval_needed(version: str, wishes: Iterable[Wish]) -> Hold | None:
    """The hold that the rules in force put on one order, or on several that are decided together.

    Parameters
    ----------
    version
        `Control.limits_version`, read in the transaction that judges.
    wishes
        A rule's value is compared with the sum of those it is about, so that no split makes a large wish small.

    Returns
    -------
    Hold or None
        None: nobody has to approve it.
    """
    asked = tuple(wishes)
    found = tuple(rule for rule in rules_in_force(version) if _holds(rule, asked))
    if not found:
        return None
    values = [wish.value for wish in asked]
    drifts = [rule.max_drift_percent for rule in found if rule.max_drift_percent is not None]
    return Hold(
        rules=found,
        value=None if None in values else sum((value for value in values if value is not None), ZERO),
        expires_seconds=min(rule.expires_seconds or get_config().approval_seconds for rule in found),
        max_drift_percent=min(drifts, default=None),
    )


def _holds(rule: Rule, wishes: tuple[Wish, ...]) -> bool:
    mine = [wish for wish in wishes if rule.asks_about(wish)]
    if not mine or rule.min_value is None:
        return bool(mine)
    total = ZERO
    for wish in mine:
        if wish.value is None:
            return True  # nothing bounds it: it may be worth more than any value
        total += wish.value
    return total >= rule.min_value


def drift_denial(*, symbol: str, then: Decimal | None, now: Decimal | None, most: Decimal | None) -> Denied | None:
    """What the distance between the price an order met and today's newest says to approving it.

    Parameters
    ----------
    most
        Percent of `then`; None: the price may have gone anywhere.
    """
    if most is None:
        return None
    if then is None or now is None or then <= 0:
        return Denied(Code.QUOTE_UNKNOWN, symbol=symbol)
    drift = abs(now - then) * _PERCENT / then
    if drift <= most:
        return None
    return Denied(
        Code.PRICE_DRIFTED,
        symbol=symbol,
        was=plain(then),
        now=plain(now),
        drift_percent=plain(drift.quantize(Decimal("0.0001"))),
        allowed_percent=plain(most),
    )


def rules_in_force(version: str) -> tuple[Rule, ...]:
    """Every enabled rule of this version, oldest first."""
    global _held
    held = _held
    if held is not None and held[0] == version:
        return held[1]
    rules = tuple(_rule(row) for row in ApprovalRule.objects.filter(enabled=True).order_by("pk"))
    # A change that commits between the two reads gives these rows a version of their own soon.
    with _lock:
        _held = (version, rules) if version else None
    return rules


def _rule(row: ApprovalRule) -> Rule:
    return Rule(
        id=row.pk,
        version=row.version,
        account_id=row.account_id,
        user_id=row.user_id,
        strategy=row.strategy,
        min_value=row.min_value,
        symbols=frozenset(row.symbols),
        sides=frozenset(row.sides),
        sources=frozenset(row.sources),
        expires_seconds=row.expires_seconds,
        max_drift_percent=row.max_drift_percent,
        note=row.note,
    )
