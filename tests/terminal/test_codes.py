"""Markets and boards of codes."""

from __future__ import annotations

import pytest

from qmt.codes import Board, CodeError, Market, board_of, market_of_code, parse_symbol


@pytest.mark.parametrize(
    ("text", "symbol"),
    [
        ("600519", "600519.SH"),
        ("600519.SH", "600519.SH"),
        ("sh600519", "600519.SH"),
        ("600519.XSHG", "600519.SH"),
        (" 000001.sz ", "000001.SZ"),
        ("000001", "000001.SZ"),
        ("300750", "300750.SZ"),
        ("688981", "688981.SH"),
        ("920185", "920185.BJ"),
        ("830799", "830799.BJ"),
        ("430047", "430047.BJ"),
        ("510300", "510300.SH"),
        ("159915", "159915.SZ"),
        ("113052", "113052.SH"),
        ("127045", "127045.SZ"),
        ("000001.SH", "000001.SH"),
    ],
)
def test_parse_symbol_of_a_known_form_names_the_market(text: str, symbol: str) -> None:
    assert str(parse_symbol(text)) == symbol


@pytest.mark.parametrize(
    "text", ["", "60051", "6005191", "600519.US", "ABCDEF", "700000", "６００５１９", "600519;SH", "9" * 500]
)
def test_parse_symbol_of_anything_else_raises(text: str) -> None:
    with pytest.raises(CodeError):
        parse_symbol(text)


@pytest.mark.parametrize("text", ["900901.SH", "200002.SZ", "900901", "200002"])
def test_parse_symbol_of_a_b_share_raises(text: str) -> None:
    with pytest.raises(CodeError, match="B shares"):
        parse_symbol(text)


def test_market_of_920_codes_is_beijing() -> None:
    assert market_of_code("920002") is Market.BJ


@pytest.mark.parametrize(
    ("text", "board"),
    [
        ("601318.SH", Board.MAIN),
        ("002594.SZ", Board.MAIN),
        ("301269.SZ", Board.CHINEXT),
        ("689009.SH", Board.STAR),
        ("920982.BJ", Board.BSE),
        ("588000.SH", Board.ETF),
        ("127045.SZ", Board.CONVERTIBLE),
        ("000300.SH", Board.INDEX),
        ("399006.SZ", Board.INDEX),
        ("899050.BJ", Board.INDEX),
        ("204001.SH", Board.OTHER),
    ],
)
def test_board_of_a_symbol_follows_the_number_plan(text: str, board: Board) -> None:
    assert board_of(parse_symbol(text)) is board
