"""Views of the exchange in the native modules' own field names, ready for the wire."""

from __future__ import annotations

from typing import Any, Final

from qmt.gateway import Side
from qmt.terminal.types import AssetView, OrderView, PositionView, Tick, TradeView

MARKET_NAMES: Final = {0: "SH", 1: "SZ", 70: "BJ"}
"""The SDK's market numbers of the three exchanges (xtconstant)."""

_LONG: Final = 48
_OPEN: Final = 48
_CLOSE: Final = 49
_ORDER_TYPE: Final = {Side.BUY: 23, Side.SELL: 24}
_OFFSET: Final = {Side.BUY: _OPEN, Side.SELL: _CLOSE}
# The broker's own enumeration comes back, not what was sent: 50 limit, 49 market.
_ECHOED_PRICE_TYPE: Final = {11: 50}
_ECHOED_OTHER: Final = 49


def order(view: OrderView) -> dict[str, Any]:
    """Attributes of a native XtOrder."""
    return {
        "account_id": view.account_id,
        "account_type": view.account_type,
        "stock_code": view.symbol,
        "instrument_name": view.instrument_name,
        "order_id": view.order_id,
        "order_sysid": view.order_sysid,
        "order_time": view.order_time,
        "order_type": _ORDER_TYPE[view.side],
        "order_volume": view.quantity,
        "price_type": _ECHOED_PRICE_TYPE.get(view.price_type, _ECHOED_OTHER),
        "price": float(view.price),
        "traded_volume": view.traded_quantity,
        "traded_price": float(view.traded_price),
        "order_status": int(view.status),
        "status_msg": view.status_msg,
        "strategy_name": view.strategy_name,
        "order_remark": view.remark,
        "direction": _LONG,
        "offset_flag": _OFFSET[view.side],
    }


def trade(view: TradeView) -> dict[str, Any]:
    """Attributes of a native XtTrade."""
    return {
        "account_id": view.account_id,
        "account_type": view.account_type,
        "stock_code": view.symbol,
        "instrument_name": view.instrument_name,
        "traded_id": view.traded_id,
        "traded_time": view.traded_time,
        "traded_price": float(view.price),
        "traded_volume": view.quantity,
        "traded_amount": float(view.amount),
        "commission": float(view.commission),
        "order_id": view.order_id,
        "order_sysid": view.order_sysid,
        "order_type": _ORDER_TYPE[view.side],
        "strategy_name": view.strategy_name,
        "order_remark": view.remark,
        "direction": _LONG,
        "offset_flag": _OFFSET[view.side],
    }


def asset(view: AssetView) -> dict[str, Any]:
    """Attributes of a native XtAsset."""
    return {
        "account_id": view.account_id,
        "account_type": view.account_type,
        "cash": float(view.cash),
        "frozen_cash": float(view.frozen_cash),
        "market_value": float(view.market_value),
        "total_asset": float(view.total_asset),
        "fetch_balance": float(view.withdrawable),
        "current_balance": float(view.cash + view.frozen_cash),
    }


def position(view: PositionView) -> dict[str, Any]:
    """Attributes of a native XtPosition."""
    profit = float(view.market_value - view.avg_price * view.quantity)
    return {
        "account_id": view.account_id,
        "account_type": view.account_type,
        "stock_code": view.symbol,
        "instrument_name": view.instrument_name,
        "volume": view.quantity,
        "can_use_volume": view.sellable,
        "frozen_volume": view.frozen,
        "on_road_volume": view.on_road,
        "yesterday_volume": view.yesterday,
        "open_price": float(view.open_price),
        "avg_price": float(view.avg_price),
        "last_price": float(view.last_price),
        "market_value": float(view.market_value),
        "float_profit": profit,
        "position_profit": profit,
        "profit_rate": float(view.last_price / view.avg_price - 1) if view.avg_price else 0.0,
        "direction": _LONG,
    }


def tick(view: Tick) -> dict[str, Any]:
    """A snapshot as the quote channel pushes it."""
    return {
        "time": view.time_ms,
        "lastPrice": view.last_price,
        "open": view.open,
        "high": view.high,
        "low": view.low,
        "lastClose": view.last_close,
        "amount": view.amount,
        "volume": view.volume,
        "pvolume": view.pvolume,
        "stockStatus": int(view.status),
        "openInt": int(view.status),
        "transactionNum": view.transaction_num,
        "lastSettlementPrice": view.last_close,
        "settlementPrice": 0.0,
        "pe": 0.0,
        "askPrice": list(view.ask_price),
        "bidPrice": list(view.bid_price),
        "askVol": list(view.ask_vol),
        "bidVol": list(view.bid_vol),
        "volRatio": 0.0,
        "speed1Min": 0.0,
        "speed5Min": 0.0,
    }
