"""A terminal's daily maintenance: brokers restart theirs every night, some around noon. Beijing's wall clock, every day.

Inside the window the host's sessions are taken down in order and nobody is alarmed; new orders are refused with a code of
their own. Nothing that is queued is kept for later: its time to live goes on.
"""

from __future__ import annotations

import re
from datetime import datetime, time
from typing import Final
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts.models import QmtHost
from ops.clocks import wall_now

ZONE: Final = ZoneInfo("Asia/Shanghai")
_SHAPE: Final = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])-([01][0-9]|2[0-3]):([0-5][0-9])")


def window_of(text: str) -> tuple[time, time] | None:
    """The window that ``HH:MM-HH:MM`` names, its end excluded; it may pass midnight. None for anything else."""
    match = _SHAPE.fullmatch(text)
    if match is None:
        return None
    begins, ends = time(int(match[1]), int(match[2])), time(int(match[3]), int(match[4]))
    return None if begins == ends else (begins, ends)


def maintenance_validate(text: str) -> None:
    """Refuse what names no window."""
    if text and window_of(text) is None:
        raise ValidationError(_("Two different times, HH:MM-HH:MM."), code="invalid")


def under_maintenance(host: QmtHost, moment: datetime | None = None) -> str:
    """Until when (``HH:MM``) the host's terminal is under maintenance; blank when it is not.

    Parameters
    ----------
    moment
        Aware; the present one by the wall clock when not given.
    """
    window = window_of(host.maintenance)
    if window is None:
        return ""
    begins, ends = window
    now = (moment or wall_now()).astimezone(ZONE).time()
    inside = begins <= now < ends if begins < ends else now >= begins or now < ends
    return f"{ends:%H:%M}" if inside else ""


def host_maintenance(host_name: str) -> str:
    """The same for a host by its name, read anew."""
    host = QmtHost.objects.filter(name=host_name).only("maintenance").first()
    return "" if host is None else under_maintenance(host)
