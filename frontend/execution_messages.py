"""Texts of the page of executions."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from trading.execution.choices import Kind, State

EXECUTION_MESSAGES: dict[str, str | Promise] = {
    **{f"exec.kind.{kind.value}": kind.label for kind in Kind},
    **{f"exec.state.{state.value}": state.label for state in State},
    "exec.hint.BASKET": _("Judged as a whole. Sales go first; a buy waits until its money is there."),
    "exec.hint.TARGET": _("What is held and what works is counted; the difference is traded, sales first."),
    "exec.hint.SPLIT": _("One order after the other, none larger than you say."),
    "exec.hint.TWAP": _("Equal parts over the trading time of the window; lunch and auctions are left out."),
    "exec.paste.BASKET": _(
        "Columns: symbol, side, quantity, price, price type; or any order under a line of names. No price: latest price."
    ),
    "exec.paste.TARGET": _(
        "Columns: symbol, shares to hold, price; or under a line of names: symbol, quantity, weight or value, price."
    ),
    "exec.field.symbol": _("Instrument"),
    "exec.field.side": _("Side"),
    "exec.field.measure": _("Figure"),
    "exec.field.figure": _("To hold"),
    "exec.field.quantity": _("Quantity"),
    "exec.field.price_type": _("Price type"),
    "exec.field.price": _("Price"),
    "exec.leg_field": _("{field}, leg {number}"),
    "exec.leg_remove": _("Remove"),
    "exec.leg_remove_of": _("Remove leg {number}"),
    "exec.measure.quantity": _("Shares"),
    "exec.measure.weight": _("Weight"),
    "exec.measure.value": _("Value, CNY"),
    "exec.verdict.PASSED": _("Passes"),
    "exec.verdict.DENIED": _("Denied"),
    "exec.verdict.NOTHING": _("Reached"),
    "exec.turn": _("judged as number {turn}"),
    "exec.target": _("held {held}, wanted {target}"),
    "exec.short": _("{short} stay out of reach (T+1 or whole lots)"),
    "exec.leg_cost": _("{amount} CNY, fees {fees}"),
    "exec.accepted": _("Would be accepted"),
    "exec.denied": _("Would not be accepted"),
    "exec.see_legs": _("A leg is refused: see beside it."),
    "exec.waits": _("It would wait up to {minutes} min for somebody else's approval: {rules}."),
    "exec.no_cost": _("Its cost cannot be told: a price is not known."),
    "exec.children": _("{count} orders, if each is filled:"),
    "exec.more_children": _("… {count} more"),
    "exec.cost.sold": _("Sells"),
    "exec.cost.bought": _("Buys, at most"),
    "exec.cost.commission": _("Commission"),
    "exec.cost.stamp_duty": _("Stamp duty"),
    "exec.cost.transfer_fee": _("Transfer fee"),
    "exec.cost.fees": _("Fees in all"),
    "exec.cost.takes": _("Takes from the cash"),
    "exec.cost.brings": _("Brings in"),
    "exec.confirm": _("Start the {kind} on {account}?"),
    "exec.confirm_legs": _("Sales: {sales}. Buys: {buys}. Nothing is sent before it is accepted as a whole."),
    "exec.started": _("Started: the platform goes on by itself."),
    "exec.held": _("Accepted: it waits for somebody else's approval."),
    "exec.unknown": _("No connection: whether it arrived is not known. Press again: it cannot be started twice."),
    "exec.legs": _("{count} legs"),
    "exec.slices": _("{count} slices"),
    "exec.progress": _("Traded"),
    "exec.open": _("Show {what}"),
    "exec.act.pause": _("Pause"),
    "exec.act.resume": _("Resume"),
    "exec.act.cancel": _("Cancel"),
    "exec.act_of": _("{act}: {what}"),
    "exec.leg_done": _("done"),
    "exec.child.void": _("given up before it was placed"),
    "exec.child.decided": _("decided, not placed yet"),
    "exec.fact.accepted": _("Accepted"),
    "exec.fact.strategy": _("Strategy"),
    "exec.fact.window": _("Window"),
    "exec.fact.child": _("Largest single order"),
    "exec.fact.ended": _("Ended"),
}


def execution_messages() -> dict[str, str]:
    """The texts in the active language."""
    return {key: str(text) for key, text in EXECUTION_MESSAGES.items()}
