"""Signed anchors: what the database alone could hide, the file shows."""

from __future__ import annotations

import json
import stat
import sys
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection, transaction
from pytest_django import Settings

from ops.anchor_file import AnchorFile, AnchorKeyError
from ops.audit import Actor, chain_verify, record
from ops.audit_check import audit_check, check_requested, run_check_job
from ops.models import Alert, AuditChain, AuditEvent, Job
from ops.tasks import audit_anchor

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]
ALICE = Actor(kind="user", id="2", label="alice")


@pytest.fixture(autouse=True)
def folder(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state folder of its own; alerts are stored at once."""
    settings.STATE_DIR = tmp_path
    monkeypatch.setattr("ops.alerts.raising._after_commit", lambda work: work())
    monkeypatch.setattr("ops.alerts.store.wake", lambda alert_id: None)
    return tmp_path


def halt(account_id: int | None = 1) -> AuditEvent:
    with transaction.atomic():
        return record(actor=ALICE, action="account.halted", target=f"account:{account_id}", account_id=account_id)


def execute(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


def rewrite_everything() -> None:
    """What somebody who owns the database could do: a whole new, consistent trail."""
    execute("DELETE FROM ops_auditevent")
    execute("DELETE FROM ops_auditchain")
    halt()


def test_append_signs_every_head(folder: Path) -> None:
    first, second = halt(1), halt(None)

    content = AnchorFile(folder).append()

    assert content is not None
    assert content["heads"] == {
        "account:1": {"sequence": 1, "hash": first.hash},
        "platform": {"sequence": 1, "hash": second.hash},
    }
    assert list(AnchorFile(folder).verify()) == []


def test_append_without_chains_writes_nothing(folder: Path) -> None:
    assert AnchorFile(folder).append() is None
    assert list(folder.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_key_is_private_and_made_once(folder: Path) -> None:
    halt()
    AnchorFile(folder).append()
    key = AnchorFile(folder).public_key_pem()

    assert stat.S_IMODE((folder / "audit-anchor-key.pem").stat().st_mode) == 0o600
    assert AnchorFile(folder).public_key_pem() == key
    assert sorted(path.name for path in folder.iterdir()) == ["audit-anchor-key.pem", "audit-anchors.jsonl"]


def test_rewritten_trail_passes_its_chains_and_fails_against_the_file(folder: Path) -> None:
    halt()
    AnchorFile(folder).append()
    rewrite_everything()

    assert chain_verify("account:1").intact
    (problem,) = AnchorFile(folder).verify()
    assert problem.startswith("account:1: signed on ")


def test_truncated_trail_fails_against_the_file(folder: Path) -> None:
    halt()
    second = halt()
    AnchorFile(folder).append()
    execute("DELETE FROM ops_auditevent WHERE sequence = 2")
    first = AuditEvent.objects.get()
    AuditChain.objects.update(last_sequence=1, last_hash=first.hash)

    assert chain_verify("account:1").intact
    (problem,) = AnchorFile(folder).verify()
    assert problem.endswith(f"at #2 with {second.hash}, stored is no such event")


def _lines(folder: Path) -> list[str]:
    return (folder / "audit-anchors.jsonl").read_text().splitlines()


def _write(folder: Path, lines: list[str]) -> None:
    (folder / "audit-anchors.jsonl").write_text("".join(f"{line}\n" for line in lines))


@pytest.fixture
def three(folder: Path) -> Path:
    """A file of three anchors."""
    for _ in range(3):
        halt()
        AnchorFile(folder).append()
    return folder


def test_changed_line_is_named(three: Path) -> None:
    lines = _lines(three)
    content = json.loads(lines[1])
    content["heads"]["account:1"]["hash"] = "0" * 64
    _write(three, [lines[0], json.dumps(content), lines[2]])

    assert list(AnchorFile(three).verify()) == ["audit-anchors.jsonl:2: the signature does not fit"]


def test_removed_line_is_named(three: Path) -> None:
    lines = _lines(three)
    _write(three, [lines[0], lines[2]])

    assert list(AnchorFile(three).verify()) == ["audit-anchors.jsonl:2: a line before it was changed or removed"]


@pytest.mark.parametrize("line", ["", "[]", "null", '{"heads": 3}', "\x00", '{"signature": "!!"}'])
def test_torn_line_is_named(three: Path, line: str) -> None:
    _write(three, [*_lines(three), line or "{"])

    assert list(AnchorFile(three).verify()) == ["audit-anchors.jsonl:4: the line cannot be read"]


def test_file_signed_with_another_key_fails_against_the_key_kept_elsewhere(three: Path) -> None:
    kept = AnchorFile(three).public_key_pem()
    (three / "audit-anchor-key.pem").unlink()
    (three / "audit-anchors.jsonl").unlink()
    AnchorFile(three).append()

    assert list(AnchorFile(three).verify()) == []
    assert list(AnchorFile(three).verify(kept)) == ["audit-anchors.jsonl:1: the signature does not fit"]


def test_missing_key_beside_anchors_is_never_replaced(three: Path) -> None:
    (three / "audit-anchor-key.pem").unlink()

    with pytest.raises(AnchorKeyError, match="is missing"):
        AnchorFile(three).append()
    assert audit_check().problems[0].endswith("restore it, or move the file away")


def test_commands_anchor_verify_and_export_the_key(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    halt()
    out = StringIO()
    call_command("audit_anchor", stdout=out)
    call_command("audit_anchor", public_key=True, stdout=out)
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "key.pem"
    elsewhere.write_text(AnchorFile(folder).public_key_pem())
    call_command("audit_verify", public_key=elsewhere, stdout=out)

    assert "2 chains are signed in " in out.getvalue()
    assert "-----BEGIN PUBLIC KEY-----" in out.getvalue()
    assert "2 chains, 2 events, 1 signed anchors: intact." in out.getvalue()

    rewrite_everything()
    with pytest.raises(CommandError, match="signed on"):
        call_command("audit_verify")


def test_daily_task_anchors_and_raises_an_alert_about_a_broken_trail(folder: Path) -> None:
    halt()
    assert audit_anchor() == {"chains": 2, "problems": 0}
    rewrite_everything()

    assert audit_anchor()["problems"] > 0
    alert = Alert.objects.get()
    assert (alert.kind, alert.severity, alert.account_id) == ("audit.broken", "CRITICAL", None)


def test_check_job_of_an_intact_trail_is_done_with_its_numbers(folder: Path) -> None:
    halt()
    job = check_requested(owner=1)

    assert run_check_job(job.pk) == "DONE"
    job.refresh_from_db()
    assert job.result == {"intact": True, "chains": 1, "events": 1, "anchors": 0, "problems": []}


def test_check_job_of_a_broken_trail_fails_with_the_first_problem(folder: Path) -> None:
    halt()
    execute("UPDATE ops_auditevent SET actor_label = 'mallory'")
    job = check_requested(owner=1)

    assert run_check_job(job.pk) == "FAILED"
    job.refresh_from_db()
    assert job.error.startswith("account:1: broken at #1: the content hashes to ")


def test_check_requested_twice_is_one_job_and_runs_once(folder: Path) -> None:
    first, second = check_requested(owner=1), check_requested(owner=2)

    assert first == second
    run_check_job(first.pk)
    assert run_check_job(first.pk) == "not pending"
    assert Job.objects.count() == 1
