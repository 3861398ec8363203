"""Limits on the way of real orders: counted, kept, and never in the way of a cancel."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.choices import TradeRight, TradingState
from accounts.models import BrokerAccount, Grant, HostStatus
from ops.clocks import wall_now
from ops.errors import Code
from ops.models import Alert, AuditEvent
from tests.orders.bench import MOUTAI, TODAY, Bench
from tests.orders.claiming import claim_cancel
from tests.people import TEST_ACTOR, confirmed, signed_in
from tests.risk.desk import stored
from trading.ledger.choices import EntryKind
from trading.ledger.entries import Posting
from trading.ledger.journal import account_journal
from trading.ledger.models import AccountDay
from trading.orders.choices import Status
from trading.orders.claims import unclaim_cancel
from trading.orders.models import Order
from trading.orders.services import order_cancel
from trading.risk.defaults import DEFAULTS
from trading.risk.models import Control, Tally
from trading.risk.services.approval_rules import approval_rule_create
from trading.risk.services.states import person_state_set, platform_state_set

pytestmark = pytest.mark.django_db(databases=["default", "quotes"])


def tally(subject: str) -> Tally:
    return Tally.objects.get(subject=subject, trade_date=TODAY)


# --------------------------------------------------------------------------- counters
def test_accepted_order_counts_for_account_person_and_both(bench: Bench) -> None:
    bench.submit()
    subjects = (f"a:{bench.account.pk}", f"u:{bench.alice.pk}", f"ua:{bench.alice.pk}:{bench.account.pk}")
    assert [tally(subject).orders for subject in subjects] == [1, 1, 1]


def test_denied_order_counts_for_nobody(bench: Bench) -> None:
    assert bench.submit(quantity=50).status == Status.DENIED
    assert Tally.objects.filter(orders__gt=0).count() == 0


def test_strategys_orders_count_for_it_over_accounts(bench: Bench) -> None:
    stored("ORDERS_PER_DAY", 1, scope="STRATEGY", strategy="grid")
    assert bench.submit(strategy="grid").status == Status.QUEUED
    assert bench.submit(strategy="t0").status == Status.QUEUED
    assert bench.submit(strategy="grid").deny_code == Code.ORDERS_PER_DAY_LIMIT
    assert tally("s:grid").orders == 1


def test_persons_limit_counts_over_all_accounts(bench: Bench) -> None:
    Grant.objects.create(user=bench.alice, account=bench.team.beta, trade=TradeRight.ALL)
    stored("ORDERS_PER_DAY", 2, scope="USER", user=bench.alice)
    assert bench.submit().status == Status.QUEUED
    assert bench.submit(account_id=bench.team.beta.pk).status == Status.QUEUED
    denied = bench.submit()
    assert (denied.deny_code, denied.details["scope"], denied.details["orders"]) == (
        Code.ORDERS_PER_DAY_LIMIT,
        "USER",
        2,
    )


def test_cancel_counts_when_it_leaves_and_not_when_it_was_taken_back(bench: Bench) -> None:
    order = bench.reported()
    order_cancel(user=bench.alice, order_id=order.pk)
    assert tally(f"a:{bench.account.pk}").cancels == 0
    assert claim_cancel(order.pk, host_name="sim") is not None
    assert tally(f"a:{bench.account.pk}").cancels == 1
    unclaim_cancel(order.pk)
    assert tally(f"a:{bench.account.pk}").cancels == 0


def test_cancel_sent_by_us_and_shown_by_the_broker_counts_once(bench: Bench) -> None:
    order = bench.reported()
    order_cancel(user=bench.alice, order_id=order.pk)
    claim_cancel(order.pk, host_name="sim")
    bench.apply(bench.update(bench.order(order), 54))
    assert bench.order(order).status == Status.CANCELLED
    assert tally(f"a:{bench.account.pk}").cancels == 1


def test_cancel_made_in_the_terminal_counts(bench: Bench) -> None:
    order = bench.reported()
    bench.apply(bench.update(order, 54))
    assert tally(f"a:{bench.account.pk}").cancels == 1


def test_order_taken_back_before_it_was_sent_is_no_cancel(bench: Bench) -> None:
    order = bench.submit()
    order_cancel(user=bench.alice, order_id=order.pk)
    assert (tally(f"a:{bench.account.pk}").orders, tally(f"a:{bench.account.pk}").cancels) == (1, 0)


def test_order_placed_in_the_terminal_counts_for_the_account(bench: Bench) -> None:
    stranger = bench.update(Order(pk=Order().pk, symbol=MOUTAI, side="BUY", quantity=100, price=Decimal(10)), 50)
    bench.query(orders=[stranger])
    assert tally(f"a:{bench.account.pk}").orders == 1


def test_fill_counts_as_turnover_once(bench: Bench) -> None:
    order = bench.reported()
    fill = bench.fill(order, 100)
    bench.apply(fill)
    bench.apply(fill)
    assert tally(f"a:{bench.account.pk}").turnover == Decimal(1000)


def test_counters_start_again_with_the_markets_next_date(bench: Bench) -> None:
    stored("ORDERS_PER_DAY", 1)
    assert bench.submit().status == Status.QUEUED
    assert bench.submit().deny_code == Code.ORDERS_PER_DAY_LIMIT
    Tally.objects.update(trade_date=TODAY - timedelta(days=1))
    row = Tally.objects.filter(subject=f"a:{bench.account.pk}").get()
    row.key = row.key.replace(f"{TODAY:%Y%m%d}", f"{TODAY - timedelta(days=1):%Y%m%d}")
    Tally.objects.all().delete()
    row.save(force_insert=True)
    assert bench.submit().status == Status.QUEUED


def test_rate_is_kept_over_a_restart_and_ends_after_a_second(bench: Bench) -> None:
    """Nothing but rows is read: another process sees the same."""
    stored("ORDERS_PER_SECOND", 2)
    assert bench.submit().status == Status.QUEUED
    assert bench.submit().status == Status.QUEUED
    assert bench.submit().deny_code == Code.ORDER_RATE_LIMIT
    row = tally(f"a:{bench.account.pk}")
    assert (len(row.recent), row.most_per_second) == (2, 2)
    row.recent = [moment - 1000 for moment in row.recent]
    row.save()
    assert bench.submit().status == Status.QUEUED


@pytest.mark.parametrize(("cancels", "told"), [(2, 0), (3, 1)])
def test_cancel_ratio_that_reaches_its_warning_is_told_once(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, cancels: int, told: int
) -> None:
    monkeypatch.setattr("ops.alerts.raising._after_commit", lambda work: work())
    stored("CANCEL_RATIO", 50, params={"warn": "30", "minimum": 10})
    bench.submit()
    Tally.objects.filter(subject=f"a:{bench.account.pk}").update(orders=10, cancels=cancels)
    assert bench.submit(price="9.99").status == Status.QUEUED
    assert Alert.objects.filter(kind="risk.limit_near").count() == told


# ------------------------------------------------------------------------- on the path
@pytest.mark.parametrize(
    ("kind", "value", "code"),
    [
        ("ORDER_VALUE", "999.99", Code.ORDER_VALUE_LIMIT),
        ("ORDER_QUANTITY", 99, Code.ORDER_QUANTITY_LIMIT),
        ("EXPOSURE", "999.99", Code.EXPOSURE_LIMIT),
        ("ACTIVE_ORDERS", 0, Code.ACTIVE_ORDERS_LIMIT),
    ],
)
def test_limit_denies_on_the_order_path_and_names_itself(bench: Bench, kind: str, value: Any, code: Code) -> None:
    row = stored(kind, value, scope="ACCOUNT", account=bench.account)
    denied = bench.submit()
    assert (denied.status, denied.deny_code, denied.details["limit"]) == (Status.DENIED, code, row.pk)
    assert bench.book.reserved_cash == 0


def test_working_orders_count_towards_exposure(bench: Bench) -> None:
    stored("EXPOSURE", 1500)
    assert bench.submit().status == Status.QUEUED
    denied = bench.submit(price="9.99")
    assert (denied.deny_code, denied.details["present"]) == (Code.EXPOSURE_LIMIT, "1000.00")


def test_same_order_again_is_a_duplicate_until_the_window_ends(bench: Bench) -> None:
    stored("DUPLICATE_ORDER", 5)
    first = bench.submit()
    assert bench.submit().deny_code == Code.DUPLICATE_ORDER
    assert bench.submit(price="9.99").status == Status.QUEUED
    Order.objects.filter(pk=first.pk).update(submitted_at=wall_now() - timedelta(seconds=6))
    assert bench.submit().status == Status.QUEUED


def test_repeated_key_is_the_same_order_and_no_duplicate(bench: Bench) -> None:
    stored("DUPLICATE_ORDER", 5)
    first = bench.submit(client_order_id="k")
    assert bench.submit(client_order_id="k").pk == first.pk


def test_self_trade_is_found_over_the_accounts_of_one_owner(bench: Bench) -> None:
    stored("SELF_TRADE")
    Grant.objects.create(user=bench.alice, account=bench.team.beta, trade=TradeRight.ALL)
    bench.hold(100)
    BrokerAccount.objects.update(owner="fund one")
    assert bench.submit(account_id=bench.team.beta.pk, price="10.00").status == Status.QUEUED
    denied = bench.submit(side="SELL", price="10.00")
    assert (denied.deny_code, denied.details["account"]) == (Code.SELF_TRADE, bench.team.beta.pk)
    assert denied.details["allowed_above"] == "10"
    BrokerAccount.objects.filter(pk=bench.team.beta.pk).update(owner="somebody else")
    assert bench.submit(side="SELL", price="10.00").status == Status.QUEUED


def test_price_outside_of_the_cage_is_clamped_where_the_account_asks_for_it(bench: Bench) -> None:
    assert bench.submit(price="10.50").deny_code == Code.PRICE_OUTSIDE_CAGE
    BrokerAccount.objects.update(cage_clamping=True)
    order = bench.submit(price="10.50", client_order_id="c")
    assert (order.status, order.price, order.details) == (Status.QUEUED, Decimal("10.20"), {"clamped_from": "10.5"})
    assert bench.submit(price="10.50", client_order_id="c").pk == order.pk


def test_no_limit_refuses_a_cancel(bench: Bench) -> None:
    order = bench.reported()
    for kind, value in (("ORDERS_PER_SECOND", 0), ("ORDERS_PER_DAY", 0), ("CANCEL_RATIO", 0), ("ACTIVE_ORDERS", 0)):
        stored(kind, value)
    stored("SIDES", params={"sides": ["SELL"]})
    platform_state_set(actor=TEST_ACTOR, state=TradingState.HALTED)
    person_state_set(actor=TEST_ACTOR, user=bench.alice, state=TradingState.HALTED)
    order_cancel(user=bench.alice, order_id=order.pk)
    assert claim_cancel(order.pk, host_name="sim") is not None


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kind=st.sampled_from(["ORDER_VALUE", "ORDER_QUANTITY", "POSITION_VALUE", "EXPOSURE", "DAILY_TURNOVER"]),
    value=st.decimals("0", "60000", places=2),
    quantity=st.integers(1, 50).map(lambda lots: lots * 100),
    symbol=st.sampled_from([MOUTAI, "920001.BJ"]),
)
def test_quantity_that_a_denial_names_is_really_allowed(
    bench: Bench, kind: str, value: Decimal, quantity: int, symbol: str
) -> None:
    from trading.orders.services.check import order_check
    from trading.risk.catalogue import CATALOGUE
    from trading.risk.choices import LimitKind, Unit

    unit = CATALOGUE[LimitKind(kind)].unit
    row = stored(kind, int(value / 10) if unit is Unit.SHARES else value)
    wish = {"symbol": symbol, "side": "BUY", "price": "10.00" if symbol == MOUTAI else "20.00"}
    try:
        answer = order_check(user=bench.alice, account_id=bench.account.pk, quantity=quantity, **wish)
        mine = next(check for check in answer["checks"] if check["limit"] and check["limit"]["id"] == row.pk)
        if mine["verdict"] == "PASSED":
            return
        allowed = mine["facts"]["allowed_quantity"]
        assert allowed < quantity
        if allowed:
            smaller = order_check(user=bench.alice, account_id=bench.account.pk, quantity=allowed, **wish)
            assert smaller["accepted"]
        step = 100 if symbol == MOUTAI else 1
        more = order_check(user=bench.alice, account_id=bench.account.pk, quantity=max(allowed + step, 100), **wish)
        assert not more["accepted"]
    finally:
        row.delete()


# ------------------------------------------------------------------------------ states
@pytest.mark.parametrize("state", [TradingState.REDUCING, TradingState.HALTED])
def test_platform_state_raises_every_epoch_so_nothing_queued_is_sent(bench: Bench, state: TradingState) -> None:
    order = bench.submit()
    before = dict(BrokerAccount.objects.values_list("pk", "epoch"))
    assert platform_state_set(actor=TEST_ACTOR, state=state, reason="test")
    assert not platform_state_set(actor=TEST_ACTOR, state=state)
    assert dict(BrokerAccount.objects.values_list("pk", "epoch")) == {pk: epoch + 1 for pk, epoch in before.items()}
    assert bench.order(order).epoch < BrokerAccount.objects.get(pk=bench.account.pk).epoch
    assert bench.submit().deny_code in (Code.PLATFORM_HALTED, Code.PLATFORM_REDUCING)


def test_persons_state_holds_that_person_only(bench: Bench) -> None:
    Grant.objects.filter(user=bench.team.bob).update(trade=TradeRight.OWN)
    person_state_set(actor=TEST_ACTOR, user=bench.alice, state=TradingState.HALTED, reason="test")
    assert bench.submit().deny_code == Code.PERSON_HALTED
    assert bench.submit(user=bench.team.bob).status == Status.QUEUED
    event = AuditEvent.objects.filter(action="user.trading_state_set").get()
    assert event.after is not None
    assert (event.target, event.after["state"]) == (f"user:{bench.alice.pk}", "HALTED")


def test_persons_state_holds_where_no_limit_was_ever_set(bench: Bench) -> None:
    Control.objects.all().delete()
    person_state_set(actor=TEST_ACTOR, user=bench.alice, state=TradingState.HALTED, reason="test")
    assert bench.submit().deny_code == Code.PERSON_HALTED


def test_loss_that_reaches_a_reducing_stop_sets_the_account_to_reducing(bench: Bench) -> None:
    stored("DAILY_LOSS", 1000, params={"reduce": True})
    bench.apply(bench.asset("1000000"))
    bench.apply(bench.asset("999000.01"))
    assert BrokerAccount.objects.get(pk=bench.account.pk).state == TradingState.ACTIVE
    bench.apply(bench.asset("999000"))
    assert BrokerAccount.objects.get(pk=bench.account.pk).state == TradingState.REDUCING
    assert (tally(f"a:{bench.account.pk}").opening_equity, tally(f"a:{bench.account.pk}").peak_equity) == (
        Decimal(1_000_000),
        Decimal(1_000_000),
    )


def transfer(bench: Bench, kind: EntryKind, cash: int) -> None:
    with account_journal(bench.account.pk) as journal:
        journal.post(Posting(TODAY, kind, f"{kind} {cash}", cash=Decimal(cash)))


def state(bench: Bench) -> TradingState:
    return TradingState(BrokerAccount.objects.get(pk=bench.account.pk).state)


def test_money_taken_out_is_no_loss_once_it_is_booked(bench: Bench) -> None:
    bench.apply(bench.asset("1000000"))
    transfer(bench, EntryKind.TRANSFER_OUT, -600_000)
    stored("DAILY_LOSS", 1000, params={"reduce": True})
    stored("DRAWDOWN", 1, params={"reduce": True})
    bench.apply(bench.asset("400000"))
    assert state(bench) == TradingState.ACTIVE
    assert tally(f"a:{bench.account.pk}").opening_equity == Decimal(400_000)
    bench.apply(bench.asset("399000"))
    assert state(bench) == TradingState.REDUCING


def test_money_paid_in_hides_no_loss(bench: Bench) -> None:
    stored("DAILY_LOSS", 1000, params={"reduce": True})
    bench.apply(bench.asset("1000000"))
    transfer(bench, EntryKind.TRANSFER_IN, 50_000)
    bench.apply(bench.asset("1049000.01"))
    assert state(bench) == TradingState.ACTIVE
    bench.apply(bench.asset("1049000"))
    assert state(bench) == TradingState.REDUCING


def test_high_that_may_contain_money_paid_in_starts_again_when_it_is_booked(bench: Bench) -> None:
    stored("DRAWDOWN", 1, params={"reduce": True})
    bench.apply(bench.asset("1000000"))
    bench.apply(bench.asset("1050000"))
    transfer(bench, EntryKind.TRANSFER_IN, 50_000)
    bench.apply(bench.asset("1049999"))
    assert (tally(f"a:{bench.account.pk}").peak_equity, state(bench)) == (Decimal(1_050_000), TradingState.ACTIVE)


def test_day_is_measured_from_the_last_close_and_stops_at_its_first_figure(bench: Bench) -> None:
    AccountDay.objects.create(
        account=bench.account, date=TODAY - timedelta(days=1), cash=Decimal(900_000), market_value=Decimal(100_000), at=wall_now()
    )  # fmt: skip
    stored("DAILY_LOSS", 1000, params={"reduce": True})
    bench.apply(bench.asset("998000"))
    assert tally(f"a:{bench.account.pk}").opening_equity == Decimal(1_000_000)
    assert state(bench) == TradingState.REDUCING


# ------------------------------------------------------------------------------- REST
def body(**changes: Any) -> dict[str, Any]:
    return {"kind": "ORDERS_PER_DAY", "scope": "PLATFORM", "value": "100"} | changes


def post(client: Client, path: str, data: dict[str, Any]) -> Any:
    return client.post(path, data, content_type="application/json")


def test_limit_set_by_rest_holds_at_once_and_is_audited(bench: Bench) -> None:
    answer = post(confirmed(bench.team.risk), "/api/v1/risk/limits", body(value="1"))
    assert (answer.status_code, answer.json()["version"]) == (201, 1)
    bench.submit()
    assert bench.submit().deny_code == Code.ORDERS_PER_DAY_LIMIT
    event = AuditEvent.objects.filter(action="limit.set").get()
    assert event.after is not None
    assert (event.before, event.after["value"]) == (None, "1")


def test_limit_changed_by_rest_keeps_its_history(bench: Bench) -> None:
    client = confirmed(bench.team.admin)
    made = post(client, "/api/v1/risk/limits", body(value="1")).json()
    path = f"/api/v1/risk/limits/{made['id']}"
    bench.submit()
    changed = client.patch(path, {"version": 1, "value": "2"}, content_type="application/json")
    assert (changed.status_code, changed.json()["value"]) == (200, "2")
    assert bench.submit().status == Status.QUEUED
    stale = client.patch(path, {"version": 1, "value": "3"}, content_type="application/json")
    assert (stale.status_code, stale.json()["code"]) == (409, "LIMIT_CHANGED")
    history = client.get(path).json()["history"]
    assert [(one["version"], one["by"], one["after"]["value"]) for one in history] == [
        (1, "admin", "1"),
        (2, "admin", "2"),
    ]


def test_limit_switched_off_by_rest_holds_no_more(bench: Bench) -> None:
    client = confirmed(bench.team.admin)
    made = post(client, "/api/v1/risk/limits", body(value="0")).json()
    assert bench.submit().status == Status.DENIED
    path = f"/api/v1/risk/limits/{made['id']}"
    assert client.patch(path, {"version": 1, "enabled": False}, content_type="application/json").status_code == 200
    assert bench.submit().status == Status.QUEUED


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"value": None}, "value"),
        ({"value": "NaN"}, "value"),
        ({"value": "-1"}, "value"),
        ({"value": "1.5"}, "value"),
        ({"value": "1e99"}, "value"),
        ({"value": True}, "value"),
        ({"kind": "NOTHING"}, "kind"),
        ({"scope": "ACCOUNT"}, "account"),
        ({"account": 1}, "account"),
        ({"scope": "USER", "user": "nobody"}, "user"),
        ({"params": {"minimum": 1}}, "params.'minimum'"),
        ({"kind": "SELF_TRADE"}, "value"),
        ({"kind": "SIDES", "value": None}, "params.sides"),
        ({"kind": "SIDES", "value": None, "params": {"sides": ["BOTH"]}}, "params.sides"),
        ({"kind": "SYMBOL_DENY", "value": None, "params": {"symbols": ["??"]}}, "params.symbols"),
        ({"kind": "TIME_WINDOW", "value": None, "params": {"from": "15:00", "to": "09:30"}}, "params.to"),
        ({"kind": "DAILY_LOSS", "scope": "USER", "user": "alice"}, "scope"),
        ({"valid_from": "2026-01-01"}, "valid_from"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_malformed_limit_is_refused_by_its_field(bench: Bench, changes: dict[str, Any], field: str) -> None:
    from trading.risk.models import RiskLimit

    answer = post(confirmed(bench.team.admin), "/api/v1/risk/limits", body(**changes))
    assert (answer.status_code, answer.json()["field"]) == (400, field)
    assert not RiskLimit.objects.exists()


def test_risk_officer_may_tighten_and_not_loosen_what_binds_themselves(bench: Bench) -> None:
    row = stored("ORDERS_PER_DAY", 10, scope="USER", user=bench.team.risk)
    client, path = confirmed(bench.team.risk), f"/api/v1/risk/limits/{row.pk}"
    for change in ({"value": "11"}, {"enabled": False}, {"valid_to": "2026-01-01T00:00:00Z"}):
        refused = client.patch(path, {"version": 1, **change}, content_type="application/json")
        assert (refused.status_code, refused.json()["code"]) == (403, "LIMIT_IS_YOUR_OWN")
    assert client.patch(path, {"version": 1, "value": "9"}, content_type="application/json").status_code == 200


def test_other_persons_limits_are_not_there_for_a_trader(bench: Bench) -> None:
    mine = stored("ORDERS_PER_DAY", 10, scope="USER", user=bench.alice)
    stored("ORDERS_PER_DAY", 10, scope="USER", user=bench.team.bob)
    stored("ORDERS_PER_DAY", 10, scope="ACCOUNT", account=bench.team.beta)
    seen = signed_in(bench.alice).get("/api/v1/risk/limits").json()["results"]
    assert [one["id"] for one in seen] == [mine.pk]


def test_effective_limits_name_the_one_that_leaves_least_with_its_usage(bench: Bench) -> None:
    stored("ORDERS_PER_DAY", 100)
    narrow = stored("ORDERS_PER_DAY", 50, scope="USER", user=bench.alice)
    bench.submit()
    answer = signed_in(bench.alice).get("/api/v1/risk/limits/effective", {"account": bench.account.pk}).json()
    (kind,) = answer["results"]
    assert (kind["kind"], kind["decides"]) == ("ORDERS_PER_DAY", narrow.pk)
    assert [(one["value"], one["used"], one["left"]) for one in kind["limits"]] == [
        ("50", "1", "49"),
        ("100", "1", "99"),
    ]


def test_check_judges_everything_and_changes_nothing(bench: Bench) -> None:
    stored("ORDER_VALUE", 500)
    client = signed_in(bench.alice)
    before = (Order.objects.count(), Tally.objects.count(), AuditEvent.objects.count(), bench.book.version)
    wish = {"account": bench.account.pk, "symbol": MOUTAI, "side": "BUY", "quantity": 50, "price": "10.00"}
    answer = post(client, "/api/v1/orders/check", wish)
    assert answer.status_code == 200
    verdicts = {check["check"]: check["verdict"] for check in answer.json()["checks"]}
    assert answer.json()["accepted"] is False
    assert (verdicts["quantity_fits_the_lot"], verdicts["ORDER_VALUE"], verdicts["cash_suffices"]) == (
        "DENIED",
        "PASSED",
        "PASSED",
    )
    assert (Order.objects.count(), Tally.objects.count(), AuditEvent.objects.count(), bench.book.version) == before


def test_check_tells_that_an_order_would_wait_for_approval(bench: Bench) -> None:
    rule = approval_rule_create(
        actor=TEST_ACTOR, user=bench.team.risk, wish={"scope": "PLATFORM", "min_value": "1000", "expires_seconds": 60}
    )
    wish = {"account": bench.account.pk, "symbol": MOUTAI, "side": "BUY", "quantity": 100, "price": "10.00"}
    answer = post(signed_in(bench.alice), "/api/v1/orders/check", wish).json()
    assert (answer["accepted"], answer["approval"]["expires_seconds"]) == (True, 60)
    assert [one["id"] for one in answer["approval"]["rules"]] == [rule.pk]
    cheap = post(signed_in(bench.alice), "/api/v1/orders/check", wish | {"price": "9.99"}).json()
    assert (cheap["accepted"], cheap["approval"]) == (True, None)


def test_check_itemises_what_a_sale_would_cost(bench: Bench) -> None:
    bench.hold(1000)
    wish = {"account": bench.account.pk, "symbol": MOUTAI, "side": "SELL", "quantity": 1000, "price": "10.00"}
    answer = post(signed_in(bench.alice), "/api/v1/orders/check", wish).json()
    assert answer["cost"] == {
        "amount": "10000.00",
        "commission": "5.00",
        "stamp_duty": "5.00",
        "transfer_fee": "0.10",
        "fees": "10.10",
        "total": "9989.90",
    }
    assert answer["reservation"] == {"cash": "0.00", "quantity": 1000}


def test_loosening_the_platforms_state_takes_the_typed_word_and_a_proof(bench: Bench) -> None:
    path = "/api/v1/trading-states"
    assert post(signed_in(bench.team.risk), path, {"state": "HALTED"}).json()["platform"] == "HALTED"
    back = {"state": "ACTIVE", "confirm": "PLATFORM"}
    assert post(signed_in(bench.team.risk), path, back).json()["code"] == "SUDO_REQUIRED"
    assert post(confirmed(bench.team.risk), path, {"state": "ACTIVE"}).json()["code"] == "NOT_CONFIRMED"
    assert post(confirmed(bench.team.risk), path, back).json()["platform"] == "ACTIVE"


def test_person_may_stop_themselves_and_not_start_again(bench: Bench) -> None:
    path = "/api/v1/trading-states"
    assert post(signed_in(bench.alice), path, {"state": "HALTED", "user": "alice"}).json()["persons"] == {
        "alice": "HALTED"
    }
    back = post(confirmed(bench.alice), path, {"state": "ACTIVE", "user": "alice", "confirm": "alice"})
    assert (back.status_code, back.json()["code"]) == (403, "PERMISSION_DENIED")
    assert post(signed_in(bench.alice), path, {"state": "HALTED", "user": "bob"}).status_code == 403


def test_default_limits_are_readable_by_their_kinds() -> None:
    from trading.risk.catalogue import read_params, read_value
    from trading.risk.choices import LimitKind

    for kind, value, params in DEFAULTS:
        assert read_params(LimitKind(kind), params) == params
        assert str(read_value(LimitKind(kind), value)) == str(value)


def test_market_date_of_the_host_names_the_day_of_the_counters(bench: Bench) -> None:
    HostStatus.objects.update(trade_date=TODAY)
    bench.submit()
    assert Tally.objects.values_list("trade_date", flat=True).distinct().get() == TODAY
