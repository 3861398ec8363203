"""The pages of risk and statements: who gets what of them, and that every word they may need travels along."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import translation

from frontend.risk_messages import RISK_MESSAGES
from frontend.statement_messages import STATEMENT_MESSAGES
from frontend.ticket import ticket_boot
from tests.frontend.served import page_and_boot
from tests.people import Team, make_team
from trading.ledger.choices import DifferenceKind, DifferenceState, EntryKind
from trading.orders.choices import KillPhase, KillScope
from trading.risk.catalogue import CATALOGUE
from trading.risk.checks import CHECKS
from trading.risk.choices import LimitKind, LimitScope

pytestmark = pytest.mark.django_db
PAGES = ("risk", "statements")


@pytest.fixture
def team(db: None) -> Team:
    return make_team()


@pytest.mark.parametrize("name", PAGES)
def test_page_without_login_leads_to_the_login(client: Client, name: str) -> None:
    address = reverse(f"frontend:{name}")

    assert client.get(address)["Location"] == f"/login/?next={address}"


@pytest.mark.parametrize("name", PAGES)
def test_page_names_visible_accounts_only(team: Team, name: str) -> None:
    assert [account["name"] for account in page_and_boot(team.alice, name)[1]["accounts"]] == ["Alpha"]
    assert [account["name"] for account in page_and_boot(team.risk, name)[1]["accounts"]] == ["Alpha", "Beta"]


def test_risk_page_of_a_trader_names_nobody_else_and_has_no_editor(team: Team) -> None:
    html, boot = page_and_boot(team.alice, "risk")

    assert (boot["officer"], boot["people"]) == (False, [])
    assert 'id="limit-dialog"' not in html
    assert 'id="limit-new"' not in html


def test_risk_page_of_an_officer_has_the_editor_and_everybody(team: Team) -> None:
    html, boot = page_and_boot(team.risk, "risk")

    assert boot["people"] == ["admin", "alice", "bob", "charlie", "risk", "viewer"]
    assert 'id="limit-dialog"' in html


def test_risk_page_without_a_grant_says_nothing_about_accounts(team: Team) -> None:
    html, boot = page_and_boot(team.viewer, "risk")

    assert boot["accounts"] == []
    assert 'id="effective"' not in html
    assert 'id="kill-form"' in html  # everybody may stop themselves


def test_risk_page_carries_every_kind_with_its_parameters(team: Team) -> None:
    kinds = {kind["kind"]: kind for kind in page_and_boot(team.admin, "risk")[1]["kinds"]}

    assert set(kinds) == set(LimitKind.values)
    assert kinds["CANCEL_RATIO"]["params"] == {"minimum": False, "warn": False}
    assert (kinds["SELF_TRADE"]["has_value"], kinds["DAILY_LOSS"]["account_only"]) == (False, True)


def test_statements_page_settles_for_officers_only(team: Team) -> None:
    assert 'id="resolve-dialog"' not in page_and_boot(team.alice, "statements")[0]
    assert 'id="resolve-dialog"' in page_and_boot(team.risk, "statements")[0]


def test_messages_every_check_limit_and_state_has_a_word_in_both_languages() -> None:
    keys = [
        *(f"check.{check.__name__}" for check in CHECKS),
        *(f"limit.{kind}" for kind in LimitKind.values),
        *(f"limit_scope.{scope}" for scope in LimitScope.values),
        *(f"param.{name}" for rule in CATALOGUE.values() for name in rule.params),
        *(f"kill_scope.{scope}" for scope in KillScope.values),
        *(f"kill_phase.{phase}" for phase in KillPhase.values),
        *(f"entry.{kind}" for kind in EntryKind.values),
        *(f"difference.{kind}" for kind in DifferenceKind.values),
        *(f"difference_state.{state}" for state in DifferenceState.values),
    ]
    texts = {**RISK_MESSAGES, **STATEMENT_MESSAGES}

    assert [key for key in keys if key not in texts] == []
    with translation.override("zh-hans"):
        assert [key for key in keys if not re.search(r"[\u4e00-\u9fff]", str(texts[key]))] == []


def test_ticket_offers_what_the_exchange_takes() -> None:
    boot = ticket_boot()

    assert boot["price_types"]["SH.MAIN"] == ["LIMIT", "LATEST", "BEST5_CANCEL", "BEST5_LIMIT", "PEER_BEST", "OWN_BEST"]
    assert boot["price_types"]["SZ.CONVERTIBLE"] == ["LIMIT", "LATEST"]
    assert boot["protected_boards"] == ["STAR", "BSE"]


def test_ticket_every_offered_price_type_has_a_word() -> None:
    boot = ticket_boot()

    offered = {kind for kinds in boot["price_types"].values() for kind in kinds}
    assert {f"price_type.{kind}" for kind in offered} <= set(boot["messages"])
