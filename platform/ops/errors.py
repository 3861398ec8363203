"""Refusal codes and the exceptions that carry them.

REST, gRPC, the portal and the audit trail show the same code. DENIED is our word, REJECTED is
the broker's. Facts travel as `details`; the message reads `CODE: key=value key=value`.
"""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import Any, ClassVar


class Code(StrEnum):
    """Every reason for which the platform says no."""

    # Malformed requests
    INVALID = "INVALID"
    INVALID_JSON = "INVALID_JSON"
    FIELD_REQUIRED = "FIELD_REQUIRED"
    FIELD_INVALID = "FIELD_INVALID"
    FIELD_UNKNOWN = "FIELD_UNKNOWN"
    NUMBER_NOT_FINITE = "NUMBER_NOT_FINITE"
    BODY_TOO_LARGE = "BODY_TOO_LARGE"
    METHOD_NOT_ALLOWED = "METHOD_NOT_ALLOWED"
    MEDIA_TYPE_UNSUPPORTED = "MEDIA_TYPE_UNSUPPORTED"
    NOT_ACCEPTABLE = "NOT_ACCEPTABLE"
    MESSAGE_MALFORMED = "MESSAGE_MALFORMED"
    CURSOR_INVALID = "CURSOR_INVALID"
    SCOPE_UNKNOWN = "SCOPE_UNKNOWN"
    EXPIRY_IN_PAST = "EXPIRY_IN_PAST"
    NETWORK_INVALID = "NETWORK_INVALID"

    # Identity and access
    NOT_AUTHENTICATED = "NOT_AUTHENTICATED"
    TOKEN_INVALID = "TOKEN_INVALID"
    SCOPE_MISSING = "SCOPE_MISSING"
    TOKEN_NOT_ACCEPTED = "TOKEN_NOT_ACCEPTED"
    PERMISSION_DENIED = "PERMISSION_DENIED"
    TRADE_NOT_GRANTED = "TRADE_NOT_GRANTED"
    APPROVE_NOT_GRANTED = "APPROVE_NOT_GRANTED"
    SELF_APPROVAL = "SELF_APPROVAL"
    ROLE_CANNOT_TRADE = "ROLE_CANNOT_TRADE"
    ROLE_CANNOT_HOLD = "ROLE_CANNOT_HOLD"
    ORDER_NOT_YOURS = "ORDER_NOT_YOURS"
    SUDO_REQUIRED = "SUDO_REQUIRED"
    CREDENTIALS_INVALID = "CREDENTIALS_INVALID"
    SECOND_FACTOR_INVALID = "SECOND_FACTOR_INVALID"
    LINK_INVALID = "LINK_INVALID"
    PASSWORD_REFUSED = "PASSWORD_REFUSED"
    CSRF_FAILED = "CSRF_FAILED"
    RATE_LIMITED = "RATE_LIMITED"

    # Things that are not there (or not yours: the answer is the same)
    NOT_FOUND = "NOT_FOUND"
    ACCOUNT_NOT_FOUND = "ACCOUNT_NOT_FOUND"
    ORDER_NOT_FOUND = "ORDER_NOT_FOUND"
    EXECUTION_NOT_FOUND = "EXECUTION_NOT_FOUND"
    JOB_NOT_FOUND = "JOB_NOT_FOUND"
    LIMIT_NOT_FOUND = "LIMIT_NOT_FOUND"
    APPROVAL_RULE_NOT_FOUND = "APPROVAL_RULE_NOT_FOUND"
    KILL_NOT_FOUND = "KILL_NOT_FOUND"
    TOKEN_NOT_FOUND = "TOKEN_NOT_FOUND"
    CHANNEL_UNKNOWN = "CHANNEL_UNKNOWN"
    SECTOR_NOT_FOUND = "SECTOR_NOT_FOUND"
    BASKET_NOT_FOUND = "BASKET_NOT_FOUND"
    FINDING_NOT_FOUND = "FINDING_NOT_FOUND"
    IMPORT_NOT_FOUND = "IMPORT_NOT_FOUND"
    FILE_NOT_FOUND = "FILE_NOT_FOUND"
    ALERT_NOT_FOUND = "ALERT_NOT_FOUND"
    ALERT_CHANNEL_NOT_FOUND = "ALERT_CHANNEL_NOT_FOUND"
    ALERT_SUBSCRIPTION_NOT_FOUND = "ALERT_SUBSCRIPTION_NOT_FOUND"

    # Alerts
    ALERT_LOOK_ONLY = "ALERT_LOOK_ONLY"
    ALERT_ADDRESS_REFUSED = "ALERT_ADDRESS_REFUSED"
    ALERT_CHANNEL_UNREADABLE = "ALERT_CHANNEL_UNREADABLE"

    # Market data requests
    SYMBOL_UNKNOWN = "SYMBOL_UNKNOWN"
    PERIOD_UNKNOWN = "PERIOD_UNKNOWN"
    PERIOD_NOT_AVAILABLE = "PERIOD_NOT_AVAILABLE"
    RANGE_INVALID = "RANGE_INVALID"
    RANGE_REVERSED = "RANGE_REVERSED"
    RANGE_IN_FUTURE = "RANGE_IN_FUTURE"
    RANGE_TOO_LARGE = "RANGE_TOO_LARGE"
    ADJUST_UNKNOWN = "ADJUST_UNKNOWN"
    FACTORS_UNAVAILABLE = "FACTORS_UNAVAILABLE"
    DATA_UNAVAILABLE = "DATA_UNAVAILABLE"
    QUOTES_REFUSED = "QUOTES_REFUSED"
    SUBSCRIPTION_LIMIT = "SUBSCRIPTION_LIMIT"
    ARCHIVE_DAMAGED = "ARCHIVE_DAMAGED"
    SEGMENT_CORRUPT = "SEGMENT_CORRUPT"
    SEGMENT_CONFLICT = "SEGMENT_CONFLICT"
    FINDING_SETTLED = "FINDING_SETTLED"
    FILE_NAME_REFUSED = "FILE_NAME_REFUSED"
    FILE_TOO_LARGE = "FILE_TOO_LARGE"
    FILE_UNREADABLE = "FILE_UNREADABLE"
    FILE_ENCODING_WRONG = "FILE_ENCODING_WRONG"
    FILE_FORMAT_UNKNOWN = "FILE_FORMAT_UNKNOWN"
    COLUMN_MISSING = "COLUMN_MISSING"
    BASIS_DIFFERS = "BASIS_DIFFERS"
    IMPORT_HAS_PROBLEMS = "IMPORT_HAS_PROBLEMS"
    IMPORT_SETTLED = "IMPORT_SETTLED"
    FINDING_NOT_REPAIRABLE = "FINDING_NOT_REPAIRABLE"

    # Order denials: the order itself
    SIDE_UNKNOWN = "SIDE_UNKNOWN"
    PRICE_TYPE_UNKNOWN = "PRICE_TYPE_UNKNOWN"
    PRICE_REQUIRED = "PRICE_REQUIRED"
    PRICE_NOT_ALLOWED = "PRICE_NOT_ALLOWED"
    PRICE_INVALID = "PRICE_INVALID"
    PRICE_OFF_TICK = "PRICE_OFF_TICK"
    PRICE_ABOVE_LIMIT_UP = "PRICE_ABOVE_LIMIT_UP"
    PRICE_BELOW_LIMIT_DOWN = "PRICE_BELOW_LIMIT_DOWN"
    QUANTITY_INVALID = "QUANTITY_INVALID"
    QUANTITY_BELOW_MINIMUM = "QUANTITY_BELOW_MINIMUM"
    QUANTITY_OFF_LOT = "QUANTITY_OFF_LOT"
    QUANTITY_ABOVE_MAXIMUM = "QUANTITY_ABOVE_MAXIMUM"
    CASH_INSUFFICIENT = "CASH_INSUFFICIENT"
    SELLABLE_INSUFFICIENT = "SELLABLE_INSUFFICIENT"
    ODD_LOT_SPLIT = "ODD_LOT_SPLIT"
    PRICE_UNBOUNDED = "PRICE_UNBOUNDED"
    PRICE_OUTSIDE_CAGE = "PRICE_OUTSIDE_CAGE"

    # Order denials: limits set by people
    SIDE_NOT_ALLOWED = "SIDE_NOT_ALLOWED"
    OUTSIDE_TIME_WINDOW = "OUTSIDE_TIME_WINDOW"
    SYMBOL_NOT_ALLOWED = "SYMBOL_NOT_ALLOWED"
    ST_NOT_ALLOWED = "ST_NOT_ALLOWED"
    NEW_LISTING_NOT_ALLOWED = "NEW_LISTING_NOT_ALLOWED"
    ORDER_RATE_LIMIT = "ORDER_RATE_LIMIT"
    ORDERS_PER_DAY_LIMIT = "ORDERS_PER_DAY_LIMIT"
    CANCEL_RATIO_LIMIT = "CANCEL_RATIO_LIMIT"
    ACTIVE_ORDERS_LIMIT = "ACTIVE_ORDERS_LIMIT"
    DUPLICATE_ORDER = "DUPLICATE_ORDER"
    SELF_TRADE = "SELF_TRADE"
    DAILY_LOSS_STOP = "DAILY_LOSS_STOP"
    DRAWDOWN_STOP = "DRAWDOWN_STOP"
    PRICE_COLLAR = "PRICE_COLLAR"
    ORDER_QUANTITY_LIMIT = "ORDER_QUANTITY_LIMIT"
    ORDER_VALUE_LIMIT = "ORDER_VALUE_LIMIT"
    ST_QUANTITY_LIMIT = "ST_QUANTITY_LIMIT"
    POSITION_VALUE_LIMIT = "POSITION_VALUE_LIMIT"
    CONCENTRATION_LIMIT = "CONCENTRATION_LIMIT"
    EXPOSURE_LIMIT = "EXPOSURE_LIMIT"
    TURNOVER_LIMIT = "TURNOVER_LIMIT"
    PRICE_TYPE_NOT_TAKEN = "PRICE_TYPE_NOT_TAKEN"
    PRICE_TYPE_NEEDS_CONTINUOUS = "PRICE_TYPE_NEEDS_CONTINUOUS"
    PROTECTION_REQUIRED = "PROTECTION_REQUIRED"
    ORDER_KIND_NOT_BUILT = "ORDER_KIND_NOT_BUILT"

    # Order denials: instrument, session, market facts
    SYMBOL_NOT_TRADABLE = "SYMBOL_NOT_TRADABLE"
    SYMBOL_SUSPENDED = "SYMBOL_SUSPENDED"
    STALE_LIMITS = "STALE_LIMITS"
    SESSION_CLOSED = "SESSION_CLOSED"
    MARKET_CLOCK_UNKNOWN = "MARKET_CLOCK_UNKNOWN"
    MARKET_CLOCK_STALE = "MARKET_CLOCK_STALE"
    TRADE_DATE_UNCLOSED = "TRADE_DATE_UNCLOSED"
    TRADE_DATE_CLOSED = "TRADE_DATE_CLOSED"

    # Order denials: account, host, platform
    ACCOUNT_DISABLED = "ACCOUNT_DISABLED"
    ACCOUNT_READ_ONLY = "ACCOUNT_READ_ONLY"
    ACCOUNT_TYPE_NOT_BUILT = "ACCOUNT_TYPE_NOT_BUILT"
    ACCOUNT_HALTED = "ACCOUNT_HALTED"
    ACCOUNT_REDUCING = "ACCOUNT_REDUCING"
    PLATFORM_HALTED = "PLATFORM_HALTED"
    PLATFORM_REDUCING = "PLATFORM_REDUCING"
    PERSON_HALTED = "PERSON_HALTED"
    PERSON_REDUCING = "PERSON_REDUCING"
    INSTRUMENT_RESTRICTED = "INSTRUMENT_RESTRICTED"
    LIVE_NOT_AVAILABLE = "LIVE_NOT_AVAILABLE"
    LIVE_NEEDS_BROKER_HOST = "LIVE_NEEDS_BROKER_HOST"
    LIVE_NEEDS_READ_ONLY = "LIVE_NEEDS_READ_ONLY"
    LIVE_NOT_CONFIRMED = "LIVE_NOT_CONFIRMED"
    LIVE_NOTICE_NOT_ACKNOWLEDGED = "LIVE_NOTICE_NOT_ACKNOWLEDGED"
    LIVE_ACCOUNT_PINNED = "LIVE_ACCOUNT_PINNED"
    PAPER_NEEDS_SIMULATED_HOST = "PAPER_NEEDS_SIMULATED_HOST"
    TERMINAL_DOWN = "TERMINAL_DOWN"
    RECONCILING = "RECONCILING"
    HOST_DISABLED = "HOST_DISABLED"
    LEASE_LOST = "LEASE_LOST"
    ASSET_UNKNOWN = "ASSET_UNKNOWN"

    # State of a thing
    CONFLICT = "CONFLICT"
    IDEMPOTENCY_CONFLICT = "IDEMPOTENCY_CONFLICT"
    NAME_TAKEN = "NAME_TAKEN"
    NOT_CONFIRMED = "NOT_CONFIRMED"
    LIMIT_CHANGED = "LIMIT_CHANGED"
    LIMIT_IS_YOUR_OWN = "LIMIT_IS_YOUR_OWN"
    APPROVAL_RULE_CHANGED = "APPROVAL_RULE_CHANGED"
    APPROVAL_DECIDED = "APPROVAL_DECIDED"
    APPROVAL_REFUSED = "APPROVAL_REFUSED"
    APPROVAL_EXPIRED = "APPROVAL_EXPIRED"
    APPROVED_IN_PART = "APPROVED_IN_PART"
    PRICE_DRIFTED = "PRICE_DRIFTED"
    LAST_ADMIN = "LAST_ADMIN"
    PERSON_INACTIVE = "PERSON_INACTIVE"
    TOKEN_ENDED = "TOKEN_ENDED"
    SECOND_FACTOR_ON = "SECOND_FACTOR_ON"
    ORDER_FINAL = "ORDER_FINAL"
    JOB_ENDED = "JOB_ENDED"
    JOB_NOT_PAUSABLE = "JOB_NOT_PAUSABLE"
    JOB_NOTHING_FAILED = "JOB_NOTHING_FAILED"
    NOTHING_RESERVED = "NOTHING_RESERVED"
    EXECUTION_FINAL = "EXECUTION_FINAL"
    EXECUTION_STATE = "EXECUTION_STATE"
    LEGS_DENIED = "LEGS_DENIED"
    NOTHING_TO_TRADE = "NOTHING_TO_TRADE"
    QUOTE_UNKNOWN = "QUOTE_UNKNOWN"
    ORDER_FILLED = "ORDER_FILLED"
    CHILD_CANCELLED = "CHILD_CANCELLED"
    NO_PROGRESS = "NO_PROGRESS"
    ORDER_EXPIRED = "ORDER_EXPIRED"
    AUTHORITY_CHANGED = "AUTHORITY_CHANGED"
    DEADLINE_PASSED = "DEADLINE_PASSED"

    # The platform itself
    UNAVAILABLE = "UNAVAILABLE"
    INTERNAL_ERROR = "INTERNAL_ERROR"


def _fact(value: Any) -> str:
    if isinstance(value, Decimal):
        return format(value, "f")
    return str(value)


class DeskError(Exception):
    """A refusal with a code.

    Parameters
    ----------
    code : Code
        The reason.
    message : str
        Words for a person; blank: `CODE: key=value ...` from the details.
    field : str, optional
        The request field at fault.
    status : int, optional
        HTTP status, when the class's own does not fit.
    **details
        Facts, as plain values.
    """

    default_status: ClassVar[int] = 400

    def __init__(
        self,
        code: Code,
        message: str = "",
        *,
        field: str | None = None,
        status: int | None = None,
        **details: Any,
    ) -> None:
        self.code = code
        self.field = field
        self.status = self.default_status if status is None else status
        self.details = details
        self.message = message or self._facts()
        super().__init__(self.message)

    def _facts(self) -> str:
        facts = " ".join(f"{key}={_fact(value)}" for key, value in self.details.items())
        return f"{self.code}: {facts}" if facts else str(self.code)

    def as_dict(self) -> dict[str, Any]:
        """Return the API's error body: code, message, and field and details when present."""
        body: dict[str, Any] = {"code": str(self.code), "message": self.message}
        if self.field is not None:
            body["field"] = self.field
        if self.details:
            body["details"] = {
                key: value if isinstance(value, bool | int | list | dict) else _fact(value)
                for key, value in self.details.items()
                if value is not None
            }
        return body


class Invalid(DeskError):
    """The request itself is malformed."""

    default_status = 400


class Forbidden(DeskError):
    """The caller may see the thing, not do this to it."""

    default_status = 403


class NotFound(DeskError):
    """There is no such thing, or it is not the caller's: nobody can tell which."""

    default_status = 404


class Conflict(DeskError):
    """The thing's present state does not allow it."""

    default_status = 409


class Denied(DeskError):
    """A rule of the platform says no (DENIED, never REJECTED)."""

    default_status = 422


class Unavailable(DeskError):
    """Something the platform needs is away for now."""

    default_status = 503
