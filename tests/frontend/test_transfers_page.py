"""The page of transfers: for whom it is, what each gets of it, and that every word it may need travels along."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import translation

from accounts.models import Grant
from frontend.money_messages import DECISION_MESSAGES, MONEY_MESSAGES
from tests.frontend.served import page, page_and_boot
from tests.people import Team, make_team
from trading.money.choices import TransferKind, TransferStatus

pytestmark = pytest.mark.django_db


@pytest.fixture
def team(db: None) -> Team:
    team = make_team()
    Grant.objects.filter(user=team.alice).update(can_move_money=True)
    return team


@pytest.mark.parametrize(
    ("person", "status"),
    [("alice", 200), ("bob", 403), ("charlie", 403), ("viewer", 403), ("risk", 200), ("admin", 200)],
)
def test_page_is_for_who_moves_money_and_who_sets_its_limits(
    team: Team, client: Client, person: str, status: int
) -> None:
    client.force_login(getattr(team, person))

    assert client.get(reverse("frontend:transfers")).status_code == status


def test_statements_lead_there_for_those_alone(team: Team) -> None:
    address = reverse("frontend:transfers")

    assert f'href="{address}"' in page(team.alice, "statements")
    assert f'href="{address}"' not in page(team.bob, "statements")


def test_page_of_a_mover_has_the_form_and_no_editor_of_limits(team: Team) -> None:
    html, boot = page_and_boot(team.alice, "transfers")

    assert [(account["name"], account["can_move_money"]) for account in boot["accounts"]] == [("Alpha", True)]
    assert 'id="transfer-form"' in html
    assert 'id="money-limit-dialog"' not in html


def test_page_of_an_officer_has_the_editor_of_limits_and_no_form(team: Team) -> None:
    html, boot = page_and_boot(team.risk, "transfers")

    assert [account["name"] for account in boot["accounts"]] == ["Alpha", "Beta"]
    assert 'id="transfer-form"' not in html
    assert 'id="money-limit-dialog"' in html


def test_page_asks_for_passwords_in_the_decision_alone_and_browsers_keep_none(team: Team) -> None:
    fields = re.findall(r'<input type="password"[^>]*>', page(team.alice, "transfers"))

    assert [re.findall(r'name="(\w+)"', field) for field in fields] == [["bank_password"], ["fund_password"]]
    assert all('autocomplete="new-password"' in field and "value=" not in field for field in fields)


def test_queue_of_approvals_has_the_same_dialog_and_its_words(team: Team) -> None:
    html, boot = page_and_boot(team.alice, "approvals")

    assert 'id="transfer-dialog"' in html
    assert set(DECISION_MESSAGES) <= set(boot["messages"])


def test_messages_every_kind_and_status_has_words_in_both_languages() -> None:
    keys = [f"transfer_kind.{kind}" for kind in TransferKind.values]
    keys += [f"transfer_status.{status}" for status in TransferStatus.values]

    with translation.override("zh-hans"):
        assert [key for key in keys if not re.search(r"[\u4e00-\u9fff]", str(MONEY_MESSAGES[key]))] == []
