"""Services: what they change, what they leave alone, what the audit trail says."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.choices import AccountMode, HostKind, Role, TradeRight, TradingState
from accounts.models import ApiToken, BrokerAccount, Grant, QmtHost, User
from accounts.services import (
    account_halt,
    account_host_set,
    account_mode_set,
    account_resume,
    account_state_set,
    grant_set,
    grant_withdraw,
    host_save,
    token_create,
    token_revoke,
    user_save,
)
from ops.errors import Code, Denied, Invalid
from ops.models import AuditEvent
from tests.people import TEST_ACTOR, Team, make_token

pytestmark = pytest.mark.postgres


def epoch(account: BrokerAccount) -> int:
    return BrokerAccount.objects.get(pk=account.pk).epoch


def actions() -> list[str]:
    return list(AuditEvent.objects.order_by("id").values_list("action", flat=True))


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Control messages that were published."""
    messages: list[dict[str, Any]] = []

    def note(channel: str, payload: dict[str, Any]) -> bool:
        assert channel == "control"
        messages.append(payload)
        return True

    monkeypatch.setattr("accounts.services.control.publish", note)
    return messages


def test_account_halt_raises_epoch_and_audits(team: Team) -> None:
    account = account_halt(actor=TEST_ACTOR, account=team.alpha, reason="drill")
    assert (account.state, account.epoch) == (TradingState.HALTED, 2)
    event = AuditEvent.objects.get()
    assert (event.chain, event.action) == (f"account:{team.alpha.pk}", "account.halted")
    assert event.before == {"state": "ACTIVE", "epoch": 1}
    assert event.after == {"state": "HALTED", "epoch": 2, "reason": "drill"}


def test_account_halt_repeated_changes_nothing(team: Team) -> None:
    account_halt(actor=TEST_ACTOR, account=team.alpha)
    account_halt(actor=TEST_ACTOR, account=team.alpha)
    assert epoch(team.alpha) == 2
    assert actions() == ["account.halted"]


def test_account_halt_with_an_old_copy_does_not_lower_the_epoch(team: Team) -> None:
    stale = BrokerAccount.objects.get(pk=team.alpha.pk)
    account_halt(actor=TEST_ACTOR, account=team.alpha)
    account_resume(actor=TEST_ACTOR, account=team.alpha)
    account_state_set(actor=TEST_ACTOR, account=stale, state=TradingState.REDUCING)
    assert epoch(team.alpha) == 4
    assert actions() == ["account.halted", "account.resumed", "account.reduced"]


def test_account_halt_leaves_the_other_account_alone(team: Team) -> None:
    account_halt(actor=TEST_ACTOR, account=team.alpha)
    team.beta.refresh_from_db()
    assert (team.beta.state, team.beta.epoch) == (TradingState.ACTIVE, 1)


def test_account_halt_tells_after_the_commit(
    team: Team,
    told: list[dict[str, Any]],
    django_capture_on_commit_callbacks: Any,
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        account_halt(actor=TEST_ACTOR, account=team.alpha)
        assert told == []
    assert told == [{"kind": "account.changed", "account_id": team.alpha.pk}]


def test_account_mode_read_only_raises_epoch(team: Team) -> None:
    account = account_mode_set(actor=TEST_ACTOR, account=team.alpha, mode=AccountMode.READ_ONLY)
    assert (account.mode, account.epoch) == (AccountMode.READ_ONLY, 2)


def test_account_mode_live_is_refused_and_the_attempt_stays(team: Team) -> None:
    with pytest.raises(Denied) as refused:
        account_mode_set(actor=TEST_ACTOR, account=team.alpha, mode=AccountMode.LIVE)
    assert refused.value.code == Code.LIVE_NOT_AVAILABLE
    team.alpha.refresh_from_db()
    assert (team.alpha.mode, team.alpha.epoch) == (AccountMode.PAPER, 1)
    assert actions() == ["account.live_refused"]


def test_account_mode_paper_on_a_broker_terminal_is_refused(team: Team) -> None:
    broker = QmtHost.objects.create(name="broker", kind=HostKind.LIVE)
    account = BrokerAccount.objects.create(host=broker, account_no="1", name="Real", mode=AccountMode.READ_ONLY)
    with pytest.raises(Denied) as refused:
        account_mode_set(actor=TEST_ACTOR, account=account, mode=AccountMode.PAPER)
    assert refused.value.code == Code.PAPER_NEEDS_SIMULATED_HOST
    assert epoch(account) == 1


def test_account_host_paper_never_moves_to_a_broker(team: Team) -> None:
    broker = QmtHost.objects.create(name="broker", kind=HostKind.LIVE)
    with pytest.raises(Denied):
        account_host_set(actor=TEST_ACTOR, account=team.alpha, host=broker)
    team.alpha.refresh_from_db()
    assert (team.alpha.host, team.alpha.epoch) == (team.host, 1)


def test_account_host_other_simulated_raises_epoch(team: Team) -> None:
    other = QmtHost.objects.create(name="sim2")
    account = account_host_set(actor=TEST_ACTOR, account=team.alpha, host=other)
    assert (account.host, account.epoch) == (other, 2)


def test_host_becoming_a_broker_under_paper_accounts_is_refused(team: Team) -> None:
    team.host.kind = HostKind.LIVE
    with pytest.raises(Denied):
        host_save(actor=TEST_ACTOR, host=team.host)
    team.host.refresh_from_db()
    assert team.host.kind == HostKind.SIMULATED


def test_host_another_terminal_raises_the_epoch_of_all_its_accounts(team: Team) -> None:
    team.host.userdata_path = "/elsewhere"
    host_save(actor=TEST_ACTOR, host=team.host)
    assert (epoch(team.alpha), epoch(team.beta)) == (2, 2)


def test_grant_first_one_keeps_the_epoch(team: Team) -> None:
    grant_set(actor=TEST_ACTOR, user=team.viewer, account=team.alpha, created_by=team.admin)
    grant = Grant.objects.get(user=team.viewer)
    assert (grant.trade, grant.can_manage, grant.created_by) == ("NONE", False, team.admin)
    assert epoch(team.alpha) == 1
    assert actions() == ["grant.given"]


def test_grant_changed_raises_the_epoch(team: Team) -> None:
    grant_set(actor=TEST_ACTOR, user=team.alice, account=team.alpha, trade=TradeRight.OWN)
    assert epoch(team.alpha) == 2
    event = AuditEvent.objects.get()
    rights = {"can_approve": False, "can_manage": False, "can_move_money": False, "expires_at": None}
    assert event.before == {"trade": "ALL"} | rights
    assert event.after == {"trade": "OWN"} | rights


def test_grant_same_rights_change_nothing(team: Team) -> None:
    grant_set(actor=TEST_ACTOR, user=team.alice, account=team.alpha, trade=TradeRight.ALL)
    assert epoch(team.alpha) == 1
    assert actions() == []


@pytest.mark.parametrize("person", ["viewer", "risk"])
def test_grant_to_trade_for_a_role_that_never_trades_is_refused(team: Team, person: str) -> None:
    with pytest.raises(Denied) as refused:
        grant_set(actor=TEST_ACTOR, user=getattr(team, person), account=team.alpha, trade=TradeRight.ALL)
    assert refused.value.code == Code.ROLE_CANNOT_TRADE
    assert not Grant.objects.filter(user=getattr(team, person)).exists()


def test_grant_withdrawn_raises_the_epoch_and_tells(
    team: Team,
    told: list[dict[str, Any]],
    django_capture_on_commit_callbacks: Any,
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        assert grant_withdraw(actor=TEST_ACTOR, user=team.bob, account=team.alpha)
    assert epoch(team.alpha) == 2
    assert not Grant.objects.filter(user=team.bob).exists()
    assert told == [{"kind": "grant.revoked", "user_id": team.bob.pk, "account_id": team.alpha.pk}]


def test_grant_withdrawn_twice_is_false_and_silent(team: Team) -> None:
    grant_withdraw(actor=TEST_ACTOR, user=team.bob, account=team.alpha)
    assert not grant_withdraw(actor=TEST_ACTOR, user=team.bob, account=team.alpha)
    assert epoch(team.alpha) == 2
    assert actions() == ["grant.withdrawn"]


def test_user_deactivated_raises_the_epoch_where_they_traded(team: Team) -> None:
    team.alice.is_active = False
    user_save(actor=TEST_ACTOR, user=team.alice)
    assert (epoch(team.alpha), epoch(team.beta)) == (2, 1)
    event = AuditEvent.objects.get()
    assert (event.action, event.before, event.after) == (
        "user.changed",
        {"is_active": True},
        {"is_active": False},
    )


def test_user_preferences_keep_the_epoch(team: Team) -> None:
    team.alice.rising_color = "green"
    user_save(actor=TEST_ACTOR, user=team.alice)
    assert epoch(team.alpha) == 1


def test_user_password_never_reaches_the_audit_trail(team: Team) -> None:
    team.alice.set_password("another long password")
    user_save(actor=TEST_ACTOR, user=team.alice)
    event = AuditEvent.objects.get()
    assert (event.action, event.before, event.after) == ("user.password_changed", None, None)


def test_user_added_is_audited(team: Team) -> None:
    dora = user_save(actor=TEST_ACTOR, user=User(username="dora", role=Role.VIEWER))
    event = AuditEvent.objects.get()
    assert (event.action, event.target) == ("user.added", f"user:{dora.pk}")
    assert event.after is not None
    assert event.after["role"] == "VIEWER"


def test_token_is_stored_as_a_digest_only(team: Team) -> None:
    token, plain = make_token(team.alice, "account:read")
    row = ApiToken.objects.values().get(pk=token.pk)
    assert plain.startswith(f"desk_{row['prefix']}")
    assert len(plain) == 48
    assert plain not in str(row)
    assert plain.removeprefix("desk_")[8:] not in str(list(AuditEvent.objects.values()))


def test_token_two_are_never_the_same(team: Team) -> None:
    assert make_token(team.alice)[1] != make_token(team.alice)[1]


@pytest.mark.parametrize("scopes", [[], ["account:read", "everything"]])
def test_token_unknown_scope_or_none_is_refused(team: Team, scopes: list[str]) -> None:
    with pytest.raises(Invalid) as refused:
        token_create(actor=TEST_ACTOR, user=team.alice, name="x", scopes=scopes)
    assert refused.value.code == Code.SCOPE_UNKNOWN
    assert not ApiToken.objects.exists()


def test_token_born_expired_is_refused(team: Team) -> None:
    with pytest.raises(Invalid) as refused:
        make_token(team.alice, days=-1)
    assert refused.value.code == Code.EXPIRY_IN_PAST


def test_token_revoked_once(team: Team) -> None:
    token, _ = make_token(team.alice)
    assert token_revoke(actor=TEST_ACTOR, token=token)
    assert not token_revoke(actor=TEST_ACTOR, token=token)
    assert actions() == ["token.created", "token.revoked"]
