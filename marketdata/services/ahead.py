"""One download ahead: while what came is checked and stored, the terminal fetches the next window already."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Self

from marketdata.services.figures import Counting
from qmt.gateway import DownloadProgress, Period, QuoteGateway

#: How often people are told how far a download is.
TELL_SECONDS = 0.25


class DownloadAhead:
    """Runs one download at a time on a thread that touches no database. Leaving the block waits for the last one.

    The terminal serves one download at a time anyway; only its waiting and our storing overlap.
    """

    def __init__(self, gateway: QuoteGateway, period: Period, deadline_seconds: float, counting: Counting) -> None:
        self._gateway = gateway
        self._period = period
        self._deadline_seconds = deadline_seconds
        self._counting = counting
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="download")
        self._future: Future[None] | None = None
        self._progress: DownloadProgress | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._executor.shutdown()

    def begin(self, symbols: Sequence[str], start: str, end: str) -> None:
        """Start a download; the one before must have been waited for."""
        if self._future is not None:
            raise RuntimeError("a download is under way already")
        self._progress = None
        self._future = self._executor.submit(self._download, symbols, start, end)

    def finish(self, tell: Callable[[DownloadProgress], None]) -> None:
        """Wait for the download that was begun; raises what it raised.

        Parameters
        ----------
        tell
            Told the progress now and then, on the caller's thread.
        """
        future, self._future = self._future, None
        if future is None:
            raise RuntimeError("no download is under way")
        while not wait([future], timeout=TELL_SECONDS).done:
            if self._progress is not None:
                tell(self._progress)
        future.result()

    def _download(self, symbols: Sequence[str], start: str, end: str) -> None:
        with self._counting.timing(count="downloads", seconds="download_seconds"):
            self._gateway.download(
                symbols,
                self._period,
                start,
                end,
                on_progress=self._note,
                deadline_seconds=self._deadline_seconds,
            )

    def _note(self, progress: DownloadProgress) -> None:
        self._progress = progress
