"""What the pages tell people to type, open and call is there."""

from __future__ import annotations

import ast
import json
import re
import shlex
import tomllib
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import CommandError, get_commands, load_command_class
from django.core.management.base import BaseCommand
from drf_spectacular.generators import SchemaGenerator

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    path.relative_to(ROOT)
    for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *ROOT.glob("*/README.md")]
    if not {"var", "node_modules"} & set(path.relative_to(ROOT).parts)
)
READERS: dict[str, Callable[[str], Any]] = {
    "python": ast.parse,
    "json": json.loads,
    "toml": tomllib.loads,
    "yaml": yaml.safe_load,
}
every_page = pytest.mark.parametrize("page", PAGES, ids=str)


def text_of(page: Path) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def fences(page: Path) -> Iterator[tuple[str, str]]:
    """Language and content of every fenced block."""
    for found in re.finditer(r"^```(\w*)\n(.*?)^```", text_of(page), re.MULTILINE | re.DOTALL):
        yield found[1], found[2]


def typed(page: Path) -> Iterator[str]:
    """Whatever a page shows as typed: spans of code, and the lines of its shell blocks, continued ones joined."""
    prose = re.sub(r"^```.*?^```", "", text_of(page), flags=re.MULTILINE | re.DOTALL)
    yield from re.findall(r"`([^`\n]+)`", prose)
    for language, content in fences(page):
        if language in ("sh", "shell", ""):
            yield from content.replace("\\\n", " ").splitlines()


# ------------------------------------------------------------------------------ links
def anchors(page: Path) -> set[str]:
    """Names of a page's headings as links spell them."""
    headings = re.findall(r"^#+ (.+)$", text_of(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@every_page
def test_links_of_a_page_lead_somewhere(page: Path) -> None:
    wrong = []
    for target in re.findall(r"\]\(([^)\s]+)\)", text_of(page)):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        path = ((ROOT / page).parent / name).resolve() if name else ROOT / page
        if not path.exists() or (anchor and anchor not in anchors(path.relative_to(ROOT))):
            wrong.append(target)
    assert wrong == []


def linked(page: str) -> set[str]:
    return set(re.findall(r"\]\((docs/[^)#]+\.md)", text_of(Path(page))))


def test_both_readmes_lead_to_every_page() -> None:
    pages = {str(page) for page in PAGES if page.parts[0] == "docs"}
    assert linked("README.md") == linked("README.zh-CN.md") == pages


# --------------------------------------------------------------------------- commands
@cache
def command(name: str) -> BaseCommand | None:
    app = get_commands().get(name)
    return None if app is None else load_command_class(str(app), name)


def words_of(shown: str) -> list[str]:
    """The words of a command as a page shows it: without what a shell does with its output, options in brackets taken in."""
    shown = re.split(r"\s[|>#&;)]|\)", shown.replace("…", "SOMETHING"))[0]
    return shlex.split(re.sub(r"[\[\]]", " ", shown))


@every_page
def test_management_commands_of_a_page_can_be_typed_so(page: Path) -> None:
    wrong = []
    for line in typed(page):
        for shown in re.findall(r"manage\.py (?! )(.+)", line):
            name, *arguments = words_of(shown)
            known = command(name)
            if known is None:
                wrong.append(f"{name}: no such command")
            elif arguments:
                try:
                    known.create_parser("manage.py", name).parse_args(arguments)
                except CommandError as error:
                    wrong.append(f"{shown}: {error}")
    assert wrong == []


@every_page
def test_make_targets_of_a_page_exist(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = {name for line in typed(page) for name in re.findall(r"(?:^|[\s;&])make ([a-z][a-z-]*)", line)}
    assert named - targets == set()


# ----------------------------------------------------------------------------- blocks
@every_page
def test_blocks_of_a_page_are_what_they_say(page: Path) -> None:
    for language, content in fences(page):
        if language in READERS:
            READERS[language](content)


# -------------------------------------------------------------------------- addresses
@pytest.fixture(scope="module")
def operations() -> dict[str, set[str]]:
    """Methods of every documented path."""
    generator: Any = SchemaGenerator
    paths: dict[str, Any] = generator().get_schema(request=None, public=True)["paths"]
    return {path: {method.upper() for method in item} for path, item in paths.items()}


def fits(shown: str, path: str) -> bool:
    """Whether an address as a page shows it is one of a documented path."""
    said, meant = shown.strip("/").split("/"), path.strip("/").split("/")
    return len(said) == len(meant) and all(b.startswith("{") or a == b for a, b in zip(said, meant, strict=True))


@every_page
def test_rest_addresses_of_a_page_are_served(page: Path, operations: dict[str, set[str]]) -> None:
    wrong = []
    for line in typed(page):
        for methods, shown in re.findall(
            r"\b((?:GET|POST|PUT|PATCH|DELETE)(?:[ ,/]+(?:GET|POST|PUT|PATCH|DELETE))*) (/api/v1/[^\s?`,;]*)", line
        ):
            served = {method for path, known in operations.items() if fits(shown, path) for method in known}
            lacking = set(re.findall(r"[A-Z]+", methods)) - served
            if lacking and "…" not in shown:
                wrong.append(f"{'/'.join(sorted(lacking))} {shown}")
    assert wrong == []
