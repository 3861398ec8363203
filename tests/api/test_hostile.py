"""Every operation of the document, asked odd things by two people: no failure of ours, nothing undocumented, nobody else's objects."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.accounts.test_permission_matrix import World
from tests.api.fuzz import Fuzz, lasting_connections
from tests.orders.bench import make_bench

pytestmark = pytest.mark.django_db(databases=["default", "quotes"])

PEOPLE = ("alice", "charlie")


@pytest.fixture
def world(db: None) -> Iterator[World]:
    """Alpha with one of everything: alice's. Charlie has no part in it."""
    with lasting_connections():
        yield World(make_bench())


def fuzz(world: World, person: str) -> Fuzz:
    names = world.names
    own = {names[name] for name in ("order_id", "execution_id", "job_id", "transfer_id")}
    secret = own | {world.bench.account.account_no}
    user = getattr(world.bench.team, person)
    return Fuzz(world, user, foreign=frozenset() if person == "alice" else frozenset(secret))


@pytest.mark.parametrize("person", PEOPLE)
def test_sample_of_odd_requests_is_answered_as_documented(world: World, person: str) -> None:
    hostile = fuzz(world, person)
    hostile.run(examples=1)
    assert hostile.found == {}, hostile.report()
    assert hostile.asked > 150


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("person", PEOPLE)
def test_odd_requests_to_every_operation_are_answered_as_documented(world: World, person: str) -> None:
    hostile = fuzz(world, person)
    hostile.run(examples=25)
    assert hostile.found == {}, hostile.report()
