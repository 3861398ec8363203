"""Views of the broker's books as queries and pushes show them."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from qmt.money import divide_half_up, price_of, yuan_of
from qmt.terminal.ledger import Account, Fill, Holding, Order
from qmt.terminal.types import AssetView, OrderView, PositionView, TradeView

_PRICE_STEP = Decimal("0.0001")


def order_view(order: Order, account_type: int, instrument_name: str) -> OrderView:
    """An order as it stands."""
    return OrderView(
        account_id=order.account_id,
        account_type=account_type,
        order_id=order.order_id,
        order_sysid=order.order_sysid,
        symbol=order.symbol,
        instrument_name=instrument_name,
        side=order.side,
        quantity=order.quantity,
        price_type=order.price_type,
        price=price_of(order.price_milli),
        traded_quantity=order.traded_quantity,
        traded_price=_per_share(order.traded_cents, order.traded_quantity),
        status=order.status,
        status_msg=order.status_msg,
        strategy_name=order.strategy_name,
        remark=order.remark,
        order_time=order.order_time,
    )


def trade_view(fill: Fill, order: Order, account_type: int, instrument_name: str) -> TradeView:
    """A fill with what it takes from its order."""
    return TradeView(
        account_id=fill.account_id,
        account_type=account_type,
        traded_id=fill.traded_id,
        order_id=fill.order_id,
        order_sysid=order.order_sysid,
        symbol=fill.symbol,
        instrument_name=instrument_name,
        side=fill.side,
        price=price_of(fill.price_milli),
        quantity=fill.quantity,
        amount=yuan_of(fill.amount_cents),
        commission=yuan_of(fill.commission_cents),
        transfer_fee=yuan_of(fill.transfer_fee_cents),
        stamp_duty=yuan_of(fill.stamp_duty_cents),
        strategy_name=order.strategy_name,
        remark=order.remark,
        traded_time=fill.traded_time,
    )


def asset_view(account: Account, market_value_cents: int) -> AssetView:
    """Money, valued at the last prices."""
    return AssetView(
        account_id=account.account_id,
        account_type=account.account_type,
        cash=yuan_of(account.cash_cents),
        frozen_cash=yuan_of(account.frozen_cents),
        withdrawable=yuan_of(account.withdrawable_cents),
        market_value=yuan_of(market_value_cents),
        total_asset=yuan_of(account.cash_cents + account.frozen_cents + market_value_cents),
    )


def position_view(holding: Holding, account_type: int, instrument_name: str, last_milli: int) -> PositionView:
    """A holding, valued at the last price."""
    return PositionView(
        account_id=holding.account_id,
        account_type=account_type,
        symbol=holding.symbol,
        instrument_name=instrument_name,
        quantity=holding.quantity,
        sellable=holding.sellable,
        frozen=holding.frozen,
        on_road=holding.on_road,
        yesterday=holding.yesterday,
        open_price=_per_share(holding.paid_cents, holding.quantity),
        avg_price=_per_share(holding.cost_cents, holding.quantity),
        last_price=price_of(last_milli),
        market_value=yuan_of(market_value_cents(holding, last_milli)),
    )


def market_value_cents(holding: Holding, last_milli: int) -> int:
    """Shares × last price."""
    return divide_half_up(holding.quantity * last_milli, 10)


def _per_share(cents: int, quantity: int) -> Decimal:
    """CNY per share with four decimals; 0 without shares."""
    if not quantity:
        return Decimal(0)
    return (Decimal(cents) / (100 * quantity)).quantize(_PRICE_STEP, ROUND_HALF_UP)
