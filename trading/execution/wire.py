"""How executions look outside: the API, the socket and the event log show the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trading.execution.models import Child, Execution, ExecutionApproval, Leg
from trading.ledger.wire import day, moment, money, plain

if TYPE_CHECKING:
    from trading.execution.services import Ending


def execution_view(execution: Execution) -> dict[str, Any]:
    """One execution with its legs. Load it with its `created_by`."""
    legs = sorted(execution.legs.all(), key=lambda leg: leg.number)
    return {
        "id": str(execution.pk),
        "account": execution.account_id,
        "kind": str(execution.kind),
        "state": str(execution.state),
        "ending": str(execution.ending),
        "code": execution.code,
        "client_execution_id": execution.client_execution_id,
        "strategy": execution.strategy,
        "created_by": execution.created_by.username,
        "version": execution.version,
        "trade_date": day(execution.trade_date),
        "quantity": sum(leg.quantity for leg in legs),
        "traded_quantity": sum(leg.traded_quantity for leg in legs),
        "child_quantity": execution.child_quantity,
        "slices": execution.slices,
        "starts_at": moment(execution.starts_at),
        "ends_at": moment(execution.ends_at),
        "replaces": None if execution.replaced_id is None else str(execution.replaced_id),
        "created_at": moment(execution.created_at),
        "final_at": moment(execution.final_at),
        "legs": [leg_view(leg) for leg in legs],
    }


def approval_view(approval: ExecutionApproval) -> dict[str, Any]:
    """Why an execution waits or waited, on which terms, and who decided. Load it with its `decided_by`."""
    decided_by = approval.decided_by
    return {
        "rules": list(approval.rules),
        "value": money(approval.value),
        "last_prices": dict(approval.last_prices),
        "max_drift_percent": plain(approval.max_drift_percent),
        "expires_at": moment(approval.expires_at),
        "approved": approval.approved,
        "decided_by": None if decided_by is None else decided_by.username,
        "decided_at": moment(approval.decided_at),
        "reason": approval.reason,
    }


def ending_view(ending: Ending) -> dict[str, Any]:
    """What became of one execution of a wish to cancel several."""
    return {
        "execution": str(ending.execution.pk),
        "state": str(ending.execution.state),
        "code": "" if ending.refusal is None else str(ending.refusal),
    }


def leg_view(leg: Leg) -> dict[str, Any]:
    """One leg with what it has come to."""
    return {
        "number": leg.number,
        "symbol": leg.symbol,
        "side": str(leg.side),
        "quantity": leg.quantity,
        "price_type": str(leg.price_type),
        "price": plain(leg.price),
        "traded_quantity": leg.traded_quantity,
        "traded_amount": money(leg.traded_amount),
        "ended": leg.ended,
        "code": leg.code,
        "note": dict(leg.note),
    }


def child_view(child: Child) -> dict[str, Any]:
    """One child. Load it with its leg and its order."""
    order = child.order
    return {
        "leg": child.leg.number,
        "number": child.number,
        "quantity": child.quantity,
        "order": None if order is None else str(order.pk),
        "status": None if order is None else str(order.status),
        "traded_quantity": 0 if order is None else order.traded_quantity,
        "code": "" if order is None else order.deny_code,
        "void": child.void,
        "created_at": moment(child.created_at),
    }
