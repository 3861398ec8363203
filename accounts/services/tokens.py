"""Writes of API tokens."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from ipaddress import ip_network

from django.db import transaction
from django.db.models import Q

from accounts.choices import Scope
from accounts.models import ApiToken, BrokerAccount, User
from accounts.models.access import DEFAULT_RATE_PER_MINUTE, MAX_RATE_PER_MINUTE
from accounts.services.control import tell_after_commit
from accounts.tokens import token_digest, token_generate, token_prefix
from ops import audit
from ops.audit import Actor
from ops.clocks import wall_now
from ops.errors import Code, Conflict, Invalid, NotFound

MAX_NETWORKS = 20
MAX_GRACE = timedelta(days=7)


def token_create(
    *,
    actor: Actor,
    user: User,
    name: str,
    scopes: Sequence[str],
    expires_at: datetime | None = None,
    account_ids: Sequence[int] | None = None,
    networks: Sequence[str] = (),
    rate_per_minute: int = DEFAULT_RATE_PER_MINUTE,
) -> tuple[ApiToken, str]:
    """Make a token for `user`; the second value is its only copy in plain text.

    Parameters
    ----------
    account_ids
        The only accounts the token opens, never more than the person's own rights;
        None for all of them, those granted later included.
    networks
        Addresses or networks (``10.0.0.0/8``) it may be used from; none: from anywhere.

    Raises
    ------
    Invalid
        SCOPE_UNKNOWN for a scope that does not exist or none at all;
        EXPIRY_IN_PAST for a token that would be born expired; NETWORK_INVALID;
        FIELD_INVALID for a rate that is none.
    NotFound
        ACCOUNT_NOT_FOUND for an account that the person may not see.
    """
    chosen = list(dict.fromkeys(scopes))
    unknown = [scope for scope in chosen if scope not in Scope.values]
    if unknown or not chosen:
        raise Invalid(Code.SCOPE_UNKNOWN, field="scopes", unknown=unknown, known=list(Scope.values))
    if expires_at is not None and expires_at <= wall_now():
        raise Invalid(Code.EXPIRY_IN_PAST, field="expires_at")
    if not 1 <= rate_per_minute <= MAX_RATE_PER_MINUTE:
        raise Invalid(Code.FIELD_INVALID, field="rate_per_minute", minimum=1, maximum=MAX_RATE_PER_MINUTE)
    with transaction.atomic():
        return _store(
            actor,
            "token.created",
            ApiToken(
                user=user,
                name=name,
                scopes=chosen,
                account_ids=_known_accounts(user, account_ids),
                networks=_networks(networks),
                rate_per_minute=rate_per_minute,
                expires_at=expires_at,
            ),
        )


def token_rotate(*, actor: Actor, token: ApiToken, grace: timedelta = timedelta(0)) -> tuple[ApiToken, str]:
    """Replace a token by a new one with the same limits; the old one ends after `grace`.

    A lifetime that was limited starts again with its length.

    Raises
    ------
    Conflict
        TOKEN_ENDED: a token that was revoked or has expired is not revived.
    Invalid
        FIELD_INVALID for a grace of more than seven days.
    """
    if not timedelta(0) <= grace <= MAX_GRACE:
        raise Invalid(Code.FIELD_INVALID, field="grace", maximum_days=MAX_GRACE.days)
    with transaction.atomic():
        old = ApiToken.objects.select_for_update().select_related("user").get(pk=token.pk)
        now = wall_now()
        if old.revoked_at is not None or (old.expires_at is not None and old.expires_at <= now):
            raise Conflict(Code.TOKEN_ENDED, token=old.prefix)
        lifetime = None if old.expires_at is None else old.expires_at - old.created_at
        result = _store(
            actor,
            "token.rotated",
            ApiToken(
                user=old.user,
                name=old.name,
                scopes=old.scopes,
                account_ids=old.account_ids,
                networks=old.networks,
                rate_per_minute=old.rate_per_minute,
                expires_at=None if lifetime is None else now + lifetime,
                rotated_from=old,
            ),
        )
        if grace:
            until = now + grace
            ends_later = Q(expires_at=None) | Q(expires_at__gt=until)
            ApiToken.objects.filter(ends_later, pk=old.pk).update(expires_at=until)
        else:
            token_revoke(actor=actor, token=old)
    return result


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


def tokens_revoke_all(*, actor: Actor, user: User) -> int:
    """End every token of a person."""
    return sum(token_revoke(actor=actor, token=token) for token in ApiToken.objects.filter(user=user, revoked_at=None))


def _store(actor: Actor, action: str, token: ApiToken) -> tuple[ApiToken, str]:
    plain = token_generate()
    token.prefix, token.digest = token_prefix(plain), token_digest(plain)
    token.save(force_insert=True)
    facts = {
        "user": token.user.username,
        "name": token.name,
        "prefix": token.prefix,
        "scopes": token.scopes,
        "accounts": token.account_ids,
        "networks": token.networks,
        "rate_per_minute": token.rate_per_minute,
        "expires_at": token.expires_at,
    }
    if token.rotated_from is not None:
        facts["rotated_from"] = token.rotated_from.prefix
    audit.record(actor=actor, action=action, target=f"token:{token.pk}", after=facts)
    return token, plain


def _known_accounts(user: User, account_ids: Sequence[int] | None) -> list[int] | None:
    if account_ids is None:
        return None
    wanted = sorted(set(account_ids))
    visible = set(BrokerAccount.objects.visible_to(user).filter(pk__in=wanted).values_list("pk", flat=True))
    for account_id in wanted:
        if account_id not in visible:
            raise NotFound(Code.ACCOUNT_NOT_FOUND, field="account_ids", account=account_id)
    return wanted


def _networks(networks: Sequence[str]) -> list[str]:
    """The networks in one spelling.

    Raises
    ------
    Invalid
        NETWORK_INVALID for text that is none, or for too many.
    """
    if len(networks) > MAX_NETWORKS:
        raise Invalid(Code.NETWORK_INVALID, field="networks", maximum=MAX_NETWORKS)
    result = []
    for text in networks:
        try:
            result.append(str(ip_network(text.strip(), strict=False)))
        except ValueError:
            raise Invalid(Code.NETWORK_INVALID, field="networks", network=ascii(text)[:60]) from None
    return list(dict.fromkeys(result))
