"""Ex-dates: a grid's prices and lots in the new terms, once, before anything is judged; a missing factor holds it."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from marketdata.models import DividendFactor, InstrumentDay
from ops.errors import Code
from ops.models import Alert, AuditEvent
from tests.grids.field import Field
from tests.orders.bench import MOUTAI, TODAY
from trading.grids.models import GridSession

pytestmark = pytest.mark.django_db

D = Decimal
NEXT = TODAY + timedelta(days=3)  # a Monday


@pytest.fixture(autouse=True)
def closes(monkeypatch: pytest.MonkeyPatch) -> dict[str, Decimal | None]:
    """Yesterday's stored raw close, as the test says."""
    known: dict[str, Decimal | None] = {"close": D("10.00")}
    monkeypatch.setattr("trading.grids.services.exrights._close_before", lambda _symbol, _today: known["close"])
    return known


def factor(field: Field, on: date = NEXT, **amounts: float) -> None:
    DividendFactor.objects.create(instrument=field.bench.instruments[MOUTAI], date=on, **amounts)


def next_day(field: Field, pre_close: str) -> None:
    """The market opens on the next trade date with this previous close."""
    field.trade_date = NEXT
    InstrumentDay.objects.filter(instrument__symbol=MOUTAI).update(
        trade_date=NEXT, pre_close=D(pre_close), limit_up=D("13"), limit_down=D("4")
    )
    field.wait(3 * 24 * 3600)
    field.turn()


def held(field: Field) -> GridSession:
    """A grid with 500 bought at 9.26, its centre there, and its peak not met."""
    grid = field.start(max_deviation="0.5", stop="-0.5", days=60)
    field.price("9.40", "9.20", "9.25")
    field.fill(field.orders(grid)[0])
    field.turn()
    field.price("10.00")
    field.watch.store(now=True)
    return field.fresh(grid)


def test_cash_dividend_lowers_prices_and_keeps_the_profit(field: Field) -> None:
    grid = held(field)
    before = grid.totals.profit(D("10.00"))
    factor(field, interest=0.5)
    next_day(field, "9.50")
    after = field.fresh(grid)
    assert (after.center, after.began_at_price) == (D("8.76"), D("9.50"))
    (fill,) = field.fills(grid)
    assert (fill.lot_price, fill.lot_quantity, fill.price) == (D("8.76"), 500, D("9.26"))
    assert (after.open_quantity, after.carried) == (500, D("250.00"))
    assert after.totals.profit(D("9.50")) == before


def test_bonus_shares_multiply_lots_and_keep_the_profit(field: Field) -> None:
    grid = held(field)
    before = grid.totals.profit(D("10.00"))
    factor(field, stock_bonus=0.3, stock_gift=0.2)
    next_day(field, "6.67")
    after = field.fresh(grid)
    assert (after.center, after.open_quantity) == (D("6.173333"), 750)
    (fill,) = field.fills(grid)
    assert (fill.lot_quantity, fill.lot_price) == (750, D("6.173333"))
    assert abs(after.totals.profit(D("10.00") / D("1.5")) - before) < D("0.01")


def test_allotment_lowers_prices_and_leaves_quantities(field: Field) -> None:
    grid = held(field)
    factor(field, allot_num=0.2, allot_price=6.0)
    next_day(field, "9.33")
    after = field.fresh(grid)
    assert after.center == ((D("9.26") + D("1.2")) / D("1.2")).quantize(D("0.000001"))
    assert after.open_quantity == 500
    assert abs(after.totals.profit((D("10.00") + D("1.2")) / D("1.2")) - grid.totals.profit(D("10.00"))) < D("0.01")


def test_peak_that_is_followed_is_rescaled_with_the_rest(field: Field) -> None:
    grid = field.start(days=60)
    field.price("10.60", "10.80")
    field.watch.store(now=True)
    factor(field, interest=0.5)
    next_day(field, "9.50")
    assert field.fresh(grid).extreme == D("10.30")


def test_rescaling_happens_once_and_is_audited(field: Field) -> None:
    grid = held(field)
    factor(field, interest=0.5)
    next_day(field, "9.50")
    field.turn()
    field.turn()
    assert AuditEvent.objects.filter(action="grid.rescaled", target=f"grid:{grid.pk}").count() == 1
    assert field.fresh(grid).center == D("8.76")


def test_fall_of_the_ex_date_is_no_signal_and_no_loss(field: Field) -> None:
    grid = held(field)
    factor(field, interest=0.5)
    next_day(field, "9.50")
    field.price("9.50", "9.49", "9.55")  # centre 8.76: the same 8% above it as 10.00 was above 9.26
    assert len(field.signals(grid)) == 1
    assert field.fresh(grid).end == ""


def test_missing_factor_holds_the_grid_and_alarms(field: Field, django_capture_on_commit_callbacks: Any) -> None:
    grid = held(field)
    with django_capture_on_commit_callbacks(execute=True):
        next_day(field, "9.50")  # yesterday closed at 10.00
    after = field.fresh(grid)
    assert (after.held, after.center) == (Code.FACTORS_UNAVAILABLE, D("9.26"))
    field.price("8.00", "7.50", "7.60")
    assert len(field.signals(grid)) == 1, "nothing is detected while it is held"
    assert Alert.objects.get(kind="grid.trouble").closed_at is None
    with django_capture_on_commit_callbacks(execute=True):
        factor(field, interest=0.5)
        field.turn()
    assert (field.fresh(grid).held, field.fresh(grid).center) == ("", D("8.76"))
    assert Alert.objects.get(kind="grid.trouble").closed_at is not None


def test_day_without_an_event_changes_nothing_but_the_date(field: Field) -> None:
    grid = held(field)
    next_day(field, "10.00")
    after = field.fresh(grid)
    assert (after.scaled_on, after.center, after.held) == (NEXT, grid.center, "")


def test_unknown_close_of_yesterday_holds_nothing(field: Field, closes: dict[str, Decimal | None]) -> None:
    closes["close"] = None
    grid = held(field)
    next_day(field, "9.50")
    assert field.fresh(grid).held == ""


def test_grid_waits_until_the_facts_of_the_day_are_there(field: Field) -> None:
    grid = held(field)
    field.trade_date = NEXT
    field.wait(3 * 24 * 3600)
    field.turn()
    assert field.fresh(grid).held == Code.STALE_LIMITS
    assert not Alert.objects.filter(kind="grid.trouble").exists()
    field.watch.refresh()
    assert len(field.watch) == 0
