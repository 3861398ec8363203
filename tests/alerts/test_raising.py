"""Raising: once per condition, never an error, never inside a transaction that is rolled back."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import translation
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from pytest_django import Settings

from ops.alerts import AlertKind, Severity, alert_clear, alert_raise, alerts_directly, alerts_in_background
from ops.alerts.store import one_line
from ops.clocks import wall_now
from ops.models import Alert
from tests.alerts.conftest import Capture

KEY = "data.quotes_stale:sim"


def quotes_stale(severity: Severity = Severity.WARNING, title: str = "no quotes") -> None:
    alert_raise(AlertKind.QUOTES_STALE, severity, title, {"age": 31}, dedup_key=KEY, host="sim")


@pytest.fixture
def stored(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Alerts are stored at once, as outside of a test's transaction."""
    monkeypatch.setattr("ops.alerts.raising._after_commit", lambda work: work())


def test_raise_stores_an_open_alert_and_wakes_the_router(stored: None, no_broker: list[str]) -> None:
    quotes_stale()

    alert = Alert.objects.get()
    assert (alert.kind, alert.severity, alert.title, alert.host, alert.count) == (
        "data.quotes_stale",
        "WARNING",
        "no quotes",
        "sim",
        1,
    )
    assert alert.closed_at is None
    assert no_broker == [f"alerts.route {alert.pk}"]


def test_translatable_title_is_kept_in_every_language(stored: None) -> None:
    title = format_lazy(_("{host} trades and no quote arrives"), host="sim")

    with translation.override("zh-hans"):
        alert_raise(AlertKind.QUOTES_STALE, Severity.WARNING, title, dedup_key=KEY)

    alert = Alert.objects.get()
    assert alert.title == "sim trades and no quote arrives"
    assert alert.titles == {"zh-hans": "sim 处于交易时段，但没有行情到达"}
    assert (alert.title_in("zh-hans"), alert.title_in("en")) == (alert.titles["zh-hans"], alert.title)


def test_repeat_within_the_window_only_counts(stored: None, no_broker: list[str]) -> None:
    for _again in range(3):
        quotes_stale()

    alert = Alert.objects.get()
    assert (alert.count, alert.notices) == (3, 1)
    assert len(no_broker) == 1


def test_repeat_after_the_window_tells_people_again(stored: None) -> None:
    quotes_stale()
    Alert.objects.update(notified_at=wall_now() - timedelta(seconds=901))

    quotes_stale(title="still no quotes")

    alert = Alert.objects.get()
    assert (alert.count, alert.notices, alert.title) == (2, 2, "still no quotes")


def test_repeat_that_is_worse_tells_people_at_once(stored: None) -> None:
    quotes_stale()

    quotes_stale(Severity.CRITICAL)

    alert = Alert.objects.get()
    assert (alert.severity, alert.notices) == ("CRITICAL", 2)


def test_acknowledged_alert_takes_repeats_silently_within_the_window(stored: None) -> None:
    quotes_stale()
    now = wall_now()
    Alert.objects.update(acknowledged_at=now, closed_at=now)

    quotes_stale()

    alert = Alert.objects.get()
    assert (alert.count, alert.notices) == (2, 1)
    assert alert.closed_at is not None


def test_condition_that_comes_back_after_the_window_is_a_new_alert(stored: None) -> None:
    quotes_stale()
    Alert.objects.update(closed_at=wall_now() - timedelta(seconds=901))

    quotes_stale()

    assert Alert.objects.count() == 2


def test_condition_that_flaps_is_shown_again_and_not_sent_again(stored: None, no_broker: list[str]) -> None:
    quotes_stale()
    alert_clear(KEY)
    assert Alert.objects.get().cleared_at is not None

    quotes_stale()

    alert = Alert.objects.get()
    assert (alert.closed_at, alert.cleared_at, alert.notices) == (None, None, 1)
    assert len(no_broker) == 1


def test_clear_without_an_alert_changes_nothing(stored: None) -> None:
    alert_clear(KEY)

    assert Alert.objects.count() == 0


def test_raise_in_a_transaction_that_is_rolled_back_stores_nothing(
    db: None, django_capture_on_commit_callbacks: Capture
) -> None:
    with django_capture_on_commit_callbacks(execute=True), transaction.atomic():
        quotes_stale()
        transaction.set_rollback(True)

    assert Alert.objects.count() == 0


def test_raise_in_a_transaction_is_stored_after_its_commit(
    db: None, django_capture_on_commit_callbacks: Capture
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        with transaction.atomic():
            quotes_stale()
        assert Alert.objects.count() == 0

    assert Alert.objects.count() == 1


def test_raise_with_a_database_that_fails_raises_nothing(
    stored: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("the disk is gone")

    monkeypatch.setattr("ops.alerts.raising.store", broken)

    quotes_stale()

    assert "could not be stored" in caplog.text


def test_raise_with_nonsense_raises_nothing(stored: None) -> None:
    alert_raise("no.such.kind", "LOUD", "x", {}, dedup_key="k")  # type: ignore[arg-type]

    assert Alert.objects.count() == 0


def test_title_and_facts_cannot_forge_lines(stored: None) -> None:
    alert_raise(
        AlertKind.REPAIR_FAILED,
        Severity.INFO,
        "ok\r\n2026-11-20 CRITICAL root: forged\u2028\u202e",
        {"na\nme": "a\nb\x00\x1b[31m", "long": "x" * 1000},
        dedup_key="k\nk",
    )

    alert = Alert.objects.get()
    text = f"{alert.title}{alert.dedup_key}{alert.facts}"
    assert not any(char in text for char in "\n\r\x00\x1b\u2028\u202e")
    assert alert.title == "ok  2026-11-20 CRITICAL root: forged  "
    assert len(alert.facts["long"]) == 400


def test_one_line_keeps_chinese_and_cuts_at_the_limit() -> None:
    assert one_line("贵州茅台\n停牌", 80) == "贵州茅台 停牌"
    assert one_line("abcdef", 4) == "abc…"


@pytest.mark.django_db(transaction=True)
@pytest.mark.postgres
def test_raise_in_the_background_never_waits_and_is_stored(settings: Settings) -> None:
    alerts_in_background()
    for _again in range(5):
        quotes_stale()
    alerts_directly()

    assert Alert.objects.get().count == 5
