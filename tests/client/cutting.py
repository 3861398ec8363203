"""A proxy that loses requests and answers as it is told, connection by connection."""

from __future__ import annotations

import socket
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import Enum

CHUNK = 65_536


class Fate(Enum):
    """What becomes of one connection."""

    PASS = "passes"
    REQUEST = "cut before the request arrives"
    ANSWER = "cut after the platform has answered, before a byte of it comes back"
    MIDDLE = "cut in the middle of the answer"


class CuttingProxy:
    """Listens before a platform; `fates` are used up one per connection, then everything passes."""

    def __init__(self, port: int, *, listen: int = 0) -> None:
        self._target = port
        self.fates: deque[Fate] = deque()
        self.seen: list[Fate] = []
        self._listener = socket.create_server(("127.0.0.1", listen))
        self._open: set[socket.socket] = set()
        threading.Thread(target=self._accept, name="cutting-proxy", daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def cut_all(self) -> None:
        """Cut what is open now."""
        for link in tuple(self._open):
            with suppress(OSError):
                link.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut_all()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            fate = self.fates.popleft() if self.fates else Fate.PASS
            self.seen.append(fate)
            threading.Thread(target=self._serve, args=(client, fate), daemon=True).start()

    def _serve(self, client: socket.socket, fate: Fate) -> None:
        with client, suppress(OSError):
            if fate is Fate.REQUEST:
                client.recv(CHUNK)
                return
            self._connect(client, fate)
            # Closing alone would leave the connection up while the other thread reads from it.
            client.shutdown(socket.SHUT_RDWR)

    def _connect(self, client: socket.socket, fate: Fate) -> None:
        with socket.create_connection(("127.0.0.1", self._target)) as platform:
            self._open |= {client, platform}
            threading.Thread(target=_pour, args=(client, platform), daemon=True).start()
            if fate is Fate.PASS:
                _pour(platform, client)
            else:
                first = platform.recv(CHUNK)
                if fate is Fate.MIDDLE:
                    client.sendall(first[: len(first) // 2])
            self._open -= {client, platform}
            platform.shutdown(socket.SHUT_RDWR)


def _pour(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(CHUNK):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)


@contextmanager
def cutting(port: int, *fates: Fate, listen: int = 0) -> Iterator[CuttingProxy]:
    """A proxy before the platform at `port`."""
    proxy = CuttingProxy(port, listen=listen)
    proxy.fates.extend(fates)
    try:
        yield proxy
    finally:
        proxy.close()
