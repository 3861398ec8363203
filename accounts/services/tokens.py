"""Writes of API tokens."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from accounts.choices import Scope
from accounts.models import ApiToken, User
from accounts.services.control import tell_after_commit
from accounts.tokens import token_digest, token_generate, token_prefix
from ops import audit
from ops.audit import Actor
from ops.clocks import wall_now
from ops.errors import Code, Invalid


def token_create(
    *,
    actor: Actor,
    user: User,
    name: str,
    scopes: Sequence[str],
    expires_at: datetime | None = None,
) -> tuple[ApiToken, str]:
    """Make a token for `user`; the second value is its only copy in plain text.

    Raises
    ------
    Invalid
        SCOPE_UNKNOWN for a scope that does not exist or none at all;
        EXPIRY_IN_PAST for a token that would be born expired.
    """
    chosen = list(dict.fromkeys(scopes))
    unknown = [scope for scope in chosen if scope not in Scope.values]
    if unknown or not chosen:
        raise Invalid(Code.SCOPE_UNKNOWN, field="scopes", unknown=unknown, known=list(Scope.values))
    if expires_at is not None and expires_at <= wall_now():
        raise Invalid(Code.EXPIRY_IN_PAST, field="expires_at")
    plain = token_generate()
    with transaction.atomic():
        token = ApiToken.objects.create(
            user=user,
            name=name,
            prefix=token_prefix(plain),
            digest=token_digest(plain),
            scopes=chosen,
            expires_at=expires_at,
        )
        audit.record(
            actor=actor,
            action="token.created",
            target=f"token:{token.pk}",
            after={
                "user": user.username,
                "name": name,
                "prefix": token.prefix,
                "scopes": chosen,
                "expires_at": expires_at,
            },
        )
    return token, plain


def token_revoke(*, actor: Actor, token: ApiToken) -> bool:
    """End a token for good, its open sockets included; False if it had ended before."""
    with transaction.atomic():
        now = wall_now()
        ended = ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=now)
        if not ended:
            return False
        tell_after_commit("token.revoked", user_id=token.user_id, token_id=token.pk)
        audit.record(
            actor=actor,
            action="token.revoked",
            target=f"token:{token.pk}",
            before={"name": token.name, "prefix": token.prefix},
        )
    token.revoked_at = now
    return True
