"""Query parameters that the trading lists share, read strictly."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any, TypedDict, TypeVar, cast

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from accounts.models import ApiToken, BrokerAccount, User
from accounts.selectors import account_get
from ops.errors import Code, Invalid
from ops.inputs import calendar_date, json_object, shown, whole_number
from ops.requests import current_request_id
from trading.ledger.filters import account_rows, stored_symbol
from trading.ledger.querysets import AccountScopedQuerySet

Q = TypeVar("Q", bound=AccountScopedQuerySet)  # type: ignore[type-arg]

ACCOUNT = OpenApiParameter("account", OpenApiTypes.INT, description="Only this account.")
ACCOUNT_REQUIRED = OpenApiParameter("account", OpenApiTypes.INT, required=True)
SYMBOL = OpenApiParameter("symbol", OpenApiTypes.STR, description="Only this symbol, 600519.SH.")
DATE = OpenApiParameter("date", OpenApiTypes.DATE, description="Only this trade date, YYYY-MM-DD or YYYYMMDD.")
FROM = OpenApiParameter("from", OpenApiTypes.DATE, description="First trade date.")
TO = OpenApiParameter("to", OpenApiTypes.DATE, description="Last trade date, included.")
LIMIT = OpenApiParameter("limit", OpenApiTypes.INT, description="Rows on a page, at most 1,000.")
CURSOR = OpenApiParameter("cursor", OpenApiTypes.STR, description="`next` of the page before.")


def user_of(request: Request) -> User:
    """The signed-in person; the permission classes let nobody else through."""
    return cast(User, request.user)


def token_of(request: Request) -> ApiToken | None:
    """The token that the request came with; None for a session."""
    return request.auth if isinstance(request.auth, ApiToken) else None


class Caller(TypedDict):
    """Who calls, as the services that write take it."""

    user: User
    token: ApiToken | None
    request_id: str


def caller_of(request: Request) -> Caller:
    """The signed-in person, the token they use and the request's id, to be handed on as keywords."""
    return Caller(user=user_of(request), token=token_of(request), request_id=current_request_id())


def body_of(request: Request, fields: Iterable[str] | None = None) -> dict[str, Any]:
    """The request's body, see `ops.inputs.json_object`."""
    return json_object(request.data, fields)


def body_account_id(value: Any) -> int:
    """The account's number as a body names it.

    Raises
    ------
    Invalid
        FIELD_REQUIRED, FIELD_INVALID.
    """
    if value is None:
        raise Invalid(Code.FIELD_REQUIRED, field="account")
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 2**63:
        raise Invalid(Code.FIELD_INVALID, field="account", account=shown(value))
    return value


def account_of(request: Request) -> BrokerAccount | None:
    """The account named by `?account=`, if one is.

    Raises
    ------
    Invalid
        Not a number.
    NotFound
        ACCOUNT_NOT_FOUND: unknown, or not the caller's.
    """
    number = account_id_of(request)
    return None if number is None else account_get(user_of(request), number)


def account_id_of(request: Request) -> int | None:
    """The number given as `?account=`, if one is."""
    text = request.query_params.get("account")
    if text is None:
        return None
    number = whole_number(text)
    if number is None or number < 1:
        raise Invalid(Code.FIELD_INVALID, field="account", account=shown(text))
    return number


def required_account_of(request: Request) -> BrokerAccount:
    """The account named by `?account=`, which must be given."""
    account = account_of(request)
    if account is None:
        raise Invalid(Code.FIELD_REQUIRED, field="account")
    return account


def date_of(request: Request) -> date | None:
    """The trade date named by `?date=`, if one is."""
    return named_date_of(request, "date")


def named_date_of(request: Request, name: str) -> date | None:
    """The date named by a query parameter, if it is given."""
    text = request.query_params.get(name)
    if text is None:
        return None
    named = calendar_date(text)
    if named is None:
        raise Invalid(Code.FIELD_INVALID, field=name, date=shown(text), allowed="YYYY-MM-DD")
    return named


def range_of(request: Request) -> tuple[date | None, date | None]:
    """The trade dates `?from=` and `?to=`, both included, either may be missing.

    Raises
    ------
    Invalid
        RANGE_REVERSED.
    """
    start, end = named_date_of(request, "from"), named_date_of(request, "to")
    if start is not None and end is not None and start > end:
        raise Invalid(Code.RANGE_REVERSED, field="from", start=start.isoformat(), end=end.isoformat())
    return start, end


def scoped(request: Request, rows: Q) -> Q:
    """`rows` through the caller's eyes, narrowed to `?account=` and `?symbol=`."""
    return account_rows(
        rows,
        user=user_of(request),
        account_id=account_id_of(request),
        symbol=request.query_params.get("symbol"),
    )


def symbol_of(request: Request) -> str | None:
    """The symbol named by `?symbol=`, if one is, as rows carry it."""
    text = request.query_params.get("symbol")
    return None if text is None else stored_symbol(text)
