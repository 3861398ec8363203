"""Query parameters that the trading lists share, read strictly."""

from __future__ import annotations

from datetime import date, datetime
from typing import TypeVar, cast

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from accounts.models import BrokerAccount, User
from accounts.selectors import account_get
from ops.errors import Code, Invalid
from trading.ledger.querysets import AccountScopedQuerySet

Q = TypeVar("Q", bound=AccountScopedQuerySet)  # type: ignore[type-arg]

ACCOUNT = OpenApiParameter("account", OpenApiTypes.INT, description="Only this account.")
ACCOUNT_REQUIRED = OpenApiParameter("account", OpenApiTypes.INT, required=True)
SYMBOL = OpenApiParameter("symbol", OpenApiTypes.STR, description="Only this symbol, 600519.SH.")
DATE = OpenApiParameter("date", OpenApiTypes.DATE, description="Only this trade date, YYYY-MM-DD or YYYYMMDD.")
LIMIT = OpenApiParameter("limit", OpenApiTypes.INT, description="Rows on a page, at most 1,000.")
CURSOR = OpenApiParameter("cursor", OpenApiTypes.STR, description="`next` of the page before.")


def user_of(request: Request) -> User:
    """The signed-in person; the permission classes let nobody else through."""
    return cast(User, request.user)


def account_of(request: Request) -> BrokerAccount | None:
    """The account named by `?account=`, if one is.

    Raises
    ------
    Invalid
        Not a number.
    NotFound
        ACCOUNT_NOT_FOUND: unknown, or not the caller's.
    """
    text = request.query_params.get("account")
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise Invalid(Code.FIELD_INVALID, field="account", account=ascii(text)[:40])
    return account_get(user_of(request), int(text))


def required_account_of(request: Request) -> BrokerAccount:
    """The account named by `?account=`, which must be given."""
    account = account_of(request)
    if account is None:
        raise Invalid(Code.FIELD_REQUIRED, field="account")
    return account


def date_of(request: Request) -> date | None:
    """The trade date named by `?date=`, if one is."""
    text = request.query_params.get("date")
    if text is None:
        return None
    for form in ("%Y-%m-%d", "%Y%m%d"):
        try:
            return datetime.strptime(text, form).date()  # noqa: DTZ007 -- a date, not a moment
        except ValueError:
            continue
    raise Invalid(Code.FIELD_INVALID, field="date", date=ascii(text)[:40], allowed="YYYY-MM-DD")


def scoped(request: Request, rows: Q) -> Q:
    """`rows` through the caller's eyes, narrowed to `?account=` and `?symbol=`."""
    account = account_of(request)
    seen = rows.visible_to(user_of(request))
    if account is not None:
        seen = seen.filter(account=account)
    symbol = request.query_params.get("symbol")
    if symbol is not None:
        seen = seen.filter(symbol=symbol.strip().upper()[:16])
    return seen
