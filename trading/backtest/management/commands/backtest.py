"""``manage.py backtest``: run a strategy over stored bars, here and now, and print what it led to."""

from __future__ import annotations

import json
import sys
import uuid
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.actors import actor_for_user
from accounts.models import User
from desk.settings.schema import get_config
from ops.errors import DeskError
from trading.backtest.choices import BacktestState
from trading.backtest.engine import Turn
from trading.backtest.models import Backtest
from trading.backtest.selectors import backtest_view
from trading.backtest.services import backtest_start_here
from trading.backtest.services.run import backtest_run
from trading.strategies.describing import described
from trading.strategies.limits import bound_process
from trading.strategies.loading import find
from trading.strategies.services.catalogue import catalogue_refresh


class Command(BaseCommand):
    help = "Run a strategy over stored bars and print its key figures. Missing bars are downloaded first."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("strategy", nargs="?", help="name of a strategy in DESK_STRATEGIES_DIR, or of a package")
        parser.add_argument("symbols", nargs="*", help="600519.SH, or bare codes")
        parser.add_argument("--user", help="whose back-test it is")
        parser.add_argument("--period", default="1d", help="1d, 5m or 1m")
        parser.add_argument("--start", help="first day, YYYY-MM-DD")
        parser.add_argument("--end", help="last day, YYYY-MM-DD")
        parser.add_argument("--capital", default="1000000", help="CNY")
        parser.add_argument("--benchmark", default="", help="symbol to compare with, such as 000300.SH")
        parser.add_argument("--set", action="append", default=[], metavar="NAME=JSON", help="a parameter; repeat")
        parser.add_argument("--setting", action="append", default=[], metavar="NAME=JSON", help="a setting; repeat")
        parser.add_argument("--json", action="store_true", help="print everything as JSON")
        parser.add_argument("--run", metavar="ID", help="run one that a worker has started (the worker's own use)")

    def handle(self, *_args: Any, **options: Any) -> None:
        if options["run"]:
            bound_process(get_config().backtest_memory_mb)
            backtest_run(uuid.UUID(options["run"]))
            return
        row = backtest_run(self._started(options).pk, on_turn=_shown)
        sys.stderr.write("\n")
        if row.state != BacktestState.DONE:
            raise CommandError(f"{row.code}: {row.message}")
        view = backtest_view(row)
        self.stdout.write(json.dumps(view, ensure_ascii=False, indent=1) if options["json"] else _text(view))

    def _started(self, options: dict[str, Any]) -> Backtest:
        if not options["strategy"] or not options["user"]:
            raise CommandError("name a strategy, its symbols and --user")
        user = User.objects.filter(username=options["user"], is_active=True).first()
        if user is None:
            raise CommandError(f"there is no person {options['user']}")
        config = get_config()
        catalogue_refresh(find(config.strategies_dir), lambda found: described(found, config.strategy_memory_mb))
        body = {name: options[name] for name in ("strategy", "symbols", "period", "start", "end", "capital")}
        body |= {"benchmark": options["benchmark"], "parameters": _pairs(options["set"])}
        body["settings"] = _pairs(options["setting"])
        try:
            return backtest_start_here(actor=actor_for_user(user), owner=user, body=body)
        except DeskError as error:
            field = f" ({error.field})" if error.field else ""
            raise CommandError(f"{error.code}{field}: {error.message}") from None


def _pairs(texts: list[str]) -> dict[str, Any]:
    """``fast=5`` as JSON has it; what is no JSON is text."""
    pairs: dict[str, Any] = {}
    for text in texts:
        name, _equals, value = text.partition("=")
        try:
            pairs[name] = json.loads(value)
        except ValueError:
            pairs[name] = value
    return pairs


def _shown(turn: Turn) -> Turn:
    def shown(done: int, total: int) -> None:
        turn(done, total)
        sys.stderr.write(f"\r{done} of {total} instants")

    return shown


def _text(view: dict[str, Any]) -> str:
    """The key figures as a person reads them."""
    figures = view["figures"]
    percents = ("total_return", "annual_return", "annual_volatility", "max_drawdown", "exposure")
    lines = [f"{view['strategy']} {view['version'][:12]} · {view['start']} – {view['end']} · {view['seconds']:.2f} s"]
    lines += [f"{name.replace('_', ' '):20}{figures[name]:>14.2%}" for name in percents if figures[name] is not None]
    lines += [
        f"{name.replace('_', ' '):20}{figures[name]:>14.2f}"
        for name in ("sharpe_ratio", "sortino_ratio", "calmar_ratio", "annual_turnover")
        if figures[name] is not None
    ]
    lines += [f"{'equity':20}{figures['equity']:>14}", f"{'fees':20}{figures['fees']:>14}"]
    if figures["comparison"]:
        lines.append(f"{view['benchmark']:20}{figures['comparison']['total_return']:>14.2%}")
    orders = figures["orders"]
    refused = ", ".join(f"{code} {count}" for code, count in sorted(orders["refused"].items())) or "none"
    lines.append(f"orders {orders['asked']}, fills {orders['fills']}, refused: {refused}")
    for rule in view["rules"]:
        lines.append(
            f"  {rule['reason'] or '(no reason)':20} orders {rule['orders']}, profit entered {rule['profit_entered']}, "
            f"left {rule['profit_left']}"
        )
    return "\n".join([*lines, f"back-test {view['id']}"])
