"""Setting exit plans: by whoever may trade the account, versioned and audited."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from accounts.actors import actor_for
from accounts.models import ApiToken, BrokerAccount, User
from accounts.selectors import account_to_trade
from marketdata.selectors import instrument_get
from ops import audit
from ops.clocks import wall_now
from ops.errors import Code, Conflict, Invalid
from ops.inputs import shown
from trading.ledger.journal import DATABASE
from trading.orders.services.ticket import strategy_of
from trading.signals.models import ExitPlan, ExitPlanVersion
from trading.signals.terms import DEFAULT, ExitTerms, terms_parse


def exit_plan_set(
    *,
    user: User,
    account_id: int,
    enabled: Any,
    terms: Any = None,
    strategy: Any = None,
    symbol: Any = None,
    version: Any = None,
    token: ApiToken | None = None,
    request_id: str = "",
) -> ExitPlan:
    """Say how positions are left from now on, in this person's name: of an account, a strategy or one instrument.

    Parameters
    ----------
    enabled
        Whether anything is detected by this plan. One that is off takes its positions out of the account's default.
    terms
        Numbers that differ from those in force before: the plan's own, for a new one the account's, else the defaults.
    strategy, symbol
        At most one of them; neither for the account's default.
    version
        The version that was looked at, 0 for a plan that is not there yet: somebody else's change meanwhile is not
        overwritten. None does not ask.

    Raises
    ------
    NotFound, Forbidden
        As `order_submit` does: who may not trade the account decides nothing about it.
    Invalid
        A malformed field, named.
    Conflict
        EXIT_PLAN_CHANGED.
    """
    account = account_to_trade(user, account_id)
    _refuse_malformed(enabled, version)
    of_strategy, of_symbol = _subject(strategy, symbol)
    with transaction.atomic(using=DATABASE):
        # One plan of an account is set after the other: the account's row is the lock.
        BrokerAccount.objects.select_for_update().get(pk=account.pk)
        stored = ExitPlan.objects.filter(account=account, strategy=of_strategy, symbol=of_symbol).first()
        held = 0 if stored is None else stored.version
        if version is not None and version != held:
            raise Conflict(Code.EXIT_PLAN_CHANGED, account=account.pk, version=held)
        wanted = terms_parse({} if terms is None else terms, _base(account, stored))
        if stored is not None and _same(stored, wanted, enabled=enabled, user=user, token=token):
            return stored
        plan = stored or ExitPlan(account=account, strategy=of_strategy, symbol=of_symbol, version=0)
        before = None if stored is None else {"enabled": plan.enabled, "terms": plan.terms, "user": plan.user_id}
        plan.user, plan.token, plan.by_token = user, token, token is not None
        plan.enabled, plan.terms = enabled, wanted.as_json()
        _keep(plan, before, request_id=request_id)
    return plan


def _refuse_malformed(enabled: Any, version: Any) -> None:
    if not isinstance(enabled, bool):
        raise Invalid(Code.FIELD_INVALID, field="enabled", value=shown(enabled), allowed=[True, False])
    if version is not None and (isinstance(version, bool) or not isinstance(version, int) or version < 0):
        raise Invalid(Code.FIELD_INVALID, field="version", value=shown(version))


def _keep(plan: ExitPlan, before: dict[str, Any] | None, *, request_id: str) -> None:
    """Write the plan as its next version, with its history and its audit record."""
    plan.version, plan.changed_at = plan.version + 1, wall_now()
    plan.save()
    ExitPlanVersion.objects.create(
        plan=plan,
        version=plan.version,
        enabled=plan.enabled,
        terms=plan.terms,
        user=plan.user,
        by_token=plan.by_token,
        at=plan.changed_at,
    )
    audit.record(
        actor=actor_for(plan.user, plan.token),
        action="exit_plan.set",
        target=f"exit_plan:{plan.pk}",
        before=before,
        after={
            "enabled": plan.enabled,
            "terms": plan.terms,
            "user": plan.user_id,
            "strategy": plan.strategy,
            "symbol": plan.symbol,
            "version": plan.version,
        },
        account_id=plan.account_id,
        request_id=request_id,
    )


def _subject(strategy: Any, symbol: Any) -> tuple[str, str]:
    of_strategy = strategy_of(strategy)
    if symbol in (None, ""):
        return of_strategy, ""
    if of_strategy:
        raise Invalid(Code.FIELD_INVALID, "a plan is of a strategy or of an instrument", field="symbol")
    if not isinstance(symbol, str):
        raise Invalid(Code.SYMBOL_UNKNOWN, field="symbol", symbol=shown(symbol))
    try:
        return "", instrument_get(symbol).symbol
    except Invalid as error:
        raise Invalid(error.code, field="symbol", symbol=shown(symbol)) from None


def _base(account: BrokerAccount, stored: ExitPlan | None) -> ExitTerms:
    """What holds for numbers that are not given."""
    plan = stored or ExitPlan.objects.filter(account=account, strategy="", symbol="").first()
    return DEFAULT if plan is None else ExitTerms.stored(plan.terms)


def _same(plan: ExitPlan, terms: ExitTerms, *, enabled: bool, user: User, token: ApiToken | None) -> bool:
    of = (plan.user_id, plan.token_id, plan.by_token)
    person = (user.pk, None if token is None else token.pk, token is not None)
    return plan.enabled == enabled and plan.terms == terms.as_json() and of == person
