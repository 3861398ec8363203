"""The limits in force on an account, kind by kind, with what is used of each now."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from accounts.models import BrokerAccount, User
from ops.clocks import wall_now
from trading.ledger.models import AssetSnapshot
from trading.ledger.wire import plain
from trading.orders.services.context import account_clock
from trading.orders.services.limit_facts import limit_facts
from trading.risk.catalogue import CATALOGUE
from trading.risk.choices import LimitKind
from trading.risk.facts import ZERO, LimitFacts
from trading.risk.limits import Limit
from trading.risk.rules.sizes import held_in_all
from trading.risk.usage import counted

_PERCENT = Decimal(100)


def limits_effective(user: User, account: BrokerAccount, *, strategy: str = "") -> list[dict[str, Any]]:
    """What bounds the orders of `user` on `account`, the deciding limit of each kind first.

    Returns
    -------
    list of dict
        Per kind: ``decides`` (the id of the limit with the narrowest value; of lists and windows every one
        decides: null), ``limits`` with scope, value, parameters, usage and what is left.

    Notes
    -----
    Usage is counted per subject: an ACCOUNT limit of 100 of which 90 are used leaves less than a USER limit of 50
    of which none is. ``left`` tells; the narrowest value only orders the list.
    """
    facts = limit_facts(
        account,
        None,
        user_id=user.pk,
        strategy=strategy,
        trade_date=account_clock(account).trade_date,
        at=wall_now(),
        journal=None,
    )
    asset = AssetSnapshot.objects.filter(pk=account.pk).first()
    equity = None if asset is None else asset.total_asset
    kinds: dict[LimitKind, list[dict[str, Any]]] = {}
    for limit in facts.limits:
        kinds.setdefault(limit.kind, []).append(_entry(limit, facts, account.pk, equity))
    return [_kind(kind, entries) for kind, entries in kinds.items()]


def _kind(kind: LimitKind, entries: list[dict[str, Any]]) -> dict[str, Any]:
    with_left = [entry for entry in entries if entry["left"] is not None]
    narrowest = min(with_left, key=lambda entry: Decimal(entry["left"])) if with_left else entries[0]
    has_value = entries[0]["value"] is not None
    return {
        "kind": str(kind),
        "label": str(kind.label),
        "unit": str(CATALOGUE[kind].unit),
        "decides": narrowest["id"] if has_value else None,
        "limits": entries,
    }


def _entry(limit: Limit, facts: LimitFacts, account_id: int, equity: Decimal | None) -> dict[str, Any]:
    used = _used(limit, facts, account_id, equity)
    left = None if used is None or limit.value is None else max(ZERO, limit.value - used)
    return {
        "id": limit.id,
        "scope": str(limit.scope),
        "value": plain(limit.value),
        "params": dict(limit.params),
        "used": plain(used),
        "left": plain(left),
    }


def _used(limit: Limit, facts: LimitFacts, account_id: int, equity: Decimal | None) -> Decimal | None:
    """What is used of a limit by the account as it stands; None where only an order can tell."""
    if limit.kind is LimitKind.EXPOSURE:
        return held_in_all(account_id, facts)
    if limit.kind in (LimitKind.DAILY_LOSS, LimitKind.DRAWDOWN):
        usage = facts.used(f"a:{account_id}")
        from_peak = limit.kind is LimitKind.DRAWDOWN
        base = usage.peak_equity if from_peak else usage.opening_equity
        if base is None or equity is None or base <= 0:
            return None
        loss = max(ZERO, base - equity)
        return (loss * _PERCENT / base).quantize(Decimal("0.01")) if from_peak else loss
    return counted(facts, limit, account_id)
