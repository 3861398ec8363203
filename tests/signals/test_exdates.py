"""Ex-rights days: every figure rescaled once, audited; a factor that is missing pauses instead of firing."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from marketdata.models import DividendFactor, InstrumentDay, TradingDay
from marketdata.quotes.periods import Period
from marketdata.quotes.store import bars_upsert
from ops.errors import Code
from ops.models import Alert, AuditEvent
from qmt.calendar import midnight_ms
from tests.orders.bench import MOUTAI, TODAY
from tests.quotes.builders import bars
from tests.signals.pit import Pit
from trading.ledger.models import Position
from trading.signals.models import PositionTrack

pytestmark = pytest.mark.django_db(databases=["default", "quotes"])

YESTERDAY = TODAY - timedelta(days=1)


@pytest.fixture
def pit(pit: Pit) -> Pit:
    """A position of yesterday: cost 10, highest 12 and armed at 12, closed at 10.70."""
    TradingDay.objects.create(market="SH", date=YESTERDAY)
    closed(pit, 10.70)
    PositionTrack.objects.update(scaled_on=YESTERDAY, hi=Decimal(12), bh=Decimal(12))
    return pit


def closed(pit: Pit, price: float, day: date = YESTERDAY) -> None:
    bars_upsert(period=Period.DAY_1, rows=bars(pit.bench.instruments[MOUTAI].pk, [midnight_ms(day)], price))


def opens_at(pit: Pit, pre_close: str, **factor: float) -> None:
    """The exchange states today's previous close; with a factor the terminal has told the ex-date."""
    InstrumentDay.objects.filter(instrument=pit.bench.instruments[MOUTAI]).update(
        pre_close=Decimal(pre_close), limit_up=None, limit_down=None
    )
    if factor:
        DividendFactor.objects.create(instrument=pit.bench.instruments[MOUTAI], date=TODAY, **factor)


def figures(pit: Pit) -> tuple[str, str, str | None, int]:
    track = pit.track
    return str(track.cost), str(track.hi), None if track.bh is None else str(track.bh), track.quantity


def test_cash_dividend_fires_no_stop(pit: Pit) -> None:
    # 1 CNY a share: the reference price is 9.70, the factor 10.70 / 9.70.
    opens_at(pit, "9.70", interest=1.0, dr=10.70 / 9.70)
    pit.crash()
    assert figures(pit) == ("9.065421", "10.878505", "10.878505", 1000)
    # 9.20 would be a stop of the old cost; of the new one it lies 1.5% above.
    assert pit.walk("9.20") == []
    assert pit.walk("8.38") == ["STOP_LOSS 8.38"]


def test_bonus_shares_scale_prices_and_quantity(pit: Pit) -> None:
    opens_at(pit, "8.92", stock_bonus=0.1, stock_gift=0.1, dr=10.70 / 8.92)
    Position.objects.update(quantity=1200)
    pit.crash()
    assert figures(pit) == ("8.336449", "10.003738", "10.003738", 1200)
    # 7% above the new cost: no stop, and far enough below the top to take the profit.
    assert pit.walk("8.92") == ["FIRST_TAKE_PROFIT 8.92"]


def test_allotment_scales_prices_only(pit: Pit) -> None:
    # Three for ten at 6: (10.70 + 0.3 × 6) / 1.3 = 9.62.
    opens_at(pit, "9.62", allot_num=0.3, allot_price=6.0, dr=10.70 / 9.62)
    pit.crash()
    assert figures(pit) == ("8.990654", "10.788785", "10.788785", 1000)


@pytest.mark.postgres
def test_rescaling_happens_once_and_is_audited(pit: Pit) -> None:
    opens_at(pit, "9.70", interest=1.0, dr=10.70 / 9.70)
    for _start in range(3):
        pit.crash()
    assert figures(pit)[0] == "9.065421"
    (event,) = AuditEvent.objects.filter(action="signals.rescaled")
    assert event.before is not None
    assert event.after is not None
    assert (event.before["cost"], event.after["cost"]) == ("10.000000", "9.065421")
    assert list(event.after["ex_dates"]) == [TODAY.isoformat()]
    assert event.account_id == pit.bench.account.pk


def test_rescaling_waits_for_what_yesterdays_quotes_have_led_to(pit: Pit) -> None:
    PositionTrack.objects.update(scaled_on=TODAY)
    pit.crash()
    pit.walk("12.50")
    PositionTrack.objects.update(scaled_on=YESTERDAY)
    opens_at(pit, "9.70", interest=1.0, dr=10.70 / 9.70)
    pit.sync()
    assert figures(pit)[1] == "10.878505", "memory of another date's terms is not written over"


def test_missing_factor_pauses_the_instrument_and_alarms(pit: Pit, django_capture_on_commit_callbacks: Any) -> None:
    opens_at(pit, "9.70")
    with django_capture_on_commit_callbacks(execute=True):
        pit.crash()
    assert pit.track.paused == Code.FACTORS_UNAVAILABLE
    assert pit.walk("9.00") == []
    assert Alert.objects.get(kind="signals.paused").severity == "CRITICAL"


def test_factor_that_comes_late_ends_the_pause(pit: Pit, django_capture_on_commit_callbacks: Any) -> None:
    opens_at(pit, "9.70")
    with django_capture_on_commit_callbacks(execute=True):
        pit.crash()
    opens_at(pit, "9.70", interest=1.0, dr=10.70 / 9.70)
    with django_capture_on_commit_callbacks(execute=True):
        pit.sync()
    assert (pit.track.paused, figures(pit)[0]) == ("", "9.065421")
    assert Alert.objects.get(kind="signals.paused").cleared_at is not None
    assert pit.walk("8.38") == ["STOP_LOSS 8.38"]


def test_wrong_factor_pauses_too(pit: Pit) -> None:
    opens_at(pit, "9.70", interest=0.5, dr=1.05)
    pit.crash()
    assert pit.track.paused == Code.FACTORS_UNAVAILABLE


def test_day_without_its_facts_pauses_until_they_come(pit: Pit) -> None:
    InstrumentDay.objects.update(trade_date=YESTERDAY)
    pit.crash()
    assert (pit.track.paused, pit.walk("9.00")) == (Code.STALE_LIMITS, [])
    InstrumentDay.objects.update(trade_date=TODAY, pre_close=Decimal("10.70"))
    pit.sync()
    assert pit.walk("9.00") == ["STOP_LOSS 9.00"]


def test_day_without_an_event_changes_nothing_and_is_not_audited(pit: Pit) -> None:
    opens_at(pit, "10.70")
    pit.crash()
    assert figures(pit) == ("10.000000", "12.000000", "12.000000", 1000)
    assert not AuditEvent.objects.filter(action="signals.rescaled").exists()


def test_several_ex_dates_that_were_missed_are_all_taken(pit: Pit) -> None:
    earlier = TODAY - timedelta(days=7)
    PositionTrack.objects.update(scaled_on=TODAY - timedelta(days=8))
    DividendFactor.objects.create(instrument=pit.bench.instruments[MOUTAI], date=earlier, interest=1.0, dr=1.25)
    opens_at(pit, "8.56", stock_bonus=0.25, dr=1.25)
    pit.crash()
    assert figures(pit)[0] == "6.400000"
