"""Products of the seeded market beyond its bars: index members over time, fund baskets, bond terms, new issues."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from qmt.calendar import TradingCalendar, midnight_ms
from qmt.codes import Board, Kind, board_of, kind_of, parse_symbol
from qmt.terminal.catalogue import Listing
from qmt.terminal.chance import key_of
from qmt.terminal.offerings import offered_on

CSI_300: Final = "000300.SH"
SSE_50: Final = "000016.SH"
_STEADY: Final = 8
"""The largest so many members of an index never leave it."""

# Public terms of the catalogue's two bonds (prospectuses, 募集说明书); the conversion price is the first one, later changes are left out.
_BONDS: Final[Mapping[str, Mapping[str, Any]]] = {
    "113052.SH": {
        "stockCode": "601166.SH",
        "stockName": "兴业银行",
        "bondIssueSize": 5e10,
        "bondValueDate": 20211227,
        "bondMaturityDate": 20271226,
        "convStartDate": 20220630,
        "convEndDate": 20271226,
        "firstConvPrice": 25.51,
        "expireRedeemPrice": 109.0,
    },
    "127045.SZ": {
        "stockCode": "002714.SZ",
        "stockName": "牧原股份",
        "bondIssueSize": 9.55e9,
        "bondValueDate": 20210816,
        "bondMaturityDate": 20270815,
        "convStartDate": 20220221,
        "convEndDate": 20270815,
        "firstConvPrice": 47.91,
        "expireRedeemPrice": 111.0,
    },
}
# 证券代码分配规则 of the SSE; elsewhere a share is subscribed under its own code.
_SUBSCRIPTION_PREFIX: Final = {"600": "730", "601": "780", "603": "732", "605": "707", "688": "787"}
_KEPT: Final = dt.timedelta(days=30)
_MARKET_NUMBERS: Final = {"SH": 1, "SZ": 2, "BJ": 4}
_FUND_UNIT: Final = 900_000
_FUND_INDEX: Final = {"510300.SH": CSI_300, "510050.SH": SSE_50}
_FUND_BOARD: Final = {"159915.SZ": Board.CHINEXT, "588000.SH": Board.STAR}


class Products:
    """What follows from the seed and the catalogue.

    Parameters
    ----------
    since : date
        Issues before the market's history are left out of the calendar of new issues.
    """

    def __init__(self, seed: int, listings: Sequence[Listing], calendar: TradingCalendar, since: dt.date) -> None:
        self._seed = seed
        self._listings = {listing.symbol: listing for listing in listings}
        self._calendar = calendar
        self._since = since

    # --- indices --------------------------------------------------------------------------------

    def index_members(self, index: str, day: dt.date | None) -> list[Listing]:
        """Members of an index on a day: those listed, less what the last half-yearly review left out. None: every candidate."""
        if index not in (CSI_300, SSE_50):
            return []
        candidates = [
            one
            for one in self._listings.values()
            if one.pays and not one.symbol.endswith(".BJ") and (index == CSI_300 or one.symbol.startswith("60"))
        ]
        if day is None:
            return candidates
        steady = {one.symbol for one in sorted(candidates, key=_value, reverse=True)[:_STEADY]}
        review = _review_before(day)
        return [
            one
            for one in candidates
            if dt.date.fromisoformat(one.listed) <= day
            and (one.symbol in steady or key_of(self._seed, one.symbol, index, review.isoformat()) % 8)
        ]

    def index_weights(self, index: str, day: dt.date | None) -> dict[str, float]:
        """Per cent per member, by market value at the base prices."""
        members = self.index_members(index, day)
        total = sum(_value(one) for one in members)
        return {one.symbol: round(_value(one) / total * 100, 4) for one in members}

    # --- funds ----------------------------------------------------------------------------------

    def basket_records(self, market: str, day: dt.date) -> list[dict[str, Any]]:
        """Creation lists of a market's funds for a day, under the field numbers of the SDK's metadata (2004)."""
        return [
            self._basket(one, day)
            for one in self._listings.values()
            if kind_of(board_of(parse_symbol(one.symbol))) is Kind.ETF
            and one.symbol.endswith(f".{market}")
            and dt.date.fromisoformat(one.listed) <= day
        ]

    def _basket(self, fund: Listing, day: dt.date) -> dict[str, Any]:
        worth = fund.price * _FUND_UNIT
        members = self._fund_members(fund, day)
        total = sum(_value(one) for one in members)
        components, bought = [], 0.0
        for one in members:
            quantity = int(worth * _value(one) / total / one.price / 100) * 100
            if quantity:
                components.append(_component(one, quantity))
                bought += quantity * one.price
        return {
            "G": midnight_ms(day),
            "S": fund.symbol,
            "0": fund.symbol.partition(".")[0],
            "1": fund.name,
            "2": round(worth - bought, 2),
            "3": round(worth, 2),
            "4": round(fund.price, 4),
            "5": round(worth - bought, 2),
            "6": 0.5,
            "7": 1,
            "8": _FUND_UNIT,
            "9": 1,
            "10": 1,
            "11": 0.0,
            "12": 0.0,
            "13": components,
        }

    def _fund_members(self, fund: Listing, day: dt.date) -> list[Listing]:
        if fund.symbol in _FUND_INDEX:
            return self.index_members(_FUND_INDEX[fund.symbol], day)
        board = _FUND_BOARD.get(fund.symbol)
        return [
            one
            for one in self._listings.values()
            if board is not None
            and board_of(parse_symbol(one.symbol)) is board
            and dt.date.fromisoformat(one.listed) <= day
            and "st" not in one.traits
        ]

    # --- bonds and new issues -------------------------------------------------------------------

    def bond_facts(self, symbol: str, day: dt.date) -> dict[str, Any]:
        """Terms of a convertible; empty for what is none."""
        terms, listing = _BONDS.get(symbol), self._listings.get(symbol)
        if terms is None or listing is None or dt.date.fromisoformat(listing.listed) > day:
            return {}
        return {
            "bondCode": symbol,
            "bondName": listing.name,
            **terms,
            "bondMaturity": 6.0,
            "bondParvalue": 100.0,
            "bondIssuePrice": 100.0,
            "bondReMainSize": terms["bondIssueSize"],
            "bondConvPrice": terms["firstConvPrice"],
            "bondListDate": int(listing.listed),
            "bondExchange": symbol.rpartition(".")[2],
        }

    def new_issues(self, day: dt.date) -> list[dict[str, Any]]:
        """New issues announced up to a day, in the fields of ``get_ipo_info``: announced a week before the subscription."""
        found = []
        for one in self._listings.values():
            listed = dt.date.fromisoformat(one.listed)
            if listed <= self._since or kind_of(board_of(parse_symbol(one.symbol))) is not Kind.STOCK:
                continue
            subscribed = self._before(listed, 8)
            if subscribed - dt.timedelta(days=7) <= day:
                found.append(self._issue(one, subscribed, listed, day))
        found.extend(self._invented(day))
        return sorted(found, key=lambda row: (row["startDate"], row["securityCode"]))

    def _invented(self, day: dt.date) -> Iterator[dict[str, Any]]:
        """Issues that are never listed: those subscribed in the last month, today, and within the week."""
        for subscribed in self._calendar.between(day - _KEPT, day + dt.timedelta(days=7)):
            if subscribed > self._since:
                for one in offered_on(self._seed, subscribed):
                    yield self._issue(one, subscribed, None, day)

    def _issue(self, one: Listing, subscribed: dt.date, listed: dt.date | None, day: dt.date) -> dict[str, Any]:
        code, _, market = one.symbol.partition(".")
        issued = int(one.shares * 0.25 / 1000) * 1000
        online = int(issued * 0.4 / 1000) * 1000
        earnings = 15 + key_of(self._seed, one.symbol, "issue") % 25
        return {
            "securityCode": code,
            "codeName": one.name,
            "market": market,
            "actIssueQty": issued,
            "onlineIssueQty": online,
            "onlineSubCode": _SUBSCRIPTION_PREFIX.get(code[:3], code[:3]) + code[3:],
            "onlineSubMaxQty": max(int(online * 0.001 / 500) * 500, 500),
            "onlineSubMinQty": 100 if market == "BJ" else 500,
            "publishPrice": round(one.price * 0.62, 2),
            "startDate": subscribed.strftime("%Y%m%d"),
            "declareDate": self._after(subscribed, 2).strftime("%Y%m%d"),
            "paymentDate": self._after(subscribed, 2).strftime("%Y%m%d"),
            "listedDate": listed.strftime("%Y%m%d") if listed and listed <= self._after(day, 2) else "",
            "isProfit": 1,
            "industryPe": float(earnings + 6),
            "beforePE": float(earnings - 5),
            "afterPE": float(earnings),
            "lwr": 0.03,
        }

    def _before(self, day: dt.date, count: int) -> dt.date:
        for _ in range(count):
            day = self._calendar.previous_day(day) or day
        return day

    def _after(self, day: dt.date, count: int) -> dt.date:
        for _ in range(count):
            day = self._calendar.next_day(day)
        return day


def _component(one: Listing, quantity: int) -> dict[str, Any]:
    code, _, market = one.symbol.partition(".")
    return {
        "14": code,
        "15": one.name,
        "16": quantity,
        "17": 1,
        "18": 0.1,
        "19": 0.0,
        "20": 0.1,
        "21": 0.0,
        "22": _MARKET_NUMBERS[market],
    }


def _value(listing: Listing) -> float:
    return listing.price * listing.shares


def _review_before(day: dt.date) -> dt.date:
    """The last index review in force on a day: the Monday after the second Friday of June and December (CSI 指数编制方案)."""
    reviews = [_review(year, month) for year in (day.year - 1, day.year) for month in (6, 12)]
    return max(review for review in reviews if review <= day)


def _review(year: int, month: int) -> dt.date:
    first = dt.date(year, month, 1)
    return first + dt.timedelta(days=(4 - first.weekday()) % 7 + 7 + 3)
