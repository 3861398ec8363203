"""An instrument's rows from the terminal's own facts, with the exchanges' dated rules where it is silent."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from pypinyin import Style, lazy_pinyin

from marketdata.choices import Board, Kind
from marketdata.models import Instrument, InstrumentDay
from qmt import rules
from qmt.codes import Board as CodeBoard
from qmt.codes import board_of, parse_symbol
from qmt.gateway import InstrumentDetail
from qmt.money import milli_of, price_of

_KINDS = {
    "stock": Kind.STOCK,
    "etf": Kind.ETF,
    "fund": Kind.ETF,
    "bond": Kind.CONVERTIBLE,
    "index": Kind.INDEX,
}


def instrument_row(detail: InstrumentDetail, day: date, now: datetime) -> Instrument:
    """Build the instrument's row, unsaved.

    The terminal's tick and order sizes go before the dated rules; the rules fill what it leaves at 0.
    """
    symbol = parse_symbol(detail.symbol)
    code_board = board_of(symbol)
    lots = rules.lot_rule(code_board, day)
    tick = detail.tick or price_of(rules.tick_milli(code_board, day))
    minimum = detail.min_limit_quantity or (lots.minimum if lots else 0)
    return Instrument(
        symbol=detail.symbol,
        name=detail.name,
        pinyin=pinyin_initials(detail.name),
        market=symbol.market.value,
        board=Board(code_board.value),
        kind=_kind(detail, code_board),
        lot_size=lots.minimum if lots else 1,
        min_quantity=minimum,
        quantity_step=lots.step if lots else 1,
        tick=tick,
        volume_unit=detail.volume_unit,
        list_date=detail.list_date,
        delist_date=detail.delist_date,
        t_plus=0 if rules.is_same_day(symbol.code, code_board) else 1,
        is_st=rules.is_st(detail.name),
        max_limit_quantity=detail.max_limit_quantity or (lots.limit_most if lots else 0),
        max_market_quantity=detail.max_market_quantity or (lots.market_most if lots else 0),
        tradable=detail.tradable and lots is not None,
        updated_at=now,
    )


def day_row(instrument: Instrument, detail: InstrumentDetail, trade_date: date, now: datetime) -> InstrumentDay:
    """Build the facts of a trade date, unsaved.

    A terminal that still shows another date's facts gives a row of that date: it is stale, and whoever needs today's
    sees that.
    """
    up, down, source = detail.limit_up, detail.limit_down, "terminal"
    if not up and not down and detail.pre_close and instrument.tradable:
        up, down = _limits_by_rule(instrument, detail, trade_date)
        source = "rules"
    return InstrumentDay(
        instrument=instrument,
        trade_date=detail.trade_date or trade_date,
        pre_close=detail.pre_close,
        limit_up=up or None,
        limit_down=down or None,
        suspended=detail.suspended,
        source=source,
        updated_at=now,
    )


def _limits_by_rule(instrument: Instrument, detail: InstrumentDetail, day: date) -> tuple[Decimal, Decimal]:
    """Limits by the dated rules; zeros where the day has none.

    The first days after a listing are left without: the number of trading days since then decides, and a terminal that
    is silent about the limits of such a day has none to tell.
    """
    none = Decimal(0), Decimal(0)
    if instrument.list_date is not None and (day - instrument.list_date).days < 15:
        return none
    limits = rules.price_limits(
        milli_of(detail.pre_close),
        board=CodeBoard(instrument.board),
        day=day,
        tick_milli=milli_of(instrument.tick),
        is_st=instrument.is_st,
    )
    return none if limits is None else (price_of(limits.up_milli), price_of(limits.down_milli))


def _kind(detail: InstrumentDetail, board: CodeBoard) -> Kind:
    by_board = {
        CodeBoard.ETF: Kind.ETF,
        CodeBoard.CONVERTIBLE: Kind.CONVERTIBLE,
        CodeBoard.INDEX: Kind.INDEX,
    }
    return by_board.get(board) or _KINDS.get(detail.kind, Kind.STOCK)


def pinyin_initials(name: str) -> str:
    """Initials people type: 贵州茅台 → gzmt, *ST 国华 → stgh."""
    initials = lazy_pinyin(name, style=Style.FIRST_LETTER)
    return "".join(char for char in "".join(initials).lower() if char.isalnum())[:32]
