"""The reads worker's runtime: the reader processes of one host's terminal."""

from __future__ import annotations

import threading
from collections.abc import Callable

from accounts.models import QmtHost
from accounts.terminals import userdata_folder
from desk.settings.schema import get_config
from ops.runtimes import RuntimeSlot
from qmt.reader import ReaderPool, ReaderSetup, ReadFailure
from trading.orders.runtime.terminal import DEFAULT_SESSION_IDS

#: Readers keep to trade sessions of their own: the order session must never find its ids taken.
SESSION_OFFSET = 500
SESSIONS = 4


def reader_setup(host: QmtHost) -> ReaderSetup:
    """How the readers of a host find its terminal. A simulated host's load the stand-in natives and can load no other."""
    state = get_config().state_dir
    ids = [int(number) for number in host.session_ids] or list(DEFAULT_SESSION_IDS)
    return ReaderSetup(
        native="simulated" if host.is_simulated else "real",
        userdata=str(userdata_folder(host)),
        address=host.quote_address,
        session_ids=tuple(number + SESSION_OFFSET for number in ids[:SESSIONS]),
        pool_dir=str(state / "sessions" / f"{host.name}.reads"),
        folder=str(state / "functions" / "host" / host.name),
    )


class ReadsRuntime:
    """Holds the readers. The first one starts with the first call: most hosts are never asked."""

    def __init__(self, host_name: str, make_pool: Callable[[ReaderSetup], ReaderPool] = ReaderPool) -> None:
        self.host_name = host_name
        self._make_pool = make_pool
        self._lock = threading.Lock()
        self._setup: ReaderSetup | None = None
        self._pool: ReaderPool | None = None

    def pool(self) -> ReaderPool:
        """The readers of the terminal that the host's row names now; those of another one are ended.

        Raises
        ------
        ReadFailure
            UNAVAILABLE: the host was switched off or removed.
        """
        setup = self._present_setup()
        with self._lock:
            if self._pool is None or setup != self._setup:
                if self._pool is not None:
                    self._pool.close()
                self._setup, self._pool = setup, self._make_pool(setup)
            return self._pool

    def _present_setup(self) -> ReaderSetup:
        host = QmtHost.objects.filter(name=self.host_name, enabled=True).first()
        if host is None:
            raise ReadFailure("UNAVAILABLE", f"{self.host_name} is switched off")
        return reader_setup(host)

    def fresh_pool(self) -> tuple[ReaderPool, bool]:
        """A pool for one caller alone, who closes it; and whether it can load nothing but the simulated natives.

        Raises
        ------
        ReadFailure
            UNAVAILABLE: the host was switched off or removed.
        """
        setup = self._present_setup()
        return self._make_pool(setup), setup.native == "simulated"

    def stop(self) -> None:
        """End the readers, and with them whatever they were asked."""
        with self._lock:
            if self._pool is not None:
                self._pool.close()
        _slot.empty(self)


_slot: RuntimeSlot[ReadsRuntime] = RuntimeSlot("reads")


def start_runtime(host_name: str, make_pool: Callable[[ReaderSetup], ReaderPool] = ReaderPool) -> ReadsRuntime:
    """Make this process the reads worker of a host."""
    return _slot.fill(lambda: ReadsRuntime(host_name, make_pool))


def current_runtime() -> ReadsRuntime | None:
    """The runtime of this process, if it is a reads worker."""
    return _slot.current
