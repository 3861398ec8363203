"""Paper beside live: paper accounts on a terminal that is fed from another host, through the whole order path.

The source here is a second simulated terminal that plays the broker's. What is tried: to get a paper order into a live session,
and a live one into a paper session, at each of the places that stand between.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import IntegrityError, transaction

from accounts.choices import AccountMode, HostKind
from accounts.models import BrokerAccount, HostStatus, LiveSwitch, QmtHost
from accounts.services import account_mode_set, host_save
from ops.audit import Actor
from ops.clocks import wall_now
from ops.errors import DeskError
from qmt.terminal.fed import FedMarket
from qmt.terminal.fedfeed import Feed
from qmt.terminal.inprocess import InProcessTerminal, default_calendar
from qmt.terminal.seeded import SeededMarket
from tests.faults.rig import ALPHA, BOTH_DATABASES, SYMBOL, Rig, until
from trading.orders.models import Order, Trade
from trading.orders.services import order_submit

pytestmark = [pytest.mark.faults, BOTH_DATABASES]

ACTOR = Actor.system("test")
PLATFORM = Path(__file__).resolve().parents[2] / "platform"


class FedRig(Rig):
    """The rig over a fed terminal; beside it the source, a host whose row says that it is a broker's."""

    def __init__(self, source: InProcessTerminal) -> None:
        self.source = source
        self.seconds = 0.0
        self.feed = Feed(
            "live1",
            gateway=source.quote_gateway(),
            address=lambda: "127.0.0.1:1",
            monotonic=lambda: self.seconds,
        )
        assert self.feed.poll()
        market = FedMarket(self.feed, default_calendar())
        super().__init__(InProcessTerminal(market=market, clock=market))
        self.live_host = host_save(
            actor=ACTOR, host=QmtHost(name="live1", kind=HostKind.LIVE, quote_address="127.0.0.1:1")
        )
        self.host.fed_from = self.live_host
        host_save(actor=ACTOR, host=self.host)

    def tick(self, seconds: float = 3.0) -> None:
        """The source's market moves on, and the fed one with it."""
        self.seconds += seconds
        self.source.advance(seconds)
        self.feed.poll()
        self.terminal.step()

    def pause(self) -> None:
        """The worker ends, and the platform has not noticed yet: orders are accepted and wait."""
        self.stop()
        HostStatus.objects.update(session_state="READY", updated_at=wall_now())

    def go_live(self, account: BrokerAccount) -> None:
        """A stored decision, written as the service does after all its questions."""
        switch = LiveSwitch.objects.create(
            account=account,
            switched_by=self.alice,
            switched_at=wall_now(),
            host_name="live1",
            notice_version="v",
            notice_digest="d",
            broker_report="r",
        )
        BrokerAccount.objects.filter(pk=account.pk).update(mode=AccountMode.LIVE, live_switch=switch)


@pytest.fixture
def fed(market: SeededMarket) -> Iterator[FedRig]:
    """Paper accounts on a fed host; the runtime is not started yet."""
    with InProcessTerminal(market=market) as source:
        rig = FedRig(source)
        try:
            rig.tick()
            yield rig
        finally:
            rig.close()
            rig.terminal.close()


# --- the same path --------------------------------------------------------------------------------


def test_paper_order_fills_at_the_sources_prices(fed: FedRig) -> None:
    fed.start()
    quotes = fed.source.quote_gateway()
    quotes.connect("")
    asks = {str(price) for price in quotes.full_tick([SYMBOL])[SYMBOL].ask}

    order = fed.until_status(fed.buy(100), "FILLED")

    (trade,) = Trade.objects.filter(order=order)
    assert str(float(trade.price)) in asks
    assert order.simulated


def test_order_while_the_source_is_silent_is_rejected_with_the_reason(fed: FedRig) -> None:
    fed.start()
    fed.source.stop()
    fed.seconds += 11
    fed.feed.poll()

    order = fed.until_status(fed.rest(), "REJECTED")

    assert "live1 has not answered" in order.message


# --- paper into live ------------------------------------------------------------------------------


def test_paper_order_is_not_accepted_for_the_live_host(fed: FedRig) -> None:
    fed.start()
    BrokerAccount.objects.filter(pk=fed.alpha.pk).update(host=fed.live_host)  # past the service, which refuses it
    answer = order_submit(
        user=fed.alice,
        account_id=fed.alpha.pk,
        symbol=SYMBOL,
        side="BUY",
        quantity=100,
        price_type="LIMIT",
        price=str(fed.crossing_price()),
    )

    assert (answer.order.status, answer.order.deny_code) == ("DENIED", "PAPER_NEEDS_SIMULATED_HOST")
    assert fed.at_broker() == []


def test_worker_with_the_brokers_natives_opens_no_session_on_a_fed_host(fed: FedRig) -> None:
    runtime = fed.boot(simulated=False, live_allowed=True)

    until(lambda: "restart its workers" in runtime.session.view().message, what="the refusal")
    assert runtime.session.current() is None


def test_paper_order_is_withheld_at_the_last_look_of_a_process_with_the_brokers_natives(fed: FedRig) -> None:
    runtime = fed.start()
    runtime._sender._simulated = False

    order = fed.until_status(fed.rest(), "EXPIRED")

    assert order.deny_code == "PAPER_NEEDS_SIMULATED_HOST"
    assert fed.at_broker() == []


def test_mode_change_between_acceptance_and_claim_takes_the_orders_authority(fed: FedRig) -> None:
    fed.start()
    fed.pause()
    waiting = fed.rest()
    account_mode_set(actor=ACTOR, account=BrokerAccount.objects.get(pk=fed.alpha.pk), mode=AccountMode.READ_ONLY)
    account_mode_set(actor=ACTOR, account=BrokerAccount.objects.get(pk=fed.alpha.pk), mode=AccountMode.PAPER)
    fed.start()

    order = fed.until_status(waiting, "EXPIRED")

    assert order.sent_at is None
    assert fed.at_broker() == []


def test_feed_process_cannot_open_a_trade_session() -> None:
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "from qmt.sdk import load_quote_sdk, open_trade_gateway\n"
        "load_quote_sdk('simulated')\n"
        "assert 'xtquant.xttrader' not in sys.modules\n"
        "try:\n"
        "    open_trade_gateway(native='simulated', userdata=Path('.'), session_ids=[1], pool_dir=Path('.'), sink=print)\n"
        "except Exception as error:\n"
        "    print(type(error).__name__, error)\n"
    )
    found = subprocess.run(
        [sys.executable, "-c", script],
        env={"PYTHONPATH": str(PLATFORM), "TZ": "Asia/Shanghai", "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )

    assert found.stdout.strip() == "SdkUnavailable this process only reads quotes: it cannot open a trade session", (
        found
    )
    assert found.returncode == 0


# --- live into paper ------------------------------------------------------------------------------


def test_live_order_is_not_accepted_for_a_fed_host(fed: FedRig, monkeypatch: pytest.MonkeyPatch) -> None:
    from desk.settings.schema import get_config

    config = get_config().model_copy(update={"allow_live": True})
    monkeypatch.setattr("trading.orders.services.context.get_config", lambda: config)
    fed.start()
    fed.go_live(fed.alpha)

    with pytest.raises(AssertionError, match="LIVE_NEEDS_BROKER_HOST"):
        fed.buy()
    assert Order.objects.filter(account=fed.alpha).exclude(status="DENIED").count() == 0
    assert fed.at_broker() == []


def test_live_account_is_not_followed_by_a_fed_hosts_session(fed: FedRig) -> None:
    fed.go_live(fed.alpha)
    runtime = fed.boot(live_allowed=True)
    until(lambda: runtime.session.ready() is not None, what="the session of the paper account")

    refreshed = BrokerAccount.objects.select_related("session").get(pk=fed.alpha.pk)
    assert "LIVE_NEEDS_BROKER_HOST" in refreshed.session.message


def test_order_accepted_for_the_brokers_terminal_is_withheld_by_a_fed_one(fed: FedRig) -> None:
    fed.start()
    fed.pause()
    waiting = fed.rest()
    Order.objects.filter(pk=waiting).update(simulated=False)
    fed.start()

    order = fed.until_status(waiting, "EXPIRED")

    assert order.deny_code == "AUTHORITY_CHANGED"
    assert fed.at_broker() == []


# --- the host's row -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"kind": HostKind.LIVE}, "not_simulated"),
        ({"source": "fed"}, "source_is_fed"),
        ({"name": "live1"}, "feeds_others"),
    ],
)
def test_unsound_feed_is_refused_and_nothing_changes(fed: FedRig, changes: dict[str, str], reason: str) -> None:
    host = QmtHost(name="paper2", kind=changes.get("kind", HostKind.SIMULATED), fed_from=fed.live_host)
    if "source" in changes:
        host.fed_from = fed.host
    if "name" in changes:
        host = QmtHost.objects.get(name="live1")
        host.kind = HostKind.SIMULATED
        host.fed_from = host_save(actor=ACTOR, host=QmtHost(name="other"))

    with pytest.raises(DeskError) as refused:
        host_save(actor=ACTOR, host=host)

    assert (refused.value.code, refused.value.details["reason"]) == ("FEED_INVALID", reason)
    assert not QmtHost.objects.filter(name="paper2").exists()
    assert QmtHost.objects.get(name="live1").kind == HostKind.LIVE


def test_brokers_terminal_cannot_be_marked_fed_by_any_path(fed: FedRig) -> None:
    other = QmtHost.objects.create(name="live2", kind=HostKind.LIVE)
    with pytest.raises(IntegrityError), transaction.atomic():
        QmtHost.objects.filter(pk=other.pk).update(fed_from=fed.live_host)


def test_another_source_takes_the_authority_of_waiting_orders(fed: FedRig) -> None:
    epoch = BrokerAccount.objects.get(account_no=ALPHA).epoch
    host = QmtHost.objects.get(pk=fed.host.pk)
    host.fed_from = None
    host_save(actor=ACTOR, host=host)

    assert BrokerAccount.objects.get(account_no=ALPHA).epoch == epoch + 1
