"""Who may call, and how every refusal is told."""

from __future__ import annotations

import grpc
import pytest
from prometheus_client import REGISTRY

from accounts.services import token_revoke
from ops import database_watch
from ops.database_watch import DatabaseWatch
from rpc.v1 import common_pb2 as common
from rpc.v1 import data_pb2, trading_pb2
from tests.people import TEST_ACTOR, Team, make_token
from tests.rpc.conftest import Server

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "quotes"])

ACCOUNTS = trading_pb2.ListAccountsRequest()


def test_call_without_a_token_is_unauthenticated(server: Server) -> None:
    client = server.anonymous()
    refusal = client.refused(client.trading.ListAccounts, ACCOUNTS)
    assert (refusal.status, refusal.code) == (grpc.StatusCode.UNAUTHENTICATED, "NOT_AUTHENTICATED")


@pytest.mark.parametrize("token", ["desk_" + "x" * 43, "nonsense", ""])
def test_call_with_an_unknown_token_is_unauthenticated(server: Server, token: str) -> None:
    client = server.token(token)
    refusal = client.refused(client.trading.ListAccounts, ACCOUNTS)
    assert (refusal.status, refusal.code) == (grpc.StatusCode.UNAUTHENTICATED, "TOKEN_INVALID")


def test_call_with_two_different_tokens_is_unauthenticated(server: Server, team: Team) -> None:
    client = server.person(team.alice)
    client.metadata = (("x-api-key", make_token(team.bob)[1]),)
    assert client.refused(client.trading.ListAccounts, ACCOUNTS).code == "TOKEN_INVALID"


def test_call_takes_the_key_header_of_older_scripts(server: Server, team: Team) -> None:
    client = server.anonymous()
    client.metadata = (("x-api-key", make_token(team.alice)[1]),)
    assert [row.name for row in client.ask(client.trading.ListAccounts, ACCOUNTS).accounts] == ["Alpha"]


def test_call_after_the_token_was_revoked_is_unauthenticated(server: Server, team: Team) -> None:
    client = server.person(team.alice)
    client.ask(client.trading.ListAccounts, ACCOUNTS)
    assert client.row is not None
    token_revoke(actor=TEST_ACTOR, token=client.row)
    assert client.refused(client.trading.ListAccounts, ACCOUNTS).code == "TOKEN_INVALID"


def test_call_beyond_the_scopes_names_the_missing_one(server: Server, team: Team) -> None:
    client = server.person(team.alice, "market:read")
    refusal = client.refused(client.trading.ListAccounts, ACCOUNTS)
    assert (refusal.status, refusal.code) == (grpc.StatusCode.PERMISSION_DENIED, "SCOPE_MISSING")
    assert refusal.facts == {"scope": "account:read"}


def test_call_from_outside_the_tokens_networks_is_unauthenticated(server: Server, team: Team) -> None:
    client = server.person(team.alice)
    assert client.row is not None
    client.row.networks = ["10.0.0.0/8"]
    client.row.save()
    assert client.refused(client.trading.ListAccounts, ACCOUNTS).code == "TOKEN_INVALID"
    client.row.networks = ["127.0.0.0/8"]
    client.row.save()
    assert client.ask(client.trading.ListAccounts, ACCOUNTS).accounts


def test_call_beyond_the_rate_says_when_to_come_back(server: Server, team: Team) -> None:
    client = server.person(team.alice)
    assert client.row is not None
    client.row.rate_per_minute = 1
    client.row.save()
    client.ask(client.trading.ListAccounts, ACCOUNTS)
    refusal = client.refused(client.trading.ListAccounts, ACCOUNTS)
    assert (refusal.status, refusal.code) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "RATE_LIMITED")
    assert refusal.retry_seconds is not None
    assert 1 <= refusal.retry_seconds <= 60


def test_cancel_is_not_refused_by_a_rate(server: Server, team: Team) -> None:
    client = server.person(team.alice)
    assert client.row is not None
    client.row.rate_per_minute = 1
    client.row.save()
    request = trading_pb2.CancelOrdersRequest(account=team.alpha.pk)
    for _ in range(3):
        assert list(client.ask(client.trading.CancelOrders, request).outcomes) == []


def test_refusal_names_the_field_at_fault(server: Server, team: Team) -> None:
    client = server.person(team.alice)
    refusal = client.refused(client.data.GetQuotes, data_pb2.GetQuotesRequest())
    assert (refusal.status, refusal.code) == (grpc.StatusCode.INVALID_ARGUMENT, "FIELD_REQUIRED")
    assert refusal.fields == ["symbols"]


def test_refusal_with_many_facts_still_arrives(server: Server, team: Team) -> None:
    client = server.person(team.alice)
    symbols = [f"{600000 + number}.SH-and-{'x' * 40}" for number in range(500)]
    refusal = client.refused(client.data.GetQuotes, data_pb2.GetQuotesRequest(symbols=symbols))
    assert (refusal.status, refusal.code) == (grpc.StatusCode.INVALID_ARGUMENT, "SYMBOL_UNKNOWN")
    assert len(refusal.facts["symbols"]) == 1_001


def test_refusal_of_an_unknown_account_and_of_anothers_are_the_same(server: Server, team: Team) -> None:
    client = server.person(team.alice)
    unknown = client.refused(client.trading.GetAccount, trading_pb2.AccountRequest(account=999))
    foreign = client.refused(client.trading.GetAccount, trading_pb2.AccountRequest(account=team.beta.pk))
    assert (unknown.status, unknown.code) == (grpc.StatusCode.NOT_FOUND, "ACCOUNT_NOT_FOUND")
    assert (foreign.status, foreign.code, foreign.message) == (
        unknown.status,
        unknown.code,
        unknown.message.replace("999", str(team.beta.pk)),
    )


def test_bug_is_answered_without_its_words(server: Server, team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(user: object) -> None:
        raise RuntimeError("the secret detail")

    monkeypatch.setattr("rpc.trading.account_views", fails)
    client = server.person(team.alice)
    refusal = client.refused(client.trading.ListAccounts, ACCOUNTS)
    assert (refusal.status, refusal.code) == (grpc.StatusCode.INTERNAL, "INTERNAL_ERROR")
    assert "secret" not in refusal.message


def test_request_beyond_its_size_is_refused_unread(server: Server, team: Team) -> None:
    client = server.person(team.alice)
    request = trading_pb2.OrderRequest(account=team.alpha.pk, symbol="x" * 1_100_000)
    assert client.refused(client.trading.SubmitOrder, request).status == grpc.StatusCode.RESOURCE_EXHAUSTED


def test_method_that_does_not_exist_is_unimplemented(server: Server, team: Team) -> None:
    client = server.person(team.alice)
    method = client.channel.unary_unary(
        "/desk.v1.TradingService/Withdraw",
        request_serializer=common.PageRequest.SerializeToString,
        response_deserializer=common.PageRequest.FromString,
    )
    assert client.refused(method, common.PageRequest()).status == grpc.StatusCode.UNIMPLEMENTED


def counted(method: str, code: str) -> float:
    labels = {"method": f"desk.v1.TradingService/{method}", "code": code}
    return REGISTRY.get_sample_value("desk_rpc_call_seconds_count", labels) or 0.0


def test_calls_are_measured_by_method_and_status(server: Server, team: Team) -> None:
    answered, refused = counted("ListAccounts", "OK"), counted("ListAccounts", "UNAUTHENTICATED")
    client = server.person(team.alice)
    client.ask(client.trading.ListAccounts, ACCOUNTS)
    stranger = server.anonymous()
    stranger.refused(stranger.trading.ListAccounts, ACCOUNTS)
    assert counted("ListAccounts", "OK") - answered == 1
    assert counted("ListAccounts", "UNAUTHENTICATED") - refused == 1


def test_call_while_the_database_is_away_is_unavailable_at_once(
    server: Server, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = server.person(team.alice)
    watch = DatabaseWatch("default")
    watch.is_away = True
    monkeypatch.setitem(database_watch._watches, "default", watch)
    refusal = client.refused(client.trading.ListAccounts, ACCOUNTS)
    assert (refusal.status, refusal.code) == (grpc.StatusCode.UNAVAILABLE, "UNAVAILABLE")
    assert refusal.retry_seconds == 5
