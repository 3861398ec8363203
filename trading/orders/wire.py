"""How orders and fills look outside: the API, the socket and the event log show the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trading.ledger.wire import day, moment, money, plain
from trading.orders.models import Approval, Order, OrderEvent, Trade

if TYPE_CHECKING:
    from trading.orders.services import CancelOutcome


def terminal_id(order: Order) -> str:
    """The terminal's order number; a simulated one is recognisable by its letters."""
    prefix = "SIM" if order.simulated and order.broker_order_id else ""
    return f"{prefix}{order.broker_order_id}"


def order_view(order: Order) -> dict[str, Any]:
    """One order as it stands. Load it with its `created_by`."""
    creator = order.created_by
    return {
        "id": str(order.pk),
        "account": order.account_id,
        "client_order_id": order.client_order_id,
        "strategy": order.strategy,
        "source": str(order.source),
        "created_by": None if creator is None else creator.username,
        "simulated": order.simulated,
        "symbol": order.symbol,
        "side": str(order.side),
        "price_type": str(order.price_type),
        "price": plain(order.price),
        "quantity": order.quantity,
        "traded_quantity": order.traded_quantity,
        "traded_amount": money(order.traded_amount),
        "avg_price": plain(order.avg_price),
        "status": str(order.status),
        "version": order.version,
        "trade_date": day(order.trade_date),
        "order_id": terminal_id(order),
        "order_sysid": order.order_sysid,
        "code": order.deny_code,
        "message": order.message,
        "details": dict(order.details),
        "submitted_at": moment(order.submitted_at),
        "expires_at": moment(order.expires_at),
        "reported_at": moment(order.reported_at),
        "final_at": moment(order.final_at),
        "cancel_requested_at": moment(order.cancel_requested_at),
    }


def approval_view(approval: Approval) -> dict[str, Any]:
    """Why an order waits or waited, on which terms, and who decided. Load it with its `decided_by`."""
    decided_by = approval.decided_by
    return {
        "rules": list(approval.rules),
        "value": money(approval.value),
        "last_price": plain(approval.last_price),
        "max_drift_percent": plain(approval.max_drift_percent),
        "decided_by": None if decided_by is None else decided_by.username,
        "decided_at": moment(approval.decided_at),
        "reason": approval.reason,
    }


def cancel_outcome_view(outcome: CancelOutcome) -> dict[str, Any]:
    """What became of one order of a wish to cancel several."""
    return {
        "order": str(outcome.order.pk),
        "symbol": outcome.order.symbol,
        "side": str(outcome.order.side),
        "status": str(outcome.order.status),
        "outcome": None if outcome.wanted is None else str(outcome.wanted),
        "code": "" if outcome.refusal is None else str(outcome.refusal),
    }


def order_event_view(event: OrderEvent) -> dict[str, Any]:
    """One step of an order's timeline."""
    return {
        "seq": event.seq,
        "kind": str(event.kind),
        "from_status": str(event.from_status),
        "to_status": str(event.to_status),
        "data": dict(event.data),
        "at": moment(event.at),
    }


def trade_view(trade: Trade) -> dict[str, Any]:
    """One fill with its fees by rule."""
    return {
        "id": trade.pk,
        "account": trade.account_id,
        "order": None if trade.order_id is None else str(trade.order_id),
        "trade_date": day(trade.trade_date),
        "exchange": trade.exchange,
        "order_sysid": trade.order_sysid,
        "traded_id": trade.traded_id,
        "symbol": trade.symbol,
        "side": str(trade.side),
        "price": plain(trade.price),
        "quantity": trade.quantity,
        "amount": money(trade.amount),
        "commission": money(trade.commission),
        "stamp_duty": money(trade.stamp_duty),
        "transfer_fee": money(trade.transfer_fee),
        "fees": money(trade.fees),
        "broker_commission": money(trade.broker_commission),
        "traded_at": moment(trade.traded_at),
    }
