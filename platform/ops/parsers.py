"""Request parsers: JSON without NaN and Infinity."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any

from rest_framework.parsers import JSONParser

from ops.errors import Code, Invalid


class StrictJSONParser(JSONParser):
    """JSON as the standard has it; what is not, is refused with a code of its own."""

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """Parse `stream`.

        Raises
        ------
        Invalid
            `NUMBER_NOT_FINITE` for NaN and infinities (also as overflowing literals),
            `INVALID_JSON` for everything else that is not JSON.
        """
        import json

        def refuse(token: str) -> Any:
            raise Invalid(Code.NUMBER_NOT_FINITE, value=token)

        def finite(token: str) -> float:
            number = float(token)
            if number in (float("inf"), float("-inf")):
                refuse(token)
            return number

        try:
            return json.loads(stream.read(), parse_constant=refuse, parse_float=finite, object_pairs_hook=_unique_keys)
        except RecursionError as error:
            raise Invalid(Code.INVALID_JSON, "The JSON body is nested too deeply.") from error
        except ValueError as error:
            raise Invalid(Code.INVALID_JSON, f"The body is not JSON: {error}") from error


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A quantity that is given twice is not a quantity."""
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("a key appears twice in one object")
    return result
