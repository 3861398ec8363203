"""When quiet hours end."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo


def quiet_until(now: datetime, *, start: time, end: time, zone: ZoneInfo) -> datetime | None:
    """The end of the quiet hours that `now` falls into, None outside of them.

    Quiet hours that end earlier than they begin go over midnight. Times are the wall's in `zone`.
    """
    local = now.astimezone(zone)
    for day in (local.date() - timedelta(days=1), local.date()):
        begins = datetime.combine(day, start, zone)
        ends = datetime.combine(day if end > start else day + timedelta(days=1), end, zone)
        if begins <= local < ends:
            return ends
    return None
