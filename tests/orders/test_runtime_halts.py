"""The wait after a halt, and crash points that exist in tests only."""

from __future__ import annotations

from pathlib import Path

import pytest

from accounts.models import BrokerAccount, QmtHost
from ops.clocks import wall_now
from trading.orders.models import Order
from trading.orders.runtime import crashpoints
from trading.orders.runtime.halts import wait_for_older_epochs


@pytest.fixture
def account(db: None) -> BrokerAccount:
    host = QmtHost.objects.create(name="sim")
    return BrokerAccount.objects.create(host=host, account_no="8000000001", name="Alpha")


def submitting(account: BrokerAccount, epoch: int) -> Order:
    now = wall_now()
    return Order.objects.create(
        account=account, source="API", symbol="600519.SH", side="BUY", price_type="LIMIT", price=1, quantity=100,
        status="SUBMITTING", epoch=epoch, trade_date="2024-01-02", host_name="sim", simulated=True, submitted_at=now,
        expires_at=now, claimed_at=now,
    )  # fmt: skip


def test_wait_with_an_older_order_on_its_way_runs_out(account: BrokerAccount) -> None:
    submitting(account, epoch=1)
    assert not wait_for_older_epochs(account_id=account.pk, epoch=2, timeout_seconds=0.1)


def test_wait_with_orders_of_the_new_epoch_only_ends_at_once(account: BrokerAccount) -> None:
    submitting(account, epoch=2)
    assert wait_for_older_epochs(account_id=account.pk, epoch=2, timeout_seconds=0.0)


def test_wait_ends_when_the_last_older_order_has_its_answer(
    account: BrokerAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = submitting(account, epoch=1)

    def answered(seconds: float) -> None:
        Order.objects.filter(pk=order.pk).update(status="REPORTED")

    monkeypatch.setattr("trading.orders.runtime.halts.time.sleep", answered)
    assert wait_for_older_epochs(account_id=account.pk, epoch=2, timeout_seconds=5.0)


@pytest.fixture
def kills(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    seen: list[int] = []
    monkeypatch.setattr("trading.orders.runtime.crashpoints.os.kill", lambda pid, number: seen.append(number))
    crashpoints.arm({}, env="test")
    return seen


def test_crash_point_outside_of_a_test_installation_stays_unarmed(kills: list[int]) -> None:
    assert crashpoints.arm({"DESK_CRASH_POINT": "after-claim"}, env="production") == ""
    crashpoints.reach(crashpoints.AFTER_CLAIM)
    assert kills == []


def test_crash_point_fires_once_while_its_file_exists(kills: list[int], tmp_path: Path) -> None:
    armed = tmp_path / "armed"
    armed.touch()
    crashpoints.arm({"DESK_CRASH_POINT": "after-claim", "DESK_CRASH_FILE": str(armed)}, env="test")
    try:
        crashpoints.reach(crashpoints.AFTER_SUBMIT)
        crashpoints.reach(crashpoints.AFTER_CLAIM)
        crashpoints.reach(crashpoints.AFTER_CLAIM)
    finally:
        crashpoints.arm({}, env="test")
    assert kills == [9]


def test_crash_point_that_nobody_knows_is_an_error() -> None:
    with pytest.raises(ValueError, match="after-claim, after-submit"):
        crashpoints.arm({"DESK_CRASH_POINT": "somewhere"}, env="test")
    assert crashpoints.arm({}, env="test") == ""
