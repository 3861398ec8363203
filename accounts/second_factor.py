"""Time-based one-time codes (RFC 6238) and the recovery codes that stand in for them."""

from __future__ import annotations

import hmac
import re
import secrets

import pyotp
from django.db import transaction
from django.utils.crypto import salted_hmac

from accounts import throttle
from accounts.models import RecoveryCode, SecondFactor, User
from ops import audit
from ops.audit import Actor
from ops.clocks import wall_now
from ops.errors import Code, Conflict, Forbidden
from ops.sealing import SealBroken, seal, unseal

ISSUER = "QMT Desk"
RECOVERY_CODES = 10
#: Steps of 30 s by which the clocks of server and telephone may differ.
TOLERANCE_STEPS = 1
STEP_SECONDS = 30
_PURPOSE = "second-factor"
_RECOVERY_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
_RECOVERY_LENGTH = 10
_TOTP = re.compile(r"\d{6}")


def is_on(user: User) -> bool:
    """Whether signing in as `user` takes a code."""
    return SecondFactor.objects.filter(user=user, confirmed_at__isnull=False).exists()


def second_factor_begin(*, user: User) -> str:
    """A new secret for `user` (base32), worth nothing until a code confirms it.

    Raises
    ------
    Conflict
        SECOND_FACTOR_ON: the present one has to be removed first.
    """
    secret = pyotp.random_base32()
    with transaction.atomic():
        _refuse_on(user)
        SecondFactor.objects.update_or_create(
            user=user, defaults={"sealed_secret": seal(secret, purpose=_PURPOSE), "last_step": 0}
        )
    return secret


def second_factor_pending(user: User) -> str | None:
    """The secret that waits for its confirmation, to be shown again; None when there is none."""
    factor = SecondFactor.objects.filter(user=user, confirmed_at=None).first()
    try:
        return None if factor is None else unseal(factor.sealed_secret, purpose=_PURPOSE)
    except SealBroken:
        return None


def provisioning_uri(user: User, secret: str) -> str:
    """The text of the QR code that authenticator apps read."""
    return pyotp.TOTP(secret).provisioning_uri(name=user.username, issuer_name=ISSUER)


def second_factor_confirm(*, actor: Actor, user: User, code: str) -> list[str]:
    """Switch the second factor on with its first code; returns the recovery codes, shown once.

    Raises
    ------
    Conflict
        SECOND_FACTOR_ON.
    Forbidden
        SECOND_FACTOR_INVALID.
    """
    with transaction.atomic():
        _refuse_on(user)
        factor = SecondFactor.objects.select_for_update().filter(user=user).first()
        if factor is None or not _totp_accept(factor, code):
            raise Forbidden(Code.SECOND_FACTOR_INVALID, field="code")
        SecondFactor.objects.filter(pk=factor.pk).update(confirmed_at=wall_now())
        codes = _renew(user)
        audit.record(actor=actor, action="second_factor.added", target=f"user:{user.pk}")
    return codes


def second_factor_remove(*, actor: Actor, user: User) -> bool:
    """Switch the second factor off, recovery codes included; False if it was off."""
    with transaction.atomic():
        RecoveryCode.objects.filter(user=user).delete()
        removed, _ = SecondFactor.objects.filter(user=user, confirmed_at__isnull=False).delete()
        SecondFactor.objects.filter(user=user).delete()
        if removed:
            audit.record(actor=actor, action="second_factor.removed", target=f"user:{user.pk}")
    return bool(removed)


def recovery_codes_renew(*, actor: Actor, user: User) -> list[str]:
    """Replace all recovery codes; the result is their only copy."""
    with transaction.atomic():
        codes = _renew(user)
        audit.record(actor=actor, action="recovery_codes.renewed", target=f"user:{user.pk}")
    return codes


def recovery_codes_left(user: User) -> int:
    """How many recovery codes have not been used."""
    return RecoveryCode.objects.filter(user=user, used_at=None).count()


def code_accept(user: User, code: str) -> None:
    """Take a code of the second factor, or a recovery code; each is good once.

    Raises
    ------
    Forbidden
        SECOND_FACTOR_INVALID, and the same words after too many wrong ones in five
        minutes, whatever is typed then.
    """
    limits = throttle.code_limits(user.pk)
    if throttle.is_throttled(limits):
        raise Forbidden(Code.SECOND_FACTOR_INVALID, field="code")
    factor = SecondFactor.objects.filter(user=user, confirmed_at__isnull=False).first()
    if factor is not None and (_totp_accept(factor, code) or _recovery_accept(user, code)):
        throttle.forgive(*limits)
        return
    with transaction.atomic():
        throttle.count_failure(limits)
        audit.record(actor=Actor.system("login"), action="second_factor.refused", target=f"user:{user.pk}")
    raise Forbidden(Code.SECOND_FACTOR_INVALID, field="code")


def _totp_accept(factor: SecondFactor, code: str) -> bool:
    """Whether `code` is one of the present steps and newer than the last that was taken."""
    digits = code.replace(" ", "")
    if not _TOTP.fullmatch(digits) or not digits.isascii():
        return False
    try:
        totp = pyotp.TOTP(unseal(factor.sealed_secret, purpose=_PURPOSE), interval=STEP_SECONDS)
    except SealBroken:
        return False
    present = int(wall_now().timestamp()) // STEP_SECONDS
    for step in range(present - TOLERANCE_STEPS, present + TOLERANCE_STEPS + 1):
        if hmac.compare_digest(totp.at(step * STEP_SECONDS), digits):
            # Conditional, so that of two requests with one code only one is let in.
            fresh = SecondFactor.objects.filter(pk=factor.pk, last_step__lt=step)
            return bool(fresh.update(last_step=step))
    return False


def _recovery_accept(user: User, code: str) -> bool:
    clean = code.replace("-", "").replace(" ", "").upper()
    if len(clean) != _RECOVERY_LENGTH:
        return False
    unused = RecoveryCode.objects.filter(user=user, digest=_recovery_digest(user, clean), used_at=None)
    with transaction.atomic():
        if not unused.update(used_at=wall_now()):
            return False
        audit.record(
            actor=Actor.system("login"),
            action="recovery_code.used",
            target=f"user:{user.pk}",
            after={"left": recovery_codes_left(user)},
        )
    return True


def _renew(user: User) -> list[str]:
    RecoveryCode.objects.filter(user=user).delete()
    plain = [
        "".join(secrets.choice(_RECOVERY_ALPHABET) for _ in range(_RECOVERY_LENGTH)) for _ in range(RECOVERY_CODES)
    ]
    RecoveryCode.objects.bulk_create([RecoveryCode(user=user, digest=_recovery_digest(user, code)) for code in plain])
    half = _RECOVERY_LENGTH // 2
    return [f"{code[:half]}-{code[half:]}" for code in plain]


def _recovery_digest(user: User, code: str) -> str:
    # Keyed with the installation's secret: fifty bits alone could be searched in a stolen table.
    return salted_hmac("recovery-code", f"{user.pk}:{code}", algorithm="sha256").hexdigest()


def _refuse_on(user: User) -> None:
    if is_on(user):
        raise Conflict(Code.SECOND_FACTOR_ON)


def reseal_all() -> int:
    """Seal every secret with the present encryption key; returns how many."""
    factors = list(SecondFactor.objects.order_by("pk"))
    for factor in factors:
        sealed = seal(unseal(factor.sealed_secret, purpose=_PURPOSE), purpose=_PURPOSE)
        SecondFactor.objects.filter(pk=factor.pk, sealed_secret=factor.sealed_secret).update(sealed_secret=sealed)
    return len(factors)
