"""One account in trouble blocks only itself: its own status, its own alert, its orders kept back."""

from __future__ import annotations

import time
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest
from django.test import TestCase

from accounts.models import AccountSession, BrokerAccount, QmtHost
from accounts.selectors import session_state
from ops.models import Alert
from qmt.errors import QueryFailed, QueryTimeout
from qmt.gateway import AccountRef, AssetUpdate
from tests.orders.bench import Bench
from trading.ledger.journal import account_journal
from trading.orders.runtime.accountstates import AccountStates
from trading.orders.runtime.bookcheck import Verdict
from trading.orders.runtime.config import RuntimeConfig
from trading.orders.runtime.hostwork import HostWork
from trading.orders.runtime.session import OpenSession, SessionRefused

pytestmark = pytest.mark.django_db

ZERO = Decimal(0)


class Terminal:
    """Refuses and fails as told."""

    def __init__(self) -> None:
        self.refused: dict[AccountRef, str] = {}
        self.silent: set[str] = set()

    def follow(self) -> None:
        return

    def query_asset(self, account: AccountRef, *, timeout_seconds: float) -> AssetUpdate:
        if account.account_no in self.silent:
            raise QueryTimeout("no answer")
        return AssetUpdate(account.account_no, ZERO, ZERO, ZERO, ZERO)


class Rounds:
    """A reconciler that fails for some accounts."""

    def __init__(self) -> None:
        self.failing: set[int] = set()
        self.done: list[int] = []

    def account(self, account: BrokerAccount, session: OpenSession) -> Verdict:
        if account.pk in self.failing:
            raise QueryFailed("None")
        self.done.append(account.pk)
        return Verdict.AGREE


class Desk:
    def __init__(self, bench: Bench) -> None:
        self.alpha, self.beta = bench.team.alpha, bench.team.beta
        self.terminal, self.rounds, self.states = Terminal(), Rounds(), AccountStates()
        config = RuntimeConfig(account_probe_seconds=0.0, account_retry_seconds=0.0)
        self.work = HostWork(
            host_name="sim", reconciler=self.rounds, reading=lambda: None, simulated=True, states=self.states, config=config  # type: ignore[arg-type]
        )  # fmt: skip
        self.session = OpenSession(1, "s", 1, time.time_ns(), self.terminal)  # type: ignore[arg-type]

    def reconcile(self) -> None:
        with TestCase.captureOnCommitCallbacks(execute=True):
            self.work.reconcile(self.session)

    def tend(self, times: int = 1) -> None:
        with TestCase.captureOnCommitCallbacks(execute=True):
            for _ in range(times):
                self.work.tend(self.session)

    def stored(self) -> dict[str, str]:
        return dict(AccountSession.objects.values_list("account__name", "state"))


@pytest.fixture
def desk(bench: Bench) -> Desk:
    return Desk(bench)


def test_reconcile_refused_account_is_down_alone(desk: Desk) -> None:
    desk.terminal.refused = {AccountRef(desk.beta.account_no): "the terminal answered -1"}
    desk.reconcile()
    assert desk.stored() == {"Alpha": "READY", "Beta": "DOWN"}
    assert (desk.states.blocked(desk.alpha.pk), "answered -1" in desk.states.blocked(desk.beta.pk)) == ("", True)
    alert = Alert.objects.get(kind="account.session_down")
    assert (alert.account_id, alert.cleared_at) == (desk.beta.pk, None)


def test_reconcile_account_without_answers_is_sick_alone(desk: Desk) -> None:
    desk.rounds.failing = {desk.beta.pk}
    desk.reconcile()
    assert desk.stored() == {"Alpha": "READY", "Beta": "SICK"}


def test_reconcile_no_account_at_all_makes_the_session_sick(desk: Desk) -> None:
    desk.rounds.failing = {desk.alpha.pk, desk.beta.pk}
    with pytest.raises(QueryFailed):
        desk.reconcile()


def test_tend_account_that_is_followed_again_is_reconciled_first(desk: Desk) -> None:
    desk.terminal.refused = {AccountRef(desk.beta.account_no): "not logged in"}
    desk.reconcile()
    desk.terminal.refused = {}
    desk.rounds.done.clear()
    desk.tend()
    assert (desk.rounds.done, desk.stored()["Beta"]) == ([desk.beta.pk], "READY")
    assert Alert.objects.get(kind="account.session_down").cleared_at is not None


def test_tend_three_silent_probes_make_one_account_sick(desk: Desk) -> None:
    desk.reconcile()
    desk.terminal.silent = {desk.beta.account_no}
    desk.rounds.failing = {desk.beta.pk}
    desk.tend(times=4)
    assert desk.stored() == {"Alpha": "READY", "Beta": "READY"}
    desk.tend(times=2)
    assert desk.stored() == {"Alpha": "READY", "Beta": "SICK"}


def test_tend_notes_when_an_account_last_answered(desk: Desk) -> None:
    desk.reconcile()
    AccountSession.objects.update(last_probe_at=None)
    desk.states.begin()
    desk.reconcile()
    assert AccountSession.objects.filter(last_probe_at__isnull=False).count() == 2


def test_tend_reconciles_an_account_that_somebody_asked_for(desk: Desk) -> None:
    desk.reconcile()
    desk.rounds.done.clear()
    with account_journal(desk.alpha.pk) as journal:
        journal.change_book(reconcile_wanted_at=journal.at)
    desk.tend()
    assert desk.rounds.done == [desk.alpha.pk]


def test_blocked_account_denies_new_orders_while_its_neighbour_trades(bench: Bench, desk: Desk) -> None:
    desk.terminal.refused = {AccountRef(desk.alpha.account_no): "not logged in"}
    desk.reconcile()
    assert bench.submit().deny_code == "TERMINAL_DOWN"
    beta = bench.submit(user=bench.team.charlie, account_id=desk.beta.pk)
    assert beta.status == "QUEUED"


def test_new_session_takes_nothing_over_from_the_former_one(desk: Desk) -> None:
    desk.reconcile()
    desk.work.before_connect()
    assert desk.states.blocked(desk.alpha.pk) == "not reconciled yet"


def test_account_states_count_only_while_the_host_is_ready(desk: Desk) -> None:
    desk.reconcile()
    account = BrokerAccount.objects.select_related("host__status", "session").get(pk=desk.alpha.pk)
    account.host.status.session_state = "SICK"
    assert session_state(account) == "SICK"


def test_accounts_that_do_not_fit_are_left_out_and_told(desk: Desk) -> None:
    QmtHost.objects.update(kind="LIVE")
    BrokerAccount.objects.filter(pk=desk.beta.pk).update(mode="READ_ONLY")
    work: Any = HostWork(
        host_name="sim", reconciler=desk.rounds, reading=lambda: None, simulated=False, states=desk.states, config=RuntimeConfig()  # type: ignore[arg-type]
    )  # fmt: skip
    followed: Sequence[AccountRef] = work.accounts()
    assert [one.account_no for one in followed] == [desk.beta.account_no]
    assert "PAPER_NEEDS_SIMULATED_HOST" in AccountSession.objects.get(account=desk.alpha).message


def test_host_without_any_fitting_account_opens_no_session(desk: Desk) -> None:
    QmtHost.objects.update(kind="LIVE")
    work = HostWork(
        host_name="sim", reconciler=desk.rounds, reading=lambda: None, simulated=False, states=desk.states, config=RuntimeConfig()  # type: ignore[arg-type]
    )  # fmt: skip
    with pytest.raises(SessionRefused, match="PAPER_NEEDS_SIMULATED_HOST"):
        work.accounts()
