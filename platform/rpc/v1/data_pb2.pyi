from google.protobuf import struct_pb2 as _struct_pb2
from rpc.v1 import common_pb2 as _common_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GetBarsRequest(_message.Message):
    __slots__ = ("symbols", "period", "start", "end", "count", "adjust", "fields", "fill", "open_day", "wait_seconds")
    SYMBOLS_FIELD_NUMBER: _ClassVar[int]
    PERIOD_FIELD_NUMBER: _ClassVar[int]
    START_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    ADJUST_FIELD_NUMBER: _ClassVar[int]
    FIELDS_FIELD_NUMBER: _ClassVar[int]
    FILL_FIELD_NUMBER: _ClassVar[int]
    OPEN_DAY_FIELD_NUMBER: _ClassVar[int]
    WAIT_SECONDS_FIELD_NUMBER: _ClassVar[int]
    symbols: _containers.RepeatedScalarFieldContainer[str]
    period: str
    start: str
    end: str
    count: int
    adjust: str
    fields: _containers.RepeatedScalarFieldContainer[str]
    fill: str
    open_day: bool
    wait_seconds: float
    def __init__(self, symbols: _Optional[_Iterable[str]] = ..., period: _Optional[str] = ..., start: _Optional[str] = ..., end: _Optional[str] = ..., count: _Optional[int] = ..., adjust: _Optional[str] = ..., fields: _Optional[_Iterable[str]] = ..., fill: _Optional[str] = ..., open_day: _Optional[bool] = ..., wait_seconds: _Optional[float] = ...) -> None: ...

class GetTicksRequest(_message.Message):
    __slots__ = ("symbols", "start", "end", "count", "fields", "wait_seconds")
    SYMBOLS_FIELD_NUMBER: _ClassVar[int]
    START_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    FIELDS_FIELD_NUMBER: _ClassVar[int]
    WAIT_SECONDS_FIELD_NUMBER: _ClassVar[int]
    symbols: _containers.RepeatedScalarFieldContainer[str]
    start: str
    end: str
    count: int
    fields: _containers.RepeatedScalarFieldContainer[str]
    wait_seconds: float
    def __init__(self, symbols: _Optional[_Iterable[str]] = ..., start: _Optional[str] = ..., end: _Optional[str] = ..., count: _Optional[int] = ..., fields: _Optional[_Iterable[str]] = ..., wait_seconds: _Optional[float] = ...) -> None: ...

class TicksPart(_message.Message):
    __slots__ = ("head", "arrow")
    HEAD_FIELD_NUMBER: _ClassVar[int]
    ARROW_FIELD_NUMBER: _ClassVar[int]
    head: BarsHead
    arrow: bytes
    def __init__(self, head: _Optional[_Union[BarsHead, _Mapping]] = ..., arrow: _Optional[bytes] = ...) -> None: ...

class BarsPart(_message.Message):
    __slots__ = ("head", "bars")
    HEAD_FIELD_NUMBER: _ClassVar[int]
    BARS_FIELD_NUMBER: _ClassVar[int]
    head: BarsHead
    bars: BarColumns
    def __init__(self, head: _Optional[_Union[BarsHead, _Mapping]] = ..., bars: _Optional[_Union[BarColumns, _Mapping]] = ...) -> None: ...

class BarsHead(_message.Message):
    __slots__ = ("complete", "period", "adjust", "source", "evidence", "missing_days", "failures", "job")
    class EvidenceEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    class FailuresEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    COMPLETE_FIELD_NUMBER: _ClassVar[int]
    PERIOD_FIELD_NUMBER: _ClassVar[int]
    ADJUST_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    EVIDENCE_FIELD_NUMBER: _ClassVar[int]
    MISSING_DAYS_FIELD_NUMBER: _ClassVar[int]
    FAILURES_FIELD_NUMBER: _ClassVar[int]
    JOB_FIELD_NUMBER: _ClassVar[int]
    complete: bool
    period: str
    adjust: str
    source: _struct_pb2.Struct
    evidence: _containers.ScalarMap[str, int]
    missing_days: int
    failures: _containers.ScalarMap[str, str]
    job: _common_pb2.Job
    def __init__(self, complete: _Optional[bool] = ..., period: _Optional[str] = ..., adjust: _Optional[str] = ..., source: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., evidence: _Optional[_Mapping[str, int]] = ..., missing_days: _Optional[int] = ..., failures: _Optional[_Mapping[str, str]] = ..., job: _Optional[_Union[_common_pb2.Job, _Mapping]] = ...) -> None: ...

class BarColumns(_message.Message):
    __slots__ = ("symbol", "time_ms", "open", "high", "low", "close", "volume", "amount", "pre_close", "suspended", "partial")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    TIME_MS_FIELD_NUMBER: _ClassVar[int]
    OPEN_FIELD_NUMBER: _ClassVar[int]
    HIGH_FIELD_NUMBER: _ClassVar[int]
    LOW_FIELD_NUMBER: _ClassVar[int]
    CLOSE_FIELD_NUMBER: _ClassVar[int]
    VOLUME_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    PRE_CLOSE_FIELD_NUMBER: _ClassVar[int]
    SUSPENDED_FIELD_NUMBER: _ClassVar[int]
    PARTIAL_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    time_ms: _containers.RepeatedScalarFieldContainer[int]
    open: _containers.RepeatedScalarFieldContainer[float]
    high: _containers.RepeatedScalarFieldContainer[float]
    low: _containers.RepeatedScalarFieldContainer[float]
    close: _containers.RepeatedScalarFieldContainer[float]
    volume: _containers.RepeatedScalarFieldContainer[int]
    amount: _containers.RepeatedScalarFieldContainer[float]
    pre_close: _containers.RepeatedScalarFieldContainer[float]
    suspended: _containers.RepeatedScalarFieldContainer[bool]
    partial: _containers.RepeatedScalarFieldContainer[bool]
    def __init__(self, symbol: _Optional[str] = ..., time_ms: _Optional[_Iterable[int]] = ..., open: _Optional[_Iterable[float]] = ..., high: _Optional[_Iterable[float]] = ..., low: _Optional[_Iterable[float]] = ..., close: _Optional[_Iterable[float]] = ..., volume: _Optional[_Iterable[int]] = ..., amount: _Optional[_Iterable[float]] = ..., pre_close: _Optional[_Iterable[float]] = ..., suspended: _Optional[_Iterable[bool]] = ..., partial: _Optional[_Iterable[bool]] = ...) -> None: ...

class GetQuotesRequest(_message.Message):
    __slots__ = ("symbols",)
    SYMBOLS_FIELD_NUMBER: _ClassVar[int]
    symbols: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, symbols: _Optional[_Iterable[str]] = ...) -> None: ...

class GetQuotesResponse(_message.Message):
    __slots__ = ("quotes",)
    QUOTES_FIELD_NUMBER: _ClassVar[int]
    quotes: _containers.RepeatedCompositeFieldContainer[_common_pb2.Quote]
    def __init__(self, quotes: _Optional[_Iterable[_Union[_common_pb2.Quote, _Mapping]]] = ...) -> None: ...

class SearchInstrumentsRequest(_message.Message):
    __slots__ = ("text", "kind", "limit")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    text: str
    kind: str
    limit: int
    def __init__(self, text: _Optional[str] = ..., kind: _Optional[str] = ..., limit: _Optional[int] = ...) -> None: ...

class SearchInstrumentsResponse(_message.Message):
    __slots__ = ("instruments",)
    INSTRUMENTS_FIELD_NUMBER: _ClassVar[int]
    instruments: _containers.RepeatedCompositeFieldContainer[Instrument]
    def __init__(self, instruments: _Optional[_Iterable[_Union[Instrument, _Mapping]]] = ...) -> None: ...

class GetInstrumentRequest(_message.Message):
    __slots__ = ("symbol",)
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    def __init__(self, symbol: _Optional[str] = ...) -> None: ...

class Instrument(_message.Message):
    __slots__ = ("symbol", "name", "pinyin", "market", "board", "kind", "lot_size", "min_quantity", "quantity_step", "tick", "volume_unit", "list_date", "delist_date", "t_plus", "is_st", "max_limit_quantity", "max_market_quantity", "tradable", "updated_at_ms", "trade_date", "pre_close", "limit_up", "limit_down", "suspended", "limits_source")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    PINYIN_FIELD_NUMBER: _ClassVar[int]
    MARKET_FIELD_NUMBER: _ClassVar[int]
    BOARD_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    LOT_SIZE_FIELD_NUMBER: _ClassVar[int]
    MIN_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_STEP_FIELD_NUMBER: _ClassVar[int]
    TICK_FIELD_NUMBER: _ClassVar[int]
    VOLUME_UNIT_FIELD_NUMBER: _ClassVar[int]
    LIST_DATE_FIELD_NUMBER: _ClassVar[int]
    DELIST_DATE_FIELD_NUMBER: _ClassVar[int]
    T_PLUS_FIELD_NUMBER: _ClassVar[int]
    IS_ST_FIELD_NUMBER: _ClassVar[int]
    MAX_LIMIT_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    MAX_MARKET_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    TRADABLE_FIELD_NUMBER: _ClassVar[int]
    UPDATED_AT_MS_FIELD_NUMBER: _ClassVar[int]
    TRADE_DATE_FIELD_NUMBER: _ClassVar[int]
    PRE_CLOSE_FIELD_NUMBER: _ClassVar[int]
    LIMIT_UP_FIELD_NUMBER: _ClassVar[int]
    LIMIT_DOWN_FIELD_NUMBER: _ClassVar[int]
    SUSPENDED_FIELD_NUMBER: _ClassVar[int]
    LIMITS_SOURCE_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    name: str
    pinyin: str
    market: str
    board: str
    kind: str
    lot_size: int
    min_quantity: int
    quantity_step: int
    tick: str
    volume_unit: int
    list_date: str
    delist_date: str
    t_plus: int
    is_st: bool
    max_limit_quantity: int
    max_market_quantity: int
    tradable: bool
    updated_at_ms: int
    trade_date: str
    pre_close: str
    limit_up: str
    limit_down: str
    suspended: bool
    limits_source: str
    def __init__(self, symbol: _Optional[str] = ..., name: _Optional[str] = ..., pinyin: _Optional[str] = ..., market: _Optional[str] = ..., board: _Optional[str] = ..., kind: _Optional[str] = ..., lot_size: _Optional[int] = ..., min_quantity: _Optional[int] = ..., quantity_step: _Optional[int] = ..., tick: _Optional[str] = ..., volume_unit: _Optional[int] = ..., list_date: _Optional[str] = ..., delist_date: _Optional[str] = ..., t_plus: _Optional[int] = ..., is_st: _Optional[bool] = ..., max_limit_quantity: _Optional[int] = ..., max_market_quantity: _Optional[int] = ..., tradable: _Optional[bool] = ..., updated_at_ms: _Optional[int] = ..., trade_date: _Optional[str] = ..., pre_close: _Optional[str] = ..., limit_up: _Optional[str] = ..., limit_down: _Optional[str] = ..., suspended: _Optional[bool] = ..., limits_source: _Optional[str] = ...) -> None: ...

class GetCalendarRequest(_message.Message):
    __slots__ = ("market", "start", "end")
    MARKET_FIELD_NUMBER: _ClassVar[int]
    START_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    market: str
    start: str
    end: str
    def __init__(self, market: _Optional[str] = ..., start: _Optional[str] = ..., end: _Optional[str] = ...) -> None: ...

class Calendar(_message.Message):
    __slots__ = ("market", "trading_days", "holidays", "trade_date", "phase", "market_time_ms", "simulated")
    MARKET_FIELD_NUMBER: _ClassVar[int]
    TRADING_DAYS_FIELD_NUMBER: _ClassVar[int]
    HOLIDAYS_FIELD_NUMBER: _ClassVar[int]
    TRADE_DATE_FIELD_NUMBER: _ClassVar[int]
    PHASE_FIELD_NUMBER: _ClassVar[int]
    MARKET_TIME_MS_FIELD_NUMBER: _ClassVar[int]
    SIMULATED_FIELD_NUMBER: _ClassVar[int]
    market: str
    trading_days: _containers.RepeatedScalarFieldContainer[str]
    holidays: _containers.RepeatedScalarFieldContainer[str]
    trade_date: str
    phase: str
    market_time_ms: int
    simulated: bool
    def __init__(self, market: _Optional[str] = ..., trading_days: _Optional[_Iterable[str]] = ..., holidays: _Optional[_Iterable[str]] = ..., trade_date: _Optional[str] = ..., phase: _Optional[str] = ..., market_time_ms: _Optional[int] = ..., simulated: _Optional[bool] = ...) -> None: ...

class ListSectorsRequest(_message.Message):
    __slots__ = ("on", "page")
    ON_FIELD_NUMBER: _ClassVar[int]
    PAGE_FIELD_NUMBER: _ClassVar[int]
    on: str
    page: _common_pb2.PageRequest
    def __init__(self, on: _Optional[str] = ..., page: _Optional[_Union[_common_pb2.PageRequest, _Mapping]] = ...) -> None: ...

class Sector(_message.Message):
    __slots__ = ("name", "known_since", "retired_on", "updated_at_ms")
    NAME_FIELD_NUMBER: _ClassVar[int]
    KNOWN_SINCE_FIELD_NUMBER: _ClassVar[int]
    RETIRED_ON_FIELD_NUMBER: _ClassVar[int]
    UPDATED_AT_MS_FIELD_NUMBER: _ClassVar[int]
    name: str
    known_since: str
    retired_on: str
    updated_at_ms: int
    def __init__(self, name: _Optional[str] = ..., known_since: _Optional[str] = ..., retired_on: _Optional[str] = ..., updated_at_ms: _Optional[int] = ...) -> None: ...

class ListSectorsResponse(_message.Message):
    __slots__ = ("sectors", "next_page_token")
    SECTORS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    sectors: _containers.RepeatedCompositeFieldContainer[Sector]
    next_page_token: str
    def __init__(self, sectors: _Optional[_Iterable[_Union[Sector, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class ListSectorMembersRequest(_message.Message):
    __slots__ = ("sector", "on", "page")
    SECTOR_FIELD_NUMBER: _ClassVar[int]
    ON_FIELD_NUMBER: _ClassVar[int]
    PAGE_FIELD_NUMBER: _ClassVar[int]
    sector: str
    on: str
    page: _common_pb2.PageRequest
    def __init__(self, sector: _Optional[str] = ..., on: _Optional[str] = ..., page: _Optional[_Union[_common_pb2.PageRequest, _Mapping]] = ...) -> None: ...

class SectorMember(_message.Message):
    __slots__ = ("symbol", "name", "valid_from", "valid_to")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    VALID_FROM_FIELD_NUMBER: _ClassVar[int]
    VALID_TO_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    name: str
    valid_from: str
    valid_to: str
    def __init__(self, symbol: _Optional[str] = ..., name: _Optional[str] = ..., valid_from: _Optional[str] = ..., valid_to: _Optional[str] = ...) -> None: ...

class ListSectorMembersResponse(_message.Message):
    __slots__ = ("members", "next_page_token")
    MEMBERS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    members: _containers.RepeatedCompositeFieldContainer[SectorMember]
    next_page_token: str
    def __init__(self, members: _Optional[_Iterable[_Union[SectorMember, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class ListCoverageRequest(_message.Message):
    __slots__ = ("period", "symbols", "text", "kind", "market", "state", "start", "end", "page")
    PERIOD_FIELD_NUMBER: _ClassVar[int]
    SYMBOLS_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    MARKET_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    START_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    PAGE_FIELD_NUMBER: _ClassVar[int]
    period: str
    symbols: _containers.RepeatedScalarFieldContainer[str]
    text: str
    kind: str
    market: str
    state: str
    start: str
    end: str
    page: _common_pb2.PageRequest
    def __init__(self, period: _Optional[str] = ..., symbols: _Optional[_Iterable[str]] = ..., text: _Optional[str] = ..., kind: _Optional[str] = ..., market: _Optional[str] = ..., state: _Optional[str] = ..., start: _Optional[str] = ..., end: _Optional[str] = ..., page: _Optional[_Union[_common_pb2.PageRequest, _Mapping]] = ...) -> None: ...

class Coverage(_message.Message):
    __slots__ = ("symbol", "name", "period", "first_ts_ms", "last_ts_ms", "expected", "present", "suspended", "source_empty", "source_depth", "missing", "last_sync_at_ms", "last_sync_count", "host", "note")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    PERIOD_FIELD_NUMBER: _ClassVar[int]
    FIRST_TS_MS_FIELD_NUMBER: _ClassVar[int]
    LAST_TS_MS_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_FIELD_NUMBER: _ClassVar[int]
    PRESENT_FIELD_NUMBER: _ClassVar[int]
    SUSPENDED_FIELD_NUMBER: _ClassVar[int]
    SOURCE_EMPTY_FIELD_NUMBER: _ClassVar[int]
    SOURCE_DEPTH_FIELD_NUMBER: _ClassVar[int]
    MISSING_FIELD_NUMBER: _ClassVar[int]
    LAST_SYNC_AT_MS_FIELD_NUMBER: _ClassVar[int]
    LAST_SYNC_COUNT_FIELD_NUMBER: _ClassVar[int]
    HOST_FIELD_NUMBER: _ClassVar[int]
    NOTE_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    name: str
    period: str
    first_ts_ms: int
    last_ts_ms: int
    expected: int
    present: int
    suspended: int
    source_empty: int
    source_depth: int
    missing: int
    last_sync_at_ms: int
    last_sync_count: int
    host: str
    note: str
    def __init__(self, symbol: _Optional[str] = ..., name: _Optional[str] = ..., period: _Optional[str] = ..., first_ts_ms: _Optional[int] = ..., last_ts_ms: _Optional[int] = ..., expected: _Optional[int] = ..., present: _Optional[int] = ..., suspended: _Optional[int] = ..., source_empty: _Optional[int] = ..., source_depth: _Optional[int] = ..., missing: _Optional[int] = ..., last_sync_at_ms: _Optional[int] = ..., last_sync_count: _Optional[int] = ..., host: _Optional[str] = ..., note: _Optional[str] = ...) -> None: ...

class ListCoverageResponse(_message.Message):
    __slots__ = ("coverage", "next_page_token", "instruments")
    COVERAGE_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    INSTRUMENTS_FIELD_NUMBER: _ClassVar[int]
    coverage: _containers.RepeatedCompositeFieldContainer[Coverage]
    next_page_token: str
    instruments: int
    def __init__(self, coverage: _Optional[_Iterable[_Union[Coverage, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., instruments: _Optional[int] = ...) -> None: ...

class StartSyncRequest(_message.Message):
    __slots__ = ("symbols", "period", "start", "end")
    SYMBOLS_FIELD_NUMBER: _ClassVar[int]
    PERIOD_FIELD_NUMBER: _ClassVar[int]
    START_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    symbols: _containers.RepeatedScalarFieldContainer[str]
    period: str
    start: str
    end: str
    def __init__(self, symbols: _Optional[_Iterable[str]] = ..., period: _Optional[str] = ..., start: _Optional[str] = ..., end: _Optional[str] = ...) -> None: ...

class StartSyncResponse(_message.Message):
    __slots__ = ("complete", "missing_days", "job")
    COMPLETE_FIELD_NUMBER: _ClassVar[int]
    MISSING_DAYS_FIELD_NUMBER: _ClassVar[int]
    JOB_FIELD_NUMBER: _ClassVar[int]
    complete: bool
    missing_days: int
    job: _common_pb2.Job
    def __init__(self, complete: _Optional[bool] = ..., missing_days: _Optional[int] = ..., job: _Optional[_Union[_common_pb2.Job, _Mapping]] = ...) -> None: ...

class JobRequest(_message.Message):
    __slots__ = ("job",)
    JOB_FIELD_NUMBER: _ClassVar[int]
    job: str
    def __init__(self, job: _Optional[str] = ...) -> None: ...

class ListJobsRequest(_message.Message):
    __slots__ = ("page",)
    PAGE_FIELD_NUMBER: _ClassVar[int]
    page: _common_pb2.PageRequest
    def __init__(self, page: _Optional[_Union[_common_pb2.PageRequest, _Mapping]] = ...) -> None: ...

class ListJobsResponse(_message.Message):
    __slots__ = ("jobs", "next_page_token")
    JOBS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    jobs: _containers.RepeatedCompositeFieldContainer[_common_pb2.Job]
    next_page_token: str
    def __init__(self, jobs: _Optional[_Iterable[_Union[_common_pb2.Job, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...
