"""The façade's bars beside the SDK's, from a terminal through repair, store, server and client; without a whole platform."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connections
from pandas.testing import assert_frame_equal
from pytest_django.fixtures import Settings

from accounts.models import QmtHost
from desk.settings.marketdata_schema import MarketDataConfig
from marketdata.choices import Basis
from marketdata.models import TradingDay
from marketdata.services.outcome import Source
from marketdata.services.runner import RepairRunner
from qmt.gateway import QuoteGateway
from qmt.sdk import load_sdk
from qmtdesk import Desk, xtdata
from tests.client.conftest import FRESH
from tests.contract.faces import FaceA
from tests.live.conftest import Server
from tests.marketdata.conftest import MAOTAI, PINGAN, instrument, set_clock
from tests.marketdata.fakes import clock_at
from tests.people import make_team, make_token

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "quotes"])

NOW = "2026-01-26 10:00:00"


@pytest.fixture(scope="module")
def terminal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[QuoteGateway]:
    """A terminal process, and the SDK connected to it."""
    face = FaceA(tmp_path_factory.mktemp("terminal"))
    gateway = face.quotes()
    gateway.connect(face.address)
    yield gateway
    gateway.close()
    face.close()


@pytest.fixture
def facade(
    server: Server, terminal: QuoteGateway, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Any]:
    """``xtdata`` over a platform that has no bars yet and repairs itself from the terminal."""
    settings.MARKETDATA = MarketDataConfig().changed(repair={"settle_seconds": 0.0, "backoff_seconds": (0.0,)})
    team = make_team()
    set_clock(QmtHost.objects.get(name="sim"), clock_at(NOW))
    days = terminal.trading_days("SH", "20251201", "20260131")
    TradingDay.objects.bulk_create(TradingDay(market=market, date=day) for market in ("SH", "SZ") for day in days)
    for symbol in (MAOTAI, PINGAN):
        instrument(symbol)
    workers: list[threading.Thread] = []

    def repair() -> None:
        runner = RepairRunner(
            gateway=terminal,
            source=Source("sim", "test", Basis.RAW),
            holder="data@test",
            clock=lambda: clock_at(NOW),
            sleep=lambda _seconds: None,
        )
        runner.run_all()
        connections.close_all()

    def wake(_job_id: object, _host: str) -> None:
        workers.append(threading.Thread(target=repair))
        workers[-1].start()

    monkeypatch.setattr("marketdata.services.readiness.repair_wake", wake)
    url = f"http://127.0.0.1:{server.port}"
    with Desk(url, make_token(team.alice)[1], progress=False, limits=FRESH) as desk:
        xtdata.use(desk)
        yield xtdata
        xtdata.disconnect()
    for worker in workers:
        worker.join()


@pytest.mark.parametrize(
    ("period", "start", "end", "terms"),
    [
        ("1d", "20251222", "20260109", {}),
        ("1d", "20251222", "20260109", {"field_list": ["close", "volume"], "count": 3}),
        ("1m", "20260108093000", "20260109100000", {}),
    ],
)
def test_bars_downloaded_on_the_way_are_the_sdks_frames(
    facade: Any, period: str, start: str, end: str, terms: dict[str, Any]
) -> None:
    asked = {"stock_list": [MAOTAI, PINGAN], "period": period, "start_time": start, "end_time": end, **terms}
    mine = facade.get_market_data_ex(**asked)
    theirs = load_sdk("simulated").xtdata.get_market_data_ex(**asked)
    assert list(mine) == list(theirs) == [MAOTAI, PINGAN]
    for symbol in mine:
        assert len(mine[symbol]) > 0
        assert_frame_equal(mine[symbol], theirs[symbol])
