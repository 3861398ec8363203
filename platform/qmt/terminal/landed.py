"""What the terminal has on its disk: history exists for a client only after a download has landed.

The bars themselves are not copied (the market can produce them again, unchanged); what is kept is which stretch
landed and how late it was in the market then, so that a day downloaded at noon stays half a day until it is
downloaded again.
"""

from __future__ import annotations

import sqlite3
import threading
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Stretch:
    """A landed stretch, both ends included, as the market was at ``seen_ms``."""

    start_ms: int
    end_ms: int
    seen_ms: int


class LandedStore:
    """Landed stretches per symbol and period, in a small SQLite file of the terminal's own; thread-safe."""

    def __init__(self, path: Path | None, identity: str) -> None:
        """Open the store.

        Parameters
        ----------
        path : Path or None
            None keeps everything in memory.
        identity : str
            The market's identity: what landed from another market is forgotten.
        """
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._database = sqlite3.connect(path or ":memory:", check_same_thread=False, isolation_level=None)
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = NORMAL")
        self._database.execute("CREATE TABLE IF NOT EXISTS origin (identity TEXT NOT NULL)")
        self._database.execute(
            "CREATE TABLE IF NOT EXISTS landed (symbol TEXT, period TEXT, start_ms INTEGER, end_ms INTEGER, seen_ms INTEGER,"
            " PRIMARY KEY (symbol, period, start_ms)) WITHOUT ROWID"
        )
        known = self._database.execute("SELECT identity FROM origin").fetchone()
        if known is None or known[0] != identity:
            with self._database:
                self._database.execute("DELETE FROM landed")
                self._database.execute("DELETE FROM origin")
                self._database.execute("INSERT INTO origin VALUES (?)", (identity,))
        self._stretches: dict[tuple[str, str], list[Stretch]] = {}
        for symbol, period, start, end, seen in self._database.execute(
            "SELECT * FROM landed ORDER BY symbol, period, start_ms"
        ):
            self._stretches.setdefault((symbol, period), []).append(Stretch(start, end, seen))

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._database.close()

    def add(self, symbol: str, period: str, stretch: Stretch) -> None:
        """Record a landing; it is merged with what it touches."""
        if stretch.end_ms < stretch.start_ms:
            return
        with self._lock:
            kept, merged = [], stretch
            for other in self._stretches.get((symbol, period), []):
                if other.end_ms + 1 < merged.start_ms or other.start_ms > merged.end_ms + 1:
                    kept.append(other)
                else:
                    later = max(merged, other, key=lambda piece: (piece.end_ms, piece.seen_ms))
                    merged = Stretch(min(merged.start_ms, other.start_ms), later.end_ms, later.seen_ms)
            stretches = sorted([*kept, merged], key=lambda piece: piece.start_ms)
            self._stretches[symbol, period] = stretches
            self._database.execute("BEGIN")
            self._database.execute("DELETE FROM landed WHERE symbol = ? AND period = ?", (symbol, period))
            self._database.executemany(
                "INSERT INTO landed VALUES (?, ?, ?, ?, ?)",
                [(symbol, period, piece.start_ms, piece.end_ms, piece.seen_ms) for piece in stretches],
            )
            self._database.execute("COMMIT")

    def stretches(self, symbol: str, period: str) -> list[Stretch]:
        """What has landed, oldest first."""
        with self._lock:
            return list(self._stretches.get((symbol, period), []))

    def last_end(self, symbol: str, period: str) -> int | None:
        """End of the newest stretch; None when nothing has landed."""
        with self._lock:
            found = self._stretches.get((symbol, period))
            return found[-1].end_ms if found else None

    def forget(self, symbol: str | None = None) -> None:
        """Lose the downloaded data of one symbol, or of all."""
        with self._lock:
            if symbol is None:
                self._stretches.clear()
                self._database.execute("DELETE FROM landed")
            else:
                self._stretches = {key: value for key, value in self._stretches.items() if key[0] != symbol}
                self._database.execute("DELETE FROM landed WHERE symbol = ?", (symbol,))
