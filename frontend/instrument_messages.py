"""Texts of the pages of instruments and sectors: those that browser code shows, and the names of figures."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from marketdata.choices import Board, Kind

INSTRUMENT_MESSAGES: dict[str, str | Promise] = {
    **{f"board.{board.value}": board.label for board in Board},
    **{f"kind.{kind.value}": kind.label for kind in Kind},
    "instrument.st": _("ST"),
    "instrument.suspended": _("Suspended"),
    "instrument.delisted": _("No longer listed"),
    "instrument.found": _("{count} instruments"),
    "instrument.more": _("The first {count} instruments; type to narrow down"),
    "instrument.none": _("No instrument fits."),
    "instrument.orders_none": _("No orders in it today."),
    "ticks.none": _("No trade seen yet."),
    "ticks.up": _("Buyer"),
    "ticks.down": _("Seller"),
    "sector.count": _("{count} members"),
    "sector.members": _("Members of {name}"),
    "sector.weights": _("{name}: constituents and weights"),
    "sector.none": _("No sector fits."),
    "sector.empty": _("No member on this day."),
    "sector.group.index": _("Indices"),
    "sector.group.market": _("Markets and boards"),
    "sector.group.industry": _("Industries ({name})"),
}

#: Figures of statements, by the terminal's name.
FIGURES: dict[str, str | Promise] = {
    "revenue": _("Revenue"),
    "net_profit_excl_min_int_inc": _("Net profit"),
    "s_fa_eps_basic": _("Earnings per share"),
    "s_fa_bps": _("Book value per share"),
    "du_return_on_equity": _("Return on equity (%)"),
    "tot_assets": _("Total assets of the company"),
    "tot_shrhldr_eqy_excl_min_int": _("Shareholders' equity"),
    "total_capital": _("Total shares"),
    "circulating_capital": _("Circulating shares"),
}


def instrument_messages() -> dict[str, str]:
    """The texts for browser code in the active language."""
    return {key: str(text) for key, text in INSTRUMENT_MESSAGES.items()}
