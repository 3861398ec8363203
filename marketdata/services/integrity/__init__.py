"""The integrity checker: is what is stored what it claims to be?"""

from marketdata.services.integrity.findings import finding_acknowledge, finding_repair
from marketdata.services.integrity.jobs import integrity_request, integrity_work
from marketdata.services.integrity.scan import CHECKED_PERIODS, IntegritySummary, integrity_run

__all__ = [
    "CHECKED_PERIODS",
    "IntegritySummary",
    "finding_acknowledge",
    "finding_repair",
    "integrity_request",
    "integrity_run",
    "integrity_work",
]
