"""The Windows installer, as far as a machine without PowerShell can prove it: it parses, and what it calls exists."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

import pytest
import tree_sitter_powershell
from django.core.management import get_commands, load_command_class
from tree_sitter import Language, Node, Parser

from desk.settings.effective import unknown_variables
from desk.settings.schema import ROOT

SCRIPT = ROOT / "docker" / "windows" / "Install-QmtHost.ps1"

#: Of Windows PowerShell 5.1 and its ScheduledTasks module: learn.microsoft.com/powershell/module.
CMDLETS = frozenset(
    """
    Copy-Item Disable-ScheduledTask Enable-ScheduledTask Get-ChildItem Get-Content Get-Date Get-Process
    Get-ScheduledTask Get-TimeZone Join-Path New-Item New-Object New-ScheduledTaskAction
    New-ScheduledTaskPrincipal New-ScheduledTaskSettingsSet New-ScheduledTaskTrigger New-TimeSpan Out-Null
    Pop-Location Push-Location Read-Host Register-ScheduledTask Remove-Item Select-Object Set-Content
    Set-Service Set-StrictMode Set-TimeZone Sort-Object Start-ScheduledTask Start-Service Start-Sleep
    Stop-Process Stop-ScheduledTask Test-Path Unregister-ScheduledTask Where-Object Write-Host Write-Warning
    """.split()  # noqa: SIM905 - read as words
)
PROGRAMS = frozenset({"w32tm.exe", "robocopy.exe", "icacls.exe"})


@cache
def tree() -> Node:
    return Parser(Language(tree_sitter_powershell.language())).parse(SCRIPT.read_bytes()).root_node


def nodes(kind: str, node: Node | None = None) -> Iterator[Node]:
    node = node or tree()
    if node.type == kind:
        yield node
    for child in node.children:
        yield from nodes(kind, child)


def text(node: Node) -> str:
    return (node.text or b"").decode()


def functions() -> set[str]:
    return {text(next(nodes("function_name", one))) for one in nodes("function_statement")}


def manage_calls() -> list[list[str]]:
    """The words behind manage.py and Invoke-Manage: command and options."""
    source = SCRIPT.read_text(encoding="utf-8")
    calls = re.findall(r"@\('manage\.py', ('[^)]*)\)", source) + re.findall(r"Invoke-Manage \S+ @\(([^)]*)\)", source)
    calls += re.findall(r"Invoke-Manage \(Get-Release\) @\(([^)]*)\)", source)
    words = [re.findall(r"'([^']*)'", call) for call in calls]
    return [*words, *(found.split() for found in re.findall(r"-Argument 'manage\.py ([^']*)'", source))]


def test_installer_parses_without_an_error() -> None:
    assert tree().has_error is False
    assert list(nodes("ERROR")) == []


def test_installer_is_plain_ascii_so_that_windows_powershell_reads_it_whatever_its_code_page() -> None:
    assert SCRIPT.read_bytes().isascii()


def test_every_command_of_the_installer_exists() -> None:
    called = {text(one) for one in nodes("command_name")}
    known = CMDLETS | PROGRAMS | functions()
    assert {name for name in called if "$" not in name} <= known
    assert functions() <= called, "a function that nobody calls"


def test_every_manage_command_and_option_of_the_installer_exists() -> None:
    calls = manage_calls()
    assert {words[0] for words in calls} == {"host_enrol", "host_check", "qmthost"}
    for name, *options in calls:
        command = load_command_class(get_commands()[name], name)
        parser = command.create_parser("manage.py", name)
        assert {word for word in options if word.startswith("--")} <= set(parser._option_string_actions)


def test_every_setting_of_the_installer_exists() -> None:
    named = set(re.findall(r"\bDESK_[A-Z_]+", SCRIPT.read_text(encoding="utf-8")))
    assert named == {"DESK_STATE_DIR"}
    assert unknown_variables(dict.fromkeys(named, "")) == []


def test_parameters_are_used_and_each_says_what_it_is() -> None:
    source = SCRIPT.read_text(encoding="utf-8")
    (block,) = (one for one in nodes("param_block") if one.start_point.row < 60)
    names = [text(next(nodes("variable", one))) for one in nodes("script_parameter", block)]
    assert len(names) >= 8
    for name in names:
        assert len(re.findall(re.escape(name) + r"\b", source)) > 1, f"{name} is declared and not used"


@pytest.mark.parametrize(
    "forbidden", ["Invoke-Expression", "Invoke-WebRequest", "DownloadString", "http://", "-SkipCertificateCheck"]
)
def test_installer_fetches_and_evaluates_nothing(forbidden: str) -> None:
    assert forbidden.lower() not in SCRIPT.read_text(encoding="utf-8").lower()


def test_installer_hands_the_code_over_on_standard_input_only() -> None:
    source = SCRIPT.read_text(encoding="utf-8")
    uses = [line.strip() for line in source.splitlines() if re.search(r"\$code\b", line)]
    assert uses == [
        "$code = [Net.NetworkCredential]::new('', $secret).Password",
        "$code | & (Get-ReleasePython $Release) @arguments",
    ]
