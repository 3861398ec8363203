"""A restore replaces nothing that it was not told to, and nothing in the restored rows ever leads to an order by itself."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from django.contrib.sessions.models import Session
from django.db import connections
from django.db.migrations.recorder import MigrationRecorder
from pytest_django import Settings

from accounts.choices import TradingState
from accounts.models import BrokerAccount, HostStatus
from accounts.services import account_auto_trading_set, account_resume
from desk.backup import exchange as exchange_module
from desk.backup.create import Made
from desk.settings.stamp import read_stamp, stamp_path
from desk.supervisor.lock import SupervisorLock
from ops.clocks import wall_now
from ops.errors import Code, Conflict, DeskError
from ops.models import Alert, AlertKind, Installation, ProcessHeartbeat
from tests.backup.home import CODE, Home
from tests.orders.bench import Bench
from tests.orders.claiming import claim
from tests.people import TEST_ACTOR
from trading.execution.choices import Kind, State
from trading.execution.models import Child, Execution, Leg
from trading.execution.runtime import drive_all
from trading.ledger.models import AccountBook, AccountEvent
from trading.ledger.restored import VERSIONS_SKIPPED
from trading.money.choices import TransferKind, TransferStatus
from trading.money.models import Transfer
from trading.orders import claims
from trading.orders.choices import KillPhase, KillScope, Status
from trading.orders.models import KillRun, KillTarget, Order
from trading.orders.services import kill_steps
from trading.signals.choices import SignalKind, SignalState
from trading.signals.models import Signal
from trading.strategies.choices import Origin, RunState
from trading.strategies.models import Plugin, Run
from trading.subscriptions.models import SubscriptionPlan

pytestmark = pytest.mark.django_db(databases=["default", "quotes"])


def refusal(act: Callable[[], object]) -> DeskError:
    with pytest.raises(DeskError) as caught:
        act()
    return caught.value


# --- what a restore must not do ------------------------------------------------------------------


def test_restore_over_an_installation_without_being_told_is_refused(home: Home) -> None:
    made = home.backup()
    before = home.content()
    assert refusal(lambda: home.restore(made, replace=False)).code == Code.RESTORE_REFUSED
    assert home.content() == before


def test_restore_while_the_platform_runs_is_refused(home: Home) -> None:
    made = home.backup()
    with SupervisorLock(home.config.run_dir / "up.lock"):
        assert refusal(lambda: home.restore(made)).code == Code.RESTORE_REFUSED


def test_restore_while_a_process_elsewhere_still_reports_is_refused(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = home.backup()
    now = wall_now()
    ProcessHeartbeat.objects.create(name="worker.trade@sim", host="far", pid=1, started_at=now, last_loop_at=now)

    def beat(_seconds: float) -> None:
        ProcessHeartbeat.objects.update(last_loop_at=wall_now() + timedelta(milliseconds=1))

    monkeypatch.setattr("desk.backup.restore.time.sleep", beat)
    assert refusal(lambda: home.restore(made)).code == Code.RESTORE_REFUSED


def test_restore_of_newer_code_is_refused(home: Home) -> None:
    MigrationRecorder(connections["default"]).record_applied("orders", "9999_of_tomorrow")
    made = home.backup()
    before = home.content()
    error = refusal(lambda: home.restore(made))
    assert (error.code, error.details["migration"]) == (Code.BACKUP_UNFIT, "orders.9999_of_tomorrow")
    assert home.content() == before


def test_restore_of_another_kind_of_database_is_refused(home: Home) -> None:
    made = home.backup()
    foreign = Made(made.folder, replace(made.manifest, engines={"default": "postgresql", "quotes": "postgresql"}))
    assert refusal(lambda: home.restore(foreign)).code == Code.BACKUP_UNFIT


def test_restore_without_the_encryption_key_is_refused_unless_told(home: Home, settings: Settings) -> None:
    made = home.backup()
    settings.ENCRYPTION_KEYS = ("another key, as long as one has to be",)
    assert refusal(lambda: home.restore(made)).code == Code.BACKUP_UNFIT
    home.restore(made, any_key=True)


def test_restore_over_another_installation_is_refused_and_a_copy_becomes_one_of_its_own(home: Home) -> None:
    made = home.backup()
    stamp_path(home.config).write_text(json.dumps({"env": home.config.env, "installation": "OTHR"}))
    assert refusal(lambda: home.restore(made)).code == Code.BACKUP_UNFIT
    home.restore(made, as_copy=True)
    code = Installation.objects.get().code
    assert code not in (CODE, "OTHR")
    stamp = read_stamp(home.config)
    assert stamp is not None
    assert stamp.installation == code


def test_restore_that_fails_at_the_last_step_leaves_everything_as_it_was(
    home: Home, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = home.backup()
    BrokerAccount.objects.update(name="present")
    before = home.content()
    place = exchange_module._place
    moved: list[Path] = []

    def fails(staged: Path, target: Path, kept: Path, undo: list[Callable[[], object]]) -> None:
        if target.name == "desk.sqlite3":
            raise OSError("the disk went away")
        place(staged, target, kept, undo)
        moved.append(target)

    monkeypatch.setattr(exchange_module, "_place", fails)
    with pytest.raises(OSError, match="went away"):
        home.restore(made)
    assert [path.name for path in moved] == ["quotes.sqlite3"]
    assert home.content() == before
    assert BrokerAccount.objects.get(pk=bench.account.pk).name == "present"


def test_restore_over_a_database_that_is_damaged_works_and_keeps_it(home: Home, bench: Bench) -> None:
    made = home.backup()
    home.content()  # closes them
    home.file("default").write_bytes(b"no database at all" * 100)
    done = home.restore(made)
    assert BrokerAccount.objects.count() == 2
    assert (Path(done.kept) / "desk.sqlite3").read_bytes().startswith(b"no database at all")


def test_restore_into_an_empty_folder_needs_no_word(home: Home, bench: Bench) -> None:
    made = home.backup()
    home.content()
    for alias in ("default", "quotes"):
        home.file(alias).unlink()
    assert home.restore(made, replace=False).kept == ""
    assert BrokerAccount.objects.count() == 2


# --- what a restored installation is ---------------------------------------------------------------


def test_restored_accounts_are_halted_without_automatic_trading_and_people_sign_in_again(
    home: Home, bench: Bench
) -> None:
    account_auto_trading_set(actor=TEST_ACTOR, account=bench.account, enabled=True)
    Session.objects.create(session_key="open", session_data="", expire_date=wall_now() + timedelta(hours=1))
    HostStatus.objects.update(lease_holder="the old worker", lease_until=wall_now() + timedelta(hours=1))
    epoch = BrokerAccount.objects.get(pk=bench.account.pk).epoch
    home.restore(home.backup())
    account = BrokerAccount.objects.get(pk=bench.account.pk)
    assert (account.state, account.auto_trading, account.epoch) == (TradingState.HALTED, False, epoch + 1)
    assert not Session.objects.exists()
    assert HostStatus.objects.get().lease_holder == ""
    assert Alert.objects.filter(kind=AlertKind.RESTORED).count() == 1
    assert bench.submit().deny_code in (Code.ACCOUNT_HALTED, Code.TERMINAL_DOWN)


def test_restored_account_is_resumed_only_after_it_was_compared_with_its_terminal(home: Home, bench: Bench) -> None:
    bench.query(orders=(), trades=())
    home.restore(home.backup())
    account = BrokerAccount.objects.get(pk=bench.account.pk)
    with pytest.raises(Conflict) as caught:
        account_resume(actor=TEST_ACTOR, account=account)
    assert caught.value.code == Code.RESTORE_UNRECONCILED
    assert BrokerAccount.objects.get(pk=account.pk).state == TradingState.HALTED
    bench.query(orders=(), trades=())
    assert account_resume(actor=TEST_ACTOR, account=account).state == TradingState.ACTIVE


def test_restored_queued_order_is_never_sent_not_even_after_a_resume(home: Home, bench: Bench) -> None:
    order = bench.submit()
    assert order.status == Status.QUEUED
    Order.objects.update(expires_at=wall_now() + timedelta(days=1))
    home.restore(home.backup())
    row = bench.order(order)
    assert (row.status, row.deny_code, row.tag) == (Status.EXPIRED, Code.RESTORED, order.tag)
    bench.query(orders=(), trades=())
    account_resume(actor=TEST_ACTOR, account=BrokerAccount.objects.get(pk=bench.account.pk))
    assert not claims.claimable("sim").exists()
    assert claim(order.pk, host_name="sim") is None


def test_restored_queued_order_that_had_been_sent_is_adopted_and_keeps_the_account_halted(
    home: Home, bench: Bench
) -> None:
    order = bench.submit()
    home.restore(home.backup())
    bench.query(orders=(bench.update(order, 50),))
    assert bench.order(order).status == Status.REPORTED
    assert BrokerAccount.objects.get(pk=bench.account.pk).state == TradingState.HALTED
    assert Alert.objects.filter(kind=AlertKind.ORDER_ADOPTED).count() == 1


def test_restored_order_that_waits_for_approval_has_ended(home: Home, bench: Bench) -> None:
    order = bench.submit()
    Order.objects.update(status=Status.PENDING_APPROVAL)
    home.restore(home.backup())
    assert bench.order(order).status == Status.EXPIRED


def test_restored_order_that_was_being_sent_is_unknown(home: Home, bench: Bench) -> None:
    order = bench.submit()
    assert claim(order.pk, host_name="sim") is not None
    home.restore(home.backup())
    assert bench.order(order).status == Status.UNKNOWN


def test_restored_event_numbers_go_on_behind_those_that_clients_have_seen(home: Home, bench: Bench) -> None:
    bench.reported()
    version = AccountBook.objects.get(account=bench.account).version
    home.restore(home.backup())
    assert AccountBook.objects.get(account=bench.account).version == version + VERSIONS_SKIPPED
    assert not AccountEvent.objects.exists()


def test_restored_execution_places_nothing_more(home: Home, bench: Bench) -> None:
    execution = Execution.objects.create(
        account=bench.account, created_by=bench.alice, kind=Kind.SPLIT, body_digest="", state=State.RUNNING,
        epoch=bench.account.epoch, trade_date=date(2026, 11, 20), created_at=wall_now(),
    )  # fmt: skip
    leg = Leg.objects.create(
        execution=execution, number=1, symbol="600519.SH", instrument_id=bench.instruments["600519.SH"].pk,
        side="BUY", quantity=100, price_type="LIMIT", price=Decimal(10),
    )  # fmt: skip
    Child.objects.create(leg=leg, number=1, quantity=100, created_at=wall_now())
    home.restore(home.backup())
    drive_all()
    row = Execution.objects.get()
    assert (row.state, row.code) == (State.STOPPED, Code.RESTORED)
    assert not Order.objects.exists()


def test_restored_kill_switch_sells_nothing(home: Home, bench: Bench) -> None:
    bench.hold(500)
    run = KillRun.objects.create(
        scope=KillScope.ACCOUNT, flatten=True, started_by=bench.team.admin, started_at=wall_now()
    )
    KillTarget.objects.create(run=run, account=bench.account, phase=KillPhase.FLATTENING)
    home.restore(home.backup())
    assert kill_steps.advance_host("sim") == 0
    assert not Order.objects.exists()
    assert KillTarget.objects.get().phase == KillPhase.LIFTED


def test_restored_signal_is_over(home: Home, bench: Bench) -> None:
    now = wall_now()
    Signal.objects.create(
        account=bench.account, user=bench.alice, kind=SignalKind.STOP_LOSS, priority=10, symbol="600519.SH",
        instrument_id=1, side="SELL", quantity=100, price=Decimal(9), quote_ts=1, trade_date=date(2026, 11, 20),
        detected_at=now, expires_at=now + timedelta(days=1), state=SignalState.DETECTED,
    )  # fmt: skip
    home.restore(home.backup())
    row = Signal.objects.get()
    assert (row.state, row.code) == (SignalState.EXPIRED, Code.RESTORED)


def test_restored_transfer_is_not_sent_and_may_have_been(home: Home, bench: Bench) -> None:
    now = wall_now()
    for status in (TransferStatus.PENDING_APPROVAL, TransferStatus.QUEUED, TransferStatus.SENDING):
        Transfer.objects.create(
            account=bench.account, kind=TransferKind.BANK_OUT, amount=Decimal(1), note="n", digest="d",
            client_transfer_id=str(status), status=status, host_name="sim", day=date(2026, 11, 20),
            created_by=bench.alice, created_at=now, expires_at=now + timedelta(days=1), deadline_at=now + timedelta(days=1),
        )  # fmt: skip
    home.restore(home.backup())
    states = dict(Transfer.objects.values_list("client_transfer_id", "status"))
    assert states == {"PENDING_APPROVAL": "EXPIRED", "QUEUED": "UNKNOWN", "SENDING": "UNKNOWN"}


def test_restored_strategy_and_plan_stand_still(home: Home, bench: Bench) -> None:
    plugin = Plugin.objects.create(name="p", digest="d", origin=Origin.FOLDER, location="p.py", found_at=wall_now())
    Run.objects.create(
        account=bench.account, created_by=bench.alice, plugin=plugin, label="one", symbols=[], period="1d",
        capital=Decimal(1), wanted=True, state=RunState.RUNNING, changed_at=wall_now(), created_at=wall_now(),
    )  # fmt: skip
    SubscriptionPlan.objects.create(
        account=bench.account, user=bench.alice, enabled=True, since=date(2026, 11, 20), changed_at=wall_now()
    )
    home.restore(home.backup())
    run = Run.objects.get()
    assert (run.wanted, run.state) == (False, RunState.STOPPED)
    assert not SubscriptionPlan.objects.get().enabled
