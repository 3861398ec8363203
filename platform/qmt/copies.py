"""Copies of what the SDK hands out, as the gateway's frozen dataclasses.

Native structs are valid only inside the hook that received them, so every field that is needed is read here, once, by
its snake_case name. Money becomes `Decimal` through the shortest text of the float: that is the number the broker
wrote.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Any, Final

from qmt.gateway import (
    AccountStatus,
    AssetUpdate,
    CancelError,
    CancelResponse,
    OrderError,
    OrderUpdate,
    PositionUpdate,
    Side,
    TradeUpdate,
)
from qmt.newissues import IssueData, IssueKind, Quotas

NO_ORDER: Final = -1
_PRICE_STEP: Final = Decimal("0.000001")
_MONEY_STEP: Final = Decimal("0.0001")
# xtconstant: buy, financing buy, buy to return stock; the special (专项) kinds follow at 40.
_BUYS: Final = frozenset({23, 27, 29, 40, 42})
_SELLS: Final = frozenset({24, 28, 31, 41, 44})
_OFFSET_OPEN: Final = 48


class MalformedStruct(ValueError):
    """The terminal delivered a value that cannot be true, such as money that is not a number."""


def money(value: float) -> Decimal:
    """An amount of CNY, to the hundredth of a cent.

    Raises
    ------
    MalformedStruct
        For NaN and infinity: nothing may be sized by them.
    """
    if not math.isfinite(value):
        raise MalformedStruct(f"money is {value!r}")
    return Decimal(repr(value)).quantize(_MONEY_STEP)


def price(value: float) -> Decimal:
    """A price per share; 0 where the terminal has none (it says NaN or infinity for holdings that were sold out)."""
    return Decimal(repr(value)).quantize(_PRICE_STEP).normalize() + 0 if math.isfinite(value) else Decimal(0)


def side(order_type: int, offset_flag: int) -> Side:
    """Direction of an order, margin kinds included; kinds that are not listed go by their offset flag (open is a buy)."""
    if order_type in _BUYS:
        return Side.BUY
    if order_type in _SELLS:
        return Side.SELL
    return Side.BUY if offset_flag == _OFFSET_OPEN else Side.SELL


def order_number(value: int) -> int | None:
    """An order id, or None for the SDK's −1 and 0."""
    return value if value > 0 else None


def order_update(order: Any) -> OrderUpdate:
    """Copy an XtOrder."""
    return OrderUpdate(
        account_no=order.account_id,
        tag=order.order_remark,
        order_id=order.order_id,
        order_sysid=str(order.order_sysid),
        symbol=order.stock_code,
        side=side(order.order_type, order.offset_flag),
        quantity=int(order.order_volume),
        price=price(order.price),
        traded_quantity=int(order.traded_volume),
        traded_price=price(order.traded_price),
        status=order.order_status,
        status_msg=order.status_msg,
        order_time_ms=int(order.order_time) * 1000,
    )


def trade_update(trade: Any) -> TradeUpdate:
    """Copy an XtTrade."""
    return TradeUpdate(
        account_no=trade.account_id,
        tag=trade.order_remark,
        order_id=trade.order_id,
        order_sysid=str(trade.order_sysid),
        traded_id=str(trade.traded_id),
        symbol=trade.stock_code,
        side=side(trade.order_type, trade.offset_flag),
        price=price(trade.traded_price),
        quantity=int(trade.traded_volume),
        amount=money(trade.traded_amount),
        traded_at_ms=int(trade.traded_time) * 1000,
    )


def asset_update(asset: Any) -> AssetUpdate:
    """Copy an XtAsset."""
    return AssetUpdate(
        account_no=asset.account_id,
        cash=money(asset.cash),
        frozen_cash=money(asset.frozen_cash),
        market_value=money(asset.market_value),
        total_asset=money(asset.total_asset),
    )


def position_update(position: Any) -> PositionUpdate:
    """Copy an XtPosition. Older backends' positions have no last price."""
    return PositionUpdate(
        account_no=position.account_id,
        symbol=position.stock_code,
        quantity=int(position.volume),
        sellable=int(position.can_use_volume),
        frozen=int(position.frozen_volume),
        on_road=int(position.on_road_volume),
        yesterday=int(position.yesterday_volume),
        avg_price=price(position.avg_price),
        open_price=price(position.open_price),
        last_price=price(getattr(position, "last_price", 0.0)),
        market_value=money(position.market_value),
    )


def order_error(error: Any, tag: str) -> OrderError:
    """Copy an XtOrderError; ``tag`` is used when its own remark is empty."""
    return OrderError(
        seq=error.seq,
        tag=error.order_remark or tag,
        order_id=order_number(error.order_id),
        error_id=error.error_id,
        message=error.error_msg,
    )


def cancel_error(error: Any) -> CancelError:
    """Copy an XtCancelError."""
    return CancelError(
        order_id=error.order_id,
        order_sysid=str(error.order_sysid),
        error_id=error.error_id,
        message=error.error_msg,
    )


def cancel_response(response: Any) -> CancelResponse:
    """Copy an XtCancelOrderResponse."""
    return CancelResponse(
        seq=response.seq,
        order_id=response.order_id,
        order_sysid=str(response.order_sysid),
        result=response.cancel_result,
        message=response.error_msg,
    )


def account_status(status: Any) -> AccountStatus:
    """Copy an XtAccountStatus."""
    return AccountStatus(account_no=status.account_id, status=status.status)


def quotas(limits: Iterable[Any]) -> Quotas:
    """Copy the NewPurchaseLimitInfo of an account; a negative figure is none."""
    return {str(limit.new_purchase_limit_key).upper(): max(0, int(limit.new_purchase_limit_value)) for limit in limits}


def issue_data(issue: Any) -> IssueData:
    """Copy an IPOData. A day that is no day is unknown: such an issue cannot be subscribed."""
    text = str(issue.purchase_date).strip().replace("-", "")
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = None
    kind = str(issue.ipo_type).upper()
    return IssueData(
        symbol=str(issue.ipo_code),
        name=str(issue.ipo_name),
        kind=IssueKind.__members__.get(kind, IssueKind.OTHER),
        price=price(issue.issue_price),
        minimum=max(0, int(issue.min_purchase_num)),
        maximum=max(0, int(issue.max_purchase_num)),
        subscribe_on=day,
    )
