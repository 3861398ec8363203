"""Compiling message catalogues without gettext."""

from __future__ import annotations

import gettext
import os
from pathlib import Path

import pytest
from django.core.management.base import CommandError

from desk.management.commands.compile_catalogues import compile_catalogue

PO = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n\nmsgid "Buy"\nmsgstr "买入"\n'


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "zh_Hans" / "LC_MESSAGES" / "django.po"
    path.parent.mkdir(parents=True)
    path.write_text(PO, encoding="utf-8")
    return path


def test_catalogue_compiles_to_what_gettext_reads(source: Path) -> None:
    assert compile_catalogue(source) is True
    with source.with_suffix(".mo").open("rb") as file:
        assert gettext.GNUTranslations(file).gettext("Buy") == "买入"


def test_catalogue_unchanged_is_not_compiled_again(source: Path) -> None:
    compile_catalogue(source)
    assert compile_catalogue(source) is False
    later = source.with_suffix(".mo").stat().st_mtime + 5
    os.utime(source, (later, later))
    assert compile_catalogue(source) is True


def test_catalogue_malformed_is_refused_with_its_name(source: Path) -> None:
    source.write_text('nonsense "Buy"\n', encoding="utf-8")
    with pytest.raises(CommandError, match=r"django\.po"):
        compile_catalogue(source)
    assert not source.with_suffix(".mo").exists()
