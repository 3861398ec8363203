"""The integrity checker: what it finds in stored bars, and what becomes of a finding."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pytest_django import DjangoCaptureOnCommitCallbacks

from accounts.models import QmtHost
from marketdata.choices import Basis, FindingSeverity, IntegrityCheck
from marketdata.models import DataSource, DividendFactor, Instrument, IntegrityFinding, TradingDay
from marketdata.quotes.columns import BAR, QuoteColumns
from marketdata.quotes.models import QuoteSegment
from marketdata.quotes.periods import Period, date_ts
from marketdata.quotes.store import segments_merge
from marketdata.services.integrity import (
    IntegritySummary,
    finding_acknowledge,
    finding_repair,
    integrity_request,
    integrity_run,
    integrity_work,
)
from ops.audit import Actor
from ops.clocks import wall_now
from ops.errors import Code, Conflict, Invalid
from ops.models import Alert, AuditEvent, Job
from tests.marketdata.conftest import instrument
from tests.marketdata.fakes import TODAY, WEEK, bars, day_bars, minute_bars

pytestmark = [pytest.mark.django_db(databases=["default", "quotes"]), pytest.mark.postgres]

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
DAY, MINUTE = Period.DAY_1, Period.MINUTE_1
ACTOR = Actor("user", "1", "root")


@pytest.fixture(autouse=True)
def _silent(monkeypatch: pytest.MonkeyPatch, host: QmtHost) -> None:
    monkeypatch.setattr("marketdata.services.integrity.jobs.integrity_wake", lambda _job: True)


def keep(row: Instrument, period: Period, frame: pd.DataFrame) -> None:
    segments_merge(period=period, rows=QuoteColumns.from_frame(BAR, _stored(frame), instrument_id=row.pk))


def _stored(frame: pd.DataFrame) -> pd.DataFrame:
    renamed = frame.rename(columns={"time": "ts"})
    return renamed.assign(suspended=renamed["suspended"] == 1)


def week(prices: Sequence[float], *, stated: Sequence[float | None] | None = None) -> pd.DataFrame:
    """Flat daily bars at these closes; the previous close as stated, the true one where nothing is."""
    rows = [(date_ts(day), price, price, price, price, 10_000) for day, price in zip(WEEK, prices, strict=False)]
    frame = bars(rows)
    for at, told in enumerate(stated or ()):
        if told is not None:
            frame.loc[at, "pre_close"] = told
    return frame


def checks() -> dict[str, int]:
    return {row.check_name: row.rows for row in IntegrityFinding.objects.filter(state="OPEN")}


def only() -> IntegrityFinding:
    return IntegrityFinding.objects.get()


# -------------------------------------------------------------------------------- daily bars
def test_integrity_good_bars_give_no_finding(maotai: Instrument) -> None:
    keep(maotai, DAY, day_bars(WEEK))
    summary = integrity_run()
    assert (summary.stretches, summary.checked, dict(summary.found)) == (1, 1, {})


def test_integrity_bar_on_a_day_without_trading_is_severe(maotai: Instrument) -> None:
    keep(maotai, DAY, day_bars([*WEEK, date(2023, 3, 18)]))
    integrity_run()
    assert (only().check_name, only().severity, only().start_date) == ("NON_TRADING_DAY", "SEVERE", date(2023, 3, 18))


def test_integrity_close_above_the_high_is_found(maotai: Instrument) -> None:
    frame = day_bars(WEEK)
    frame.loc[2, "high"] = 9.5
    keep(maotai, DAY, frame)
    integrity_run()
    found = IntegrityFinding.objects.get(check_name=IntegrityCheck.OHLC_ORDER)
    assert (found.severity, found.rows) == (FindingSeverity.SEVERE, 1)
    assert found.facts["examples"][0]["date"] == "2023-03-15"
    assert found.facts["examples"][0]["high"] == 9.5


def test_integrity_price_beyond_the_limit_without_ex_date(maotai: Instrument) -> None:
    # 10 × 1.1 = 11.00 is the limit of a main-board share.
    keep(maotai, DAY, week([10.0, 11.0, 12.11]))
    integrity_run()
    assert checks() == {IntegrityCheck.BEYOND_LIMITS: 1}
    assert only().facts["examples"][0]["reference"] == 11.0


def test_integrity_price_at_the_limit_is_fine(maotai: Instrument) -> None:
    keep(maotai, DAY, week([10.0, 11.0, 12.1, 10.89]))
    integrity_run()
    assert checks() == {}


def test_integrity_first_days_of_a_listing_have_no_usual_limits(maotai: Instrument) -> None:
    Instrument.objects.filter(pk=maotai.pk).update(list_date=WEEK[0], board="STAR")
    keep(maotai, DAY, week([10.0, 18.0, 40.0]))
    integrity_run()
    assert checks() == {}


def test_integrity_ex_date_without_factor_is_severe(maotai: Instrument) -> None:
    keep(maotai, DAY, week([10.0, 10.0, 9.5], stated=[None, None, 9.5]))
    integrity_run()
    assert (only().check_name, only().severity) == (IntegrityCheck.FACTOR_MISSING, FindingSeverity.SEVERE)
    assert only().facts["examples"][0]["close_before"] == 10.0


def test_integrity_factor_that_fits_is_fine_and_one_that_does_not_is_told(maotai: Instrument) -> None:
    keep(maotai, DAY, week([10.0, 10.0, 9.5], stated=[None, None, 9.5]))
    event = DividendFactor.objects.create(instrument=maotai, date=WEEK[2], interest=0.5, dr=10 / 9.5)
    integrity_run()
    assert checks() == {}
    DividendFactor.objects.filter(pk=event.pk).update(dr=1.2)
    integrity_run()
    assert checks() == {IntegrityCheck.FACTOR_DIFFERS: 1}


def test_integrity_hole_before_a_bar_proves_nothing_about_factors(maotai: Instrument) -> None:
    frame = week([10.0, 10.0, 9.5], stated=[None, None, 9.5]).drop(index=1)
    keep(maotai, DAY, frame)
    integrity_run()
    assert checks() == {}


def test_integrity_close_of_last_year_is_what_the_year_begins_with(maotai: Instrument) -> None:
    days = (date(2022, 12, 30), date(2023, 1, 3))
    TradingDay.objects.bulk_create(TradingDay(market="SH", date=day) for day in days)
    frame = bars(
        [(date_ts(day), price, price, price, price, 100) for day, price in zip(days, (10.0, 9.0), strict=True)]
    )
    frame.loc[1, "pre_close"] = 9.0
    keep(maotai, DAY, frame)
    integrity_run()
    assert (only().check_name, only().bucket) == (IntegrityCheck.FACTOR_MISSING, 2023)


def test_integrity_front_adjusted_history_is_not_measured_by_ticks_and_limits(maotai: Instrument) -> None:
    DataSource.objects.create(host="sim", basis=Basis.FRONT_ADJUSTED)
    keep(maotai, DAY, week([10.0037, 14.1, 9.5], stated=[None, None, 9.5]))
    summary = integrity_run()
    assert checks() == {}
    assert "BEYOND_LIMITS" in str(summary.as_dict()["checks_off"])


# ----------------------------------------------------------------------------------- minutes
def test_integrity_minutes_that_add_up_are_fine(maotai: Instrument) -> None:
    minutes = minute_bars(WEEK[0])
    keep(maotai, MINUTE, minutes)
    keep(maotai, DAY, bars([(date_ts(WEEK[0]), 10.0, 10.0, 10.0, 10.0, 24_100)]))
    integrity_run()
    assert checks() == {}


def test_integrity_minutes_short_of_their_day(maotai: Instrument) -> None:
    keep(maotai, MINUTE, minute_bars(WEEK[0]).iloc[:-1])
    integrity_run()
    assert only().check_name == IntegrityCheck.DAY_INCOMPLETE
    assert only().facts == {"days": 1, "dates": ["2023-03-13"], "bars": [240], "expected": 241}


def test_integrity_minutes_of_the_open_day_may_be_few(maotai: Instrument) -> None:
    keep(maotai, MINUTE, minute_bars(TODAY).iloc[:10])
    integrity_run()
    assert checks() == {}


def test_integrity_day_bar_that_its_minutes_contradict(maotai: Instrument) -> None:
    keep(maotai, MINUTE, minute_bars(WEEK[0]))
    keep(maotai, DAY, bars([(date_ts(WEEK[0]), 10.0, 10.0, 10.0, 10.0, 24_400)]))
    integrity_run()
    assert only().check_name == IntegrityCheck.DAY_DIFFERS
    assert (only().facts["column"], only().facts["minutes"], only().facts["day"]) == ("volume", [24100], [24400])


# -------------------------------------------------------------------------- segments, repeats
def damage(row: Instrument) -> None:
    segment = QuoteSegment.objects.get(instrument_id=row.pk)
    broken = bytes(segment.payload)[:-1] + bytes([bytes(segment.payload)[-1] ^ 1])
    QuoteSegment.objects.filter(instrument_id=row.pk).update(payload=broken)


def test_integrity_damaged_segment_is_found_and_hides_no_other(maotai: Instrument, pingan: Instrument) -> None:
    keep(maotai, DAY, day_bars(WEEK))
    keep(pingan, DAY, day_bars([date(2023, 3, 18)]))
    damage(maotai)
    integrity_run()
    assert checks() == {IntegrityCheck.SEGMENT_CORRUPT: 1, IntegrityCheck.NON_TRADING_DAY: 1}
    corrupt = IntegrityFinding.objects.get(check_name="SEGMENT_CORRUPT")
    assert (corrupt.facts["reason"], corrupt.start_date, corrupt.end_date) == ("checksum differs", WEEK[0], WEEK[-1])


def test_integrity_header_that_lies_is_found(maotai: Instrument) -> None:
    keep(maotai, DAY, day_bars(WEEK))
    other = QuoteSegment.objects.get(instrument_id=maotai.pk)
    QuoteSegment.objects.filter(instrument_id=maotai.pk).update(rows=other.rows, first_ts=other.first_ts - 86_400_000)
    integrity_run()
    # The checksum covers the header too.
    assert only().check_name == IntegrityCheck.SEGMENT_CORRUPT


def test_integrity_second_run_checks_only_what_changed(maotai: Instrument, pingan: Instrument) -> None:
    keep(maotai, DAY, day_bars(WEEK))
    keep(pingan, DAY, day_bars(WEEK))
    integrity_run()
    assert integrity_run().checked == 0
    keep(maotai, DAY, day_bars(WEEK, price=11.0))
    assert integrity_run().checked == 1
    assert integrity_run(full=True).checked == 2
    DividendFactor.objects.create(instrument=pingan, date=WEEK[2], dr=1.1)
    assert integrity_run().checked == 1


def test_integrity_new_factor_settles_the_finding_as_repaired(maotai: Instrument) -> None:
    keep(maotai, DAY, week([10.0, 10.0, 9.5], stated=[None, None, 9.5]))
    integrity_run()
    DividendFactor.objects.create(instrument=maotai, date=WEEK[2], interest=0.5, dr=10 / 9.5)
    assert integrity_run().repaired == 1
    assert (only().state, only().settled_by) == ("REPAIRED", "integrity run")


# ------------------------------------------------------------------------------------ people
def broken_week(row: Instrument) -> IntegrityFinding:
    keep(row, DAY, week([10.0, 12.0]))
    integrity_run()
    return only()


def test_acknowledged_finding_stays_and_is_audited(maotai: Instrument) -> None:
    found = broken_week(maotai)
    finding_acknowledge(actor=ACTOR, finding_id=found.pk, note=" checked against the exchange's page ")
    integrity_run(full=True)
    assert (only().state, only().settled_by, only().note) == (
        "ACKNOWLEDGED",
        "root",
        "checked against the exchange's page",
    )
    assert AuditEvent.objects.get().action == "integrity.acknowledged"


def test_acknowledged_finding_with_more_rows_opens_again(maotai: Instrument) -> None:
    found = broken_week(maotai)
    finding_acknowledge(actor=ACTOR, finding_id=found.pk, note="known")
    keep(maotai, DAY, week([10.0, 12.0, 15.0]))
    assert integrity_run().severe == 1
    assert (only().state, only().rows) == ("OPEN", 2)


def test_acknowledge_without_reason_changes_nothing(maotai: Instrument) -> None:
    found = broken_week(maotai)
    with pytest.raises(Invalid):
        finding_acknowledge(actor=ACTOR, finding_id=found.pk, note="  ")
    assert only().state == "OPEN"
    assert not AuditEvent.objects.exists()


def test_acknowledge_twice_is_a_conflict(maotai: Instrument) -> None:
    found = broken_week(maotai)
    finding_acknowledge(actor=ACTOR, finding_id=found.pk, note="known")
    with pytest.raises(Conflict) as refusal:
        finding_acknowledge(actor=ACTOR, finding_id=found.pk, note="again")
    assert refusal.value.code == Code.FINDING_SETTLED


def test_repair_of_a_damaged_segment_discards_it_and_orders_its_days(maotai: Instrument) -> None:
    keep(maotai, DAY, day_bars(WEEK))
    damage(maotai)
    integrity_run()
    job = finding_repair(actor=ACTOR, owner=7, finding_id=only().pk)
    item = job.repair_items.get()
    assert (item.instrument_id, item.period, item.ranges) == (maotai.pk, "1d", [["2023-03-13", "2023-03-17"]])
    assert not QuoteSegment.objects.exists()
    assert (only().repair_job, job.owner) == (job.pk, 7)
    keep(maotai, DAY, day_bars(WEEK))
    integrity_run()
    assert only().state == "REPAIRED"


def test_repair_that_no_download_can_do_is_refused(maotai: Instrument) -> None:
    keep(maotai, DAY, day_bars([*WEEK, date(2023, 3, 18)]))
    integrity_run()
    with pytest.raises(Invalid) as refusal:
        finding_repair(actor=ACTOR, owner=None, finding_id=only().pk)
    assert refusal.value.code == Code.FINDING_NOT_REPAIRABLE
    assert not Job.objects.exists()


# -------------------------------------------------------------------------------------- jobs
def test_run_as_a_job_raises_an_alert_for_severe_findings(
    maotai: Instrument, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    keep(maotai, DAY, week([10.0, 12.0]))
    job = integrity_request()
    with django_capture_on_commit_callbacks(execute=True):
        integrity_work("test")
    job.refresh_from_db()
    assert (job.status, job.result["found"], job.result["severe"]) == ("DONE", {"BEYOND_LIMITS": 1}, 1)
    assert (Alert.objects.get().kind, Alert.objects.get().closed_at) == ("data.integrity", None)
    # The bars are corrected: the next run finds nothing severe, and the alert is over.
    keep(maotai, DAY, week([10.0, 10.5]))
    integrity_request()
    with django_capture_on_commit_callbacks(execute=True):
        integrity_work("test")
    assert Alert.objects.get().closed_at is not None


def test_run_asked_twice_is_one_job(maotai: Instrument) -> None:
    assert integrity_request().pk == integrity_request().pk
    assert integrity_request(full=True).pk != integrity_request().pk


def test_run_waits_for_one_that_is_under_way(maotai: Instrument) -> None:
    first, second = integrity_request(), integrity_request(full=True)
    Job.objects.filter(pk=first.pk).update(status="RUNNING", lease_until=wall_now() + timedelta(minutes=1))
    assert integrity_work("test") is None
    # Whoever held it died: its run is taken over first, then ours.
    Job.objects.filter(pk=first.pk).update(lease_until=wall_now() - timedelta(minutes=1))
    assert [job.pk for _ in range(2) if (job := integrity_work("test"))] == [first.pk, second.pk]
    assert integrity_work("test") is None


# ------------------------------------------------------------------------- the files as they are
def replayed_days(symbols: int) -> pd.DataFrame:
    frame = pd.read_csv(DATA / "ashare_daily.csv.gz", dtype={"ts_code": str, "trade_date": str})
    return frame[frame["ts_code"].isin(sorted(frame["ts_code"].unique())[:symbols])]


def test_the_daily_file_is_reported_as_it_is(db: None) -> None:
    frame = replayed_days(12)
    days = [date.fromisoformat(text) for text in sorted(frame["trade_date"].unique())]
    TradingDay.objects.bulk_create([TradingDay(market="SH", date=day) for day in days], ignore_conflicts=True)
    DataSource.objects.create(host="sim", basis=Basis.FRONT_ADJUSTED)
    for symbol, part in frame.groupby("ts_code"):
        row = instrument(str(symbol))
        stored = pd.DataFrame(
            {
                "time": [date_ts(date.fromisoformat(text)) for text in part["trade_date"]],
                **{name: part[name].to_numpy() for name in ("open", "high", "low", "close", "pre_close")},
                "volume": (part["vol"].to_numpy() * 100).round().astype(np.int64),
                "amount": part["amount"].to_numpy() * 1000,
                "suspended": 0,
            }
        )
        keep(row, DAY, stored)
    summary = integrity_run()
    assert (summary.checked > 0, summary.found) == (True, {})
    assert "AMOUNT_OUTSIDE_PRICES" in str(summary.as_dict()["checks_off"])


def test_the_minute_file_has_its_missing_opens_reported(maotai: Instrument) -> None:
    frame = pd.read_csv(DATA / "600519_1min.csv")
    stamps = pd.to_datetime(frame["datetime"]).dt.tz_localize("Asia/Shanghai")
    days = sorted({stamp.date() for stamp in stamps})
    TradingDay.objects.bulk_create([TradingDay(market="SH", date=day) for day in days])
    stored = pd.DataFrame(
        {
            "time": stamps.astype("int64")
            // (10**6 if stamps.dt.unit == "ns" else 10**3 if stamps.dt.unit == "us" else 1),
            **{name: frame[name].to_numpy(float) for name in ("open", "high", "low", "close")},
            "volume": frame["volume"].to_numpy(np.int64) * 100,
            "amount": frame["成交额"].to_numpy(float),
            "suspended": 0,
        }
    )
    keep(maotai, MINUTE, stored)
    summary: IntegritySummary = integrity_run()
    zero = int((frame["open"] == 0).sum())
    (found,) = IntegrityFinding.objects.filter(check_name=IntegrityCheck.OPEN_MISSING)
    assert zero > 900
    assert (found.rows, found.facts["days"], found.severity) == (zero, 4, "WARNING")
    assert summary.found[IntegrityCheck.OPEN_MISSING] == 1
