"""What somebody leaves behind: every part of the platform names the open work of a person.

Parts register at start-up; this layer knows none of them. The list is read when a
person is deactivated, so that their successor knows what to look after.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class OpenWork:
    """One thing of a person's that goes on without them.

    Attributes
    ----------
    kind
        What it is, as its part calls it (``order``).
    id
        Its key, as text.
    title
        What a person recognises it by.
    account_id
        The broker account it concerns; who may not see the account does not see the item.
    facts
        Plain JSON values.
    """

    kind: str
    id: str
    title: str
    account_id: int | None = None
    facts: dict[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


Provider = Callable[[int], Sequence[OpenWork]]
_providers: dict[str, Provider] = {}


def register(kind: str, provider: Provider) -> None:
    """Have `provider(user_id)` asked for the open work of this kind."""
    _providers[kind] = provider


def open_work(user_id: int) -> list[OpenWork]:
    """Everything that goes on in the name of this person, kind by kind."""
    return [item for kind in sorted(_providers) for item in _providers[kind](user_id)]
