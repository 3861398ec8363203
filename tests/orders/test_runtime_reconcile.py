"""Rounds of queries: failed is not empty, absence is proven slowly, candidates stop the proof."""

from __future__ import annotations

import time
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from accounts.models import BrokerAccount, QmtHost
from ops.clocks import wall_now
from qmt.calendar import Phase
from qmt.errors import QueryFailed
from qmt.gateway import AccountRef, AssetUpdate, ClockReading, OrderUpdate, PositionUpdate, Side
from trading.ledger.models import Position
from trading.orders import lifecycle
from trading.orders.intake import AccountSnapshot, IntakeResult
from trading.orders.intake.news import RoundMemory
from trading.orders.models import Order
from trading.orders.runtime.config import RuntimeConfig
from trading.orders.runtime.reconcile import Reconciler
from trading.orders.runtime.session import OpenSession

pytestmark = pytest.mark.django_db

TODAY = date(2024, 1, 2)
CONFIG = RuntimeConfig(response_deadline_seconds=10.0, absence_settle_seconds=30.0)


class Answers:
    """A gateway whose answers are set by hand."""

    session_id = 7
    opened_at_ns = 0

    def __init__(self) -> None:
        self.orders: list[OrderUpdate] = []
        self.positions: list[list[PositionUpdate]] = [[]]
        self.order_queries = 0
        self.position_queries = 0
        self.failing = ""

    def query_orders(self, account: AccountRef, *, timeout_seconds: float) -> tuple[OrderUpdate, ...]:
        self.order_queries += 1
        self._fail("orders")
        return tuple(self.orders)

    def query_trades(self, account: AccountRef, *, timeout_seconds: float) -> tuple[Any, ...]:
        self._fail("trades")
        return ()

    def query_asset(self, account: AccountRef, *, timeout_seconds: float) -> AssetUpdate:
        self._fail("asset")
        zero = Decimal(0)
        return AssetUpdate("8000000001", zero, zero, zero, zero)

    def query_positions(self, account: AccountRef, *, timeout_seconds: float) -> tuple[PositionUpdate, ...]:
        self._fail("positions")
        answer = self.positions[min(self.position_queries, len(self.positions) - 1)]
        self.position_queries += 1
        return tuple(answer)

    def _fail(self, what: str) -> None:
        if self.failing == what:
            raise QueryFailed(f"{what}: None")


class Bench:
    def __init__(self, account: BrokerAccount) -> None:
        self.account = account
        self.gateway = Answers()
        self.applied: list[AccountSnapshot] = []
        self.not_found: list[UUID] = []
        self.pauses: list[float] = []
        self.reading: ClockReading | None = ClockReading(TODAY, Phase.CONTINUOUS, 0, 0, True)
        self.reconciler = Reconciler(
            config=CONFIG, reading=lambda: self.reading, on_result=lambda result: None, sleep=self.pauses.append
        )
        self.session = self.new_session()

    def new_session(self, *, opened_at_ns: int | None = None, key: str = "s2") -> OpenSession:
        return OpenSession(2, key, 7, opened_at_ns or time.time_ns(), self.gateway)  # type: ignore[arg-type]

    def reconcile(self) -> None:
        self.reconciler.account(self.account, self.session)


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Bench:
    host = QmtHost.objects.create(name="sim")
    made = Bench(BrokerAccount.objects.create(host=host, account_no="8000000001", name="Alpha"))

    def apply(account_id: int, snapshot: AccountSnapshot, *, session_key: str, memory: RoundMemory) -> IntakeResult:
        made.applied.append(snapshot)
        return IntakeResult()

    def not_found(order_ids: list[UUID], *, evidence: dict[str, object]) -> list[UUID]:
        made.not_found += order_ids
        Order.objects.filter(pk__in=order_ids).update(status="NOT_FOUND", final_at=wall_now())
        return order_ids

    monkeypatch.setattr(lifecycle, "resolve_by_query", apply)
    monkeypatch.setattr(lifecycle, "mark_not_found", not_found)
    return made


def unknown(bench: Bench, *, claimed_seconds_ago: float = 60.0, **fields: Any) -> Order:
    claimed_at = wall_now() - timedelta(seconds=claimed_seconds_ago)
    values: dict[str, Any] = {
        "account": bench.account, "source": "API", "symbol": "600519.SH", "side": "BUY", "price_type": "LIMIT",
        "price": Decimal(1500), "quantity": 100, "status": "UNKNOWN", "epoch": 1, "trade_date": TODAY,
        "host_name": "sim", "simulated": True, "tag": "TABCDEFGHJKLMNPQ", "submitted_at": claimed_at, "expires_at": claimed_at,
        "claimed_at": claimed_at, "session_key": "s1",
    }  # fmt: skip
    return Order.objects.create(**{**values, **fields})


def shown(**fields: Any) -> OrderUpdate:
    values: dict[str, Any] = {
        "account_no": "8000000001", "tag": "", "order_id": 5, "order_sysid": "SIM5", "symbol": "600519.SH",
        "side": Side.BUY, "quantity": 100, "price": Decimal(1500), "traded_quantity": 0, "traded_price": Decimal(0),
        "status": 50, "status_msg": "", "order_time_ms": 0,
    }  # fmt: skip
    return OrderUpdate(**{**values, **fields})


@pytest.mark.parametrize("what", ["orders", "trades", "asset", "positions"])
def test_reconcile_failed_query_applies_nothing(bench: Bench, what: str) -> None:
    bench.gateway.failing = what
    with pytest.raises(QueryFailed):
        bench.reconcile()
    assert bench.applied == []


def test_reconcile_unknown_order_is_not_found_after_three_full_queries(bench: Bench) -> None:
    order = unknown(bench)
    bench.reconcile()
    assert bench.not_found == [order.pk]
    assert bench.gateway.order_queries == 3
    assert bench.pauses == [CONFIG.confirmation_gap_seconds] * 2


def test_reconcile_before_the_settling_time_counts_but_proves_nothing(bench: Bench) -> None:
    unknown(bench, claimed_seconds_ago=39.0)
    for _ in range(4):
        bench.reconcile()
    assert bench.not_found == []
    assert bench.gateway.order_queries == 4


def test_reconcile_session_of_the_order_itself_proves_nothing(bench: Bench) -> None:
    order = unknown(bench, session_key="s2")
    for _ in range(4):
        bench.reconcile()
    assert bench.not_found == []
    assert bench.reconciler.needs_new_session(bench.reconciler.due([order]), bench.session)


def test_reconcile_session_older_than_the_claim_proves_nothing(bench: Bench) -> None:
    order = unknown(bench, session_key="")
    opened_at_ns = int((order.claimed_at.timestamp() - 1) * 1e9) if order.claimed_at else 0
    bench.session = bench.new_session(opened_at_ns=opened_at_ns)
    for _ in range(4):
        bench.reconcile()
    assert bench.not_found == []


def test_reconcile_absences_of_an_earlier_session_do_not_count(bench: Bench) -> None:
    order = unknown(bench, claimed_seconds_ago=39.0)
    bench.reconcile()
    bench.reconcile()
    Order.objects.filter(pk=order.pk).update(claimed_at=wall_now() - timedelta(seconds=60))
    bench.session = bench.new_session(key="s3")
    bench.reconcile()
    assert bench.gateway.order_queries == 2 + 3
    assert bench.not_found == [order.pk]


def test_reconcile_another_trade_date_proves_nothing(bench: Bench) -> None:
    order = unknown(bench, trade_date=TODAY - timedelta(days=1))
    for _ in range(4):
        bench.reconcile()
    assert bench.not_found == []
    assert bench.reconciler.due([order]) == []


def test_reconcile_unknown_market_clock_proves_nothing(bench: Bench) -> None:
    unknown(bench)
    bench.reading = None
    for _ in range(4):
        bench.reconcile()
    assert bench.not_found == []


@pytest.mark.parametrize("remark", ["", "TABCDEFG"])
def test_reconcile_candidate_with_a_lost_or_cut_remark_stops_the_proof(
    bench: Bench, remark: str, caplog: pytest.LogCaptureFixture
) -> None:
    unknown(bench)
    bench.gateway.orders = [shown(tag=remark)]
    for _ in range(4):
        bench.reconcile()
    assert bench.not_found == []
    assert "candidates [5]" in caplog.text


@pytest.mark.parametrize(
    "other", [{"symbol": "000001.SZ"}, {"side": Side.SELL}, {"quantity": 200}, {"tag": "SOMEBODYELSE"}]
)
def test_reconcile_order_that_cannot_be_ours_does_not_stop_the_proof(bench: Bench, other: dict[str, Any]) -> None:
    order = unknown(bench)
    bench.gateway.orders = [shown(**other)]
    bench.reconcile()
    assert bench.not_found == [order.pk]


def test_reconcile_positions_empty_after_some_are_asked_three_times(bench: Bench) -> None:
    Position.objects.create(account=bench.account, symbol="600519.SH", quantity=100, updated_at=wall_now())
    bench.reconcile()
    assert bench.gateway.position_queries == 3
    assert bench.applied[0].positions == ()


def test_reconcile_positions_back_at_the_second_answer_are_taken(bench: Bench) -> None:
    Position.objects.create(account=bench.account, symbol="600519.SH", quantity=100, updated_at=wall_now())
    zero = Decimal(0)
    held = PositionUpdate("8000000001", "600519.SH", 100, 100, 0, 0, 100, zero, zero, zero, zero)
    bench.gateway.positions = [[], [held]]
    bench.reconcile()
    assert bench.gateway.position_queries == 2
    assert bench.applied[0].positions == (held,)


def test_reconcile_positions_empty_from_the_start_are_asked_once(bench: Bench) -> None:
    bench.reconcile()
    assert bench.gateway.position_queries == 1
