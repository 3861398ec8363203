"""Indicators over the bars service and over REST: closed bars, look-back, adjustment, forms."""

from __future__ import annotations

import io
import json
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from django.test import Client

from accounts.choices import Role
from accounts.models import QmtHost, User
from marketdata.models import DividendFactor, Instrument, TradingDay
from marketdata.quotes.periods import date_ts
from marketdata.services.indicators import IndicatorRequest, IndicatorService
from ops.clocks import SHANGHAI
from ops.errors import Code, Invalid
from ops.models import Job
from tests.marketdata.conftest import MAOTAI, RunnerFactory, instrument, set_clock
from tests.marketdata.fakes import FakeTerminal, clock_at, day_bars, minute_bars, padding

pytestmark = pytest.mark.django_db(databases=["default", "quotes"])

TODAY = date(2023, 3, 20)
DAYS = [day for day in (TODAY - timedelta(days=back) for back in range(560, 0, -1)) if day.weekday() < 5]
LAST = DAYS[-1]


@pytest.fixture
def service(host: QmtHost) -> IndicatorService:
    return IndicatorService("sim")


@pytest.fixture
def alice(host: QmtHost) -> Client:
    client = Client()
    client.force_login(User.objects.create_user("alice", password="indicators-1", role=Role.TRADER))
    return client


@pytest.fixture
def stored(db: None, terminal: FakeTerminal, make_runner: RunnerFactory, service: IndicatorService) -> Instrument:
    """A share with 400 daily bars up to yesterday, a cent higher each day, stored."""
    TradingDay.objects.bulk_create(
        TradingDay(market=market, date=day) for market in ("SH", "SZ") for day in (*DAYS, TODAY)
    )
    terminal.days = (*DAYS, TODAY)
    terminal.put(MAOTAI, "1d", day_bars(DAYS))
    row = instrument(MAOTAI, list_date=DAYS[0])
    service.get(IndicatorRequest([MAOTAI], "MA(5)"), wait_seconds=0)
    make_runner().run_all()
    return row


def get(service: IndicatorService, text: str, **changes: Any) -> pd.DataFrame:
    result = service.get(IndicatorRequest(**({"symbols": [MAOTAI], "indicators": text} | changes)), wait_seconds=0)
    assert result.readiness.complete
    return result.frame


def test_indicators_of_a_range_begin_with_whole_windows(stored: Instrument, service: IndicatorService) -> None:
    frame = get(service, "MA(5)", start=LAST, end=LAST)
    last = 10 + 0.01 * (len(DAYS) - 1)
    assert frame["time"].tolist() == [date_ts(LAST)]
    assert frame["ma5"].tolist() == [pytest.approx(last - 0.02)]


def test_indicators_do_not_depend_on_the_start(stored: Instrument, service: IndicatorService) -> None:
    whole = get(service, "MACD,RSI(6),KDJ,ATR")
    late = get(service, "MACD,RSI(6),KDJ,ATR", start=DAYS[-10])
    pd.testing.assert_frame_equal(whole.tail(10).reset_index(drop=True), late, rtol=0, atol=1e-6)


def test_indicators_by_count_answer_so_many_bars(stored: Instrument, service: IndicatorService) -> None:
    frame = get(service, "MACD", count=3)
    assert frame["time"].tolist() == [date_ts(day) for day in DAYS[-3:]]
    assert not frame["macd_hist"].isna().any()


def test_indicators_before_the_first_whole_window_are_unknown(stored: Instrument, service: IndicatorService) -> None:
    assert get(service, "MA(60)")["ma60"].isna().sum() == 59


def test_indicators_of_adjusted_prices_know_no_ex_date(stored: Instrument, service: IndicatorService) -> None:
    facts = {"interest": Decimal(0), "stock_bonus": Decimal(1), "stock_gift": Decimal(0)}
    facts |= {"allot_num": Decimal(0), "allot_price": Decimal(0), "dr": Decimal(2)}
    DividendFactor.objects.create(instrument=stored, date=LAST, gugai=0, **facts)
    plain = get(service, "MA(2)", count=1)["ma2"].iloc[0]
    adjusted = get(service, "MA(2)", count=1, adjust="front_ratio")["ma2"].iloc[0]
    last = 10 + 0.01 * (len(DAYS) - 1)
    assert plain == pytest.approx(last - 0.005)
    assert adjusted == pytest.approx((last + (last - 0.01) / 2) / 2)


def test_indicators_leave_suspended_days_out(
    stored: Instrument, service: IndicatorService, terminal: FakeTerminal, make_runner: RunnerFactory
) -> None:
    other = instrument("000001.SZ", list_date=DAYS[-4])
    frame = pd.concat([day_bars(DAYS[-4:-1], price=5.0), padding([date_ts(LAST)], price=5.02)], ignore_index=True)
    terminal.put(other.symbol, "1d", frame)
    service.get(IndicatorRequest([other.symbol], "MA(2)"), wait_seconds=0)
    make_runner().run_all()
    found = service.get(IndicatorRequest([other.symbol], "MA(2)"), wait_seconds=0).frame
    assert found["time"].tolist() == [date_ts(day) for day in DAYS[-4:-1]]


def test_indicators_of_a_week_in_progress_are_not_answered(
    stored: Instrument, service: IndicatorService, host: QmtHost
) -> None:
    # Wednesday morning: the stored Monday and Tuesday are days of a week that is not over.
    wednesday = date(2023, 3, 15)
    set_clock(host, clock_at("2023-03-15 10:00:00"))
    frame = get(service, "MA(2)", period="1w")
    assert frame["time"].max() < date_ts(wednesday - timedelta(days=2))


def test_indicators_of_a_quarter_hour_in_progress_are_not_answered(
    stored: Instrument,
    service: IndicatorService,
    host: QmtHost,
    terminal: FakeTerminal,
    make_runner: RunnerFactory,
) -> None:
    clock = clock_at("2023-03-20 10:02:00")
    set_clock(host, clock)
    today = minute_bars(TODAY)
    now = int(clock.market_time.timestamp() * 1000)
    terminal.put(MAOTAI, "1m", today[today["time"] <= now])
    request = IndicatorRequest([MAOTAI], "MA(2)", period="15m", start=TODAY, end=TODAY)
    late = IndicatorRequest([MAOTAI], "MA(2)", period="1m", start=TODAY, end=TODAY)
    for asked in (request, late):
        service.get(asked, wait_seconds=0)
        make_runner(clock=clock).run_all()
    labels = [
        datetime.fromtimestamp(ts / 1000, SHANGHAI).strftime("%H:%M")
        for ts in service.read(service.prepare(request, wait_seconds=0)[0])["time"]
    ]
    assert labels == ["09:45", "10:00"]


def test_indicators_of_ticks_are_refused(stored: Instrument, service: IndicatorService) -> None:
    with pytest.raises(Invalid) as refusal:
        get(service, "MA(2)", period="tick")
    assert refusal.value.code == Code.PERIOD_NOT_AVAILABLE


# -------------------------------------------------------------------------------- REST
def body_of(response: Any) -> bytes:
    return b"".join(response.streaming_content)


def test_rest_rows_have_the_columns_that_the_head_names(stored: Instrument, alice: Client) -> None:
    response = alice.get(f"/api/v1/indicators?symbols={MAOTAI}&indicators=MA(5),MACD&count=2&time=iso")
    body = json.loads(body_of(response))
    assert response.status_code == 200
    assert body["columns"] == ["symbol", "time", "ma5", "macd_dif", "macd_dea", "macd_hist"]
    assert [row["time"] for row in body["rows"]] == [day.isoformat() for day in DAYS[-2:]]
    assert body["look_back"] == 363
    assert body["complete"] is True


def test_rest_unknown_values_are_null(stored: Instrument, alice: Client) -> None:
    url = f"/api/v1/indicators?symbols={MAOTAI}&indicators=MA(250)&start={DAYS[0]:%Y%m%d}&end={DAYS[0]:%Y%m%d}"
    assert json.loads(body_of(alice.get(url)))["rows"][0]["ma250"] is None


def test_rest_arrow_and_csv_have_the_same_values(stored: Instrument, alice: Client) -> None:
    url = f"/api/v1/indicators?symbols={MAOTAI}&indicators=EMA(12)&count=5"
    values = [row["ema12"] for row in json.loads(body_of(alice.get(url)))["rows"]]
    table = pa.ipc.open_stream(body_of(alice.get(url + "&format=arrow"))).read_all()
    text = pd.read_csv(io.BytesIO(body_of(alice.get(url + "&format=csv"))))
    assert table["ema12"].to_pylist() == values
    np.testing.assert_allclose(text["ema12"], values, rtol=1e-12)


def test_rest_missing_bars_answer_202_with_the_job(maotai: Instrument, alice: Client) -> None:
    response = alice.get(f"/api/v1/indicators?symbols={MAOTAI}&indicators=MA(5)&start=20230313&wait=0")
    assert response.status_code == 202
    assert response["Location"] == f"/api/v1/jobs/{Job.objects.get().pk}"


def test_rest_kinds_name_formulas_and_ranges(alice: Client) -> None:
    body = alice.get("/api/v1/indicators/kinds").json()
    kinds = {row["name"]: row for row in body["results"]}
    assert set(kinds) == {"MA", "EMA", "MACD", "MACDRULE", "RSI", "KDJ", "BOLL", "ATR"}
    assert kinds["MACD"]["formula"].endswith("HIST:2*(DIF-DEA)")
    assert kinds["BOLL"]["parameters"][1] == {
        "name": "K",
        "default": "2",
        "low": "0.1",
        "high": "10",
        "whole": False,
    }
