from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Side(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SIDE_UNSPECIFIED: _ClassVar[Side]
    SIDE_BUY: _ClassVar[Side]
    SIDE_SELL: _ClassVar[Side]

class PriceType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PRICE_TYPE_UNSPECIFIED: _ClassVar[PriceType]
    PRICE_TYPE_LIMIT: _ClassVar[PriceType]
    PRICE_TYPE_LATEST: _ClassVar[PriceType]
    PRICE_TYPE_BEST5_CANCEL: _ClassVar[PriceType]
    PRICE_TYPE_BEST5_LIMIT: _ClassVar[PriceType]
    PRICE_TYPE_PEER_BEST: _ClassVar[PriceType]
    PRICE_TYPE_OWN_BEST: _ClassVar[PriceType]
    PRICE_TYPE_IOC: _ClassVar[PriceType]
    PRICE_TYPE_FOK: _ClassVar[PriceType]

class OrderStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ORDER_STATUS_UNSPECIFIED: _ClassVar[OrderStatus]
    ORDER_STATUS_PENDING_APPROVAL: _ClassVar[OrderStatus]
    ORDER_STATUS_QUEUED: _ClassVar[OrderStatus]
    ORDER_STATUS_SUBMITTING: _ClassVar[OrderStatus]
    ORDER_STATUS_SUBMITTED: _ClassVar[OrderStatus]
    ORDER_STATUS_REPORTED: _ClassVar[OrderStatus]
    ORDER_STATUS_PARTIALLY_FILLED: _ClassVar[OrderStatus]
    ORDER_STATUS_PENDING_CANCEL: _ClassVar[OrderStatus]
    ORDER_STATUS_FILLED: _ClassVar[OrderStatus]
    ORDER_STATUS_CANCELLED: _ClassVar[OrderStatus]
    ORDER_STATUS_PARTIALLY_CANCELLED: _ClassVar[OrderStatus]
    ORDER_STATUS_REJECTED: _ClassVar[OrderStatus]
    ORDER_STATUS_DENIED: _ClassVar[OrderStatus]
    ORDER_STATUS_EXPIRED: _ClassVar[OrderStatus]
    ORDER_STATUS_UNKNOWN: _ClassVar[OrderStatus]
    ORDER_STATUS_NOT_FOUND: _ClassVar[OrderStatus]
    ORDER_STATUS_DONE_FOR_DAY: _ClassVar[OrderStatus]

class TradingState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TRADING_STATE_UNSPECIFIED: _ClassVar[TradingState]
    TRADING_STATE_ACTIVE: _ClassVar[TradingState]
    TRADING_STATE_REDUCING: _ClassVar[TradingState]
    TRADING_STATE_HALTED: _ClassVar[TradingState]

class AccountMode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ACCOUNT_MODE_UNSPECIFIED: _ClassVar[AccountMode]
    ACCOUNT_MODE_PAPER: _ClassVar[AccountMode]
    ACCOUNT_MODE_READ_ONLY: _ClassVar[AccountMode]
    ACCOUNT_MODE_LIVE: _ClassVar[AccountMode]

class SessionState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SESSION_STATE_UNSPECIFIED: _ClassVar[SessionState]
    SESSION_STATE_DOWN: _ClassVar[SessionState]
    SESSION_STATE_CONNECTING: _ClassVar[SessionState]
    SESSION_STATE_RECONCILING: _ClassVar[SessionState]
    SESSION_STATE_READY: _ClassVar[SessionState]
    SESSION_STATE_SICK: _ClassVar[SessionState]

class HostKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    HOST_KIND_UNSPECIFIED: _ClassVar[HostKind]
    HOST_KIND_SIMULATED: _ClassVar[HostKind]
    HOST_KIND_LIVE: _ClassVar[HostKind]

class ExecutionKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    EXECUTION_KIND_UNSPECIFIED: _ClassVar[ExecutionKind]
    EXECUTION_KIND_BASKET: _ClassVar[ExecutionKind]
    EXECUTION_KIND_TARGET: _ClassVar[ExecutionKind]
    EXECUTION_KIND_SPLIT: _ClassVar[ExecutionKind]
    EXECUTION_KIND_TWAP: _ClassVar[ExecutionKind]
    EXECUTION_KIND_REPLACE: _ClassVar[ExecutionKind]

class ExecutionState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    EXECUTION_STATE_UNSPECIFIED: _ClassVar[ExecutionState]
    EXECUTION_STATE_PENDING_APPROVAL: _ClassVar[ExecutionState]
    EXECUTION_STATE_RUNNING: _ClassVar[ExecutionState]
    EXECUTION_STATE_PAUSED: _ClassVar[ExecutionState]
    EXECUTION_STATE_STOPPING: _ClassVar[ExecutionState]
    EXECUTION_STATE_COMPLETED: _ClassVar[ExecutionState]
    EXECUTION_STATE_INCOMPLETE: _ClassVar[ExecutionState]
    EXECUTION_STATE_CANCELLED: _ClassVar[ExecutionState]
    EXECUTION_STATE_STOPPED: _ClassVar[ExecutionState]

class JobStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    JOB_STATUS_UNSPECIFIED: _ClassVar[JobStatus]
    JOB_STATUS_PENDING: _ClassVar[JobStatus]
    JOB_STATUS_RUNNING: _ClassVar[JobStatus]
    JOB_STATUS_PAUSED: _ClassVar[JobStatus]
    JOB_STATUS_DONE: _ClassVar[JobStatus]
    JOB_STATUS_PARTIAL: _ClassVar[JobStatus]
    JOB_STATUS_FAILED: _ClassVar[JobStatus]
    JOB_STATUS_CANCELLED: _ClassVar[JobStatus]
SIDE_UNSPECIFIED: Side
SIDE_BUY: Side
SIDE_SELL: Side
PRICE_TYPE_UNSPECIFIED: PriceType
PRICE_TYPE_LIMIT: PriceType
PRICE_TYPE_LATEST: PriceType
PRICE_TYPE_BEST5_CANCEL: PriceType
PRICE_TYPE_BEST5_LIMIT: PriceType
PRICE_TYPE_PEER_BEST: PriceType
PRICE_TYPE_OWN_BEST: PriceType
PRICE_TYPE_IOC: PriceType
PRICE_TYPE_FOK: PriceType
ORDER_STATUS_UNSPECIFIED: OrderStatus
ORDER_STATUS_PENDING_APPROVAL: OrderStatus
ORDER_STATUS_QUEUED: OrderStatus
ORDER_STATUS_SUBMITTING: OrderStatus
ORDER_STATUS_SUBMITTED: OrderStatus
ORDER_STATUS_REPORTED: OrderStatus
ORDER_STATUS_PARTIALLY_FILLED: OrderStatus
ORDER_STATUS_PENDING_CANCEL: OrderStatus
ORDER_STATUS_FILLED: OrderStatus
ORDER_STATUS_CANCELLED: OrderStatus
ORDER_STATUS_PARTIALLY_CANCELLED: OrderStatus
ORDER_STATUS_REJECTED: OrderStatus
ORDER_STATUS_DENIED: OrderStatus
ORDER_STATUS_EXPIRED: OrderStatus
ORDER_STATUS_UNKNOWN: OrderStatus
ORDER_STATUS_NOT_FOUND: OrderStatus
ORDER_STATUS_DONE_FOR_DAY: OrderStatus
TRADING_STATE_UNSPECIFIED: TradingState
TRADING_STATE_ACTIVE: TradingState
TRADING_STATE_REDUCING: TradingState
TRADING_STATE_HALTED: TradingState
ACCOUNT_MODE_UNSPECIFIED: AccountMode
ACCOUNT_MODE_PAPER: AccountMode
ACCOUNT_MODE_READ_ONLY: AccountMode
ACCOUNT_MODE_LIVE: AccountMode
SESSION_STATE_UNSPECIFIED: SessionState
SESSION_STATE_DOWN: SessionState
SESSION_STATE_CONNECTING: SessionState
SESSION_STATE_RECONCILING: SessionState
SESSION_STATE_READY: SessionState
SESSION_STATE_SICK: SessionState
HOST_KIND_UNSPECIFIED: HostKind
HOST_KIND_SIMULATED: HostKind
HOST_KIND_LIVE: HostKind
EXECUTION_KIND_UNSPECIFIED: ExecutionKind
EXECUTION_KIND_BASKET: ExecutionKind
EXECUTION_KIND_TARGET: ExecutionKind
EXECUTION_KIND_SPLIT: ExecutionKind
EXECUTION_KIND_TWAP: ExecutionKind
EXECUTION_KIND_REPLACE: ExecutionKind
EXECUTION_STATE_UNSPECIFIED: ExecutionState
EXECUTION_STATE_PENDING_APPROVAL: ExecutionState
EXECUTION_STATE_RUNNING: ExecutionState
EXECUTION_STATE_PAUSED: ExecutionState
EXECUTION_STATE_STOPPING: ExecutionState
EXECUTION_STATE_COMPLETED: ExecutionState
EXECUTION_STATE_INCOMPLETE: ExecutionState
EXECUTION_STATE_CANCELLED: ExecutionState
EXECUTION_STATE_STOPPED: ExecutionState
JOB_STATUS_UNSPECIFIED: JobStatus
JOB_STATUS_PENDING: JobStatus
JOB_STATUS_RUNNING: JobStatus
JOB_STATUS_PAUSED: JobStatus
JOB_STATUS_DONE: JobStatus
JOB_STATUS_PARTIAL: JobStatus
JOB_STATUS_FAILED: JobStatus
JOB_STATUS_CANCELLED: JobStatus

class PageRequest(_message.Message):
    __slots__ = ("size", "page_token")
    SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    size: int
    page_token: str
    def __init__(self, size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class MarketClock(_message.Message):
    __slots__ = ("host", "trade_date", "phase", "market_time_ms", "observed_at_ms", "simulated", "stale")
    HOST_FIELD_NUMBER: _ClassVar[int]
    TRADE_DATE_FIELD_NUMBER: _ClassVar[int]
    PHASE_FIELD_NUMBER: _ClassVar[int]
    MARKET_TIME_MS_FIELD_NUMBER: _ClassVar[int]
    OBSERVED_AT_MS_FIELD_NUMBER: _ClassVar[int]
    SIMULATED_FIELD_NUMBER: _ClassVar[int]
    STALE_FIELD_NUMBER: _ClassVar[int]
    host: str
    trade_date: str
    phase: str
    market_time_ms: int
    observed_at_ms: int
    simulated: bool
    stale: bool
    def __init__(self, host: _Optional[str] = ..., trade_date: _Optional[str] = ..., phase: _Optional[str] = ..., market_time_ms: _Optional[int] = ..., observed_at_ms: _Optional[int] = ..., simulated: _Optional[bool] = ..., stale: _Optional[bool] = ...) -> None: ...

class Host(_message.Message):
    __slots__ = ("name", "kind", "fed_from", "session_state", "message", "updated_at_ms")
    NAME_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    FED_FROM_FIELD_NUMBER: _ClassVar[int]
    SESSION_STATE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    UPDATED_AT_MS_FIELD_NUMBER: _ClassVar[int]
    name: str
    kind: HostKind
    fed_from: str
    session_state: SessionState
    message: str
    updated_at_ms: int
    def __init__(self, name: _Optional[str] = ..., kind: _Optional[_Union[HostKind, str]] = ..., fed_from: _Optional[str] = ..., session_state: _Optional[_Union[SessionState, str]] = ..., message: _Optional[str] = ..., updated_at_ms: _Optional[int] = ...) -> None: ...

class AccountSession(_message.Message):
    __slots__ = ("state", "message", "last_probe_at_ms")
    STATE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    LAST_PROBE_AT_MS_FIELD_NUMBER: _ClassVar[int]
    state: SessionState
    message: str
    last_probe_at_ms: int
    def __init__(self, state: _Optional[_Union[SessionState, str]] = ..., message: _Optional[str] = ..., last_probe_at_ms: _Optional[int] = ...) -> None: ...

class Rights(_message.Message):
    __slots__ = ("view", "trade", "trade_all", "approve", "manage", "halt", "resume", "move_money")
    VIEW_FIELD_NUMBER: _ClassVar[int]
    TRADE_FIELD_NUMBER: _ClassVar[int]
    TRADE_ALL_FIELD_NUMBER: _ClassVar[int]
    APPROVE_FIELD_NUMBER: _ClassVar[int]
    MANAGE_FIELD_NUMBER: _ClassVar[int]
    HALT_FIELD_NUMBER: _ClassVar[int]
    RESUME_FIELD_NUMBER: _ClassVar[int]
    MOVE_MONEY_FIELD_NUMBER: _ClassVar[int]
    view: bool
    trade: bool
    trade_all: bool
    approve: bool
    manage: bool
    halt: bool
    resume: bool
    move_money: bool
    def __init__(self, view: _Optional[bool] = ..., trade: _Optional[bool] = ..., trade_all: _Optional[bool] = ..., approve: _Optional[bool] = ..., manage: _Optional[bool] = ..., halt: _Optional[bool] = ..., resume: _Optional[bool] = ..., move_money: _Optional[bool] = ...) -> None: ...

class Account(_message.Message):
    __slots__ = ("id", "account_no", "name", "mode", "state", "auto_trading", "enabled", "host", "session", "market_clock", "rights", "state_reason", "state_by", "state_since_ms")
    ID_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_NO_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    AUTO_TRADING_FIELD_NUMBER: _ClassVar[int]
    ENABLED_FIELD_NUMBER: _ClassVar[int]
    HOST_FIELD_NUMBER: _ClassVar[int]
    SESSION_FIELD_NUMBER: _ClassVar[int]
    MARKET_CLOCK_FIELD_NUMBER: _ClassVar[int]
    RIGHTS_FIELD_NUMBER: _ClassVar[int]
    STATE_REASON_FIELD_NUMBER: _ClassVar[int]
    STATE_BY_FIELD_NUMBER: _ClassVar[int]
    STATE_SINCE_MS_FIELD_NUMBER: _ClassVar[int]
    id: int
    account_no: str
    name: str
    mode: AccountMode
    state: TradingState
    auto_trading: bool
    enabled: bool
    host: Host
    session: AccountSession
    market_clock: MarketClock
    rights: Rights
    state_reason: str
    state_by: str
    state_since_ms: int
    def __init__(self, id: _Optional[int] = ..., account_no: _Optional[str] = ..., name: _Optional[str] = ..., mode: _Optional[_Union[AccountMode, str]] = ..., state: _Optional[_Union[TradingState, str]] = ..., auto_trading: _Optional[bool] = ..., enabled: _Optional[bool] = ..., host: _Optional[_Union[Host, _Mapping]] = ..., session: _Optional[_Union[AccountSession, _Mapping]] = ..., market_clock: _Optional[_Union[MarketClock, _Mapping]] = ..., rights: _Optional[_Union[Rights, _Mapping]] = ..., state_reason: _Optional[str] = ..., state_by: _Optional[str] = ..., state_since_ms: _Optional[int] = ...) -> None: ...

class Order(_message.Message):
    __slots__ = ("id", "account", "client_order_id", "strategy", "source", "created_by", "simulated", "symbol", "side", "price_type", "price", "quantity", "traded_quantity", "traded_amount", "avg_price", "status", "version", "trade_date", "order_id", "order_sysid", "code", "message", "details", "submitted_at_ms", "expires_at_ms", "reported_at_ms", "final_at_ms", "cancel_requested_at_ms")
    ID_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    STRATEGY_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    CREATED_BY_FIELD_NUMBER: _ClassVar[int]
    SIMULATED_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    SIDE_FIELD_NUMBER: _ClassVar[int]
    PRICE_TYPE_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    TRADED_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    TRADED_AMOUNT_FIELD_NUMBER: _ClassVar[int]
    AVG_PRICE_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    TRADE_DATE_FIELD_NUMBER: _ClassVar[int]
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    ORDER_SYSID_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    DETAILS_FIELD_NUMBER: _ClassVar[int]
    SUBMITTED_AT_MS_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_AT_MS_FIELD_NUMBER: _ClassVar[int]
    REPORTED_AT_MS_FIELD_NUMBER: _ClassVar[int]
    FINAL_AT_MS_FIELD_NUMBER: _ClassVar[int]
    CANCEL_REQUESTED_AT_MS_FIELD_NUMBER: _ClassVar[int]
    id: str
    account: int
    client_order_id: str
    strategy: str
    source: str
    created_by: str
    simulated: bool
    symbol: str
    side: Side
    price_type: PriceType
    price: str
    quantity: int
    traded_quantity: int
    traded_amount: str
    avg_price: str
    status: OrderStatus
    version: int
    trade_date: str
    order_id: str
    order_sysid: str
    code: str
    message: str
    details: _struct_pb2.Struct
    submitted_at_ms: int
    expires_at_ms: int
    reported_at_ms: int
    final_at_ms: int
    cancel_requested_at_ms: int
    def __init__(self, id: _Optional[str] = ..., account: _Optional[int] = ..., client_order_id: _Optional[str] = ..., strategy: _Optional[str] = ..., source: _Optional[str] = ..., created_by: _Optional[str] = ..., simulated: _Optional[bool] = ..., symbol: _Optional[str] = ..., side: _Optional[_Union[Side, str]] = ..., price_type: _Optional[_Union[PriceType, str]] = ..., price: _Optional[str] = ..., quantity: _Optional[int] = ..., traded_quantity: _Optional[int] = ..., traded_amount: _Optional[str] = ..., avg_price: _Optional[str] = ..., status: _Optional[_Union[OrderStatus, str]] = ..., version: _Optional[int] = ..., trade_date: _Optional[str] = ..., order_id: _Optional[str] = ..., order_sysid: _Optional[str] = ..., code: _Optional[str] = ..., message: _Optional[str] = ..., details: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., submitted_at_ms: _Optional[int] = ..., expires_at_ms: _Optional[int] = ..., reported_at_ms: _Optional[int] = ..., final_at_ms: _Optional[int] = ..., cancel_requested_at_ms: _Optional[int] = ...) -> None: ...

class OrderEvent(_message.Message):
    __slots__ = ("seq", "kind", "from_status", "to_status", "data", "at_ms")
    SEQ_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    FROM_STATUS_FIELD_NUMBER: _ClassVar[int]
    TO_STATUS_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    AT_MS_FIELD_NUMBER: _ClassVar[int]
    seq: int
    kind: str
    from_status: OrderStatus
    to_status: OrderStatus
    data: _struct_pb2.Struct
    at_ms: int
    def __init__(self, seq: _Optional[int] = ..., kind: _Optional[str] = ..., from_status: _Optional[_Union[OrderStatus, str]] = ..., to_status: _Optional[_Union[OrderStatus, str]] = ..., data: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., at_ms: _Optional[int] = ...) -> None: ...

class Trade(_message.Message):
    __slots__ = ("id", "account", "order", "trade_date", "exchange", "order_sysid", "traded_id", "symbol", "side", "price", "quantity", "amount", "commission", "stamp_duty", "transfer_fee", "fees", "broker_commission", "traded_at_ms")
    ID_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    ORDER_FIELD_NUMBER: _ClassVar[int]
    TRADE_DATE_FIELD_NUMBER: _ClassVar[int]
    EXCHANGE_FIELD_NUMBER: _ClassVar[int]
    ORDER_SYSID_FIELD_NUMBER: _ClassVar[int]
    TRADED_ID_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    SIDE_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    COMMISSION_FIELD_NUMBER: _ClassVar[int]
    STAMP_DUTY_FIELD_NUMBER: _ClassVar[int]
    TRANSFER_FEE_FIELD_NUMBER: _ClassVar[int]
    FEES_FIELD_NUMBER: _ClassVar[int]
    BROKER_COMMISSION_FIELD_NUMBER: _ClassVar[int]
    TRADED_AT_MS_FIELD_NUMBER: _ClassVar[int]
    id: int
    account: int
    order: str
    trade_date: str
    exchange: str
    order_sysid: str
    traded_id: str
    symbol: str
    side: Side
    price: str
    quantity: int
    amount: str
    commission: str
    stamp_duty: str
    transfer_fee: str
    fees: str
    broker_commission: str
    traded_at_ms: int
    def __init__(self, id: _Optional[int] = ..., account: _Optional[int] = ..., order: _Optional[str] = ..., trade_date: _Optional[str] = ..., exchange: _Optional[str] = ..., order_sysid: _Optional[str] = ..., traded_id: _Optional[str] = ..., symbol: _Optional[str] = ..., side: _Optional[_Union[Side, str]] = ..., price: _Optional[str] = ..., quantity: _Optional[int] = ..., amount: _Optional[str] = ..., commission: _Optional[str] = ..., stamp_duty: _Optional[str] = ..., transfer_fee: _Optional[str] = ..., fees: _Optional[str] = ..., broker_commission: _Optional[str] = ..., traded_at_ms: _Optional[int] = ...) -> None: ...

class Asset(_message.Message):
    __slots__ = ("account", "cash", "frozen_cash", "market_value", "total_asset", "at_ms", "reserved_cash", "available_cash")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    CASH_FIELD_NUMBER: _ClassVar[int]
    FROZEN_CASH_FIELD_NUMBER: _ClassVar[int]
    MARKET_VALUE_FIELD_NUMBER: _ClassVar[int]
    TOTAL_ASSET_FIELD_NUMBER: _ClassVar[int]
    AT_MS_FIELD_NUMBER: _ClassVar[int]
    RESERVED_CASH_FIELD_NUMBER: _ClassVar[int]
    AVAILABLE_CASH_FIELD_NUMBER: _ClassVar[int]
    account: int
    cash: str
    frozen_cash: str
    market_value: str
    total_asset: str
    at_ms: int
    reserved_cash: str
    available_cash: str
    def __init__(self, account: _Optional[int] = ..., cash: _Optional[str] = ..., frozen_cash: _Optional[str] = ..., market_value: _Optional[str] = ..., total_asset: _Optional[str] = ..., at_ms: _Optional[int] = ..., reserved_cash: _Optional[str] = ..., available_cash: _Optional[str] = ...) -> None: ...

class Position(_message.Message):
    __slots__ = ("account", "symbol", "quantity", "sellable", "frozen", "on_road", "yesterday", "avg_price", "open_price", "last_price", "market_value", "at_ms")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    SELLABLE_FIELD_NUMBER: _ClassVar[int]
    FROZEN_FIELD_NUMBER: _ClassVar[int]
    ON_ROAD_FIELD_NUMBER: _ClassVar[int]
    YESTERDAY_FIELD_NUMBER: _ClassVar[int]
    AVG_PRICE_FIELD_NUMBER: _ClassVar[int]
    OPEN_PRICE_FIELD_NUMBER: _ClassVar[int]
    LAST_PRICE_FIELD_NUMBER: _ClassVar[int]
    MARKET_VALUE_FIELD_NUMBER: _ClassVar[int]
    AT_MS_FIELD_NUMBER: _ClassVar[int]
    account: int
    symbol: str
    quantity: int
    sellable: int
    frozen: int
    on_road: int
    yesterday: int
    avg_price: str
    open_price: str
    last_price: str
    market_value: str
    at_ms: int
    def __init__(self, account: _Optional[int] = ..., symbol: _Optional[str] = ..., quantity: _Optional[int] = ..., sellable: _Optional[int] = ..., frozen: _Optional[int] = ..., on_road: _Optional[int] = ..., yesterday: _Optional[int] = ..., avg_price: _Optional[str] = ..., open_price: _Optional[str] = ..., last_price: _Optional[str] = ..., market_value: _Optional[str] = ..., at_ms: _Optional[int] = ...) -> None: ...

class Book(_message.Message):
    __slots__ = ("account", "reserved_cash", "trade_date", "closed_trade_date", "restricted")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    RESERVED_CASH_FIELD_NUMBER: _ClassVar[int]
    TRADE_DATE_FIELD_NUMBER: _ClassVar[int]
    CLOSED_TRADE_DATE_FIELD_NUMBER: _ClassVar[int]
    RESTRICTED_FIELD_NUMBER: _ClassVar[int]
    account: int
    reserved_cash: str
    trade_date: str
    closed_trade_date: str
    restricted: _struct_pb2.Struct
    def __init__(self, account: _Optional[int] = ..., reserved_cash: _Optional[str] = ..., trade_date: _Optional[str] = ..., closed_trade_date: _Optional[str] = ..., restricted: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class ExecutionLeg(_message.Message):
    __slots__ = ("number", "symbol", "side", "quantity", "price_type", "price", "traded_quantity", "traded_amount", "ended", "code", "note")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    SIDE_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    PRICE_TYPE_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    TRADED_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    TRADED_AMOUNT_FIELD_NUMBER: _ClassVar[int]
    ENDED_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    NOTE_FIELD_NUMBER: _ClassVar[int]
    number: int
    symbol: str
    side: Side
    quantity: int
    price_type: PriceType
    price: str
    traded_quantity: int
    traded_amount: str
    ended: bool
    code: str
    note: _struct_pb2.Struct
    def __init__(self, number: _Optional[int] = ..., symbol: _Optional[str] = ..., side: _Optional[_Union[Side, str]] = ..., quantity: _Optional[int] = ..., price_type: _Optional[_Union[PriceType, str]] = ..., price: _Optional[str] = ..., traded_quantity: _Optional[int] = ..., traded_amount: _Optional[str] = ..., ended: _Optional[bool] = ..., code: _Optional[str] = ..., note: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class ExecutionChild(_message.Message):
    __slots__ = ("leg", "number", "quantity", "order", "status", "traded_quantity", "code", "void", "created_at_ms")
    LEG_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    ORDER_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    TRADED_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    VOID_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_MS_FIELD_NUMBER: _ClassVar[int]
    leg: int
    number: int
    quantity: int
    order: str
    status: OrderStatus
    traded_quantity: int
    code: str
    void: bool
    created_at_ms: int
    def __init__(self, leg: _Optional[int] = ..., number: _Optional[int] = ..., quantity: _Optional[int] = ..., order: _Optional[str] = ..., status: _Optional[_Union[OrderStatus, str]] = ..., traded_quantity: _Optional[int] = ..., code: _Optional[str] = ..., void: _Optional[bool] = ..., created_at_ms: _Optional[int] = ...) -> None: ...

class Execution(_message.Message):
    __slots__ = ("id", "account", "kind", "state", "ending", "code", "client_execution_id", "strategy", "created_by", "version", "trade_date", "quantity", "traded_quantity", "child_quantity", "slices", "starts_at_ms", "ends_at_ms", "replaces", "created_at_ms", "final_at_ms", "legs", "children")
    ID_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    ENDING_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    CLIENT_EXECUTION_ID_FIELD_NUMBER: _ClassVar[int]
    STRATEGY_FIELD_NUMBER: _ClassVar[int]
    CREATED_BY_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    TRADE_DATE_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    TRADED_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    CHILD_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    SLICES_FIELD_NUMBER: _ClassVar[int]
    STARTS_AT_MS_FIELD_NUMBER: _ClassVar[int]
    ENDS_AT_MS_FIELD_NUMBER: _ClassVar[int]
    REPLACES_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_MS_FIELD_NUMBER: _ClassVar[int]
    FINAL_AT_MS_FIELD_NUMBER: _ClassVar[int]
    LEGS_FIELD_NUMBER: _ClassVar[int]
    CHILDREN_FIELD_NUMBER: _ClassVar[int]
    id: str
    account: int
    kind: ExecutionKind
    state: ExecutionState
    ending: str
    code: str
    client_execution_id: str
    strategy: str
    created_by: str
    version: int
    trade_date: str
    quantity: int
    traded_quantity: int
    child_quantity: int
    slices: int
    starts_at_ms: int
    ends_at_ms: int
    replaces: str
    created_at_ms: int
    final_at_ms: int
    legs: _containers.RepeatedCompositeFieldContainer[ExecutionLeg]
    children: _containers.RepeatedCompositeFieldContainer[ExecutionChild]
    def __init__(self, id: _Optional[str] = ..., account: _Optional[int] = ..., kind: _Optional[_Union[ExecutionKind, str]] = ..., state: _Optional[_Union[ExecutionState, str]] = ..., ending: _Optional[str] = ..., code: _Optional[str] = ..., client_execution_id: _Optional[str] = ..., strategy: _Optional[str] = ..., created_by: _Optional[str] = ..., version: _Optional[int] = ..., trade_date: _Optional[str] = ..., quantity: _Optional[int] = ..., traded_quantity: _Optional[int] = ..., child_quantity: _Optional[int] = ..., slices: _Optional[int] = ..., starts_at_ms: _Optional[int] = ..., ends_at_ms: _Optional[int] = ..., replaces: _Optional[str] = ..., created_at_ms: _Optional[int] = ..., final_at_ms: _Optional[int] = ..., legs: _Optional[_Iterable[_Union[ExecutionLeg, _Mapping]]] = ..., children: _Optional[_Iterable[_Union[ExecutionChild, _Mapping]]] = ...) -> None: ...

class Job(_message.Message):
    __slots__ = ("id", "kind", "status", "owner", "total", "done", "rate", "seconds_left", "message", "params", "result", "error", "created_at_ms", "started_at_ms", "finished_at_ms")
    ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    OWNER_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    DONE_FIELD_NUMBER: _ClassVar[int]
    RATE_FIELD_NUMBER: _ClassVar[int]
    SECONDS_LEFT_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    PARAMS_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_MS_FIELD_NUMBER: _ClassVar[int]
    STARTED_AT_MS_FIELD_NUMBER: _ClassVar[int]
    FINISHED_AT_MS_FIELD_NUMBER: _ClassVar[int]
    id: str
    kind: str
    status: JobStatus
    owner: int
    total: int
    done: int
    rate: float
    seconds_left: float
    message: str
    params: _struct_pb2.Struct
    result: _struct_pb2.Struct
    error: str
    created_at_ms: int
    started_at_ms: int
    finished_at_ms: int
    def __init__(self, id: _Optional[str] = ..., kind: _Optional[str] = ..., status: _Optional[_Union[JobStatus, str]] = ..., owner: _Optional[int] = ..., total: _Optional[int] = ..., done: _Optional[int] = ..., rate: _Optional[float] = ..., seconds_left: _Optional[float] = ..., message: _Optional[str] = ..., params: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., result: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., error: _Optional[str] = ..., created_at_ms: _Optional[int] = ..., started_at_ms: _Optional[int] = ..., finished_at_ms: _Optional[int] = ...) -> None: ...

class Quote(_message.Message):
    __slots__ = ("symbol", "ts_ms", "last_e4", "open_e4", "high_e4", "low_e4", "pre_close_e4", "volume", "amount_e4", "bid_e4", "ask_e4", "bid_volume", "ask_volume", "status")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    TS_MS_FIELD_NUMBER: _ClassVar[int]
    LAST_E4_FIELD_NUMBER: _ClassVar[int]
    OPEN_E4_FIELD_NUMBER: _ClassVar[int]
    HIGH_E4_FIELD_NUMBER: _ClassVar[int]
    LOW_E4_FIELD_NUMBER: _ClassVar[int]
    PRE_CLOSE_E4_FIELD_NUMBER: _ClassVar[int]
    VOLUME_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_E4_FIELD_NUMBER: _ClassVar[int]
    BID_E4_FIELD_NUMBER: _ClassVar[int]
    ASK_E4_FIELD_NUMBER: _ClassVar[int]
    BID_VOLUME_FIELD_NUMBER: _ClassVar[int]
    ASK_VOLUME_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    ts_ms: int
    last_e4: int
    open_e4: int
    high_e4: int
    low_e4: int
    pre_close_e4: int
    volume: int
    amount_e4: int
    bid_e4: _containers.RepeatedScalarFieldContainer[int]
    ask_e4: _containers.RepeatedScalarFieldContainer[int]
    bid_volume: _containers.RepeatedScalarFieldContainer[int]
    ask_volume: _containers.RepeatedScalarFieldContainer[int]
    status: int
    def __init__(self, symbol: _Optional[str] = ..., ts_ms: _Optional[int] = ..., last_e4: _Optional[int] = ..., open_e4: _Optional[int] = ..., high_e4: _Optional[int] = ..., low_e4: _Optional[int] = ..., pre_close_e4: _Optional[int] = ..., volume: _Optional[int] = ..., amount_e4: _Optional[int] = ..., bid_e4: _Optional[_Iterable[int]] = ..., ask_e4: _Optional[_Iterable[int]] = ..., bid_volume: _Optional[_Iterable[int]] = ..., ask_volume: _Optional[_Iterable[int]] = ..., status: _Optional[int] = ...) -> None: ...
