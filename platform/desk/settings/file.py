"""The configuration file: the same settings as the environment's, in one TOML file that people can keep.

Keys are the variables without `DESK_`, in lower case. A key that names no setting is refused by name: a
misspelt limit that silently does nothing is worse than no start.
"""

from __future__ import annotations

import difflib
import tomllib
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from pydantic import AliasChoices
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

FILE_NAME = "desk.toml"
PREFIX = "DESK_"
#: Where the file is found depends on these, so they cannot stand in it.
NOT_IN_FILE = frozenset({"state_dir", "config_file", "secrets_dir"})


def variable_names(name: str, field: FieldInfo) -> tuple[str, ...]:
    """The environment variables that set a field, the first one being its proper name."""
    alias = field.validation_alias
    if isinstance(alias, AliasChoices):
        return tuple(str(choice) for choice in alias.choices)
    return (alias,) if isinstance(alias, str) else (f"{PREFIX}{name.upper()}",)


def file_key(name: str, field: FieldInfo) -> str:
    """The key of a field in the file."""
    return variable_names(name, field)[0].removeprefix(PREFIX).lower()


def file_path(given: str | Path | None, state_dir: Path) -> Path | None:
    """The file to read: the named one, which must exist, or the state folder's if it does.

    Raises
    ------
    ImproperlyConfigured
        The named file is not there.
    """
    if given:
        path = Path(given).expanduser()
        if not path.is_file():
            raise ImproperlyConfigured(f"DESK_CONFIG_FILE names {path}, and there is no such file.")
        return path
    path = state_dir / FILE_NAME
    return path if path.is_file() else None


def read_file(path: Path | None, fields: dict[str, FieldInfo]) -> dict[str, Any]:
    """The file's settings by field name.

    Raises
    ------
    ImproperlyConfigured
        It cannot be read, is not TOML, or has a key that is no setting.
    """
    if path is None:
        return {}
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ImproperlyConfigured(f"The configuration file {path} cannot be read: {error}.") from error
    names = {file_key(name, field): name for name, field in fields.items() if name not in NOT_IN_FILE}
    unknown = [_unknown(key, names) for key in content if key not in names]
    if unknown:
        raise ImproperlyConfigured(f"The configuration file {path} is refused: {'; '.join(unknown)}.")
    return {names[key]: value for key, value in content.items()}


def _unknown(key: str, names: dict[str, str]) -> str:
    if key in NOT_IN_FILE:
        return f"{key} can only be set in the environment (DESK_{key.upper()})"
    close = difflib.get_close_matches(key, names, n=1)
    return f"there is no setting {key!r}" + (f" (did you mean {close[0]!r}?)" if close else "")


class FileSource(PydanticBaseSettingsSource):
    """The file as a source of settings, weaker than the environment."""

    def __init__(self, settings_cls: type[BaseSettings], path: Path | None) -> None:
        super().__init__(settings_cls)
        self._path = path

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Part of the base class's interface; the file is read as a whole."""
        raise NotImplementedError

    def __call__(self) -> dict[str, Any]:
        fields = self.settings_cls.model_fields
        found = read_file(self._path, fields)
        # Pydantic takes a field with an alias by that alias only.
        return {
            variable_names(name, fields[name])[0] if fields[name].validation_alias else name: value
            for name, value in found.items()
        }
