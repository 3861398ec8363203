"""What the quote store refuses, and what it finds broken."""

from __future__ import annotations

from ops.errors import Code, Conflict, DeskError, Invalid


class QuotesRefused(Invalid):
    """Rows that may not be stored: NaN, infinity, a NULL where none is allowed, fractional shares.

    The message names the column, the row, the instrument and the timestamp. Nothing was written.
    """

    def __init__(self, message: str) -> None:
        super().__init__(Code.QUOTES_REFUSED, message)


class SegmentCorrupt(DeskError):
    """A stored segment does not match its checksum, its header or its format."""

    default_status = 500

    def __init__(self, *, instrument_id: int, period: str, bucket: int, reason: str) -> None:
        super().__init__(
            Code.SEGMENT_CORRUPT,
            instrument_id=instrument_id,
            period=period,
            bucket=bucket,
            reason=reason,
        )


class SegmentConflict(Conflict):
    """Other writers kept changing the same segments: nothing of the batch was written."""

    def __init__(self, *, period: str, segments: int, attempts: int) -> None:
        super().__init__(Code.SEGMENT_CONFLICT, period=period, segments=segments, attempts=attempts)
