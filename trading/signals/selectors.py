"""Reads of signals."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any

from django.contrib.auth.models import AnonymousUser

from accounts.models import BrokerAccount, User
from accounts.selectors import account_get
from marketdata.models import Instrument
from ops.errors import Code, NotFound
from ops.handover import OpenWork
from trading.ledger.models import Position
from trading.ledger.wire import day, plain
from trading.signals import rules
from trading.signals.inforce import PlanInForce, Plans
from trading.signals.models import ExitPlan, PositionTrack, Signal
from trading.signals.wire import signal_view

SHOWN = 200
"""Signals of a snapshot; older ones are on the list."""


def signal_get(user: User | AnonymousUser, signal_id: int) -> Signal:
    """One signal, if `user` may see its account.

    Raises
    ------
    NotFound
        SIGNAL_NOT_FOUND.
    """
    signal = Signal.objects.visible_to(user).filter(pk=signal_id).first()
    if signal is None:
        raise NotFound(Code.SIGNAL_NOT_FOUND, signal=signal_id)
    return signal


def exit_plan_get(user: User | AnonymousUser, plan_id: int) -> ExitPlan:
    """One plan, if `user` may see its account.

    Raises
    ------
    NotFound
        EXIT_PLAN_NOT_FOUND.
    """
    plan = ExitPlan.objects.visible_to(user).select_related("user").filter(pk=plan_id).first()
    if plan is None:
        raise NotFound(Code.EXIT_PLAN_NOT_FOUND, plan=plan_id)
    return plan


def signals_shown(user: User | AnonymousUser, account_id: int) -> list[dict[str, Any]]:
    """The newest signals of an account, newest first.

    Raises
    ------
    NotFound
        ACCOUNT_NOT_FOUND.
    """
    return [signal_view(signal) for signal in Signal.objects.filter(account=account_get(user, account_id))[:SHOWN]]


def plans_of(user_id: int) -> list[OpenWork]:
    """The plans in a person's name; they refuse by themselves when the person may not trade any more."""
    plans = ExitPlan.objects.filter(user=user_id, enabled=True).order_by("account_id", "strategy", "symbol")
    return [
        OpenWork(
            kind="exit_plan",
            id=str(plan.pk),
            title=f"exit plan {plan.symbol or plan.strategy or 'default'}",
            account_id=plan.account_id,
            facts={"symbol": plan.symbol, "strategy": plan.strategy},
        )
        for plan in plans
    ]


# ------------------------------------------------------------------------------ levels
def triggers_of(account: BrokerAccount, symbol: str | None = None) -> list[dict[str, Any]]:
    """The prices at which each position of an account would be left or added to, as things stand.

    Returns
    -------
    list of dict
        One per position with a plan, by symbol: its figures, and ``levels`` with a ``kind``, a ``price`` (rounded to the tick on the
        side that triggers) and a ``state``: ``waiting``, ``armed``, ``later`` (after the first take-profit), ``done``.
    """
    plans = Plans([account.pk])
    positions = Position.objects.filter(account=account, quantity__gt=0)
    if symbol is not None:
        positions = positions.filter(symbol=symbol)
    tracks = {track.symbol: track for track in PositionTrack.objects.filter(account=account, ended_at__isnull=True)}
    ticks = dict(
        Instrument.objects.filter(symbol__in=[position.symbol for position in positions]).values_list("symbol", "tick")
    )
    shown = []
    for position in positions.order_by("symbol"):
        plan = plans.of(account.pk, position.symbol)
        if plan is not None:
            shown.append(_triggers(position, tracks.get(position.symbol), plan, ticks.get(position.symbol)))
    return shown


def _triggers(
    position: Position, track: PositionTrack | None, plan: PlanInForce, tick: Decimal | None
) -> dict[str, Any]:
    figures = figures_of(track) if track is not None else _untouched(position)
    levels = [] if figures.cost <= 0 else _levels(plan, figures, tick)
    return {
        "symbol": position.symbol,
        "plan": plan.plan.pk,
        "version": plan.plan.version,
        "enabled": plan.enabled,
        "followed": track is not None,
        "paused": "" if track is None else track.paused,
        "opened_on": None if track is None else day(track.opened_on),
        "cost": plain(figures.cost),
        "hi": plain(figures.hi),
        "bh": plain(figures.bh),
        "first_done": figures.first_done,
        "levels": levels,
    }


def figures_of(track: PositionTrack) -> rules.Figures:
    """What is remembered, as the rules take it."""
    return rules.Figures(cost=track.cost, hi=track.hi, bh=track.bh, first_done=track.first_done)


def _untouched(position: Position) -> rules.Figures:
    """A position that the engine has not taken up: by the broker's figures."""
    cost = position.avg_price
    return rules.Figures(cost=cost, hi=max(cost, position.last_price), bh=None, first_done=False)


def _levels(plan: PlanInForce, figures: rules.Figures, tick: Decimal | None) -> list[dict[str, Any]]:
    terms, cost = plan.terms, figures.cost
    rows: list[tuple[str, Decimal, bool, str]] = []
    if terms.stop_loss:
        rows.append(("STOP_LOSS", rules.stop_level(terms, cost), False, "waiting"))
    if terms.first_take_profit and not figures.first_done:
        if figures.bh is None:
            rows.append(("FIRST_ARM", rules.arm_level(terms, cost), True, "waiting"))
        else:
            rows.append(("FIRST_TAKE_PROFIT", rules.fire_level(terms, figures.bh), False, "armed"))
            rows.append(("FIRST_DISARM", rules.disarm_level(terms, cost), False, "armed"))
    if terms.trailing:
        state = "waiting" if figures.first_done else "later"
        rows.append(("TRAILING", rules.trailing_level(terms, cost, figures.hi), False, state))
    if terms.add and not figures.first_done:
        rows.append(("ADD_FROM", cost * (1 - terms.add_drop_from), False, "waiting"))
        rows.append(("ADD_TO", cost * (1 - terms.add_drop_to), True, "waiting"))
    return [
        {"kind": kind, "price": plain(_on_tick(price, tick, up=up)), "state": state} for kind, price, up, state in rows
    ]


def _on_tick(price: Decimal, tick: Decimal | None, *, up: bool) -> Decimal:
    """The first price of the instrument that reaches the level."""
    step = tick or Decimal("0.000001")
    return (price / step).to_integral_value(rounding=ROUND_CEILING if up else ROUND_FLOOR) * step
