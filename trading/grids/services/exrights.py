"""Ex-dates (除权除息): every price and quantity of a grid is put into the new terms before anything is judged by them.

Once per ex-date, audited. A date whose previous close is not yesterday's close and that has no factor holds the grid and alarms:
without the factor the fall of the price would look like a fall of the market.
"""

from __future__ import annotations

from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from marketdata.models import DividendFactor, Instrument, InstrumentDay
from marketdata.selectors import instrument_day
from marketdata.services import DataRequest, MarketDataService
from ops import audit
from ops.errors import Code, DeskError
from trading.grids.course import PRICE_STEP
from trading.grids.models import GridFill, GridSession
from trading.grids.services.alarms import tell_held, tell_released
from trading.grids.services.changing import PLATFORM, change, grid_locked
from trading.ledger.journal import account_journal

_PER_SHARE: Final = Decimal("0.000001")
_CENT: Final = Decimal("0.0001")


def rights_apply(grid: GridSession, today: date) -> str:
    """Bring a grid's figures up to a trade date; call before its first evaluation on it.

    Returns
    -------
    str
        Why it is held, blank when it may be evaluated.
    """
    if grid.scaled_on >= today:
        return grid.held
    instrument = Instrument.objects.get(pk=grid.instrument_id)
    factors = list(
        DividendFactor.objects.filter(instrument=instrument, date__gt=grid.scaled_on, date__lte=today).order_by("date")
    )
    held = _missing(grid, instrument, factors, today)
    if held:
        _hold(grid.pk, held)
        return held
    with account_journal(grid.account_id) as journal:
        grid = grid_locked(grid.pk)
        if grid.scaled_on >= today:
            return grid.held
        for factor in factors:
            _rescale(grid, factor)
        released = bool(grid.held)
        change(
            journal,
            grid,
            scaled_on=today,
            held="",
            center=grid.center,
            began_at_price=grid.began_at_price,
            extreme=grid.extreme,
            last_price=grid.last_price,
            open_quantity=grid.open_quantity,
            carried=grid.carried,
        )
        if released:
            tell_released(grid)
    return ""


def _missing(grid: GridSession, instrument: Instrument, factors: list[DividendFactor], today: date) -> str:
    """The code that holds the grid: nothing is known of the day yet, or it is an ex-date without a factor."""
    day = instrument_day(instrument, today)
    if day is None or day.trade_date != today:
        return str(Code.STALE_LIMITS)
    if any(factor.date == today for factor in factors):
        return ""
    close = _close_before(instrument.symbol, today)
    return str(Code.FACTORS_UNAVAILABLE) if close is not None and _differs(close, day, instrument) else ""


def _differs(close: Decimal, day: InstrumentDay, instrument: Instrument) -> bool:
    return abs(day.pre_close - close) >= instrument.tick


def _close_before(symbol: str, today: date) -> Decimal | None:
    """Yesterday's raw close; None where it is not stored."""
    request = DataRequest([symbol], "1d", end=today - timedelta(days=1), count=1, fields=["close"])
    try:
        answer = MarketDataService().get(request, wait_seconds=0.0)
    except DeskError:
        return None  # no host, or no such history: nothing to compare with
    if not answer.complete or answer.frame.empty:
        return None
    return Decimal(str(round(float(answer.frame["close"].iloc[-1]), 4)))


def _hold(grid_id: int, code: str) -> None:
    account_id = GridSession.objects.values_list("account_id", flat=True).get(pk=grid_id)
    with account_journal(account_id) as journal:
        grid = grid_locked(grid_id)
        if grid.held == code or grid.is_final:
            return
        change(journal, grid, held=code)
        audit.record(
            actor=PLATFORM,
            action="grid.held",
            target=f"grid:{grid.pk}",
            before={"held": ""},
            after={"held": code},
            account_id=account_id,
        )
        if code == Code.FACTORS_UNAVAILABLE:
            tell_held(grid, code)


def _rescale(grid: GridSession, factor: DividendFactor) -> None:
    """Put prices, lots and volume into the terms of one ex-date."""
    cash = _share(factor.interest)
    more = _share(factor.stock_bonus) + _share(factor.stock_gift)
    offered = _share(factor.allot_num)
    growth, payout = 1 + more + offered, cash - offered * _share(factor.allot_price)

    def scaled(price: Decimal) -> Decimal:
        return ((price - payout) / growth).quantize(PRICE_STEP, ROUND_HALF_UP)

    before = {"center": grid.center, "open_quantity": grid.open_quantity, "carried": grid.carried}
    lots = list(GridFill.objects.filter(session=grid, lot_quantity__gt=0))
    for lot in lots:
        lot.lot_price = scaled(lot.lot_price)
        lot.lot_quantity = int(lot.lot_quantity * (1 + more))
    GridFill.objects.bulk_update(lots, ["lot_price", "lot_quantity"])
    reference = grid.last_price or grid.center
    shares = int(grid.open_quantity * (1 + more))
    # What the holder got for the fall of the price, so that the profit is the same before and after it.
    paid = grid.open_quantity * reference - shares * (reference - payout) / growth
    grid.carried += paid.quantize(_CENT, ROUND_HALF_UP)
    grid.open_quantity = shares
    grid.center, grid.began_at_price = scaled(grid.center), scaled(grid.began_at_price)
    grid.extreme = None if grid.extreme is None else scaled(grid.extreme)
    grid.last_price = None if grid.last_price is None else scaled(grid.last_price)
    audit.record(
        actor=PLATFORM,
        action="grid.rescaled",
        target=f"grid:{grid.pk}",
        before=before,
        after={
            "ex_date": factor.date.isoformat(),
            "center": grid.center,
            "open_quantity": grid.open_quantity,
            "carried": grid.carried,
        },
        account_id=grid.account_id,
    )


def _share(value: float) -> Decimal:
    return Decimal(str(value)).quantize(_PER_SHARE)
