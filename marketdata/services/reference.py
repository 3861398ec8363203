"""Static data beside instruments: index weights, bonds, fund baskets, new issues. Every step can be repeated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import transaction

from marketdata.choices import Kind
from marketdata.models import ConvertibleBond, FundBasket, IndexWeight, Instrument, NewIssue
from marketdata.services.dated import dated_follow
from ops.clocks import wall_now
from qmt.reference import ConvertibleTerms, EtfBasket, IpoInfo, ReferenceGateway

_WEIGHT_STEP = Decimal("0.000001")


def weights_sync(*, reference: ReferenceGateway, day: date) -> int:
    """Follow the weights of every index that the terminal weighs; returns how many began or ended.

    An index without an answer keeps its weights: nothing is how a terminal answers for a list that it has not downloaded.
    """
    ids = dict(Instrument.objects.values_list("symbol", "pk"))
    moved = 0
    for index in Instrument.objects.filter(kind=Kind.INDEX):
        found = reference.index_weights(index.symbol)
        wanted = {ids[symbol]: weight.quantize(_WEIGHT_STEP) for symbol, weight in found.items() if symbol in ids}
        if wanted:
            moved += _weights_follow(index, wanted, day)
    return moved


def _weights_follow(index: Instrument, wanted: Mapping[int, Decimal], day: date) -> int:
    return dated_follow(
        rows=IndexWeight.objects.filter(index=index),
        wanted=wanted,
        day=day,
        key_of=lambda row: int(row.instrument_id),
        value_of=lambda row: Decimal(row.weight),
        make=lambda key, weight: IndexWeight(index=index, instrument_id=key, weight=weight),
    )


def bonds_sync(*, reference: ReferenceGateway, day: date) -> int:
    """Follow the terms of the convertible bonds; returns how many are new or changed. Bonds the terminal is silent about stay."""
    bonds = {row.symbol: row for row in Instrument.objects.filter(kind=Kind.CONVERTIBLE)}
    moved = 0
    for terms in reference.convertibles(sorted(bonds)):
        row = bonds[terms.symbol]
        moved += (
            dated_follow(
                rows=ConvertibleBond.objects.filter(instrument=row),
                wanted={row.pk: _bond_values(terms)},
                day=day,
                key_of=lambda stored: int(stored.instrument_id),
                value_of=lambda stored: {name: getattr(stored, name) for name in _BOND_FIELDS},
                make=lambda key, values: ConvertibleBond(instrument_id=key, **values),
            )
            and 1
        )
    return moved


_BOND_FIELDS = (
    "underlying",
    "conversion_price",
    "remaining_size",
    "maturity_date",
    "conversion_start",
    "conversion_end",
    "facts",
)


def _bond_values(terms: ConvertibleTerms) -> dict[str, Any]:
    # The figures that follow the bond's price every day are no terms; they would begin a new row each day.
    facts = {name: value for name, value in terms.facts.items() if not name.startswith("anal")}
    return {
        "underlying": terms.underlying,
        "conversion_price": _fixed(terms.conversion_price, "0.0001"),
        "remaining_size": _fixed(terms.remaining_size, "0.01"),
        "maturity_date": terms.maturity_date,
        "conversion_start": terms.conversion_start,
        "conversion_end": terms.conversion_end,
        "facts": facts,
    }


def _fixed(value: Decimal | None, step: str) -> Decimal | None:
    return None if value is None else value.quantize(Decimal(step))


def baskets_sync(*, reference: ReferenceGateway, day: date) -> int:
    """Store the day's creation baskets; returns their number. A list that names its own date is stored under that."""
    ids = dict(Instrument.objects.filter(kind=Kind.ETF).values_list("symbol", "pk"))
    rows = [_basket(ids[one.symbol], one, day) for one in reference.etf_baskets() if one.symbol in ids]
    FundBasket.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["instrument", "trade_date"],
        update_fields=["unit", "nav", "cash_difference", "estimated_cash", "facts", "components"],
        batch_size=100,
    )
    return len(rows)


def _basket(instrument_id: int, one: EtfBasket, day: date) -> FundBasket:
    return FundBasket(
        instrument_id=instrument_id,
        trade_date=one.trade_date or day,
        unit=one.unit,
        nav=one.nav,
        cash_difference=one.cash_difference,
        estimated_cash=one.estimated_cash,
        facts=dict(one.facts),
        components=[asdict(component) for component in one.components],
    )


def issues_sync(*, reference: ReferenceGateway, day: date) -> int:
    """Store the calendar of new issues; returns the number told. Issues the terminal no longer tells stay."""
    told = reference.ipos()
    now = wall_now()
    with transaction.atomic():
        for issue in told:
            values = _issue_values(issue)
            NewIssue.objects.update_or_create(
                symbol=issue.symbol,
                defaults={**values, "updated_at": now},
                create_defaults={**values, "updated_at": now, "first_seen_on": day},
            )
    return len(told)


def _issue_values(issue: IpoInfo) -> dict[str, Any]:
    values = {name: getattr(issue, name) for name in IpoInfo.__dataclass_fields__ if name != "symbol"}
    values["facts"] = dict(issue.facts)
    return values
