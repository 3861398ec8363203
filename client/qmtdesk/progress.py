"""A bar while the platform downloads."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tqdm.auto import tqdm

from qmtdesk.models import Job

Show = Callable[[Job], None]
#: A bar, none, one where a person watches; or what to call.
Wish = bool | Show | None


@contextmanager
def shown(wish: Wish) -> Iterator[Show]:
    """What to call with each state of the jobs of one call; see `Settings.progress`."""
    if callable(wish):
        yield wish
        return
    if wish is False or (wish is None and not _watched()):
        yield lambda _job: None
        return
    bar: tqdm[None] = tqdm(desc="downloading", unit="day", leave=False)

    def show(job: Job) -> None:
        bar.total = job.total or None
        bar.n = job.done
        bar.set_postfix_str(job.message if job.status != "PAUSED" else "paused", refresh=False)
        bar.refresh()

    with bar:
        yield show


def _watched() -> bool:
    """Whether a person looks on: a terminal, or a notebook."""
    return sys.stderr.isatty() or "ipykernel" in sys.modules
