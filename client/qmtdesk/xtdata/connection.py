"""Which platform the module asks, and what it remembers of it."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping, Sequence

from qmtdesk.desk import Desk
from qmtdesk.errors import DeskError
from qmtdesk.models import Instrument
from qmtdesk.xtdata.pushes import Pushes

_ALL_INSTRUMENTS = 10_000
#: More than so many instruments are read at once, with all the others.
_FEW = 20

_lock = threading.RLock()
_desk: Desk | None = None
_pushes: Pushes | None = None
_instruments: dict[str, Instrument] = {}
_all_known = False


def use(desk: Desk) -> Desk:
    """Have ``xtdata`` ask `desk` from now on."""
    global _desk
    disconnect()
    with _lock:
        _desk = desk
    return desk


def connect(ip: str = "", port: int | None = None, remember_if_success: bool = True) -> Desk:
    """The platform that ``QMTDESK_URL`` names, whatever terminal a script names here.

    Raises
    ------
    DeskError
        It does not answer, or does not know the token.
    """
    desk = here()
    desk.calendar()
    return desk


def reconnect(ip: str = "", port: int | None = None, remember_if_success: bool = True) -> Desk:
    """Connect anew; subscriptions end."""
    use(here())
    return connect(ip, port, remember_if_success)


def disconnect() -> None:
    """End all subscriptions and forget the platform."""
    global _desk, _pushes, _all_known
    with _lock:
        pushes, _pushes, _desk = _pushes, None, None
        _instruments.clear()
        _all_known = False
    if pushes is not None:
        pushes.close()


def run() -> None:
    """Block while subscriptions live."""
    pushing().wait()


def here() -> Desk:
    """The platform.

    Raises
    ------
    DeskError
        NOT_CONNECTED: nobody named one.
    """
    with _lock:
        if _desk is None:
            url, token = os.environ.get("QMTDESK_URL"), os.environ.get("QMTDESK_TOKEN")
            if not url or not token:
                raise DeskError(
                    "NOT_CONNECTED", "set QMTDESK_URL and QMTDESK_TOKEN, or call xtdata.use(Desk(url, token))"
                )
            return use(Desk(url, token))
        return _desk


def pushing() -> Pushes:
    """The subscriptions."""
    global _pushes
    desk = here()
    with _lock:
        if _pushes is None:
            _pushes = Pushes(desk, lot)
        return _pushes


def known(symbols: Sequence[str] | None) -> Mapping[str, Instrument]:
    """Instruments, None for all; read once, for what never changes about them.

    Raises
    ------
    DeskError
        SYMBOL_UNKNOWN.
    """
    global _all_known
    with _lock:
        missing = [] if symbols is None else [name for name in symbols if name not in _instruments]
        if (symbols is None or len(missing) > _FEW) and not _all_known:
            _instruments.update({row.symbol: row for row in here().instruments(limit=_ALL_INSTRUMENTS)})
            _all_known = True
        for name in missing:
            if name not in _instruments:
                _instruments[name] = here().instrument(name)
        return dict(_instruments) if symbols is None else {name: _instruments[name] for name in symbols}


def lot(symbol: str) -> int:
    """Shares to the lot in which the SDK counts volume."""
    return known([symbol])[symbol].volume_unit
