"""Calling a function by name: who may, what is refused and with which words, what is written down."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from accounts.models import Grant, QmtHost
from accounts.services import host_save
from ops import rates
from ops.clocks import wall_now
from ops.models import AuditEvent, ProcessHeartbeat
from tests.people import TEST_ACTOR, Team, make_team, make_token, signed_in
from trading.functions.models import FunctionCall

pytestmark = pytest.mark.postgres

FULL_TICK = {"code_list": ["600519.SH"]}


@pytest.fixture
def team(db: None) -> Team:
    """The cast, and a reads worker that reports."""
    made = make_team()
    ProcessHeartbeat.objects.create(name="worker.reads@sim", pid=1, started_at=wall_now(), last_loop_at=wall_now())
    return made


def call(client: Client, name: str, arguments: Any = None, **more: Any) -> tuple[int, dict[str, Any]]:
    body = ({} if arguments is None else {"arguments": arguments}) | more
    response = client.post(f"/api/v1/qmt/functions/{name}", body, content_type="application/json")
    return response.status_code, response.json()


def bearer(team: Team, *scopes: str) -> Client:
    return Client(headers={"authorization": f"Bearer {make_token(team.alice, *scopes)[1]}"})


@pytest.mark.parametrize(
    ("name", "arguments", "status", "code"),
    [
        ("nothing", {}, 404, "FUNCTION_NOT_FOUND"),
        ("connect", {}, 404, "FUNCTION_NOT_FOUND"),
        ("xttrader.stop", {}, 403, "NOT_EXPOSED"),
        ("xtdata.reconnect", {"ip": "10.0.0.1"}, 403, "NOT_EXPOSED"),
        ("create_sector", {}, 403, "PERMISSION_DENIED"),
        ("query_account_infos", {}, 403, "PERMISSION_DENIED"),
        ("order_stock", {}, 422, "USE_ENDPOINT"),
        ("subscribe_whole_quote", {}, 422, "USE_ENDPOINT"),
        ("subscribe_l2thousand", {"stock_code": "600519.SH"}, 501, "NOT_SIMULATED"),
        ("get_trading_contract_list", {}, 501, "BROKEN_UPSTREAM"),
        ("query_com_position", {}, 501, "BROKEN_UPSTREAM"),
        ("get_full_tick", {}, 400, "FIELD_REQUIRED"),
        ("get_formulas", {}, 501, "NOT_SIMULATED"),
        ("get_his_st_data", {"stock_code": "600519.SH"}, 501, "NOT_SIMULATED"),
    ],
)
def test_call_that_cannot_be_is_refused_before_anything_is_written(
    team: Team, name: str, arguments: dict[str, Any], status: int, code: str
) -> None:
    answer = call(signed_in(team.alice), name, arguments)

    assert (answer[0], answer[1]["code"]) == (status, code)
    assert FunctionCall.objects.count() == 0


def test_order_function_names_the_address_to_use(team: Team) -> None:
    _, body = call(signed_in(team.alice), "xttrader.order_stock", {"account": team.alpha.pk})

    assert body["details"]["endpoints"] == ["POST /api/v1/orders"]


def test_wrong_argument_names_its_field(team: Team) -> None:
    _, body = call(signed_in(team.alice), "get_full_tick", {"code_list": ["600519.SH", "nonsense/"]})

    assert (body["code"], body["field"]) == ("FIELD_INVALID", "arguments.code_list[1]")


@pytest.mark.parametrize(
    ("body", "field"),
    [({"arguments": []}, "arguments"), ({"host": 1}, "host"), ({"host": "x"}, "host"), ({"a": 1}, "a")],
)
def test_malformed_body_is_refused(team: Team, body: dict[str, Any], field: str) -> None:
    given = {"arguments": FULL_TICK} | body
    response = signed_in(team.alice).post("/api/v1/qmt/functions/get_full_tick", given, content_type="application/json")

    assert (response.status_code, response.json()["field"]) == (400, field)


def test_account_that_is_not_yours_does_not_exist(team: Team) -> None:
    charlie = signed_in(team.charlie)

    assert call(charlie, "query_stock_asset", {"account": team.alpha.pk})[1]["code"] == "ACCOUNT_NOT_FOUND"
    assert call(charlie, "query_stock_asset", {"account": 9999})[1]["code"] == "ACCOUNT_NOT_FOUND"
    assert FunctionCall.objects.count() == 0


def test_token_needs_the_function_s_scope(team: Team) -> None:
    market = bearer(team, "market:read")

    assert call(market, "query_stock_asset", {"account": team.alpha.pk})[1]["details"] == {"scope": "account:read"}
    assert call(market, "order_stock")[1]["details"] == {"scope": "orders:write"}
    assert call(market, "bank_transfer_in")[1]["details"] == {"scope": "money:write"}
    assert call(bearer(team, "account:read"), "get_full_tick", FULL_TICK)[1]["details"] == {"scope": "market:read"}
    assert market.get("/api/v1/qmt/functions").status_code == 200


def test_administrator_s_scope_does_not_make_one(team: Team) -> None:
    assert call(bearer(team, "admin:*"), "get_data_dir")[1]["code"] == "PERMISSION_DENIED"


def test_secret_is_neither_stored_nor_answered(team: Team, caplog: pytest.LogCaptureFixture) -> None:
    given = {"account": team.alpha.pk, "bank_no": "1", "bank_account": "2", "balance": 5, "bank_pwd": "s3cr3t"}

    status, body = call(signed_in(team.alice), "bank_transfer_in", given)

    assert (status, body["code"]) == (422, "USE_ENDPOINT")
    assert body["details"]["endpoints"] == ["POST /api/v1/transfers"]
    assert "s3cr3t" not in str(body) + caplog.text
    assert FunctionCall.objects.count() == 0


def test_host_that_is_off_or_silent_is_not_asked(team: Team) -> None:
    client = signed_in(team.alice)
    ProcessHeartbeat.objects.all().delete()
    assert call(client, "get_full_tick", FULL_TICK)[1]["code"] == "UNAVAILABLE"

    team.host.enabled = False
    host_save(actor=TEST_ACTOR, host=team.host)

    assert call(client, "get_full_tick", FULL_TICK, host="sim")[1]["code"] == "HOST_DISABLED"
    assert call(client, "get_full_tick", FULL_TICK)[1]["code"] == "DATA_UNAVAILABLE"
    assert FunctionCall.objects.count() == 0


def test_account_s_host_is_the_only_one_that_fits_it(team: Team) -> None:
    QmtHost.objects.create(name="other")

    body = call(signed_in(team.alice), "query_stock_asset", {"account": team.alpha.pk}, host="other")[1]

    assert (body["code"], body["field"]) == ("FIELD_INVALID", "host")


def test_shares_between_counters_on_a_broker_s_terminal_are_not_built(team: Team) -> None:
    Grant.objects.filter(user=team.alice).update(can_move_money=True)
    QmtHost.objects.filter(pk=team.host.pk).update(kind="LIVE")
    given = {
        "account": team.alpha.pk,
        "transfer_direction": 510,
        "stock_code": "600519.SH",
        "volume": 100,
        "transfer_type": 0,
    }

    assert call(signed_in(team.alice), "secu_transfer", given)[1]["code"] == "FUNCTION_NOT_BUILT"
    assert call(signed_in(team.alice), "secu_transfer", given | {"volume": 0})[1]["field"] == "arguments.volume"
    assert FunctionCall.objects.count() == 0


def test_what_the_bank_says_is_for_those_who_may_move_money(team: Team) -> None:
    given = {"account": team.alpha.pk}

    for person in (team.alice, team.admin, team.risk):
        assert call(signed_in(person), "query_bank_info", given)[1]["code"] == "MONEY_NOT_GRANTED"
    assert call(signed_in(team.charlie), "query_bank_info", given)[1]["code"] == "ACCOUNT_NOT_FOUND"
    assert FunctionCall.objects.count() == 0


def test_too_many_calls_of_one_person_are_refused(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def take(key: str, *, limit: int, window_seconds: int = 60) -> rates.RateDecision:
        asked.append(key)
        return rates.RateDecision(False, limit, window_seconds, 0, 30, 7)

    monkeypatch.setattr(rates, "take", take)

    answer = signed_in(team.alice).post(
        "/api/v1/qmt/functions/get_full_tick", {"arguments": FULL_TICK}, content_type="application/json"
    )

    assert (answer.status_code, answer.json()["code"], answer.headers["Retry-After"]) == (429, "RATE_LIMITED", "7")
    assert asked == [f"function:{team.alice.pk}"]


def test_queue_that_is_away_is_said_and_the_call_never_runs(team: Team) -> None:
    """No Redis here: the row is written, then given up."""
    status, body = call(signed_in(team.alice), "get_full_tick", FULL_TICK)

    assert (status, body["code"]) == (503, "UNAVAILABLE")
    row = FunctionCall.objects.get()
    assert (row.status, row.code, row.function, row.actor) == ("FAILED", "UNAVAILABLE", "xtdata.get_full_tick", "alice")


def test_call_that_changes_the_terminal_s_files_is_on_the_audit_trail(team: Team) -> None:
    given = {"dest_path": "a.fe", "param": {}, "df": []}

    call(signed_in(team.admin), "write_feather", given)

    event = AuditEvent.objects.get(action="function.called")
    assert (event.target, event.actor_label) == (f"host:{team.host.pk}", "admin")
    assert event.after is not None
    assert (event.after["function"], event.after["arguments"]) == ("xtdata.write_feather", given)


def test_registry_is_listed_and_searched(team: Team) -> None:
    client = signed_in(team.bob)

    everything = client.get("/api/v1/qmt/functions").json()
    money = client.get("/api/v1/qmt/functions", {"class": "money"}).json()
    ticks = client.get("/api/v1/qmt/functions", {"q": "full_tick", "module": "xtdata"}).json()

    assert (len(everything["results"]), len(everything["callbacks"])) == (195, 16)
    assert everything["counts"]["functions"] == 195
    assert len(money["results"]) == 13
    assert [one["name"] for one in ticks["results"]] == ["xtdata.get_full_tick"]
    assert client.get("/api/v1/qmt/functions", {"class": "x"}).json()["field"] == "class"


def test_function_is_described_with_the_schema_of_its_arguments(team: Team) -> None:
    body = signed_in(team.bob).get("/api/v1/qmt/functions/get_market_data_ex").json()

    assert (body["name"], body["class"], body["scope"]) == ("xtdata.get_market_data_ex", "read", "market:read")
    assert body["arguments_schema"]["properties"]["count"]["minimum"] == -1
    assert body["arguments_schema"]["required"] == []
    assert signed_in(team.bob).get("/api/v1/qmt/functions/nothing").json()["code"] == "FUNCTION_NOT_FOUND"
