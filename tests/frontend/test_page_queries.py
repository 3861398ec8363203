"""Pages of administrators ask as many questions of the database on a large desk as on a small one."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.choices import Role
from accounts.models import BrokerAccount, Grant, TeamMember, User
from accounts.models import Team as Group
from tests.people import Team, make_team, signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def team(db: None) -> Team:
    """The standing cast."""
    return make_team()


def _queries(team: Team, name: str) -> int:
    client = signed_in(team.admin)
    address = reverse(f"frontend:{name}", args=[team.alice.pk] if name == "person" else [])
    client.get(address)  # what is asked once per process
    with CaptureQueriesContext(
        connection,
    ) as asked:
        assert client.get(address).status_code == 200
    return len(asked)


def _grow(team: Team, numbers: range) -> None:
    for number in numbers:
        person = User.objects.create(username=f"person{number}", role=Role.TRADER)
        account = BrokerAccount.objects.create(host=team.host, account_no=f"81{number:08}", name=f"Account {number}")
        group = Group.objects.create(name=f"Group {number}")
        TeamMember.objects.create(team=group, user=person)
        Grant.objects.create(user=person, account=account)
        Grant.objects.create(team=group, account=team.alpha)
        Grant.objects.create(user=team.alice, account=account)


@pytest.mark.parametrize("name", ["people", "person", "teams", "accounts"])
def test_page_of_a_large_desk_asks_no_more_than_that_of_a_small_one(team: Team, name: str) -> None:
    _grow(team, range(1))
    small = _queries(team, name)
    _grow(team, range(1, 12))

    assert _queries(team, name) == small
