"""The REST API of orders, fills, holdings and money."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.test import Client

from accounts.choices import Scope
from tests.orders.bench import MOUTAI, TODAY, Bench
from tests.people import make_token
from trading.orders.choices import Status
from trading.orders.models import Order

pytestmark = pytest.mark.django_db

ORDERS = "/api/v1/orders"


@pytest.fixture
def alice(bench: Bench, client: Client) -> Client:
    client.force_login(bench.alice)
    return client


def wish(bench: Bench, **changes: Any) -> dict[str, Any]:
    return {
        "account": bench.account.pk,
        "symbol": MOUTAI,
        "side": "BUY",
        "quantity": 100,
        "price_type": "LIMIT",
        "price": "10.00",
    } | changes


def post(client: Client, body: Any, **headers: str) -> Any:
    return client.post(ORDERS, body, content_type="application/json", headers=headers)


def test_post_good_order_answers_201_with_the_order(bench: Bench, alice: Client) -> None:
    answer = post(alice, wish(bench))
    assert answer.status_code == 201
    body = answer.json()
    assert (body["status"], body["price"], body["quantity"]) == ("QUEUED", "10", 100)
    assert (body["created_by"], body["source"]) == ("alice", "API")
    assert Order.objects.get().pk == uuid.UUID(body["id"])


def test_post_repeated_key_answers_200_with_the_same_order(bench: Bench, alice: Client) -> None:
    first = post(alice, wish(bench, client_order_id="once"))
    second = post(alice, wish(bench, client_order_id="once"))
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == second.json()


def test_post_idempotency_header_is_the_alias_of_the_key(bench: Bench, alice: Client) -> None:
    first = post(alice, wish(bench), **{"Idempotency-Key": "once"})
    second = post(alice, wish(bench, client_order_id="once"))
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json()["client_order_id"] == "once"


def test_post_header_and_key_that_differ_are_refused(bench: Bench, alice: Client) -> None:
    answer = post(alice, wish(bench, client_order_id="a"), **{"Idempotency-Key": "b"})
    assert (answer.status_code, answer.json()["field"]) == (400, "Idempotency-Key")


def test_post_repeated_key_with_another_body_answers_409(bench: Bench, alice: Client) -> None:
    post(alice, wish(bench, client_order_id="once"))
    answer = post(alice, wish(bench, client_order_id="once", quantity=200))
    assert (answer.status_code, answer.json()["code"]) == (409, "IDEMPOTENCY_CONFLICT")


def test_post_denied_order_answers_422_with_code_facts_and_the_kept_order(bench: Bench, alice: Client) -> None:
    answer = post(alice, wish(bench, price="11.01", client_order_id="once"))
    assert answer.status_code == 422
    body = answer.json()
    assert body["code"] == "PRICE_ABOVE_LIMIT_UP"
    order = Order.objects.get()
    assert body["details"] == {"price": "11.01", "limit_up": "11", "order": str(order.pk)}
    assert order.status == Status.DENIED
    again = post(alice, wish(bench, price="11.01", client_order_id="once"))
    assert (again.status_code, again.json()) == (422, body)


def test_post_unknown_and_foreign_account_answer_alike(bench: Bench, alice: Client) -> None:
    unknown = post(alice, wish(bench, account=987_654))
    foreign = post(alice, wish(bench, account=bench.team.beta.pk))
    assert unknown.status_code == foreign.status_code == 404
    assert unknown.json()["code"] == foreign.json()["code"] == "ACCOUNT_NOT_FOUND"


def test_post_by_a_viewer_answers_403(bench: Bench, client: Client) -> None:
    client.force_login(bench.team.bob)
    answer = post(client, wish(bench))
    assert (answer.status_code, answer.json()["code"]) == (403, "TRADE_NOT_GRANTED")


def test_post_without_login_answers_401(bench: Bench, client: Client) -> None:
    assert post(client, wish(bench)).status_code in (401, 403)
    assert Order.objects.count() == 0


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        ('{"price": NaN}', None),
        ("[]", "INVALID"),
        ('"x"', "INVALID"),
        ("{", None),
        ('{"account": true}', "FIELD_INVALID"),
        ('{"account": "1"}', "FIELD_INVALID"),
        ('{"account": 1e5}', "FIELD_INVALID"),
        ('{"account": 99999999999999999999}', "FIELD_INVALID"),
        ("{}", "FIELD_REQUIRED"),
        ('{"account": 1, "qty": 5}', "FIELD_UNKNOWN"),
    ],
)
def test_post_malformed_body_answers_400_and_stores_nothing(
    bench: Bench, alice: Client, raw: str, code: str | None
) -> None:
    answer = post(alice, raw)
    assert answer.status_code == 400
    assert set(answer.json()) <= {"code", "message", "field", "details"}
    if code is not None:
        assert answer.json()["code"] == code
    assert Order.objects.count() == 0


def test_post_with_a_reading_token_answers_403(bench: Bench, client: Client) -> None:
    _token, text = make_token(bench.alice, Scope.ACCOUNT_READ.value)
    answer = post(client, wish(bench), Authorization=f"Bearer {text}")
    assert (answer.status_code, answer.json()["code"]) == (403, "SCOPE_MISSING")
    assert Order.objects.count() == 0


def test_post_with_a_trading_token_notes_the_token(bench: Bench, client: Client) -> None:
    token, text = make_token(bench.alice, Scope.ORDERS_WRITE.value)
    assert post(client, wish(bench), Authorization=f"Bearer {text}").status_code == 201
    assert Order.objects.get().token == token


# --------------------------------------------------------------------------- reading
def test_get_orders_shows_only_the_accounts_one_sees(bench: Bench, client: Client) -> None:
    mine = bench.submit()
    foreign = bench.submit(user=bench.team.charlie, account_id=bench.team.beta.pk)
    for person, expected in (("alice", {mine}), ("bob", {mine}), ("charlie", {foreign})):
        client.force_login(getattr(bench.team, person))
        rows = client.get(ORDERS).json()["results"]
        assert {row["id"] for row in rows} == {str(order.pk) for order in expected}
        for order in (mine, foreign):
            status = client.get(f"{ORDERS}/{order.pk}").status_code
            assert status == (200 if order in expected else 404)


def test_get_foreign_and_unknown_order_answer_alike(bench: Bench, client: Client) -> None:
    order = bench.submit()
    client.force_login(bench.team.charlie)
    foreign = client.get(f"{ORDERS}/{order.pk}")
    unknown = client.get(f"{ORDERS}/{uuid.uuid4()}")
    assert foreign.status_code == unknown.status_code == 404
    assert foreign.json()["code"] == unknown.json()["code"] == "ORDER_NOT_FOUND"


def test_get_orders_filters(bench: Bench, alice: Client) -> None:
    queued = bench.submit()
    denied = bench.submit(price="11.01")
    other = bench.submit(symbol="000001.SZ", price="12.00")

    def listed(**query: Any) -> set[str]:
        return {row["id"] for row in alice.get(ORDERS, query).json()["results"]}

    everything = {str(order.pk) for order in (queued, denied, other)}
    assert listed() == listed(status="all") == everything
    assert listed(status="open") == {str(queued.pk), str(other.pk)}
    assert listed(status="DENIED") == {str(denied.pk)}
    assert listed(symbol="000001.SZ") == {str(other.pk)}
    assert listed(date=TODAY.isoformat()) == listed(date=f"{TODAY:%Y%m%d}") == everything
    assert listed(date="2020-01-02") == set()
    assert listed(account=bench.account.pk) == everything


@pytest.mark.parametrize(
    ("query", "field"),
    [({"status": "half"}, "status"), ({"date": "tomorrow"}, "date"), ({"account": "x"}, "account")],
)
def test_get_orders_with_a_malformed_filter_answers_400(
    bench: Bench, alice: Client, query: dict[str, str], field: str
) -> None:
    answer = alice.get(ORDERS, query)
    assert (answer.status_code, answer.json()["field"]) == (400, field)


@pytest.mark.parametrize("path", ["orders", "trades", "positions", "asset"])
def test_get_of_a_foreign_account_answers_404(bench: Bench, alice: Client, path: str) -> None:
    answer = alice.get(f"/api/v1/{path}", {"account": bench.team.beta.pk})
    assert (answer.status_code, answer.json()["code"]) == (404, "ACCOUNT_NOT_FOUND")


def test_get_orders_by_key_answers_the_order_it_names(bench: Bench, alice: Client) -> None:
    named = post(alice, wish(bench, client_order_id="once")).json()
    post(alice, wish(bench, client_order_id="other"))
    query = {"account": str(bench.account.pk), "client_order_id": "once"}
    found = alice.get(ORDERS, query).json()["results"]
    assert [row["id"] for row in found] == [named["id"]]


def test_get_orders_by_a_key_of_a_foreign_account_finds_nothing(bench: Bench, client: Client) -> None:
    bench.submit(client_order_id="once")
    client.force_login(bench.team.charlie)
    assert client.get(ORDERS, {"client_order_id": "once"}).json()["results"] == []


def test_get_orders_pages_without_gaps_or_repeats(bench: Bench, alice: Client) -> None:
    placed = {str(bench.submit().pk) for _ in range(5)}
    seen: list[str] = []
    query: dict[str, Any] = {"limit": 2}
    while True:
        page = alice.get(ORDERS, query).json()
        seen += [row["id"] for row in page["results"]]
        if page["next"] is None:
            break
        query["cursor"] = page["next"]
    assert len(seen) == 5
    assert set(seen) == placed


def test_get_order_shows_timeline_and_fills(bench: Bench, alice: Client) -> None:
    order = bench.reported()
    bench.apply(bench.fill(order, 100))
    body = alice.get(f"{ORDERS}/{order.pk}").json()
    assert body["status"] == "FILLED"
    assert body["order_id"] == f"SIM{bench.broker_id(order)}"
    assert next(event["to_status"] for event in body["events"]) == "QUEUED"
    assert [event["seq"] for event in body["events"]] == list(range(1, body["version"] + 1))
    assert [(row["quantity"], row["price"]) for row in body["trades"]] == [(100, "10")]
    listed = alice.get("/api/v1/trades", {"symbol": MOUTAI}).json()["results"]
    assert listed == body["trades"]


def test_cancel_of_a_queued_order_answers_it_cancelled(bench: Bench, alice: Client) -> None:
    order = bench.submit()
    answer = alice.post(f"{ORDERS}/{order.pk}/cancel")
    assert (answer.status_code, answer.json()["status"]) == (200, "CANCELLED")
    again = alice.post(f"{ORDERS}/{order.pk}/cancel")
    assert (again.status_code, again.json()["code"]) == (409, "ORDER_FINAL")


def test_cancel_by_others_is_refused_and_changes_nothing(bench: Bench, client: Client) -> None:
    order = bench.submit()
    for person, status in (("bob", 403), ("charlie", 404)):
        client.force_login(getattr(bench.team, person))
        assert client.post(f"{ORDERS}/{order.pk}/cancel").status_code == status
    assert bench.order(order).status == Status.QUEUED


def test_get_asset_shows_what_is_promised_and_left(bench: Bench, alice: Client) -> None:
    bench.submit()
    body = alice.get("/api/v1/asset", {"account": bench.account.pk}).json()
    assert body["cash"] == "1000000.00"
    assert body["reserved_cash"] == "1005.01"
    assert body["available_cash"] == "998994.99"


def test_get_asset_without_an_account_answers_400(bench: Bench, alice: Client) -> None:
    answer = alice.get("/api/v1/asset")
    assert (answer.status_code, answer.json()["code"]) == (400, "FIELD_REQUIRED")


def test_get_asset_before_the_brokers_first_word_answers_503(bench: Bench, alice: Client) -> None:
    bench.account.asset.delete()
    answer = alice.get("/api/v1/asset", {"account": bench.account.pk})
    assert (answer.status_code, answer.json()["code"]) == (503, "ASSET_UNKNOWN")


def test_get_positions_shows_the_holdings(bench: Bench, alice: Client) -> None:
    bench.apply(bench.position(500))
    (row,) = alice.get("/api/v1/positions", {"account": bench.account.pk}).json()["results"]
    assert (row["symbol"], row["quantity"], row["avg_price"]) == (MOUTAI, 500, "9.5")


def test_api_documents_exactly_what_it_answers(bench: Bench, alice: Client) -> None:
    from trading.ledger.api.serializers import AssetSerializer, PositionSerializer
    from trading.orders.api.serializers import OrderDetailSerializer

    order = bench.reported()
    bench.apply(bench.fill(order, 100), bench.position(100))
    detail = alice.get(f"{ORDERS}/{order.pk}").json()
    fields = OrderDetailSerializer().fields
    assert set(detail) == set(fields)
    assert set(detail["events"][0]) == set(fields["events"].child.fields)  # type: ignore[attr-defined]
    assert set(detail["trades"][0]) == set(fields["trades"].child.fields)  # type: ignore[attr-defined]
    account = {"account": bench.account.pk}
    assert set(alice.get("/api/v1/asset", account).json()) == set(AssetSerializer().fields)
    (position,) = alice.get("/api/v1/positions", account).json()["results"]
    assert set(position) == set(PositionSerializer().fields)
