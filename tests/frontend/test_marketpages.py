"""Pages about market data: who gets them, what they carry, and that every word of theirs has a text."""

from __future__ import annotations

import inspect
import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import translation

from frontend.market_messages import market_messages
from marketdata.choices import EvidenceReason, FindingSeverity, ImportState, IntegrityCheck, RepairStatus, RepairTrouble
from marketdata.services.imports import parsing
from tests.frontend.served import boot_of, page
from tests.people import Team, make_team

pytestmark = pytest.mark.django_db(databases=["default", "quotes"])
PAGES = ("instruments", "sectors", "data", "data-coverage", "data-files", "data-integrity", "data-status")
PREFIXES = {
    "evidence": EvidenceReason,
    "item": RepairStatus,
    "trouble": RepairTrouble,
    "check": IntegrityCheck,
    "finding_severity": FindingSeverity,
    "import_state": ImportState,
}


@pytest.fixture
def team(db: None) -> Team:
    return make_team()


@pytest.mark.parametrize("name", PAGES)
def test_page_without_login_leads_to_the_login(client: Client, name: str) -> None:
    address = reverse(f"frontend:{name}")

    assert client.get(address)["Location"] == f"/login/?next={address}"


@pytest.mark.parametrize("name", PAGES)
def test_page_marks_its_own_tab_and_no_other(team: Team, name: str) -> None:
    tabs = page(team.alice, name).split('class="page-tabs"')[1].split("</nav>")[0]

    assert re.findall(r'href="([^"]+)" aria-current="page"', tabs) == [reverse(f"frontend:{name}")]


@pytest.mark.parametrize(("person", "may"), [("alice", False), ("viewer", False), ("risk", True), ("admin", True)])
def test_integrity_page_offers_settling_only_to_those_who_may(team: Team, person: str, may: bool) -> None:
    html = page(getattr(team, person), "data-integrity")

    assert boot_of(html)["may_settle"] is may
    assert ('id="run-form"' in html) is may


def test_integrity_page_offers_a_download_only_for_what_one_can_repair(team: Team) -> None:
    repairable = boot_of(page(team.risk, "data-integrity"))["repairable"]

    assert "OHLC_ORDER" in repairable
    assert "NON_TRADING_DAY" not in repairable


def test_files_page_offers_the_import_only_to_administrators(team: Team) -> None:
    assert 'id="import-form"' in page(team.admin, "data-files")
    for person in (team.alice, team.risk):
        html = page(person, "data-files")
        assert 'id="import-form"' not in html
        assert 'id="import-forbidden"' in html


def test_messages_every_reason_against_a_row_of_a_file_has_a_text() -> None:
    codes = set(re.findall(r'rows\.refuse\(\s*"([A-Z_]+)"', inspect.getsource(parsing)))

    assert len(codes) == 12
    assert {f"problem.{code}" for code in codes} - set(market_messages()) == set()


@pytest.mark.parametrize(("prefix", "vocabulary"), PREFIXES.items(), ids=PREFIXES)
def test_messages_every_member_of_a_vocabulary_has_a_text_in_chinese(prefix: str, vocabulary: Any) -> None:
    with translation.override("zh-hans"):
        texts = market_messages()

    assert [
        member for member in vocabulary.values if not re.search(r"[\u4e00-\u9fff]", texts.get(f"{prefix}.{member}", ""))
    ] == []
