"""The package: on its own feet, both clients alike, nothing secret shown."""

from __future__ import annotations

import ast
import inspect
import sys
import tomllib

import pytest

from desk.settings.schema import ROOT
from qmtdesk import AsyncDesk, Desk

PACKAGE = ROOT / "client" / "qmtdesk"


def test_package_imports_its_dependencies_and_nothing_of_the_platform() -> None:
    project = tomllib.loads((ROOT / "client" / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = {text.split(">")[0] for text in project["dependencies"]}
    found = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                found.add(str(node.module).split(".")[0])
    assert found - sys.stdlib_module_names - {"qmtdesk"} == declared


def test_every_folder_is_packaged() -> None:
    project = tomllib.loads((ROOT / "client" / "pyproject.toml").read_text(encoding="utf-8"))
    folders = {".".join(path.parent.relative_to(ROOT / "client").parts) for path in PACKAGE.rglob("__init__.py")}
    assert set(project["tool"]["setuptools"]["packages"]) == folders


def test_both_clients_have_the_same_calls_with_the_same_parameters() -> None:
    def calls(kind: type) -> dict[str, list[str]]:
        members = {name: value for name, value in vars(kind).items() if inspect.isfunction(value) and name[0] != "_"}
        return {name: list(inspect.signature(value).parameters) for name, value in members.items()}

    assert calls(Desk) == calls(AsyncDesk)
    assert len(calls(Desk)) > 35


def test_token_is_shown_nowhere() -> None:
    desk = Desk("https://desk.example.com/", "desk_secret")
    assert repr(desk) == "<Desk https://desk.example.com>"
    assert "secret" not in repr(desk._endpoint)
    assert desk._endpoint.url == "wss://desk.example.com/ws/v1"


def test_address_without_a_scheme_is_refused() -> None:
    with pytest.raises(ValueError, match="http://"):
        Desk("localhost:8010", "desk_x")
