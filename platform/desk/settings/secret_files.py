"""Secrets from files: one file per secret in one folder, as container runtimes and systemd hand them over.

A file is named as its variable in lower case: `desk_secret_key`, `desk_database_url`. Only secrets are read from there.
What would silently not count is refused by name: a misspelt file, an empty one, one that leads out of the folder, and
one that every user of the machine may read.
"""

from __future__ import annotations

import difflib
import os
import stat
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, SecretsSettingsSource

from .file import PREFIX, variable_names

DEFAULT_FOLDER = Path("/run/secrets")
"""Where container runtimes mount secrets. Their modes are the runtime's (mostly 0444) and only the container sees them,
so they are not judged there."""


def is_secret(field: FieldInfo) -> bool:
    """Whether the field's value must never be shown."""
    return "SecretStr" in str(field.annotation)


def secret_file_names(fields: dict[str, FieldInfo]) -> dict[str, str]:
    """The name of each secret's file, to its field."""
    return {variable_names(name, field)[0].lower(): name for name, field in fields.items() if is_secret(field)}


def secrets_folder(given: str | Path | None, env: str) -> Path | None:
    """The folder to read: the named one, which must exist, or the default one if it does.

    A test run never meets an installation's secrets: it reads a named folder only.

    Raises
    ------
    ImproperlyConfigured
        The named folder is not there.
    """
    if given:
        path = Path(given).expanduser()
        if not path.is_dir():
            raise ImproperlyConfigured(f"DESK_SECRETS_DIR names {path}, and there is no such folder.")
        return path
    return DEFAULT_FOLDER if env != "test" and DEFAULT_FOLDER.is_dir() else None


def secret_files(folder: Path | None, fields: dict[str, FieldInfo]) -> dict[str, Path]:
    """The files that hold secrets, by field name.

    Raises
    ------
    ImproperlyConfigured
        Naming every file that begins as ours do and cannot be taken.
    """
    if folder is None:
        return {}
    names = secret_file_names(fields)
    found: dict[str, Path] = {}
    problems = []
    for path in sorted(folder.iterdir()):
        name = path.name.lower()
        if not name.startswith(PREFIX.lower()):
            continue  # somebody else's
        if name not in names:
            problems.append(_unknown(path.name, names))
        elif problem := _problem(path, folder):
            problems.append(problem)
        else:
            found[names[name]] = path
    if problems:
        raise ImproperlyConfigured(f"The secrets in {folder} are refused: {'; '.join(problems)}.")
    return found


def _unknown(name: str, names: dict[str, str]) -> str:
    close = difflib.get_close_matches(name.lower(), names, n=1)
    return f"there is no secret {name!r}" + (f" (did you mean {close[0]!r}?)" if close else "")


def _problem(path: Path, folder: Path) -> str:
    """Why this file cannot be taken; blank when it can."""
    try:
        if not path.is_file():
            return f"{path.name} is no file"
        if folder.resolve() not in path.resolve().parents:
            return f"{path.name} leads out of the folder"
        if _is_open(path):
            return f"{path.name} can be read by every user of this machine (chmod o= {path})"
        if not path.read_text(encoding="utf-8").strip():
            return f"{path.name} is empty"
    except (OSError, ValueError) as error:
        return f"{path.name} cannot be read ({error})"
    return ""


def _is_open(path: Path) -> bool:
    """Whether others than owner and group may use the file, as ssh and PostgreSQL judge private keys."""
    if os.name != "posix" or DEFAULT_FOLDER.resolve() in path.resolve().parents:
        return False
    return bool(path.stat().st_mode & (stat.S_IROTH | stat.S_IWOTH))


class SecretFiles(SecretsSettingsSource):
    """The folder as a source of settings: weaker than the environment, stronger than the configuration file."""

    def __init__(self, settings_cls: type[BaseSettings], folder: Path | None) -> None:
        super().__init__(settings_cls, secrets_dir=folder, case_sensitive=False)
        self._files = secret_files(folder, dict(settings_cls.model_fields))

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """The value of a secret; nothing for what is none."""
        if field_name not in self._files:
            return None, field_name, False
        return super().get_field_value(field, field_name)
