"""What people do with runs: make one, start it, stop it. The keeper's processes follow the rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import time
from decimal import Decimal
from typing import Any, Final

from django.db import IntegrityError, transaction
from django.db.models import Max

from accounts.actors import actor_for
from accounts.choices import AccountMode
from accounts.models import ApiToken, BrokerAccount, User
from accounts.selectors import account_to_trade, acts_for, cancel_refusal, may_trade
from ops import audit
from ops.alerts import alert_clear
from ops.clocks import wall_now
from ops.errors import Code, Conflict, Denied, Forbidden, Invalid
from ops.inputs import shown
from trading.orders.models import Trade
from trading.orders.services.ticket import strategy_of
from trading.strategies.choices import Level, RunState
from trading.strategies.models import MAX_LABEL_LENGTH, Plugin, Run
from trading.strategies.runtime.store import note
from trading.strategies.selectors import run_get
from trading.strategies.services.ending import alert_key
from trading.strategies.services.form import capital_read, parameters_read, plugin_read, symbols_read

FIELDS: Final = frozenset(
    {"account", "strategy", "label", "symbols", "period", "parameters", "capital", "opens_at", "closes_at"}
)


@dataclass(frozen=True, slots=True)
class _Wish:
    """A well-formed run."""

    plugin: Plugin
    label: str
    symbols: list[str]
    period: str
    parameters: dict[str, Any]
    capital: Decimal
    opens_at: time | None
    closes_at: time | None


def run_add(
    *, user: User, account_id: int, body: Mapping[str, Any], token: ApiToken | None = None, request_id: str = ""
) -> Run:
    """Make a run of the present version of a strategy. It does not start yet.

    Parameters
    ----------
    body
        `FIELDS` as the request has them.

    Raises
    ------
    NotFound, Forbidden
        ACCOUNT_NOT_FOUND, TRADE_NOT_GRANTED; STRATEGY_NOT_FOUND.
    Invalid
        A malformed field, SYMBOL_UNKNOWN.
    Conflict
        STRATEGY_UNUSABLE: the version has a problem. NAME_TAKEN: the account has a run with this label.
    """
    account = account_to_trade(user, account_id)
    wish = _parse(body)
    now = wall_now()
    run = Run(
        account=account,
        created_by=user,
        token=token,
        by_token=token is not None,
        plugin=wish.plugin,
        label=wish.label,
        symbols=wish.symbols,
        period=wish.period,
        parameters=wish.parameters,
        capital=wish.capital,
        opens_at=wish.opens_at,
        closes_at=wish.closes_at,
        # Nothing that was filled before can be this run's.
        trade_cursor=Trade.objects.filter(account=account).aggregate(newest=Max("pk"))["newest"] or 0,
        changed_at=now,
        created_at=now,
    )
    try:
        with transaction.atomic():
            run.save(force_insert=True)
            _audit(run, user, token, "strategy.run_added", request_id, after=_facts(run))
    except IntegrityError:
        raise Conflict(Code.NAME_TAKEN, field="label", label=wish.label) from None
    return run


def run_start(*, user: User, run_id: int, token: ApiToken | None = None, request_id: str = "") -> Run:
    """Want a run at work: the keeper starts its process. Starting a started one changes nothing.

    Its orders are placed in the name of who made it, by the right that person has at each of them; so only they, or who
    took over from them, start it.

    Raises
    ------
    NotFound, Forbidden
        STRATEGY_RUN_NOT_FOUND; TRADE_NOT_GRANTED, ORDER_NOT_YOURS.
    Denied
        ACCOUNT_READ_ONLY; AUTO_TRADING_OFF; STRATEGY_NEEDS_PAPER on a LIVE account: see `paper_days`.
    Conflict
        STRATEGY_UNUSABLE: its version is not there any more.
    """
    run = run_get(user, run_id)
    if not may_trade(user, run.account):
        raise Forbidden(Code.TRADE_NOT_GRANTED, account=run.account_id)
    if not acts_for(user, run.created_by_id):
        raise Forbidden(Code.ORDER_NOT_YOURS, account=run.account_id)
    with transaction.atomic():
        run = (
            Run.objects.select_for_update(of=("self",)).select_related("account", "plugin", "created_by").get(pk=run.pk)
        )
        if run.wanted:
            return run
        _may_start(run)
        run.wanted, run.mode, run.state = True, run.account.mode, RunState.STARTING
        # In whose name it trades is who starts it: their right, and their token's, count from now on.
        run.created_by, run.token, run.by_token = user, token, token is not None
        run.code, run.message, run.changed_at = "", "", wall_now()
        run.save(
            update_fields=[
                "wanted",
                "mode",
                "state",
                "created_by",
                "token",
                "by_token",
                "code",
                "message",
                "changed_at",
            ]
        )
        _audit(run, user, token, "strategy.started", request_id, after=_facts(run) | {"mode": str(run.mode)})
    alert_clear(alert_key(run))
    note(run, (Level.INFO, "start wanted", {"by": user.username, "mode": str(run.mode)}))
    return run


def run_stop(*, user: User, run_id: int, token: ApiToken | None = None, request_id: str = "") -> Run:
    """Want a run stopped: nothing it asked for is placed from this moment on. Stopping a stopped one changes nothing.

    Orders that are out work on, unless its `on_stop` cancels them.

    Raises
    ------
    NotFound, Forbidden
        STRATEGY_RUN_NOT_FOUND; as for the cancel of one of its orders.
    """
    run = run_get(user, run_id)
    if (refusal := cancel_refusal(user, run.account, owner_id=run.created_by_id)) is not None:
        raise refusal
    with transaction.atomic():
        run = (
            Run.objects.select_for_update(of=("self",)).select_related("account", "plugin", "created_by").get(pk=run.pk)
        )
        if not run.wanted:
            return run
        run.wanted, run.changed_at = False, wall_now()
        if run.state == RunState.WAITING:
            run.state = RunState.STOPPED
        run.save(update_fields=["wanted", "state", "changed_at"])
        _audit(run, user, token, "strategy.stopped", request_id, after={"state": str(run.state)})
    note(run, (Level.INFO, "stop wanted", {"by": user.username}))
    return run


def paper_days(plugin: Plugin) -> int:
    """Trade dates with bars that exactly this version has handled in one run on paper that did not fail."""
    runs = Run.objects.filter(plugin=plugin, mode=AccountMode.PAPER).exclude(state=RunState.FAULTED)
    return runs.aggregate(most=Max("bar_days"))["most"] or 0


def _may_start(run: Run) -> None:
    account: BrokerAccount = run.account
    if run.plugin.problem or not run.plugin.present:
        raise Conflict(Code.STRATEGY_UNUSABLE, strategy=run.plugin.name, version=run.plugin.digest[:12])
    if account.mode == AccountMode.READ_ONLY:
        raise Denied(Code.ACCOUNT_READ_ONLY, account=account.pk)
    if not account.auto_trading:
        raise Denied(Code.AUTO_TRADING_OFF, account=account.pk)
    if account.mode == AccountMode.LIVE and paper_days(run.plugin) < 1:
        raise Denied(Code.STRATEGY_NEEDS_PAPER, strategy=run.plugin.name, version=run.plugin.digest[:12])


# ------------------------------------------------------------------------------- the form
def _parse(body: Mapping[str, Any]) -> _Wish:
    plugin = plugin_read(body.get("strategy"))
    label = strategy_of(body.get("label", plugin.name))
    if not label or len(label) > MAX_LABEL_LENGTH:
        raise Invalid(Code.FIELD_INVALID, field="label", label=shown(body.get("label")), limit=MAX_LABEL_LENGTH)
    period = body.get("period")
    if period not in plugin.periods:
        code = Code.FIELD_REQUIRED if period is None else Code.PERIOD_NOT_AVAILABLE
        raise Invalid(code, field="period", period=shown(period), available=plugin.periods)
    opens_at, closes_at = _hour(body, "opens_at"), _hour(body, "closes_at")
    if (opens_at is None) != (closes_at is None) or (opens_at and closes_at and closes_at <= opens_at):
        raise Invalid(Code.FIELD_INVALID, field="closes_at", closes_at=shown(body.get("closes_at")))
    return _Wish(
        plugin=plugin,
        label=label,
        symbols=symbols_read(body.get("symbols")),
        period=str(period),
        parameters=parameters_read(plugin, body.get("parameters", {})),
        capital=capital_read(body.get("capital")),
        opens_at=opens_at,
        closes_at=closes_at,
    )


def _hour(body: Mapping[str, Any], field: str) -> time | None:
    value = body.get(field)
    if value is None:
        return None
    try:
        moment = time.fromisoformat(value) if isinstance(value, str) and len(value) == 5 else None
    except ValueError:
        moment = None
    if moment is None:
        raise Invalid(Code.FIELD_INVALID, field=field, allowed="HH:MM", value=shown(value))
    return moment


def _facts(run: Run) -> dict[str, Any]:
    return {
        "strategy": run.plugin.name,
        "version": run.plugin.digest,
        "label": run.label,
        "symbols": run.symbols,
        "period": run.period,
        "parameters": run.parameters,
        "capital": run.capital,
    }


def _audit(
    run: Run, user: User, token: ApiToken | None, action: str, request_id: str, *, after: Mapping[str, Any]
) -> None:
    audit.record(
        actor=actor_for(user, token),
        action=action,
        target=f"strategy_run:{run.pk}",
        after=after,
        account_id=run.account_id,
        request_id=request_id,
    )
