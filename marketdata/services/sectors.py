"""Sectors and their members over time."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import date

from django.db import transaction

from marketdata.models import Instrument, Sector, SectorMember
from marketdata.services.dated import dated_follow
from ops.clocks import wall_now

logger = logging.getLogger(__name__)


def sectors_store(*, members: Mapping[str, Sequence[str]], day: date) -> None:
    """Store the sectors of a trade date: who left is ended the day before, who came begins.

    A sector that is suddenly empty keeps its members: a terminal that has lost a list answers with nothing, without a word. One
    that the terminal no longer lists is retired, and its members end.
    """
    if not members:
        logger.warning("the terminal lists no sectors: what is stored stays")
        return
    ids = dict(Instrument.objects.values_list("symbol", "pk"))
    for name, symbols in members.items():
        wanted = {ids[symbol]: None for symbol in symbols if symbol in ids}
        with transaction.atomic():
            sector, _ = Sector.objects.update_or_create(
                name=name,
                defaults={"updated_at": wall_now(), "retired_on": None},
                create_defaults={"updated_at": wall_now(), "known_since": day},
            )
            if not wanted and sector.memberships.current().exists():
                logger.warning("the terminal lists no members of %s: those that are stored stay", name)
                continue
            _follow(sector, wanted, day)
    for sector in Sector.objects.filter(retired_on=None).exclude(name__in=list(members)):
        with transaction.atomic():
            _follow(sector, {}, day)
            Sector.objects.filter(pk=sector.pk).update(retired_on=day)


def _follow(sector: Sector, wanted: Mapping[int, None], day: date) -> None:
    dated_follow(
        rows=SectorMember.objects.filter(sector=sector),
        wanted=wanted,
        day=day,
        key_of=lambda row: int(row.instrument_id),
        value_of=lambda _row: None,
        make=lambda key, _value: SectorMember(sector=sector, instrument_id=key),
    )


def sector_backfill(*, sector: Sector, members: Mapping[date, Sequence[str]]) -> int:
    """Add what a terminal says about the past of a sector. Returns the number of memberships added.

    Parameters
    ----------
    members
        Members on trading days before `Sector.known_since`, ascending and close enough to each other that nobody came and went between
        two of them; a day without any counts as not known and ends the stretch that is added.

    Notes
    -----
    What was seen on the day itself is never touched: only days before `known_since` are added, and it moves back accordingly.
    """
    ids = dict(Instrument.objects.values_list("symbol", "pk"))
    known: list[tuple[date, set[int]]] = []
    for day in sorted((day for day in members if day < sector.known_since), reverse=True):
        if not members[day]:
            break
        known.append((day, {ids[symbol] for symbol in members[day] if symbol in ids}))
    known.reverse()
    if not known:
        return 0
    begun: dict[int, date] = {}
    rows: list[SectorMember] = []
    for position, (day, present) in enumerate(known):
        for key in present - begun.keys():
            begun[key] = day
        for key in begun.keys() - present:
            ended = SectorMember(sector=sector, instrument_id=key, valid_from=begun.pop(key))
            ended.valid_to = known[position - 1][0]
            rows.append(ended)
    with transaction.atomic():
        # Who is still there on the first day that was seen is one membership, from the earlier day on.
        for row in SectorMember.objects.filter(
            sector=sector, valid_from=sector.known_since, instrument_id__in=list(begun)
        ):
            SectorMember.objects.filter(pk=row.pk).update(valid_from=begun.pop(row.instrument_id))
        last = known[-1][0]
        rows += [
            SectorMember(sector=sector, instrument_id=key, valid_from=since, valid_to=last)
            for key, since in begun.items()
        ]
        SectorMember.objects.bulk_create(rows, batch_size=500)
        Sector.objects.filter(pk=sector.pk).update(known_since=known[0][0])
    return len(rows)
