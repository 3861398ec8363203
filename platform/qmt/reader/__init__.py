"""Calls of the SDK by name, in processes of their own: one that hangs is ended with its process, and harms nobody else."""

from qmt.reader.pool import ReaderPool, ReadFailure
from qmt.reader.setup import ReaderSetup

__all__ = ["ReadFailure", "ReaderPool", "ReaderSetup"]
