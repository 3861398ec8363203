"""The pages of executions, new issues, approval rules and webhooks: who gets what of them, with every word they may need."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import translation

from accounts.models import Grant
from frontend.approval_messages import APPROVAL_MESSAGES
from frontend.execution_messages import EXECUTION_MESSAGES
from frontend.exit_messages import EXIT_MESSAGES
from frontend.issue_messages import ISSUE_MESSAGES
from frontend.ticket import ticket_boot
from frontend.webhook_messages import WEBHOOK_MESSAGES
from tests.frontend.served import page_and_boot
from tests.people import Team, make_team
from trading.barrules.choices import RulePeriod
from trading.execution.choices import Kind, State
from trading.ledger.choices import EventKind, IssueKind
from trading.risk.choices import HeldSource
from trading.subscriptions.choices import ResultState
from trading.webhooks.choices import EventDeliveryStatus, WebhookState

pytestmark = pytest.mark.django_db
PAGES = ("executions", "new-issues", "approval-rules", "webhooks", "exits")


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


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("executions", "execution-form"),
        ("new-issues", "issues"),
        ("approval-rules", "rule-trial"),
        ("webhooks", "webhook-form"),
    ],
)
def test_page_without_an_account_offers_nothing_to_ask_for(team: Team, name: str, form: str) -> None:
    assert f'id="{form}"' not in page_and_boot(team.viewer, name)[0]
    assert f'id="{form}"' in page_and_boot(team.alice, name)[0]


def test_executions_page_says_who_may_trade(team: Team) -> None:
    Grant.objects.create(user=team.viewer, account=team.alpha)

    assert [account["can_trade"] for account in page_and_boot(team.alice, "executions")[1]["accounts"]] == [True]
    assert [account["can_trade"] for account in page_and_boot(team.viewer, "executions")[1]["accounts"]] == [False]


def test_approval_rules_page_of_a_trader_names_nobody_else_and_has_no_editor(team: Team) -> None:
    html, boot = page_and_boot(team.alice, "approval-rules")

    assert boot["officer"] is False
    assert 'id="rule-dialog"' not in html
    assert "<option>bob</option>" not in html


def test_approval_rules_page_of_an_officer_has_the_editor_and_everybody(team: Team) -> None:
    html, boot = page_and_boot(team.risk, "approval-rules")

    assert boot["officer"] is True
    assert 'id="rule-dialog"' in html
    assert "<option>bob</option>" in html


def test_approval_rules_page_names_who_may_decide_or_that_nobody_may(team: Team) -> None:
    Grant.objects.filter(user=team.alice).update(can_approve=True)

    html = page_and_boot(team.risk, "approval-rules")[0]

    assert re.search(r"<dt>Alpha [^<]*</dt><dd>alice</dd>", html)
    assert re.search(r'<dt>Beta [^<]*</dt><dd><span class="warn">', html)


def test_accounts_page_says_what_states_mean_and_takes_a_reason(team: Team) -> None:
    client = Client()
    client.force_login(team.admin)

    html = client.get(reverse("frontend:accounts")).content.decode()

    assert html.count('<input name="reason"') == 4  # a halt's and a state's, on two accounts
    assert 'class="facts state-meanings"' in html


def test_messages_every_word_of_the_vocabularies_exists_in_both_languages() -> None:
    keys = [
        *(f"exec.kind.{kind}" for kind in Kind.values),
        *(f"exec.state.{state}" for state in State.values),
        *(f"held_source.{source}" for source in HeldSource.values),
        *(f"event.{kind}" for kind in (*EventKind.values, "gap", "test")),
        *(f"webhook_state.{state}" for state in WebhookState.values),
        *(f"delivery_state.{status}" for status in EventDeliveryStatus.values),
        *(f"issue_kind.{kind}" for kind in IssueKind.values),
        *(f"ipo_state.{state}" for state in ResultState.values),
        *(f"macd_period.{period}" for period in RulePeriod.values),
    ]
    texts = {
        **EXECUTION_MESSAGES,
        **APPROVAL_MESSAGES,
        **WEBHOOK_MESSAGES,
        **ISSUE_MESSAGES,
        **EXIT_MESSAGES,
    }

    assert [key for key in keys if key not in texts] == []
    with translation.override("zh-hans"):
        plain = {"held_source.API", "held_source.RPC"}
        assert [key for key in keys if key not in plain and not re.search(r"[\u4e00-\u9fff]", str(texts[key]))] == []


@pytest.mark.parametrize("state", ["REDUCING", "HALTED"])
def test_dashboard_carries_what_a_state_means(state: str) -> None:
    messages = ticket_boot()["messages"]

    assert {f"banner.means.{state}", "banner.ACCOUNT", "banner.PERSON", "banner.PLATFORM"} <= set(messages)
