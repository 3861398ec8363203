"""Reads `config/market_data.yaml` and its overrides; every refusal names the key and where it stands."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache, reduce
from pathlib import Path
from typing import Any

import yaml
from django.core.exceptions import ImproperlyConfigured
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import DotEnvSettingsSource

from .marketdata_schema import MarketDataConfig
from .schema import ROOT, DeskConfig, get_config

DEFAULT_FILE = ROOT / "config" / "market_data.yaml"
PREFIX = "DESK_MARKETDATA__"

KeyPath = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Given:
    """One value that stands in the file or the environment, and where."""

    value: Any
    place: str
    source: str


@dataclass(frozen=True, slots=True)
class Leaf:
    """One key of the schema."""

    path: KeyPath
    field: FieldInfo

    @property
    def variable(self) -> str:
        """The environment variable that overrides it."""
        return PREFIX + "__".join(self.path).upper()


def leaves(model: type[BaseModel] = MarketDataConfig, path: KeyPath = ()) -> Iterator[Leaf]:
    """Every key of the schema, in its order."""
    for name, field in model.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from leaves(inner, (*path, name))
        else:
            yield Leaf((*path, name), field)


def marketdata_default(leaf: Leaf) -> Any:
    """The value of a key that is set nowhere."""
    return reduce(getattr, leaf.path, MarketDataConfig())


def marketdata_path(config: DeskConfig) -> Path:
    """The file in force.

    Raises
    ------
    ImproperlyConfigured
        The file that `DESK_MARKETDATA_FILE` names is not there.
    """
    if config.marketdata_file is None:
        return DEFAULT_FILE
    if not config.marketdata_file.is_file():
        raise ImproperlyConfigured(f"DESK_MARKETDATA_FILE names {config.marketdata_file}, and there is no such file.")
    return config.marketdata_file


def marketdata_given(path: Path, environ: Mapping[str, str]) -> dict[KeyPath, Given]:
    """What the file and the environment set, the environment on top.

    Raises
    ------
    ImproperlyConfigured
        The file cannot be read, is no YAML mapping, or has a key twice; a variable's value is no YAML.
    """
    found = dict(_from_file(path)) if path.is_file() else {}
    for name, text in sorted(environ.items()):
        if not name.upper().startswith(PREFIX) or not text:
            continue
        key = tuple(name.upper().removeprefix(PREFIX).lower().split("__"))
        try:
            value = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise ImproperlyConfigured(f"{name.upper()} is not understood: {error}.") from error
        found[key] = Given(value, name.upper(), "environment")
    return found


def marketdata_load(path: Path, environ: Mapping[str, str]) -> MarketDataConfig:
    """Read and check everything.

    Raises
    ------
    ImproperlyConfigured
        All that is wrong, each with its key and its line or variable.
    """
    given = marketdata_given(path, environ)
    content: dict[str, Any] = {}
    for key, item in given.items():
        _put(content, key, item, given)
    try:
        return MarketDataConfig.model_validate(content)
    except ValidationError as error:
        troubles = [_sentence(one["loc"], one["type"], one["msg"], one["input"], given) for one in error.errors()]
        raise ImproperlyConfigured(f"Market-data settings are refused: {'; '.join(troubles)}.") from error


@lru_cache(maxsize=1)
def get_marketdata() -> MarketDataConfig:
    """Return the process's market-data settings."""
    config = get_config()
    return marketdata_load(marketdata_path(config), marketdata_environment(config, os.environ))


def marketdata_environment(config: DeskConfig, environ: Mapping[str, str]) -> dict[str, str]:
    """The variables in force, upper case, a `.env` beside manage.py included (not in test runs)."""
    names = {name.upper(): value for name, value in environ.items()}
    env_file = ROOT / ".env"
    if config.env == "test" or not env_file.is_file():
        return names
    in_file = DotEnvSettingsSource(DeskConfig, env_file=env_file).env_vars
    return {**{name.upper(): value or "" for name, value in in_file.items()}, **names}


def _from_file(path: Path) -> Iterator[tuple[KeyPath, Given]]:
    try:
        root = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise ImproperlyConfigured(f"The market-data file {path} cannot be read: {error}.") from error
    if root is None:
        return
    if not isinstance(root, yaml.MappingNode):
        raise ImproperlyConfigured(f"The market-data file {path} must hold sections, not a single value.")
    yield from _walk(root, (), path)


def _walk(node: yaml.MappingNode, above: KeyPath, path: Path) -> Iterator[tuple[KeyPath, Given]]:
    seen: set[str] = set()
    for key_node, value_node in node.value:
        name = str(key_node.value)
        key = (*above, name)
        place = f"{path.name} line {key_node.start_mark.line + 1}"
        if name in seen:
            raise ImproperlyConfigured(f"{place}: the key {'.'.join(key)} stands there twice.")
        seen.add(name)
        if isinstance(value_node, yaml.MappingNode):
            # A section that is no section of ours is refused as a key.
            yield key, Given({}, place, "file")
            yield from _walk(value_node, key, path)
        elif value_node.tag != "tag:yaml.org,2002:null":
            yield key, Given(yaml.SafeLoader("").construct_object(value_node, deep=True), place, "file")


def _put(content: dict[str, Any], key: KeyPath, item: Given, given: Mapping[KeyPath, Given]) -> None:
    at = content
    for depth, name in enumerate(key[:-1], start=1):
        inner = at.setdefault(name, {})
        if not isinstance(inner, dict):
            above = key[:depth]
            places = f"{given[above].place}: {'.'.join(above)}"
            raise ImproperlyConfigured(f"{places} is a single value, and {item.place} sets {'.'.join(key)} in it.")
        at = inner
    if item.value == {} and isinstance(at.get(key[-1]), dict):
        return
    at[key[-1]] = item.value


def _sentence(
    location: tuple[int | str, ...], kind: str, message: str, value: Any, given: Mapping[KeyPath, Given]
) -> str:
    key = tuple(str(part) for part in location)
    place = _place(key, given)
    name = ".".join(key)
    if kind == "extra_forbidden":
        known = {".".join(leaf.path) for leaf in leaves()} | set(MarketDataConfig.model_fields)
        close = difflib.get_close_matches(name, sorted(known), n=1)
        text = f"there is no setting {name!r}" + (f" (did you mean {close[0]!r}?)" if close else "")
    else:
        shown = "" if isinstance(value, dict) else f", not {value!r}"
        text = f"{name}: {message[:1].lower()}{message[1:]}{shown}"
    return f"{place}: {text}" if place else text


def _place(key: KeyPath, given: Mapping[KeyPath, Given]) -> str:
    """Where a key stands, else what holds it, else the first thing in it; blank for what is set nowhere."""
    for end in range(len(key), 0, -1):
        if key[:end] in given:
            return given[key[:end]].place
    return next((item.place for path, item in given.items() if path[: len(key)] == key), "")
