"""Recording a host of this platform: which terminal, which account."""

from __future__ import annotations

from collections.abc import Callable

from accounts.models import BrokerAccount, QmtHost
from qmt.gateway import AccountRef
from qmt.reader import ReaderPool
from qmt.recorder import Observation, Trace, read_probes, record
from trading.functions.runtime import reader_setup

START_SECONDS = 60.0


class HostUnknown(ValueError):
    """There is no such host or account, or not of that kind."""


def record_host(
    host_name: str,
    *,
    account_id: int | None = None,
    downloads: bool = False,
    simulated: bool = False,
    names: frozenset[str] = frozenset(),
    on_probe: Callable[[Observation], None] = lambda _observation: None,
) -> Trace:
    """Ask a host's terminal through a reader of its own, which ends with the record.

    Parameters
    ----------
    simulated
        Whether it has to be a simulated host.
    names
        Only these functions; empty: all that only read.

    Raises
    ------
    HostUnknown
    """
    host = QmtHost.objects.filter(name=host_name).first()
    if host is None or (simulated and not host.is_simulated):
        raise HostUnknown(f"there is no {'simulated ' if simulated else ''}QMT host {host_name!r}")
    account = None
    if account_id is not None:
        row = BrokerAccount.objects.filter(pk=account_id, host=host).first()
        if row is None:
            raise HostUnknown(f"there is no account {account_id} on {host_name}")
        account = AccountRef(row.account_no, row.account_type)
    probes = read_probes(with_account=account is not None, downloads=downloads or bool(names))
    probes = [one for one in probes if not names or one.qualified in names]
    setup = reader_setup(host)
    pool = ReaderPool(setup)
    try:
        pool.wait_ready(START_SECONDS)
        return record(pool, probes, against=setup.native, account=account, on_probe=on_probe)
    finally:
        pool.close()
