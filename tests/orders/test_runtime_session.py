"""The order session's state machine over a scripted gateway."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence

import pytest

from accounts.choices import SessionState
from qmt.errors import QueryFailed, QueryTimeout, TerminalDown
from qmt.gateway import AccountRef, OrderRequest
from trading.orders.runtime.config import RuntimeConfig
from trading.orders.runtime.session import NotReady, OpenSession, SessionRefused, TradeSession

ALPHA = AccountRef("8000000001")
FAST = RuntimeConfig(
    probe_seconds=0.02,
    reconcile_seconds=60.0,
    backoff_seconds=0.01,
    backoff_max_seconds=0.05,
    hung_call_seconds=0.3,
)


class ScriptedGateway:
    """Opens and probes as told; counts what is asked."""

    def __init__(self) -> None:
        self.session_id = 0
        self.opened_at_ns = 0
        self.open_failures = 0
        self.probe_failures = 0
        self.opened = 0
        self.closed = 0

    def open(self, accounts: Sequence[AccountRef]) -> None:
        if self.open_failures:
            self.open_failures -= 1
            raise TerminalDown("nothing answers")
        self.opened += 1
        self.session_id = 100 + self.opened
        self.opened_at_ns = time.time_ns()

    def close(self) -> None:
        self.closed += 1
        self.session_id = 0

    def probe(self, *, timeout_seconds: float = 3.0) -> None:
        if self.probe_failures:
            self.probe_failures -= 1
            raise QueryTimeout("no answer")

    def submit(self, request: OrderRequest) -> int:
        raise NotImplementedError

    def cancel(self, account: AccountRef, order_id: int) -> int:
        raise NotImplementedError


class Work:
    def __init__(self) -> None:
        self.refs: tuple[AccountRef, ...] = (ALPHA,)
        self.refusal = ""
        self.reconcile_failures = 0
        self.log: list[str] = []
        self.tended = 0
        self.gate = threading.Event()
        self.gate.set()

    def accounts(self) -> Sequence[AccountRef]:
        if self.refusal:
            raise SessionRefused(self.refusal)
        return self.refs

    def before_connect(self) -> None:
        self.log.append("orphans")

    def tend(self, session: OpenSession) -> None:
        self.tended += 1

    def reconcile(self, session: OpenSession) -> None:
        self.log.append(f"reconcile {session.session_id}")
        self.gate.wait(5)
        if self.reconcile_failures:
            self.reconcile_failures -= 1
            raise QueryFailed("None")


class Owner:
    def __init__(self) -> None:
        self.free = True
        self.held = False

    def acquire(self) -> bool:
        self.held = self.free
        return self.held


class Rig:
    def __init__(self) -> None:
        self.gateway, self.work, self.owner = ScriptedGateway(), Work(), Owner()
        self.session = TradeSession(make_gateway=lambda: self.gateway, owner=self.owner, work=self.work, config=FAST)  # type: ignore[arg-type,return-value]

    def until(self, condition: Callable[[], bool], seconds: float = 3.0) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, self.session.view()
            time.sleep(0.005)

    def until_state(self, state: SessionState) -> None:
        self.until(lambda: self.session.view().state == state)


@pytest.fixture
def rig() -> Iterator[Rig]:
    made = Rig()
    yield made
    made.work.gate.set()
    made.session.stop(3.0)


def test_session_start_marks_orphans_then_reconciles_then_is_ready(rig: Rig) -> None:
    rig.session.start()
    rig.until_state(SessionState.READY)
    assert rig.work.log == ["orphans", "reconcile 101"]


def test_session_reconciling_lets_no_order_through(rig: Rig) -> None:
    rig.work.gate.clear()
    rig.session.start()
    rig.until_state(SessionState.RECONCILING)
    assert rig.session.ready() is None
    current = rig.session.current()
    assert current is not None
    with pytest.raises(NotReady), rig.session.sending(current):
        pass


def test_session_terminal_down_retries_until_it_answers(rig: Rig) -> None:
    rig.gateway.open_failures = 3
    rig.session.start()
    rig.until_state(SessionState.READY)
    assert rig.gateway.opened == 1


def test_session_failed_reconciliation_never_becomes_ready_on_that_session(rig: Rig) -> None:
    rig.work.reconcile_failures = 1
    rig.session.start()
    rig.until_state(SessionState.READY)
    assert [line for line in rig.work.log if line != "orphans"] == [
        "reconcile 101",
        "reconcile 102",
    ]


def test_session_two_failed_probes_change_nothing(rig: Rig) -> None:
    rig.session.start()
    rig.until_state(SessionState.READY)
    rig.gateway.probe_failures = 2
    rig.until(lambda: rig.gateway.probe_failures == 0)
    time.sleep(0.05)
    assert rig.gateway.opened == 1


def test_session_three_failed_probes_rebuild_with_the_next_id(rig: Rig) -> None:
    rig.session.start()
    rig.until_state(SessionState.READY)
    rig.gateway.probe_failures = 3
    rig.until(lambda: rig.gateway.opened == 2 and rig.session.ready() is not None)
    ready = rig.session.ready()
    assert ready is not None
    assert (ready.session_id, ready.generation) == (102, 2)


def test_session_lease_of_another_process_keeps_it_down(rig: Rig) -> None:
    rig.owner.free = False
    rig.session.start()
    rig.until(lambda: "lease" in rig.session.view().message)
    assert rig.session.view().state == SessionState.DOWN
    assert rig.gateway.opened == 0


def test_session_lost_lease_closes_it(rig: Rig) -> None:
    rig.session.start()
    rig.until_state(SessionState.READY)
    rig.owner.free = rig.owner.held = False
    rig.until_state(SessionState.DOWN)
    rig.until(lambda: rig.gateway.closed == 1)
    assert rig.session.ready() is None


def test_session_refused_by_mode_says_why_and_opens_nothing(rig: Rig) -> None:
    rig.work.refusal = "LIVE_NOT_AVAILABLE"
    rig.session.start()
    rig.until(lambda: rig.session.view().message == "LIVE_NOT_AVAILABLE")
    assert (rig.session.view().state, rig.gateway.opened) == (SessionState.DOWN, 0)


def test_session_new_account_is_followed_by_a_new_session(rig: Rig) -> None:
    rig.session.start()
    rig.until_state(SessionState.READY)
    rig.work.refs = (ALPHA, AccountRef("8000000002"))
    rig.until(lambda: rig.gateway.opened == 2 and rig.session.ready() is not None)
    assert rig.gateway.closed == 1


def test_session_sender_inside_a_call_is_waited_for_before_closing(rig: Rig) -> None:
    rig.session.start()
    rig.until_state(SessionState.READY)
    ready = rig.session.ready()
    assert ready is not None
    with rig.session.sending(ready):
        rig.session.rebuild("test")
        rig.until(lambda: rig.session.ready() is None)
        assert rig.gateway.closed == 0
    rig.until(lambda: rig.gateway.closed == 1)


def test_session_hung_call_does_not_prevent_the_rebuild(rig: Rig) -> None:
    rig.session.start()
    rig.until_state(SessionState.READY)
    ready = rig.session.ready()
    assert ready is not None
    with rig.session.sending(ready):
        rig.session.rebuild("hung call")
        rig.until(lambda: rig.gateway.opened == 2)


def test_session_former_session_cannot_be_sent_through(rig: Rig) -> None:
    rig.session.start()
    rig.until_state(SessionState.READY)
    former = rig.session.ready()
    assert former is not None
    rig.session.rebuild("test")
    rig.until(lambda: rig.gateway.opened == 2 and rig.session.ready() is not None)
    with pytest.raises(NotReady), rig.session.sending(former):
        pass


def test_session_reconcile_on_demand_runs_at_once(rig: Rig) -> None:
    rig.session.start()
    rig.until_state(SessionState.READY)
    rig.session.request_reconcile()
    rig.until(lambda: rig.work.log.count("reconcile 101") == 2)


def test_session_stop_closes_the_gateway(rig: Rig) -> None:
    rig.session.start()
    rig.until_state(SessionState.READY)
    rig.session.stop(3.0)
    assert rig.gateway.closed == 1
    assert rig.session.view().state == SessionState.DOWN
