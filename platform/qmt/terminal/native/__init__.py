"""Stand-ins for the SDK's two native modules, so that its real Python layer runs over the simulated terminal on any system.

They translate between the SDK's native signatures (generated from the manifests beside them, which were read from the
wheel) and the terminal's TCP protocol, and know nothing else. What is not simulated raises `NotSimulated` at once and
is listed by `uncovered_calls`.
"""

from qmt.terminal.native.strict import NotSimulated, uncovered_calls

__all__ = ["NotSimulated", "uncovered_calls"]
