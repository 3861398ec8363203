"""Pages of instruments and sectors. What changes by the day is rendered; what moves comes over REST and the socket."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET

from accounts.models import User
from accounts.selectors import account_views
from frontend.instrument_messages import FIGURES, instrument_messages
from frontend.market_messages import market_messages
from frontend.messages import browser_messages
from frontend.views import SignedInRequest
from marketdata.choices import Kind
from marketdata.profile import InstrumentProfile, instrument_profile
from marketdata.reference_selectors import weighted_indices
from marketdata.selectors import instrument_find
from ops.errors import NotFound

#: What a change of an instrument is called, by the model's field.
FACTS = {
    "name": gettext_lazy("Name"),
    "is_st": gettext_lazy("Special treatment (ST)"),
    "board": gettext_lazy("Board"),
    "lot_size": gettext_lazy("Lot"),
    "tick": gettext_lazy("Price tick"),
    "list_date": gettext_lazy("Listed on"),
    "delist_date": gettext_lazy("Last trading day"),
}


def _context(user: User, tab: str, **boot: Any) -> dict[str, Any]:
    messages = {**browser_messages(), **market_messages(), **instrument_messages()}
    accounts = [
        {"id": view.account.pk, "name": view.account.name, "account_no": view.account.account_no}
        for view in account_views(user)
    ]
    person = {"id": user.pk, "is_admin": user.is_admin}
    return {"section": "data", "tab": tab, "boot": {"user": person, "messages": messages, "accounts": accounts, **boot}}


@require_GET
@login_required
def instruments(request: SignedInRequest) -> HttpResponse:
    """Instruments by code, name or pinyin."""
    context = _context(request.user, "instruments") | {"kinds": Kind.choices}
    return render(request, "frontend/market/instruments.html", context)


@require_GET
@login_required
def instrument(request: SignedInRequest, symbol: str) -> HttpResponse:
    """One instrument: what it is, what it trades at, what is known of it.

    A former code leads to the present one, an unknown one to the search.
    """
    try:
        found = instrument_find(symbol)
    except NotFound:
        context = _context(request.user, "instruments") | {"symbol": symbol}
        return render(request, "frontend/market/unknown.html", context, status=404)
    if found.symbol != symbol:
        return HttpResponseRedirect(reverse("frontend:instrument", args=[found.symbol]))
    profile = instrument_profile(found)
    context = _context(request.user, "instruments", symbol=found.symbol, host=profile.host) | {
        "profile": profile,
        "limit_rule": limit_rule(profile),
        "figures": [(figure, FIGURES[figure.item]) for figure in profile.figures],
        "changes": [(change, FACTS.get(change.field, change.field)) for change in profile.changes],
    }
    return render(request, "frontend/market/instrument.html", context)


@require_GET
@login_required
def sectors(request: SignedInRequest) -> HttpResponse:
    """Sectors and indices with their members on a day."""
    indices = [{"symbol": row.symbol, "name": row.name} for row in weighted_indices()]
    return render(request, "frontend/market/sectors.html", _context(request.user, "sectors", indices=indices))


def limit_rule(profile: InstrumentProfile) -> str:
    """Why the limits of the trade date are what they are, where that is out of the ordinary; else empty."""
    first = profile.first_days
    if first is None:
        return ""
    facts = {"day": profile.listing_day, "days": first.days}
    if first.up_permille is None or first.down_permille is None:
        return _("Trading day %(day)s of its first %(days)s: no price limits") % facts
    shares = {"up": first.up_permille / 10, "down": first.down_permille / 10}
    return _("Trading day %(day)s of its first %(days)s: limits +%(up)g%% and −%(down)g%%") % (facts | shares)
