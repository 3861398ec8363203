"""The switch to real money. There is this one way, and each of its conditions stands alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.db import transaction

from accounts.choices import AccountMode
from accounts.models import BrokerAccount, LiveSwitch, QmtHost, User
from accounts.notices import PROGRAM_TRADING_VERSION, program_trading_digest
from accounts.services.broker_accounts import account_change, live_refused
from accounts.sudo import Sudo
from desk.settings.schema import get_config
from ops.audit import Actor
from ops.clocks import wall_now
from ops.errors import Code, Denied, DeskError, Forbidden, Invalid


@dataclass(frozen=True, slots=True)
class LiveConsent:
    """What the administrator typed and acknowledged.

    Attributes
    ----------
    account_no
        The broker's account number, typed by hand.
    notice_version
        The version of the notice that was shown and ticked.
    broker_report
        When and how programmatic trading was reported to the broker.
    """

    account_no: str
    notice_version: str
    broker_report: str


def account_go_live(
    *, actor: Actor, user: User, account: BrokerAccount, sudo: Sudo | None, consent: LiveConsent
) -> BrokerAccount:
    """Switch a read-only account at a broker's terminal to LIVE, and raise its epoch.

    Automatic trading is off afterwards, whatever it was before.

    Raises
    ------
    Denied
        LIVE_NOT_AVAILABLE: the installation was not started with ``DESK_ALLOW_LIVE=1``.
        LIVE_NEEDS_BROKER_HOST, LIVE_NEEDS_READ_ONLY, ACCOUNT_DISABLED, HOST_DISABLED.
        LIVE_NOT_CONFIRMED: the number typed is not the account's.
        LIVE_NOTICE_NOT_ACKNOWLEDGED: another version, or no word on the report.
    Forbidden
        PERMISSION_DENIED for anybody but an active administrator in person: no token, no
        part of the system. SUDO_REQUIRED without a fresh proof of that same person.

    Every refusal is on the account's audit trail.
    """
    try:
        with transaction.atomic():
            row = BrokerAccount.objects.select_for_update().get(pk=account.pk)
            host = QmtHost.objects.select_for_update().get(pk=row.host_id)
            for refusal in _refusals(actor, user, row, host, sudo, consent):
                raise refusal
            switch = LiveSwitch.objects.create(
                account=row,
                switched_by=user,
                switched_at=wall_now(),
                host_name=host.name,
                notice_version=PROGRAM_TRADING_VERSION,
                notice_digest=program_trading_digest(),
                broker_report=consent.broker_report.strip(),
            )
            return account_change(
                actor=actor,
                account=account,
                action="account.live_switched_on",
                extra={
                    "notice_version": switch.notice_version,
                    "notice_digest": switch.notice_digest,
                    "broker_report": switch.broker_report,
                    "host": host.name,
                },
                mode=AccountMode.LIVE.value,
                live_switch_id=switch.pk,
                auto_trading=False,
            )
    except DeskError as error:
        live_refused(actor=actor, account=account, code=error.code)
        raise


def _refusals(
    actor: Actor, user: User, account: BrokerAccount, host: QmtHost, sudo: Sudo | None, consent: LiveConsent
) -> Iterator[DeskError]:
    if not get_config().allow_live:
        yield Denied(Code.LIVE_NOT_AVAILABLE, account=account.pk)
    stored = User.objects.filter(pk=user.pk).first()
    in_person = actor.kind == "user" and actor.id == str(user.pk)
    if stored is None or not stored.is_admin or not in_person:
        yield Forbidden(Code.PERMISSION_DENIED, account=account.pk)
    if sudo is None or sudo.user_id != user.pk or not sudo.is_fresh:
        yield Forbidden(Code.SUDO_REQUIRED)
    if host.is_simulated:
        yield Denied(Code.LIVE_NEEDS_BROKER_HOST, account=account.pk, host=host.name)
    if account.mode != AccountMode.READ_ONLY:
        yield Denied(Code.LIVE_NEEDS_READ_ONLY, account=account.pk, mode=account.mode)
    if not account.enabled:
        yield Denied(Code.ACCOUNT_DISABLED, account=account.pk)
    if not host.enabled:
        yield Denied(Code.HOST_DISABLED, host=host.name)
    if consent.account_no.strip() != account.account_no:
        yield Denied(Code.LIVE_NOT_CONFIRMED, field="account_no", account=account.pk)
    if consent.notice_version != PROGRAM_TRADING_VERSION or not consent.broker_report.strip():
        yield Denied(Code.LIVE_NOTICE_NOT_ACKNOWLEDGED, field="notice_version", version=PROGRAM_TRADING_VERSION)
    if len(consent.broker_report.strip()) > 200:
        yield Invalid(Code.FIELD_INVALID, field="broker_report", maximum=200)
