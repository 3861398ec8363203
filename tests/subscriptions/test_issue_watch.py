"""What the trade worker asks the terminal about new issues, and when."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest

from accounts.models import BrokerAccount
from qmt.calendar import Phase
from qmt.gateway import AccountRef, ClockReading, TradeGateway
from qmt.terminal.inprocess import InProcessTerminal
from tests.orders.bench import Bench, make_bench
from trading.ledger.models import SubscribableIssue, SubscriptionQuota
from trading.ledger.newissues import issue_terms, issues_asked_at
from trading.orders.runtime import newissues
from trading.orders.runtime.newissues import IssueWatch

pytestmark = pytest.mark.django_db


@pytest.fixture
def bench(db: None) -> Bench:
    return make_bench()


@pytest.fixture
def terminal() -> Iterator[InProcessTerminal]:
    with InProcessTerminal(deliver="inline") as made:
        yield made


@pytest.fixture
def gateway(terminal: InProcessTerminal, bench: Bench) -> Iterator[TradeGateway]:
    session = terminal.trade_gateway(lambda _: None)
    session.open([AccountRef(bench.account.account_no)])
    yield session
    session.close()


def reading(terminal: InProcessTerminal, phase: Phase = Phase.CONTINUOUS) -> ClockReading:
    exchange = terminal.exchange
    return ClockReading(exchange.trade_date, phase, exchange.now_ms, 0, simulated=True)


def watch(terminal: InProcessTerminal, phase: Phase = Phase.CONTINUOUS) -> IssueWatch:
    return IssueWatch(reading=lambda: reading(terminal, phase), timeout_seconds=0.2)


def told(account: BrokerAccount, day: date) -> set[str]:
    return {terms.symbol for terms in issue_terms(account, day)}


def test_issues_and_quotas_of_the_date_are_kept(
    bench: Bench, terminal: InProcessTerminal, gateway: TradeGateway
) -> None:
    day = terminal.exchange.trade_date

    watch(terminal).tend(gateway, [bench.account])

    assert told(bench.account, day) == {issue.symbol for issue in terminal.exchange.issues()}
    assert issues_asked_at(bench.account, day) is not None
    assert SubscriptionQuota.objects.get(account=bench.account).quotas == {"SH": 10_000, "SZ": 10_000, "KCB": 10_000}


def test_nothing_is_asked_while_the_market_is_closed(
    bench: Bench, terminal: InProcessTerminal, gateway: TradeGateway
) -> None:
    watch(terminal, Phase.CLOSED).tend(gateway, [bench.account])

    assert issues_asked_at(bench.account, terminal.exchange.trade_date) is None


def test_one_round_serves_the_day_until_it_is_due_again(
    bench: Bench, terminal: InProcessTerminal, gateway: TradeGateway
) -> None:
    one = watch(terminal)
    one.tend(gateway, [bench.account])
    SubscribableIssue.objects.all().delete()

    one.tend(gateway, [bench.account])

    assert not SubscribableIssue.objects.exists()


def test_a_failed_round_proves_nothing_and_is_asked_again(
    bench: Bench, terminal: InProcessTerminal, gateway: TradeGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(newissues, "RETRY_SECONDS", 0.0)
    one = watch(terminal)
    terminal.arm("lose", "queryIPOData")

    one.tend(gateway, [bench.account])
    assert issues_asked_at(bench.account, terminal.exchange.trade_date) is None

    one.tend(gateway, [bench.account])
    assert issues_asked_at(bench.account, terminal.exchange.trade_date) is not None
