"""Writes of webhooks. Addresses and secrets go in and never come out again, but for a new secret, once."""

from __future__ import annotations

import json
import secrets
from typing import Any, Final
from uuid import uuid4

from django.db import IntegrityError, transaction
from django.db.models import Max

from accounts.models import User
from accounts.selectors import account_get
from alerts.choices import ChannelKind
from alerts.services.channels import hint
from alerts.transports.base import Destination
from alerts.transports.guard import TargetRefused, check_url
from ops import audit
from ops.alerts import alert_clear
from ops.audit import Actor
from ops.clocks import wall_now
from ops.errors import Code, Conflict, Invalid
from ops.inputs import refuse_unknown, shown
from ops.sealing import SealBroken, seal, unseal
from trading.ledger.choices import EventKind
from trading.ledger.models import AccountBook
from trading.ledger.wire import moment
from trading.webhooks.choices import EventDeliveryStatus, WebhookState
from trading.webhooks.models import EventDelivery, Webhook

_CHANGEABLE = frozenset({"name", "address", "kinds", "enabled"})
PURPOSE: Final = "trading.webhook"
WEBHOOKS_LIMIT: Final = 10
#: A trial is no event of the account: it has a version that no event has.
TEST_KIND: Final = "test"
TEST_VERSION: Final = 0


def webhook_add(
    *, actor: Actor, owner: User, account_id: int, name: Any, address: Any, kinds: Any = ()
) -> tuple[Webhook, str]:
    """Deliver the events of an account to an address, from the next one on.

    Returns
    -------
    (Webhook, str)
        The row and its secret, which is not shown again.

    Raises
    ------
    NotFound
        ACCOUNT_NOT_FOUND: not an account that `owner` may see.
    Invalid
        A malformed field; ALERT_ADDRESS_REFUSED.
    Conflict
        The person has a webhook of that name, or too many.
    """
    account = account_get(owner, account_id)
    if Webhook.objects.filter(owner=owner).count() >= WEBHOOKS_LIMIT:
        raise Conflict(Code.CONFLICT, f"At most {WEBHOOKS_LIMIT} webhooks.", field="name")
    secret = secrets.token_urlsafe(32)
    url = _address(address)
    webhook = Webhook(
        owner=owner,
        account=account,
        name=_name(name),
        kinds=_kinds(kinds),
        sealed=_sealed(url, secret),
        hint=hint(ChannelKind.WEBHOOK, url),
        cursor=_newest(account.pk),
    )
    _save(actor, webhook, "webhook.added", None)
    return webhook, secret


def webhook_change(*, actor: Actor, webhook: Webhook, changes: dict[str, Any]) -> str | None:
    """Change name, kinds or address, or switch it on or off.

    A new address gets a secret of its own: what the old receiver knows signs nothing for the new one.

    Returns
    -------
    str or None
        The new secret, if there is one.

    Raises
    ------
    Invalid, Conflict
        As `webhook_add`.
    """
    refuse_unknown(changes, _CHANGEABLE)
    before, secret = _facts(webhook), None
    if "name" in changes:
        webhook.name = _name(changes["name"])
    if "kinds" in changes:
        webhook.kinds = _kinds(changes["kinds"])
    if "address" in changes:
        url = _address(changes["address"])
        secret = secrets.token_urlsafe(32)
        webhook.sealed, webhook.hint = _sealed(url, secret), hint(ChannelKind.WEBHOOK, url)
    if "enabled" in changes:
        _switch(webhook, changes["enabled"])
    _save(actor, webhook, "webhook.changed", before)
    if webhook.state != WebhookState.PAUSED:
        alert_clear(alert_key(webhook))
    return secret


def webhook_remove(*, actor: Actor, webhook: Webhook) -> None:
    """Remove a webhook with its log."""
    with transaction.atomic():
        alert_clear(alert_key(webhook))
        _record(actor, "webhook.removed", webhook, _facts(webhook), None)
        webhook.delete()


def delivery_repeat(*, actor: Actor, delivery: EventDelivery) -> EventDelivery:
    """Send an event again, under the same id, before anything newer.

    Raises
    ------
    Conflict
        CONFLICT: it is waiting already.
    """
    with transaction.atomic():
        moved = (
            EventDelivery.objects.filter(pk=delivery.pk)
            .exclude(status=EventDeliveryStatus.PENDING)
            .update(status=EventDeliveryStatus.PENDING, attempt=0, due_at=wall_now(), finished_at=None)
        )
        if not moved:
            raise Conflict(Code.CONFLICT, delivery=str(delivery.pk))
        _record(actor, "webhook.repeated", delivery.webhook, None, {"delivery": str(delivery.pk)})
    delivery.refresh_from_db()
    return delivery


def webhook_secret_renew(*, actor: Actor, webhook: Webhook) -> str:
    """Sign with a new secret from the next attempt on; returns it, this once.

    Raises
    ------
    Conflict
        CONFLICT: the address is sealed with a key that is not there, so it has to be given anew.
    """
    try:
        address = destination_of(webhook).address
    except SealBroken:
        raise Conflict(Code.CONFLICT, "The address cannot be opened: give it anew.", field="address") from None
    secret = secrets.token_urlsafe(32)
    webhook.sealed = _sealed(address, secret)
    _save(actor, webhook, "webhook.secret_renewed", _facts(webhook))
    return secret


def webhook_test(*, actor: Actor, webhook: Webhook) -> EventDelivery:
    """Send a trial before anything newer, once; while one waits, that one is answered.

    A trial that fails is not sent again, counts as no failure and holds nothing up.

    Raises
    ------
    Conflict
        WEBHOOK_NOT_ACTIVE: nothing is delivered while it is off, paused or revoked.
    """
    if webhook.state != WebhookState.ACTIVE:
        raise Conflict(Code.WEBHOOK_NOT_ACTIVE, webhook=webhook.pk, state=str(webhook.state))
    with transaction.atomic():
        locked = Webhook.objects.select_for_update().get(pk=webhook.pk)
        waiting = locked.deliveries.filter(version=TEST_VERSION, status=EventDeliveryStatus.PENDING).first()
        if waiting is not None:
            return waiting
        now, key = wall_now(), uuid4()
        body = {
            "id": str(key),
            "account": locked.account_id,
            "version": TEST_VERSION,
            "kind": TEST_KIND,
            "at": moment(now),
            "data": {},
        }
        delivery = EventDelivery.objects.create(
            id=key, webhook=locked, version=TEST_VERSION, kind=TEST_KIND, body=body, created_at=now, due_at=now
        )
        _record(actor, "webhook.tested", locked, None, {"delivery": str(key)})
    return delivery


def destination_of(webhook: Webhook) -> Destination:
    """The address and the secret, for the sender only. Raises SealBroken."""
    content = json.loads(unseal(webhook.sealed, purpose=PURPOSE))
    return Destination(address=content["address"], secret=content["secret"])


def reseal_all() -> int:
    """Seal every webhook with the first of the present keys; returns how many."""
    webhooks = list(Webhook.objects.order_by("pk"))
    for webhook in webhooks:
        held = destination_of(webhook)
        Webhook.objects.filter(pk=webhook.pk, sealed=webhook.sealed).update(sealed=_sealed(held.address, held.secret))
    return len(webhooks)


def alert_key(webhook: Webhook) -> str:
    """Names the condition that a webhook is paused."""
    return f"webhook.paused:{webhook.pk}"


def _switch(webhook: Webhook, enabled: Any) -> None:
    """On: what failed before counts as past; a right that was lost meanwhile leaves a hole, on purpose."""
    if not isinstance(enabled, bool):
        raise Invalid(Code.FIELD_INVALID, field="enabled", value=shown(enabled))
    if not enabled:
        webhook.state = WebhookState.OFF
    elif webhook.state != WebhookState.ACTIVE:
        account_get(webhook.owner, webhook.account_id)
        if webhook.state == WebhookState.REVOKED:
            webhook.cursor = _newest(webhook.account_id)
        webhook.state, webhook.failures = WebhookState.ACTIVE, 0
        webhook.deliveries.filter(status=EventDeliveryStatus.PENDING).update(due_at=wall_now())


def _newest(account_id: int) -> int:
    return AccountBook.objects.filter(pk=account_id).aggregate(newest=Max("version"))["newest"] or 0


def _name(value: Any) -> str:
    if not isinstance(value, str) or not 0 < len(value.strip()) <= 80 or not value.isprintable():
        raise Invalid(Code.FIELD_INVALID if value is not None else Code.FIELD_REQUIRED, field="name")
    return value.strip()


def _kinds(value: Any) -> list[str]:
    allowed = list(EventKind.values)
    if not isinstance(value, list | tuple) or any(kind not in allowed for kind in value):
        raise Invalid(Code.FIELD_INVALID, field="kinds", value=shown(value), allowed=allowed)
    return sorted(set(value))


def _address(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise Invalid(Code.FIELD_REQUIRED, field="address")
    try:
        check_url(value.strip())
    except TargetRefused as error:
        raise Invalid(Code.ALERT_ADDRESS_REFUSED, f"ALERT_ADDRESS_REFUSED: {error.reason}", field="address") from None
    return value.strip()


def _sealed(address: str, secret: str) -> str:
    return seal(json.dumps({"address": address, "secret": secret}), purpose=PURPOSE)


def _facts(webhook: Webhook) -> dict[str, Any]:
    """What the audit trail says: nothing that opens it."""
    return {
        "name": webhook.name,
        "account": webhook.account_id,
        "address": webhook.hint,
        "kinds": webhook.kinds,
        "state": str(webhook.state),
    }


def _save(actor: Actor, webhook: Webhook, action: str, before: dict[str, Any] | None) -> None:
    columns = None if webhook._state.adding else ["name", "kinds", "sealed", "hint", "state", "cursor", "failures"]
    try:
        with transaction.atomic():
            webhook.save(update_fields=columns)
            _record(actor, action, webhook, before, _facts(webhook))
    except IntegrityError:
        raise Conflict(Code.CONFLICT, "You have a webhook of this name.", field="name") from None


def _record(
    actor: Actor, action: str, webhook: Webhook, before: dict[str, Any] | None, after: dict[str, Any] | None
) -> None:
    audit.record(
        actor=actor,
        action=action,
        target=f"webhook:{webhook.pk}",
        before=before,
        after=after,
        account_id=webhook.account_id,
    )


__all__ = [
    "TEST_VERSION",
    "SealBroken",
    "alert_key",
    "delivery_repeat",
    "destination_of",
    "reseal_all",
    "webhook_add",
    "webhook_change",
    "webhook_remove",
    "webhook_secret_renew",
    "webhook_test",
]
