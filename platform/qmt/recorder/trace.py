"""A record as a file: what was asked, what shape came back, how long it took. One line of JSON per observation."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Literal, Self

FORMAT: Final = 1

Against = Literal["real", "simulated"]


@dataclass(frozen=True, slots=True)
class Observation:
    """One call.

    Attributes
    ----------
    arguments
        As given: the registry's examples, in which an account is the word ``<account>``.
    outcome
        ``answer``, or the code of the failure; the failure's words may name an account, and are not kept.
    milliseconds
        The call as its caller sees it, process border included.
    calls_back
        The answer came through the SDK's callback thread; otherwise the calling thread waited for it.
    """

    name: str
    arguments: dict[str, Any]
    outcome: str
    shape: Any
    milliseconds: float
    calls_back: bool


@dataclass(frozen=True, slots=True)
class Trace:
    """All observations of one terminal.

    Attributes
    ----------
    against
        ``simulated`` proves the recorder, not the terminal.
    """

    against: Against
    sdk: str
    python: str
    system: str
    observations: tuple[Observation, ...]

    def write(self, path: Path) -> None:
        """Write the file: a head, then one line per observation."""
        head = {"format": FORMAT, **{name: getattr(self, name) for name in ("against", "sdk", "python", "system")}}
        lines = [head, *(asdict(one) for one in self.observations)]
        path.write_text("".join(json.dumps(line, sort_keys=True) + "\n" for line in lines), encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a file.

        Raises
        ------
        ValueError
            It is none, or of another format.
        """
        try:
            head, *rest = (json.loads(line) for line in path.read_text(encoding="utf-8").splitlines())
            if head.pop("format") != FORMAT:
                raise ValueError(f"{path.name} is of another format than {FORMAT}")
            return cls(**head, observations=tuple(Observation(**line) for line in rest))
        except (KeyError, TypeError) as error:
            raise ValueError(f"{path.name} is no record: {error}") from error

    def by_name(self) -> dict[str, Observation]:
        """Each function's observation."""
        return {one.name: one for one in self.observations}
