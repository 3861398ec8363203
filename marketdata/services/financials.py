"""Financial tables: downloaded, read back, stored with the day that they became public."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date

from django.db import transaction

from marketdata.models import FinancialReport, Instrument
from ops.clocks import wall_now
from qmt.reference import FinancialRow, FinancialTable, ReferenceGateway

SYMBOLS_PER_BATCH = 100
_ROWS_PER_WRITE = 1000


def financials_sync(
    *,
    reference: ReferenceGateway,
    symbols: Sequence[str],
    tables: Sequence[FinancialTable] = tuple(FinancialTable),
    on_batch: Callable[[int], None] = lambda _done: None,
) -> int:
    """Download and store statements; returns how many rows are new or changed.

    Parameters
    ----------
    on_batch
        Told how many symbols are done; may raise to give the rest up: what is stored stays.

    Raises
    ------
    QmtError
        The terminal failed.
    """
    ids = dict(Instrument.objects.filter(symbol__in=symbols).values_list("symbol", "pk"))
    known = [symbol for symbol in symbols if symbol in ids]
    stored = 0
    for at in range(0, len(known), SYMBOLS_PER_BATCH):
        part = known[at : at + SYMBOLS_PER_BATCH]
        reference.download_financials(part, tables, "", "")
        rows = [row for row in reference.financials(part, tables) if row.symbol in ids]
        stored += financials_store(rows=rows, ids=ids)
        on_batch(min(at + SYMBOLS_PER_BATCH, len(known)))
    return stored


def financials_store(*, rows: Iterable[FinancialRow], ids: dict[str, int]) -> int:
    """Store rows; one whose content changed replaces the valid one, which stays readable as superseded."""
    told = {(ids[row.symbol], str(row.table), row.report_date, row.announced_on, row.rank): row for row in rows}
    if not told:
        return 0
    now = wall_now()
    held: dict[tuple[int, str, date, date | None, int], FinancialReport] = {
        (row.instrument_id, row.table, row.report_date, row.announced_on, row.rank): row
        for row in FinancialReport.objects.filter(
            instrument_id__in={key[0] for key in told}, table__in={key[1] for key in told}, superseded_at=None
        )
    }
    fresh = {key: row for key, row in told.items() if key not in held or held[key].values != dict(row.values)}
    replaced = [held[key].pk for key in fresh if key in held]
    with transaction.atomic():
        for at in range(0, len(replaced), 500):
            FinancialReport.objects.filter(pk__in=replaced[at : at + 500]).update(superseded_at=now)
        FinancialReport.objects.bulk_create(
            [
                FinancialReport(
                    instrument_id=key[0],
                    table=key[1],
                    report_date=key[2],
                    announced_on=key[3],
                    rank=key[4],
                    values=dict(row.values),
                    observed_at=now,
                )
                for key, row in fresh.items()
            ],
            batch_size=_ROWS_PER_WRITE,
        )
    return len(fresh)
