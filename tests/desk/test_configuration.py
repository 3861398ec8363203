"""The configuration file, the stamp of a state folder, and what administrators are shown."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import Client
from pydantic import ValidationError

from accounts.models import User
from desk.management.process import ProcessCommand
from desk.profile import profile_problem, profile_stamp
from desk.settings.effective import MASK, effective_settings, unknown_variables
from desk.settings.schema import ROOT, DeskConfig, get_config
from desk.settings.stamp import Stamp, folder_problem, read_stamp, write_stamp
from desk.settings_table import SETTINGS_TABLE, settings_table
from ops.models import Installation
from tests.people import Team, make_team

SECRET = "kM3x-91hQz_72LbbW0vYtR5sPc8dNqEfGa4JuIo6"


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A state folder of its own and no other variables."""
    for name in list(os.environ):
        if name.startswith("DESK_") or name == "PORT":
            monkeypatch.delenv(name)
    monkeypatch.setenv("DESK_STATE_DIR", str(tmp_path))
    return tmp_path


def write(folder: Path, text: str, name: str = "desk.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def sources(config: DeskConfig, environ: dict[str, str]) -> dict[str, tuple[str, str]]:
    return {item.name: (item.value, item.source) for item in effective_settings(config, environ)}


# ------------------------------------------------------------------------------ file
def test_file_gives_values_and_the_environment_wins(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(folder, 'port = 9001\nlog_level = "WARNING"\nhosts = ["a.example.org"]\nredis_url = "redis://x"\n')
    monkeypatch.setenv("DESK_LOG_LEVEL", "ERROR")

    config = DeskConfig()

    assert (config.port, config.log_level, config.hosts, config.redis_url) == (
        9001,
        "ERROR",
        ["a.example.org"],
        "redis://x",
    )
    found = sources(config, {"DESK_LOG_LEVEL": "ERROR"})
    assert found["port"] == ("9001", "file")
    assert found["log_level"] == ("ERROR", "environment")
    assert found["bind"] == ("127.0.0.1", "default")


def test_bare_port_wins_over_the_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(folder, "port = 9001")
    monkeypatch.setenv("PORT", "9002")

    assert DeskConfig().port == 9002


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("allow_liv = true", "there is no setting 'allow_liv' \\(did you mean 'allow_live'\\?\\)"),
        ("[desk]\nport = 1", "there is no setting 'desk'"),
        ('state_dir = "/x"', "state_dir can only be set in the environment \\(DESK_STATE_DIR\\)"),
        ("port = ", "cannot be read"),
        ("redis_url_given = 'x'", "there is no setting 'redis_url_given'"),
    ],
)
def test_file_that_is_not_understood_is_refused_by_name(folder: Path, text: str, words: str) -> None:
    write(folder, text)

    with pytest.raises(ImproperlyConfigured, match=words):
        DeskConfig()


def test_file_with_a_wrong_value_is_refused(folder: Path) -> None:
    write(folder, 'port = "http"')

    with pytest.raises(ValidationError, match="PORT"):
        DeskConfig()


def test_named_file_is_read_and_has_to_be_there(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(folder, "port = 9001")
    monkeypatch.setenv("DESK_CONFIG_FILE", str(write(folder, "port = 9005", "other.toml")))
    assert DeskConfig().port == 9005

    monkeypatch.setenv("DESK_CONFIG_FILE", str(folder / "missing.toml"))
    with pytest.raises(ImproperlyConfigured, match="there is no such file"):
        DeskConfig()


# ------------------------------------------------------------------------- effective
def test_secrets_are_masked_wherever_they_come_from(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(folder, 'database_url = "postgresql://desk:hunter2@db.example.org:5433/desk?sslpassword=hunter3"')
    monkeypatch.setenv("DESK_SECRET_KEY", SECRET)
    monkeypatch.setenv("DESK_MAIL_PASSWORD", "hunter4")

    shown = effective_settings(DeskConfig(), dict(os.environ))

    text = repr(shown)
    for secret in (SECRET, "hunter2", "hunter3", "hunter4"):
        assert secret not in text
    values = {item.name: item.value for item in shown}
    assert values["database_url"] == f"postgresql://desk:{MASK}@db.example.org:5433/desk"
    assert values["secret_key"] == MASK


def test_misspelt_variables_are_found(folder: Path) -> None:
    assert unknown_variables({"DESK_ALOW_LIVE": "1", "DESK_ENV": "demo", "PATH": "x"}) == ["DESK_ALOW_LIVE"]


def test_every_setting_is_described() -> None:
    assert [item.name for item in effective_settings(get_config()) if not item.description] == []


def test_documentation_is_generated_from_the_schema() -> None:
    assert SETTINGS_TABLE.read_text(encoding="utf-8") == settings_table(), "run manage.py settings_table"


# --------------------------------------------------------------------------- profiles
def test_folder_of_another_profile_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DESK_ENV", "production")
    write_stamp(DeskConfig(), "ABCD")
    monkeypatch.setenv("DESK_ENV", "test")

    assert folder_problem(DeskConfig()) == (
        f"The state folder {folder} belongs to the profile production, and this process runs as test: "
        f"name another folder with DESK_STATE_DIR."
    )


def test_folder_of_another_installation_is_refused(folder: Path) -> None:
    write_stamp(DeskConfig(), "ABCD")

    assert folder_problem(DeskConfig(), "WXYZ").startswith(
        f"The state folder {folder} belongs to installation ABCD, and the database to WXYZ"
    )
    assert folder_problem(DeskConfig(), "ABCD") == ""


def test_stamp_is_written_once(folder: Path) -> None:
    write_stamp(DeskConfig(), "ABCD")
    write_stamp(DeskConfig(), "WXYZ")

    assert read_stamp(DeskConfig()) == Stamp("demo", "ABCD")


@pytest.mark.parametrize("text", ["", "{", "[]", '{"env": "demo"}'])
def test_stamp_that_cannot_be_read_is_refused(folder: Path, text: str) -> None:
    write(folder, text, "installation.json")

    with pytest.raises(ImproperlyConfigured, match="whose state folder"):
        folder_problem(DeskConfig())


def test_start_in_a_foreign_folder_is_one_sentence_without_a_traceback(folder: Path) -> None:
    write(folder, json.dumps({"env": "production", "installation": "ABCD"}), "installation.json")

    done = subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), "check"],
        env={**os.environ, "DESK_ENV": "test", "DJANGO_SETTINGS_MODULE": "desk.settings"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert done.stderr.startswith(f"The state folder {folder} belongs to the profile production")
    assert "Traceback" not in done.stderr


@pytest.mark.django_db
def test_database_of_another_profile_is_refused_before_a_process_starts(folder: Path) -> None:
    Installation.objects.create(code="ABCD", env="production")
    words = "The database belongs to the profile production, and this process runs as demo"

    assert profile_problem(DeskConfig()).startswith(words)

    class Command(ProcessCommand):
        def handle(self, *args: Any, **options: Any) -> None:
            raise AssertionError("must not start")

    with pytest.raises(SystemExit, match="The database belongs to the profile production"):
        Command().run_from_argv(["manage.py", "engine"])


@pytest.mark.django_db
def test_profile_stamp_marks_database_and_folder(folder: Path) -> None:
    profile_stamp(DeskConfig())

    row = Installation.objects.get()
    assert row.env == "demo"
    assert read_stamp(DeskConfig()) == Stamp("demo", row.code)
    assert profile_problem(DeskConfig()) == ""


# -------------------------------------------------------------------------------- API
@pytest.fixture
def team(db: None) -> Team:
    return make_team()


def configuration(user: User) -> Any:
    client = Client()
    client.force_login(user)
    return client.get("/api/v1/configuration")


def test_configuration_is_shown_to_administrators_only(team: Team) -> None:
    assert configuration(team.admin).status_code == 200
    for user in (team.risk, team.alice, team.viewer):
        assert configuration(user).json()["code"] == "PERMISSION_DENIED"


def test_configuration_shows_no_secret(team: Team, settings: Any) -> None:
    text = configuration(team.admin).content.decode()

    assert settings.SECRET_KEY not in text
    assert settings.ENCRYPTION_KEYS[0] not in text
    assert json.loads(text)["env"] == "test"
