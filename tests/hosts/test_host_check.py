"""`manage.py host_check`: what it finds wrong on a machine that shall be a QMT host."""

from __future__ import annotations

import io
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from accounts.models import QmtHost
from desk.hosts import checks
from desk.management.commands import qmthost
from ops.clocks import wall_now


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("seconds", "ok", "words"), [(0.0, True, "ms "), (3.0, False, "behind"), (-3.0, False, "ahead of")]
)
def test_clock_is_compared_with_the_database_s(
    monkeypatch: pytest.MonkeyPatch, seconds: float, ok: bool, words: str
) -> None:
    moment = wall_now()
    monkeypatch.setattr(checks, "wall_now", lambda: moment)
    monkeypatch.setattr(checks, "database_now", lambda: moment + timedelta(seconds=seconds))
    found = checks.clock_drift()
    assert (found.ok, words in found.detail) == (ok, True)


@pytest.mark.django_db
def test_terminal_s_folder_and_session_ids_have_to_be_there(tmp_path: Path) -> None:
    QmtHost.objects.create(name="qmt1", kind="LIVE", userdata_path=str(tmp_path / "none"), session_ids=[7])
    found = {one.subject: one.ok for one in checks.terminal("qmt1")}
    assert found == {"host": True, "terminal's folder": False, "session ids": False}
    QmtHost.objects.update(userdata_path=str(tmp_path), session_ids=[7, 8])
    assert [one.ok for one in checks.terminal("qmt1")] == [True, True]


@pytest.mark.django_db
def test_disabled_host_is_named() -> None:
    QmtHost.objects.create(name="qmt1", enabled=False)
    (found,) = checks.terminal("qmt1")
    assert (found.ok, found.detail) == (False, "'qmt1' is no enabled QMT host")


def test_redis_that_does_not_answer_is_a_finding_not_a_traceback(tmp_path: Path) -> None:
    assert checks.redis_link(f"unix://{tmp_path}/none.sock").ok is False


def test_redis_without_tls_is_a_finding(valkey: str) -> None:
    assert checks.redis_link(valkey).ok is True


def test_check_of_no_host_asks_for_one() -> None:
    with pytest.raises(CommandError, match="is no QMT host"):
        call_command("host_check", stdout=io.StringIO())


def test_qmthost_without_a_name_on_a_machine_that_is_none_asks_for_one() -> None:
    with pytest.raises(CommandError, match="--host"):
        qmthost.Command().handle(host="")
