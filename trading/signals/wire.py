"""How plans, levels and signals look outside: REST and the socket show the same."""

from __future__ import annotations

from typing import Any

from trading.ledger.wire import day, moment, money, plain
from trading.signals.models import ExitPlan, ExitPlanVersion, Signal


def plan_view(plan: ExitPlan) -> dict[str, Any]:
    """One plan. Load it with ``user``."""
    return {
        "id": plan.pk,
        "account": plan.account_id,
        "strategy": plan.strategy,
        "symbol": plan.symbol,
        "enabled": plan.enabled,
        "terms": plan.terms,
        "user": plan.user.username,
        "by_token": plan.by_token,
        "version": plan.version,
        "changed_at": moment(plan.changed_at),
    }


def plan_version_view(row: ExitPlanVersion) -> dict[str, Any]:
    """One earlier state of a plan. Load it with ``user``."""
    return {
        "version": row.version,
        "enabled": row.enabled,
        "terms": row.terms,
        "user": row.user.username,
        "by_token": row.by_token,
        "at": moment(row.at),
    }


def signal_view(signal: Signal) -> dict[str, Any]:
    """One signal."""
    return {
        "id": signal.pk,
        "account": signal.account_id,
        "symbol": signal.symbol,
        "kind": str(signal.kind),
        "priority": signal.priority,
        "side": str(signal.side),
        "quantity": signal.quantity,
        "price": plain(signal.price),
        "facts": signal.facts,
        "quote_ts": signal.quote_ts,
        "trade_date": day(signal.trade_date),
        "detected_at": moment(signal.detected_at),
        "expires_at": moment(signal.expires_at),
        "state": str(signal.state),
        "code": signal.code,
        "message": signal.message,
        "attempts": signal.attempts,
        "traded_quantity": signal.traded_quantity,
        "traded_amount": money(signal.traded_amount),
        "executed_at": moment(signal.executed_at),
        "final_at": moment(signal.final_at),
        "version": signal.version,
    }
