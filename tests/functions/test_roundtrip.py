"""There and back: a row, a reader, the pieces of an answer over Redis, a file where it is too large."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import orjson
import pytest
from django.test import Client

from ops.clocks import database_now, wall_now
from ops.models import Job, ProcessHeartbeat
from qmt.reader import ReaderPool, ReaderSetup, ReadFailure
from qmt.registry import find
from tests.contract.faces import FaceA
from tests.people import Team, make_team, make_token, signed_in
from trading.functions import channel, runtime
from trading.functions.models import FunctionCall
from trading.functions.services import calling, keeping
from trading.functions.services.running import call_run

TICK = {"arguments": {"code_list": ["600519.SH"]}}


@pytest.fixture
def team(db: None, valkey: str, terminal: FaceA) -> Team:
    """The cast; Alpha is an account of the terminal."""
    made = make_team()
    made.alpha.account_no = terminal.account().account_no
    made.alpha.save()
    ProcessHeartbeat.objects.create(name="worker.reads@sim", pid=1, started_at=wall_now(), last_loop_at=wall_now())
    return made


@pytest.fixture(autouse=True)
def worker(reader: ReaderPool, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """This process is the reads worker of the host: a call is run as soon as it is woken."""
    slot = runtime.start_runtime("sim", lambda _: reader)
    monkeypatch.setattr(calling, "run_wake", lambda pk, _host, _deadline: bool(call_run(pk)))
    yield
    runtime._slot.empty(slot)


def call(client: Client, name: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    response = client.post(f"/api/v1/qmt/functions/{name}", body, content_type="application/json")
    return response.status_code, response.json()


def test_answer_comes_back_and_the_row_says_what_was_asked(team: Team) -> None:
    status, body = call(signed_in(team.alice), "get_full_tick", TICK)

    assert (status, body["function"], body["host"]) == (200, "xtdata.get_full_tick", "sim")
    assert body["result"]["600519.SH"]["lastPrice"] > 0
    row = FunctionCall.objects.get()
    assert (row.status, row.function, row.user, row.arguments) == (
        "DONE",
        "xtdata.get_full_tick",
        team.alice,
        TICK["arguments"],
    )
    assert row.size is not None
    assert row.size > 100
    assert channel._client(_url()).keys(channel.PREFIX + "*") == []


def test_account_is_asked_by_the_platform_s_number(team: Team) -> None:
    status, body = call(signed_in(team.bob), "query_stock_asset", {"arguments": {"account": team.alpha.pk}})

    assert (status, body["result"]["account_id"]) == (200, team.alpha.account_no)
    row = FunctionCall.objects.get()
    assert (row.account, row.arguments) == (team.alpha, {})


def test_sdk_s_own_refusal_is_told_in_its_words(team: Team) -> None:
    given = {"arguments": {"stock_list": ["600519.SH"], "period": "1w"}}

    status, body = call(signed_in(team.alice), "get_market_data", given)

    assert (status, body["code"]) == (422, "FUNCTION_FAILED")
    assert "1w" in body["message"]
    assert FunctionCall.objects.get().code == "FUNCTION_FAILED"


def test_hung_function_is_answered_in_time_and_the_next_one_works(
    team: Team, terminal: FaceA, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = signed_in(team.alice)
    asset = {"arguments": {"account": team.alpha.pk}}
    call(client, "query_stock_asset", asset)
    known = find("xttrader.query_stock_asset")
    assert known is not None
    hasty = replace(known, deadline_seconds=0.6)
    monkeypatch.setattr(calling, "find", lambda name: hasty if "asset" in name else find(name))
    terminal.arm("hang", "queryStockAsset", count=1)

    status, body = call(client, "query_stock_asset", asset)

    assert (status, body["code"]) == (504, "FUNCTION_TIMEOUT")
    assert call(client, "get_full_tick", TICK)[0] == 200
    terminal.clear()


def test_large_answer_is_a_file_of_a_job(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calling, "INLINE_BYTES", 1000)
    monkeypatch.setattr(channel, "PIECE_BYTES", 600)
    alice = signed_in(team.alice)

    status, body = call(alice, "get_sector_list", {})
    assert status == 200  # short enough for a reply
    whole = call(alice, "get_full_tick", {"arguments": {"code_list": ["600519.SH"]}})[1]["result"]
    status, body = call(alice, "get_full_tick", {"arguments": {"code_list": ["600519.SH", "000001.SZ", "600036.SH"]}})

    assert (status, body["job"]["status"], body["job"]["kind"]) == (202, "DONE", "function")
    told = orjson.loads(alice.get(body["file"]).getvalue())
    assert sorted(told) == ["000001.SZ", "600036.SH", "600519.SH"]
    assert sorted(told["600519.SH"]) == sorted(whole["600519.SH"])
    assert signed_in(team.bob).get(body["file"]).status_code == 404
    bearer = Client(headers={"authorization": f"Bearer {make_token(team.alice, 'account:read')[1]}"})
    assert bearer.get(body["file"]).json()["code"] == "SCOPE_MISSING"


def test_pieces_of_an_answer_are_put_together_in_order(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channel, "PIECE_BYTES", 7)
    key, body = uuid.uuid4(), bytes(range(100))
    until = time.monotonic() + 5

    channel.send_answer(key, body, until=until)

    assert b"".join(channel.receive(key, until=until)) == body


def test_answer_that_nobody_fetches_stops_waiting(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channel, "PIECE_BYTES", 1)
    key = uuid.uuid4()

    with pytest.raises(channel.ChannelLost):
        channel.send_answer(key, b"x" * 50, until=time.monotonic() + 0.1)

    assert not channel._client(_url()).exists(channel.PREFIX + str(key))


def test_answer_that_never_comes_is_a_timeout(team: Team) -> None:
    with pytest.raises(ReadFailure, match="FUNCTION_TIMEOUT"):
        list(channel.receive(uuid.uuid4(), until=time.monotonic() + 0.1))


@pytest.mark.parametrize(
    "change",
    [
        {"host": "other"},
        {"deadline_at": timedelta(seconds=-1)},
        {"status": "DONE"},
        {"status": "RUNNING"},
        {"status": "FAILED"},
    ],
)
def test_task_does_only_what_the_row_allows(team: Team, change: dict[str, Any]) -> None:
    now = database_now()
    values: dict[str, Any] = {"host": "sim", "deadline_at": timedelta(seconds=30), "status": "QUEUED"} | change
    values["deadline_at"] = now + values["deadline_at"]
    row = FunctionCall.objects.create(
        user=team.alice,
        function="xtdata.get_full_tick",
        arguments=TICK["arguments"],
        created_at=now,
        **values,
    )

    assert call_run(row.pk) == "left alone"
    assert call_run(uuid.uuid4()) == "left alone"
    assert not channel._client(_url()).exists(channel.PREFIX + str(row.pk))


def test_row_of_a_function_that_is_not_run_is_not_run(team: Team) -> None:
    """Whatever wrote it."""
    now = database_now()
    row = FunctionCall.objects.create(
        user=team.alice,
        function="xttrader.order_stock",
        host="sim",
        account=team.alpha,
        arguments={},
        created_at=now,
        deadline_at=now + timedelta(seconds=5),
    )

    assert call_run(row.pk) == "FAILED"
    row.refresh_from_db()
    assert row.code == "FUNCTION_NOT_FOUND"


def test_host_that_was_switched_off_meanwhile_is_not_asked(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    def late(pk: uuid.UUID, *_: object) -> bool:
        team.host.enabled = False
        team.host.save()
        return bool(call_run(pk))

    monkeypatch.setattr(calling, "run_wake", late)

    assert call(signed_in(team.alice), "get_full_tick", TICK)[0] == 503
    assert FunctionCall.objects.get().status == "FAILED"


def test_other_terminal_in_the_host_s_row_gets_other_readers(team: Team) -> None:
    """A simulated host that becomes a broker's must not be answered by the simulation."""
    made: list[str] = []

    class Pool:
        def __init__(self, setup: ReaderSetup) -> None:
            made.append(f"{setup.native} {setup.address}".strip())

        def close(self) -> None:
            made.append("closed")

    readers = runtime.ReadsRuntime("sim", Pool)  # type: ignore[arg-type]  # what is asked of a pool here
    first = readers.pool()
    assert readers.pool() is first

    team.host.kind, team.host.quote_address = "LIVE", "127.0.0.1:58610"
    team.host.save()

    assert readers.pool() is not first
    assert made == ["simulated", "closed", "real 127.0.0.1:58610"]


def test_readers_find_the_terminal_of_the_host_s_row(team: Team, terminal: FaceA) -> None:
    team.host.userdata_path = str(terminal.userdata)
    team.host.save()
    readers = runtime.ReadsRuntime("sim")
    spec = find("xtdata.get_full_tick")
    assert spec is not None

    body = readers.pool().call(spec, TICK["arguments"], seconds=15)

    assert list(orjson.loads(body)) == ["600519.SH"]
    readers.stop()


def test_old_calls_and_files_are_thrown_away(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calling, "INLINE_BYTES", 10)
    alice = signed_in(team.alice)
    address = call(alice, "get_full_tick", TICK)[1]["file"]
    call(alice, "get_sector_list", {})
    FunctionCall.objects.filter(function="xtdata.get_full_tick").update(created_at=wall_now() - timedelta(days=31))
    (job,) = Job.objects.filter(params__function="xtdata.get_full_tick")
    os.utime(keeping._path(job.pk), (0, 0))

    assert keeping.calls_prune(wall_now()) == {"calls": 1, "files": 1}
    assert alice.get(address).json()["code"] == "FILE_NOT_FOUND"


def _url() -> str:
    from django.conf import settings

    return str(settings.REDIS_URL)
