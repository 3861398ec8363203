"""What is remembered about positions: taken up, brought up to date by fills and ex-dates, and ended. One process writes it."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

from django.db import connections, transaction
from django.db.models import Sum
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from accounts.models import BrokerAccount
from marketdata.models import Instrument
from marketdata.quotes.models import LatestQuote
from ops import audit
from ops.alerts import AlertKind, Severity, alert_clear, alert_raise
from ops.audit import Actor
from ops.clocks import MarketClock, wall_now
from ops.errors import Code
from qmt.calendar import date_of_ms
from qmt.codes import Board
from qmt.rules import lot_rule
from trading.ledger.journal import DATABASE
from trading.ledger.models import Position
from trading.ledger.wire import plain
from trading.orders.choices import Side
from trading.orders.models import Order, Trade
from trading.signals.adoption import averaged, highest_since, is_first_take_profit, origin_of
from trading.signals.exdates import MICRO, ExDates, exdates, grown, in_terms_of
from trading.signals.inforce import Plans
from trading.signals.models import PositionTrack
from trading.signals.screen import Memory, Row
from trading.signals.selectors import figures_of

logger = logging.getLogger(__name__)

ENGINE: Final = Actor.system("signals")
#: Ex-dates this far back can lie between a holding's fills.
EARLIEST: Final = date(1990, 12, 19)
TRACKS_PER_QUERY: Final = 500


@dataclass(slots=True)
class Prepared:
    """Positions of some accounts, ready for detection.

    Attributes
    ----------
    rows
        Those that are watched.
    paused
        Track to the reason why not; looked at again.
    """

    rows: list[Row] = field(default_factory=list)
    paused: dict[int, str] = field(default_factory=dict)


def tracks_prepare(accounts: Sequence[BrokerAccount], clock: MarketClock, plans: Plans) -> Prepared:
    """Bring what is remembered about these accounts' positions up to now, and say what is to be watched.

    Positions with a plan that is on are taken up; those that are gone, or whose plan was switched off, are ended. Fills move the cost.
    On a new trade date every figure is rescaled by the ex-dates since, once, on the audit trail; where the factors cannot be right the
    instrument pauses and an alert says so.

    Parameters
    ----------
    accounts
        Of one host.
    clock
        The host's market clock.
    """
    by_pk = {account.pk: account for account in accounts}
    newest = _newest_fills(by_pk)  # before the positions, which then contain every one of them
    positions = {
        (row.account_id, row.symbol): row
        for row in Position.objects.filter(account__in=by_pk, quantity__gt=0)
        if row.instrument_id is not None and (plan := plans.of(row.account_id, row.symbol)) and plan.enabled
    }
    tracks = _followed(by_pk, positions)
    fresh = [position for key, position in positions.items() if key not in tracks]
    due = [track for track in tracks.values() if _is_due(track, clock.trade_date)]
    known = exdates(
        [position.instrument_id or 0 for position in positions.values()],
        clock.trade_date,
        first=EARLIEST if fresh else min((track.scaled_on for track in tracks.values()), default=clock.trade_date),
        proven=[*(track.instrument_id for track in due), *(position.instrument_id or 0 for position in fresh)],
    )
    for position in fresh:
        account = by_pk[position.account_id]
        track = _take_up(position, known, account, last_trade=newest[account.pk])
        tracks[position.account_id, position.symbol] = track
        due.append(track)
    quiet = [track for track in due if _into_terms(track, known, by_pk[track.account_id])]
    _carry_over(quiet, clock.trade_date)
    _take_fills(tracks, positions, known, by_pk, newest)
    return _rows(tracks, positions, plans, by_pk, clock.trade_date)


def _newest_fills(accounts: Iterable[int]) -> dict[int, int]:
    """The number of each account's newest fill. Fills of one account are booked, and numbered, one after the other."""
    newest = {}
    for account_id in accounts:
        fills = Trade.objects.filter(account=account_id).order_by("-pk")
        newest[account_id] = fills.values_list("pk", flat=True).first() or 0
    return newest


def _is_due(track: PositionTrack, trade_date: date) -> bool:
    """Whether its figures still have to be brought into the terms of the trade date."""
    return track.scaled_on < trade_date or bool(track.paused) or track.cost <= 0


def _followed(
    accounts: Iterable[int], positions: Mapping[tuple[int, str], Position]
) -> dict[tuple[int, str], PositionTrack]:
    """Tracks that go on; the others are ended."""
    tracks = PositionTrack.objects.filter(account__in=list(accounts), ended_at__isnull=True)
    found = {(track.account_id, track.symbol): track for track in tracks}
    over = [track for key, track in found.items() if key not in positions]
    for track in over:
        _end(track)
    return {key: track for key, track in found.items() if key in positions}


def _end(track: PositionTrack) -> None:
    PositionTrack.objects.filter(pk=track.pk, ended_at__isnull=True).update(ended_at=wall_now())
    if track.paused:
        alert_clear(_alert_key(track))


def _take_up(position: Position, known: ExDates, account: BrokerAccount, *, last_trade: int) -> PositionTrack:
    """Begin to follow a position."""
    origin = origin_of(position, known, last_trade=last_trade)
    instrument_id = position.instrument_id or 0
    highest = max(origin.cost, highest_since(instrument_id, origin.opened_on, known))
    if origin.opened_on < known.trade_date:
        highest = max(highest, _high_today(instrument_id, known.trade_date))
    track = PositionTrack(
        account=account,
        symbol=position.symbol,
        instrument_id=instrument_id,
        opened_on=origin.opened_on,
        adopted=origin.adopted,
        quantity=position.quantity,
        cost=origin.cost,
        hi=highest,
        first_done=origin.first_done,
        last_trade=last_trade,
        scaled_on=known.trade_date,
        created_at=wall_now(),
    )
    with transaction.atomic(using=DATABASE):
        track.save(force_insert=True)
        audit.record(
            actor=ENGINE,
            action="signals.followed",
            target=f"position_track:{track.pk}",
            after={
                "symbol": track.symbol,
                "opened_on": track.opened_on,
                "adopted": track.adopted,
                "cost": track.cost,
                "hi": track.hi,
                "first_done": track.first_done,
            },
            account_id=account.pk,
        )
    return track


def _high_today(instrument_id: int, trade_date: date) -> Decimal:
    """The day's high so far, for a position that was there before the day began."""
    quote = LatestQuote.objects.filter(instrument_id=instrument_id).first()
    if quote is None or date_of_ms(quote.ts) != trade_date:
        return Decimal(0)
    return Decimal(repr(quote.high))


# ------------------------------------------------------------------------------ ex-dates
def _into_terms(track: PositionTrack, known: ExDates, account: BrokerAccount) -> bool:
    """Bring a track's figures into the terms of the trade date, or pause it.

    Returns
    -------
    bool
        Whether nothing but the date remains to be written: no event lies in between.
    """
    refusal = str(known.refusal(track.instrument_id) or "")
    if not refusal and track.cost <= 0:
        refusal = Code.COST_UNKNOWN
    if refusal != track.paused:
        _pause(track, refusal, account)
    if refusal or track.scaled_on >= known.trade_date:
        return False
    events = known.since(track.instrument_id, track.scaled_on)
    if not events:
        return True
    before = _figures(track)
    changes = {
        "cost": in_terms_of(track.cost, events),
        "hi": in_terms_of(track.hi, events),
        "bh": None if track.bh is None else in_terms_of(track.bh, events),
        "quantity": grown(track.quantity, events),
        "scaled_on": known.trade_date,
    }
    with transaction.atomic(using=DATABASE):
        written = PositionTrack.objects.filter(pk=track.pk, scaled_on=track.scaled_on).update(**changes)
        for name, value in changes.items():
            setattr(track, name, value)
        if written:
            audit.record(
                actor=ENGINE,
                action="signals.rescaled",
                target=f"position_track:{track.pk}",
                before=before,
                after=_figures(track) | {"ex_dates": {event.day.isoformat(): event.factor for event in events}},
                account_id=account.pk,
            )
    return False


def _carry_over(tracks: Sequence[PositionTrack], trade_date: date) -> None:
    """Another trade date without an event: the figures stay; one statement for many."""
    for start in range(0, len(tracks), TRACKS_PER_QUERY):
        part = tracks[start : start + TRACKS_PER_QUERY]
        several = PositionTrack.objects.filter(pk__in=[track.pk for track in part], scaled_on__lt=trade_date)
        several.update(scaled_on=trade_date)
        for track in part:
            track.scaled_on = trade_date


def _figures(track: PositionTrack) -> dict[str, object]:
    return {"cost": track.cost, "hi": track.hi, "bh": track.bh, "quantity": track.quantity, "as_of": track.scaled_on}


def _pause(track: PositionTrack, reason: str, account: BrokerAccount) -> None:
    PositionTrack.objects.filter(pk=track.pk).update(paused=reason)
    track.paused = reason
    if reason in ("", Code.STALE_LIMITS):
        # The day's facts come by themselves before the opening; only a missing factor takes somebody who looks.
        alert_clear(_alert_key(track))
        return
    alert_raise(
        AlertKind.SIGNALS_PAUSED,
        Severity.CRITICAL,
        format_lazy(
            _("{symbol} on {account} is not watched: {reason}"),
            symbol=track.symbol,
            account=account.name,
            reason=reason,
        ),
        {"symbol": track.symbol, "reason": reason, "cost": plain(track.cost) or "", "as_of": str(track.scaled_on)},
        dedup_key=_alert_key(track),
        account_id=account.pk,
    )


def _alert_key(track: PositionTrack) -> str:
    return f"signals.paused:{track.account_id}:{track.symbol}"


# --------------------------------------------------------------------------------- fills
def _take_fills(
    tracks: dict[tuple[int, str], PositionTrack],
    positions: Mapping[tuple[int, str], Position],
    known: ExDates,
    accounts: Mapping[int, BrokerAccount],
    newest: Mapping[int, int],
) -> None:
    """Let fills that were booked since move cost, quantity and stage."""
    fills = _fills_since(tracks, newest)
    behind = {track.account_id for track in tracks.values() if track.last_trade < newest[track.account_id]}
    for key, track in list(tracks.items()):
        if fills[key]:
            if not _apply(track, fills[key], known):
                _end(track)
                tracks[key] = _take_up(positions[key], known, accounts[key[0]], last_trade=newest[key[0]])
        elif track.quantity != positions[key].quantity:
            # Shares that came or went without a fill: the cost per share stays.
            track.quantity = positions[key].quantity
            PositionTrack.objects.filter(pk=track.pk).update(quantity=track.quantity)
    for account_id in behind:
        # Fills of other instruments are behind every position now: the next look begins after them.
        several = PositionTrack.objects.filter(account=account_id, ended_at__isnull=True)
        several.filter(last_trade__lt=newest[account_id]).update(last_trade=newest[account_id])


def _fills_since(
    tracks: Mapping[tuple[int, str], PositionTrack], newest: Mapping[int, int]
) -> defaultdict[tuple[int, str], list[Trade]]:
    fills: defaultdict[tuple[int, str], list[Trade]] = defaultdict(list)
    oldest: dict[int, int] = {}
    for track in tracks.values():
        oldest[track.account_id] = min(track.last_trade, oldest.get(track.account_id, track.last_trade))
    for account_id, since in oldest.items():
        if since >= newest[account_id]:
            continue
        rows = Trade.objects.filter(account=account_id, pk__gt=since, pk__lte=newest[account_id])
        for fill in rows.select_related("order").order_by("pk"):
            owner = tracks.get((account_id, fill.symbol))
            if owner is not None and fill.pk > owner.last_trade:
                fills[account_id, fill.symbol].append(fill)
    return fills


def _apply(track: PositionTrack, fills: Sequence[Trade], known: ExDates) -> bool:
    """Take fills in; False when the holding was empty in between: then it is another one."""
    quantity, cost, first_done = track.quantity, track.cost, track.first_done
    for fill in fills:
        later = known.since(track.instrument_id, fill.trade_date)
        shares, price = grown(fill.quantity, later), in_terms_of(fill.price, later)
        if fill.side == Side.BUY:
            cost, quantity = averaged(quantity, cost, shares, price), quantity + shares
        else:
            quantity -= shares
            first_done = first_done or is_first_take_profit(fill)
        if quantity <= 0:
            return False
    changes = {
        "quantity": quantity,
        "cost": cost.quantize(MICRO, rounding=ROUND_HALF_EVEN),
        "first_done": first_done,
        "bh": None if first_done else track.bh,
        "last_trade": fills[-1].pk,
    }
    PositionTrack.objects.filter(pk=track.pk).update(**changes)
    for name, value in changes.items():
        setattr(track, name, value)
    return True


# ---------------------------------------------------------------------------------- rows
def _rows(
    tracks: Mapping[tuple[int, str], PositionTrack],
    positions: Mapping[tuple[int, str], Position],
    plans: Plans,
    accounts: Mapping[int, BrokerAccount],
    trade_date: date,
) -> Prepared:
    prepared = Prepared()
    promised = _promised(accounts)
    boards = dict(
        Instrument.objects.filter(pk__in={track.instrument_id for track in tracks.values()}).values_list("pk", "board")
    )
    for key, track in tracks.items():
        plan, position = plans.of(*key), positions[key]
        lots = lot_rule(Board(boards[track.instrument_id]), trade_date) if track.instrument_id in boards else None
        if track.paused:
            prepared.paused[track.pk] = track.paused
        if track.paused or plan is None or lots is None:
            continue
        sellable = position.confirmed_sellable - position.unconfirmed_sold - promised.get(key, 0)
        prepared.rows.append(
            Row(
                track_id=track.pk,
                account_id=track.account_id,
                symbol=track.symbol,
                instrument_id=track.instrument_id,
                plan=plan,
                figures=figures_of(track),
                quantity=position.quantity,
                sellable=max(0, sellable),
                lots=lots,
                trade_date=trade_date,
                latches=track.latches,
                added_at=track.added_at,
                seen_at=track.seen_at,
                auto_trading=accounts[track.account_id].auto_trading,
                strategy=plan.plan.strategy,
            )
        )
    return prepared


def _promised(accounts: Iterable[int]) -> dict[tuple[int, str], int]:
    """Shares promised to open sells that the broker's figure does not contain yet."""
    orders = Order.objects.filter(account__in=list(accounts), reserved_quantity__gt=0)
    sums = orders.order_by().values_list("account_id", "symbol").annotate(total=Sum("reserved_quantity"))
    return {(account_id, symbol): total for account_id, symbol, total in sums}


# -------------------------------------------------------------------------------- memory
def tracks_store(memories: Sequence[Memory]) -> None:
    """Store what quotes have led to; one statement for all. A track that ended or was rescaled meanwhile is left alone."""
    if not memories:
        return
    table = connections[DATABASE].ops.quote_name(PositionTrack._meta.db_table)
    rows = [
        (
            str(memory.hi),
            None if memory.bh is None else str(memory.bh),
            memory.latches,
            memory.added_at,
            memory.seen_at,
            memory.track_id,
            memory.trade_date.isoformat(),
        )
        for memory in memories
    ]
    with transaction.atomic(using=DATABASE), connections[DATABASE].cursor() as cursor:
        cursor.executemany(
            f"UPDATE {table} SET hi = %s, bh = %s, latches = %s, added_at = %s, seen_at = %s"  # noqa: S608 - our own table
            " WHERE id = %s AND scaled_on = %s AND ended_at IS NULL",
            rows,
        )


def high_reset(track_id: int, account_id: int, symbol: str, hi: Decimal, reset_to: Decimal) -> None:
    """A highest price that cannot be right was set to the better of cost and price; somebody should know."""
    alert_raise(
        AlertKind.SIGNALS_PAUSED,
        Severity.WARNING,
        format_lazy(_("The highest price of {symbol} cannot be right and was reset"), symbol=symbol),
        {"symbol": symbol, "hi": plain(hi) or "", "reset_to": plain(reset_to) or ""},
        dedup_key=f"signals.high:{track_id}",
        account_id=account_id,
    )
