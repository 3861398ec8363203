"""From requests to orders: what a run asked for goes through `automatic_submit`, once, in time, in its owner's name.

A request is a row before it is an order. Its lane follows from run and number, so a crash between the two costs a look,
never a second order.
"""

from __future__ import annotations

from collections.abc import Callable

from accounts.models import BrokerAccount
from ops.audit import Actor
from ops.clocks import MarketClock
from ops.errors import Code, Denied
from qmt.calendar import Phase
from trading.execution.automatic import Authority, automatic_submit
from trading.orders.choices import Source
from trading.orders.services import cancel_as
from trading.strategies.models import Run, RunOrder
from trading.strategies.runtime.news import LATE, link, open_requests

STRATEGIES = Actor.system("strategies")
#: When requests are placed: those of the evening with the first continuous trading of the next trade date.
PLACING = frozenset({Phase.CONTINUOUS, Phase.CLOSE_AUCTION})


def place_due(run: Run, clock: MarketClock) -> int:
    """Place what may be placed now, give up what is too late, pass cancels on.

    Returns
    -------
    int
        Requests that were placed, refused or given up: the strategy has news.
    """
    link(run)
    moved = 0
    market_ts = int(clock.market_time.timestamp() * 1000)
    for row in open_requests(run):
        if row.order is None and not (row.code or row.cancel_wanted):
            if market_ts > row.place_until_ts:
                moved += RunOrder.objects.filter(pk=row.pk, order=None).update(code=LATE)
            elif clock.phase in PLACING and not clock.stale:
                moved += 1
                _place(run, row)
    pass_cancels(run)
    return moved


def pass_cancels(run: Run) -> None:
    """Want the cancels at the broker that the strategy asked for, once each."""
    wanted = RunOrder.objects.filter(
        run=run, cancel_wanted=True, order__final_at__isnull=True, order__cancel_requested_at__isnull=True
    )
    ids = list(wanted.exclude(order=None).values_list("order__pk", flat=True))
    if ids:
        cancel_as(account_id=run.account_id, order_ids=ids, actor=STRATEGIES)


def withdraw_all(run: Run) -> int:
    """Cancel everything a run has open, placed or not; returns how many orders are concerned."""
    link(run)
    RunOrder.objects.filter(run=run, order=None, code="").update(cancel_wanted=True)
    rows = [row for row in open_requests(run) if row.order is not None and row.order.final_at is None]
    if rows:
        RunOrder.objects.filter(pk__in=[row.pk for row in rows]).update(cancel_wanted=True)
        cancel_as(account_id=run.account_id, order_ids=[row.order_id for row in rows if row.order_id], actor=STRATEGIES)
    return len(rows)


def _place(run: Run, row: RunOrder) -> None:
    outcome = automatic_submit(
        authority=Authority(run.created_by_id, run.token_id, run.by_token),
        account_id=run.account_id,
        lane=row.lane,
        attempt=1,
        source=Source.STRATEGY,
        symbol=row.symbol,
        side=row.side,
        quantity=row.quantity,
        price_type=row.price_type,
        price=row.price,
        strategy=run.label,
        guard=_still_run(run),
    )
    if outcome.order is not None:
        RunOrder.objects.filter(pk=row.pk).update(order=outcome.order)
    else:
        RunOrder.objects.filter(pk=row.pk).update(code=outcome.code)


def _still_run(run: Run) -> Callable[[], None]:
    """Asked while the account's book is held: this process still runs it, people still want it, in the same mode."""

    def guard() -> None:
        account = BrokerAccount.objects.only("mode").get(pk=run.account_id)
        current = Run.objects.filter(pk=run.pk, generation=run.generation, wanted=True, mode=account.mode)
        if not current.exists():
            raise Denied(Code.AUTHORITY_CHANGED, account=run.account_id)

    return guard
