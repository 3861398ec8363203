"""Keeping what became of an issue. Every write asks for the state it replaces, so two processes never undo each other."""

from __future__ import annotations

from datetime import date

from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from accounts.models import BrokerAccount
from ops.alerts import AlertKind, Severity, alert_raise
from ops.clocks import wall_now
from ops.errors import Code
from trading.ledger.newissues import IssueTerms
from trading.orders.models import Order
from trading.subscriptions.choices import ResultState
from trading.subscriptions.models import SubscriptionResult


def result_of(account: BrokerAccount, terms: IssueTerms) -> SubscriptionResult:
    """The issue's row on an account, made when there is none."""
    result, _created = SubscriptionResult.objects.get_or_create(
        account=account,
        trade_date=terms.trade_date,
        symbol=terms.symbol,
        defaults={"name": terms.name, "changed_at": wall_now()},
    )
    return result


def note_order(result: SubscriptionResult, order: Order) -> None:
    """The issue has its order."""
    SubscriptionResult.objects.filter(pk=result.pk).exclude(order=order, state=ResultState.SUBSCRIBED).update(
        state=ResultState.SUBSCRIBED, order=order, code="", message="", changed_at=wall_now()
    )


def note_refusal(result: SubscriptionResult, state: ResultState, code: Code, message: str) -> None:
    """An attempt was refused: for now (WAITING), or the end of it. The end is told, unless there was nothing to do."""
    rows = SubscriptionResult.objects.filter(pk=result.pk, state=ResultState.WAITING, attempts=result.attempts)
    noted = rows.update(
        state=state, code=str(code), message=message[:400], attempts=result.attempts + 1, changed_at=wall_now()
    )
    if noted and state is ResultState.FAILED:
        _tell(result, code, message)


def note_end(result: SubscriptionResult, code: Code | str, message: str) -> None:
    """What was subscribed, or waited, has failed after all."""
    rows = SubscriptionResult.objects.filter(pk=result.pk, state=result.state)
    if rows.update(state=ResultState.FAILED, code=str(code), message=message[:400], changed_at=wall_now()):
        _tell(result, code, message)


def note_again(result: SubscriptionResult) -> None:
    """The order never left: the next round places another one."""
    SubscriptionResult.objects.filter(pk=result.pk, state=ResultState.SUBSCRIBED, order=result.order).update(
        state=ResultState.WAITING, changed_at=wall_now()
    )


def _tell(result: SubscriptionResult, code: Code | str, message: str) -> None:
    _alarm(result.account, result.trade_date, result.symbol, str(code), message)


def tell_issues_unknown(account: BrokerAccount, day: date) -> None:
    """The terminal has not told the issues of a day on which a plan wanted them."""
    _alarm(account, day, "", str(Code.IPO_ISSUES_UNKNOWN), "")


def _alarm(account: BrokerAccount, day: date, symbol: str, code: str, message: str) -> None:
    alert_raise(
        AlertKind.IPO_FAILED,
        Severity.WARNING,
        format_lazy(
            _("{issue} of {day} could not be subscribed for {account}"),
            issue=symbol or _("New issues"),
            day=day,
            account=account.name,
        ),
        {"trade_date": day.isoformat(), "symbol": symbol, "code": code, "message": message[:200]},
        dedup_key=f"ipo.failed:{account.pk}:{day}:{symbol}",
        account_id=account.pk,
    )
