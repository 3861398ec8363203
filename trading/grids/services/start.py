"""Starting a grid, and showing beforehand what it would be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final

from django.db import IntegrityError, transaction

from accounts.actors import actor_for
from accounts.models import ApiToken, BrokerAccount, User
from accounts.selectors import account_to_trade, may_trade
from marketdata.models import Instrument
from marketdata.selectors import instrument_day
from marketdata.services import DataRequest, MarketDataService
from ops import audit
from ops.clocks import MarketClock
from ops.errors import Code, Conflict, Denied, DeskError, Forbidden, Invalid, Unavailable
from ops.inputs import shown
from trading.grids.figures import LOT
from trading.grids.models import GridSession
from trading.grids.services.changing import tell
from trading.grids.services.detecting import price_of
from trading.grids.terms import DECIMALS, INVESTMENT_SHARE, NAMES, GridTerms, terms_parse
from trading.ledger.journal import DATABASE, account_journal
from trading.ledger.models import LedgerPosition, Position
from trading.ledger.wire import plain
from trading.orders.services.context import account_clock, newest_quote
from trading.orders.services.submit import instrument_named
from trading.orders.services.ticket import MAX_PRICE, decimal_of

FIELDS: Final = frozenset({"account", "symbol", "template", "center", "max_investment", *NAMES})
_MAX_INVESTMENT: Final = Decimal(10**10)
_CENT: Final = Decimal("0.01")
#: A centre outside of these parts of the price is a slip of the hand.
_CENTER_RANGE: Final = (Decimal("0.1"), Decimal(20))


@dataclass(frozen=True, slots=True)
class _Proposal:
    """A grid that may be started."""

    account: BrokerAccount
    instrument: Instrument
    template: str
    terms: GridTerms
    center: Decimal
    max_investment: Decimal
    price: Decimal
    clock: MarketClock

    def row(self, user: User, token: ApiToken | None, at: Any) -> GridSession:
        terms = self.terms
        return GridSession(
            account=self.account,
            user=user,
            token=token,
            by_token=token is not None,
            symbol=self.instrument.symbol,
            instrument_id=self.instrument.pk,
            template=self.template,
            interval=terms.interval,
            ratio=terms.ratio,
            callback=terms.callback,
            max_deviation=terms.max_deviation,
            target=terms.target,
            stop=terms.stop,
            days=terms.days,
            max_investment=self.max_investment,
            expires_at=self.clock.market_time + timedelta(days=terms.days),
            began_at_price=self.center,
            center=self.center,
            last_price=self.price,
            scaled_on=self.clock.trade_date,
            created_at=at,
            changed_at=at,
        )


def grid_preview(*, user: User, account_id: int, body: Mapping[str, Any]) -> GridSession:
    """The grid that `grid_start` would store, unsaved: its terms, levels and largest investment.

    Raises
    ------
    As `grid_start`, but for GRID_EXISTS.
    """
    proposal = _proposal(user, account_id, body)
    return proposal.row(user, None, proposal.clock.observed_at)


def grid_start(
    *, user: User, account_id: int, body: Mapping[str, Any], token: ApiToken | None = None, request_id: str = ""
) -> GridSession:
    """Start a grid on a holding, in this person's name.

    Parameters
    ----------
    body
        ``symbol``; and if they are not to be the template's or the usual ones: ``template``, ``center`` (CNY, else the
        highest price since the holding was opened), ``max_investment`` (CNY, else half of the holding's value), and the
        fields of `GridTerms`.

    Raises
    ------
    NotFound, Forbidden
        As `order_submit` does: who may not trade the account starts nothing on it.
    Invalid
        A malformed field, named, with its range; FIELD_REQUIRED for a centre that cannot be derived.
    Denied
        GRID_NO_POSITION: the account holds nothing of it.
    Conflict
        GRID_EXISTS: one that has not ended stands on this holding.
    Unavailable
        MARKET_CLOCK_UNKNOWN: the account's host does not report.
    """
    proposal = _proposal(user, account_id, body)
    with account_journal(account_id) as journal:
        if not may_trade(user, journal.book.account):
            raise Forbidden(Code.TRADE_NOT_GRANTED, account=account_id)
        grid = proposal.row(user, token, journal.at)
        try:
            with transaction.atomic(using=DATABASE):
                grid.save(force_insert=True)
        except IntegrityError:
            standing = GridSession.objects.filter(account=account_id, symbol=grid.symbol, final_at__isnull=True).first()
            if standing is None:
                raise
            raise Conflict(Code.GRID_EXISTS, field="symbol", symbol=grid.symbol, grid=standing.pk) from None
        tell(journal, grid.pk)
        audit.record(
            actor=actor_for(user, token),
            action="grid.started",
            target=f"grid:{grid.pk}",
            after={
                "symbol": grid.symbol,
                "template": grid.template,
                **grid.terms.view(),
                "center": plain(grid.center),
                "max_investment": plain(grid.max_investment),
                "expires_at": grid.expires_at.isoformat(),
            },
            account_id=account_id,
            request_id=request_id,
        )
    return grid


def _proposal(user: User, account_id: int, body: Mapping[str, Any]) -> _Proposal:
    account = account_to_trade(user, account_id)
    symbol = body.get("symbol")
    if not isinstance(symbol, str) or not symbol:
        raise Invalid(Code.FIELD_REQUIRED, field="symbol")
    given = {name: body[name] for name in NAMES if body.get(name) is not None}
    template, terms = terms_parse(body.get("template"), given)
    instrument = instrument_named(symbol)
    position = Position.objects.filter(account=account, symbol=instrument.symbol, quantity__gt=0).first()
    if position is None:
        raise Denied(Code.GRID_NO_POSITION, account=account.pk, symbol=instrument.symbol)
    clock = account_clock(account)
    if clock.stale:
        raise Unavailable(Code.MARKET_CLOCK_UNKNOWN, host=account.host.name)
    price = _price(instrument, position, clock)
    center = _center(body.get("center"), account, instrument, clock, price)
    largest = _max_investment(body.get("max_investment"), position.quantity * price)
    lot = max(LOT, instrument.min_quantity)
    if largest * terms.ratio < lot * price:
        raise Invalid(
            Code.FIELD_INVALID,
            f"max_investment × ratio must buy {lot} shares at {plain(price)}",
            field="max_investment",
            value=plain(largest),
            least=plain((lot * price / terms.ratio).quantize(_CENT, ROUND_HALF_UP)),
        )
    return _Proposal(account, instrument, template, terms, center, largest, price, clock)


def _price(instrument: Instrument, position: Position, clock: MarketClock) -> Decimal:
    """What a share is worth now: the last price, else the previous close, else what the broker states."""
    quote = newest_quote(instrument)
    if quote is not None and quote.last > 0:
        return price_of(quote.last)
    day = instrument_day(instrument, clock.trade_date)
    price = position.last_price if day is None else day.pre_close
    if price <= 0:
        raise Invalid(Code.FIELD_REQUIRED, "no price of it is known yet", field="center")
    return price


def _center(given: Any, account: BrokerAccount, instrument: Instrument, clock: MarketClock, price: Decimal) -> Decimal:
    if given is None:
        highest = highest_since_opening(account, instrument, clock.trade_date)
        if highest is None:
            raise Invalid(
                Code.FIELD_REQUIRED, "the highest price since it was bought is not known: give a centre", field="center"
            )
        return highest
    center = _amount("center", given, MAX_PRICE, DECIMALS)
    low, high = (part * price for part in _CENTER_RANGE)
    if not low <= center <= high:
        raise Invalid(Code.FIELD_INVALID, field="center", value=shown(given), least=plain(low), most=plain(high))
    return center


def _max_investment(given: Any, value: Decimal) -> Decimal:
    if given is None:
        return (value * INVESTMENT_SHARE).quantize(_CENT, ROUND_HALF_UP)
    return _amount("max_investment", given, _MAX_INVESTMENT, 2)


def _amount(field: str, given: Any, most: Decimal, decimals: int) -> Decimal:
    number = decimal_of(given)
    if number is None or not number.is_finite() or not 0 < number <= most:
        raise Invalid(Code.FIELD_INVALID, field=field, value=shown(given), most=plain(most))
    exponent = number.normalize().as_tuple().exponent
    if not isinstance(exponent, int) or exponent < -decimals:
        raise Invalid(Code.FIELD_INVALID, field=field, value=shown(given), decimals=decimals)
    return number


def highest_since_opening(account: BrokerAccount, instrument: Instrument, today: date) -> Decimal | None:
    """The highest price since the holding was opened, in today's terms; None where nobody knows.

    Of the day on which it was opened only what was paid counts: its high may have come before.
    """
    held = LedgerPosition.objects.filter(account=account, symbol=instrument.symbol, quantity__gt=0).first()
    if held is None or held.opened_on is None:
        return None
    paid: Decimal = held.base_cost / held.quantity
    quote = newest_quote(instrument)
    if held.opened_on >= today:
        seen = [] if quote is None or quote.last <= 0 else [price_of(quote.last)]
    else:
        highs = _daily_highs(instrument.symbol, held.opened_on + timedelta(days=1), today - timedelta(days=1))
        if highs is None:
            return None
        seen = highs if quote is None or quote.high <= 0 else [*highs, price_of(quote.high)]
    return max([paid, *seen]).quantize(Decimal("0.000001"), ROUND_HALF_UP)


def _daily_highs(symbol: str, first: date, last: date) -> list[Decimal] | None:
    """Highs of stored days in today's terms; None while they are not complete."""
    if first > last:
        return []
    for adjust in ("front", "none"):
        request = DataRequest([symbol], "1d", start=first, end=last, adjust=adjust, fields=["high"])
        try:
            answer = MarketDataService().get(request, wait_seconds=0.0)
        except DeskError as error:
            if error.code == Code.FACTORS_UNAVAILABLE and adjust == "front":
                continue  # the source's own history is adjusted already
            return None
        return [price_of(float(high)) for high in answer.frame["high"]] if answer.complete else None
    return None
