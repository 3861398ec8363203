"""Who is told: by subscription, by right, once per channel, not in quiet hours."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from accounts.models import BrokerAccount, Grant, User
from alerts.models import Channel, Delivery, QuietHours, Subscription
from alerts.quiet import quiet_until
from alerts.routing import route, unrouted
from ops.clocks import wall_now
from ops.models import Alert, AlertKind, Severity
from tests.people import Team

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]
SHANGHAI = ZoneInfo("Asia/Shanghai")


def make_alert(
    *,
    account: BrokerAccount | None = None,
    host: str = "",
    severity: Severity = Severity.WARNING,
    kind: AlertKind = AlertKind.REPAIR_FAILED,
) -> Alert:
    now = wall_now()
    return Alert.objects.create(
        kind=kind,
        severity=severity,
        title="title",
        dedup_key=f"{kind}:{now.timestamp()}",
        account_id=None if account is None else account.pk,
        host=host,
        first_at=now,
        last_at=now,
        notified_at=now,
    )


def subscribe(
    user: User,
    severity: Severity = Severity.INFO,
    kinds: list[str] | None = None,
    account: BrokerAccount | None = None,
) -> Subscription:
    channel, _ = Channel.objects.get_or_create(owner=user, name="mail", kind="MAIL", defaults={"sealed": "x"})
    return Subscription.objects.create(
        owner=user, channel=channel, min_severity=severity, kinds=kinds or [], account=account
    )


def told() -> list[str]:
    return sorted(Delivery.objects.values_list("owner__username", flat=True))


@pytest.fixture
def everybody(team: Team) -> Team:
    for user in (team.admin, team.risk, team.viewer, team.alice, team.bob, team.charlie):
        subscribe(user)
    return team


def test_route_account_alert_reaches_those_who_see_the_account(everybody: Team) -> None:
    route(make_alert(account=everybody.alpha).pk)

    assert told() == ["admin", "alice", "bob", "risk"]


def test_route_host_alert_reaches_those_with_an_account_there(everybody: Team) -> None:
    route(make_alert(host="sim").pk)

    assert told() == ["admin", "alice", "bob", "charlie", "risk"]


def test_route_platform_alert_reaches_those_who_answer_for_it(everybody: Team) -> None:
    route(make_alert().pk)

    assert told() == ["admin", "risk"]


def test_route_after_a_withdrawn_grant_tells_nothing_any_more(everybody: Team) -> None:
    Grant.objects.filter(user=everybody.bob).delete()

    route(make_alert(account=everybody.alpha).pk)

    assert told() == ["admin", "alice", "risk"]


def test_route_somebody_who_has_left_is_not_told(everybody: Team) -> None:
    User.objects.filter(pk=everybody.alice.pk).update(is_active=False)

    route(make_alert(account=everybody.alpha).pk)

    assert "alice" not in told()


def test_route_below_the_least_severity_is_not_sent(team: Team) -> None:
    subscribe(team.alice, Severity.CRITICAL)

    route(make_alert(account=team.alpha, severity=Severity.WARNING).pk)

    assert told() == []


def test_route_other_kinds_are_not_sent(team: Team) -> None:
    subscribe(team.alice, kinds=["order.unknown"])

    route(make_alert(account=team.alpha).pk)
    assert told() == []

    route(make_alert(account=team.alpha, kind=AlertKind.ORDER_UNKNOWN).pk)
    assert told() == ["alice"]


def test_route_subscription_to_another_account_is_not_sent(team: Team) -> None:
    subscribe(team.admin, account=team.beta)

    route(make_alert(account=team.alpha).pk)

    assert told() == []


def test_route_two_subscriptions_of_one_channel_send_once(team: Team) -> None:
    subscribe(team.alice)
    subscribe(team.alice, account=team.alpha)

    route(make_alert(account=team.alpha).pk)

    assert told() == ["alice"]


def test_route_repeated_sends_once(team: Team) -> None:
    subscribe(team.alice)
    alert = make_alert(account=team.alpha)

    first, second = route(alert.pk), route(alert.pk)

    assert (len(first), second) == (1, [])
    assert unrouted() == []


def test_route_next_notice_of_one_alert_is_sent_again(team: Team) -> None:
    subscribe(team.alice)
    alert = make_alert(account=team.alpha)
    route(alert.pk)
    Alert.objects.filter(pk=alert.pk).update(notices=2)

    assert unrouted() == [alert.pk]
    assert len(route(alert.pk)) == 1
    assert Delivery.objects.count() == 2


def quiet_now(user: User, *, silence_critical: bool = False) -> datetime:
    """Quiet hours of `user` around this minute; returns their end."""
    local = wall_now().astimezone(SHANGHAI)
    start, end = (local - timedelta(hours=1)), (local + timedelta(hours=1)).replace(second=0, microsecond=0)
    QuietHours.objects.create(
        owner=user, start=start.time().replace(microsecond=0), end=end.time(), silence_critical=silence_critical
    )
    return end.astimezone(UTC)


def test_route_in_quiet_hours_waits_for_their_end(team: Team) -> None:
    subscribe(team.alice)
    end = quiet_now(team.alice)

    assert route(make_alert(account=team.alpha).pk) == []

    assert Delivery.objects.get().due_at == end


def test_route_critical_alert_breaks_the_quiet(team: Team) -> None:
    subscribe(team.alice)
    quiet_now(team.alice)

    assert len(route(make_alert(account=team.alpha, severity=Severity.CRITICAL).pk)) == 1


def test_route_critical_alert_waits_where_a_person_chose_so(team: Team) -> None:
    subscribe(team.alice)
    quiet_now(team.alice, silence_critical=True)

    assert route(make_alert(account=team.alpha, severity=Severity.CRITICAL).pk) == []


@pytest.mark.parametrize(
    ("now", "until"),
    [
        ("2026-11-20T21:59:59", None),
        ("2026-11-20T22:00:00", "2026-11-21T07:00:00"),
        ("2026-11-21T06:59:59", "2026-11-21T07:00:00"),
        ("2026-11-21T07:00:00", None),
    ],
)
def test_quiet_hours_over_midnight(now: str, until: str | None) -> None:
    moment = datetime.fromisoformat(now).replace(tzinfo=SHANGHAI)

    found = quiet_until(moment.astimezone(UTC), start=time(22), end=time(7), zone=SHANGHAI)

    assert found == (None if until is None else datetime.fromisoformat(until).replace(tzinfo=SHANGHAI))


def test_quiet_hours_within_a_day() -> None:
    noon = datetime(2026, 11, 20, 12, 30, tzinfo=SHANGHAI)

    assert quiet_until(noon, start=time(12), end=time(13), zone=SHANGHAI) == noon.replace(hour=13, minute=0)
    assert quiet_until(noon.replace(hour=13), start=time(12), end=time(13), zone=SHANGHAI) is None
