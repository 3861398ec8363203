"""A QMT host's credentials: made on the platform, fetched once by the machine that knows the code."""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.server
import io
import json
import os
import ssl
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client
from dotenv import dotenv_values

from accounts.models import BrokerAccount, HostEnrolment, QmtHost
from accounts.services import enrolment
from desk.hosts import bundle, postgres, rowsecurity, valkey
from desk.hosts.privileges import DEFAULT, READ, undecided
from desk.management.commands import host_credentials
from desk.settings.schema import DeskConfig
from ops.audit import Actor
from ops.clocks import wall_now
from ops.models import AuditEvent
from tests.hosts.tlsdoor import Authority

ACTOR = Actor.system("test")
BUNDLE = {"host": "qmt1", "settings": {"DESK_QMT_HOST": "qmt1", "DESK_ENV": "production"}, "files": {}}


@pytest.fixture
def host(db: None) -> QmtHost:
    return QmtHost.objects.create(name="qmt1", kind="LIVE", userdata_path="C:\\qmt\\userdata_mini")


def ask(code: Any, client: Client | None = None) -> Any:
    return (client or Client()).post(
        "/api/v1/host-enrolments", data=json.dumps({"code": code}), content_type="application/json"
    )


def test_enrolment_hands_the_bundle_over_once_and_keeps_nothing(host: QmtHost) -> None:
    code = enrolment.enrolment_issue(actor=ACTOR, host=host, bundle=BUNDLE)
    answer = ask(code)
    assert (answer.status_code, answer.json(), answer["Cache-Control"]) == (200, BUNDLE, "no-store")
    assert ask(code).status_code == 404
    row = HostEnrolment.objects.get()
    assert (row.sealed_bundle, row.used_from) == ("", "127.0.0.1")
    assert list(AuditEvent.objects.order_by("pk").values_list("action", "actor_label")) == [
        ("host.credentials_issued", "test"),
        ("host.enrolled", "qmt-host:qmt1"),
    ]


def test_enrolment_code_and_bundle_are_not_in_the_database(host: QmtHost) -> None:
    code = enrolment.enrolment_issue(actor=ACTOR, host=host, bundle={**BUNDLE, "settings": {"DESK_X": "open sesame"}})
    row = HostEnrolment.objects.get()
    assert code not in str(vars(row))
    assert "open sesame" not in row.sealed_bundle


@pytest.mark.parametrize("code", ["", "short", "A" * 43, "A" * 64, "../../etc/passwd", "１" * 43, "' OR 1=1 --"])
def test_enrolment_with_a_wrong_code_learns_nothing(host: QmtHost, code: str) -> None:
    enrolment.enrolment_issue(actor=ACTOR, host=host, bundle=BUNDLE)
    answer = ask(code)
    assert (answer.status_code, answer.json()["code"]) == (404, "ENROLMENT_INVALID")
    assert HostEnrolment.objects.get().used_at is None


@pytest.mark.parametrize("code", [1, True, ["x"], {"a": 1}])
def test_enrolment_code_of_another_type_is_refused(host: QmtHost, code: Any) -> None:
    answer = ask(code)
    assert (answer.status_code, answer.json()["field"]) == (400, "code")


def test_enrolment_after_too_many_wrong_codes_is_refused_even_with_the_right_one(host: QmtHost) -> None:
    code = enrolment.enrolment_issue(actor=ACTOR, host=host, bundle=BUNDLE)
    for _ in range(enrolment.MAX_WRONG_CODES):
        assert ask("A" * 43).status_code == 404
    answer = ask(code)
    assert (answer.status_code, answer.json()["code"]) == (429, "RATE_LIMITED")
    assert HostEnrolment.objects.get().used_at is None


def test_enrolment_code_ends_with_its_time_its_successor_and_its_host(host: QmtHost) -> None:
    late = enrolment.enrolment_issue(actor=ACTOR, host=host, bundle=BUNDLE)
    HostEnrolment.objects.update(expires_at=wall_now() - timedelta(seconds=1))
    assert ask(late).status_code == 404
    replaced = enrolment.enrolment_issue(actor=ACTOR, host=host, bundle=BUNDLE)
    present = enrolment.enrolment_issue(actor=ACTOR, host=host, bundle=BUNDLE)
    assert ask(replaced).status_code == 404
    QmtHost.objects.update(enabled=False)
    assert ask(present).status_code == 404


# --- the command ------------------------------------------------------------------------------------------------------

SHARED = {
    "DESK_ENV": "production",
    "DESK_DATABASE_URL": "postgresql://desk:platform-pw@db.example.org:5432/desk?sslmode=require&connect_timeout=5",
    "DESK_QUOTES_URL": "postgresql://desk:platform-pw@db.example.org:5432/quotes",
    "DESK_REDIS_URL": "rediss://:platform-pw@redis.example.org:6379/0",
}


@pytest.fixture
def shared(monkeypatch: pytest.MonkeyPatch) -> DeskConfig:
    for name in list(os.environ):
        if name.startswith("DESK_") and name != "DESK_STATE_DIR":
            monkeypatch.delenv(name)
    for name, value in SHARED.items():
        monkeypatch.setenv(name, value)
    config = DeskConfig()
    monkeypatch.setattr(host_credentials, "get_config", lambda: config)
    return config


def test_credentials_command_writes_files_without_secrets_and_prints_the_code(
    host: QmtHost, shared: DeskConfig, tmp_path: Path
) -> None:
    authority = Authority(tmp_path, "authority")
    out, words = io.StringIO(), io.StringIO()
    call_command(
        "host_credentials", "qmt1", out=tmp_path / "out", tls_ca=authority.file, redis_address="10.0.0.9:6400",
        stdout=out, stderr=words,
    )  # fmt: skip
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "qmt1.acl", "qmt1.default.sql", "qmt1.quotes.sql",
    }  # fmt: skip
    given = ask(out.getvalue().strip()).json()
    settings = given["settings"]
    assert settings["DESK_DATABASE_URL"].startswith("postgresql://desk_host_qmt1:")
    assert settings["DESK_DATABASE_URL"].endswith("@db.example.org:5432/desk?connect_timeout=5")
    assert settings["DESK_REDIS_URL"].startswith("rediss://host.qmt1:")
    assert settings["DESK_REDIS_URL"].endswith("@10.0.0.9:6400/0")
    assert given["files"] == {"DESK_TLS_CA": authority.file.read_text()}
    told = "".join(path.read_text() for path in (tmp_path / "out").iterdir()) + words.getvalue()
    secrets = [settings[name].split(":")[2].split("@")[0] for name in ("DESK_DATABASE_URL", "DESK_REDIS_URL")]
    assert [secret for secret in secrets if secret in told] == []
    assert "platform-pw" not in told + json.dumps(given)
    assert hashlib.sha256(secrets[1].encode()).hexdigest() in told


def test_credentials_revoked_disable_the_host_and_raise_its_accounts_epoch(
    host: QmtHost, shared: DeskConfig, tmp_path: Path
) -> None:
    account = BrokerAccount.objects.create(host=host, account_no="8000000009", name="A", mode="READ_ONLY")
    code = enrolment.enrolment_issue(actor=ACTOR, host=host, bundle=BUNDLE)
    call_command("host_credentials", "qmt1", out=tmp_path, revoke=True, stdout=io.StringIO(), stderr=io.StringIO())
    account.refresh_from_db()
    host.refresh_from_db()
    assert (host.enabled, account.epoch) == (False, 2)
    assert ask(code).status_code == 404
    assert {path.name for path in tmp_path.iterdir()} == {
        "qmt1.default.revoke.sql", "qmt1.quotes.revoke.sql", "qmt1.revoke.redis",
    }  # fmt: skip


def test_credentials_refreshed_give_this_release_s_privileges_and_no_new_password(
    host: QmtHost, shared: DeskConfig, tmp_path: Path
) -> None:
    call_command("host_credentials", "qmt1", out=tmp_path, refresh=True, stdout=io.StringIO(), stderr=io.StringIO())
    assert {path.name for path in tmp_path.iterdir()} == {"qmt1.default.sql", "qmt1.quotes.sql"}
    assert "PASSWORD" not in "".join(path.read_text() for path in tmp_path.iterdir())
    assert not HostEnrolment.objects.exists()


def test_credentials_of_a_platform_on_sqlite_are_refused(host: QmtHost, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="needs the platform on PostgreSQL and Redis"):
        call_command("host_credentials", "qmt1", out=tmp_path / "out", stderr=io.StringIO())
    assert not HostEnrolment.objects.exists()
    assert not (tmp_path / "out").exists()


def test_credentials_of_an_unknown_host_are_refused(shared: DeskConfig, tmp_path: Path, db: None) -> None:
    with pytest.raises(CommandError, match="no QMT host 'other'"):
        call_command("host_credentials", "other", out=tmp_path / "out")


def test_every_table_is_granted_or_withheld_on_purpose() -> None:
    tables = [model._meta.db_table for model in apps.get_models(include_auto_created=True)]
    assert undecided(tables) == [], "name it in desk/hosts/privileges.py: may a QMT host see it?"


def test_every_row_of_an_account_or_a_host_is_bound_or_shared_on_purpose() -> None:
    written = {one.table for one in DEFAULT if one.rights != READ}
    found = {
        model._meta.db_table
        for model in apps.get_models()
        if {field.column for field in model._meta.concrete_fields} & {"account_id", "host_id", "host_name", "host"}
    }
    bound = {one.table for one in rowsecurity.BOUND}
    assert sorted((found & written) - bound - set(rowsecurity.SHARED)) == [], "name it in desk/hosts/rowsecurity.py"
    assert sorted((bound | set(rowsecurity.SHARED)) - written) == []


def test_sql_of_a_host_binds_rows_for_its_role_alone() -> None:
    sql = postgres.grant_sql("qmt-1", "", database="default", name="desk")
    restrictive = [line for line in sql.splitlines() if "AS RESTRICTIVE" in line]
    assert (len(restrictive) > 50, {line.split(" TO ")[1].split(" ")[0] for line in restrictive}) == (
        True,
        {'"desk_host_qmt-1"'},
    )
    assert (
        sql.count("ENABLE ROW LEVEL SECURITY") == sql.count("USING (true) WITH CHECK (true)") == len(rowsecurity.BOUND)
    )
    assert "{" not in sql
    assert "ROW LEVEL SECURITY" not in postgres.grant_sql("qmt-1", "", database="quotes", name="quotes")


def test_scram_verifier_is_that_of_the_published_example() -> None:
    # RFC 7677, section 3: user "user", password "pencil".
    salt = bytes.fromhex("5b6d99689d1235 8e eca04b141236fa81".replace(" ", ""))
    stored, server = postgres.scram_verifier("pencil", salt).split("$")[2].split(":")
    assert postgres.scram_verifier("pencil", salt).startswith("SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$")
    # ServerSignature of that exchange follows from ServerKey and its AuthMessage.
    exchange = (
        "n=user,r=rOprNGfwEbeRWgbNEkqO,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,"
        "i=4096,c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
    )
    signature = hmac.digest(base64.b64decode(server), exchange.encode(), "sha256")
    assert base64.b64encode(signature).decode() == "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="
    assert len(base64.b64decode(stored)) == 32


def test_bundle_without_tls_files_of_the_platform(shared: DeskConfig) -> None:
    made = bundle.make_credentials(shared, "qmt1", addresses=bundle.Addresses("10.0.0.8:5433"), pem_files={})
    assert "@10.0.0.8:5433/quotes" in made.bundle["settings"]["DESK_QUOTES_URL"]
    assert "sslmode" not in json.dumps(made.bundle)


# --- the host's side --------------------------------------------------------------------------------------------------


@contextmanager
def platform_door(
    authority: Authority, status: int, body: Any, location: str = ""
) -> Iterator[tuple[int, list[bytes]]]:
    """An HTTPS server that answers every POST the same; yields its port and the bodies it got."""
    got: list[bytes] = []

    class Answering(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(status)
            if location:
                self.send_header("Location", location)
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def log_message(self, *args: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    identity = authority.issue("platform", hosts=("127.0.0.1",))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(identity.certificate, identity.key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server.server_address[1], got
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


def enrol(monkeypatch: pytest.MonkeyPatch, url: str, folder: Path, ca: Path | None, code: str = "the-code") -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{code}\n"))
    call_command("host_enrol", url=url, ca=ca, env_file=folder / "env", stdout=io.StringIO(), stderr=io.StringIO())


def test_host_enrols_over_tls_and_keeps_its_settings_to_itself(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, state_dir: Path
) -> None:
    authority = Authority(tmp_path, "authority")
    settings = {"DESK_QMT_HOST": "qmt1", "DESK_DATABASE_URL": "postgresql://u:p'\\q@db/desk"}
    given = {"host": "qmt1", "settings": settings, "files": {"DESK_TLS_CA": "PEM"}}
    with platform_door(authority, 200, given) as (port, got):
        enrol(monkeypatch, f"https://127.0.0.1:{port}", tmp_path, authority.file)
    assert json.loads(got[0]) == {"code": "the-code"}
    pem = state_dir / "tls" / "desk_tls_ca.pem"
    assert dict(dotenv_values(tmp_path / "env")) == {
        **settings,
        "DESK_TLS_CA": str(pem),
        "DESK_STATE_DIR": str(state_dir),
    }
    assert pem.read_text() == "PEM"
    assert [stat.S_IMODE(file.stat().st_mode) for file in (tmp_path / "env", pem)] == [0o600, 0o600]


def test_host_trusts_no_strange_platform_with_its_code(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    impostor = Authority(tmp_path, "impostor")
    with (
        platform_door(impostor, 200, BUNDLE) as (port, got),
        pytest.raises(CommandError, match="certificate verify failed"),
    ):
        enrol(monkeypatch, f"https://127.0.0.1:{port}", tmp_path, None)
    assert (got, (tmp_path / "env").exists()) == ([], False)


def test_host_follows_no_redirect_with_its_code(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    authority = Authority(tmp_path, "authority")
    with (
        platform_door(authority, 307, {}, location="https://127.0.0.1:1/elsewhere") as (port, _got),
        pytest.raises(CommandError, match="answered 307"),
    ):
        enrol(monkeypatch, f"https://127.0.0.1:{port}", tmp_path, authority.file)


@pytest.mark.parametrize("url", ["http://desk.example.org", "ftp://desk.example.org", "desk.example.org"])
def test_host_sends_no_code_in_the_clear(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, url: str) -> None:
    with pytest.raises(CommandError, match="begins with https"):
        enrol(monkeypatch, url, tmp_path, None)


def test_host_with_a_wrong_code_is_told_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    authority = Authority(tmp_path, "authority")
    with (
        platform_door(authority, 404, {}) as (port, _got),
        pytest.raises(CommandError, match="does not know this code"),
    ):
        enrol(monkeypatch, f"https://127.0.0.1:{port}", tmp_path, authority.file)
    assert not (tmp_path / "env").exists()


def test_acl_line_names_the_host_s_own_queues_only() -> None:
    line = valkey.acl_line("qmt1", "pw")
    assert line.startswith("user host.qmt1 reset on #")
    assert "~desk:celery:qmt.qmt1.*" in line.split()
    assert [word for word in line.split() if word in ("~*", "&*", "+@all", "allkeys", "nopass")] == []
