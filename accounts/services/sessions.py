"""Browser sessions: which are open, when they were seen, and ending them."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable
from datetime import timedelta
from importlib import import_module

from django.conf import settings
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.db import DatabaseError, transaction
from django.http import HttpRequest

from accounts.models import PersonSession, User
from accounts.services.control import tell_after_commit
from ops import audit
from ops.audit import Actor
from ops.clocks import wall_now

logger = logging.getLogger(__name__)

#: `last_seen_at` is for people; writing it on every request would make each page a write.
SEEN_RESOLUTION = timedelta(minutes=1)


def session_digest(session_key: str) -> str:
    """A name for a session that does not open it."""
    return hashlib.sha256(session_key.encode()).hexdigest()


def address_of(request: HttpRequest) -> str:
    """Where a request comes from (behind a trusted proxy the server has resolved it already)."""
    return str(request.META.get("REMOTE_ADDR") or "")


def sessions_of(user: User) -> list[PersonSession]:
    """The person's open sessions, the most recently seen first."""
    alive = Session.objects.filter(expire_date__gt=wall_now()).values("session_key")
    return list(PersonSession.objects.filter(user=user, session_key__in=alive))


def session_note_seen(request: HttpRequest) -> None:
    """Renew when and from where the session was last seen, at most once a minute."""
    session_key = request.session.session_key
    if session_key is None:
        return
    mark = f"seen:{session_digest(session_key)}"
    if not cache.add(mark, 1, SEEN_RESOLUTION.total_seconds()):
        return
    rows = PersonSession.objects.filter(session_key=session_key)
    try:
        rows.update(last_seen_at=wall_now(), address=_clean(address_of(request), 64))
    except DatabaseError as error:
        # A locked database must not turn a page away.
        logger.warning("Could not note that a session was seen: %s", error)


def sessions_end(*, actor: Actor, sessions: Iterable[PersonSession], action: str = "session.ended") -> int:
    """End sessions, their open sockets included, and say on the audit trail whose and which."""
    rows = list(sessions)
    if not rows:
        return 0
    with transaction.atomic():
        keys = [row.session_key for row in rows]
        Session.objects.filter(session_key__in=keys).delete()
        PersonSession.objects.filter(session_key__in=keys).delete()
        for row in rows:
            tell_after_commit("user.logged_out", user_id=row.user_id, session=session_digest(row.session_key))
            audit.record(
                actor=actor,
                action=action,
                target=f"user:{row.user_id}",
                before={"address": row.address, "agent": row.agent, "opened_at": row.created_at},
            )
    return len(rows)


def sessions_end_all(*, actor: Actor, user: User, but: str | None = None) -> int:
    """End every session of a person, except the one with the key `but`."""
    return sessions_end(actor=actor, sessions=PersonSession.objects.filter(user=user).exclude(session_key=but or ""))


def session_moved(request: HttpRequest, old_key: str | None) -> None:
    """The session got a new key (a changed password cycles it): its row follows."""
    if old_key is not None and request.session.session_key is not None:
        PersonSession.objects.filter(session_key=old_key).update(session_key=request.session.session_key)


def session_opened(request: HttpRequest, user: User) -> None:
    """Keep what `user` will recognise the new session by."""
    if request.session.session_key is None:
        request.session.save()
    store = import_module(settings.SESSION_ENGINE).SessionStore
    store.clear_expired()
    known = Session.objects.values("session_key")
    PersonSession.objects.filter(user=user).exclude(session_key__in=known).delete()
    PersonSession.objects.update_or_create(
        session_key=request.session.session_key,
        defaults={
            "user": user,
            "address": _clean(address_of(request), 64),
            "agent": _clean(request.META.get("HTTP_USER_AGENT", ""), 200),
            "last_seen_at": wall_now(),
        },
    )


def _clean(text: str, limit: int) -> str:
    """Header text that can be stored and shown: printable, bounded."""
    return "".join(char for char in text if char.isprintable())[:limit]
