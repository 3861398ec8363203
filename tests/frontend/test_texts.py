"""Every text a person can meet exists in both languages."""

from __future__ import annotations

import re
from enum import Enum
from importlib import import_module
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import translation

from accounts.choices import AccountMode, SessionState, TradingState
from desk.catalogues import collect, read_catalogue, untranslated
from desk.settings.schema import ROOT
from frontend.code_messages import CODE_MESSAGES
from frontend.code_table import CODE_TABLE, code_table
from frontend.messages import MESSAGES, browser_messages
from ops.errors import Code
from ops.models import Job
from qmt.calendar import Phase
from trading.orders.choices import PriceType, Side, Status

CATALOGUE = Path(settings.LOCALE_PATHS[0]) / "zh_Hans" / "LC_MESSAGES" / "django.po"
VOCABULARIES = {
    "status": Status,
    "side": Side,
    "price_type": PriceType,
    "mode": AccountMode,
    "state": TradingState,
    "session": SessionState,
    "phase": Phase,
    "job_status": Job.Status,
}


def test_catalogue_every_text_of_the_code_is_translated() -> None:
    catalogue = read_catalogue(CATALOGUE)
    known = {message.id for message in catalogue if message.id}

    missing = {message.id for message in collect(ROOT) if message.id} - known

    assert missing == set(), "run manage.py extract_messages and translate"
    assert untranslated(catalogue) == []


def test_translations_name_what_the_text_names() -> None:
    placeholder = re.compile(r"\{\w*\}|%\(\w+\)[sd]")

    different = [
        message.id
        for message in read_catalogue(CATALOGUE)
        if isinstance(message.id, str)
        and message.id
        and set(placeholder.findall(message.id)) != set(placeholder.findall(str(message.string)))
    ]

    assert different == []


def test_code_messages_every_refusal_code_has_a_sentence() -> None:
    assert set(Code) - set(CODE_MESSAGES) == set()


@pytest.mark.parametrize(("prefix", "vocabulary"), VOCABULARIES.items(), ids=VOCABULARIES)
def test_messages_every_member_of_a_vocabulary_has_a_text(prefix: str, vocabulary: type[Enum]) -> None:
    missing = {f"{prefix}.{member}" for member in vocabulary} - set(MESSAGES)

    assert missing == set()


def test_browser_messages_in_chinese_and_english_differ() -> None:
    with translation.override("zh-hans"):
        chinese = browser_messages()
    with translation.override("en"):
        english = browser_messages()

    assert chinese["status.FILLED"] == "全部成交"
    assert english["status.FILLED"] == "Filled"


def browser_code() -> dict[str, str]:
    """Name and text of every ES module of ours."""
    return {
        path.name: path.read_text(encoding="utf-8") for path in (ROOT / "frontend/static/frontend/js").rglob("*.js")
    }


def test_browser_code_names_no_text_that_does_not_exist() -> None:
    known = {f"code.{code}" for code in CODE_MESSAGES}
    for path in (ROOT / "frontend").glob("*messages.py"):
        texts = vars(import_module(f"frontend.{path.stem}"))
        known |= {str(key) for name, table in texts.items() if name.endswith("MESSAGES") for key in table}

    named = {key for text in browser_code().values() for key in re.findall(r'\bt\("([^"]+)"', text)}

    assert len(named) > 300
    assert named - known == set()


def test_browser_code_says_no_words_of_its_own() -> None:
    words = re.compile(r'(?:textContent|title|placeholder|"aria-label")\s*[:=]\s*["`]([A-Z]?[a-z]{2,}[^"`]*)["`]')

    assert words.findall('node.textContent = "Nothing yet"') == ["Nothing yet"]
    assert {name: found for name, text in browser_code().items() if (found := words.findall(text))} == {}


def test_code_table_of_the_documentation_is_the_enums() -> None:
    assert CODE_TABLE.read_text(encoding="utf-8") == code_table(), "run manage.py code_table"
