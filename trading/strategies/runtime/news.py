"""What became of a run's orders: fills and changed states, read from the orders' own rows."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from ops.errors import Code
from qmt.gateway import PriceType, Side
from trading.execution.automatic import automatic_key
from trading.orders.choices import Status
from trading.orders.models import Order as DeskOrder
from trading.orders.models import Trade as DeskTrade
from trading.orders.services.ticket import AUTOMATIC_KEY
from trading.strategies.interface import Order, OrderState, Trade
from trading.strategies.models import Run, RunOrder

_STATES: Final[dict[str, OrderState]] = {
    Status.PENDING_APPROVAL: OrderState.REQUESTED,
    Status.QUEUED: OrderState.REQUESTED,
    Status.SUBMITTING: OrderState.REQUESTED,
    Status.SUBMITTED: OrderState.WORKING,
    Status.REPORTED: OrderState.WORKING,
    Status.PARTIALLY_FILLED: OrderState.WORKING,
    Status.PENDING_CANCEL: OrderState.WORKING,
    Status.FILLED: OrderState.FILLED,
    Status.CANCELLED: OrderState.CANCELLED,
    Status.PARTIALLY_CANCELLED: OrderState.CANCELLED,
    Status.DONE_FOR_DAY: OrderState.CANCELLED,
    Status.EXPIRED: OrderState.CANCELLED,
    Status.NOT_FOUND: OrderState.CANCELLED,
    Status.REJECTED: OrderState.REFUSED,
    Status.DENIED: OrderState.REFUSED,
    Status.UNKNOWN: OrderState.UNKNOWN,
}
#: Ends that nobody asked for: their name is the code the strategy is told.
_NAMED_ENDS: Final = frozenset({Status.DONE_FOR_DAY, Status.EXPIRED, Status.NOT_FOUND, Status.REJECTED})
#: What the run itself says of a request that was never placed; everything else is a refusal.
LATE: Final = Code.DEADLINE_PASSED


def link(run: Run) -> None:
    """Put orders that were placed beside the requests they were placed for, also after a crash between the two."""
    loose = list(RunOrder.objects.filter(run=run, order=None))
    if not loose:
        return
    keys = {automatic_key(row.lane, 1): row for row in loose}
    for order in DeskOrder.objects.filter(account_id=run.account_id, client_order_id__in=list(keys)):
        RunOrder.objects.filter(pk=keys[str(order.client_order_id)].pk).update(order=order)


def fills(run: Run) -> list[tuple[int, Trade]]:
    """Fills that the strategy was not told yet, with their number, oldest first.

    Fills of one account are booked one after the other, so their numbers have the order in which they were stored.
    """
    prefix = f"{AUTOMATIC_KEY}strat:{run.pk}:"
    rows = DeskTrade.objects.filter(
        account_id=run.account_id, pk__gt=run.trade_cursor, order__client_order_id__startswith=prefix
    ).select_related("order")
    return [(row.pk, _trade(run, row, prefix)) for row in rows.order_by("pk")]


def told_fills(run: Run) -> list[DeskTrade]:
    """Fills that the strategy was told, oldest first: what its book is made of."""
    prefix = f"{AUTOMATIC_KEY}strat:{run.pk}:"
    rows = DeskTrade.objects.filter(
        account_id=run.account_id, pk__lte=run.trade_cursor, order__client_order_id__startswith=prefix
    ).select_related("order")
    return list(rows.order_by("pk"))


def trade_of(run: Run, row: DeskTrade) -> Trade:
    """A stored fill as the strategy sees it."""
    return _trade(run, row, f"{AUTOMATIC_KEY}strat:{run.pk}:")


def _trade(run: Run, row: DeskTrade, prefix: str) -> Trade:
    order = row.order
    number = int(str(order.client_order_id if order else "").removeprefix(prefix).split(":")[0])
    request = RunOrder.objects.only("key", "reason").get(run=run, number=number)
    return Trade(
        id=str(row.pk),
        order_id=request.key,
        symbol=row.symbol,
        side=Side(row.side),
        quantity=row.quantity,
        price=row.price,
        fees=row.fees,
        ts=int(row.traded_at.timestamp() * 1000),
        reason=request.reason,
    )


def open_requests(run: Run) -> list[RunOrder]:
    """Requests whose end the strategy was not told, oldest first, with their orders."""
    states = [state.value for state in OrderState if not state.is_final]
    return list(RunOrder.objects.filter(run=run, state__in=states).select_related("order").order_by("number"))


def changes(run: Run) -> list[Order]:
    """Orders that stand otherwise than the strategy was told, as they stand now."""
    changed = []
    for row in open_requests(run):
        now = standing(row)
        if (now.state, now.filled) != (OrderState(row.state), row.filled):
            changed.append(now)
    return changed


def told(row: RunOrder) -> Order:
    """An order as the strategy was last told."""
    return _order(row, OrderState(row.state), row.filled, row.average_price, "")


def standing(row: RunOrder) -> Order:
    """An order as it stands. Load the row with its order."""
    placed = row.order
    if placed is None:
        if row.code:
            state = OrderState.CANCELLED if row.code == LATE else OrderState.REFUSED
            return _order(row, state, 0, Decimal(0), row.code)
        if row.cancel_wanted:
            return _order(row, OrderState.CANCELLED, 0, Decimal(0), "")
        return _order(row, OrderState.REQUESTED, 0, Decimal(0), "")
    status = Status(placed.status)
    code = placed.deny_code or (str(status) if status in _NAMED_ENDS else "")
    return _order(row, _STATES[status], placed.traded_quantity, placed.avg_price or Decimal(0), code)


def _order(row: RunOrder, state: OrderState, filled: int, average: Decimal, code: str) -> Order:
    return Order(
        id=row.key,
        symbol=row.symbol,
        side=Side(row.side),
        quantity=row.quantity,
        price_type=PriceType(row.price_type),
        price=row.price,
        reason=row.reason,
        state=state,
        filled=filled,
        average_price=average,
        code=code,
    )
