"""Limits for tests, and a judged order without a database."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import uuid4

from marketdata.quotes.models import LatestQuote
from ops.clocks import wall_now
from qmt.calendar import to_ms
from qmt.gateway import Side
from tests.risk.test_checks import NOW, TODAY, context
from trading.risk.choices import LimitKind, LimitScope
from trading.risk.context import CheckContext
from trading.risk.facts import LimitFacts, Usage, Working
from trading.risk.limits import Limit
from trading.risk.models import Control, RiskLimit

USER = 7


def limit(kind: str, value: Any = None, *, number: int = 1, scope: str = "PLATFORM", **changes: Any) -> Limit:
    """A limit as the checks see it."""
    return Limit(
        id=number,
        kind=LimitKind(kind),
        scope=LimitScope(scope),
        value=None if value is None else Decimal(str(value)),
        **changes,
    )


def judged(*limits: Limit, board: str = "MAIN", facts: dict[str, Any] | None = None, **order: Any) -> CheckContext:
    """Buying 100 at 10.00, unless told otherwise, under these limits."""
    known: dict[str, Any] = {"at": NOW, "trade_date": TODAY, "user_id": USER, "limits": limits}
    return context(board, facts=LimitFacts(**(known | (facts or {}))), **order)


def working(**changes: Any) -> Working:
    """A working buy of 100 at 10.00 of the same person, account and symbol."""
    values: dict[str, Any] = {
        "account_id": 1,
        "symbol": "600519.SH",
        "side": Side.BUY,
        "price": Decimal(10),
        "quantity": 100,
        "remaining": 100,
        "at": NOW,
        "worth": Decimal(1000),
        "user_id": USER,
    }
    return Working(**(values | changes))


def used(**changes: Any) -> dict[str, Usage]:
    """What account 1 has done today."""
    return {"a:1": Usage(**changes)}


def quote(last: float = 10.0, bid: float = 0, ask: float = 0) -> LatestQuote:
    """A quote of the market's own date."""
    return LatestQuote(
        instrument_id=1, ts=to_ms(TODAY, NOW.time()), last=last, open=last, high=last, low=last, pre_close=10.0,
        volume=0, amount=0, bid=[bid], ask=[ask], received_at=0,
    )  # fmt: skip


def stored(kind: str, value: Any = None, *, scope: str = "PLATFORM", **changes: Any) -> RiskLimit:
    """A limit in force, written without its service."""
    now = wall_now()
    row = RiskLimit.objects.create(
        kind=kind,
        scope=scope,
        value=None if value is None else Decimal(str(value)),
        created_at=now,
        updated_at=now,
        updated_by="tests",
        **changes,
    )
    Control.objects.update_or_create(pk=Control.ONLY, defaults={"limits_version": uuid4().hex})
    return row
