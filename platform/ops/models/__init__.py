"""Rows of the operations layer."""

from .alerts import Alert, AlertKind, Severity
from .audit import AuditChain, AuditEvent
from .jobs import Job
from .processes import Installation, ProcessHeartbeat

__all__ = [
    "Alert",
    "AlertKind",
    "AuditChain",
    "AuditEvent",
    "Installation",
    "Job",
    "ProcessHeartbeat",
    "Severity",
]
