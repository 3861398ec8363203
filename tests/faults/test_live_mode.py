"""Real money through the whole path, and what stops it at the last look.

The terminal behind the rig is the simulated one; these tests tell the runtime that it is
a broker's. A real terminal has never been part of the test runs.
"""

from __future__ import annotations

import pytest

from accounts.choices import AccountMode, HostKind
from accounts.models import AccountSession, BrokerAccount, LiveSwitch
from desk.settings.schema import get_config
from ops.clocks import wall_now
from qmt.errors import QueryFailed
from qmt.gateway import AccountRef
from tests.faults.rig import BOTH_DATABASES, Rig, until
from trading.orders.models import Order

pytestmark = [pytest.mark.faults, BOTH_DATABASES]


@pytest.fixture
def allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The web's installation allows live trading."""
    config = get_config().model_copy(update={"allow_live": True})
    monkeypatch.setattr("trading.orders.services.context.get_config", lambda: config)


@pytest.fixture
def live(rig: Rig, allowed: None) -> Rig:
    """Alpha is live and Beta read only, at a broker's terminal."""
    BrokerAccount.objects.update(mode=AccountMode.READ_ONLY)
    rig.host.kind = HostKind.LIVE
    rig.host.save()
    switch = LiveSwitch.objects.create(
        account=rig.alpha,
        switched_by=rig.alice,
        switched_at=wall_now(),
        host_name=rig.host.name,
        notice_version="v",
        notice_digest="d",
        broker_report="r",
    )
    BrokerAccount.objects.filter(pk=rig.alpha.pk).update(mode=AccountMode.LIVE, live_switch=switch)
    return rig


def test_live_order_is_sent_where_everything_allows_it(live: Rig) -> None:
    live.start(simulated=False, live_allowed=True)
    order = live.until_status(live.buy(), "FILLED")
    assert not order.simulated


def test_live_order_is_withheld_by_a_worker_that_does_not_allow_it(live: Rig) -> None:
    """The web process and the QMT host each have a switch of their own."""
    live.start(simulated=False, live_allowed=False)
    order = live.until_status(live.buy(), "EXPIRED")
    assert "LIVE_NOT_AVAILABLE" in order.message
    assert order.sent_at is None
    assert live.terminal.exchange.orders(live.alpha.account_no) == []


def test_live_order_is_denied_where_the_web_does_not_allow_it(live: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    live.start(simulated=False, live_allowed=True)
    monkeypatch.setattr("trading.orders.services.context.get_config", get_config)
    with pytest.raises(AssertionError, match="LIVE_NOT_AVAILABLE"):
        live.buy()


def test_live_account_at_a_simulated_terminal_is_not_followed_and_blocks_only_itself(live: Rig) -> None:
    live.host.kind = HostKind.SIMULATED
    live.host.save()
    runtime = live.boot(live_allowed=True)
    until(lambda: runtime.session.ready() is not None, what="the session of the others")
    stored = AccountSession.objects.get(account=live.alpha)
    assert (stored.state, "LIVE_NEEDS_BROKER_HOST" in stored.message) == ("DOWN", True)
    session = runtime.session.current()
    assert session is not None
    with pytest.raises(QueryFailed):
        session.gateway.query_asset(AccountRef(live.alpha.account_no), timeout_seconds=1)


def test_read_only_account_at_a_brokers_terminal_is_followed_and_never_traded(live: Rig) -> None:
    live.start(simulated=False, live_allowed=True)
    with pytest.raises(AssertionError, match="ACCOUNT_READ_ONLY"):
        live.buy(user=live.charlie)
    assert not Order.objects.filter(account=live.beta).exclude(status="DENIED").exists()


def test_live_account_is_followed_and_cancelled_when_the_permission_is_gone(live: Rig) -> None:
    """What is at the broker has to be seen and can be cancelled; nothing new goes out."""
    from trading.orders.services import order_cancel

    live.start(simulated=False, live_allowed=True)
    resting = live.rest()
    live.until_status(resting, "REPORTED")
    live.stop()
    live.start(simulated=False, live_allowed=False)
    order_cancel(user=live.alice, order_id=resting)
    live.until_status(resting, "CANCELLED")
    assert live.until_status(live.buy(), "EXPIRED").sent_at is None


def test_order_accepted_on_paper_is_not_sent_by_a_process_with_real_natives(rig: Rig) -> None:
    """The row says simulated and the process has loaded the broker's natives: no session, nothing sent."""
    from accounts.models import HostStatus

    rig.start()
    rig.stop()
    HostStatus.objects.update(session_state="READY", updated_at=wall_now())
    runtime = rig.boot(simulated=False, live_allowed=True)
    until(lambda: "restart its workers" in runtime.session.view().message, what="the refusal")
    assert runtime.session.ready() is None
