"""Databases in themselves: SQLite's own check, and rows that point at rows which are not there."""

from __future__ import annotations

from collections.abc import Iterator

from django.apps import apps
from django.db import connections
from django.db.models import ForeignKey, Model

from desk.verify.report import Report
from marketdata.models import Instrument
from marketdata.quotes.models import LatestQuote, QuoteSegment, RawQuote, RawTick

DATABASES = ("default", "quotes")
SHOWN = 20


def verify_files(report: Report) -> None:
    """Let SQLite look at its own pages and indexes."""
    for alias in DATABASES:
        connection = connections[alias]
        if connection.vendor != "sqlite":
            continue
        report.checked["SQLite files"] += 1
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA integrity_check(20)")
            for (words,) in cursor.fetchall():
                if words != "ok":
                    report.find("files", alias, words)


def verify_links(report: Report) -> None:
    """Find rows whose foreign key leads nowhere, and market data of instruments that are not there."""
    for model, field in _keys():
        count, example = _orphans(model, field)
        report.checked["foreign keys"] += 1
        if count:
            target = field.related_model._meta.db_table
            report.find(
                "links",
                f"{model._meta.db_table}.{field.column}",
                f"{count} rows point at rows of {target} that are not there, such as {example}",
            )
    known = set(Instrument.objects.values_list("pk", flat=True))
    for table in (QuoteSegment, RawQuote, RawTick, LatestQuote):
        ids = table._default_manager.using("quotes").order_by().values_list("instrument_id", flat=True).distinct()
        for unknown in sorted(set(ids) - known)[:SHOWN]:
            report.find("links", table._meta.db_table, f"there is no instrument {unknown}")


def _keys() -> Iterator[tuple[type[Model], ForeignKey]]:  # type: ignore[type-arg]
    for model in apps.get_models(include_auto_created=True):
        if model._meta.proxy or not model._meta.managed or model._meta.app_label == "quotes":
            continue
        for field in model._meta.local_fields:
            if isinstance(field, ForeignKey):
                yield model, field


def _orphans(model: type[Model], field: ForeignKey) -> tuple[int, object]:  # type: ignore[type-arg]
    """How many rows, and the value of one of them."""
    connection = connections["default"]
    quote = connection.ops.quote_name
    target = field.target_field
    here, there = quote(model._meta.db_table), quote(target.model._meta.db_table)
    column = quote(str(field.column))
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT count(*), min(CAST(h.{column} AS text)) FROM {here} h LEFT JOIN {there} t "  # noqa: S608
            f"ON h.{column} = t.{quote(str(target.column))} "
            f"WHERE h.{column} IS NOT NULL AND t.{quote(str(target.column))} IS NULL"
        )
        count, example = cursor.fetchone()
    return int(count), example
