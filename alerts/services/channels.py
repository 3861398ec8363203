"""Writes of channels. Addresses and secrets go in and never come out again."""

from __future__ import annotations

import json
from datetime import timedelta
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction

from accounts.models import User
from alerts.choices import ChannelKind, DeliveryStatus
from alerts.models import Channel, Delivery
from alerts.services.waking import wake_delivery
from alerts.transports import Destination
from alerts.transports.guard import TargetRefused, check_url
from ops import audit
from ops.audit import Actor
from ops.clocks import wall_now
from ops.errors import Code, Conflict, Denied, Invalid
from ops.sealing import SealBroken, seal, unseal

PURPOSE = "alerts.channel"
CHANNELS_LIMIT = 20
TESTS_A_MINUTE = 6
_MINUTE = timedelta(minutes=1)
WEBHOOK_SECRET_LENGTH = 16
NEEDS_SECRET = frozenset({ChannelKind.WEBHOOK})
TAKES_SECRET = NEEDS_SECRET | {ChannelKind.DINGTALK, ChannelKind.FEISHU}


def channel_add(*, actor: Actor, owner: User, kind: str, name: str, address: str, secret: str = "") -> Channel:
    """Store a channel of `owner`.

    Raises
    ------
    Invalid
        FIELD_INVALID naming `address` or `secret`.
    Conflict
        The person has a channel of that name, or too many.
    """
    address, secret = address.strip(), secret.strip()
    _check(ChannelKind(kind), address, secret)
    if Channel.objects.filter(owner=owner).count() >= CHANNELS_LIMIT:
        raise Conflict(Code.CONFLICT, f"At most {CHANNELS_LIMIT} channels.", field="name")
    channel = Channel(owner=owner, kind=kind, name=name.strip(), hint=hint(ChannelKind(kind), address))
    channel.sealed = _sealed(address, secret)
    try:
        with transaction.atomic():
            channel.save(force_insert=True)
            _record(actor, "alert_channel.added", channel, after=_facts(channel))
    except IntegrityError:
        raise Conflict(Code.CONFLICT, "You have a channel of this name.", field="name") from None
    return channel


def channel_change(
    *,
    actor: Actor,
    channel: Channel,
    name: str | None = None,
    enabled: bool | None = None,
    address: str | None = None,
    secret: str | None = None,
) -> Channel:
    """Change what is given. A new address needs its secret again, so that a secret never goes elsewhere.

    Raises
    ------
    Invalid, Conflict
        As `channel_add`.
    """
    before = _facts(channel)
    kind = ChannelKind(channel.kind)
    if address is not None or secret is not None:
        held = destination_of(channel)
        new_address = held.address if address is None else address.strip()
        kept = held.secret if address is None or new_address == held.address else ""
        new_secret = kept if secret is None else secret.strip()
        _check(kind, new_address, new_secret)
        channel.sealed, channel.hint = _sealed(new_address, new_secret), hint(kind, new_address)
    if name is not None:
        channel.name = name.strip()
    if enabled is not None:
        channel.enabled = enabled
    try:
        with transaction.atomic():
            channel.save()
            secret_changed = {"address_or_secret": "changed"} if address is not None or secret is not None else {}
            _record(actor, "alert_channel.changed", channel, before=before, after=_facts(channel) | secret_changed)
    except IntegrityError:
        raise Conflict(Code.CONFLICT, "You have a channel of this name.", field="name") from None
    return channel


def channel_remove(*, actor: Actor, channel: Channel) -> None:
    """Remove a channel with its subscriptions; what was sent stays in the log, what waits is not sent."""
    with transaction.atomic():
        channel.deliveries.filter(status=DeliveryStatus.PENDING).update(
            status=DeliveryStatus.SKIPPED, error="the channel was removed", finished_at=wall_now()
        )
        _record(actor, "alert_channel.removed", channel, before=_facts(channel))
        channel.delete()


def channel_test(*, actor: Actor, channel: Channel) -> Delivery:
    """Send a test notice; the delivery's row tells how it went.

    Raises
    ------
    Denied
        RATE_LIMITED: a test button is no way to flood somebody's group.
    """
    now = wall_now()
    recent = channel.deliveries.filter(alert=None, created_at__gt=now - _MINUTE).count()
    if recent >= TESTS_A_MINUTE:
        raise Denied(Code.RATE_LIMITED, status=429, limit=TESTS_A_MINUTE, seconds=60)
    with transaction.atomic():
        delivery = Delivery.objects.create(
            owner=channel.owner, channel=channel, channel_name=channel.name, due_at=now, alert=None
        )
        _record(actor, "alert_channel.tested", channel, after=_facts(channel))
        transaction.on_commit(lambda: wake_delivery(str(delivery.pk)), robust=True)
    return delivery


def destination_of(channel: Channel) -> Destination:
    """The channel's address and secret, for the transport only.

    Raises
    ------
    Conflict
        ALERT_CHANNEL_UNREADABLE: sealed with a key that this installation does not have.
    """
    try:
        content = json.loads(unseal(channel.sealed, purpose=PURPOSE))
    except SealBroken as error:
        raise Conflict(Code.ALERT_CHANNEL_UNREADABLE, channel=channel.pk) from error
    return Destination(address=content["address"], secret=content["secret"])


def reseal_all() -> int:
    """Seal every channel with the first of the present keys; returns how many."""
    channels = list(Channel.objects.order_by("pk"))
    for channel in channels:
        held = destination_of(channel)
        Channel.objects.filter(pk=channel.pk, sealed=channel.sealed).update(sealed=_sealed(held.address, held.secret))
    return len(channels)


def hint(kind: ChannelKind, address: str) -> str:
    """Enough to recognise an address by: the host of a robot, a mail address with its middle covered."""
    if kind == ChannelKind.MAIL:
        local, _, domain = address.rpartition("@")
        return f"{local[:1]}…@{domain}"[:120]
    parts = urlsplit(address)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.hostname}{port}/…"[:120]


def _sealed(address: str, secret: str) -> str:
    return seal(json.dumps({"address": address, "secret": secret}), purpose=PURPOSE)


def _check(kind: ChannelKind, address: str, secret: str) -> None:
    if kind == ChannelKind.MAIL:
        try:
            validate_email(address)
        except ValidationError:
            raise Invalid(Code.FIELD_INVALID, "This is not a mail address.", field="address") from None
    else:
        try:
            check_url(address)
        except TargetRefused as error:
            raise Invalid(
                Code.ALERT_ADDRESS_REFUSED, f"ALERT_ADDRESS_REFUSED: {error.reason}", field="address"
            ) from None
    if secret and kind not in TAKES_SECRET:
        raise Invalid(Code.FIELD_INVALID, "This kind of channel takes no secret.", field="secret")
    if kind in NEEDS_SECRET and len(secret) < WEBHOOK_SECRET_LENGTH:
        text = f"A webhook needs a secret of at least {WEBHOOK_SECRET_LENGTH} characters."
        raise Invalid(Code.FIELD_INVALID, text, field="secret")


def _facts(channel: Channel) -> dict[str, object]:
    """What the audit trail says about a channel: nothing that opens it."""
    return {"kind": channel.kind, "name": channel.name, "address": channel.hint, "enabled": channel.enabled}


def _record(
    actor: Actor,
    action: str,
    channel: Channel,
    *,
    before: dict[str, object] | None = None,
    after: dict[str, object] | None = None,
) -> None:
    audit.record(actor=actor, action=action, target=f"alert_channel:{channel.pk}", before=before, after=after)
