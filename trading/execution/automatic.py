"""Orders that nobody typed: what every program of the platform that trades by itself goes through.

A program (signals, grids, strategies) decides; this module makes sure that its decision becomes one order at most, in
the name of a person who may still trade, on an account whose automatic trading is on. Everything else, from the market's
rules to limits and approval, is asked by `order_submit`, as for anybody.

Lanes. A *lane* names one purpose for ever (`sig:4711`, `grid:12:B:7`, `strat:3:118`). Its attempts are counted from 1, and the key
of each follows from both, so whoever asks again after a crash finds the order that was placed. Two attempts of one lane
are never open together. Automatic trading that is switched off raises the account's epoch, so that what is queued is not sent.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from accounts.models import ApiToken, BrokerAccount, User
from accounts.tokens import token_is_usable, token_user
from ops.clocks import wall_now
from ops.errors import Code, Conflict, Denied, DeskError, Forbidden, NotFound
from trading.orders.choices import Source, Status
from trading.orders.models import Order
from trading.orders.services import order_submit
from trading.orders.services.ticket import AUTOMATIC_KEY, MAX_KEY_LENGTH

SOURCES: Final = frozenset({Source.SIGNAL, Source.GRID, Source.STRATEGY})
"""Where an automatic order may come from."""


@dataclass(frozen=True, slots=True)
class Authority:
    """In whose name a program trades: whoever switched it on, limited to the token that did it for them.

    Only numbers: what they are worth is read anew for every order.
    """

    user_id: int
    token_id: int | None = None
    by_token: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a wish.

    Attributes
    ----------
    order
        The order of this attempt; None when nothing was stored. A DENIED order is stored, and refused all the same.
    created
        Whether it was placed just now; False for one that was found.
    code
        Why there is no working order; blank when there is one (or was: look at its status).
    message, details
        The refusal's words and facts.
    """

    order: Order | None
    created: bool = False
    code: str = ""
    message: str = ""
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def refused(self) -> bool:
        """Whether this attempt came to nothing. It may be tried again under the next number."""
        return bool(self.code)


def automatic_key(lane: str, attempt: int) -> str:
    """The `client_order_id` of a lane's attempt; nobody else's key can begin like it.

    Raises
    ------
    ValueError
        A lane that is too long or blank, or an attempt below 1: a mistake of the program.
    """
    key = f"{AUTOMATIC_KEY}{lane}:{attempt}"
    if not lane or attempt < 1 or len(key) > MAX_KEY_LENGTH:
        raise ValueError(f"no key for attempt {attempt} of lane {lane!r}")
    return key


def automatic_order(account_id: int, lane: str, attempt: int) -> Order | None:
    """The order that this attempt has, if it was ever placed."""
    return Order.objects.filter(account_id=account_id, client_order_id=automatic_key(lane, attempt)).first()


def automatic_submit(
    *,
    authority: Authority,
    account_id: int,
    lane: str,
    attempt: int,
    source: Source,
    symbol: str,
    side: str,
    quantity: int,
    price_type: str = "LIMIT",
    price: Any = None,
    strategy: str = "",
    alone_on_side: bool = False,
    guard: Callable[[], None] | None = None,
) -> Outcome:
    """Place one attempt of a lane, or find the order that it has.

    Parameters
    ----------
    lane, attempt
        What names the order; see the module. A repeated pair answers with the stored order, whatever its terms.
    quantity
        Shares.
    price
        CNY; None for kinds of order without a price.
    alone_on_side
        Refuse while any order of the platform is open on this instrument and side of the account, whoever placed it.
    guard
        Called while the account's book is held and nothing is decided yet; the `DeskError` that it raises is the refusal.

    Returns
    -------
    Outcome
        Refusals are returned, never raised: AUTO_TRADING_OFF, ORDER_IN_FLIGHT, TOKEN_ENDED, TRADE_NOT_GRANTED, the guard's, and
        every denial of `order_submit`, whose order is kept.

    Raises
    ------
    ValueError
        A source that does not trade by itself, or a lane without a key: a mistake of the program.
    django.db.DatabaseError
        Nothing is known then; ask again with the same attempt.
    """
    if source not in SOURCES:
        raise ValueError(f"{source} does not trade by itself")
    key = automatic_key(lane, attempt)
    found = automatic_order(account_id, lane, attempt)
    if found is not None:
        return _outcome(found, created=False)
    try:
        user, token = _acting(authority, account_id)
        submission = order_submit(
            user=user,
            account_id=account_id,
            symbol=symbol,
            side=side,
            quantity=quantity,
            price_type=price_type,
            price=price,
            client_order_id=key,
            strategy=strategy,
            source=source,
            token=token,
            guard=partial(
                _may_be_placed, account_id, lane, symbol=symbol if alone_on_side else None, side=side, guard=guard
            ),
        )
    except NotFound:
        # Somebody who lost every right on the account; the answer for a person would not even say that it exists.
        return _refusal(Forbidden(Code.TRADE_NOT_GRANTED, account=account_id))
    except Conflict as error:
        twin = automatic_order(account_id, lane, attempt)
        return _refusal(error) if twin is None else _outcome(twin, created=False)
    except DeskError as error:
        return _refusal(error)
    return _outcome(submission.order, created=submission.created)


def _acting(authority: Authority, account_id: int) -> tuple[User, ApiToken | None]:
    """The person as they are now, and their token where one asked."""
    if not authority.by_token:
        user = User.objects.filter(pk=authority.user_id).first()
        if user is None:
            raise Forbidden(Code.TRADE_NOT_GRANTED, account=account_id)
        return user, None
    tokens = ApiToken.objects.select_related("user").filter(user=authority.user_id)
    token = None if authority.token_id is None else tokens.filter(pk=authority.token_id).first()
    if token is None or not token_is_usable(token, wall_now()):
        raise Forbidden(Code.TOKEN_ENDED, account=account_id)
    return token_user(token), token


def _may_be_placed(
    account_id: int, lane: str, *, symbol: str | None, side: str, guard: Callable[[], None] | None
) -> None:
    """Asked while the account's book is held, where orders are accepted: nothing slips in between."""
    if not BrokerAccount.objects.filter(pk=account_id, auto_trading=True).exists():
        raise Denied(Code.AUTO_TRADING_OFF, account=account_id)
    open_orders = Order.objects.filter(account_id=account_id, final_at__isnull=True)
    in_lane = open_orders.filter(client_order_id__startswith=automatic_key(lane, 1)[:-1]).first()
    in_way = in_lane
    if in_way is None and symbol is not None:
        in_way = open_orders.filter(symbol=symbol, side=side).exclude(source=Source.EXTERNAL).first()
    if in_way is not None:
        raise Denied(Code.ORDER_IN_FLIGHT, order=str(in_way.pk), symbol=in_way.symbol, side=str(in_way.side))
    if guard is not None:
        guard()


def _outcome(order: Order, *, created: bool) -> Outcome:
    if order.status == Status.DENIED:
        return Outcome(order, created, order.deny_code, order.message, dict(order.details))
    return Outcome(order, created)


def _refusal(error: DeskError) -> Outcome:
    return Outcome(None, code=str(error.code), message=error.message, details=error.as_dict().get("details", {}))
