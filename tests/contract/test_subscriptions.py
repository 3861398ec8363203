"""New issues (新股申购) over both faces: what may be subscribed, and what becomes of a subscription."""

from __future__ import annotations

from decimal import Decimal

import pytest

from qmt.errors import QueryFailed, QueryTimeout
from qmt.gateway import AssetUpdate, OrderError, OrderRequest, Side, TradeUpdate
from qmt.newissues import IssueData, IssueKind, quota_key
from tests.contract.conftest import Desk, wait_until


@pytest.fixture
def issue(desk: Desk) -> IssueData:
    """An issue that can be subscribed today: the simulated market has one or two on every trading day."""
    return next(one for one in desk.gateway.query_ipo_data(timeout_seconds=5) if quota_key(one.symbol))


def ask(desk: Desk, issue: IssueData, **changes: object) -> OrderRequest:
    """A subscription of the smallest quantity."""
    return desk.request(**({"symbol": issue.symbol, "price": issue.price, "quantity": issue.minimum} | changes))


def refusal(desk: Desk, request: OrderRequest) -> str:
    """The words a refused subscription is answered with."""
    desk.gateway.submit(request)
    assert desk.response(request.tag).order_id is None
    assert wait_until(lambda: any(error.tag == request.tag for error in desk.of(OrderError)))
    return next(error.message for error in desk.of(OrderError) if error.tag == request.tag)


def test_an_issue_is_told_whole(issue: IssueData) -> None:
    assert issue.kind is IssueKind.STOCK
    assert issue.name
    assert issue.price > 0
    assert issue.price == round(issue.price, 2)
    assert 0 < issue.minimum <= issue.maximum
    assert issue.subscribe_on is not None


def test_quotas_are_told_per_market_in_shares(desk: Desk) -> None:
    quotas = desk.gateway.query_ipo_limits(desk.account, timeout_seconds=5)

    assert set(quotas) == {"SH", "SZ", "KCB"}
    assert all(figure >= 0 for figure in quotas.values())


@pytest.mark.faults
def test_quotas_that_nobody_answers_end_at_the_deadline(desk: Desk) -> None:
    desk.face.arm("lose", "queryNewPurchaseLimit")

    with pytest.raises(QueryTimeout):
        desk.gateway.query_ipo_limits(desk.account, timeout_seconds=0.3)


@pytest.mark.faults
def test_issues_that_nobody_answers_end_at_the_deadline(desk: Desk) -> None:
    desk.face.arm("lose", "queryIPOData")

    with pytest.raises(QueryTimeout):
        desk.gateway.query_ipo_data(timeout_seconds=0.3)


def test_issues_of_a_closed_session_are_a_failure_not_an_empty_list(desk: Desk) -> None:
    desk.gateway.close()

    with pytest.raises(QueryFailed):
        desk.gateway.query_ipo_data(timeout_seconds=1)


@pytest.mark.faults
def test_a_subscription_is_reported_and_takes_no_money(desk: Desk, issue: IssueData) -> None:
    before = desk.gateway.query_asset(desk.account, timeout_seconds=5)
    request = ask(desk, issue)

    desk.gateway.submit(request)

    assert (desk.response(request.tag).order_id or 0) > 0
    assert wait_until(lambda: desk.states(request.tag)[-1:] == [50])
    after = desk.gateway.query_asset(desk.account, timeout_seconds=5)
    assert (after.cash, after.frozen_cash) == (before.cash, before.frozen_cash)
    queried = desk.queried(request.tag)
    assert queried is not None
    assert (queried.symbol, queried.side, queried.quantity) == (issue.symbol, Side.BUY, issue.minimum)
    assert queried.price == issue.price
    assert queried.order_sysid
    assert all(asset.frozen_cash == before.frozen_cash for asset in desk.of(AssetUpdate))


@pytest.mark.faults
def test_a_subscription_never_trades(desk: Desk, issue: IssueData) -> None:
    request = ask(desk, issue)
    desk.gateway.submit(request)
    assert wait_until(lambda: desk.states(request.tag)[-1:] == [50])

    desk.face.advance(20)

    assert desk.states(request.tag) == [50]
    assert [trade for trade in desk.of(TradeUpdate) if trade.tag == request.tag] == []


@pytest.mark.faults
def test_a_second_subscription_of_an_issue_is_refused(desk: Desk, issue: IssueData) -> None:
    first = ask(desk, issue)
    desk.gateway.submit(first)
    assert (desk.response(first.tag).order_id or 0) > 0

    assert "260013" in refusal(desk, ask(desk, issue))


@pytest.mark.faults
def test_a_subscription_off_the_unit_is_refused(desk: Desk, issue: IssueData) -> None:
    assert "260008" in refusal(desk, ask(desk, issue, quantity=issue.minimum + 100))


@pytest.mark.faults
def test_a_subscription_above_the_quota_is_refused(desk: Desk, issue: IssueData) -> None:
    quota = desk.gateway.query_ipo_limits(desk.account, timeout_seconds=5)[str(quota_key(issue.symbol))]

    assert "260014" in refusal(desk, ask(desk, issue, quantity=max(quota, issue.maximum) + 500))


@pytest.mark.faults
def test_a_subscription_at_another_price_is_refused(desk: Desk, issue: IssueData) -> None:
    assert "260005" in refusal(desk, ask(desk, issue, price=issue.price + Decimal("0.01")))


@pytest.mark.faults
def test_a_subscription_cannot_be_cancelled(desk: Desk, issue: IssueData) -> None:
    request = ask(desk, issue)
    desk.gateway.submit(request)
    order_id = desk.response(request.tag).order_id
    assert order_id is not None

    desk.gateway.cancel(desk.account, order_id)

    assert not wait_until(lambda: desk.states(request.tag)[-1:] != [50], 0.5)
    queried = desk.queried(request.tag)
    assert queried is not None
    assert queried.status == 50
