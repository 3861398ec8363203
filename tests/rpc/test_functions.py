"""FunctionService: the registry and calls by name, with REST's rights and codes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ops.clocks import wall_now
from ops.errors import Code, DeskError
from ops.models import Job, ProcessHeartbeat
from rpc import functions
from rpc.calls import Call
from rpc.v1 import functions_pb2 as pb
from tests.people import Team, make_team
from tests.rpc.direct import call_of
from trading.functions.models import FunctionCall
from trading.functions.services import calling
from trading.functions.services.calling import Answer

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]


@pytest.fixture
def team(db: None) -> Team:
    """The cast, and a reads worker that reports."""
    made = make_team()
    ProcessHeartbeat.objects.create(name="worker.reads@sim", pid=1, started_at=wall_now(), last_loop_at=wall_now())
    return made


@pytest.fixture
def alice(team: Team) -> Call:
    return call_of(team.alice)


def called(call: Call, name: str, arguments: Any = None, **changes: Any) -> pb.CallFunctionResponse:
    text = arguments if isinstance(arguments, str) else json.dumps(arguments or {})
    return functions.call_function(call, pb.CallFunctionRequest(name=name, arguments=text, **changes))


def test_registry_is_listed_with_what_each_argument_must_be(alice: Call) -> None:
    found = functions.list_functions(alice, pb.ListFunctionsRequest()).functions
    (tick,) = functions.list_functions(alice, pb.ListFunctionsRequest(text="get_full_tick")).functions

    assert len(found) == 195
    assert (tick.name, tick.scope, getattr(tick, "class"), tick.simulated) == (
        "xtdata.get_full_tick",
        "market:read",
        "read",
        True,
    )
    assert [(one.name, one.required) for one in tick.parameters] == [("code_list", True)]
    assert tick.parameters[0].schema["type"] == "array"


def test_class_narrows_the_list_and_a_wrong_one_is_refused(alice: Call) -> None:
    assert len(functions.list_functions(alice, pb.ListFunctionsRequest(**{"class": "money"})).functions) == 13
    with pytest.raises(DeskError) as caught:
        functions.list_functions(alice, pb.ListFunctionsRequest(**{"class": "x"}))
    assert caught.value.field == "class"


def test_answer_travels_as_json(alice: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calling, "_called", lambda row, spec: Answer(spec.qualified, row.host, b'{"x":1}', None))

    answer = called(alice, "get_full_tick", {"code_list": ["600519.SH"]})

    assert (answer.function, answer.host, answer.WhichOneof("answer")) == ("xtdata.get_full_tick", "sim", "json")
    assert json.loads(answer.json) == {"x": 1}
    assert FunctionCall.objects.get().arguments == {"code_list": ["600519.SH"]}


def test_large_answer_is_a_file_of_a_job(alice: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    job = Job.objects.create(kind="function", owner=alice.user.pk, status="DONE")
    monkeypatch.setattr(calling, "_called", lambda row, spec: Answer(spec.qualified, row.host, None, job))

    answer = called(alice, "get_full_tick", {"code_list": ["600519.SH"]})

    assert (answer.WhichOneof("answer"), answer.file.job.id) == ("file", str(job.pk))
    assert answer.file.address == f"/api/v1/qmt/answers/{job.pk}"


@pytest.mark.parametrize(
    ("name", "arguments", "code"),
    [
        ("nothing", {}, Code.FUNCTION_NOT_FOUND),
        ("order_stock", {}, Code.USE_ENDPOINT),
        ("bank_transfer_out", {}, Code.USE_ENDPOINT),
        ("create_sector", {}, Code.PERMISSION_DENIED),
        ("xttrader.stop", {}, Code.NOT_EXPOSED),
        ("get_full_tick", {}, Code.FIELD_REQUIRED),
        ("get_full_tick", "[]", Code.FIELD_INVALID),
        ("get_full_tick", "{", Code.FIELD_INVALID),
        ("get_formulas", {}, Code.NOT_SIMULATED),
    ],
)
def test_call_is_refused_as_over_rest(alice: Call, name: str, arguments: Any, code: Code) -> None:
    with pytest.raises(DeskError) as caught:
        called(alice, name, arguments)

    assert caught.value.code == code
    assert FunctionCall.objects.count() == 0


def test_token_needs_the_function_s_own_scope(team: Team) -> None:
    with pytest.raises(DeskError) as caught:
        called(call_of(team.alice, "orders:write"), "get_full_tick", {"code_list": ["600519.SH"]})

    assert (caught.value.code, caught.value.details["scope"]) == (Code.SCOPE_MISSING, "market:read")


def test_account_that_is_not_yours_does_not_exist(team: Team) -> None:
    with pytest.raises(DeskError) as caught:
        called(call_of(team.charlie), "query_stock_asset", {"account": team.alpha.pk})

    assert caught.value.code == Code.ACCOUNT_NOT_FOUND
