"""Texts of the page of exit plans, grids and signals."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from trading.grids.choices import Direction, GridEnd, GridSignalState, GridState
from trading.signals.choices import SignalKind, SignalState

LEVEL_MESSAGES: dict[str, str | Promise] = {
    "trigger.STOP_LOSS": _("Stop loss"),
    "trigger.FIRST_ARM": _("Arms the first take-profit"),
    "trigger.FIRST_TAKE_PROFIT": _("First take-profit"),
    "trigger.FIRST_DISARM": _("Disarms it again"),
    "trigger.TRAILING": _("Trailing take-profit"),
    "trigger.ADD_FROM": _("Adds from"),
    "trigger.ADD_TO": _("Adds down to"),
    "grid.level.sell_above": _("Sells above"),
    "grid.level.center": _("Centre"),
    "grid.level.buy_below": _("Buys below"),
    "grid.level.turn": _("Turn awaited at"),
    "grid.level.target": _("Target at"),
    "grid.level.stop": _("Loss limit at"),
    "level.cost": _("Cost"),
}
"""Names of prices, on the chart too."""

EXIT_MESSAGES: dict[str, str | Promise] = {
    **LEVEL_MESSAGES,
    **{f"signal.{kind.value}": kind.label for kind in SignalKind},
    **{f"signal_state.{state.value}": state.label for state in SignalState},
    **{f"grid_state.{state.value}": state.label for state in GridState},
    **{f"grid_end.{end.value}": end.label for end in GridEnd},
    **{f"grid_direction.{direction.value}": direction.label for direction in Direction},
    **{f"grid_signal.{state.value}": state.label for state in GridSignalState},
    "side.BUY": _("Buy"),
    "side.SELL": _("Sell"),
    "signals.traded": _("{traded} of {quantity}"),
    "exits.automatic": _("Automatic trading is on: signals are executed."),
    "exits.manual": _("Automatic trading is off: signals are recorded and shown, nothing is placed."),
    "exits.switch_on": _("Switch it on"),
    "exits.switch_off": _("Switch it off"),
    "sudo.link": _("Confirm it is you"),
    "plans.whole_account": _("Every position of the account"),
    "plans.strategy": _("Strategy {name}"),
    "plans.on": _("On"),
    "plans.off": _("Off"),
    "plans.edit": _("Change"),
    "plans.edit_of": _("Change the plan of {what}"),
    "plans.new": _("New exit plan"),
    "plans.saved": _("The plan is saved."),
    "plans.version": _("Version {version}, {when}, {who}"),
    "plans.by": _("in the name of {who}"),
    "plans.stop_loss": _("stop loss −{percent}"),
    "plans.first": _("first take-profit +{percent}"),
    "plans.trailing": _("trailing"),
    "plans.add": _("adds at −{percent}"),
    "plans.nothing": _("nothing is switched on"),
    "range.between": _("{least} to {most}"),
    "term.stop_loss": _("Stop loss"),
    "term.stop_loss_drop": _("Below cost by"),
    "term.first_take_profit": _("First take-profit"),
    "term.first_gain": _("Armed at a gain of"),
    "term.first_callback": _("Fires below the top by"),
    "term.first_share": _("Sells this part of what is sellable"),
    "term.trailing": _("Trailing take-profit, after the first"),
    "term.trailing_steps": _("Gain at the top = sells at this part of the top"),
    "term.trailing_floor_drop": _("Below the first step: below cost by"),
    "term.add": _("Add on a fall"),
    "term.add_drop_from": _("From a fall of"),
    "term.add_drop_to": _("up to a fall below"),
    "term.add_amount": _("Amount, CNY"),
    "term.add_position_limit": _("Up to a position of, CNY"),
    "term.add_min_amount": _("At least, CNY"),
    "term.add_cooldown_seconds": _("Pause between two, seconds"),
    "term.execution": _("How signals are executed"),
    "term.signal_seconds": _("A signal is good for, seconds"),
    "term.repeat_seconds": _("Once in, seconds"),
    "term.max_drift": _("Largest drift of the price"),
    "term.order_timeout_seconds": _("An order may stand, seconds"),
    "term.stop_loss_timeout_seconds": _("A stop loss order may stand, seconds"),
    "term.max_requotes": _("Quoted anew at most"),
    "trigger_state.waiting": _("waits"),
    "trigger_state.armed": _("armed"),
    "trigger_state.later": _("later"),
    "triggers.paused": _("Nothing is detected: {reason}"),
    "triggers.not_followed": _("not taken up yet"),
    "grid.interval": _("Interval"),
    "grid.ratio": _("Part of the holding per order"),
    "grid.callback": _("Turn before an order"),
    "grid.max_deviation": _("Centre may wander by"),
    "grid.target": _("Ends at a profit of"),
    "grid.stop": _("Ends at a loss of"),
    "grid.days": _("Calendar days"),
    "grid.preview": _("Invests at most {amount} CNY until {date}."),
    "grid.started": _("The grid has started."),
    "grid.pause": _("Pause"),
    "grid.resume": _("Resume"),
    "grid.stop_act": _("Stop"),
    "grid.act_of": _("{act} the grid of {symbol}"),
    "grid.stop_question": _("Stop the grid of {symbol}? Its orders are cancelled, the holding stays."),
    "grid.fills": _("bought {bought}, sold {sold}"),
}


def exit_messages() -> dict[str, str]:
    """The texts in the language in use."""
    return {key: str(text) for key, text in EXIT_MESSAGES.items()}
