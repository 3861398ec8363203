"""Reads of strategies: the catalogue, runs with their book, their orders and their log."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.db.models import QuerySet

from accounts.models import User
from accounts.selectors import account_get
from marketdata.models import Instrument
from marketdata.selectors import latest_quotes
from ops.errors import Code, NotFound
from ops.handover import OpenWork
from trading.ledger.models import OwnerPosition
from trading.ledger.wire import moment, money, plain
from trading.strategies.models import Plugin, Run, RunLine, RunOrder

LINES_SHOWN = 200
RUNS_SHOWN = 100


def plugins() -> QuerySet[Plugin]:
    """The strategies that lie there now, by name."""
    return Plugin.objects.filter(present=True).order_by("name")


def runs_visible_to(user: User | AnonymousUser) -> QuerySet[Run]:
    """Runs on the accounts that `user` may see, newest first."""
    return Run.objects.visible_to(user).select_related("account", "plugin", "created_by").order_by("-pk")


def run_get(user: User | AnonymousUser, run_id: int) -> Run:
    """One run, if `user` may see its account.

    Raises
    ------
    NotFound
        STRATEGY_RUN_NOT_FOUND, the same for one that does not exist.
    """
    run = runs_visible_to(user).filter(pk=run_id).first()
    if run is None:
        raise NotFound(Code.STRATEGY_RUN_NOT_FOUND, run=run_id)
    return run


def runs_shown(user: User, account_id: int, after: Mapping[int, int] | None) -> dict[str, Any]:
    """What the live socket shows of an account's runs.

    Parameters
    ----------
    after
        Number of the last line known of each run that has news; None for every run, without lines.

    Returns
    -------
    dict
        ``runs`` as they stand, newest first, and ``lines``, oldest first, each with its ``run``.

    Raises
    ------
    NotFound
        ACCOUNT_NOT_FOUND.
    """
    account = account_get(user, account_id)
    rows = Run.objects.filter(account=account).select_related("plugin", "created_by").order_by("-pk")
    if after is None:
        return {"runs": [run_view(run) for run in rows[:RUNS_SHOWN]], "lines": []}
    runs = list(rows.filter(pk__in=list(after)))
    lines = [line_view(line) | {"run": run.pk} for run in runs for line in line_rows(run, after=after[run.pk])]
    return {"runs": [run_view(run) for run in runs], "lines": lines}


def open_runs_of(user_id: int) -> list[OpenWork]:
    """The runs of a person that are wanted; they place nothing any more as soon as the person may not."""
    runs = Run.objects.filter(created_by=user_id, wanted=True).select_related("plugin").order_by("pk")
    return [
        OpenWork(
            kind="strategy",
            id=str(run.pk),
            title=f"{run.label} {run.state}",
            account_id=run.account_id,
            facts={"strategy": run.plugin.name, "state": str(run.state), "label": run.label},
        )
        for run in runs
    ]


def plugin_view(plugin: Plugin) -> dict[str, Any]:
    """One version of a strategy."""
    return {
        "name": plugin.name,
        "version": plugin.digest,
        "origin": str(plugin.origin),
        "title": plugin.title,
        "text": plugin.text,
        "parameters": list(plugin.parameters),
        "periods": list(plugin.periods),
        "wants_ticks": plugin.wants_ticks,
        "problem": plugin.problem,
        "found_at": moment(plugin.found_at),
    }


def run_view(run: Run) -> dict[str, Any]:
    """One run as it stands."""
    return {
        "id": run.pk,
        "account": run.account_id,
        "strategy": run.plugin.name,
        "version": run.plugin.digest,
        "label": run.label,
        "created_by": run.created_by.username,
        "symbols": list(run.symbols),
        "period": run.period,
        "parameters": dict(run.parameters),
        "capital": money(run.capital),
        "opens_at": None if run.opens_at is None else f"{run.opens_at:%H:%M}",
        "closes_at": None if run.closes_at is None else f"{run.closes_at:%H:%M}",
        "wanted": run.wanted,
        "state": str(run.state),
        "code": run.code,
        "message": run.message,
        "mode": run.mode,
        "events": run.events,
        "orders": run.order_count,
        "lines": run.line_count,
        "bar_ts": run.bar_ts,
        "bar_days": run.bar_days,
        "changed_at": moment(run.changed_at),
        "created_at": moment(run.created_at),
    }


def run_figures(run: Run) -> dict[str, Any]:
    """What the run holds and earned, from the ledger's entries of its orders, at the newest quotes.

    Returns
    -------
    dict
        ``positions`` (symbol, quantity, average price, last price, value), ``cash`` (capital less what is held cost, plus what
        was realised), ``realised``, ``unrealised``, ``dividends``, ``fees``, ``equity``. A holding without a quote counts as
        what it cost.
    """
    rows = list(OwnerPosition.objects.filter(account=run.account_id, strategy=run.label).order_by("symbol", "pk"))
    quotes = _last_prices({row.symbol for row in rows if row.quantity})
    held: dict[str, tuple[int, Decimal]] = {}
    for row in rows:
        quantity, cost = held.get(row.symbol, (0, Decimal(0)))
        held[row.symbol] = (quantity + row.quantity, cost + row.cost)
    positions, worth, spent = [], Decimal(0), Decimal(0)
    for symbol, (quantity, cost) in held.items():
        spent += cost
        if quantity == 0:
            worth += cost
            continue
        last = quotes.get(symbol)
        value = cost if last is None else last * quantity
        worth += value
        positions.append(
            {
                "symbol": symbol,
                "quantity": quantity,
                "average_price": plain(round(cost / quantity, 4)),
                "last_price": plain(last),
                "value": money(round(value, 4)),
            }
        )
    realised = sum((row.realised for row in rows), start=Decimal(0))
    dividends = sum((row.dividends for row in rows), start=Decimal(0))
    cash = run.capital + realised + dividends - spent
    return {
        "positions": positions,
        "cash": money(cash),
        "realised": money(realised),
        "unrealised": money(round(worth - spent, 4)),
        "dividends": money(dividends),
        "fees": money(sum((row.fees for row in rows), start=Decimal(0))),
        "equity": money(round(cash + worth, 4)),
    }


def order_rows(run: Run) -> QuerySet[RunOrder]:
    """What the run asked for, newest first."""
    return RunOrder.objects.filter(run=run).select_related("order").order_by("-number")


def order_view(row: RunOrder) -> dict[str, Any]:
    """One request of a run, with the order it became."""
    return {
        "number": row.number,
        "id": row.key,
        "symbol": row.symbol,
        "side": str(row.side),
        "quantity": row.quantity,
        "price_type": str(row.price_type),
        "price": plain(row.price),
        "reason": row.reason,
        "decided_ts": row.decided_ts,
        "state": row.state,
        "filled": row.filled,
        "average_price": plain(row.average_price),
        "code": row.code,
        "order": None if row.order_id is None else str(row.order_id),
    }


def line_rows(run: Run, *, after: int | None = None) -> list[RunLine]:
    """Lines of a run's log, oldest first: those after a number, or the newest; at most 200."""
    rows = RunLine.objects.filter(run=run)
    if after is not None:
        return list(rows.filter(number__gt=after).order_by("number")[:LINES_SHOWN])
    return list(reversed(rows.order_by("-number")[:LINES_SHOWN]))


def line_view(line: RunLine) -> dict[str, Any]:
    """One line of a log."""
    return {
        "number": line.number,
        "level": str(line.level),
        "text": line.text,
        "facts": dict(line.facts),
        "market_ts": line.market_ts,
        "at": moment(line.at),
    }


def _last_prices(symbols: set[str]) -> dict[str, Decimal]:
    """Newest quote of each symbol that has one, in CNY."""
    ids = dict(Instrument.objects.filter(symbol__in=symbols).values_list("pk", "symbol"))
    return {ids[pk]: Decimal(repr(quote.last)) for pk, quote in latest_quotes(ids).items() if quote.last}
