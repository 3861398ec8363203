"""Every function and callback of the SDK, described once. Pure data: nothing here loads the SDK."""

from qmt.registry.catalogue import callbacks, find, functions
from qmt.registry.model import CallbackSpec, FunctionClass, FunctionSpec, Kind, Parameter

__all__ = ["CallbackSpec", "FunctionClass", "FunctionSpec", "Kind", "Parameter", "callbacks", "find", "functions"]
