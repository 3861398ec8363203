"""Taking an execution one step further. Any process may, at any time, any number of times.

A step looks, decides, stores the decision inside the account's journal, and then acts on what is stored. Acting is
safe to repeat: a child's key names one order for ever, and a cancel's wish is kept by the order. So a crash between any
two statements costs nothing but time.
"""

from __future__ import annotations

import logging
from functools import partial
from typing import Any
from uuid import UUID

from ops import audit
from ops.audit import Actor
from ops.errors import Code, DeskError, Forbidden, NotFound
from trading.execution.choices import FINAL, State
from trading.execution.holding import tell_left
from trading.execution.models import Child, Execution, ExecutionApproval, Leg
from trading.execution.planner import Decision, decide
from trading.execution.reading import Reading, acting_user, read
from trading.execution.wire import execution_view
from trading.ledger.choices import EventKind
from trading.ledger.journal import Journal, account_journal
from trading.orders.choices import Source
from trading.orders.models import Order
from trading.orders.services import cancel_as, order_submit

logger = logging.getLogger(__name__)

_PACE = frozenset({Code.ORDER_RATE_LIMIT, Code.ACTIVE_ORDERS_LIMIT})
PLATFORM = Actor.system("execution")


class Unwanted(Exception):
    """The execution moved on: this child is not placed any more."""


def step(execution_id: UUID) -> bool:
    """Take one execution one step further.

    Returns
    -------
    bool
        Whether anything was stored, placed or cancelled: another step may follow at once.
    """
    reading = read(execution_id)
    decision = decide(reading.facts)
    stored = False
    if decision.writes or _progress(reading):
        with account_journal(reading.execution.account_id) as journal:
            # The look before was only a reason to hold the book; what counts is what stands now.
            reading = read(execution_id)
            decision = decide(reading.facts)
            stored = _store(journal, reading, decision)
    acted = _cancel(reading, decision)
    if reading.execution.state == State.RUNNING and reading.facts.takes_orders:
        acted = _place_due(execution_id) or acted
    return stored or acted


# -------------------------------------------------------------------------------- storing
def _progress(reading: Reading) -> bool:
    """Whether fills or placed orders are not noted in the rows yet."""
    legs = {leg.number: leg for leg in reading.execution.legs.all()}
    traded = any(legs[number].traded_quantity != quantity for number, (quantity, _amount) in reading.traded.items())
    return traded or any(child.order_id is None for place, child in reading.children.items() if place in reading.orders)


def _store(journal: Journal, reading: Reading, decision: Decision) -> bool:
    """Write progress and decision; tell the account's clients if anything changed."""
    execution = reading.execution
    changed = _note_progress(reading)
    legs = {leg.number: leg for leg in execution.legs.all()}
    for number, child in decision.void:
        Child.objects.filter(leg=legs[number], number=child, order=None).update(void=True)
    for number, code in decision.end:
        Leg.objects.filter(pk=legs[number].pk).update(ended=True, code=code)
    Child.objects.bulk_create(
        Child(leg=legs[number], number=child, quantity=quantity, created_at=journal.at)
        for number, child, quantity in decision.place
    )
    if decision.state is not None:
        _enter(journal, execution, decision)
    if not (changed or decision.writes):
        return False
    tell(journal, execution)
    return True


def _note_progress(reading: Reading) -> bool:
    changed = False
    for place, order in reading.orders.items():
        child = reading.children[place]
        if child.order_id is None:
            Child.objects.filter(pk=child.pk, order=None).update(order=order)
            changed = True
    for leg in reading.execution.legs.all():
        quantity, amount = reading.traded[leg.number]
        if leg.traded_quantity != quantity:
            Leg.objects.filter(pk=leg.pk).update(traded_quantity=quantity, traded_amount=amount)
            changed = True
    return changed


def _enter(journal: Journal, execution: Execution, decision: Decision) -> None:
    """Store a new state. What the platform ends or pauses by itself is on the audit trail; so is every end."""
    before = execution.state
    state = decision.state
    fields: dict[str, Any] = {"state": state}
    if state is State.STOPPING:
        fields["ending"] = decision.ending
    if decision.code:
        fields["code"] = decision.code
    if state in FINAL:
        fields |= {"final_at": journal.at, "ending": ""}
    change(execution, **fields)
    audit.record(
        actor=PLATFORM,
        action=f"execution.{str(state).lower()}",
        target=f"execution:{execution.pk}",
        before={"state": str(before)},
        after={"state": str(execution.state), "code": execution.code},
        account_id=execution.account_id,
    )


def change(execution: Execution, **fields: Any) -> None:
    """Set columns of an execution; call inside its account's journal."""
    waited = execution.state == State.PENDING_APPROVAL
    execution.version += 1
    for name, value in fields.items():
        setattr(execution, name, value)
    execution.save(update_fields=["version", *fields])
    if waited and execution.state != State.PENDING_APPROVAL:
        tell_left(execution)


def tell(journal: Journal, execution: Execution) -> None:
    """Tell the account's clients how the execution stands when the journal closes."""
    pk = execution.pk
    journal.record(EventKind.EXECUTION, str(pk), partial(_fresh_view, pk))


def _fresh_view(pk: UUID) -> dict[str, Any]:
    return execution_view(Execution.objects.select_related("created_by").get(pk=pk))


# --------------------------------------------------------------------------------- acting
def _cancel(reading: Reading, decision: Decision) -> bool:
    """Want the cancels that the decision names."""
    wanted = [reading.orders[place].pk for place in decision.cancel if place in reading.orders]
    replaced = reading.execution.replaced_id
    if decision.cancel_replaced and replaced is not None:
        wanted.append(replaced)
    if not wanted:
        return False
    cancel_as(account_id=reading.execution.account_id, order_ids=wanted, actor=PLATFORM)
    return True


def _place_due(execution_id: UUID) -> bool:
    """Place every stored child that has no order yet."""
    due = Child.objects.filter(leg__execution_id=execution_id, order=None, void=False)
    children = due.select_related(
        "leg__execution__account", "leg__execution__created_by", "leg__execution__token__user"
    )
    placed = False
    for child in children.order_by("leg__number", "number"):
        placed = place(child) or placed
        if _too_fast(child):
            break  # the others wait for the next round instead of being denied one by one
    return placed


def _too_fast(child: Child) -> bool:
    """Whether the account's pace is used up for now."""
    code = Order.objects.filter(child=child).values_list("deny_code", flat=True).first()
    return code in _PACE


def place(child: Child) -> bool:
    """Place one child's order, or find the one that was placed under its key; False when it is not wanted any more."""
    leg, execution = child.leg, child.leg.execution
    try:
        submission = order_submit(
            user=acting_user(execution),
            account_id=execution.account_id,
            symbol=leg.symbol,
            side=leg.side,
            quantity=child.quantity,
            price_type=leg.price_type,
            price=leg.price,
            client_order_id=child.key,
            strategy=execution.strategy,
            source=Source.EXECUTION,
            token=execution.token,
            guard=partial(_still_wanted, child),
            approved=ExecutionApproval.objects.filter(pk=execution.pk, approved=True).exists(),
        )
    except Unwanted:
        return False
    except (Forbidden, NotFound) as error:
        # The right is gone: the next look sees it too, and stops the execution.
        logger.warning("child %s of execution %s is not placed: %s", child, execution.pk, error)
        return False
    except DeskError as error:
        _give_up(child, error)
        return True
    Child.objects.filter(pk=child.pk, order=None).update(order=submission.order)
    return True


def _still_wanted(child: Child) -> None:
    """Asked while the account's book is held, where executions change too: nothing slips in between."""
    wanted = Child.objects.filter(pk=child.pk, void=False, leg__ended=False, leg__execution__state=State.RUNNING)
    if not wanted.exists():
        raise Unwanted


def _give_up(child: Child, error: DeskError) -> None:
    """The order cannot even be asked for (its instrument is gone, its key is taken): the execution stops."""
    logger.error("child %s of execution %s cannot be placed: %s", child, child.leg.execution_id, error)
    with account_journal(child.leg.execution.account_id) as journal:
        execution = Execution.objects.select_related("created_by").get(pk=child.leg.execution_id)
        Child.objects.filter(pk=child.pk, order=None).update(void=True)
        if not execution.is_final:
            stop = Decision(state=State.STOPPING, ending=State.STOPPED, code=str(error.code))
            _enter(journal, execution, stop)
        tell(journal, execution)
