"""The limits in force, held in memory and dropped by one word in the database.

Every change of a limit gives `Control.limits_version` another word in the same transaction. A check
reads that word with the trading states it needs anyway, so it never judges by an old limit,
and never reads two hundred rows to judge one order.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from trading.risk.choices import LimitKind, LimitScope
from trading.risk.models import RiskLimit

_ORDER: Final = {kind: place for place, kind in enumerate(LimitKind)}


@dataclass(frozen=True, slots=True)
class Limit:
    """One enabled limit, as the checks see it."""

    id: int
    kind: LimitKind
    scope: LimitScope
    account_id: int | None = None
    user_id: int | None = None
    strategy: str = ""
    value: Decimal | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    valid_from: datetime | None = None
    valid_to: datetime | None = None

    @property
    def most(self) -> Decimal:
        """The value, of a kind that has one."""
        if self.value is None:
            raise ValueError(f"limit {self.id} ({self.kind}) has no value")
        return self.value

    def applies(self, *, account_id: int, user_id: int | None, strategy: str, at: datetime) -> bool:
        """Whether an order of this person and strategy on this account is bounded by it now."""
        if self.account_id is not None and self.account_id != account_id:
            return False
        if self.user_id is not None and self.user_id != user_id:
            return False
        if self.strategy and self.strategy != strategy:
            return False
        if self.valid_from is not None and at < self.valid_from:
            return False
        return self.valid_to is None or at < self.valid_to

    def subject(self, *, account_id: int, user_id: int | None) -> str:
        """Over whose doings its usage is counted: a `Tally` subject."""
        if self.scope is LimitScope.USER:
            return f"u:{user_id}"
        if self.scope is LimitScope.USER_ACCOUNT:
            return f"ua:{user_id}:{account_id}"
        if self.scope is LimitScope.STRATEGY:
            return f"s:{self.strategy}"
        return f"a:{account_id}"


_lock = threading.Lock()
_held: tuple[str, tuple[Limit, ...]] | None = None


def limits_in_force(version: str) -> tuple[Limit, ...]:
    """Every enabled limit of this version, in the order of the checks, narrowest value first.

    Parameters
    ----------
    version
        `Control.limits_version`, read in the transaction that judges.
    """
    global _held
    held = _held
    if held is not None and held[0] == version:
        return held[1]
    limits = load_limits()
    # A change that commits between the two reads gives these rows a version of their own soon.
    with _lock:
        _held = (version, limits) if version else None
    return limits


def load_limits() -> tuple[Limit, ...]:
    """Every enabled limit, from the database."""
    rows = sorted(RiskLimit.objects.filter(enabled=True), key=_place)
    return tuple(limit_of(row) for row in rows)


def limit_of(row: RiskLimit) -> Limit:
    """A stored limit as the checks see it."""
    return Limit(
        id=row.pk,
        kind=LimitKind(row.kind),
        scope=LimitScope(row.scope),
        account_id=row.account_id,
        user_id=row.user_id,
        strategy=row.strategy,
        value=row.value,
        params=row.params,
        valid_from=row.valid_from,
        valid_to=row.valid_to,
    )


def _place(row: RiskLimit) -> tuple[int, Decimal, int]:
    return _ORDER[LimitKind(row.kind)], row.value or Decimal(0), row.pk
