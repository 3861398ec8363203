"""Booking fills: each once, whatever order it comes in and whatever became of its order."""

from __future__ import annotations

from decimal import ROUND_HALF_UP

from django.db.models import F, QuerySet

from trading.grids.choices import GridSignalState
from trading.grids.course import PRICE_STEP
from trading.grids.lots import match
from trading.grids.models import GridFill, GridSession, GridSignal
from trading.grids.selectors import open_lots
from trading.grids.services.changing import change, course_fields, grid_locked, signal_end
from trading.ledger.journal import Journal, account_journal
from trading.orders.choices import Side
from trading.orders.models import Trade


def fills_book(account_id: int) -> int:
    """Book every fill of this account's grids that is not booked yet; returns how many there were."""
    if not _waiting(account_id).exists():
        return 0
    with account_journal(account_id) as journal:
        trades = list(_waiting(account_id).select_related("order__grid_attempt__signal").order_by("traded_at", "pk"))
        for trade in trades:
            if trade.order is None:  # pragma: no cover  # the filter goes through the order
                continue
            _book(journal, trade, trade.order.grid_attempt.signal)
    return len(trades)


def _waiting(account_id: int) -> QuerySet[Trade]:
    """Fills of orders that are not settled; what came later than that would have been a correction by hand."""
    return Trade.objects.filter(account=account_id, order__grid_attempt__settled=False, grid_fill__isnull=True)


def _book(journal: Journal, trade: Trade, known: GridSignal) -> None:
    # Read anew: the fill before may have been of the same signal.
    signal = GridSignal.objects.get(pk=known.pk)
    grid = grid_locked(signal.session_id)
    side = Side(trade.side)
    matching = match(open_lots(grid), side, trade.quantity, trade.price)
    for key, taken in matching.taken.items():
        GridFill.objects.filter(pk=key).update(lot_quantity=F("lot_quantity") - taken)
    GridFill.objects.create(
        session=grid,
        signal=signal,
        trade=trade,
        side=side,
        quantity=trade.quantity,
        price=trade.price,
        amount=trade.amount,
        realised=matching.realised,
        lot_quantity=matching.left,
        lot_price=trade.price,
        traded_at=trade.traded_at,
        booked_at=journal.at,
    )
    signal.traded_quantity += trade.quantity
    signal.traded_amount += trade.amount
    signal.save(update_fields=["traded_quantity", "traded_amount"])
    fields = _totals(grid, trade, side) | {"realised": grid.realised + matching.realised}
    if signal.traded_quantity >= signal.quantity:
        centre = (signal.traded_amount / signal.traded_quantity).quantize(PRICE_STEP, ROUND_HALF_UP)
        fields |= course_fields(grid.course.centred(centre))
        signal_end(journal, signal, state=GridSignalState.DONE)
    change(journal, grid, **fields)


def _totals(grid: GridSession, trade: Trade, side: Side) -> dict[str, object]:
    if side is Side.BUY:
        return {
            "bought_quantity": grid.bought_quantity + trade.quantity,
            "bought_amount": grid.bought_amount + trade.amount,
            "open_quantity": grid.open_quantity + trade.quantity,
        }
    return {
        "sold_quantity": grid.sold_quantity + trade.quantity,
        "sold_amount": grid.sold_amount + trade.amount,
        "open_quantity": grid.open_quantity - trade.quantity,
    }
