"""Writes of QMT hosts."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import F

from accounts.choices import AccountMode, HostKind
from accounts.maintenance import window_of
from accounts.models import BrokerAccount, QmtHost
from accounts.services.control import tell_after_commit
from ops import audit
from ops.audit import Actor
from ops.errors import Code, Denied, Invalid

_AUDITED_FIELDS = (
    "name",
    "kind",
    "userdata_path",
    "quote_address",
    "session_ids",
    "maintenance",
    "enabled",
    "fed_from_id",
)
#: Fields that decide which terminal an order would reach.
_TERMINAL_FIELDS = frozenset({"kind", "userdata_path", "enabled", "fed_from_id"})
#: Fields that make it another terminal.
_IDENTITY_FIELDS = frozenset({"kind", "userdata_path", "fed_from_id"})


def host_save(*, actor: Actor, host: QmtHost) -> QmtHost:
    """Store a new or changed host. Another terminal raises the epoch of all its accounts.

    Raises
    ------
    Denied
        PAPER_NEEDS_SIMULATED_HOST for a broker's terminal under paper accounts;
        LIVE_ACCOUNT_PINNED for another terminal under live ones.
    Invalid
        MAINTENANCE_INVALID for a window that names no two times;
        FEED_INVALID: a broker's terminal cannot be fed, nothing is fed from a host that is fed itself, and what
        others are fed from is not changed into one.
    """
    if host.maintenance and window_of(host.maintenance) is None:
        raise Invalid(Code.MAINTENANCE_INVALID, field="maintenance", host=host.name)
    with transaction.atomic():
        stored = QmtHost.objects.select_for_update().filter(pk=host.pk).first() if host.pk else None
        accounts = BrokerAccount.objects.filter(host=host.pk).order_by("pk")
        if host.kind != HostKind.SIMULATED and accounts.filter(mode=AccountMode.PAPER).exists():
            raise Denied(Code.PAPER_NEEDS_SIMULATED_HOST, field="kind", host=host.name)
        _require_sound_feed(host)
        before = _facts(stored) if stored else {}
        host.save()
        after = _facts(host)
        changed = [name for name in _AUDITED_FIELDS if before.get(name) != after[name]]
        if _IDENTITY_FIELDS.intersection(changed) and accounts.filter(mode=AccountMode.LIVE).exists():
            raise Denied(Code.LIVE_ACCOUNT_PINNED, host=host.name)
        if stored is not None and _TERMINAL_FIELDS.intersection(changed):
            accounts.update(epoch=F("epoch") + 1)
            for account_id in accounts.values_list("pk", flat=True):
                tell_after_commit("account.changed", account_id=account_id)
        if changed:
            audit.record(
                actor=actor,
                action="host.changed" if stored else "host.added",
                target=f"host:{host.pk}",
                before={name: before[name] for name in changed} if stored else None,
                after={name: after[name] for name in changed},
            )
    return host


def _require_sound_feed(host: QmtHost) -> None:
    """A feed is one step long: from a host with quotes of its own to a simulated terminal."""
    source = host.fed_from
    if source is None:
        return
    reason = ""
    if host.kind != HostKind.SIMULATED:
        reason = "not_simulated"
    elif source.pk == host.pk or not source.serves_data:
        reason = "source_is_fed"
    elif host.pk and QmtHost.objects.filter(fed_from=host.pk).exists():
        reason = "feeds_others"
    elif source.kind != HostKind.SIMULATED and not source.quote_address:
        reason = "source_without_quote_address"
    if reason:
        raise Invalid(Code.FEED_INVALID, field="fed_from", host=host.name, source=source.name, reason=reason)


def _facts(host: QmtHost) -> dict[str, Any]:
    return {name: getattr(host, name) for name in _AUDITED_FIELDS}
