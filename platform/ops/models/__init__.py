"""Rows of the operations layer."""

from .audit import AuditChain, AuditEvent
from .jobs import Job
from .processes import Installation, ProcessHeartbeat

__all__ = ["AuditChain", "AuditEvent", "Installation", "Job", "ProcessHeartbeat"]
