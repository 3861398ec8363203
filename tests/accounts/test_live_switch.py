"""The switch to real money, and every shortcut around it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from accounts.actors import actor_for_token
from accounts.choices import AccountMode, HostKind
from accounts.models import BrokerAccount, LiveSwitch, QmtHost
from accounts.notices import PROGRAM_TRADING_VERSION, program_trading_digest
from accounts.services import account_add, account_host_set, account_mode_set, host_save
from accounts.services import live as live_service
from accounts.services.live import LiveConsent, account_go_live
from accounts.sudo import Sudo
from desk.settings.schema import get_config
from ops.audit import Actor
from ops.clocks import wall_now
from ops.errors import Code, DeskError
from ops.models import AuditEvent
from tests.people import Team, confirmed, make_token, signed_in

CONSENT = LiveConsent(
    account_no="9000000001", notice_version=PROGRAM_TRADING_VERSION, broker_report="2026-11-01 by letter, confirmed"
)

pytestmark = pytest.mark.postgres


@pytest.fixture
def allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    """An installation that was started with DESK_ALLOW_LIVE=1."""
    config = get_config().model_copy(update={"allow_live": True})
    for module in ("accounts.services.live", "accounts.services.broker_accounts", "frontend.access.accounts"):
        monkeypatch.setattr(f"{module}.get_config", lambda: config)


@pytest.fixture
def account(team: Team) -> BrokerAccount:
    """A read-only account at a broker's terminal."""
    host = QmtHost.objects.create(name="broker", kind=HostKind.LIVE)
    return BrokerAccount.objects.create(host=host, account_no="9000000001", name="Real", mode=AccountMode.READ_ONLY)


def go_live(team: Team, account: BrokerAccount, **changes: Any) -> BrokerAccount:
    user = changes.pop("user", team.admin)
    arguments: dict[str, Any] = {
        "actor": Actor(kind="user", id=str(user.pk), label=user.username),
        "user": user,
        "account": account,
        "sudo": Sudo(user_id=user.pk, until=wall_now() + timedelta(minutes=1)),
        "consent": CONSENT,
    }
    return account_go_live(**{**arguments, **changes})


def refusal(team: Team, account: BrokerAccount, **changes: Any) -> Code:
    """Why not; the account is as it was, and the attempt is on its trail."""
    stored = BrokerAccount.objects.get(pk=account.pk)
    with pytest.raises(DeskError) as refused:
        go_live(team, account, **changes)
    now = BrokerAccount.objects.get(pk=account.pk)
    assert (now.mode, now.epoch, now.live_switch_id) == (stored.mode, stored.epoch, stored.live_switch_id)
    event = AuditEvent.objects.filter(action="account.live_refused", account_id=account.pk).first()
    assert event is not None
    assert event.after == {"code": refused.value.code}
    return refused.value.code


@pytest.mark.usefixtures("allowed")
def test_live_with_every_condition_is_switched_and_stored(team: Team, account: BrokerAccount) -> None:
    BrokerAccount.objects.filter(pk=account.pk).update(auto_trading=True)
    go_live(team, account)
    account.refresh_from_db()
    assert (account.mode, account.epoch, account.auto_trading) == ("LIVE", 2, False)
    switch = LiveSwitch.objects.get()
    assert account.live_switch == switch
    assert (switch.switched_by, switch.host_name, switch.notice_version) == (team.admin, "broker", "2025-07-07")
    assert switch.notice_digest == program_trading_digest()
    event = AuditEvent.objects.get(action="account.live_switched_on")
    assert (event.actor_label, event.chain) == ("admin", f"account:{account.pk}")


def test_live_without_the_installations_switch_is_refused(team: Team, account: BrokerAccount) -> None:
    assert refusal(team, account) == Code.LIVE_NOT_AVAILABLE


@pytest.mark.usefixtures("allowed")
@pytest.mark.parametrize("person", ["alice", "risk", "viewer"])
def test_live_by_anybody_but_an_administrator_is_refused(team: Team, account: BrokerAccount, person: str) -> None:
    assert refusal(team, account, user=getattr(team, person)) == Code.PERMISSION_DENIED


@pytest.mark.usefixtures("allowed")
def test_live_by_a_token_the_system_or_in_anothers_name_is_refused(team: Team, account: BrokerAccount) -> None:
    token, _ = make_token(team.admin)
    for actor in (actor_for_token(token), Actor.system("x"), Actor(kind="user", id=str(team.alice.pk), label="alice")):
        assert refusal(team, account, actor=actor) == Code.PERMISSION_DENIED


@pytest.mark.usefixtures("allowed")
def test_live_by_an_administrator_deactivated_meanwhile_is_refused(team: Team, account: BrokerAccount) -> None:
    type(team.admin).objects.filter(pk=team.admin.pk).update(is_active=False)
    assert refusal(team, account) == Code.PERMISSION_DENIED


@pytest.mark.usefixtures("allowed")
def test_live_without_a_fresh_proof_of_this_person_is_refused(team: Team, account: BrokerAccount) -> None:
    stale = Sudo(user_id=team.admin.pk, until=wall_now() - timedelta(seconds=1))
    other = Sudo(user_id=team.alice.pk, until=wall_now() + timedelta(minutes=5))
    for sudo in (None, stale, other):
        assert refusal(team, account, sudo=sudo) == Code.SUDO_REQUIRED


@pytest.mark.usefixtures("allowed")
@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"account_no": "9000000002"}, Code.LIVE_NOT_CONFIRMED),
        ({"account_no": ""}, Code.LIVE_NOT_CONFIRMED),
        ({"notice_version": "2024-01-01"}, Code.LIVE_NOTICE_NOT_ACKNOWLEDGED),
        ({"notice_version": ""}, Code.LIVE_NOTICE_NOT_ACKNOWLEDGED),
        ({"broker_report": "  "}, Code.LIVE_NOTICE_NOT_ACKNOWLEDGED),
        ({"broker_report": "x" * 201}, Code.FIELD_INVALID),
    ],
)
def test_live_with_less_than_full_consent_is_refused(
    team: Team, account: BrokerAccount, changes: dict[str, str], code: Code
) -> None:
    assert refusal(team, account, consent=replace(CONSENT, **changes)) == code


@pytest.mark.usefixtures("allowed")
def test_paper_account_never_becomes_live(team: Team) -> None:
    consent = replace(CONSENT, account_no=team.alpha.account_no)
    assert refusal(team, team.alpha, consent=consent) == Code.LIVE_NEEDS_BROKER_HOST
    account_mode_set(actor=Actor.system("t"), account=team.alpha, mode=AccountMode.READ_ONLY)
    assert refusal(team, team.alpha, consent=consent) == Code.LIVE_NEEDS_BROKER_HOST


@pytest.mark.usefixtures("allowed")
def test_live_account_never_becomes_paper_nor_moves(team: Team, account: BrokerAccount) -> None:
    go_live(team, account)
    actor = Actor.system("t")
    with pytest.raises(DeskError) as refused:
        account_mode_set(actor=actor, account=account, mode=AccountMode.PAPER)
    assert refused.value.code == Code.PAPER_NEEDS_SIMULATED_HOST
    other = QmtHost.objects.create(name="broker2", kind=HostKind.LIVE)
    for host in (team.host, other):
        with pytest.raises(DeskError) as refused:
            account_host_set(actor=actor, account=account, host=host)
        assert refused.value.code == Code.LIVE_ACCOUNT_PINNED
    for change in ({"kind": HostKind.SIMULATED}, {"userdata_path": "/elsewhere"}):
        host = QmtHost.objects.get(name="broker")
        for name, value in change.items():
            setattr(host, name, value)
        with pytest.raises(DeskError) as refused:
            host_save(actor=actor, host=host)
        assert refused.value.code == Code.LIVE_ACCOUNT_PINNED
    assert QmtHost.objects.get(name="broker").kind == HostKind.LIVE


@pytest.mark.usefixtures("allowed")
def test_live_switched_back_ends_the_decision_and_takes_a_new_one(team: Team, account: BrokerAccount) -> None:
    go_live(team, account)
    account_mode_set(actor=Actor.system("t"), account=account, mode=AccountMode.READ_ONLY)
    account.refresh_from_db()
    assert (account.mode, account.live_switch, account.epoch) == ("READ_ONLY", None, 3)
    switch = LiveSwitch.objects.get()
    assert switch.ended_at is not None
    assert refusal(team, account, sudo=None) == Code.SUDO_REQUIRED


@pytest.mark.usefixtures("allowed")
def test_shortcuts_of_the_services_are_refused(team: Team, account: BrokerAccount) -> None:
    actor = Actor.system("t")
    with pytest.raises(DeskError) as refused:
        account_mode_set(actor=actor, account=account, mode=AccountMode.LIVE)
    assert refused.value.code == Code.LIVE_NOT_CONFIRMED
    born_live = BrokerAccount(host=account.host, account_no="1", name="x", mode=AccountMode.LIVE)
    with pytest.raises(DeskError) as refused:
        account_add(actor=actor, account=born_live)
    assert refused.value.code == Code.LIVE_NEEDS_READ_ONLY
    assert not BrokerAccount.objects.filter(mode="LIVE").exists()


def test_shortcut_by_the_table_is_refused_by_the_database(team: Team, account: BrokerAccount) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        BrokerAccount.objects.filter(pk=account.pk).update(mode="LIVE")


@pytest.mark.usefixtures("allowed")
def test_shortcut_by_the_django_admin_is_refused(team: Team, account: BrokerAccount) -> None:
    team.admin.is_staff = True
    team.admin.save()
    values = {
        "host": account.host_id,
        "name": "Real",
        "mode": "LIVE",
        "state": "ACTIVE",
        "commission_rate": "0.00025",
        "min_commission": "5",
        "enabled": "on",
        "live_switch": "1",
    }
    address = f"/admin/accounts/brokeraccount/{account.pk}/change/"
    page = confirmed(team.admin).post(address, values)
    assert b"LIVE_NOT_CONFIRMED" in page.content
    account.refresh_from_db()
    assert account.mode == "READ_ONLY"


# -------------------------------------------------------------------------- the page
def form(**changes: Any) -> dict[str, Any]:
    values = {
        "act": "live",
        "acknowledged": "on",
        "notice_version": PROGRAM_TRADING_VERSION,
        "broker_report": CONSENT.broker_report,
        "account_no": CONSENT.account_no,
    }
    return {name: value for name, value in {**values, **changes}.items() if value is not None}


@pytest.mark.usefixtures("allowed")
def test_page_switches_live_after_confirmation(team: Team, account: BrokerAccount) -> None:
    address = f"/accounts/{account.pk}/live/"
    assert signed_in(team.admin).post(address, form())["Location"].startswith("/confirm/")
    assert BrokerAccount.objects.get(pk=account.pk).mode == "READ_ONLY"
    client = confirmed(team.admin)
    assert "2025" in client.get(address).content.decode()
    assert client.post(address, form()).status_code == 302
    assert BrokerAccount.objects.get(pk=account.pk).mode == "LIVE"


@pytest.mark.usefixtures("allowed")
@pytest.mark.parametrize(
    "changes", [{"acknowledged": None}, {"account_no": "9"}, {"broker_report": None}, {"notice_version": "x"}]
)
def test_page_without_one_of_its_parts_changes_nothing(
    team: Team, account: BrokerAccount, changes: dict[str, Any]
) -> None:
    response = confirmed(team.admin).post(f"/accounts/{account.pk}/live/", form(**changes))
    assert response.status_code in (400, 422)
    assert BrokerAccount.objects.get(pk=account.pk).mode == "READ_ONLY"


def test_page_says_what_stands_against_it(team: Team, account: BrokerAccount) -> None:
    page = confirmed(team.admin).get(f"/accounts/{account.pk}/live/").content.decode()
    assert "DESK_ALLOW_LIVE=1" in page
    assert 'name="account_no"' not in page


def test_no_api_address_switches_to_live() -> None:
    """The matrix lists every address; the only one with this act is the page."""
    from tests.accounts.test_permission_matrix import ENTRIES

    assert [entry for entry in ENTRIES if "/live/ " in f"{entry} "] == [
        "GET /accounts/<int:account_id>/live/",
        "POST /accounts/<int:account_id>/live/ act=live",
    ]
    assert live_service.account_go_live is account_go_live
