"""After the close: live bars are verified, replaced and tidied away."""

from __future__ import annotations

import logging

import pandas as pd
import pytest

from accounts.models import QmtHost
from marketdata.models import Instrument, LiveDifference
from marketdata.quotes import reader, store
from marketdata.quotes.models import QuoteSegment, RawQuote
from marketdata.quotes.periods import Period, date_ts
from marketdata.services.axis import first_open_day
from marketdata.services.closing import ClosingSummary, close_days
from marketdata.services.landed import bars_of_frames
from ops.clocks import MarketClock
from ops.models import Job
from tests.marketdata.conftest import MAOTAI, RunnerFactory, set_clock
from tests.marketdata.fakes import TODAY, FakeTerminal, clock_at, day_bars, minute_bars

pytestmark = [pytest.mark.django_db(databases=["default", "quotes"]), pytest.mark.postgres]

TRADING = clock_at("2023-03-20 14:59:00")
CLOSED = clock_at("2023-03-20 15:31:00")


def live(instrument: Instrument, frame: pd.DataFrame) -> None:
    """Bars as the engine builds them from quotes."""
    store.bars_upsert(period=Period.MINUTE_1, rows=bars_of_frames({instrument.pk: frame}))


def close(clock: MarketClock) -> ClosingSummary:
    return close_days(host="sim", first_open_day=first_open_day(clock), clock=clock)


@pytest.fixture
def day(maotai: Instrument, host: QmtHost, terminal: FakeTerminal) -> Instrument:
    """A full day at the terminal, and live bars of it that miss a minute and got another one wrong."""
    terminal.put(MAOTAI, "1d", day_bars([TODAY], volume=24_100))
    terminal.put(MAOTAI, "1m", minute_bars(TODAY))
    built = minute_bars(TODAY).drop(index=[17]).reset_index(drop=True)
    built.loc[40, "volume"] = 300
    live(maotai, built)
    return maotai


def test_close_while_trading_touches_nothing(day: Instrument) -> None:
    assert close(TRADING) == ClosingSummary()
    assert (RawQuote.objects.count(), Job.objects.count()) == (240, 0)


def test_close_verifies_replaces_and_discards(
    day: Instrument, host: QmtHost, make_runner: RunnerFactory, caplog: pytest.LogCaptureFixture
) -> None:
    set_clock(host, CLOSED)
    assert close(CLOSED) == ClosingSummary(requested=1)
    with caplog.at_level(logging.WARNING):
        make_runner(clock=CLOSED).run_all()
    assert "live bars differ from the terminal's: period=1m differing=1 of=240" in caplog.text
    kept = LiveDifference.objects.get()
    assert (kept.instrument, kept.period, kept.trade_date, kept.host) == (day, "1m", TODAY, "sim")
    assert (kept.compared, kept.differing) == (240, 1)
    assert [(one["column"], one["live"], one["terminal"]) for one in kept.examples] == [("volume", 300, 100)]
    assert close(CLOSED) == ClosingSummary(discarded=240)
    assert RawQuote.objects.count() == 0
    bars = reader.read_bars([day.pk], Period.MINUTE_1, date_ts(TODAY), date_ts(TODAY) + 86_400_000)
    assert (len(bars), int(bars.values["volume"].sum())) == (241, 24_100)
    assert QuoteSegment.objects.filter(period=Period.DAY_1).count() == 1
    assert close(CLOSED) == ClosingSummary()


def test_close_that_fails_keeps_the_live_bars(
    day: Instrument, host: QmtHost, terminal: FakeTerminal, make_runner: RunnerFactory
) -> None:
    set_clock(host, CLOSED)
    terminal.source.clear()
    terminal.padded = {MAOTAI: 99}
    close(CLOSED)
    make_runner(clock=CLOSED).run_all()
    assert Job.objects.get().status == "FAILED"
    assert close(CLOSED) == ClosingSummary()  # not again at once, and nothing thrown away
    assert RawQuote.objects.count() == 240


def test_close_compares_and_replaces_live_five_minute_bars(
    maotai: Instrument, host: QmtHost, terminal: FakeTerminal, make_runner: RunnerFactory
) -> None:
    fives = minute_bars(TODAY).iloc[5::5].reset_index(drop=True)
    assert len(fives) == 48
    terminal.put(MAOTAI, "1d", day_bars([TODAY], volume=4_800))
    terminal.put(MAOTAI, "5m", fives)
    built = fives.copy()
    built.loc[7, ["high", "volume"]] = [99.0, 500]
    store.bars_upsert(period=Period.MINUTE_5, rows=bars_of_frames({maotai.pk: built}))
    set_clock(host, CLOSED)
    assert close(CLOSED) == ClosingSummary(requested=1)
    make_runner(clock=CLOSED).run_all()
    kept = LiveDifference.objects.get()
    assert (kept.period, kept.compared, kept.differing) == ("5m", 48, 1)
    told = [fives["high"][7], fives["volume"][7]]
    assert [(one["column"], one["live"], one["terminal"]) for one in kept.examples] == [
        ("high", 99.0, told[0]),
        ("volume", 500, told[1]),
    ]
    assert close(CLOSED) == ClosingSummary(discarded=48)
    bars = reader.read_bars([maotai.pk], Period.MINUTE_5, date_ts(TODAY), date_ts(TODAY) + 86_400_000)
    assert (len(bars), float(bars.values["high"][7])) == (48, told[0])
