from google.protobuf import struct_pb2 as _struct_pb2
from rpc.v1 import common_pb2 as _common_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ListAccountsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListAccountsResponse(_message.Message):
    __slots__ = ("accounts",)
    ACCOUNTS_FIELD_NUMBER: _ClassVar[int]
    accounts: _containers.RepeatedCompositeFieldContainer[_common_pb2.Account]
    def __init__(self, accounts: _Optional[_Iterable[_Union[_common_pb2.Account, _Mapping]]] = ...) -> None: ...

class AccountRequest(_message.Message):
    __slots__ = ("account",)
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    account: int
    def __init__(self, account: _Optional[int] = ...) -> None: ...

class OrderRequest(_message.Message):
    __slots__ = ("account", "symbol", "side", "quantity", "price_type", "price", "client_order_id", "strategy")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    SIDE_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    PRICE_TYPE_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    STRATEGY_FIELD_NUMBER: _ClassVar[int]
    account: int
    symbol: str
    side: _common_pb2.Side
    quantity: int
    price_type: _common_pb2.PriceType
    price: str
    client_order_id: str
    strategy: str
    def __init__(self, account: _Optional[int] = ..., symbol: _Optional[str] = ..., side: _Optional[_Union[_common_pb2.Side, str]] = ..., quantity: _Optional[int] = ..., price_type: _Optional[_Union[_common_pb2.PriceType, str]] = ..., price: _Optional[str] = ..., client_order_id: _Optional[str] = ..., strategy: _Optional[str] = ...) -> None: ...

class SubmitOrderResponse(_message.Message):
    __slots__ = ("order", "created")
    ORDER_FIELD_NUMBER: _ClassVar[int]
    CREATED_FIELD_NUMBER: _ClassVar[int]
    order: _common_pb2.Order
    created: bool
    def __init__(self, order: _Optional[_Union[_common_pb2.Order, _Mapping]] = ..., created: _Optional[bool] = ...) -> None: ...

class OrderId(_message.Message):
    __slots__ = ("order",)
    ORDER_FIELD_NUMBER: _ClassVar[int]
    order: str
    def __init__(self, order: _Optional[str] = ...) -> None: ...

class CancelOrdersRequest(_message.Message):
    __slots__ = ("account", "symbol", "side", "strategy")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    SIDE_FIELD_NUMBER: _ClassVar[int]
    STRATEGY_FIELD_NUMBER: _ClassVar[int]
    account: int
    symbol: str
    side: _common_pb2.Side
    strategy: str
    def __init__(self, account: _Optional[int] = ..., symbol: _Optional[str] = ..., side: _Optional[_Union[_common_pb2.Side, str]] = ..., strategy: _Optional[str] = ...) -> None: ...

class CancelOutcome(_message.Message):
    __slots__ = ("order", "symbol", "side", "status", "outcome", "code")
    ORDER_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    SIDE_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    order: str
    symbol: str
    side: _common_pb2.Side
    status: _common_pb2.OrderStatus
    outcome: str
    code: str
    def __init__(self, order: _Optional[str] = ..., symbol: _Optional[str] = ..., side: _Optional[_Union[_common_pb2.Side, str]] = ..., status: _Optional[_Union[_common_pb2.OrderStatus, str]] = ..., outcome: _Optional[str] = ..., code: _Optional[str] = ...) -> None: ...

class CancelOrdersResponse(_message.Message):
    __slots__ = ("outcomes",)
    OUTCOMES_FIELD_NUMBER: _ClassVar[int]
    outcomes: _containers.RepeatedCompositeFieldContainer[CancelOutcome]
    def __init__(self, outcomes: _Optional[_Iterable[_Union[CancelOutcome, _Mapping]]] = ...) -> None: ...

class ReplaceOrderRequest(_message.Message):
    __slots__ = ("order", "quantity", "price_type", "price", "client_execution_id")
    ORDER_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    PRICE_TYPE_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    CLIENT_EXECUTION_ID_FIELD_NUMBER: _ClassVar[int]
    order: str
    quantity: int
    price_type: _common_pb2.PriceType
    price: str
    client_execution_id: str
    def __init__(self, order: _Optional[str] = ..., quantity: _Optional[int] = ..., price_type: _Optional[_Union[_common_pb2.PriceType, str]] = ..., price: _Optional[str] = ..., client_execution_id: _Optional[str] = ...) -> None: ...

class StartedExecution(_message.Message):
    __slots__ = ("execution", "created")
    EXECUTION_FIELD_NUMBER: _ClassVar[int]
    CREATED_FIELD_NUMBER: _ClassVar[int]
    execution: _common_pb2.Execution
    created: bool
    def __init__(self, execution: _Optional[_Union[_common_pb2.Execution, _Mapping]] = ..., created: _Optional[bool] = ...) -> None: ...

class OrderDetail(_message.Message):
    __slots__ = ("order", "events", "trades")
    ORDER_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    TRADES_FIELD_NUMBER: _ClassVar[int]
    order: _common_pb2.Order
    events: _containers.RepeatedCompositeFieldContainer[_common_pb2.OrderEvent]
    trades: _containers.RepeatedCompositeFieldContainer[_common_pb2.Trade]
    def __init__(self, order: _Optional[_Union[_common_pb2.Order, _Mapping]] = ..., events: _Optional[_Iterable[_Union[_common_pb2.OrderEvent, _Mapping]]] = ..., trades: _Optional[_Iterable[_Union[_common_pb2.Trade, _Mapping]]] = ...) -> None: ...

class OrderVerdict(_message.Message):
    __slots__ = ("check", "verdict", "code", "facts", "limit")
    CHECK_FIELD_NUMBER: _ClassVar[int]
    VERDICT_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    FACTS_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    check: str
    verdict: str
    code: str
    facts: _struct_pb2.Struct
    limit: _struct_pb2.Struct
    def __init__(self, check: _Optional[str] = ..., verdict: _Optional[str] = ..., code: _Optional[str] = ..., facts: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., limit: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class Reservation(_message.Message):
    __slots__ = ("cash", "quantity")
    CASH_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    cash: str
    quantity: int
    def __init__(self, cash: _Optional[str] = ..., quantity: _Optional[int] = ...) -> None: ...

class Cost(_message.Message):
    __slots__ = ("amount", "commission", "stamp_duty", "transfer_fee", "fees", "total")
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    COMMISSION_FIELD_NUMBER: _ClassVar[int]
    STAMP_DUTY_FIELD_NUMBER: _ClassVar[int]
    TRANSFER_FEE_FIELD_NUMBER: _ClassVar[int]
    FEES_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    amount: str
    commission: str
    stamp_duty: str
    transfer_fee: str
    fees: str
    total: str
    def __init__(self, amount: _Optional[str] = ..., commission: _Optional[str] = ..., stamp_duty: _Optional[str] = ..., transfer_fee: _Optional[str] = ..., fees: _Optional[str] = ..., total: _Optional[str] = ...) -> None: ...

class OrderCheck(_message.Message):
    __slots__ = ("account", "symbol", "side", "quantity", "price_type", "price", "clamped_from", "trade_date", "accepted", "checks", "reservation", "cost", "approval")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    SIDE_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    PRICE_TYPE_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    CLAMPED_FROM_FIELD_NUMBER: _ClassVar[int]
    TRADE_DATE_FIELD_NUMBER: _ClassVar[int]
    ACCEPTED_FIELD_NUMBER: _ClassVar[int]
    CHECKS_FIELD_NUMBER: _ClassVar[int]
    RESERVATION_FIELD_NUMBER: _ClassVar[int]
    COST_FIELD_NUMBER: _ClassVar[int]
    APPROVAL_FIELD_NUMBER: _ClassVar[int]
    account: int
    symbol: str
    side: _common_pb2.Side
    quantity: int
    price_type: _common_pb2.PriceType
    price: str
    clamped_from: str
    trade_date: str
    accepted: bool
    checks: _containers.RepeatedCompositeFieldContainer[OrderVerdict]
    reservation: Reservation
    cost: Cost
    approval: _struct_pb2.Struct
    def __init__(self, account: _Optional[int] = ..., symbol: _Optional[str] = ..., side: _Optional[_Union[_common_pb2.Side, str]] = ..., quantity: _Optional[int] = ..., price_type: _Optional[_Union[_common_pb2.PriceType, str]] = ..., price: _Optional[str] = ..., clamped_from: _Optional[str] = ..., trade_date: _Optional[str] = ..., accepted: _Optional[bool] = ..., checks: _Optional[_Iterable[_Union[OrderVerdict, _Mapping]]] = ..., reservation: _Optional[_Union[Reservation, _Mapping]] = ..., cost: _Optional[_Union[Cost, _Mapping]] = ..., approval: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class ListOrdersRequest(_message.Message):
    __slots__ = ("account", "status", "date", "symbol", "page", "client_order_id")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    DATE_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    PAGE_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    account: int
    status: str
    date: str
    symbol: str
    page: _common_pb2.PageRequest
    client_order_id: str
    def __init__(self, account: _Optional[int] = ..., status: _Optional[str] = ..., date: _Optional[str] = ..., symbol: _Optional[str] = ..., page: _Optional[_Union[_common_pb2.PageRequest, _Mapping]] = ..., client_order_id: _Optional[str] = ...) -> None: ...

class ListOrdersResponse(_message.Message):
    __slots__ = ("orders", "next_page_token")
    ORDERS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    orders: _containers.RepeatedCompositeFieldContainer[_common_pb2.Order]
    next_page_token: str
    def __init__(self, orders: _Optional[_Iterable[_Union[_common_pb2.Order, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class ListTradesRequest(_message.Message):
    __slots__ = ("account", "date", "symbol", "page")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    DATE_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    PAGE_FIELD_NUMBER: _ClassVar[int]
    account: int
    date: str
    symbol: str
    page: _common_pb2.PageRequest
    def __init__(self, account: _Optional[int] = ..., date: _Optional[str] = ..., symbol: _Optional[str] = ..., page: _Optional[_Union[_common_pb2.PageRequest, _Mapping]] = ...) -> None: ...

class ListTradesResponse(_message.Message):
    __slots__ = ("trades", "next_page_token")
    TRADES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    trades: _containers.RepeatedCompositeFieldContainer[_common_pb2.Trade]
    next_page_token: str
    def __init__(self, trades: _Optional[_Iterable[_Union[_common_pb2.Trade, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class ListPositionsRequest(_message.Message):
    __slots__ = ("account", "symbol")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    account: int
    symbol: str
    def __init__(self, account: _Optional[int] = ..., symbol: _Optional[str] = ...) -> None: ...

class ListPositionsResponse(_message.Message):
    __slots__ = ("positions", "version")
    POSITIONS_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    positions: _containers.RepeatedCompositeFieldContainer[_common_pb2.Position]
    version: int
    def __init__(self, positions: _Optional[_Iterable[_Union[_common_pb2.Position, _Mapping]]] = ..., version: _Optional[int] = ...) -> None: ...

class ListExecutionsRequest(_message.Message):
    __slots__ = ("account", "state", "date", "page", "client_execution_id")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    DATE_FIELD_NUMBER: _ClassVar[int]
    PAGE_FIELD_NUMBER: _ClassVar[int]
    CLIENT_EXECUTION_ID_FIELD_NUMBER: _ClassVar[int]
    account: int
    state: str
    date: str
    page: _common_pb2.PageRequest
    client_execution_id: str
    def __init__(self, account: _Optional[int] = ..., state: _Optional[str] = ..., date: _Optional[str] = ..., page: _Optional[_Union[_common_pb2.PageRequest, _Mapping]] = ..., client_execution_id: _Optional[str] = ...) -> None: ...

class ListExecutionsResponse(_message.Message):
    __slots__ = ("executions", "next_page_token")
    EXECUTIONS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    executions: _containers.RepeatedCompositeFieldContainer[_common_pb2.Execution]
    next_page_token: str
    def __init__(self, executions: _Optional[_Iterable[_Union[_common_pb2.Execution, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class ExecutionId(_message.Message):
    __slots__ = ("execution",)
    EXECUTION_FIELD_NUMBER: _ClassVar[int]
    execution: str
    def __init__(self, execution: _Optional[str] = ...) -> None: ...

class StartExecutionRequest(_message.Message):
    __slots__ = ("account", "kind", "legs", "symbol", "side", "quantity", "price_type", "price", "child_quantity", "slices", "starts_at", "ends_at", "strategy", "client_execution_id")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    LEGS_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    SIDE_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    PRICE_TYPE_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    CHILD_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    SLICES_FIELD_NUMBER: _ClassVar[int]
    STARTS_AT_FIELD_NUMBER: _ClassVar[int]
    ENDS_AT_FIELD_NUMBER: _ClassVar[int]
    STRATEGY_FIELD_NUMBER: _ClassVar[int]
    CLIENT_EXECUTION_ID_FIELD_NUMBER: _ClassVar[int]
    account: int
    kind: _common_pb2.ExecutionKind
    legs: _containers.RepeatedCompositeFieldContainer[LegWish]
    symbol: str
    side: _common_pb2.Side
    quantity: int
    price_type: _common_pb2.PriceType
    price: str
    child_quantity: int
    slices: int
    starts_at: str
    ends_at: str
    strategy: str
    client_execution_id: str
    def __init__(self, account: _Optional[int] = ..., kind: _Optional[_Union[_common_pb2.ExecutionKind, str]] = ..., legs: _Optional[_Iterable[_Union[LegWish, _Mapping]]] = ..., symbol: _Optional[str] = ..., side: _Optional[_Union[_common_pb2.Side, str]] = ..., quantity: _Optional[int] = ..., price_type: _Optional[_Union[_common_pb2.PriceType, str]] = ..., price: _Optional[str] = ..., child_quantity: _Optional[int] = ..., slices: _Optional[int] = ..., starts_at: _Optional[str] = ..., ends_at: _Optional[str] = ..., strategy: _Optional[str] = ..., client_execution_id: _Optional[str] = ...) -> None: ...

class LegWish(_message.Message):
    __slots__ = ("symbol", "side", "quantity", "value", "weight", "price_type", "price")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    SIDE_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    PRICE_TYPE_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    side: _common_pb2.Side
    quantity: int
    value: str
    weight: str
    price_type: _common_pb2.PriceType
    price: str
    def __init__(self, symbol: _Optional[str] = ..., side: _Optional[_Union[_common_pb2.Side, str]] = ..., quantity: _Optional[int] = ..., value: _Optional[str] = ..., weight: _Optional[str] = ..., price_type: _Optional[_Union[_common_pb2.PriceType, str]] = ..., price: _Optional[str] = ...) -> None: ...

class ListLimitsRequest(_message.Message):
    __slots__ = ("account",)
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    account: int
    def __init__(self, account: _Optional[int] = ...) -> None: ...

class ListLimitsResponse(_message.Message):
    __slots__ = ("limits",)
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    limits: _containers.RepeatedCompositeFieldContainer[Limit]
    def __init__(self, limits: _Optional[_Iterable[_Union[Limit, _Mapping]]] = ...) -> None: ...

class Limit(_message.Message):
    __slots__ = ("id", "kind", "scope", "account", "user", "strategy", "value", "params", "enabled", "valid_from_ms", "valid_to_ms", "note", "version", "updated_at_ms", "updated_by")
    ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    USER_FIELD_NUMBER: _ClassVar[int]
    STRATEGY_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    PARAMS_FIELD_NUMBER: _ClassVar[int]
    ENABLED_FIELD_NUMBER: _ClassVar[int]
    VALID_FROM_MS_FIELD_NUMBER: _ClassVar[int]
    VALID_TO_MS_FIELD_NUMBER: _ClassVar[int]
    NOTE_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    UPDATED_AT_MS_FIELD_NUMBER: _ClassVar[int]
    UPDATED_BY_FIELD_NUMBER: _ClassVar[int]
    id: int
    kind: str
    scope: str
    account: int
    user: str
    strategy: str
    value: str
    params: _struct_pb2.Struct
    enabled: bool
    valid_from_ms: int
    valid_to_ms: int
    note: str
    version: int
    updated_at_ms: int
    updated_by: str
    def __init__(self, id: _Optional[int] = ..., kind: _Optional[str] = ..., scope: _Optional[str] = ..., account: _Optional[int] = ..., user: _Optional[str] = ..., strategy: _Optional[str] = ..., value: _Optional[str] = ..., params: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., enabled: _Optional[bool] = ..., valid_from_ms: _Optional[int] = ..., valid_to_ms: _Optional[int] = ..., note: _Optional[str] = ..., version: _Optional[int] = ..., updated_at_ms: _Optional[int] = ..., updated_by: _Optional[str] = ...) -> None: ...

class ListApprovalsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListApprovalsResponse(_message.Message):
    __slots__ = ("orders", "executions")
    ORDERS_FIELD_NUMBER: _ClassVar[int]
    EXECUTIONS_FIELD_NUMBER: _ClassVar[int]
    orders: _containers.RepeatedCompositeFieldContainer[WaitingOrder]
    executions: _containers.RepeatedCompositeFieldContainer[WaitingExecution]
    def __init__(self, orders: _Optional[_Iterable[_Union[WaitingOrder, _Mapping]]] = ..., executions: _Optional[_Iterable[_Union[WaitingExecution, _Mapping]]] = ...) -> None: ...

class WaitingOrder(_message.Message):
    __slots__ = ("order", "account_name", "approval", "decidable")
    ORDER_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_NAME_FIELD_NUMBER: _ClassVar[int]
    APPROVAL_FIELD_NUMBER: _ClassVar[int]
    DECIDABLE_FIELD_NUMBER: _ClassVar[int]
    order: _common_pb2.Order
    account_name: str
    approval: _struct_pb2.Struct
    decidable: bool
    def __init__(self, order: _Optional[_Union[_common_pb2.Order, _Mapping]] = ..., account_name: _Optional[str] = ..., approval: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., decidable: _Optional[bool] = ...) -> None: ...

class WaitingExecution(_message.Message):
    __slots__ = ("execution", "account_name", "approval", "decidable")
    EXECUTION_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_NAME_FIELD_NUMBER: _ClassVar[int]
    APPROVAL_FIELD_NUMBER: _ClassVar[int]
    DECIDABLE_FIELD_NUMBER: _ClassVar[int]
    execution: _common_pb2.Execution
    account_name: str
    approval: _struct_pb2.Struct
    decidable: bool
    def __init__(self, execution: _Optional[_Union[_common_pb2.Execution, _Mapping]] = ..., account_name: _Optional[str] = ..., approval: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., decidable: _Optional[bool] = ...) -> None: ...

class RefuseOrderRequest(_message.Message):
    __slots__ = ("order", "reason")
    ORDER_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    order: str
    reason: str
    def __init__(self, order: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class ApproveExecutionRequest(_message.Message):
    __slots__ = ("execution", "legs")
    EXECUTION_FIELD_NUMBER: _ClassVar[int]
    LEGS_FIELD_NUMBER: _ClassVar[int]
    execution: str
    legs: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, execution: _Optional[str] = ..., legs: _Optional[_Iterable[int]] = ...) -> None: ...

class RefuseExecutionRequest(_message.Message):
    __slots__ = ("execution", "reason")
    EXECUTION_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    execution: str
    reason: str
    def __init__(self, execution: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class ListAlertsRequest(_message.Message):
    __slots__ = ("account", "state", "kind", "page")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    PAGE_FIELD_NUMBER: _ClassVar[int]
    account: int
    state: str
    kind: str
    page: _common_pb2.PageRequest
    def __init__(self, account: _Optional[int] = ..., state: _Optional[str] = ..., kind: _Optional[str] = ..., page: _Optional[_Union[_common_pb2.PageRequest, _Mapping]] = ...) -> None: ...

class ListAlertsResponse(_message.Message):
    __slots__ = ("alerts", "next_page_token")
    ALERTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    alerts: _containers.RepeatedCompositeFieldContainer[Alert]
    next_page_token: str
    def __init__(self, alerts: _Optional[_Iterable[_Union[Alert, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class AlertId(_message.Message):
    __slots__ = ("alert",)
    ALERT_FIELD_NUMBER: _ClassVar[int]
    alert: int
    def __init__(self, alert: _Optional[int] = ...) -> None: ...

class Alert(_message.Message):
    __slots__ = ("id", "kind", "severity", "title", "facts", "account", "host", "count", "first_at_ms", "last_at_ms", "acknowledged_at_ms", "acknowledged_by", "cleared_at_ms", "open", "titles")
    class TitlesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    SEVERITY_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    FACTS_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    HOST_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    FIRST_AT_MS_FIELD_NUMBER: _ClassVar[int]
    LAST_AT_MS_FIELD_NUMBER: _ClassVar[int]
    ACKNOWLEDGED_AT_MS_FIELD_NUMBER: _ClassVar[int]
    ACKNOWLEDGED_BY_FIELD_NUMBER: _ClassVar[int]
    CLEARED_AT_MS_FIELD_NUMBER: _ClassVar[int]
    OPEN_FIELD_NUMBER: _ClassVar[int]
    TITLES_FIELD_NUMBER: _ClassVar[int]
    id: int
    kind: str
    severity: str
    title: str
    facts: _struct_pb2.Struct
    account: int
    host: str
    count: int
    first_at_ms: int
    last_at_ms: int
    acknowledged_at_ms: int
    acknowledged_by: str
    cleared_at_ms: int
    open: bool
    titles: _containers.ScalarMap[str, str]
    def __init__(self, id: _Optional[int] = ..., kind: _Optional[str] = ..., severity: _Optional[str] = ..., title: _Optional[str] = ..., facts: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., account: _Optional[int] = ..., host: _Optional[str] = ..., count: _Optional[int] = ..., first_at_ms: _Optional[int] = ..., last_at_ms: _Optional[int] = ..., acknowledged_at_ms: _Optional[int] = ..., acknowledged_by: _Optional[str] = ..., cleared_at_ms: _Optional[int] = ..., open: _Optional[bool] = ..., titles: _Optional[_Mapping[str, str]] = ...) -> None: ...
