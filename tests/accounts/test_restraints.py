"""Why an account does not trade freely: said with the account, over REST and gRPC, from the change itself."""

from __future__ import annotations

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from accounts.api.serializers import AccountSerializer
from accounts.choices import TradingState
from accounts.selectors import account_view, account_views
from accounts.services import account_halt, account_resume, account_state_set
from ops.models import AuditEvent
from rpc.messages import message_of
from rpc.v1 import common_pb2 as common
from tests.people import TEST_ACTOR, Team, make_team

pytestmark = pytest.mark.postgres


@pytest.fixture
def team(db: None) -> Team:
    return make_team()


def told(client: Client, team: Team) -> tuple[str, str, str | None, bool]:
    client.force_login(team.alice)
    body = client.get(f"/api/v1/accounts/{team.alpha.pk}").json()
    return body["state"], body["state_reason"], body["state_by"], body["state_since"] is None


def test_account_that_trades_freely_has_no_reason(team: Team, client: Client) -> None:
    assert told(client, team) == ("ACTIVE", "", None, True)


def test_account_says_why_by_whom_and_since_when_it_is_bound(team: Team, client: Client) -> None:
    account_state_set(actor=TEST_ACTOR, account=team.alpha, state=TradingState.REDUCING, reason="loss of the day")

    assert told(client, team) == ("REDUCING", "loss of the day", TEST_ACTOR.label, False)
    restraint = account_view(team.alice, team.alpha.pk).restraint
    assert restraint is not None
    assert restraint.since == AuditEvent.objects.get(action="account.reduced").at


def test_account_says_the_newest_reason_and_none_after_it_was_resumed(team: Team, client: Client) -> None:
    account_state_set(actor=TEST_ACTOR, account=team.alpha, state=TradingState.REDUCING, reason="first")
    account_halt(actor=TEST_ACTOR, account=team.alpha, reason="second")
    halted = told(client, team)
    account_resume(actor=TEST_ACTOR, account=team.alpha)

    assert halted == ("HALTED", "second", TEST_ACTOR.label, False)
    assert told(client, team) == ("ACTIVE", "", None, True)


def test_account_over_grpc_says_the_same(team: Team) -> None:
    account_halt(actor=TEST_ACTOR, account=team.alpha, reason="a test")
    view = account_view(team.alice, team.alpha.pk)

    message = message_of(common.Account, AccountSerializer(view).data)

    assert (message.state_reason, message.state_by) == ("a test", TEST_ACTOR.label)
    assert view.restraint is not None
    assert message.state_since_ms == round(view.restraint.since.timestamp() * 1000)


def test_reasons_of_many_accounts_are_one_question(
    team: Team, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(1):
        account_views(team.admin)
    for account in (team.alpha, team.beta):
        account_halt(actor=TEST_ACTOR, account=account, reason=account.name)

    with django_assert_num_queries(2):
        views = account_views(team.admin)

    assert [view.restraint.reason for view in views if view.restraint] == ["Alpha", "Beta"]
