"""The kill switch: what it stops at once, what it carries on with, what it sells, and who may pull and lift it."""

from __future__ import annotations

from typing import Any

import pytest
from django.db.models import F

from accounts.choices import TradeRight, TradingState
from accounts.models import BrokerAccount, Grant, HostStatus
from accounts.services import account_resume
from ops.errors import Code
from ops.models import AuditEvent
from tests.orders.bench import MOUTAI, Bench
from tests.orders.claiming import claim
from tests.people import TEST_ACTOR, confirmed, signed_in
from tests.risk.desk import stored
from trading.ledger.models import Position
from trading.orders.choices import KillPhase, KillScope, Source, Status
from trading.orders.claims import claimable
from trading.orders.models import KillRun, KillTarget, Order
from trading.orders.services.halts import kill
from trading.orders.services.kill_steps import NOT_SELLABLE, advance_host

pytestmark = pytest.mark.django_db(databases=["default", "quotes"])
PATH = "/api/v1/kill-switch"


def pull(bench: Bench, **changes: Any) -> KillRun:
    wish: dict[str, Any] = {"scope": KillScope.ACCOUNT, "account_id": bench.account.pk, "user": bench.alice}
    if changes.get("flatten"):
        wish["confirm"] = bench.account.account_no
    return kill(actor=TEST_ACTOR, proven=lambda: None, **(wish | changes))


def target(run: KillRun, account: BrokerAccount) -> KillTarget:
    return KillTarget.objects.get(run=run, account=account)


def test_pull_cancels_what_is_queued_and_wants_gone_what_works(bench: Bench) -> None:
    queued, working = bench.submit(), bench.reported(price="9.99")
    run = pull(bench)
    assert bench.order(queued).status == Status.CANCELLED
    assert bench.order(working).cancel_requested_at is not None
    assert bench.submit().deny_code == Code.ACCOUNT_HALTED
    assert target(run, bench.account).phase == KillPhase.CANCELLING
    bench.apply(bench.update(bench.order(working), 54))
    advance_host("sim")
    assert target(run, bench.account).phase == KillPhase.DONE
    assert KillRun.objects.get(pk=run.pk).finished_at is not None


def test_order_claimed_just_before_is_wanted_gone_and_cancelled_when_it_appears(bench: Bench) -> None:
    order = bench.submit()
    assert claim(order.pk, host_name="sim") is not None
    run = pull(bench)
    assert bench.order(order).status == Status.SUBMITTING
    assert bench.order(order).cancel_requested_at is not None
    advance_host("sim")
    assert target(run, bench.account).orders == [str(order.pk)]
    assert target(run, bench.account).phase == KillPhase.CANCELLING


def test_order_that_appears_after_the_pull_is_wanted_gone_by_the_next_pass(bench: Bench) -> None:
    """Placed in the terminal itself, or adopted late: nothing here could have stopped it."""
    working = bench.reported()
    run = pull(bench)
    late = Order.objects.get(pk=working.pk)
    late.pk, late.tag, late.client_order_id, late.source = None, None, None, Source.EXTERNAL
    late = Order.objects.create(
        **{
            name: getattr(late, name)
            for name in ("account", "source", "symbol", "side", "price_type", "price", "quantity", "status", "epoch")
        },
        trade_date=late.trade_date,
        host_name="sim",
        simulated=True,
        submitted_at=late.submitted_at,
        expires_at=late.expires_at,
    )
    advance_host("sim")
    assert bench.order(late).cancel_requested_at is not None
    assert set(target(run, bench.account).orders) == {str(working.pk), str(late.pk)}


def test_cancel_is_wanted_once_however_often_the_run_is_carried_on(bench: Bench) -> None:
    working = bench.reported()
    pull(bench)
    wanted = bench.order(working)
    for _ in range(3):
        advance_host("sim")
    assert bench.order(working).version == wanted.version


def test_run_that_crashed_right_after_the_halt_is_carried_on_from_its_rows(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    working = bench.reported()

    def crash(_target: KillTarget) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("trading.orders.services.halts.kill_steps.advance", crash)
    with pytest.raises(KeyboardInterrupt):
        pull(bench)
    monkeypatch.undo()
    assert bench.order(working).cancel_requested_at is None
    assert advance_host("sim") == 1
    assert bench.order(working).cancel_requested_at is not None


# ----------------------------------------------------------------------------- selling
def test_flatten_sells_what_is_sellable_when_nothing_works_any_more(bench: Bench) -> None:
    bench.hold(1000, sellable=700)
    bench.hold(300, symbol="000001.SZ", sellable=0)
    stored("ORDERS_PER_DAY", 0)
    run = pull(bench, flatten=True)
    advance_host("sim")
    done = target(run, bench.account)
    sale = Order.objects.get(source=Source.FLATTEN)
    assert done.sales == {MOUTAI: [str(sale.pk)], "000001.SZ": NOT_SELLABLE}
    assert (sale.side, sale.quantity, sale.price_type, sale.created_by_id) == ("SELL", 700, "LATEST", bench.alice.pk)
    assert done.phase == KillPhase.DONE
    assert list(claimable("sim")) == [sale]


def test_flatten_waits_for_the_cancels(bench: Bench) -> None:
    bench.hold(1000)
    working = bench.reported(side="SELL", quantity=400)
    run = pull(bench, flatten=True)
    assert not Order.objects.filter(source=Source.FLATTEN).exists()
    bench.apply(bench.update(bench.order(working), 54))
    advance_host("sim")
    assert target(run, bench.account).phase == KillPhase.DONE
    assert Order.objects.get(source=Source.FLATTEN).quantity == 1000


def test_flatten_waits_for_the_session_and_keeps_why(bench: Bench) -> None:
    bench.hold(1000)
    HostStatus.objects.update(clock_offset_ms=F("clock_offset_ms") + 2 * 3_600_000)  # noon
    run = pull(bench, flatten=True)
    assert target(run, bench.account).sales == {MOUTAI: "SESSION_CLOSED"}
    assert target(run, bench.account).phase == KillPhase.FLATTENING
    assert not Order.objects.exists()
    HostStatus.objects.update(clock_offset_ms=F("clock_offset_ms") - 2 * 3_600_000)
    advance_host("sim")
    assert target(run, bench.account).phase == KillPhase.DONE


def test_flatten_within_a_bound_sells_at_a_limit_not_below_limit_down(bench: Bench) -> None:
    bench.hold(1000)
    pull(bench, flatten=True, max_below_percent="1.5")
    sale = Order.objects.get(source=Source.FLATTEN)
    assert (sale.price_type, str(sale.price)) == ("LIMIT", "9.850000")


def test_flatten_that_was_interrupted_after_an_order_never_sells_twice(bench: Bench) -> None:
    bench.hold(1000)
    run = pull(bench, flatten=True)
    KillTarget.objects.update(sales={}, phase=KillPhase.FLATTENING, finished_at=None)
    advance_host("sim")
    sale = Order.objects.get(source=Source.FLATTEN)
    assert target(run, bench.account).sales == {MOUTAI: [str(sale.pk)]}


def test_flatten_splits_what_is_too_large_for_one_order(bench: Bench) -> None:
    bench.hold(2_000_050)
    pull(bench, flatten=True)
    sold = Order.objects.filter(source=Source.FLATTEN).order_by("client_order_id")
    assert list(sold.values_list("quantity", flat=True)) == [1_000_000, 1_000_000, 50]


def test_lifted_halt_ends_the_run_before_it_sells(bench: Bench) -> None:
    bench.hold(1000)
    working = bench.reported()
    run = pull(bench, flatten=True)
    account_resume(actor=TEST_ACTOR, account=bench.account)
    bench.apply(bench.update(bench.order(working), 54))
    advance_host("sim")
    assert target(run, bench.account).phase == KillPhase.LIFTED
    assert not Order.objects.filter(source=Source.FLATTEN).exists()


def test_halt_lifted_between_the_look_and_the_sale_sells_nothing(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.hold(1000)
    run = pull(bench)
    KillRun.objects.filter(pk=run.pk).update(flatten=True)
    KillTarget.objects.update(phase=KillPhase.FLATTENING, finished_at=None)

    def lifted_meanwhile(*_args: Any) -> None:
        account_resume(actor=TEST_ACTOR, account=bench.account)

    monkeypatch.setattr("trading.orders.services.kill_steps._price", lifted_meanwhile)
    advance_host("sim")
    assert not Order.objects.filter(source=Source.FLATTEN).exists()
    advance_host("sim")
    assert target(run, bench.account).phase == KillPhase.LIFTED


def test_second_pull_wants_the_first_ones_sales_gone(bench: Bench) -> None:
    bench.hold(1000)
    pull(bench, flatten=True)
    sale = Order.objects.get(source=Source.FLATTEN)
    pull(bench)
    assert bench.order(sale).status == Status.CANCELLED


def test_trouble_with_one_account_does_not_keep_the_others_from_being_stopped(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = bench.reported()
    beta = KillTarget(run=pull(bench), account=bench.team.beta)
    beta.save()
    Order.objects.filter(pk=order.pk).update(cancel_requested_at=None)
    seen = []

    def advance(one: KillTarget) -> None:
        seen.append(one.account_id)
        if one.account_id == bench.account.pk:
            raise RuntimeError("trouble")

    monkeypatch.setattr("trading.orders.services.kill_steps.advance", advance)
    assert advance_host("sim") == 2
    assert seen == [bench.account.pk, bench.team.beta.pk]


def test_sale_that_was_queued_when_the_halt_was_lifted_is_not_sent(bench: Bench) -> None:
    bench.hold(1000)
    pull(bench, flatten=True)
    account_resume(actor=TEST_ACTOR, account=bench.account)
    assert not claimable("sim").exists()
    assert Position.objects.get(symbol=MOUTAI).quantity == 1000


# ------------------------------------------------------------------------------ scopes
def test_persons_switch_cancels_their_orders_and_nobody_elses(bench: Bench) -> None:
    Grant.objects.filter(user=bench.team.bob).update(trade=TradeRight.OWN)
    hers, his = bench.reported(), bench.reported(user=bench.team.bob, price="9.99")
    pull(bench, scope=KillScope.PERSON, account_id=None, person="alice")
    assert bench.order(hers).cancel_requested_at is not None
    assert bench.order(his).cancel_requested_at is None
    assert bench.submit().deny_code == Code.PERSON_HALTED
    assert bench.submit(user=bench.team.bob).status == Status.QUEUED


def test_platforms_switch_reaches_every_account(bench: Bench) -> None:
    run = pull(bench, scope=KillScope.PLATFORM, account_id=None, user=bench.team.risk)
    assert KillTarget.objects.filter(run=run, phase=KillPhase.DONE).count() == 2
    assert bench.submit().deny_code == Code.PLATFORM_HALTED
    assert AuditEvent.objects.filter(action="kill.started", target=f"kill:{run.pk}").exists()


# -------------------------------------------------------------------------------- REST
def post(client: Any, data: dict[str, Any], path: str = PATH) -> Any:
    return client.post(path, data, content_type="application/json")


def test_pull_by_rest_reports_order_by_order(bench: Bench) -> None:
    working = bench.reported()
    answer = post(signed_in(bench.alice), {"scope": "ACCOUNT", "account": bench.account.pk})
    assert answer.status_code == 202
    (account,) = signed_in(bench.alice).get(f"{PATH}/{answer.json()['id']}").json()["targets"]
    assert [(order["id"], order["status"], order["ended"]) for order in account["orders"]] == [
        (str(working.pk), "REPORTED", False)
    ]


@pytest.mark.parametrize(
    ("who", "wish", "code"),
    [
        ("bob", {"scope": "ACCOUNT"}, "PERMISSION_DENIED"),
        ("charlie", {"scope": "ACCOUNT"}, "ACCOUNT_NOT_FOUND"),
        ("alice", {"scope": "PLATFORM"}, "PERMISSION_DENIED"),
        ("alice", {"scope": "PERSON", "user": "bob"}, "PERMISSION_DENIED"),
        ("alice", {"scope": "ACCOUNT", "flatten": True}, "NOT_CONFIRMED"),
        ("alice", {"scope": "ACCOUNT", "flatten": True, "confirm": "8000000001"}, "SUDO_REQUIRED"),
        ("alice", {"scope": "PERSON", "user": "alice", "flatten": True}, "FIELD_INVALID"),
        ("alice", {"scope": "ACCOUNT", "max_below_percent": "2"}, "FIELD_INVALID"),
    ],
)
def test_pull_that_is_not_allowed_or_not_confirmed_changes_nothing(
    bench: Bench, who: str, wish: dict[str, Any], code: str
) -> None:
    body = wish | ({"account": bench.account.pk} if wish["scope"] == "ACCOUNT" else {})
    assert post(signed_in(getattr(bench.team, who)), body).json()["code"] == code
    assert not KillRun.objects.exists()
    assert BrokerAccount.objects.get(pk=bench.account.pk).state == TradingState.ACTIVE


def test_resuming_by_rest_takes_the_account_number_typed(bench: Bench) -> None:
    pull(bench)
    path = f"/api/v1/accounts/{bench.account.pk}/resume"
    refused = post(confirmed(bench.team.risk), {}, path)
    assert (refused.status_code, refused.json()["code"]) == (400, "NOT_CONFIRMED")
    assert post(confirmed(bench.team.risk), {"confirm": bench.account.account_no}, path).status_code == 200


def test_run_on_somebody_elses_account_is_not_there(bench: Bench) -> None:
    run = pull(bench)
    assert signed_in(bench.team.charlie).get(f"{PATH}/{run.pk}").json()["code"] == "KILL_NOT_FOUND"
    assert signed_in(bench.team.charlie).get(PATH).json() == {"results": []}
