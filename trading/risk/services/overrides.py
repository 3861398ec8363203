"""Who may set the trading states above the account. Stopping is easy; loosening takes a typed word and a proof."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from accounts.choices import SEES_EVERY_ACCOUNT, TradingState
from accounts.models import User
from ops.audit import Actor
from ops.errors import Code, Forbidden, Invalid
from ops.inputs import shown
from trading.ledger.wire import moment
from trading.risk.models import PersonTrading
from trading.risk.services.states import person_state, person_state_set, platform_state, platform_state_set

PLATFORM_WORD: Final = "PLATFORM"
_STRICTNESS: Final = (TradingState.ACTIVE, TradingState.REDUCING, TradingState.HALTED)


def is_looser(after: TradingState, before: TradingState) -> bool:
    """Whether `after` allows more than `before`."""
    return _STRICTNESS.index(after) < _STRICTNESS.index(before)


def states_set(
    *,
    actor: Actor,
    user: User,
    state: TradingState,
    person: str | None = None,
    reason: str = "",
    confirm: str = "",
    proven: Callable[[], object],
    request_id: str = "",
) -> bool:
    """Set the platform's state, or a person's; False when it is that already.

    Parameters
    ----------
    person
        User name; None for the whole platform.
    confirm
        The word PLATFORM, or the user name: needed to loosen.
    proven
        Raises unless the caller has proved who they are a moment ago; asked only to loosen.

    Raises
    ------
    Forbidden
        PERMISSION_DENIED: administrators and risk officers only; everybody may stop themselves, nobody lift
        what stands on themselves. SUDO_REQUIRED.
    Invalid
        NOT_CONFIRMED, or FIELD_INVALID for an unknown person.
    """
    officer = user.is_active and user.role in SEES_EVERY_ACCOUNT
    target = None if person is None else User.objects.filter(username=person).first() if officer else user
    if not officer and person != user.username:
        raise Forbidden(Code.PERMISSION_DENIED)
    if person is not None and target is None:
        raise Invalid(Code.FIELD_INVALID, field="user", value=shown(person))
    before = TradingState(platform_state().state) if target is None else person_state(target.pk)
    if is_looser(state, before):
        if not officer or (target is not None and target.pk == user.pk and not user.is_admin):
            raise Forbidden(Code.PERMISSION_DENIED)
        proven()
        expected = PLATFORM_WORD if target is None else target.username
        if confirm != expected:
            raise Invalid(Code.NOT_CONFIRMED, field="confirm", expected=expected)
    if target is None:
        return platform_state_set(actor=actor, state=state, reason=reason, request_id=request_id)
    return person_state_set(actor=actor, user=target, state=state, reason=reason, request_id=request_id)


def states_view(user: User) -> dict[str, Any]:
    """The platform's state and every person's that is not ACTIVE; of others only for who may set them.

    Raises
    ------
    Forbidden
        PERMISSION_DENIED: the account is switched off.
    """
    if not user.is_active:
        raise Forbidden(Code.PERMISSION_DENIED)
    control = platform_state()
    rows = PersonTrading.objects.exclude(state=TradingState.ACTIVE).select_related("user")
    if user.role not in SEES_EVERY_ACCOUNT:
        rows = rows.filter(user=user)
    return {
        "platform": str(control.state),
        "platform_reason": control.reason,
        "platform_changed_at": moment(control.changed_at),
        "platform_changed_by": control.changed_by,
        "persons": {row.user.username: str(row.state) for row in rows},
    }
