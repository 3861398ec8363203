"""Secrets from files: which are taken, which are refused by name."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from desk.settings import secret_files
from desk.settings.effective import MASK, effective_settings
from desk.settings.schema import ROOT, DeskConfig

SECRET = "kM3x-91hQz_72LbbW0vYtR5sPc8dNqEfGa4JuIo6"
pytestmark = pytest.mark.skipif(os.name != "posix", reason="modes of files are POSIX")


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder of secrets that the environment names, and no other variables."""
    for name in list(os.environ):
        if name.startswith("DESK_") or name == "PORT":
            monkeypatch.delenv(name)
    monkeypatch.setenv("DESK_STATE_DIR", str(tmp_path / "state"))
    path = tmp_path / "secrets"
    path.mkdir()
    monkeypatch.setenv("DESK_SECRETS_DIR", str(path))
    return path


def put(folder: Path, name: str, text: str = f"{SECRET}\n", mode: int = 0o400) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return path


def test_every_secret_of_the_schema_is_read_from_its_file(folder: Path) -> None:
    names = secret_files.secret_file_names(DeskConfig.model_fields)
    assert {"desk_secret_key", "desk_encryption_key", "desk_database_url", "desk_quotes_url", "desk_redis_url"} < set(
        names
    )
    values = {name: f"value of {name}" for name in names} | {"desk_live_key": "0a" * 32}
    for name, value in values.items():
        put(folder, name, f"{value}\n")

    config = DeskConfig()

    assert {name: getattr(config, field).get_secret_value() for name, field in names.items()} == values
    assert {item.source for item in effective_settings(config, {}) if item.secret} == {"secret_file"}


def test_secret_of_a_file_is_masked(folder: Path) -> None:
    put(folder, "desk_secret_key")
    shown = {item.name: item.value for item in effective_settings(DeskConfig(), {})}
    assert shown["secret_key"] == MASK


def test_environment_wins_over_a_secret_file_and_that_over_the_configuration_file(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = folder.parent / "state"
    state.mkdir()
    (state / "desk.toml").write_text('secret_key = "from the file"\nmail_password = "from the file"\n')
    put(folder, "desk_secret_key", "from the folder")
    put(folder, "DESK_MAIL_PASSWORD", "from the folder")
    monkeypatch.setenv("DESK_MAIL_PASSWORD", "from the environment")

    config = DeskConfig()

    assert config.secret_key is not None
    assert config.mail_password is not None
    assert config.secret_key.get_secret_value() == "from the folder"
    assert config.mail_password.get_secret_value() == "from the environment"
    sources = {item.name: item.source for item in effective_settings(config, {"DESK_MAIL_PASSWORD": "x"})}
    assert (sources["secret_key"], sources["mail_password"]) == ("secret_file", "environment")


def test_files_of_others_in_the_folder_are_left_alone(folder: Path) -> None:
    put(folder, "postgres_password", mode=0o444)
    assert DeskConfig().secret_key is None


@pytest.mark.parametrize(
    ("name", "text", "mode", "words"),
    [
        (
            "desk_secret_kye",
            SECRET,
            0o400,
            "there is no secret 'desk_secret_kye' \\(did you mean 'desk_secret_key'\\?\\)",
        ),
        ("desk_port", "80", 0o400, "there is no secret 'desk_port'"),
        ("desk_secret_key", " \n", 0o400, "desk_secret_key is empty"),
        ("desk_secret_key", SECRET, 0o404, "desk_secret_key can be read by every user of this machine"),
        ("desk_secret_key", SECRET, 0o642, "desk_secret_key can be read by every user of this machine"),
    ],
)
def test_secret_file_that_would_not_count_or_is_open_is_refused_by_name(
    folder: Path, name: str, text: str, mode: int, words: str
) -> None:
    put(folder, name, text, mode)
    with pytest.raises(ImproperlyConfigured, match=words):
        DeskConfig()


def test_secret_that_leads_out_of_the_folder_is_refused(folder: Path) -> None:
    (folder / "desk_secret_key").symlink_to(put(folder.parent, "elsewhere"))
    with pytest.raises(ImproperlyConfigured, match="desk_secret_key leads out of the folder"):
        DeskConfig()


def test_secret_that_is_linked_inside_the_folder_is_taken(folder: Path) -> None:
    """As Kubernetes mounts them."""
    (folder / "..data").mkdir()
    put(folder / "..data", "desk_secret_key")
    (folder / "desk_secret_key").symlink_to("..data/desk_secret_key")
    config = DeskConfig()
    assert config.secret_key is not None
    assert config.secret_key.get_secret_value() == SECRET


def test_named_folder_has_to_be_there(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DESK_SECRETS_DIR", str(folder / "missing"))
    with pytest.raises(ImproperlyConfigured, match="there is no such folder"):
        DeskConfig()


def test_default_folder_is_read_with_the_runtime_s_modes_and_never_by_a_test_run(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DESK_SECRETS_DIR")
    monkeypatch.setattr(secret_files, "DEFAULT_FOLDER", folder)
    put(folder, "desk_secret_key", mode=0o444)

    config = DeskConfig()
    assert config.secret_key is not None
    assert config.secret_key.get_secret_value() == SECRET

    monkeypatch.setenv("DESK_ENV", "test")
    assert DeskConfig().secret_key is None


def test_start_with_a_refused_secret_is_one_sentence_without_its_content(folder: Path) -> None:
    put(folder, "desk_secret_key", mode=0o444)

    done = subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), "check"],
        env=dict(os.environ),
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert done.stderr.startswith(f"The secrets in {folder} are refused: desk_secret_key can be read by every user")
    assert "Traceback" not in done.stderr
    assert SECRET not in done.stderr
