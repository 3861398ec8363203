"""From a terminal's own static-data shapes to those of `qmt.reference`.

Field names: the SDK's documentation (financial tables, new issues), its metadata (fund baskets), and the vendor's data dictionary
(convertible bonds).
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from qmt.calendar import date_of_ms
from qmt.codes import CodeError, parse_symbol
from qmt.reference import ConvertibleTerms, EtfBasket, EtfComponent, Fact, FinancialRow, FinancialTable, IpoInfo

NATIVE_TABLES: Final[Mapping[FinancialTable, str]] = {
    FinancialTable.BALANCE: "ASHAREBALANCESHEET",
    FinancialTable.INCOME: "ASHAREINCOME",
    FinancialTable.CASH_FLOW: "ASHARECASHFLOW",
    FinancialTable.CAPITAL: "CAPITALSTRUCTURE",
    FinancialTable.HOLDER_NUM: "SHAREHOLDER",
    FinancialTable.TOP10_HOLDER: "TOP10HOLDER",
    FinancialTable.TOP10_FLOW_HOLDER: "TOP10FLOWHOLDER",
    FinancialTable.PERSHARE_INDEX: "PERSHAREINDEX",
}
"""What the native module calls each table (the SDK's own mapping)."""

_ANNOUNCED: Final = ("m_anntime", "declareDate")
_REPORTED: Final = ("m_timetag", "endDate")
_COMPONENTS: Final = "成份股信息"
_MARKETS: Final = {"1": "SH", "2": "SZ", "3": "HK", "4": "BJ"}


def financial_rows(found: Mapping[str, Mapping[str, Sequence[Mapping[str, Any]]]]) -> Iterator[FinancialRow]:
    """Rows of the native answer ``{symbol: {TABLE: [{field: value}]}}``.

    The SDK's own conversion puts the report date where an announcement date is missing, which would let a back-test know results
    before the world did. Here a missing announcement stays missing, and a row without a report date is left out.
    """
    tables = {native: table for table, native in NATIVE_TABLES.items()}
    for symbol, by_table in found.items():
        for native, rows in by_table.items():
            table = tables.get(native)
            if table is None:
                continue
            for row in rows:
                reported = _first_date(row, _REPORTED)
                if reported is None:
                    continue
                values = {
                    name: plain(value)
                    for name, value in row.items()
                    if name not in (*_ANNOUNCED, *_REPORTED, "rank") and name
                }
                yield FinancialRow(
                    symbol, table, reported, _first_date(row, _ANNOUNCED), whole(row.get("rank")), values
                )


def convertible(symbol: str, facts: Mapping[str, Any]) -> ConvertibleTerms:
    """One bond from ``get_cb_info``'s dictionary."""
    return ConvertibleTerms(
        symbol=symbol,
        name=str(facts.get("bondName") or ""),
        underlying=_symbol(facts.get("stockCode")),
        conversion_price=money(facts.get("bondConvPrice")),
        remaining_size=money(facts.get("bondReMainSize")),
        maturity_date=day(facts.get("bondMaturityDate")),
        conversion_start=day(facts.get("convStartDate")),
        conversion_end=day(facts.get("convEndDate")),
        facts={name: plain(value) for name, value in facts.items() if name != "_id"},
    )


def etf_basket(symbol: str, facts: Mapping[str, Any]) -> EtfBasket:
    """One fund from ``get_etf_info``'s dictionary, whose keys are the Chinese names of the SDK's metadata."""
    return EtfBasket(
        symbol=symbol,
        name=str(facts.get("基金名称") or ""),
        trade_date=day(facts.get("time")),
        unit=whole(facts.get("最小申购、赎回单位")),
        nav=number(facts.get("基金份额净值")),
        cash_difference=number(facts.get("现金差额")),
        estimated_cash=number(facts.get("预估现金差额")),
        facts={name: plain(value) for name, value in facts.items() if name not in (_COMPONENTS, "time", "stock")},
        components=tuple(_component(one) for one in facts.get(_COMPONENTS) or ()),
    )


def _component(row: Mapping[str, Any]) -> EtfComponent:
    return EtfComponent(
        symbol=str(row.get("成份股代码") or ""),
        name=str(row.get("成份股名称") or ""),
        quantity=whole(row.get("成份股数量")),
        substitute=whole(row.get("现金替代标志")),
        creation_premium=number(row.get("申购现金替代溢价比率")),
        creation_amount=number(row.get("申购替代金额")),
        redemption_discount=number(row.get("赎回现金替代折价比率")),
        redemption_amount=number(row.get("赎回替代金额")),
    )


def ipo(facts: Mapping[str, Any]) -> IpoInfo | None:
    """One new issue from ``get_ipo_info``'s dictionary; None without a code that this platform handles."""
    code = str(facts.get("securityCode") or "")
    market = str(facts.get("market") or "")
    symbol = _symbol(code) or _symbol(f"{code}.{_MARKETS.get(market, market)}")
    if not symbol:
        return None
    return IpoInfo(
        symbol=symbol,
        name=str(facts.get("codeName") or ""),
        subscription_code=str(facts.get("onlineSubCode") or ""),
        subscribe_on=day(facts.get("startDate")),
        listed_on=day(facts.get("listedDate")),
        lottery_on=day(facts.get("declareDate")),
        pay_on=day(facts.get("paymentDate")),
        price=money(facts.get("publishPrice")),
        issue_quantity=whole(facts.get("actIssueQty")),
        online_quantity=whole(facts.get("onlineIssueQty")),
        min_quantity=whole(facts.get("onlineSubMinQty")),
        max_quantity=whole(facts.get("onlineSubMaxQty")),
        facts={name: plain(value) for name, value in facts.items()},
    )


def weights(found: Mapping[str, Any]) -> dict[str, Decimal]:
    """Index weights in per cent, as exact as the terminal wrote them; what is no positive number is left out."""
    made = {symbol: money(value) for symbol, value in found.items()}
    return {symbol: weight for symbol, weight in made.items() if weight is not None and weight > 0}


def day(value: Any) -> dt.date | None:
    """A date given as YYYYMMDD (number or text, dashes or not) or as epoch milliseconds; None for anything else."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    text = str(int(value)) if isinstance(value, int | float) else str(value or "").strip().replace("-", "")[:8]
    if not text.isdigit():
        return None
    try:
        # 8 digits are a date; a stamp of any day this century has 12 or 13.
        return dt.date(int(text[:4]), int(text[4:6]), int(text[6:])) if len(text) == 8 else _stamp(int(text))
    except (ValueError, OverflowError):
        return None


def _stamp(ms: int) -> dt.date | None:
    return date_of_ms(ms) if ms > 10**11 else None


def money(value: Any) -> Decimal | None:
    """An exact amount; None for what is absent, NaN or one of the terminal's huge "no value" marks."""
    found = plain(value)
    if found is None or isinstance(found, str) or abs(found) > 1e15:
        return None
    return Decimal(repr(found))


def number(value: Any) -> float:
    """A finite number, 0 where there is none."""
    found = plain(value)
    return float(found) if isinstance(found, int | float) else 0.0


def whole(value: Any) -> int:
    """A whole number, 0 where there is none."""
    return round(number(value))


def plain(value: Any) -> Fact:
    """A value as JSON can hold it: NaN and infinities are None, anything that is no number is text."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return str(value)


def _first_date(row: Mapping[str, Any], names: tuple[str, ...]) -> dt.date | None:
    return next((found for name in names if (found := day(row.get(name))) is not None), None)


def _symbol(value: Any) -> str:
    try:
        return str(parse_symbol(str(value or "")))
    except CodeError:
        return ""
