"""Booking fills: each once, with its fees, its order's totals and its share of the promise."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal
from functools import partial
from typing import Any

from marketdata.models import Instrument
from qmt.calendar import date_of_ms
from qmt.codes import Kind
from qmt.gateway import Side, TradeUpdate
from trading.ledger.choices import EntryKind, EventKind
from trading.ledger.entries import Posting
from trading.ledger.fees import FeeRules, FillCost, cost_of_fill
from trading.ledger.fields import ZERO
from trading.ledger.holdings import sale_unconfirmed, spending_unconfirmed
from trading.ledger.journal import Journal
from trading.orders.choices import OrderEventKind, Status
from trading.orders.counting import count_turnover
from trading.orders.intake.evidence import Batch, take_evidence
from trading.orders.models import Order, Trade
from trading.orders.subscriptions import brings_nothing
from trading.orders.wire import trade_view

_CENT = Decimal("0.01")
_AVERAGE = Decimal("0.000001")
_CHUNK = 400
#: A subscription's confirmation moves no money and no shares: the row is kept, the books stay as they are.
_FREE = FillCost(ZERO, ZERO, ZERO, FeeRules("", "", ""))

#: What makes a fill the same fill: trade numbers repeat over days, exchanges and orders.
TradeKey = tuple[int, date, str, str, str]


def trade_date_of(update: TradeUpdate, fallback: date) -> date:
    """The market's date of a fill; a fill without a time belongs to the date its session is in."""
    return date_of_ms(update.traded_at_ms) if update.traded_at_ms > 0 else fallback


def exchange_of(symbol: str) -> str:
    """The exchange's suffix of a symbol: fills are numbered per exchange."""
    return symbol.rpartition(".")[2]


def trade_key(account_id: int, update: TradeUpdate, trade_date: date, order_sysid: str = "") -> TradeKey:
    """The fill's identity.

    A fill without an exchange number takes its order's; until that is known, the terminal's
    own number stands in.
    """
    number = update.order_sysid or order_sysid or f"#{update.order_id}"
    return account_id, trade_date, exchange_of(update.symbol), number, update.traded_id


def booked_keys(keys: Iterable[TradeKey]) -> set[TradeKey]:
    """Which of these fills are booked already."""
    found: set[TradeKey] = set()
    by_day: dict[tuple[int, date], set[str]] = {}
    for account_id, trade_date, _exchange, _number, traded_id in keys:
        by_day.setdefault((account_id, trade_date), set()).add(traded_id)
    for (account_id, trade_date), ids in by_day.items():
        wanted = sorted(ids)
        for start in range(0, len(wanted), _CHUNK):
            rows = Trade.objects.filter(
                account_id=account_id,
                trade_date=trade_date,
                traded_id__in=wanted[start : start + _CHUNK],
            )
            found.update(rows.values_list("account_id", "trade_date", "exchange", "order_sysid", "traded_id"))
    return found


def instruments_of(symbols: Iterable[str]) -> dict[str, Instrument]:
    """The platform's instruments among these symbols."""
    return Instrument.objects.in_bulk(sorted(set(symbols)), field_name="symbol")


def apply_fill(
    batch: Batch,
    order: Order,
    update: TradeUpdate,
    *,
    key: TradeKey,
    instrument: Instrument | None,
) -> None:
    """Book one fill and advance its order by it; one that its order has already is a repeat."""
    journal = batch.journal(order)
    earlier = dict(order.trades.order_by("pk").values_list("traded_id", "amount"))
    if update.traded_id in earlier:
        return
    nothing = brings_nothing(order)
    cost = _FREE if nothing else _cost(journal, update, key[1], instrument, list(earlier.values()))
    trade = _book(journal, order, update, key, instrument, cost)
    journal.record(EventKind.TRADE, str(trade.pk), partial(trade_view, trade))
    if not nothing:
        journal.post(*fill_postings(order, trade, cost))
        count_turnover(journal, order, trade.amount)
    quantity = order.traded_quantity + update.quantity
    amount = order.traded_amount + trade.amount
    promise = _use_up(journal, order, update.quantity, trade.amount + trade.fees)
    take_evidence(
        batch,
        order,
        _reached_by_fill(order, quantity),
        kind=OrderEventKind.FILLED,
        data={
            "traded_id": update.traded_id,
            "quantity": update.quantity,
            "price": str(update.price),
        },
        traded_quantity=quantity,
        traded_amount=amount,
        avg_price=(amount / quantity).quantize(_AVERAGE, rounding=ROUND_HALF_UP),
        **promise,
    )
    batch.result.refresh.add(order.account_id)


def _cost(
    journal: Journal,
    update: TradeUpdate,
    trade_date: date,
    instrument: Instrument | None,
    earlier: Sequence[Decimal],
) -> FillCost:
    return cost_of_fill(
        account=journal.book.account,
        # An instrument that we do not know pays what shares pay: rather too much than too little.
        kind=Kind.STOCK if instrument is None else Kind(instrument.kind),
        side=update.side,
        amount=_amount(update),
        day=trade_date,
        earlier_amounts=earlier,
    )


def _amount(update: TradeUpdate) -> Decimal:
    amount = update.amount or update.price * update.quantity
    return amount.quantize(_CENT, rounding=ROUND_HALF_UP)


def _book(
    journal: Journal,
    order: Order,
    update: TradeUpdate,
    key: TradeKey,
    instrument: Instrument | None,
    cost: FillCost,
) -> Trade:
    account_id, trade_date, exchange, number, traded_id = key
    moment = update.traded_at_ms / 1000 if update.traded_at_ms > 0 else update.received_at_ns / 1e9
    return Trade.objects.create(
        account_id=account_id,
        order=order,
        trade_date=trade_date,
        exchange=exchange,
        order_sysid=number,
        traded_id=traded_id,
        symbol=update.symbol,
        instrument_id=None if instrument is None else instrument.pk,
        side=str(update.side),
        price=update.price,
        quantity=update.quantity,
        amount=_amount(update),
        commission=cost.commission,
        stamp_duty=cost.stamp_duty,
        transfer_fee=cost.transfer_fee,
        fees=cost.total,
        traded_at=datetime.fromtimestamp(moment, UTC),
        received_at=datetime.fromtimestamp(update.received_at_ns / 1e9, UTC),
    )


def fill_postings(order: Order, trade: Trade, cost: FillCost) -> list[Posting]:
    """The ledger's view of a fill: shares against money, and each fee with the rule it follows."""
    bought = trade.side == Side.BUY
    shared: dict[str, Any] = {
        "trade_date": trade.trade_date,
        "reference": f"trade:{trade.pk}",
        "symbol": trade.symbol,
        "side": trade.side,
        "user_id": order.created_by_id,
        "strategy": order.strategy,
    }
    exchanged = Posting(
        kind=EntryKind.TRADE,
        quantity=trade.quantity if bought else -trade.quantity,
        price=trade.price,
        cash=-trade.amount if bought else trade.amount,
        **shared,
    )
    fees = (
        (EntryKind.COMMISSION, cost.commission, cost.rules.commission),
        (EntryKind.STAMP_DUTY, cost.stamp_duty, cost.rules.stamp_duty),
        (EntryKind.TRANSFER_FEE, cost.transfer_fee, cost.rules.transfer_fee),
    )
    return [exchanged, *(Posting(kind=kind, cash=-fee, rule=rule, **shared) for kind, fee, rule in fees)]


def _reached_by_fill(order: Order, traded_quantity: int) -> Status:
    """Where a fill leads: it completes an order, begins one, or belongs to one that is ending."""
    status = Status(order.status)
    if traded_quantity >= order.quantity:
        return Status.FILLED
    if status is Status.CANCELLED:
        return Status.PARTIALLY_CANCELLED
    return Status.PARTIALLY_FILLED


def _use_up(journal: Journal, order: Order, quantity: int, spent: Decimal) -> dict[str, Decimal | int]:
    """The promise that is left after a fill.

    What the fill took stays set aside, as unconfirmed, until a query that was started after
    it: the broker's figure may be older than the fill. A promise that was handed over to the
    broker's own freeze, or ended with the order, is not ours to count.
    """
    if order.side == Side.BUY and order.reserved_cash > 0:
        spending_unconfirmed(journal, spent)
        left = max(0, order.remaining_quantity - quantity)
        share = order.reserved_cash * left / max(1, order.remaining_quantity)
        return {"reserved_cash": share.quantize(_CENT, rounding=ROUND_CEILING)}
    if order.side == Side.SELL and order.reserved_quantity > 0:
        sold = min(quantity, order.reserved_quantity)
        sale_unconfirmed(journal, order.symbol, sold)
        return {"reserved_quantity": order.reserved_quantity - sold}
    return {}
