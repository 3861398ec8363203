"""What log lines say, about whom, in which file."""

from __future__ import annotations

import io
import json
import logging
import re
import socket
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from celery import Celery, Task
from celery.signals import before_task_publish, task_postrun, task_prerun
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory

from accounts.models import User
from desk.logfiles import ProcessFile
from desk.middleware import RequestContextMiddleware
from desk.supervisor.merged_log import MergedLog
from desk.task_facts import HEADER
from ops.jobs import job_create, job_finish, job_start
from ops.logfacts import current_facts, forget_facts, log_facts, note_facts
from ops.logs import AboutWhat, JsonFormatter, LineFormatter, name_process, process_name
from ops.redaction import MASK
from ops.requests import request_id_var

ROOT = Path(__file__).resolve().parents[2]


class Lines:
    """A logger of the test's own whose lines are kept."""

    def __init__(self, formatter: logging.Formatter) -> None:
        self._stream = io.StringIO()
        handler = logging.StreamHandler(self._stream)
        handler.setFormatter(formatter)
        handler.addFilter(AboutWhat())
        self.log = logging.getLogger(f"desk.test.{uuid.uuid4().hex}")
        self.log.propagate = False
        self.log.setLevel(logging.INFO)
        self.log.addHandler(handler)

    def objects(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text().splitlines()]

    def text(self) -> str:
        return self._stream.getvalue()


@pytest.fixture
def lines() -> Iterator[Lines]:
    before = process_name()
    name_process("worker.trade@sim")
    yield Lines(JsonFormatter())
    name_process(before)
    forget_facts()


def test_json_line_says_when_where_and_what(lines: Lines) -> None:
    lines.log.warning("session %s is %s", 7, "SICK", extra={"tries": 3})
    (row,) = lines.objects()
    assert row["time"].endswith("Z")
    assert len(row["time"]) == len("2026-01-05T01:25:00.123456Z")
    assert {name: row[name] for name in ("level", "process", "host", "message", "tries")} == {
        "level": "WARNING",
        "process": "worker.trade@sim",
        "host": socket.gethostname(),
        "message": "session 7 is SICK",
        "tries": 3,
    }


def test_json_line_says_what_it_is_about(lines: Lines) -> None:
    with log_facts(account_id=1):
        note_facts(order_id="o-1", user_id=None)
        lines.log.info("inside")
    lines.log.info("outside")
    inside, outside = lines.objects()
    assert (inside["account_id"], inside["order_id"]) == (1, "o-1")
    assert {"account_id", "order_id", "user_id"} & (outside.keys() | (inside.keys() & {"user_id"})) == set()


def test_traceback_and_message_show_no_secret(lines: Lines) -> None:
    try:
        raise ValueError("cannot open postgresql://desk:w0rd123@db/desk")
    except ValueError:
        lines.log.exception("failed with password=%s", "hunter22", extra={"api_key": "k"})
    (row,) = lines.objects()
    assert row["message"] == f"failed with password={MASK}"
    assert row["api_key"] == MASK
    assert f"postgresql://desk:{MASK}@db/desk" in row["exception"]
    assert "hunter22" not in lines.text()


def test_text_line_shows_no_secret() -> None:
    lines = Lines(LineFormatter("%(message)s"))
    try:
        raise ValueError("token=abc123")
    except ValueError:
        lines.log.exception("secret: %s", "s3cr3t")
    assert lines.text().startswith(f"secret: {MASK}\n    Traceback")
    assert lines.text().rstrip().endswith(f"ValueError: token={MASK}")


@pytest.mark.parametrize("make", [lambda: LineFormatter("%(asctime)s %(levelname)s %(message)s"), JsonFormatter])
def test_text_of_somebody_else_passes_for_no_line_of_the_log(make: Callable[[], logging.Formatter]) -> None:
    lines = Lines(make())
    forged = "2026-11-20 09:31:00,000 CRITICAL order sent"
    lines.log.warning("refused: %s", f"key\r\n{forged}\u2028{forged}\x1b[2K\u202ekcab\x85{forged}")
    try:
        raise ValueError(f"bad\n{forged}")
    except ValueError:
        lines.log.exception("failed")
    written = lines.text()
    assert forged in written
    assert not [line for line in re.split("[\r\n]", written) if line.startswith(forged)]
    assert "\x1b" not in written


def test_value_that_json_cannot_say_loses_no_line(lines: Lines) -> None:
    lines.log.info("odd", extra={"number": 1 << 80, "thing": Path("a"), "half": "\ud800"})
    (row,) = lines.objects()
    assert (row["number"], row["thing"]) == (1 << 80, "a")


# ------------------------------------------------------------------------- what is known where
def test_request_s_lines_carry_its_id_and_person(lines: Lines) -> None:
    def view(_request: HttpRequest) -> HttpResponse:
        note_facts(user_id=5)
        lines.log.info("served")
        return HttpResponse()

    RequestContextMiddleware(view)(RequestFactory().get("/", headers={"X-Request-ID": "order-42-retry"}))
    lines.log.info("after")
    served, after = lines.objects()
    assert (served["request_id"], served["user_id"]) == ("order-42-retry", 5)
    assert {"request_id", "user_id"} & after.keys() == set()


@pytest.mark.django_db
def test_request_of_a_person_is_about_the_person(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    user = User.objects.create_user(username="alice", password="x")
    client.force_login(user)
    seen: list[dict[str, object]] = []
    monkeypatch.setattr("accounts.middleware.session_note_seen", lambda _request: seen.append(current_facts()))
    client.get("/api/v1/accounts")
    assert seen[0]["user_id"] == user.pk


@pytest.mark.django_db
def test_job_s_lines_carry_its_id_until_it_ends() -> None:
    job = job_create(kind="test")
    job_start(job.pk)
    during = current_facts()
    job_finish(job.pk)
    assert (during["job_id"], current_facts().get("job_id")) == (str(job.pk), None)


_app = Celery("facts", set_as_current=False)


@_app.task(name="desk.test")
def work() -> None:
    """Never run: only its request is looked at."""


def facts_within_task(headers: dict[str, str]) -> dict[str, object]:
    """What lines of a task are about that came with these headers."""
    _app.finalize()
    task: Task[Any, Any] = _app.tasks["desk.test"]
    task.push_request(headers)
    task_prerun.send(sender=task, task=task, task_id="1")
    during = current_facts()
    task_postrun.send(sender=task, task=task, task_id="1")
    task.pop_request()
    return during


def test_task_carries_the_request_s_id_to_another_process() -> None:
    token = request_id_var.set("order-42-retry")
    headers: dict[str, str] = {}
    before_task_publish.send(sender="desk.test", headers=headers)
    request_id_var.reset(token)
    during = facts_within_task(headers)
    assert headers == {HEADER: "order-42-retry"}
    assert during == {"request_id": "order-42-retry", "task": "desk.test"}
    assert current_facts() == {}


def test_task_with_a_forged_id_gets_another() -> None:
    given = facts_within_task({HEADER: 'x", "level": "CRITICAL'})["request_id"]
    assert len(str(given)) == 32


# -------------------------------------------------------------------------------------- files
def _write(handler: ProcessFile, text: str) -> None:
    handler.emit(logging.LogRecord("desk", logging.INFO, __file__, 1, text, None, None))


def test_files_of_two_processes_of_one_name_are_apart_and_bounded(tmp_path: Path, lines: Lines) -> None:
    first = ProcessFile(tmp_path, max_bytes=1_000, keep=2)
    second = ProcessFile(tmp_path, max_bytes=1_000, keep=2)
    for number in range(100):
        _write(first, f"first {number:04} " + "x" * 90)
        _write(second, f"second {number:04} " + "x" * 90)
    first.close()
    second.close()
    logs = sorted(path.name for path in tmp_path.iterdir() if path.suffix != ".lock")
    mine = [f"worker.trade@sim{tail}" for tail in (".log", ".log.1", ".log.2")]
    theirs = [f"worker.trade@sim-2{tail}" for tail in (".log", ".log.1", ".log.2")]
    assert logs == sorted(mine + theirs)
    assert all((tmp_path / name).stat().st_size <= 1_000 for name in logs)
    kept = "".join((tmp_path / name).read_text() for name in reversed(mine))
    assert [line.split()[1] for line in kept.splitlines()] == [f"{number:04}" for number in range(81, 100)]


def test_file_of_a_process_that_ended_is_taken_again(tmp_path: Path, lines: Lines) -> None:
    for _ in range(2):
        handler = ProcessFile(tmp_path, max_bytes=1_000, keep=2)
        _write(handler, "line")
        handler.close()
    assert (tmp_path / "worker.trade@sim.log").read_text() == "line\nline\n"


def test_merged_log_in_json_has_an_object_a_line(tmp_path: Path) -> None:
    screen = io.StringIO()
    log = MergedLog(tmp_path / "desk.log", stream=screen, as_json=True)
    log.line("web", '{"time":"2026-01-05T01:25:00.000001Z","message":"as it is"}')
    log.line("terminal@sim", "2026-01-05 09:25:00.001 WARNING qmt.terminal: link lost")
    log.line("valkey", "password=abc Ready")
    log.headline("QMT Desk is ready")
    log.close()
    rows = [json.loads(line) for line in (tmp_path / "desk.log").read_text().splitlines()]
    assert rows[0] == {"time": "2026-01-05T01:25:00.000001Z", "message": "as it is"}
    told = [(row["process"], row["level"], row["logger"], row["message"]) for row in rows[1:]]
    assert told == [
        ("terminal@sim", "WARNING", "qmt.terminal", "link lost"),
        ("valkey", "INFO", "output", f"password={MASK} Ready"),
        ("up", "INFO", "output", "QMT Desk is ready"),
    ]
    assert screen.getvalue() == (tmp_path / "desk.log").read_text()


def test_process_writes_json_to_its_own_file_when_told_to(tmp_path: Path) -> None:
    code = (
        "import django, logging; django.setup(); from ops.logs import name_process; name_process('engine');"
        "logging.getLogger('marketdata').warning('hello')"
    )
    environment = {
        "PATH": "/usr/bin:/bin",
        "PYTHONPATH": f"{ROOT / 'platform'}:{ROOT}",
        "DJANGO_SETTINGS_MODULE": "desk.settings",
        "DESK_ENV": "test",
        "DESK_STATE_DIR": str(tmp_path),
        "DESK_LOG_FORMAT": "json",
        "DESK_LOG_TO": "files",
    }
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    (row,) = map(json.loads, (tmp_path / "log" / "engine.log").read_text().splitlines())
    assert (row["process"], row["logger"], row["message"]) == ("engine", "marketdata", "hello")
    assert done.stderr == ""
