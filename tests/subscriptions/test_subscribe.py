"""Subscribing one issue: its terms, its key, and everything that stands against it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from accounts.models import BrokerAccount
from ops.errors import Code, Conflict, Denied, Forbidden, Invalid, NotFound
from ops.models import AuditEvent
from qmt.gateway import PriceType, Side
from qmt.newissues import IssueKind
from tests.orders.bench import TODAY
from tests.orders.claiming import claim
from tests.risk.desk import stored
from tests.subscriptions.window import (
    BEIJING_ISSUE,
    BOND_ISSUE,
    SHANGHAI_ISSUE,
    SHENZHEN_ISSUE,
    STAR_ISSUE,
    Window,
    issue,
)
from trading.ledger.models import AccountBook, LedgerEntry, Position
from trading.orders.choices import Source, Status
from trading.orders.models import Order, Trade
from trading.orders.services import order_submit


@pytest.fixture
def offered(window: Window) -> Window:
    """An issue and quotas for it."""
    window.offer(issue())
    window.quota(SH=6000, SZ=10_000, KCB=2000)
    return window


def denied(window: Window, symbol: str = SHANGHAI_ISSUE, **wish: Any) -> Denied:
    """The denial, after which nothing is stored."""
    with pytest.raises(Denied) as caught:
        window.subscribe(symbol, **wish)
    assert window.orders() == []
    return caught.value


# ------------------------------------------------------------------------------ what is sent
def test_subscription_without_quantity_takes_what_the_quota_allows(offered: Window) -> None:
    order = offered.subscribe().order

    assert (order.quantity, order.price, order.side, order.price_type) == (
        6000,
        Decimal("23.56"),
        Side.BUY,
        PriceType.LIMIT,
    )


def test_subscription_without_quantity_takes_no_more_than_the_issue_allows(offered: Window) -> None:
    offered.quota(SH=50_000)

    assert offered.subscribe().order.quantity == 9000


def test_subscription_rounds_an_odd_quota_down_to_the_unit(offered: Window) -> None:
    offered.quota(SH=5999)

    assert offered.subscribe().order.quantity == 5500


def test_subscription_is_queued_under_a_key_of_account_and_issue(offered: Window) -> None:
    submission = offered.subscribe(quantity=1000)

    order = submission.order
    assert submission.created
    assert order.status == Status.QUEUED
    assert order.client_order_id == f"ipo:{offered.account.pk}:{SHANGHAI_ISSUE}"
    assert order.trade_date == TODAY
    assert order.tag
    assert claim(order.pk, host_name="sim") is not None


def test_subscription_takes_no_money(offered: Window) -> None:
    order = offered.subscribe().order

    assert (order.reserved_cash, order.reserved_quantity) == (0, 0)
    assert AccountBook.objects.get(account=offered.account).promised_cash == 0


def test_subscription_is_on_the_audit_trail(offered: Window) -> None:
    order = offered.subscribe().order

    event = AuditEvent.objects.get(target=f"order:{order.pk}")
    assert event.after is not None
    assert (event.action, event.after["quantity"], event.actor_label) == ("order.accepted", 6000, "alice")


@pytest.mark.parametrize(("symbol", "quantity"), [(SHANGHAI_ISSUE, 6000), (STAR_ISSUE, 2000), (SHENZHEN_ISSUE, 9000)])
def test_subscription_counts_against_the_quota_of_its_board(window: Window, symbol: str, quantity: int) -> None:
    window.offer(issue(symbol))
    window.quota(SH=6000, SZ=10_000, KCB=2000)

    assert window.subscribe(symbol).order.quantity == quantity


def test_subscription_of_a_bond_needs_no_quota(window: Window) -> None:
    window.offer(issue(BOND_ISSUE, kind=IssueKind.BOND, price=Decimal(100), minimum=10, maximum=10_000))

    assert window.subscribe(BOND_ISSUE).order.quantity == 10_000


def test_each_issue_may_use_the_whole_quota(window: Window) -> None:
    window.offer(issue(), issue("732500.SH"))
    window.quota(SH=6000)

    quantities = [window.subscribe(symbol).order.quantity for symbol in (SHANGHAI_ISSUE, "732500.SH")]
    assert quantities == [6000, 6000]


# --------------------------------------------------------------------------- never doubled
def test_subscription_repeated_finds_the_order_there_is(offered: Window) -> None:
    first = offered.subscribe()
    second = offered.subscribe()

    assert (second.order.pk, second.created) == (first.order.pk, False)
    assert len(offered.orders()) == 1


def test_subscription_repeated_with_another_quantity_conflicts(offered: Window) -> None:
    offered.subscribe(quantity=1000)

    with pytest.raises(Conflict) as caught:
        offered.subscribe(quantity=1500)
    assert caught.value.code == Code.IPO_ALREADY_SUBSCRIBED
    assert len(offered.orders()) == 1


@pytest.mark.parametrize(
    "status", [Status.SUBMITTING, Status.SUBMITTED, Status.REPORTED, Status.UNKNOWN, Status.FILLED, Status.DONE_FOR_DAY]
)
def test_subscription_that_may_be_at_the_broker_is_never_repeated(offered: Window, status: Status) -> None:
    order = offered.subscribe().order
    Order.objects.filter(pk=order.pk).update(status=status)

    assert offered.subscribe().order.pk == order.pk
    assert len(offered.orders()) == 1


def test_subscription_whose_absence_was_only_inferred_waits_for_a_person(offered: Window) -> None:
    order = offered.subscribe().order
    Order.objects.filter(pk=order.pk).update(status=Status.NOT_FOUND)

    assert offered.subscribe().order.pk == order.pk


def test_subscription_that_never_left_may_be_placed_again(offered: Window) -> None:
    first = offered.subscribe().order
    Order.objects.filter(pk=first.pk).update(status=Status.EXPIRED)

    second = offered.subscribe(again=False)

    assert second.created
    assert second.order.client_order_id == f"ipo:{offered.account.pk}:{SHANGHAI_ISSUE}:2"


def test_subscription_that_the_broker_rejected_may_be_placed_again_by_a_person(offered: Window) -> None:
    first = offered.subscribe().order
    Order.objects.filter(pk=first.pk).update(status=Status.REJECTED)

    assert offered.subscribe().created


def test_subscription_that_the_broker_rejected_is_not_repeated_by_the_platform(offered: Window) -> None:
    first = offered.subscribe().order
    Order.objects.filter(pk=first.pk).update(status=Status.REJECTED)

    with pytest.raises(Conflict) as caught:
        offered.subscribe(again=False)
    assert caught.value.code == Code.IPO_ALREADY_SUBSCRIBED


def test_subscription_made_in_the_terminal_is_not_repeated(offered: Window) -> None:
    order = offered.subscribe().order
    Order.objects.filter(pk=order.pk).update(client_order_id=None, source=Source.EXTERNAL, created_by=None)

    with pytest.raises(Conflict) as caught:
        offered.subscribe()
    assert caught.value.details["order"] == str(order.pk)


def test_no_ordinary_order_may_take_a_subscriptions_key(offered: Window) -> None:
    with pytest.raises(Invalid) as caught:
        offered.bench.submit(client_order_id=f"ipo:{offered.account.pk}:{SHANGHAI_ISSUE}")
    assert caught.value.field == "client_order_id"


def test_an_issue_cannot_be_bought_by_an_ordinary_order(offered: Window) -> None:
    with pytest.raises(Invalid) as caught:
        order_submit(
            user=offered.bench.alice,
            account_id=offered.account.pk,
            symbol=SHANGHAI_ISSUE,
            side="BUY",
            quantity=500,
            price="23.56",
        )
    assert caught.value.code == Code.SYMBOL_UNKNOWN


# ---------------------------------------------------------------------------- what stands against it
@pytest.mark.parametrize(
    ("quantity", "code", "facts"),
    [
        (400, Code.QUANTITY_BELOW_MINIMUM, {"minimum": 500}),
        (5250, Code.QUANTITY_OFF_LOT, {"step": 500, "below": 5000, "above": 5500}),
        (6500, Code.IPO_QUOTA_INSUFFICIENT, {"quota": 6000, "allowed_quantity": 6000}),
    ],
)
def test_subscription_of_a_wrong_quantity_is_denied(
    offered: Window, quantity: int, code: Code, facts: dict[str, int]
) -> None:
    denial = denied(offered, quantity=quantity)

    assert denial.code == code
    assert facts.items() <= denial.details.items()


def test_subscription_above_the_issues_maximum_is_denied(offered: Window) -> None:
    offered.quota(SH=50_000)

    denial = denied(offered, quantity=9500)

    assert (denial.code, denial.details["maximum"]) == (Code.QUANTITY_ABOVE_MAXIMUM, 9000)


def test_subscription_without_a_quota_is_denied(offered: Window) -> None:
    offered.quota(SH=0)

    assert denied(offered).code == Code.IPO_QUOTA_INSUFFICIENT


def test_subscription_with_a_quota_of_yesterday_is_denied(window: Window) -> None:
    window.offer(issue())
    window.quota(SH=6000, day=TODAY.replace(day=19))

    assert denied(window).code == Code.IPO_QUOTA_UNKNOWN


def test_subscription_at_an_unknown_price_is_denied(window: Window) -> None:
    window.offer(issue(price=Decimal(0)))
    window.quota(SH=6000)

    assert denied(window).code == Code.IPO_PRICE_UNKNOWN


@pytest.mark.parametrize(
    "offer", [issue(BEIJING_ISSUE), issue(kind=IssueKind.OTHER)], ids=["paid in advance", "unknown kind"]
)
def test_subscription_of_a_kind_that_is_not_built_says_so(window: Window, offer: Any) -> None:
    window.offer(offer)
    window.quota(SH=6000)

    assert denied(window, offer.symbol).code == Code.ORDER_KIND_NOT_BUILT


@pytest.mark.parametrize(
    ("text", "phase"),
    [("09:26", "PRE_OPEN"), ("09:16", "OPEN_AUCTION"), ("12:00", "LUNCH"), ("15:05", "AFTER_HOURS")],
)
def test_subscription_outside_the_window_is_denied(offered: Window, text: str, phase: str) -> None:
    offered.market_time(text, phase)

    denial = denied(offered)

    assert (denial.code, denial.details["phase"]) == (Code.SESSION_CLOSED, phase)


def test_subscription_in_the_closing_auction_is_taken(offered: Window) -> None:
    offered.market_time("14:58", "CLOSE_AUCTION")

    assert offered.subscribe().created


@pytest.mark.parametrize("symbol", ["600519.SH", "732999.SH", "", None, 732499])
def test_subscription_of_what_is_not_offered_is_invalid(offered: Window, symbol: Any) -> None:
    with pytest.raises(Invalid) as caught:
        offered.subscribe(symbol)
    assert caught.value.field == "symbol"
    assert offered.orders() == []


def test_subscription_of_yesterdays_issue_is_invalid(window: Window) -> None:
    yesterday = TODAY.replace(day=19)
    window.offer(issue(subscribe_on=yesterday), day=yesterday)
    window.quota(SH=6000)

    with pytest.raises(Invalid) as caught:
        window.subscribe()
    assert caught.value.code == Code.IPO_NOT_OFFERED


def test_issues_of_another_day_are_not_kept(window: Window) -> None:
    window.offer(issue(subscribe_on=TODAY.replace(day=23)))

    with pytest.raises(Invalid):
        window.subscribe()


@pytest.mark.parametrize("quantity", [0, -500, 500.0, "5e2", True, 10**16])
def test_subscription_of_a_malformed_quantity_is_invalid(offered: Window, quantity: Any) -> None:
    with pytest.raises(Invalid) as caught:
        offered.subscribe(quantity=quantity)
    assert caught.value.field == "quantity"


def test_subscription_by_somebody_who_may_only_look_is_forbidden(offered: Window) -> None:
    with pytest.raises(Forbidden):
        offered.subscribe(user=offered.bench.team.bob)
    assert offered.orders() == []


def test_subscription_on_an_account_of_others_is_not_found(offered: Window) -> None:
    with pytest.raises(NotFound):
        offered.subscribe(user=offered.bench.team.charlie)


@pytest.mark.parametrize(("state", "code"), [("HALTED", Code.ACCOUNT_HALTED), ("REDUCING", Code.ACCOUNT_REDUCING)])
def test_subscription_on_a_stopped_account_is_denied(offered: Window, state: str, code: Code) -> None:
    BrokerAccount.objects.filter(pk=offered.account.pk).update(state=state)

    assert denied(offered).code == code


def test_subscription_of_a_symbol_that_a_limit_bars_is_denied(offered: Window) -> None:
    stored("SYMBOL_DENY", params={"symbols": [SHENZHEN_ISSUE]})
    offered.offer(issue(SHENZHEN_ISSUE))

    assert denied(offered, SHENZHEN_ISSUE).code == Code.SYMBOL_NOT_ALLOWED


def test_limits_about_money_say_nothing_to_a_subscription(offered: Window) -> None:
    stored("ORDER_VALUE", 1)

    assert offered.subscribe().created


@pytest.mark.django_db(databases=["default", "quotes"])
def test_a_subscription_is_no_working_order_to_other_limits(offered: Window) -> None:
    stored("ACTIVE_ORDERS", 1)
    offered.subscribe()

    assert offered.bench.submit().status == Status.QUEUED


# --------------------------------------------------------------------------------- afterwards
def test_what_the_counter_calls_a_fill_moves_neither_money_nor_shares(offered: Window) -> None:
    bench = offered.bench
    order = offered.subscribe(quantity=500).order
    claim(order.pk, host_name="sim")
    bench.apply(bench.response(order), bench.update(order, 50))
    entries = LedgerEntry.objects.count()

    confirmed = bench.fill(order, 500, "23.56")
    bench.apply(bench.update(order, 56, traded_quantity=500, traded_price=Decimal("23.56")), confirmed)
    bench.apply(confirmed)

    assert bench.order(order).status == Status.FILLED
    assert Trade.objects.get(order=order).fees == 0
    assert LedgerEntry.objects.count() == entries
    assert not Position.objects.filter(symbol=SHANGHAI_ISSUE).exists()
    assert AccountBook.objects.get(account=offered.account).promised_cash == 0
