"""Loss stops that act by themselves: a day's loss or drawdown past its limit sets the account to REDUCING."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from functools import partial
from typing import Final

from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from accounts.choices import TradingState
from accounts.models import BrokerAccount
from accounts.services import account_state_set
from ops.alerts import AlertKind, Severity, alert_raise
from ops.audit import Actor
from trading.ledger.equity import equity_before, transfers_of_day
from trading.ledger.journal import Journal
from trading.risk.choices import LimitKind
from trading.risk.facts import LimitFacts, Usage
from trading.risk.limits import Limit, limits_in_force
from trading.risk.models import Control
from trading.risk.tallies import Tallies, Worth

ACTOR: Final = Actor.system("risk-stop")
_STOPS: Final = frozenset({LimitKind.DAILY_LOSS, LimitKind.DRAWDOWN})
_PERCENT: Final = Decimal(100)


def equity_seen(journal: Journal, trade_date: date, equity: Decimal) -> None:
    """The broker stated what the account is worth: note it, and stop buying where a limit says so.

    Side effects
    ------------
    With a limit whose ``reduce`` is true, an ACTIVE account past it becomes REDUCING, audited, with an alert. A
    person makes it ACTIVE again.
    """
    account = journal.book.account
    tallies = Tallies.of(journal)
    worth = Worth(equity, transfers_of_day(account, trade_date), partial(equity_before, account, trade_date))
    tallies.note_equity(trade_date, account.pk, worth)
    if account.state != TradingState.ACTIVE or equity <= 0:
        return
    version = Control.objects.filter(pk=Control.ONLY).values_list("limits_version", flat=True).first()
    stops = [
        limit
        for limit in limits_in_force(version or "")
        if limit.kind in _STOPS
        and limit.params.get("reduce") is True
        and limit.applies(account_id=account.pk, user_id=None, strategy="", at=journal.at)
    ]
    if not stops:
        return
    subject = f"a:{account.pk}"
    tallies.settle()
    used = tallies.hold(trade_date, [subject])[subject]
    passed = next((limit for limit in stops if _is_passed(limit, used, equity)), None)
    if passed is None:
        return
    reason = f"limit {passed.id}: {passed.kind} {passed.most:f} reached at an equity of {equity:f}"
    account_state_set(actor=ACTOR, account=account, state=TradingState.REDUCING, reason=reason)
    alert_raise(
        AlertKind.ACCOUNT_HALTED,
        Severity.CRITICAL,
        format_lazy(
            _("{account} only reduces from now on: the limit {kind} of {most} was reached at an equity of {equity}"),
            account=account.name,
            kind=LimitKind(passed.kind).label,
            most=f"{passed.most:f}",
            equity=f"{equity:f}",
        ),
        {"limit": passed.id, "kind": str(passed.kind), "equity": f"{equity:f}"},
        dedup_key=f"account.reducing:{account.pk}:{trade_date.isoformat()}",
        account_id=account.pk,
    )


def tell_cancel_ratio(facts: LimitFacts, account: BrokerAccount) -> None:
    """Tell people once a day when the cancel ratio has reached what a limit warns at."""
    for limit in facts.limits:
        warn = limit.params.get("warn")
        if limit.kind is not LimitKind.CANCEL_RATIO or warn is None:
            continue
        subject = limit.subject(account_id=account.pk, user_id=facts.user_id)
        used = facts.used(subject)
        if used.orders < int(limit.params.get("minimum", 1)) or used.cancels * _PERCENT < Decimal(warn) * used.orders:
            continue
        ratio = (used.cancels * _PERCENT / used.orders).quantize(Decimal("0.01"))
        alert_raise(
            AlertKind.LIMIT_NEAR,
            Severity.WARNING,
            format_lazy(
                _("{account}: {ratio}% of today's orders were cancelled; new ones are denied from {most}% on"),
                account=account.name,
                ratio=ratio,
                most=f"{limit.most:f}",
            ),
            {"limit": limit.id, "orders": used.orders, "cancels": used.cancels},
            dedup_key=f"risk.cancel_ratio:{limit.id}:{subject}:{facts.trade_date.isoformat()}",
            account_id=account.pk,
        )


def _is_passed(limit: Limit, used: Usage, equity: Decimal) -> bool:
    if limit.kind is LimitKind.DAILY_LOSS:
        return used.opening_equity is not None and used.opening_equity - equity >= limit.most
    peak = used.peak_equity
    return peak is not None and peak > 0 and (peak - equity) * _PERCENT >= limit.most * peak
