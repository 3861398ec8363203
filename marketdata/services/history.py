"""What changed about instruments: former codes and names, and every rule that became another."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction

from marketdata.choices import AliasKind
from marketdata.models import Instrument, InstrumentAlias, InstrumentChange
from ops.clocks import wall_now
from qmt.gateway import InstrumentDetail

logger = logging.getLogger(__name__)

TRACKED = (
    "name",
    "is_st",
    "board",
    "lot_size",
    "min_quantity",
    "quantity_step",
    "tick",
    "volume_unit",
    "t_plus",
    "list_date",
    "delist_date",
    "max_limit_quantity",
    "max_market_quantity",
)
# Marks that a name carries for a day or the first days: ex-dividend, ex-rights, both, first day, following days (SSE 交易规则 2023 5.2).
_DAY_MARK = re.compile(r"^(?:XD|XR|DR|[NC](?=[^\x00-\x7f]))")


def base_name(name: str) -> str:
    """A name without the mark of the day: ``XD贵州茅台`` is still 贵州茅台."""
    return _DAY_MARK.sub("", name.strip())


def changes_record(
    *, earlier: Mapping[str, Instrument], stored: Mapping[str, Instrument], day: date, host: str
) -> dict[int, set[str]]:
    """Store how instruments differ from before, inside the caller's transaction. Returns the changed facts per instrument id.

    Instruments that are new have no history. Of two changes of one fact on one trade date the first one's "before" and the last one's "after"
    are kept.
    """
    changed: dict[int, set[str]] = {}
    rows: list[InstrumentChange] = []
    for symbol, before in earlier.items():
        after = stored[symbol]
        for field in TRACKED:
            old, new = _text(field, getattr(before, field)), _text(field, getattr(after, field))
            if old == new:
                continue
            changed.setdefault(after.pk, set()).add(field)
            rows.append(_change(after, day, field, (old, new), host))
            if field == "name":
                _alias(after, AliasKind.NAME, old, day)
    InstrumentChange.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["instrument", "date", "field"],
        update_fields=["after", "recorded_at"],
    )
    return changed


def recodes_follow(*, details: Sequence[InstrumentDetail], universe: Sequence[str], day: date, host: str) -> list[str]:
    """Recognise new codes of known instruments and rename those. Returns the new codes.

    A code is taken for a new one of a known instrument when the terminal no longer lists that instrument's code and both have the same
    name, listing date and market; exactly one instrument must fit. (The Beijing exchange moved its shares to 920xxx in this way.)
    """
    known = set(Instrument.objects.with_symbols([detail.symbol for detail in details]).values_list("symbol", flat=True))
    listed = set(universe)
    renamed: list[str] = []
    for detail in details:
        if detail.symbol in known or detail.list_date is None:
            continue
        fitting = [
            row
            for row in Instrument.objects.filter(market=detail.symbol.rpartition(".")[2], list_date=detail.list_date)
            if row.symbol not in listed and base_name(row.name) == base_name(detail.name)
        ]
        if len(fitting) != 1:
            continue
        _rename(fitting[0], detail.symbol, day, host)
        renamed.append(detail.symbol)
    return renamed


def _rename(instrument: Instrument, symbol: str, day: date, host: str) -> None:
    before = instrument.symbol
    with transaction.atomic():
        Instrument.objects.filter(pk=instrument.pk).update(symbol=symbol, updated_at=wall_now())
        _alias(instrument, AliasKind.SYMBOL, before, day)
        _change(instrument, day, "symbol", (before, symbol), host).save()
    logger.warning("instrument %d changed its code from %s to %s", instrument.pk, before, symbol)


def _alias(instrument: Instrument, kind: AliasKind, text: str, day: date) -> None:
    """Keep what it was called until the day before."""
    earlier = InstrumentAlias.objects.filter(instrument=instrument, kind=kind).order_by("-valid_to").first()
    InstrumentAlias.objects.get_or_create(
        instrument=instrument,
        kind=kind,
        valid_to=day - timedelta(days=1),
        defaults={"text": text, "valid_from": earlier.valid_to + timedelta(days=1) if earlier else None},
    )


def _change(instrument: Instrument, day: date, field: str, pair: tuple[str, str], host: str) -> InstrumentChange:
    before, after = (text[:64] for text in pair)
    return InstrumentChange(
        instrument=instrument, date=day, field=field, before=before, after=after, host=host, recorded_at=wall_now()
    )


def _text(field: str, value: Any) -> str:
    """A fact as the history shows it, the same for what the database and the terminal spell differently."""
    if field == "name":
        return base_name(value)
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    return "" if value is None else str(value)
