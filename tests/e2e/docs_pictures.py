"""Pictures for the README and the guides: `make docs-pictures` takes them again and stores them in docs/images.

A platform of its own is started and filled as for `screenshots`. The pictures are reduced to a palette, so that they can
be kept beside the text; one that is still too large is refused.
"""

from __future__ import annotations

import argparse
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from PIL import Image
from playwright.sync_api import Browser, ViewportSize

from desk.settings.schema import ROOT
from tests.e2e.platform_stack import Stack, log_in
from tests.e2e.screenshots import PAGES, filled_desk, picture

WIDTH = 1440
LARGEST_BYTES = 120_000
PALETTES = (256, 96, 48, 24)
Theme = Literal["light", "dark"]


@dataclass(frozen=True)
class Shot:
    """One picture: a page of `screenshots.PAGES`, how it looks, and how much of its top is shown."""

    page: str
    language: Literal["en", "zh-hans"] = "en"
    theme: Theme = "light"
    height: int = 1000


#: In both readmes, each in its language.
_README: tuple[tuple[str, str, Theme, int], ...] = (
    ("dashboard", "dashboard", "light", 1180),
    ("dashboard-dark", "dashboard", "dark", 1180),
    ("instrument", "instrument", "light", 1250),
    ("coverage", "data-coverage", "light", 900),
)
_LANGUAGES: tuple[Literal["en", "zh-hans"], ...] = ("en", "zh-hans")
#: By the file's name. What is under way when it is taken comes first.
SHOTS = {
    "sync-jobs": Shot("data", height=760),
    **{
        f"{name}-{language}": Shot(page, language, theme, height)
        for name, page, theme, height in _README
        for language in _LANGUAGES
    },
    "statements": Shot("statements", height=505),
    "people": Shot("people", height=760),
    "rights": Shot("teams", height=760),
    "limits": Shot("limits"),
    "audit": Shot("audit", height=760),
    "system": Shot("system", height=1180),
    "data-status": Shot("data-status", height=980),
    "api": Shot("api", height=820),
    "backtest": Shot("backtests", height=1180),
}


def reduce(file: Path, height: int) -> None:
    """Keep the top of a picture in as many colours as its size allows, in its place.

    Raises
    ------
    SystemExit
        It is too large in the smallest palette too.
    """
    with Image.open(file) as whole:
        top = whole.convert("RGB").crop((0, 0, whole.width, min(height, whole.height)))
    for colours in PALETTES:
        top.quantize(colours, dither=Image.Dither.NONE).save(file, optimize=True)
        if file.stat().st_size <= LARGEST_BYTES:
            return
    raise SystemExit(f"{file.name} has {file.stat().st_size} bytes, more than {LARGEST_BYTES}")


def take(browser: Browser, stack: Stack, folder: Path, names: Collection[str]) -> None:
    """Take these pictures of a running, filled platform."""
    places = {page: (user, path) for user, pages in PAGES.items() for page, path in pages.items()}
    for name in names:
        shot = SHOTS[name]
        user, path = places[shot.page]
        viewport = ViewportSize(width=WIDTH, height=min(shot.height, 1180))
        context = browser.new_context(viewport=viewport, color_scheme=shot.theme, locale=shot.language)
        page = context.new_page()
        log_in(page, stack, user)
        context.add_cookies([{"name": "django_language", "value": shot.language, "url": stack.url}])
        file = folder / f"{name}.png"
        picture(page, stack, shot.page, path, file)
        reduce(file, shot.height)
        context.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=ROOT / "docs" / "images")
    parser.add_argument("--only", nargs="+", choices=list(SHOTS), default=list(SHOTS), metavar="NAME")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    with filled_desk() as (stack, browser):
        take(browser, stack, options.folder, options.only)


if __name__ == "__main__":
    main()
