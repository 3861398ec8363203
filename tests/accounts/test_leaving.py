"""Somebody's last day: nothing of theirs opens anything, and what they leave has a name."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts.choices import LinkKind, Role, TradeRight
from accounts.models import Grant, Handover, PersonSession, User
from accounts.selectors import acts_for, handovers_for, may_cancel
from accounts.services import (
    grant_set,
    link_create,
    person_deactivate,
    person_reactivate,
    team_add,
    team_member_add,
    user_change,
)
from ops import handover as registry
from ops.errors import Code, Denied, Invalid, NotFound
from ops.handover import OpenWork
from ops.models import AuditEvent
from tests.orders.bench import Bench, make_bench
from tests.people import PASSWORD, TEST_ACTOR, Team, confirmed, make_token, signed_in

pytestmark = pytest.mark.postgres


def test_deactivated_person_has_no_way_in(team: Team) -> None:
    browser = signed_in(team.alice)
    _, plain = make_token(team.alice)
    link = link_create(actor=TEST_ACTOR, user=team.alice, kind=LinkKind.RESET)
    group = team_add(actor=TEST_ACTOR, name="desk")
    team_member_add(actor=TEST_ACTOR, team=group, user=team.alice)
    person_deactivate(actor=TEST_ACTOR, user=team.alice)
    assert browser.get("/api/v1/me").status_code == 401
    assert Client(headers={"Authorization": f"Bearer {plain}"}).get("/api/v1/me").status_code == 401
    assert Client().post("/login/", {"username": "alice", "password": PASSWORD}).status_code == 200
    opened = Client()
    opened.get(f"/link/{link}/")
    assert opened.get("/link/").status_code == 404
    assert not PersonSession.objects.filter(user=team.alice).exists()
    assert not Grant.objects.of(team.alice).exists()


def test_deactivation_revokes_for_good(team: Team) -> None:
    _, plain = make_token(team.alice)
    person_deactivate(actor=TEST_ACTOR, user=team.alice)
    person_reactivate(actor=TEST_ACTOR, user=team.alice)
    assert Client(headers={"Authorization": f"Bearer {plain}"}).get("/api/v1/me").status_code == 401
    assert not Grant.objects.filter(user=team.alice).exists()


def test_deactivation_raises_the_epoch_of_what_could_be_traded(team: Team) -> None:
    person_deactivate(actor=TEST_ACTOR, user=team.alice)
    team.alpha.refresh_from_db()
    team.beta.refresh_from_db()
    assert team.alpha.epoch > 1
    assert team.beta.epoch == 1


def test_open_orders_are_listed_for_the_successor_who_may_cancel_them(team_bench: Bench) -> None:
    bench, team = team_bench, team_bench.team
    order = bench.reported()
    grant_set(actor=TEST_ACTOR, user=team.bob, account=team.alpha, trade=TradeRight.OWN)
    assert not may_cancel(team.bob, team.alpha, owner_id=team.alice.pk)
    handover = person_deactivate(actor=TEST_ACTOR, user=team.alice, successor=team.bob, created_by=team.admin)
    assert [(item["kind"], item["id"]) for item in handover.items] == [("order", str(order.pk))]
    assert acts_for(team.bob, team.alice.pk)
    assert may_cancel(team.bob, team.alpha, owner_id=team.alice.pk)
    assert not may_cancel(team.charlie, team.alpha, owner_id=team.alice.pk)
    page = signed_in(team.bob).get("/security/").content.decode()
    assert order.symbol in page
    event = AuditEvent.objects.get(action="user.handed_over")
    assert event.after == {"successor": "bob", "items": 1, "grants_moved": []}


def test_items_of_accounts_the_successor_may_not_see_stay_hidden(team_bench: Bench) -> None:
    team = team_bench.team
    team_bench.reported()
    person_deactivate(actor=TEST_ACTOR, user=team.alice, successor=team.charlie)
    (handed, items) = handovers_for(team.charlie)[0]
    assert (len(handed.items), items) == (1, [])


def test_grants_are_handed_on_when_asked(team: Team) -> None:
    person_deactivate(actor=TEST_ACTOR, user=team.alice, successor=team.charlie, transfer_grants=True)
    assert Grant.objects.get(user=team.charlie, account=team.alpha).trade == TradeRight.ALL
    assert Handover.objects.get().grants_moved == [{"account": team.alpha.pk, "trade": "ALL"}]


def test_grants_handed_on_stay_within_the_successors_role(team: Team) -> None:
    person_deactivate(actor=TEST_ACTOR, user=team.alice, successor=team.viewer, transfer_grants=True)
    assert Grant.objects.get(user=team.viewer, account=team.alpha).trade == TradeRight.NONE


def test_reactivated_person_takes_their_orders_back(team: Team) -> None:
    person_deactivate(actor=TEST_ACTOR, user=team.alice, successor=team.bob)
    person_reactivate(actor=TEST_ACTOR, user=team.alice)
    assert not acts_for(team.bob, team.alice.pk)


def test_last_administrator_stays(team: Team) -> None:
    for change in ({"is_active": False}, {"role": Role.VIEWER}):
        with pytest.raises(Denied) as refused:
            user_change(actor=TEST_ACTOR, user=team.admin, changes=change)
        assert refused.value.code == Code.LAST_ADMIN
    with pytest.raises(Denied):
        person_deactivate(actor=TEST_ACTOR, user=team.admin)
    assert User.objects.get(pk=team.admin.pk).is_admin


def test_person_does_not_succeed_themselves(team: Team) -> None:
    with pytest.raises(Invalid):
        person_deactivate(actor=TEST_ACTOR, user=team.alice, successor=team.alice)
    with pytest.raises(Invalid):
        person_deactivate(actor=TEST_ACTOR, user=team.alice, transfer_grants=True)
    assert User.objects.get(pk=team.alice.pk).is_active


def test_deactivated_person_gets_no_link_and_is_no_successor(team: Team) -> None:
    person_deactivate(actor=TEST_ACTOR, user=team.alice)
    with pytest.raises(Denied):
        link_create(actor=TEST_ACTOR, user=User.objects.get(pk=team.alice.pk), kind=LinkKind.RESET)
    with pytest.raises(Denied):
        person_deactivate(actor=TEST_ACTOR, user=team.bob, successor=team.alice)


def test_deactivated_on_the_page_with_a_successor(team: Team) -> None:
    client = confirmed(team.admin)
    address = f"/people/{team.alice.pk}/"
    client.post(address, {"act": "deactivate", "successor": team.bob.pk, "transfer_grants": "on"})
    assert not User.objects.get(pk=team.alice.pk).is_active
    assert Handover.objects.get().successor == team.bob


def test_deactivated_in_the_django_admin_ends_tokens_and_sessions_too(team: Team) -> None:
    browser = signed_in(team.alice)
    token, _ = make_token(team.alice)
    user = User.objects.get(pk=team.alice.pk)
    user.is_active = False
    from accounts.services import user_save

    user_save(actor=TEST_ACTOR, user=user)
    token.refresh_from_db()
    assert token.revoked_at is not None
    assert browser.get("/api/v1/me").status_code == 401


def test_parts_of_the_platform_add_their_own_open_work(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_providers", {})
    registry.register("exit_plan", lambda user_id: [OpenWork("exit_plan", "7", f"of {user_id}")])
    handover = person_deactivate(actor=TEST_ACTOR, user=team.alice)
    assert [item["title"] for item in handover.items] == [f"of {team.alice.pk}"]


def test_unknown_link_is_not_found() -> None:
    from accounts.services import link_person

    with pytest.raises(NotFound):
        link_person("not a link")


@pytest.fixture
def team_bench(db: None) -> Bench:
    """The cast with a market to trade on."""
    return make_bench()
