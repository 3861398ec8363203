"""Records how a terminal's SDK behaves, without recording what it says; and compares two such records."""

from qmt.recorder.comparing import Difference, differences
from qmt.recorder.recording import read_probes, record
from qmt.recorder.trace import Observation, Trace

__all__ = ["Difference", "Observation", "Trace", "differences", "read_probes", "record"]
