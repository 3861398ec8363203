"""One host, two instruments, a week of trading days, a terminal that tests fill and break."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.choices import SessionState
from accounts.models import HostStatus, QmtHost
from desk.settings.marketdata_schema import MarketDataConfig
from marketdata.choices import Basis, Board, Kind
from marketdata.models import Instrument, TradingDay
from marketdata.services import MarketDataService
from marketdata.services.outcome import Source
from marketdata.services.runner import RepairRunner
from ops.clocks import MarketClock
from qmt.calendar import Phase
from tests.marketdata.fakes import TODAY, WEEK, FakeTerminal, clock_at

MAOTAI = "600519.SH"
PINGAN = "000001.SZ"


@pytest.fixture(autouse=True)
def _fast(settings: Settings) -> None:
    """No real pauses: what a pause is for is tested by what is read after it."""
    settings.MARKETDATA = MarketDataConfig().changed(repair={"settle_seconds": 0.0, "backoff_seconds": (0.0,)})


@pytest.fixture(autouse=True)
def wakes(monkeypatch: pytest.MonkeyPatch) -> list[UUID]:
    """Jobs whose data worker was woken; nothing is sent to a broker."""
    woken: list[UUID] = []
    monkeypatch.setattr("marketdata.services.readiness.repair_wake", lambda job_id, _host: woken.append(job_id))
    return woken


@pytest.fixture
def calendar(db: None) -> None:
    TradingDay.objects.bulk_create(
        TradingDay(market=market, date=day) for market in ("SH", "SZ") for day in (*WEEK, TODAY)
    )


def instrument(symbol: str, **changes: object) -> Instrument:
    facts: dict[str, object] = {
        "symbol": symbol,
        "name": symbol,
        "market": symbol[-2:],
        "board": Board.MAIN,
        "kind": Kind.STOCK,
        "lot_size": 100,
        "min_quantity": 100,
        "quantity_step": 100,
        "tick": "0.01",
        "volume_unit": 100,
        "max_limit_quantity": 1_000_000,
        "max_market_quantity": 1_000_000,
        "updated_at": timezone.now(),
    }
    return Instrument.objects.create(**(facts | changes))


@pytest.fixture
def maotai(calendar: None) -> Instrument:
    return instrument(MAOTAI, name="贵州茅台", pinyin="gzmt")


@pytest.fixture
def pingan(calendar: None) -> Instrument:
    return instrument(PINGAN, name="平安银行", pinyin="payh")


@pytest.fixture
def host(db: None) -> QmtHost:
    """A simulated host whose market clock stands at 10:00 on `TODAY`."""
    row = QmtHost.objects.create(name="sim")
    set_clock(row, clock_at("2023-03-20 10:00:00"))
    return row


def set_clock(host: QmtHost, clock: MarketClock) -> None:
    now = timezone.now()
    HostStatus.objects.update_or_create(
        host=host,
        defaults={
            "trade_date": clock.trade_date,
            "phase": clock.phase if clock.phase != Phase.CLOSED else Phase.CLOSED,
            "clock_offset_ms": int((clock.market_time - now) / timedelta(milliseconds=1)),
            "simulated": True,
            "session_state": SessionState.READY,
            "updated_at": now,
        },
    )


@pytest.fixture
def terminal() -> FakeTerminal:
    return FakeTerminal()


@pytest.fixture
def service(host: QmtHost) -> MarketDataService:
    return MarketDataService("sim")


RunnerFactory = Callable[..., RepairRunner]


@pytest.fixture
def make_runner(terminal: FakeTerminal, host: QmtHost) -> RunnerFactory:
    """Build a repair runner over the fake terminal."""

    def make(
        *,
        clock: MarketClock | None = None,
        basis: Basis = Basis.RAW,
        holder: str = "data@test",
        gateway: FakeTerminal | None = None,
    ) -> RepairRunner:
        return RepairRunner(
            gateway=gateway or terminal,
            source=Source("sim", "250807.1.2", basis),
            holder=holder,
            clock=lambda: clock or clock_at("2023-03-20 10:00:00"),
            sleep=lambda _seconds: None,
        )

    return make
