"""Every text a person can meet exists in both languages."""

from __future__ import annotations

from enum import Enum
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


def test_code_table_of_the_documentation_is_the_enums() -> None:
    assert CODE_TABLE.read_text(encoding="utf-8") == code_table(), "run manage.py code_table"
