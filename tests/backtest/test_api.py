"""Back-tests over REST: started, seen, steered, taken away as files, by their owner and administrators only."""

from __future__ import annotations

import csv
import io
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from django.test import Client

from accounts.actors import actor_for_user
from accounts.models import QmtHost, User
from tests.backtest.test_services import body
from trading.backtest.models import Backtest
from trading.backtest.plots import NAMES
from trading.backtest.services import backtest_start_here
from trading.backtest.services.run import backtest_run
from trading.strategies.models import Plugin

pytestmark = pytest.mark.django_db(databases=["default", "quotes"])


@pytest.fixture
def client(alice: User) -> Client:
    client = Client()
    client.force_login(alice)
    return client


@pytest.fixture
def done(market: QmtHost, plugin: Plugin, alice: User) -> Backtest:
    row = backtest_start_here(actor=actor_for_user(alice), owner=alice, body=body())
    return backtest_run(row.pk)


def post(client: Client, address: str, content: Any = None) -> Any:
    return client.post(f"/api/v1/{address}", content, content_type="application/json")


def test_start_answers_202_with_its_address(
    market: QmtHost, plugin: Plugin, client: Client, wakes: list[object]
) -> None:
    answer = post(client, "backtests", body(name="first"))
    assert answer.status_code == 202
    told = answer.json()
    assert (told["state"], told["name"], told["version"]) == ("WAITING", "first", plugin.digest)
    assert answer["Location"] == f"/api/v1/backtests/{told['id']}"
    assert client.get(answer["Location"]).json()["settings"]["participation"] == "0.1"


def test_start_with_an_unknown_setting_names_it(market: QmtHost, plugin: Plugin, client: Client) -> None:
    answer = post(client, "backtests", body(settings={"leverage": 2}))
    assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (
        400,
        "FIELD_UNKNOWN",
        "settings.leverage",
    )
    assert not Backtest.objects.exists()


def test_report_has_figures_rules_and_what_makes_it_repeatable(done: Backtest, client: Client) -> None:
    told = client.get(f"/api/v1/backtests/{done.pk}").json()
    assert told["state"] == "DONE"
    assert {"total_return", "sharpe_ratio", "max_drawdown", "turnover", "exposure", "trading"} <= set(told["figures"])
    assert (len(told["data_digest"]), told["code_version"].split("+")[0]) == (64, "1.0.0")
    (listed,) = client.get("/api/v1/backtests").json()["results"]
    assert (listed["id"], listed["total_return"]) == (str(done.pk), told["figures"]["total_return"])


def test_tables_are_pages_of_all_rows(done: Backtest, client: Client) -> None:
    for table, rows in (("days", done.days), ("orders", done.orders), ("trades", done.trades), ("trips", done.trips)):
        asked: dict[str, str] | None = {"limit": "7"}
        seen = 0
        while asked is not None:
            page = client.get(f"/api/v1/backtests/{done.pk}/{table}", asked).json()
            seen += len(page["results"])
            asked = {"limit": "7", "cursor": page["next"]} if page["next"] else None
        assert seen == rows.count() > 0


def test_csv_has_the_same_rows_and_no_formula(done: Backtest, client: Client) -> None:
    done.trades.filter(number=1).update(reason="=1+1")
    answer = client.get(f"/api/v1/backtests/{done.pk}/trades.csv")
    text = b"".join(answer.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == done.trades.count()
    assert rows[0]["reason"] == "'=1+1"
    assert answer["Content-Disposition"] == f'attachment; filename="backtest_{done.pk}_trades.csv"'


def test_pictures_are_well_formed_svg(done: Backtest, client: Client) -> None:
    for name in NAMES:
        answer = client.get(f"/api/v1/backtests/{done.pk}/plots/{name}.svg")
        assert (answer.status_code, answer["Content-Type"]) == (200, "image/svg+xml; charset=utf-8")
        root = ET.fromstring(answer.content)  # noqa: S314 - our own
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert client.get(f"/api/v1/backtests/{done.pk}/plots/other.svg").json()["code"] == "FILE_NOT_FOUND"


def test_somebody_elses_back_test_is_not_there(done: Backtest) -> None:
    stranger = Client()
    stranger.force_login(User.objects.create_user("charlie", password="x"))
    assert stranger.get("/api/v1/backtests").json()["results"] == []
    for address in ("", "/days", "/lines", "/trades.csv", "/plots/equity.svg"):
        answer = stranger.get(f"/api/v1/backtests/{done.pk}{address}")
        assert (answer.status_code, answer.json()["code"]) == (404, "BACKTEST_NOT_FOUND")
    assert stranger.delete(f"/api/v1/backtests/{done.pk}").status_code == 404
    assert Backtest.objects.filter(pk=done.pk).exists()


def test_waiting_one_is_cancelled_and_then_removed(
    market: QmtHost, plugin: Plugin, client: Client, wakes: list[object]
) -> None:
    address = f"backtests/{post(client, 'backtests', body()).json()['id']}"
    assert client.delete(f"/api/v1/{address}").status_code == 409
    assert post(client, f"{address}/cancel").json()["state"] == "CANCELLED"
    assert post(client, f"{address}/cancel").json()["code"] == "JOB_ENDED"
    assert client.delete(f"/api/v1/{address}").status_code == 204
    assert client.get(f"/api/v1/{address}").status_code == 404
