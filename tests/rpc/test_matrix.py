"""The rows of gRPC in the permission matrix: every method and every person."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
from django.db import transaction
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from grpc_health.v1 import health_pb2
from grpc_health.v1.health_pb2_grpc import HealthStub
from grpc_reflection.v1alpha import reflection_pb2
from grpc_reflection.v1alpha.reflection_pb2_grpc import ServerReflectionStub

from accounts.choices import TradeRight
from accounts.models import Grant
from ops.clocks import wall_now
from ops.errors import DeskError
from ops.models import Alert, AlertKind, Job, Severity
from rpc import health, reflection
from rpc.calls import Caller, admit
from rpc.server import SERVICES
from rpc.v1 import common_pb2 as common
from rpc.v1 import data_pb2, functions_pb2, live_pb2, trading_pb2
from tests.accounts.test_permission_matrix import PEOPLE, TABLE
from tests.orders.bench import Bench, make_bench
from tests.people import Team, make_token
from tests.rpc.conftest import Client, Refusal, Server
from trading.execution.services import execution_start

NAMES = {"none": "charlie", "own": "bob", "all": "alice", "confirmed": "admin"}
LIVE = "desk.v1.LiveService/"
OPEN = (f"{health.SERVICE}/Check", f"{health.SERVICE}/Watch", reflection.METHOD)
METHODS = sorted([*(method.name for service in SERVICES for method in service.methods.values()), *OPEN])


def rows() -> dict[str, dict[str, str]]:
    """Method → person → ``OK`` or the code of the refusal."""
    lines = TABLE.read_text(encoding="utf-8").splitlines()
    parted = [line.removeprefix("RPC ").split("|") for line in lines if line.startswith("RPC ")]
    return {entry.strip(): dict(zip(PEOPLE, cells.split(), strict=True)) for entry, cells in parted}


def requests_of(bench: Bench) -> dict[str, Message]:
    """A request per method about Alpha, and about what is alice's there."""
    account, order = bench.account.pk, bench.submit()
    legs = [{"symbol": "000001.SZ", "side": "BUY", "quantity": 100, "price": "12.00"}]
    execution = execution_start(user=bench.alice, account_id=account, body={"kind": "BASKET", "legs": legs}).execution
    job = data_pb2.JobRequest(job=str(Job.objects.create(kind="test", owner=bench.alice.pk).pk))
    wish = trading_pb2.OrderRequest(
        account=account, symbol=order.symbol, side=common.SIDE_BUY, quantity=100, price="9.90"
    )
    named, act = trading_pb2.OrderId(order=str(order.pk)), trading_pb2.ExecutionId(execution=str(execution.pk))
    asked = trading_pb2.AccountRequest(account=account)
    return {
        "GetQuotes": data_pb2.GetQuotesRequest(symbols=[order.symbol]),
        "GetInstrument": data_pb2.GetInstrumentRequest(symbol=order.symbol),
        "ListSectorMembers": data_pb2.ListSectorMembersRequest(sector="nothing"),
        "GetJob": job,
        "PauseJob": job,
        "ResumeJob": job,
        "CancelJob": job,
        "RetryJob": job,
        "GetAccount": asked,
        "GetAsset": asked,
        "SubmitOrder": wish,
        "CheckOrder": wish,
        "GetOrder": named,
        "CancelOrder": named,
        "CancelOrders": trading_pb2.CancelOrdersRequest(account=account),
        "ReplaceOrder": trading_pb2.ReplaceOrderRequest(order=str(order.pk), price="9.80"),
        "ListOrders": trading_pb2.ListOrdersRequest(account=account),
        "ListTrades": trading_pb2.ListTradesRequest(account=account),
        "ListPositions": trading_pb2.ListPositionsRequest(account=account),
        "ListExecutions": trading_pb2.ListExecutionsRequest(account=account),
        "GetExecution": act,
        "PauseExecution": act,
        "ResumeExecution": act,
        "CancelExecution": act,
        "StartExecution": trading_pb2.StartExecutionRequest(
            account=account,
            kind=common.EXECUTION_KIND_SPLIT,
            symbol=order.symbol,
            side=common.SIDE_BUY,
            quantity=200,
            child_quantity=100,
            price="9.90",
        ),
        "ListLimits": trading_pb2.ListLimitsRequest(account=account),
        "ApproveOrder": named,
        "RefuseOrder": trading_pb2.RefuseOrderRequest(order=str(order.pk), reason="a test"),
        "ApproveExecution": trading_pb2.ApproveExecutionRequest(execution=str(execution.pk)),
        "RefuseExecution": trading_pb2.RefuseExecutionRequest(execution=str(execution.pk), reason="a test"),
        "ListAlerts": trading_pb2.ListAlertsRequest(account=account),
        "AcknowledgeAlert": trading_pb2.AlertId(alert=_alert(account).pk),
        "CallFunction": functions_pb2.CallFunctionRequest(
            name="query_stock_positions", arguments=f'{{"account": {account}}}'
        ),
    }


def _alert(account_id: int) -> Alert:
    now = wall_now()
    return Alert.objects.create(
        kind=AlertKind.values[0],
        severity=Severity.WARNING,
        title="of Alpha",
        dedup_key="matrix",
        account_id=account_id,
        first_at=now,
        last_at=now,
        notified_at=now,
    )


def test_rpc_matrix_has_a_row_for_every_method_and_no_other() -> None:
    assert sorted(rows()) == METHODS


@pytest.mark.django_db(databases=["default", "quotes"])
@pytest.mark.parametrize("person", PEOPLE)
def test_rpc_matrix_every_method_answers_as_the_table_says(db: None, person: str) -> None:
    bench = make_bench()
    Grant.objects.filter(user=bench.team.bob).update(trade=TradeRight.OWN)
    Grant.objects.create(user=bench.team.viewer, account=bench.account)
    given = requests_of(bench)
    tokens: frozenset[str] = frozenset()
    if person != "anonymous":
        tokens = frozenset({make_token(getattr(bench.team, NAMES.get(person, person)))[1]})
    caller = Caller(tokens=tokens, address="127.0.0.1", request_id="matrix-request", ends_at=None)
    table, wrong = rows(), {}
    for service in SERVICES:
        if service.full_name == health.LIVE:
            continue
        for name, method in service.methods.items():
            empty = GetMessageClass(service.service.methods_by_name[name].input_type)
            seen = _answer(method, caller, given.get(name) or empty())
            if seen != table.get(method.name, {}).get(person, seen):
                wrong[method.name] = f"{seen}, the table says {table[method.name][person]}"
    assert wrong == {}


def _answer(method: Any, caller: Caller, request: Message) -> str:
    """OK or the code of the refusal; nothing that was changed remains."""
    with transaction.atomic(), transaction.atomic(using="quotes"):
        try:
            answer = method.run(admit(caller, scope=method.scope, rated=False), request)
            if not isinstance(answer, Message):
                next(answer)
            code = "OK"
        except DeskError as error:
            code = str(error.code)
        transaction.set_rollback(True)
        transaction.set_rollback(True, using="quotes")
    return code


@pytest.mark.django_db(transaction=True, databases=["default", "quotes"])
def test_rpc_matrix_every_stream_answers_as_the_table_says(connected: Server, team: Team) -> None:
    Grant.objects.filter(user=team.bob).update(trade=TradeRight.OWN)
    Grant.objects.create(user=team.viewer, account=team.alpha)
    table = rows()
    wrong: dict[tuple[str, str], str] = {}
    for person in PEOPLE:
        client = (
            connected.anonymous()
            if person == "anonymous"
            else connected.person(getattr(team, NAMES.get(person, person)))
        )
        seen = {
            f"{LIVE}StreamQuotes": _opened(client, client.live.StreamQuotes, live_pb2.QuotesChannel()),
            f"{LIVE}StreamAccount": _opened(
                client, client.live.StreamAccount, live_pb2.AccountChannel(account=team.alpha.pk)
            ),
            f"{LIVE}Subscribe": _opened(client, client.live.Subscribe, iter([live_pb2.SubscribeRequest()])),
            **_open_to_all(client),
        }
        wrong |= {(name, person): code for name, code in seen.items() if table[name][person] != code}
    assert wrong == {}


def _open_to_all(client: Client) -> dict[str, str]:
    asked = health_pb2.HealthCheckRequest()
    listing = iter([reflection_pb2.ServerReflectionRequest(list_services="")])
    stub: Any = HealthStub(client.channel)
    reflected: Any = ServerReflectionStub(client.channel)
    answer = stub.Check(asked, timeout=3)
    return {
        OPEN[0]: "OK" if answer.status else "UNKNOWN",
        OPEN[1]: _opened(client, stub.Watch, asked),
        OPEN[2]: _opened(client, reflected.ServerReflectionInfo, listing),
    }


def _opened(client: Client, method: Any, request: Any) -> str:
    """OK when something arrives, or nothing for a moment; else the code of the refusal."""
    stream = method(request, metadata=client.headers, timeout=0.7)
    try:
        next(stream)
    except grpc.RpcError as error:
        return "OK" if error.code() == grpc.StatusCode.DEADLINE_EXCEEDED else Refusal.of(error).code
    finally:
        stream.cancel()
    return "OK"
