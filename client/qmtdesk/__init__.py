"""Python client of QMT Desk.

>>> from qmtdesk import Desk
>>> desk = Desk("http://127.0.0.1:8010", "desk_…", account=1)
>>> desk.bars("600519.SH", "1d", start="20240101")
>>> desk.submit("600519.SH", "BUY", 100, "11.20")
"""

from __future__ import annotations

from qmtdesk.desk import AsyncDesk, Desk
from qmtdesk.errors import (
    Conflict,
    Denied,
    DeskError,
    IncompleteData,
    InvalidRequest,
    JobEnded,
    NotAllowed,
    NotAuthenticated,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    ServerFailed,
    StillDownloading,
    Unavailable,
    Unreachable,
)
from qmtdesk.live.book import AccountBook
from qmtdesk.steps import Settings

__all__ = [
    "AccountBook",
    "AsyncDesk",
    "Conflict",
    "Denied",
    "Desk",
    "DeskError",
    "IncompleteData",
    "InvalidRequest",
    "JobEnded",
    "NotAllowed",
    "NotAuthenticated",
    "NotFound",
    "OutcomeUnknown",
    "RateLimited",
    "ServerFailed",
    "Settings",
    "StillDownloading",
    "Unavailable",
    "Unreachable",
]
__version__ = "1.0.0"
