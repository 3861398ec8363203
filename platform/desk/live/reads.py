"""What the live socket reads from the databases. Runs in threads, never in the event loop."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar

from channels.db import database_sync_to_async
from django.db.models import Q

from accounts.api.serializers import AccountSerializer
from accounts.models import BrokerAccount, User
from accounts.selectors import account_get, account_views
from alerts.selectors import open_alerts
from desk.live.encoding import JSON, Encoding, Frame
from desk.live.identity import Identity, still_valid
from marketdata.models import DataSource, Instrument
from marketdata.quotes.models import LatestQuote
from marketdata.selectors import instruments_by_symbol, latest_quotes
from marketdata.watch import feed_view
from ops.jobs import job_payload
from ops.models import Job
from trading.approvals.selectors import approvals_waiting
from trading.ledger.models import AccountBook
from trading.ledger.selectors import account_snapshot, events_since
from trading.signals.selectors import signals_shown
from trading.strategies.selectors import runs_shown

P = ParamSpec("P")
R = TypeVar("R")

#: Of their own: a slow page must not delay a socket, nor the other way round.
_THREADS = ThreadPoolExecutor(max_workers=4, thread_name_prefix="live-read")
EVENTS_LIMIT = 1000
JOBS_SHOWN = 50


async def in_thread(read: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run a database read in the socket's threads."""
    run = database_sync_to_async(read, thread_sensitive=False, executor=_THREADS)
    result: R = await run(*args, **kwargs)
    return result


def account_since(user: User, account_id: int, since: int | None, encoding: Encoding = JSON) -> tuple[Frame, int]:
    """The frame that brings a client from `since` to now, and the version it leads to.

    Rights are checked by the same read: ACCOUNT_NOT_FOUND for an account that does
    not exist and for one that `user` may not see.
    """
    account = account_get(user, account_id)
    channel = f"account:{account_id}"
    if since is not None:
        events = events_since(account, since, EVENTS_LIMIT)
        if events is not None:
            version = events[-1]["version"] if events else since
            return encoding.frame("delta", channel=channel, version=version, events=events), version
    snapshot = account_snapshot(account)
    version = snapshot["version"]
    return encoding.frame("snapshot", channel=channel, version=version, data=snapshot["data"]), version


def account_versions(account_ids: Collection[int]) -> dict[int, int]:
    """The newest event version of each account that has one."""
    books = AccountBook.objects.filter(pk__in=account_ids)
    return dict(books.values_list("pk", "version"))


def quotes_now(symbols: tuple[str, ...] | None) -> tuple[frozenset[str] | None, dict[str, Any]]:
    """The resolved symbols (None: all) and their latest stored quotes.

    Raises SYMBOL_UNKNOWN naming the symbols that do not exist.
    """
    if symbols is None:
        rows: Iterable[LatestQuote] = LatestQuote.objects.all().iterator()
        stored = {row.instrument_id: row for row in rows}
        names = dict(Instrument.objects.values_list("pk", "symbol"))
        known = ((names[pk], row) for pk, row in stored.items() if pk in names)
        return None, {symbol: quote_view(row) for symbol, row in known}
    instruments = instruments_by_symbol(symbols)
    stored = dict(latest_quotes(instrument.pk for instrument in instruments.values()))
    found = ((symbol, stored.get(item.pk)) for symbol, item in instruments.items())
    data = {symbol: quote_view(row) for symbol, row in found if row is not None}
    return frozenset(instruments), data


def resolve_symbols(symbols: tuple[str, ...] | None) -> frozenset[str] | None:
    """Full symbols; raises SYMBOL_UNKNOWN."""
    return None if symbols is None else frozenset(instruments_by_symbol(symbols))


def quote_view(row: LatestQuote) -> dict[str, Any]:
    """A stored quote in the shape of a live one."""
    return {
        "last": row.last,
        "open": row.open,
        "high": row.high,
        "low": row.low,
        "pre_close": row.pre_close,
        "volume": row.volume,
        "amount": row.amount,
        "bid": row.bid,
        "ask": row.ask,
        "bidv": row.bid_volume,
        "askv": row.ask_volume,
        "ts": row.ts,
        "status": row.status,
    }


def feeds_stale() -> list[dict[str, Any]]:
    """Hosts that trade and whose quotes do not arrive."""
    return [feed_view(source) for source in DataSource.objects.exclude(stale_since=None)]


def jobs_now(user: User) -> list[dict[str, Any]]:
    """The jobs that `user` may see and that have not ended, newest first."""
    jobs = Job.objects.exclude(status__in=Job.FINAL)
    if not user.is_admin:
        jobs = jobs.filter(Q(owner=None) | Q(owner=user.pk))
    return [job_payload(job) for job in jobs.order_by("-created_at")[:JOBS_SHOWN]]


def alerts_now(user: User, ids: frozenset[int] | None) -> list[dict[str, Any]]:
    """The open alerts that `user` may see; with `ids`: how those alerts stand now."""
    return open_alerts(user, ids)


def approvals_now(user: User) -> dict[str, list[dict[str, Any]]]:
    """The orders, executions and transfers that wait for somebody else and that `user` may see."""
    return approvals_waiting(user)


def check_access(
    identity: Identity, account_ids: frozenset[int], *, with_views: bool
) -> tuple[User, frozenset[int], dict[int, dict[str, Any]]] | None:
    """Whether a connection still stands, which of its accounts it may still see, and how they are.

    None when the person would not be let in any more. The accounts' shape is the
    API's, and only read `with_views`.
    """
    user = still_valid(identity)
    if user is None:
        return None
    visible = BrokerAccount.objects.visible_to(user).filter(pk__in=account_ids)
    allowed = frozenset(visible.values_list("pk", flat=True)) if account_ids else frozenset()
    if not with_views or not allowed:
        return user, allowed, {}
    views = (view for view in account_views(user) if view.account.pk in allowed)
    return user, allowed, {view.account.pk: dict(AccountSerializer(view).data) for view in views}


def signals_now(user: User, account_id: int) -> list[dict[str, Any]]:
    """The newest signals of an account; rights are checked by the same read: ACCOUNT_NOT_FOUND."""
    return signals_shown(user, account_id)


def strategies_now(user: User, account_id: int, after: Mapping[int, int] | None) -> dict[str, Any]:
    """Runs of an account and their lines; rights are checked by the same read: ACCOUNT_NOT_FOUND."""
    return runs_shown(user, account_id, after)
