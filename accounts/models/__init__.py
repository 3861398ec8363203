"""People, what they may touch, and how they are let in."""

from __future__ import annotations

from accounts.models.access import ApiToken, Grant, Team, TeamMember
from accounts.models.brokers import AccountSession, BrokerAccount, HostStatus, LiveSwitch, QmtHost
from accounts.models.enrolment import HostEnrolment
from accounts.models.people import (
    DeskUserManager,
    Handover,
    LoginThrottle,
    OneTimeLink,
    PersonSession,
    RecoveryCode,
    SecondFactor,
    User,
)

__all__ = [
    "AccountSession",
    "ApiToken",
    "BrokerAccount",
    "DeskUserManager",
    "Grant",
    "Handover",
    "HostEnrolment",
    "HostStatus",
    "LiveSwitch",
    "LoginThrottle",
    "OneTimeLink",
    "PersonSession",
    "QmtHost",
    "RecoveryCode",
    "SecondFactor",
    "Team",
    "TeamMember",
    "User",
]
