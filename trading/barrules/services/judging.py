"""Judging closed bars, each once, and writing what follows as signals, which the executor of signals carries out.

MACD entry: the histogram crosses from − to + while MA10 > MA20 > MA30 > MA60, the account holds nothing of it, once a day. Exit: the
mirror, while something is sellable. In continuous trading only: a day's bar is judged on the next morning.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Any, Final

import numpy as np
from django.db import DatabaseError, InterfaceError, transaction

from marketdata.models import Instrument
from marketdata.services.indicators import IndicatorRequest, IndicatorService
from ops.clocks import MarketClock, wall_now
from ops.errors import Code, DeskError
from qmt.calendar import Phase
from trading.barrules.choices import RulePeriod
from trading.barrules.models import MacdRule
from trading.ledger.journal import DATABASE
from trading.ledger.models import Position
from trading.orders.choices import Side
from trading.orders.models import Order
from trading.orders.services.context import account_clock, newest_quote, reserved_shares
from trading.signals.choices import PRIORITY, SignalKind, SignalState
from trading.signals.models import Signal
from trading.signals.services.detections import tell

VALID_FOR: Final = timedelta(seconds=60)
_LOT: Final = 100

logger = logging.getLogger(__name__)


def rules_judge() -> int:
    """One round over every rule that is on; returns how many signals were written. Safe to run twice."""
    rules = MacdRule.objects.filter(enabled=True).select_related("account__host__status")
    written = 0
    for rule in rules.order_by("pk"):
        try:
            written += _judge(rule)
        except (DatabaseError, InterfaceError):
            raise
        except Exception:
            # One instrument in trouble keeps no other from its turn.
            logger.exception("the MACD rule %s could not be judged", rule.pk)
    return written


def _judge(rule: MacdRule) -> bool:
    clock = account_clock(rule.account)
    if clock.stale or clock.phase is not Phase.CONTINUOUS or not _is_due(rule, clock):
        return False
    newest = _newest_mark(rule)
    if newest is None or newest[0] <= rule.judged_bar:
        return False
    stamp, mark = newest
    with transaction.atomic(using=DATABASE):
        # Whoever moves the mark on is the one who judges the bar.
        if not MacdRule.objects.filter(pk=rule.pk, enabled=True, judged_bar=rule.judged_bar).update(judged_bar=stamp):
            return False
        signal = _signal(rule, clock, stamp, mark)
        if signal is None:
            return False
        signal.save(force_insert=True)
        day = "entered_on" if signal.kind == SignalKind.MACD_ENTRY else "exited_on"
        MacdRule.objects.filter(pk=rule.pk).update(**{day: clock.trade_date})
        transaction.on_commit(partial(tell, [signal]), using=DATABASE, robust=True)
    return True


def _is_due(rule: MacdRule, clock: MarketClock) -> bool:
    """Whether a bar after the judged one may be over."""
    minutes = RulePeriod(rule.period).minutes
    now_ms = clock.market_time.timestamp() * 1000
    return now_ms >= rule.judged_bar + (minutes * 60_000 if minutes else 86_400_000)


def _newest_mark(rule: MacdRule) -> tuple[int, float] | None:
    """Stamp and mark of the newest closed bar; None while bars are missing or too few."""
    for adjust in ("front", "none"):
        request = IndicatorRequest([rule.symbol], "MACDRULE", period=rule.period, count=1, adjust=adjust)
        try:
            answer = IndicatorService().get(request, wait_seconds=0.0)
        except DeskError as error:
            if error.code == Code.FACTORS_UNAVAILABLE and adjust == "front":
                continue  # the source's own history is adjusted already
            raise
        if not answer.readiness.complete or answer.frame.empty:
            return None
        mark = float(answer.frame["macd_rule"].iloc[-1])
        return None if np.isnan(mark) else (int(answer.frame["time"].iloc[-1]), mark)
    return None


def _signal(rule: MacdRule, clock: MarketClock, stamp: int, mark: float) -> Signal | None:
    """The signal that a marked bar is, if the account's holding lets it be one."""
    instrument = Instrument.objects.get(pk=rule.instrument_id)
    quote = newest_quote(instrument)
    if mark == 0 or quote is None or quote.last <= 0:
        return None
    price = Decimal(str(round(quote.last, 4)))
    kind = SignalKind.MACD_ENTRY if mark > 0 else SignalKind.MACD_EXIT
    quantity = _entry(rule, instrument, price, clock) if mark > 0 else _exit(rule, clock)
    if quantity <= 0:
        return None
    now = wall_now()
    automatic = rule.account.auto_trading
    return Signal(
        account=rule.account,
        user_id=rule.user_id,
        token_id=rule.token_id,
        by_token=rule.by_token,
        kind=kind,
        priority=PRIORITY[kind],
        symbol=rule.symbol,
        instrument_id=rule.instrument_id,
        side=Side.BUY if mark > 0 else Side.SELL,
        quantity=quantity,
        price=price,
        facts=_facts(rule, stamp),
        quote_ts=stamp,
        trade_date=clock.trade_date,
        detected_at=now,
        expires_at=now + VALID_FOR,
        state=SignalState.DETECTED if automatic else SignalState.RECORDED,
        final_at=None if automatic else now,
    )


def _facts(rule: MacdRule, stamp: int) -> dict[str, Any]:
    return {"period": str(rule.period), "bar": stamp}


def _entry(rule: MacdRule, instrument: Instrument, price: Decimal, clock: MarketClock) -> int:
    """Shares to buy: nothing while something of it is held or on its way, or after today's entry."""
    if rule.entered_on == clock.trade_date:
        return 0
    if Position.objects.filter(account=rule.account_id, symbol=rule.symbol, quantity__gt=0).exists():
        return 0
    if Order.objects.filter(account=rule.account_id, symbol=rule.symbol, final_at__isnull=True).exists():
        return 0
    quantity = int(rule.amount / price) // _LOT * _LOT
    return quantity if quantity >= max(_LOT, instrument.min_quantity) else 0


def _exit(rule: MacdRule, clock: MarketClock) -> int:
    """Shares to sell: all that is sellable, once a day."""
    position = Position.objects.filter(account=rule.account_id, symbol=rule.symbol).first()
    if position is None or rule.exited_on == clock.trade_date:
        return 0
    free = position.confirmed_sellable - position.unconfirmed_sold
    return free - reserved_shares(rule.account, rule.symbol)
