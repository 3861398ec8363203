"""Signals as rows: written once each, told to whoever watches, and when a condition may be told again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from itertools import takewhile
from typing import Any, Final

from django.db import transaction
from django.db.models import F

from accounts.models import BrokerAccount
from ops.clocks import wall_now
from ops.publish import publish
from trading.ledger.journal import DATABASE
from trading.ledger.wire import plain
from trading.orders.choices import Side
from trading.signals import rules
from trading.signals.choices import LIVE, PRIORITY, SignalKind, SignalState
from trading.signals.models import PositionTrack, Signal
from trading.signals.rules import EXITS
from trading.signals.screen import Hit, Row
from trading.signals.terms import ExitTerms
from trading.signals.wire import signal_view

#: A refused signal is told again after this long, doubled with each refusal in a row.
RETRY_SECONDS: Final = 60
MAX_RETRY_SECONDS: Final = 900
HISTORY: Final = timedelta(days=1)
SHOWN_RATIO: Final = Decimal("0.000001")
_BUYS: Final = frozenset({SignalKind.ADD, SignalKind.MACD_ENTRY})
_NOTHING_PLACED: Final = frozenset({SignalState.REFUSED, SignalState.EXPIRED})


def signals_record(hits: Sequence[Hit]) -> list[Signal]:
    """Write what was detected, with the conditions that are now told, in one transaction; told after the commit.

    A hit that has its row already (the same quote, found again after a crash) is left out. Where automatic trading is on the signal
    waits for the executor; elsewhere it is recorded and shown.

    Returns
    -------
    list of Signal
        The new ones.
    """
    if not hits:
        return []
    automatic = _automatic(hits)
    with transaction.atomic(using=DATABASE):
        known = _known(hits)
        rows = [_signal(hit, automatic=hit.row.account_id in automatic) for hit in hits if _key(hit) not in known]
        for row in rows:
            row.save(force_insert=True)
        for hit in hits:
            track = PositionTrack.objects.filter(pk=hit.row.track_id)
            if hit.kind == SignalKind.ADD:
                track.update(added_at=hit.quote_ts)
            else:
                track.update(latches=hit.latches)
        transaction.on_commit(partial(tell, rows), using=DATABASE, robust=True)
    return rows


def tell(signals: Iterable[Signal]) -> None:
    """Publish signals as they are, per account."""
    by_account: dict[int, list[dict[str, Any]]] = {}
    for signal in signals:
        by_account.setdefault(signal.account_id, []).append(signal_view(signal))
    for account_id, views in by_account.items():
        publish(f"signals:{account_id}", {"signals": views})


def signal_change(signal: Signal, **changes: Any) -> bool:
    """Change a signal's row if nobody else did, and tell; the row in hand is brought up to date.

    Returns
    -------
    bool
        False when somebody was faster: read it again.
    """
    fresh = {name: value for name, value in changes.items() if getattr(signal, name) != value}
    if not fresh:
        return True
    with transaction.atomic(using=DATABASE):
        written = Signal.objects.filter(pk=signal.pk, version=signal.version).update(version=F("version") + 1, **fresh)
        if written != 1:
            return False
        signal.version += 1
        for name, value in fresh.items():
            setattr(signal, name, value)
        transaction.on_commit(partial(tell, [signal]), using=DATABASE, robust=True)
    return True


def _automatic(hits: Iterable[Hit]) -> set[int]:
    accounts = BrokerAccount.objects.filter(pk__in={hit.row.account_id for hit in hits}, auto_trading=True)
    return set(accounts.values_list("pk", flat=True))


def _key(hit: Hit) -> tuple[int, str, str, int]:
    return hit.row.account_id, hit.row.symbol, str(hit.kind), hit.quote_ts


def _known(hits: Sequence[Hit]) -> set[tuple[int, str, str, int]]:
    rows = Signal.objects.filter(
        account__in={hit.row.account_id for hit in hits},
        quote_ts__in={hit.quote_ts for hit in hits},
        symbol__in={hit.row.symbol for hit in hits},
    )
    return set(rows.values_list("account_id", "symbol", "kind", "quote_ts"))


def _signal(hit: Hit, *, automatic: bool) -> Signal:
    now = wall_now()
    plan = hit.row.plan
    return Signal(
        account_id=hit.row.account_id,
        track_id=hit.row.track_id,
        plan_version_id=plan.version_id,
        user_id=plan.plan.user_id,
        token_id=plan.plan.token_id,
        by_token=plan.plan.by_token,
        strategy=hit.row.strategy,
        kind=hit.kind,
        priority=PRIORITY[hit.kind],
        symbol=hit.row.symbol,
        instrument_id=hit.row.instrument_id,
        side=Side.BUY if hit.kind in _BUYS else Side.SELL,
        quantity=hit.quantity,
        price=hit.price,
        facts=_facts(hit),
        quote_ts=hit.quote_ts,
        trade_date=hit.row.trade_date,
        detected_at=now,
        expires_at=now + timedelta(seconds=plan.terms.signal_seconds),
        state=SignalState.DETECTED if automatic else SignalState.RECORDED,
        final_at=None if automatic else now,
    )


def _facts(hit: Hit) -> dict[str, Any]:
    """Why: the figures and the level that was met, as text."""
    figures, terms = hit.figures, hit.row.plan.terms
    facts = {
        "cost": plain(figures.cost),
        "hi": plain(figures.hi),
        "gain": plain(((hit.price - figures.cost) / figures.cost).quantize(SHOWN_RATIO)),
        "sellable": hit.row.sellable,
        "quantity_held": hit.row.quantity,
    }
    if hit.kind == SignalKind.FIRST_TAKE_PROFIT and figures.bh is not None:
        facts["bh"] = plain(figures.bh)
    level = _level(hit, terms)
    return facts if level is None else facts | {"level": plain(level.quantize(SHOWN_RATIO))}


def _level(hit: Hit, terms: ExitTerms) -> Decimal | None:
    figures = hit.figures
    if hit.kind == SignalKind.STOP_LOSS:
        return rules.stop_level(terms, figures.cost)
    if hit.kind == SignalKind.TRAILING:
        return rules.trailing_level(terms, figures.cost, figures.hi)
    if hit.kind == SignalKind.FIRST_TAKE_PROFIT and figures.bh is not None:
        return rules.fire_level(terms, figures.bh)
    return None


# ---------------------------------------------------------------------------- once more
def conditions_to_tell_again(rows: Iterable[Row]) -> dict[int, int]:
    """Conditions that were told, still hold, and led to nothing: told again after a while.

    Only where automatic trading is on: somebody who trades by hand was told, and once is enough. What was refused or expired comes again after
    a minute, two, four, at most fifteen; what was executed, after the plan's repeat time, for what is left (shares bought today,
    for instance, can be sold tomorrow).

    Returns
    -------
    dict
        Track to the bits of conditions.
    """
    watched = {row.track_id: row for row in rows if row.latches and row.auto_trading}
    if not watched:
        return {}
    now = wall_now()
    rows_of = Signal.objects.filter(track__in=list(watched), detected_at__gt=now - HISTORY).order_by("-pk")
    history: defaultdict[tuple[int | None, str], list[Signal]] = defaultdict(list)
    for signal in rows_of.only("track_id", "kind", "state", "detected_at", "executed_at"):
        history[signal.track_id, signal.kind].append(signal)
    again: dict[int, int] = {}
    for track_id, row in watched.items():
        for bit, kind in EXITS:
            if row.latches & bit and _comes_again(history[track_id, kind], row.plan.terms, now):
                again[track_id] = again.get(track_id, 0) | int(bit)
    return again


def _comes_again(history: Sequence[Signal], terms: ExitTerms, now: datetime) -> bool:
    """Whether a condition that holds is told once more; `history` is newest first."""
    if not history:
        return True  # it was told with a more urgent one, which does not hold any more or comes first again
    last = history[0]
    if last.state in LIVE:
        return False
    if last.executed_at is not None:
        return now >= last.executed_at + timedelta(seconds=terms.repeat_seconds)
    in_a_row = sum(1 for _signal in takewhile(lambda signal: signal.state in _NOTHING_PLACED, history))
    if not in_a_row:
        return True  # recorded while automatic trading was off
    return now >= last.detected_at + timedelta(seconds=min(RETRY_SECONDS * 2 ** (in_a_row - 1), MAX_RETRY_SECONDS))
