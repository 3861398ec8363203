"""Writes: calling a function by name, and what belongs to it."""

from trading.functions.services.calling import Answer, function_call
from trading.functions.services.keeping import answer_file

__all__ = ["Answer", "answer_file", "function_call"]
