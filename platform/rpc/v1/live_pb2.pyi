from google.protobuf import struct_pb2 as _struct_pb2
from rpc.v1 import common_pb2 as _common_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class QuotesChannel(_message.Message):
    __slots__ = ("symbols",)
    SYMBOLS_FIELD_NUMBER: _ClassVar[int]
    symbols: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, symbols: _Optional[_Iterable[str]] = ...) -> None: ...

class BarsChannel(_message.Message):
    __slots__ = ("period", "symbols")
    PERIOD_FIELD_NUMBER: _ClassVar[int]
    SYMBOLS_FIELD_NUMBER: _ClassVar[int]
    period: str
    symbols: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, period: _Optional[str] = ..., symbols: _Optional[_Iterable[str]] = ...) -> None: ...

class AccountChannel(_message.Message):
    __slots__ = ("account", "since")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    SINCE_FIELD_NUMBER: _ClassVar[int]
    account: int
    since: int
    def __init__(self, account: _Optional[int] = ..., since: _Optional[int] = ...) -> None: ...

class JobsChannel(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Channel(_message.Message):
    __slots__ = ("quotes", "bars", "account", "jobs")
    QUOTES_FIELD_NUMBER: _ClassVar[int]
    BARS_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    JOBS_FIELD_NUMBER: _ClassVar[int]
    quotes: QuotesChannel
    bars: BarsChannel
    account: AccountChannel
    jobs: JobsChannel
    def __init__(self, quotes: _Optional[_Union[QuotesChannel, _Mapping]] = ..., bars: _Optional[_Union[BarsChannel, _Mapping]] = ..., account: _Optional[_Union[AccountChannel, _Mapping]] = ..., jobs: _Optional[_Union[JobsChannel, _Mapping]] = ...) -> None: ...

class Ping(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: int
    def __init__(self, id: _Optional[int] = ...) -> None: ...

class SubscribeRequest(_message.Message):
    __slots__ = ("subscribe", "unsubscribe", "ping")
    SUBSCRIBE_FIELD_NUMBER: _ClassVar[int]
    UNSUBSCRIBE_FIELD_NUMBER: _ClassVar[int]
    PING_FIELD_NUMBER: _ClassVar[int]
    subscribe: Channel
    unsubscribe: Channel
    ping: Ping
    def __init__(self, subscribe: _Optional[_Union[Channel, _Mapping]] = ..., unsubscribe: _Optional[_Union[Channel, _Mapping]] = ..., ping: _Optional[_Union[Ping, _Mapping]] = ...) -> None: ...

class LiveMessage(_message.Message):
    __slots__ = ("hello", "heartbeat", "link", "pong", "quotes", "feeds", "bars", "account_snapshot", "account_events", "account_changed", "revoked", "jobs", "error")
    HELLO_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_FIELD_NUMBER: _ClassVar[int]
    LINK_FIELD_NUMBER: _ClassVar[int]
    PONG_FIELD_NUMBER: _ClassVar[int]
    QUOTES_FIELD_NUMBER: _ClassVar[int]
    FEEDS_FIELD_NUMBER: _ClassVar[int]
    BARS_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_SNAPSHOT_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_EVENTS_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_CHANGED_FIELD_NUMBER: _ClassVar[int]
    REVOKED_FIELD_NUMBER: _ClassVar[int]
    JOBS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    hello: Hello
    heartbeat: Heartbeat
    link: Link
    pong: Pong
    quotes: Quotes
    feeds: Feeds
    bars: Bars
    account_snapshot: AccountSnapshot
    account_events: AccountEvents
    account_changed: _common_pb2.Account
    revoked: Revoked
    jobs: Jobs
    error: Error
    def __init__(self, hello: _Optional[_Union[Hello, _Mapping]] = ..., heartbeat: _Optional[_Union[Heartbeat, _Mapping]] = ..., link: _Optional[_Union[Link, _Mapping]] = ..., pong: _Optional[_Union[Pong, _Mapping]] = ..., quotes: _Optional[_Union[Quotes, _Mapping]] = ..., feeds: _Optional[_Union[Feeds, _Mapping]] = ..., bars: _Optional[_Union[Bars, _Mapping]] = ..., account_snapshot: _Optional[_Union[AccountSnapshot, _Mapping]] = ..., account_events: _Optional[_Union[AccountEvents, _Mapping]] = ..., account_changed: _Optional[_Union[_common_pb2.Account, _Mapping]] = ..., revoked: _Optional[_Union[Revoked, _Mapping]] = ..., jobs: _Optional[_Union[Jobs, _Mapping]] = ..., error: _Optional[_Union[Error, _Mapping]] = ...) -> None: ...

class Hello(_message.Message):
    __slots__ = ("server_time_ms", "user_id", "username")
    SERVER_TIME_MS_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    USERNAME_FIELD_NUMBER: _ClassVar[int]
    server_time_ms: int
    user_id: int
    username: str
    def __init__(self, server_time_ms: _Optional[int] = ..., user_id: _Optional[int] = ..., username: _Optional[str] = ...) -> None: ...

class Heartbeat(_message.Message):
    __slots__ = ("server_time_ms",)
    SERVER_TIME_MS_FIELD_NUMBER: _ClassVar[int]
    server_time_ms: int
    def __init__(self, server_time_ms: _Optional[int] = ...) -> None: ...

class Link(_message.Message):
    __slots__ = ("up", "server_time_ms")
    UP_FIELD_NUMBER: _ClassVar[int]
    SERVER_TIME_MS_FIELD_NUMBER: _ClassVar[int]
    up: bool
    server_time_ms: int
    def __init__(self, up: _Optional[bool] = ..., server_time_ms: _Optional[int] = ...) -> None: ...

class Pong(_message.Message):
    __slots__ = ("id", "server_time_ms")
    ID_FIELD_NUMBER: _ClassVar[int]
    SERVER_TIME_MS_FIELD_NUMBER: _ClassVar[int]
    id: int
    server_time_ms: int
    def __init__(self, id: _Optional[int] = ..., server_time_ms: _Optional[int] = ...) -> None: ...

class Quotes(_message.Message):
    __slots__ = ("quotes", "snapshot")
    QUOTES_FIELD_NUMBER: _ClassVar[int]
    SNAPSHOT_FIELD_NUMBER: _ClassVar[int]
    quotes: _containers.RepeatedCompositeFieldContainer[_common_pb2.Quote]
    snapshot: bool
    def __init__(self, quotes: _Optional[_Iterable[_Union[_common_pb2.Quote, _Mapping]]] = ..., snapshot: _Optional[bool] = ...) -> None: ...

class Feed(_message.Message):
    __slots__ = ("host", "stale_since_ms", "last_quote_at_ms")
    HOST_FIELD_NUMBER: _ClassVar[int]
    STALE_SINCE_MS_FIELD_NUMBER: _ClassVar[int]
    LAST_QUOTE_AT_MS_FIELD_NUMBER: _ClassVar[int]
    host: str
    stale_since_ms: int
    last_quote_at_ms: int
    def __init__(self, host: _Optional[str] = ..., stale_since_ms: _Optional[int] = ..., last_quote_at_ms: _Optional[int] = ...) -> None: ...

class Feeds(_message.Message):
    __slots__ = ("feeds",)
    FEEDS_FIELD_NUMBER: _ClassVar[int]
    feeds: _containers.RepeatedCompositeFieldContainer[Feed]
    def __init__(self, feeds: _Optional[_Iterable[_Union[Feed, _Mapping]]] = ...) -> None: ...

class LiveBar(_message.Message):
    __slots__ = ("symbol", "ts_ms", "open_e4", "high_e4", "low_e4", "close_e4", "volume", "amount_e4", "complete")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    TS_MS_FIELD_NUMBER: _ClassVar[int]
    OPEN_E4_FIELD_NUMBER: _ClassVar[int]
    HIGH_E4_FIELD_NUMBER: _ClassVar[int]
    LOW_E4_FIELD_NUMBER: _ClassVar[int]
    CLOSE_E4_FIELD_NUMBER: _ClassVar[int]
    VOLUME_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_E4_FIELD_NUMBER: _ClassVar[int]
    COMPLETE_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    ts_ms: int
    open_e4: int
    high_e4: int
    low_e4: int
    close_e4: int
    volume: int
    amount_e4: int
    complete: bool
    def __init__(self, symbol: _Optional[str] = ..., ts_ms: _Optional[int] = ..., open_e4: _Optional[int] = ..., high_e4: _Optional[int] = ..., low_e4: _Optional[int] = ..., close_e4: _Optional[int] = ..., volume: _Optional[int] = ..., amount_e4: _Optional[int] = ..., complete: _Optional[bool] = ...) -> None: ...

class Bars(_message.Message):
    __slots__ = ("bars", "period")
    BARS_FIELD_NUMBER: _ClassVar[int]
    PERIOD_FIELD_NUMBER: _ClassVar[int]
    bars: _containers.RepeatedCompositeFieldContainer[LiveBar]
    period: str
    def __init__(self, bars: _Optional[_Iterable[_Union[LiveBar, _Mapping]]] = ..., period: _Optional[str] = ...) -> None: ...

class AccountSnapshot(_message.Message):
    __slots__ = ("account_id", "version", "account", "asset", "positions", "orders", "trades", "executions", "market_clock", "others")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    ASSET_FIELD_NUMBER: _ClassVar[int]
    POSITIONS_FIELD_NUMBER: _ClassVar[int]
    ORDERS_FIELD_NUMBER: _ClassVar[int]
    TRADES_FIELD_NUMBER: _ClassVar[int]
    EXECUTIONS_FIELD_NUMBER: _ClassVar[int]
    MARKET_CLOCK_FIELD_NUMBER: _ClassVar[int]
    OTHERS_FIELD_NUMBER: _ClassVar[int]
    account_id: int
    version: int
    account: _common_pb2.Book
    asset: _common_pb2.Asset
    positions: _containers.RepeatedCompositeFieldContainer[_common_pb2.Position]
    orders: _containers.RepeatedCompositeFieldContainer[_common_pb2.Order]
    trades: _containers.RepeatedCompositeFieldContainer[_common_pb2.Trade]
    executions: _containers.RepeatedCompositeFieldContainer[_common_pb2.Execution]
    market_clock: _common_pb2.MarketClock
    others: _struct_pb2.Struct
    def __init__(self, account_id: _Optional[int] = ..., version: _Optional[int] = ..., account: _Optional[_Union[_common_pb2.Book, _Mapping]] = ..., asset: _Optional[_Union[_common_pb2.Asset, _Mapping]] = ..., positions: _Optional[_Iterable[_Union[_common_pb2.Position, _Mapping]]] = ..., orders: _Optional[_Iterable[_Union[_common_pb2.Order, _Mapping]]] = ..., trades: _Optional[_Iterable[_Union[_common_pb2.Trade, _Mapping]]] = ..., executions: _Optional[_Iterable[_Union[_common_pb2.Execution, _Mapping]]] = ..., market_clock: _Optional[_Union[_common_pb2.MarketClock, _Mapping]] = ..., others: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class AccountEvent(_message.Message):
    __slots__ = ("version", "order", "trade", "asset", "position", "account", "execution", "other", "kind")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    ORDER_FIELD_NUMBER: _ClassVar[int]
    TRADE_FIELD_NUMBER: _ClassVar[int]
    ASSET_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    EXECUTION_FIELD_NUMBER: _ClassVar[int]
    OTHER_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    version: int
    order: _common_pb2.Order
    trade: _common_pb2.Trade
    asset: _common_pb2.Asset
    position: _common_pb2.Position
    account: _common_pb2.Book
    execution: _common_pb2.Execution
    other: _struct_pb2.Struct
    kind: str
    def __init__(self, version: _Optional[int] = ..., order: _Optional[_Union[_common_pb2.Order, _Mapping]] = ..., trade: _Optional[_Union[_common_pb2.Trade, _Mapping]] = ..., asset: _Optional[_Union[_common_pb2.Asset, _Mapping]] = ..., position: _Optional[_Union[_common_pb2.Position, _Mapping]] = ..., account: _Optional[_Union[_common_pb2.Book, _Mapping]] = ..., execution: _Optional[_Union[_common_pb2.Execution, _Mapping]] = ..., other: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., kind: _Optional[str] = ...) -> None: ...

class AccountEvents(_message.Message):
    __slots__ = ("account_id", "version", "events")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    account_id: int
    version: int
    events: _containers.RepeatedCompositeFieldContainer[AccountEvent]
    def __init__(self, account_id: _Optional[int] = ..., version: _Optional[int] = ..., events: _Optional[_Iterable[_Union[AccountEvent, _Mapping]]] = ...) -> None: ...

class Revoked(_message.Message):
    __slots__ = ("channel",)
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    channel: str
    def __init__(self, channel: _Optional[str] = ...) -> None: ...

class Jobs(_message.Message):
    __slots__ = ("jobs", "snapshot")
    JOBS_FIELD_NUMBER: _ClassVar[int]
    SNAPSHOT_FIELD_NUMBER: _ClassVar[int]
    jobs: _containers.RepeatedCompositeFieldContainer[_common_pb2.Job]
    snapshot: bool
    def __init__(self, jobs: _Optional[_Iterable[_Union[_common_pb2.Job, _Mapping]]] = ..., snapshot: _Optional[bool] = ...) -> None: ...

class Error(_message.Message):
    __slots__ = ("code", "message", "field", "details", "channel")
    CODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    FIELD_FIELD_NUMBER: _ClassVar[int]
    DETAILS_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    code: str
    message: str
    field: str
    details: _struct_pb2.Struct
    channel: str
    def __init__(self, code: _Optional[str] = ..., message: _Optional[str] = ..., field: _Optional[str] = ..., details: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., channel: _Optional[str] = ...) -> None: ...
