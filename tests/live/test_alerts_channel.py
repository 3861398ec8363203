"""Alerts on the live socket: what is open at first, then what changes; only what the person may see."""

from __future__ import annotations

import pytest

from accounts.services import grant_withdraw
from alerts.services import alert_acknowledge
from ops.alerts import AlertKind, Severity, alert_clear, alert_raise
from ops.models import Alert
from tests.live.conftest import Server
from tests.people import TEST_ACTOR, Team, make_token

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "quotes"])


@pytest.fixture(autouse=True)
def no_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ops.alerts.store.wake", lambda alert_id: None)


def raise_for(account_id: int | None, key: str = "k") -> None:
    alert_raise(
        AlertKind.ORDER_UNKNOWN,
        Severity.CRITICAL,
        f"title {key}",
        dedup_key=f"{key}:{account_id}",
        account_id=account_id,
    )


def test_alerts_snapshot_holds_the_open_ones_of_the_person(server: Server, team: Team) -> None:
    raise_for(team.alpha.pk)
    raise_for(team.beta.pk)
    raise_for(None, "over")
    alert_clear("over:None")

    with server.session(team.alice) as socket:
        frame = socket.subscribe("alerts")
    with server.session(team.admin) as socket:
        whole = socket.subscribe("alerts")

    assert (frame["type"], frame["snapshot"]) == ("alerts", True)
    assert [alert["account"] for alert in frame["data"]] == [team.alpha.pk]
    assert [alert["account"] for alert in whole["data"]] == [team.beta.pk, team.alpha.pk]


def test_new_alert_arrives_at_those_who_may_see_it_only(server: Server, team: Team) -> None:
    with server.session(team.alice) as alice, server.session(team.charlie) as charlie:
        assert alice.subscribe("alerts")["data"] == []
        assert charlie.subscribe("alerts")["data"] == []
        raise_for(team.alpha.pk)

        (alert,) = alice.until("alerts")["data"]
        assert (alert["title"], alert["severity"], alert["open"]) == ("title k", "CRITICAL", True)
        assert charlie.silent()


def test_acknowledged_alert_is_shown_as_closed_to_everybody_who_sees_it(server: Server, team: Team) -> None:
    raise_for(team.alpha.pk)
    with server.session(team.bob) as bob:
        bob.subscribe("alerts")
        alert_acknowledge(actor=TEST_ACTOR, user=team.alice, alert_id=Alert.objects.get().pk)

        (alert,) = bob.until("alerts")["data"]

    assert (alert["open"], alert["acknowledged_by"]) == (False, "alice")


def test_withdrawn_grant_takes_its_alerts_off_the_page(server: Server, team: Team) -> None:
    raise_for(team.alpha.pk)
    with server.session(team.bob) as bob:
        assert len(bob.subscribe("alerts")["data"]) == 1
        grant_withdraw(actor=TEST_ACTOR, user=team.bob, account=team.alpha)

        frame = bob.until("alerts", seconds=1.5)
        assert (frame["snapshot"], frame["data"]) == (True, [])
        raise_for(team.alpha.pk, "later")
        assert bob.silent()


def test_token_without_account_scope_subscribes_to_no_alerts(server: Server, team: Team) -> None:
    with server.token(make_token(team.alice, "market:read")[1]) as socket:
        frame = socket.subscribe("alerts")

    assert (frame["type"], frame["code"]) == ("error", "SCOPE_MISSING")
