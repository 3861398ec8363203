"""Trading states above the account: of the whole platform, and of one person over all accounts.

The most restrictive of platform, person and account decides. Every change raises the epochs of the accounts
concerned, so that what was queued before it is never sent.
"""

from __future__ import annotations

from django.db import transaction
from django.db.models import F

from accounts.choices import TradingState
from accounts.models import BrokerAccount, User
from accounts.services.control import tell_after_commit
from accounts.services.users import bump_tradable
from ops import audit
from ops.audit import Actor
from ops.clocks import wall_now
from trading.ledger.journal import DATABASE
from trading.risk.models import Control, PersonTrading


def platform_state() -> Control:
    """The platform's control row, as it stands."""
    return Control.objects.filter(pk=Control.ONLY).first() or Control()


def person_state(user_id: int) -> TradingState:
    """One person's trading state."""
    state = PersonTrading.objects.filter(user=user_id).values_list("state", flat=True).first()
    return TradingState(state or TradingState.ACTIVE)


def platform_state_set(*, actor: Actor, state: TradingState, reason: str = "", request_id: str = "") -> bool:
    """Set the platform's trading state; False when it is that already."""
    with transaction.atomic(using=DATABASE):
        Control.objects.get_or_create(pk=Control.ONLY)
        control = Control.objects.select_for_update().get(pk=Control.ONLY)
        before = control.state
        if before == state:
            return False
        Control.objects.filter(pk=Control.ONLY).update(
            state=state, reason=reason[:200], changed_at=wall_now(), changed_by=actor.label[:200]
        )
        # In key order, as everybody locks them.
        for pk in BrokerAccount.objects.order_by("pk").values_list("pk", flat=True):
            BrokerAccount.objects.filter(pk=pk).update(epoch=F("epoch") + 1)
            tell_after_commit("account.changed", account_id=pk)
        audit.record(
            actor=actor,
            action="platform.state_set",
            target="platform",
            before={"state": str(before)},
            after={"state": str(state), "reason": reason},
            request_id=request_id,
        )
    return True


def person_state_set(*, actor: Actor, user: User, state: TradingState, reason: str = "", request_id: str = "") -> bool:
    """Set a person's trading state; False when it is that already."""
    with transaction.atomic(using=DATABASE):
        User.objects.select_for_update().get(pk=user.pk)
        before = person_state(user.pk)
        if before == state:
            return False
        values = {"state": state, "reason": reason[:200], "changed_at": wall_now(), "changed_by": actor.label[:200]}
        PersonTrading.objects.update_or_create(user=user, defaults=values)
        bump_tradable(user)
        tell_after_commit("user.changed", user_id=user.pk)
        audit.record(
            actor=actor,
            action="user.trading_state_set",
            target=f"user:{user.pk}",
            before={"state": str(before)},
            after={"state": str(state), "reason": reason},
            request_id=request_id,
        )
    return True
