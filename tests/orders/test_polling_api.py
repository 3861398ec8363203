"""Clients that poll: holdings that did not change cost neither a read nor a body; answers hold the fields asked for."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.orders.bench import MOUTAI, Bench, make_bench
from tests.people import signed_in

pytestmark = pytest.mark.django_db(databases=["default", "quotes"])

API = "/api/v1"


@pytest.fixture
def bench(db: None) -> Bench:
    return make_bench()


@pytest.fixture
def alice(bench: Bench) -> Client:
    return signed_in(bench.alice)


def test_holdings_are_304_until_somebody_trades(bench: Bench, alice: Client) -> None:
    bench.hold(300)
    address = f"{API}/positions?account={bench.account.pk}"
    first = alice.get(address)
    assert (first["ETag"], first.json()["version"]) == (f'W/"{bench.account.pk}-{bench.book.version}"', 0)
    again = alice.get(address, headers={"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", first["ETag"])

    bench.reported()

    changed = alice.get(address, headers={"If-None-Match": first["ETag"]})
    assert (changed.status_code, changed.json()["version"]) == (200, bench.book.version)
    assert changed["ETag"] != first["ETag"]


def test_holdings_of_every_account_are_304_until_one_of_them_changes(bench: Bench, alice: Client) -> None:
    first = alice.get(f"{API}/positions")
    assert alice.get(f"{API}/positions", headers={"If-None-Match": first["ETag"]}).status_code == 304
    bench.reported()
    assert alice.get(f"{API}/positions", headers={"If-None-Match": first["ETag"]}).status_code == 200


def test_tag_of_holdings_names_no_account_of_others(bench: Bench, alice: Client) -> None:
    visible = {account.pk for account in type(bench.account).objects.visible_to(bench.alice)}
    tag = alice.get(f"{API}/positions")["ETag"]
    assert {int(part.split("-")[0]) for part in tag.removeprefix('W/"').strip('"').split(".")} == visible
    assert bench.team.beta.pk not in visible


def test_tag_of_an_account_one_may_not_see_opens_nothing(bench: Bench, alice: Client) -> None:
    address, tag = f"{API}/positions?account={bench.team.beta.pk}", f'W/"{bench.team.beta.pk}-0"'
    assert alice.get(address, headers={"If-None-Match": tag}).status_code == 404


@pytest.mark.parametrize(
    ("address", "fields"),
    [("positions", "symbol,quantity"), ("orders", "id,status"), ("trades", "order,price,quantity")],
)
def test_results_hold_only_the_fields_asked_for(bench: Bench, alice: Client, address: str, fields: str) -> None:
    bench.hold(300)
    bench.apply(bench.fill(bench.reported(), 100))
    rows = alice.get(f"{API}/{address}?fields={fields}").json()["results"]
    assert [list(row) for row in rows] == [fields.split(",")]
    refused = alice.get(f"{API}/{address}?fields=nothing").json()
    assert (refused["code"], refused["field"]) == ("FIELD_INVALID", "fields")
    assert set(fields.split(",")) <= set(refused["details"]["allowed"])


def test_holdings_of_one_symbol_hold_only_it(bench: Bench, alice: Client) -> None:
    bench.hold(300)
    bench.hold(100, symbol="000001.SZ")
    rows = alice.get(f"{API}/positions?account={bench.account.pk}&symbol={MOUTAI}").json()["results"]
    assert [(row["symbol"], row["quantity"]) for row in rows] == [(MOUTAI, 300)]
