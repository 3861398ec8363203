"""The settings in force, where each comes from, and what they are for; secrets never show."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import DotEnvSettingsSource

from .file import NOT_IN_FILE, PREFIX, file_key, file_path, read_file, variable_names
from .marketdata_file import PREFIX as MARKETDATA
from .marketdata_file import (
    leaves,
    marketdata_default,
    marketdata_environment,
    marketdata_given,
    marketdata_load,
    marketdata_path,
)
from .schema import ROOT, DeskConfig
from .secret_files import is_secret, secret_files

MASK = "••••••••"


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting as an administrator sees it. `source` is `default`, `file`, `secret_file` or `environment`."""

    name: str
    variable: str
    value: str
    source: str
    default: str
    secret: bool
    description: str


def effective_settings(config: DeskConfig, environ: Mapping[str, str] | None = None) -> list[Setting]:
    """Every setting of `config` in the schema's order."""
    given = _environment(config, os.environ if environ is None else environ)
    path = file_path(config.config_file, config.state_dir)
    in_file = read_file(path, DeskConfig.model_fields)
    in_secrets = secret_files(config.secrets_folder, DeskConfig.model_fields)
    rows = [
        Setting(
            name=file_key(name, field),
            variable=variable_names(name, field)[0],
            value=shown(getattr(config, name)),
            source=_source(name, field, given, in_file, in_secrets),
            default=shown_default(field),
            secret=is_secret(field),
            description=description(field),
        )
        for name, field in DeskConfig.model_fields.items()
    ]
    return rows + _marketdata_settings(config, os.environ if environ is None else environ)


def _marketdata_settings(config: DeskConfig, environ: Mapping[str, str]) -> list[Setting]:
    """The keys of the market-data file, named `market_data.section.key`."""
    path, variables = marketdata_path(config), marketdata_environment(config, environ)
    given, in_force = marketdata_given(path, variables), marketdata_load(path, variables)
    return [
        Setting(
            name=".".join(("market_data", *leaf.path)),
            variable=leaf.variable,
            value=shown(reduce(getattr, leaf.path, in_force)),
            source=given[leaf.path].source if leaf.path in given else "default",
            default=shown(marketdata_default(leaf)),
            secret=False,
            description=description(leaf.field),
        )
        for leaf in leaves()
    ]


def unknown_variables(environ: Mapping[str, str]) -> list[str]:
    """Variables with our prefix that name no setting: misspelt ones, most likely."""
    known = {
        variable.upper() for name, field in DeskConfig.model_fields.items() for variable in variable_names(name, field)
    }
    # Those of the market-data file are checked at start.
    ours = {name for name in environ if name.upper().startswith(PREFIX) and not name.upper().startswith(MARKETDATA)}
    return sorted(name for name in ours if name.upper() not in known)


def description(field: FieldInfo) -> str:
    """What the setting is for, on one line."""
    return " ".join((field.description or "").split())


def shown_default(field: FieldInfo) -> str:
    """The default as text; folders inside the project are shown relative to it."""
    text = shown(field.get_default())
    return text.removeprefix(f"{ROOT}{os.sep}")


def shown(value: Any) -> str:
    """A value as text. Of a secret only an address without its password is left."""
    if value is None:
        return ""
    if isinstance(value, SecretStr):
        return _masked(value.get_secret_value())
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return ", ".join(str(item) for item in value)
    return str(value)


def _masked(secret: str) -> str:
    if not secret:
        return ""
    try:
        parts = urlsplit(secret)
        host, port = parts.hostname, parts.port
    except ValueError:
        return MASK
    if not parts.scheme or not host:
        return MASK
    # The query may carry passwords too (libpq options): it is not shown at all.
    user = f"{parts.username}:{MASK}@" if parts.password else (f"{parts.username}@" if parts.username else "")
    name = f"[{host}]" if ":" in host else host
    return urlunsplit((parts.scheme, f"{user}{name}{f':{port}' if port else ''}", parts.path, "", ""))


def _environment(config: DeskConfig, environ: Mapping[str, str]) -> set[str]:
    """Upper-case names of the variables that are set, `.env` included."""
    names = {name.upper() for name, value in environ.items() if value}
    env_file = ROOT / ".env"
    if config.env != "test" and env_file.is_file():
        source = DotEnvSettingsSource(DeskConfig, env_file=env_file)
        names |= {name.upper() for name, value in source.env_vars.items() if value}
    return names


def _source(
    name: str, field: FieldInfo, given: set[str], in_file: Mapping[str, Any], in_secrets: Mapping[str, Any]
) -> str:
    if any(variable.upper() in given for variable in variable_names(name, field)):
        return "environment"
    if name in in_secrets:
        return "secret_file"
    return "file" if name in in_file and name not in NOT_IN_FILE else "default"
