"""What an event led to, written as one unit: state, place in the sequence, orders asked for, lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.db.models import F

from ops.clocks import wall_now
from ops.publish import publish
from trading.strategies.choices import Level
from trading.strategies.interface import Order
from trading.strategies.models import Run, RunLine, RunOrder

CHANNEL = "strategies"
LINES_KEPT = 2000
_PRUNE_EVERY = 100

Line = tuple[Level, str, dict[str, Any]]


class Superseded(Exception):
    """Another process runs this run now; nothing was written."""


@dataclass(slots=True)
class Effect:
    """What is written with one event.

    Attributes
    ----------
    progress
        Columns of the run.
    orders
        Orders asked for, with what the virtual book says against each (blank: nothing) and until when it is placed.
    told
        Orders whose change the strategy was told.
    """

    progress: dict[str, Any] = field(default_factory=dict)
    orders: list[tuple[Order, str, int]] = field(default_factory=list)
    cancels: list[str] = field(default_factory=list)
    told: list[Order] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    market_ts: int | None = None


def claim(run_id: int) -> Run:
    """Take a run over: whoever ran it before can write nothing any more."""
    Run.objects.filter(pk=run_id).update(generation=F("generation") + 1)
    return Run.objects.select_related("account__host__status", "plugin", "created_by").get(pk=run_id)


def commit(run: Run, effect: Effect) -> None:
    """Write an event's effect, whole or not at all; bring `run` up to date.

    Raises
    ------
    Superseded
    """
    count = run.order_count + len(effect.orders)
    columns = effect.progress | {"events": run.events + 1, "order_count": count}
    with transaction.atomic():
        if not Run.objects.filter(pk=run.pk, generation=run.generation).update(**columns):
            raise Superseded(f"run {run.pk} has another process")
        RunOrder.objects.bulk_create(
            _row(run, run.order_count + number, order, code, until, effect.market_ts or 0)
            for number, (order, code, until) in enumerate(effect.orders, start=1)
        )
        for order in effect.told:
            RunOrder.objects.filter(run=run, key=order.id).update(
                state=order.state, filled=order.filled, average_price=order.average_price, code=order.code
            )
        if effect.cancels:
            RunOrder.objects.filter(run=run, key__in=effect.cancels).update(cancel_wanted=True)
        _write(run, effect.lines, effect.market_ts)
    for name, value in columns.items():
        setattr(run, name, value)
    if effect.lines:
        tell(run)


def note(run: Run, *lines: Line, market_ts: int | None = None) -> None:
    """Write lines that belong to no event, whoever runs the run now."""
    with transaction.atomic():
        _write(run, lines, market_ts)
    tell(run)


def tell(run: Run) -> None:
    """Say on the account's channel that the run's row or its lines have changed; who listens reads them."""
    publish(f"{CHANNEL}:{run.account_id}", {"run": run.pk})


def _write(run: Run, lines: Sequence[Line], market_ts: int | None) -> None:
    """Number lines and write them, in the caller's transaction: the run's row is locked by its counter."""
    if not lines:
        return
    at = wall_now()
    mine = Run.objects.filter(pk=run.pk)
    mine.update(line_count=F("line_count") + len(lines))
    after = mine.values_list("line_count", flat=True).get()
    before = after - len(lines)
    RunLine.objects.bulk_create(
        RunLine(run=run, number=number, level=level, text=text, facts=facts, market_ts=market_ts, at=at)
        for number, (level, text, facts) in enumerate(lines, start=before + 1)
    )
    if after // _PRUNE_EVERY != before // _PRUNE_EVERY:
        RunLine.objects.filter(run=run, number__lte=after - LINES_KEPT).delete()


def _row(run: Run, number: int, order: Order, code: str, until: int, decided_ts: int) -> RunOrder:
    return RunOrder(
        run=run,
        number=number,
        key=order.id,
        symbol=order.symbol,
        side=order.side,
        quantity=order.quantity,
        price_type=order.price_type,
        price=order.price,
        reason=order.reason,
        decided_ts=decided_ts,
        place_until_ts=until,
        state=order.state,
        code=code,
        created_at=wall_now(),
    )
