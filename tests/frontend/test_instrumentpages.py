"""Pages of instruments and sectors: what they say of a share, a new listing, a former code."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation

from frontend.instrument_messages import FIGURES, instrument_messages
from frontend.instrumentpages import limit_rule
from marketdata.choices import AliasKind, Board, Kind
from marketdata.models import FinancialReport, IndexWeight, Instrument, InstrumentAlias, Sector, SectorMember
from marketdata.profile import FIGURES as READ_FIGURES
from marketdata.profile import instrument_profile
from tests.orders.bench import Bench, make_bench
from tests.people import signed_in

pytestmark = pytest.mark.django_db(databases=["default", "quotes"])


@pytest.fixture
def bench(db: None) -> Bench:
    return make_bench()


def _page(bench: Bench, symbol: str) -> str:
    response = signed_in(bench.team.alice).get(reverse("frontend:instrument", args=[symbol]))
    assert response.status_code == 200
    return str(response.content.decode())


def _share(bench: Bench) -> Instrument:
    return Instrument.objects.get(symbol="000001.SZ")


@pytest.mark.parametrize("name", ["instruments", "sectors"])
def test_page_without_login_leads_to_the_login(client: Client, name: str) -> None:
    address = reverse(f"frontend:{name}")

    assert client.get(address)["Location"] == f"/login/?next={address}"


def test_instrument_nobody_knows_is_not_found(bench: Bench) -> None:
    assert signed_in(bench.team.alice).get("/instruments/999999.SH/").status_code == 404


def test_instrument_by_its_former_code_leads_to_the_present_one(bench: Bench) -> None:
    day = date(2020, 1, 2)
    InstrumentAlias.objects.create(instrument=_share(bench), kind=AliasKind.SYMBOL, text="000099.SZ", valid_to=day)

    response = signed_in(bench.team.alice).get("/instruments/000099.SZ/")

    assert (response.status_code, response["Location"]) == (302, "/instruments/000001.SZ/")


def test_instrument_page_shows_sectors_and_weights_that_last(bench: Bench) -> None:
    share, day = _share(bench), date(2024, 1, 2)
    index = Instrument.objects.exclude(pk=share.pk).order_by("pk")[0]
    sectors = [Sector.objects.create(name=name, known_since=day, updated_at=timezone.now()) for name in ("bank", "old")]
    SectorMember.objects.create(sector=sectors[0], instrument=share, valid_from=day)
    SectorMember.objects.create(sector=sectors[1], instrument=share, valid_from=day, valid_to=day)
    IndexWeight.objects.create(index=index, instrument=share, weight="1.25", valid_from=day)

    html = _page(bench, share.symbol)

    assert 'href="/sectors/#sector=bank"' in html
    assert "#sector=old" not in html
    assert "1.25%" in html


def test_profile_takes_each_figure_from_the_newest_report_that_is_public(bench: Bench) -> None:
    share = _share(bench)
    today = instrument_profile(share).trade_date
    assert today is not None
    for report_date, announced, revenue in (
        (date(2023, 12, 31), date(2024, 3, 1), 100.0),
        (date(2024, 12, 31), today, 120.0),
        (date(2025, 12, 31), today + timedelta(days=1), 999.0),
    ):
        FinancialReport.objects.create(
            instrument=share,
            table="Income",
            report_date=report_date,
            announced_on=announced,
            values={"revenue": revenue},
            observed_at=timezone.now(),
        )

    figures = instrument_profile(share).figures

    assert [(figure.item, figure.value, figure.report_date) for figure in figures] == [
        ("revenue", 120.0, date(2024, 12, 31))
    ]


def test_new_listing_says_which_day_it_is_and_that_it_has_no_limits(bench: Bench) -> None:
    share = _share(bench)
    today = instrument_profile(share).trade_date
    assert today is not None
    Instrument.objects.filter(pk=share.pk).update(board=Board.STAR, list_date=today)

    with translation.override("en"):
        words = limit_rule(instrument_profile(_share(bench)))

    assert words == "Trading day 1 of its first 5: no price limits"


def test_limit_rule_of_an_old_share_has_no_words(bench: Bench) -> None:
    assert limit_rule(instrument_profile(_share(bench))) == ""


def test_messages_every_board_kind_and_figure_has_a_text() -> None:
    texts = instrument_messages()

    assert {f"board.{one}" for one in Board.values} | {f"kind.{one}" for one in Kind.values} <= set(texts)
    assert {item for _table, item in READ_FIGURES} == set(FIGURES)
