"""Which backups are kept: the last of each of so many days, weeks and months."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from desk.backup.create import MAKING, Made, backups

SHANGHAI: Final = ZoneInfo("Asia/Shanghai")

_PERIODS: Final[tuple[Callable[[datetime], object], ...]] = (
    lambda at: at.date(),
    lambda at: at.isocalendar()[:2],
    lambda at: (at.year, at.month),
)


def kept(moments: Sequence[datetime], *, daily: int, weekly: int, monthly: int) -> set[datetime]:
    """Of these moments, those whose backups stay: the last of the newest `daily` days that have one, and so on.

    The newest always stays. Days are those of Shanghai.
    """
    stay = set(sorted(moments)[-1:])
    for period, count in zip(_PERIODS, (daily, weekly, monthly), strict=True):
        last: dict[object, datetime] = {}
        for moment in sorted(moments):
            last[period(moment.astimezone(SHANGHAI))] = moment
        stay |= set(sorted(last.values(), reverse=True)[:count])
    return stay


def prune(root: Path, *, daily: int, weekly: int, monthly: int) -> list[Path]:
    """Delete backups that no rule keeps, and what a broken-off one left; returns the folders of the former.

    Call it while no backup is being made. A folder whose manifest cannot be read is left to people.
    """
    for draft in root.glob(f"{MAKING}*"):
        shutil.rmtree(draft, ignore_errors=True)
    found: list[Made] = list(backups(root))
    stay = kept([made.manifest.made_at for made in found], daily=daily, weekly=weekly, monthly=monthly)
    gone = [made.folder for made in found if made.manifest.made_at not in stay]
    for folder in gone:
        shutil.rmtree(folder)
    return gone
