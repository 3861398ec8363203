"""Orders over a real connection that is cut: there is one order, and the caller is told what became of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from decimal import Decimal

import pytest

from qmtdesk import AsyncDesk, Denied, Desk, NotAllowed, NotAuthenticated, NotFound, OutcomeUnknown, Settings
from tests.client.cutting import Fate, cutting
from tests.live.conftest import Server
from tests.orders.bench import MOUTAI, Bench
from tests.people import make_token
from trading.orders.models import Order

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "quotes"])


def keys() -> list[str | None]:
    return list(Order.objects.values_list("client_order_id", flat=True))


@pytest.mark.parametrize(
    ("fates", "connections"),
    [
        ((Fate.REQUEST,), 3),  # lost, looked up, sent again
        ((Fate.ANSWER,), 2),  # placed, looked up
        ((Fate.MIDDLE,), 2),
        ((Fate.ANSWER, Fate.MIDDLE), 3),  # placed, the lookup cut too, looked up
        ((Fate.REQUEST, Fate.REQUEST, Fate.PASS, Fate.ANSWER), 5),
    ],
)
def test_submit_over_a_cut_connection_places_one_order(
    server: Server, desk_at: Callable[..., Desk], fates: tuple[Fate, ...], connections: int
) -> None:
    with cutting(server.port, *fates) as proxy:
        order = desk_at(proxy.url).submit(MOUTAI, "BUY", 100, "10.00")
        assert len(proxy.seen) == connections
    assert keys() == [order.client_order_id]
    assert (order.status, order.quantity, order.price) == ("QUEUED", 100, Decimal(10))


def test_submit_whose_fate_stays_unknown_is_resolved_by_its_key(
    server: Server, url: str, bench: Bench, token: str, desk: Desk
) -> None:
    impatient = Settings(account=bench.account.pk, order_seconds=0.5)
    with (
        cutting(server.port, Fate.ANSWER, *[Fate.REQUEST] * 20) as proxy,
        Desk(proxy.url, token, settings=impatient) as cut_off,
        pytest.raises(OutcomeUnknown) as caught,
    ):
        cut_off.submit(MOUTAI, "BUY", 100, "10.00")
    key = caught.value.key
    found = desk.order_by_key(key)
    assert found is not None
    assert desk.submit(MOUTAI, "BUY", 100, "10.00", client_order_id=key).id == found.id
    assert keys() == [key]


def test_key_that_names_nothing_is_none(desk: Desk) -> None:
    assert desk.order_by_key("nothing") is None


def test_denied_order_raises_with_code_and_facts(desk: Desk) -> None:
    with pytest.raises(Denied) as caught:
        desk.submit(MOUTAI, "BUY", 100, "11.01")
    assert caught.value.code == "PRICE_ABOVE_LIMIT_UP"
    assert caught.value.facts["limit_up"] == "11"
    assert desk.order(caught.value.facts["order"]).status == "DENIED"


def test_malformed_order_names_its_field(desk: Desk) -> None:
    with pytest.raises(Exception, match="QUANTITY") as caught:
        desk.submit(MOUTAI, "BUY", 0, "10.00")
    assert getattr(caught.value, "field", None) == "quantity"
    assert keys() == []


def test_two_submissions_are_two_orders(desk: Desk) -> None:
    first, second = (desk.submit(MOUTAI, "BUY", 100, "10.00") for _ in range(2))
    assert first.client_order_id != second.client_order_id
    assert {order.id for order in desk.orders(status="open")} == {first.id, second.id}


def test_check_then_cancel_one_and_all(desk: Desk) -> None:
    verdict = desk.check(MOUTAI, "BUY", 100, "10.00")
    assert (verdict.accepted, keys()) == (True, [])
    one, two = (desk.submit(MOUTAI, "BUY", 100, "10.00") for _ in range(2))
    assert desk.cancel(one.id).status == "CANCELLED"
    assert [(row.order, row.outcome) for row in desk.cancel_all()] == [(two.id, "CANCELLED")]
    assert next(event.kind for event in desk.order(one.id).events) == "ACCEPTED"


def test_split_and_its_key(server: Server, desk_at: Callable[..., Desk]) -> None:
    with cutting(server.port, Fate.ANSWER) as proxy:
        desk = desk_at(proxy.url)
        execution = desk.execute(
            "SPLIT", symbol=MOUTAI, side="BUY", quantity=500, child_quantity=200, price=Decimal(10)
        )
    assert (execution.kind, execution.quantity, len(execution.legs)) == ("SPLIT", 500, 1)


def test_positions_asset_and_accounts_are_typed(desk: Desk, bench: Bench) -> None:
    assert desk.accounts()[0].id == bench.account.pk
    assert desk.asset().cash > 0
    held = desk.positions()
    assert held.version is not None
    assert all(position.market_value >= 0 for position in held.results)
    assert desk.trades() == []
    assert desk.executions() == []


def test_account_of_others_and_bad_token_are_told_apart(desk: Desk, url: str, bench: Bench) -> None:
    with pytest.raises(NotFound) as caught:
        desk.asset(account=bench.team.beta.pk)
    assert caught.value.code == "ACCOUNT_NOT_FOUND"
    with Desk(url, "desk_nonsense") as stranger, pytest.raises(NotAuthenticated):
        stranger.accounts()
    with Desk(url, make_token(bench.alice, "account:read")[1]) as reader, pytest.raises(NotAllowed) as refused:
        reader.submit(MOUTAI, "BUY", 100, "10.00", account=bench.account.pk)
    assert refused.value.code == "SCOPE_MISSING"


def test_async_submit_over_a_cut_connection_places_one_order(server: Server, token: str, bench: Bench) -> None:
    async def place(url: str) -> str | None:
        async with AsyncDesk(url, token, account=bench.account.pk, progress=False) as desk:
            order, asset = await asyncio.gather(desk.submit(MOUTAI, "BUY", 100, "10.00"), desk.asset())
            assert asset.cash > 0
            return order.client_order_id

    with cutting(server.port, Fate.ANSWER, Fate.ANSWER) as proxy:
        key = asyncio.run(place(proxy.url))
    assert keys() == [key]
