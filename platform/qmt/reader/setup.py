"""What a reader process has to know, handed to it on its command line."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from qmt.sdk import Native


@dataclass(frozen=True, slots=True)
class ReaderSetup:
    """One host's terminal, as a reader sees it.

    Attributes
    ----------
    address
        ``host:port`` of the quotes; empty: what a simulated terminal announces in its folder.
    session_ids
        Trade sessions of the readers alone, so that the order session never finds its ids taken.
    pool_dir
        Locks of these ids.
    folder
        Where files of callers are, and nothing else.
    """

    native: Native
    userdata: str
    address: str
    session_ids: tuple[int, ...]
    pool_dir: str
    folder: str

    def text(self) -> str:
        """As one argument of a command line."""
        return json.dumps(asdict(self))

    @classmethod
    def parse(cls, text: str) -> Self:
        """The setup from its text."""
        values = json.loads(text)
        return cls(**{**values, "session_ids": tuple(values["session_ids"])})

    def file(self, name: str) -> str:
        """A caller's file; the name has been checked to be no path."""
        Path(self.folder).mkdir(parents=True, exist_ok=True)
        return str(Path(self.folder) / Path(name).name)
