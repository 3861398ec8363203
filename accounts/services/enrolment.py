"""Handing a QMT host its credentials: sealed in the platform until the host's machine asks with the one-time code."""

from __future__ import annotations

import hashlib
import json
import logging
import re
import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models.functions import Now

from accounts import throttle
from accounts.models import HostEnrolment, QmtHost
from ops import audit
from ops.audit import Actor
from ops.clocks import wall_now
from ops.errors import Code, DeskError, NotFound
from ops.sealing import seal, unseal

log = logging.getLogger(__name__)

PURPOSE = "host-enrolment"
LIFETIME = timedelta(hours=1)
MAX_WRONG_CODES = 20
"""Of one address within the throttle's window. The codes cannot be guessed; this keeps the log short."""
_SHAPE = re.compile(r"[A-Za-z0-9_-]{43}")


def enrolment_issue(*, actor: Actor, host: QmtHost, bundle: Mapping[str, Any], lifetime: timedelta = LIFETIME) -> str:
    """Keep `bundle` for the host's machine; returns the code, its only copy. Codes made before are worth nothing."""
    code = secrets.token_urlsafe(32)
    expires_at = wall_now() + lifetime
    with transaction.atomic():
        _void(host)
        HostEnrolment.objects.create(
            host=host,
            digest=_digest(code),
            sealed_bundle=seal(json.dumps(bundle), purpose=PURPOSE),
            expires_at=expires_at,
        )
        audit.record(
            actor=actor, action="host.credentials_issued", target=f"host:{host.pk}", after={"expires_at": expires_at}
        )
    return code


def enrolment_redeem(*, code: str, address: str) -> dict[str, Any]:
    """The bundle that waits for this code, once.

    Raises
    ------
    NotFound
        ENROLMENT_INVALID, the same for a used, expired, withdrawn and never made code, and of a disabled host.
    DeskError
        RATE_LIMITED after too many wrong codes from one address.
    """
    limits = {throttle.key("enrolment", address): MAX_WRONG_CODES}
    if throttle.is_throttled(limits):
        raise DeskError(Code.RATE_LIMITED, status=429)
    found = _take(code, address) if _SHAPE.fullmatch(code) else None
    if found is None:
        throttle.count_failure(limits)
        log.warning("a QMT host's enrolment was refused: unknown, used or expired code from %s", address)
        raise NotFound(Code.ENROLMENT_INVALID)
    bundle: dict[str, Any] = json.loads(unseal(found, purpose=PURPOSE))
    return bundle


def enrolments_void(*, actor: Actor, host: QmtHost) -> None:
    """Take back every code that was not used."""
    with transaction.atomic():
        count = _void(host)
        audit.record(actor=actor, action="host.credentials_revoked", target=f"host:{host.pk}", after={"codes": count})


def _take(code: str, address: str) -> str | None:
    with transaction.atomic():
        usable = HostEnrolment.objects.filter(
            digest=_digest(code), used_at=None, expires_at__gt=Now(), host__enabled=True
        )
        row = usable.select_related("host").first()
        # The update decides between two that ask at once.
        if row is None or not HostEnrolment.objects.filter(pk=row.pk, used_at=None).update(
            used_at=Now(), used_from=address[:64], sealed_bundle=""
        ):
            return None
        audit.record(
            actor=Actor.system(f"qmt-host:{row.host.name}"),
            action="host.enrolled",
            target=f"host:{row.host_id}",
            after={"address": address},
        )
        return row.sealed_bundle


def _void(host: QmtHost) -> int:
    return HostEnrolment.objects.filter(host=host, used_at=None).update(used_at=Now(), sealed_bundle="")


def _digest(code: str) -> str:
    return hashlib.sha256(f"enrolment:{code}".encode()).hexdigest()
