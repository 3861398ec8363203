"""Static data: what every face of the quote gateway promises."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from qmt.gateway import QuoteGateway
from qmt.reference import FinancialRow, FinancialTable

STATEMENTS = (FinancialTable.BALANCE, FinancialTable.INCOME, FinancialTable.CASH_FLOW)


@pytest.fixture
def statements(quotes: QuoteGateway) -> list[FinancialRow]:
    quotes.reference.download_financials(["600519.SH"], STATEMENTS, "", "")
    return quotes.reference.financials(["600519.SH"], STATEMENTS)


def test_statements_do_not_exist_before_they_were_downloaded(quotes: QuoteGateway) -> None:
    assert quotes.reference.financials(["601088.SH"], STATEMENTS) == []


def test_statements_are_announced_after_the_period_they_report(statements: list[FinancialRow]) -> None:
    today = quotes_today(statements)
    assert {row.table for row in statements} == set(STATEMENTS)
    assert all(row.announced_on is not None and row.report_date < row.announced_on <= today for row in statements)


def quotes_today(statements: list[FinancialRow]) -> dt.date:
    return max(row.announced_on for row in statements if row.announced_on is not None)


def test_balance_sheets_balance(statements: list[FinancialRow]) -> None:
    sheets = [row.values for row in statements if row.table is FinancialTable.BALANCE]
    assert len(sheets) >= 20
    for values in sheets:
        owed, owned = float(values["tot_liab"] or 0), float(values["total_equity"] or 0)
        assert owed + owned == pytest.approx(float(values["tot_assets"] or 0), abs=0.02)


def test_holders_are_ranked(quotes: QuoteGateway) -> None:
    table = FinancialTable.TOP10_HOLDER
    quotes.reference.download_financials(["600036.SH"], [table], "", "")
    rows = quotes.reference.financials(["600036.SH"], [table])
    last = max(row.report_date for row in rows)
    assert sorted(row.rank for row in rows if row.report_date == last) == list(range(1, 11))


def test_weights_are_percent_of_present_members(quotes: QuoteGateway) -> None:
    weights = quotes.reference.index_weights("000300.SH")
    assert sum(weights.values()) == pytest.approx(Decimal(100), abs=Decimal("0.01"))
    assert set(weights) == set(quotes.sector_members("沪深300"))
    assert quotes.reference.index_weights("600519.SH") == {}


def test_members_on_a_past_day_are_those_of_that_day(quotes: QuoteGateway) -> None:
    then = quotes.reference.members_on("科创板", dt.date(2020, 7, 15))
    now = quotes.sector_members("科创板")
    assert "688981.SH" in now  # listed on 2020-07-16
    assert "688981.SH" not in then
    assert "688111.SH" in then
    index = quotes.reference.members_on("沪深300", dt.date(2023, 3, 1))
    assert set(index) != set(quotes.sector_members("沪深300"))


def test_bond_terms_name_the_share_and_its_price(quotes: QuoteGateway) -> None:
    quotes.reference.refresh_lists()
    (bond,) = quotes.reference.convertibles(["113052.SH", "600519.SH"])
    assert (bond.symbol, bond.underlying, bond.conversion_price) == ("113052.SH", "601166.SH", Decimal("25.51"))
    assert (bond.maturity_date, bond.conversion_start) == (dt.date(2027, 12, 26), dt.date(2022, 6, 30))


def test_baskets_are_worth_a_creation_unit(quotes: QuoteGateway) -> None:
    quotes.reference.refresh_lists()
    baskets = {basket.symbol: basket for basket in quotes.reference.etf_baskets()}
    fund = baskets["510300.SH"]
    assert (fund.unit, fund.name) == (900_000, "沪深300ETF")
    assert {one.symbol for one in fund.components} <= set(quotes.sector_members("沪深300"))
    assert all(one.quantity % 100 == 0 and one.quantity > 0 for one in fund.components)
    assert 0 <= fund.cash_difference < 0.6 * fund.nav * fund.unit
    assert baskets["518880.SH"].components == ()


def test_new_issues_lie_in_the_asked_span(quotes: QuoteGateway) -> None:
    every = {issue.symbol: issue for issue in quotes.reference.ipos()}
    issue = every["688981.SH"]
    assert issue.subscribe_on is not None
    assert issue.subscribe_on < dt.date(2020, 7, 16)
    assert issue.listed_on == dt.date(2020, 7, 16)
    assert issue.price == Decimal("59.52")
    assert quotes.reference.ipos("20200101", "20200101") == []
