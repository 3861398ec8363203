"""Who follows which instrument's quotes.

With a whole-market feed a subscription decides whose ticks are captured; with a feed of single subscriptions it also decides
whose quotes come at all, and those are as many as the SDK allows.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction

from accounts.models import User
from marketdata.config import get_marketdata_config
from marketdata.models import QuoteSubscription
from marketdata.selectors import instruments_by_symbol
from ops import audit
from ops.audit import Actor
from ops.clocks import wall_now
from ops.errors import Code, Conflict
from qmt.gateway import MAX_SINGLE_SUBSCRIPTIONS

MAX_PER_PERSON = 500


def subscriptions_add(
    *, actor: Actor, owner: User | None, symbols: Sequence[str], reason: str = ""
) -> list[QuoteSubscription]:
    """Follow instruments; those that are followed already stay as they are.

    Parameters
    ----------
    owner
        None: the platform itself.

    Raises
    ------
    Invalid
        SYMBOL_UNKNOWN; nothing was changed.
    Conflict
        SUBSCRIPTION_LIMIT: more than the feed can follow, or than one person may ask for; nothing was changed.
    """
    instruments = list(instruments_by_symbol(symbols).values())
    with transaction.atomic():
        followed = set(QuoteSubscription.objects.filter(owner=owner).values_list("instrument_id", flat=True))
        fresh = [instrument for instrument in instruments if instrument.pk not in followed]
        _check_limits({instrument.pk for instrument in fresh}, len(followed))
        now = wall_now()
        QuoteSubscription.objects.bulk_create(
            [QuoteSubscription(instrument=item, owner=owner, reason=reason, created_at=now) for item in fresh],
            ignore_conflicts=True,
        )
        if fresh:
            audit.record(
                actor=actor,
                action="quotes.follow",
                target="quotes",
                after={"symbols": [instrument.symbol for instrument in fresh], "reason": reason},
            )
    rows = QuoteSubscription.objects.filter(owner=owner, instrument__in=instruments)
    return list(rows.select_related("instrument", "owner"))


def subscriptions_remove(*, actor: Actor, owner: User | None, symbols: Sequence[str]) -> int:
    """Follow instruments no more; returns how many of them were followed.

    Raises
    ------
    Invalid
        SYMBOL_UNKNOWN; nothing was changed.
    """
    instruments = instruments_by_symbol(symbols)
    with transaction.atomic():
        rows = QuoteSubscription.objects.filter(owner=owner, instrument__in=instruments.values())
        ended = list(rows.values_list("instrument__symbol", flat=True))
        rows.delete()
        if ended:
            audit.record(actor=actor, action="quotes.unfollow", target="quotes", before={"symbols": sorted(ended)})
    return len(ended)


def subscribed_symbols() -> list[str]:
    """Every followed symbol once, longest followed first."""
    rows = QuoteSubscription.objects.order_by("created_at", "pk").values_list("instrument__symbol", flat=True)
    return list(dict.fromkeys(rows))


def _check_limits(fresh: set[int], followed: int) -> None:
    if followed + len(fresh) > MAX_PER_PERSON:
        raise Conflict(Code.SUBSCRIPTION_LIMIT, field="symbols", followed=followed, limit=MAX_PER_PERSON)
    if get_marketdata_config().live.feed != "singles":
        return
    taken = set(QuoteSubscription.objects.values_list("instrument_id", flat=True))
    if len(taken | fresh) > MAX_SINGLE_SUBSCRIPTIONS:
        raise Conflict(Code.SUBSCRIPTION_LIMIT, field="symbols", followed=len(taken), limit=MAX_SINGLE_SUBSCRIPTIONS)
