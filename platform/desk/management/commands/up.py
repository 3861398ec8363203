"""Run the whole platform on this machine: `manage.py up`."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from typing import TYPE_CHECKING, Any

from django.core.management import call_command
from django.core.management.base import CommandError

from desk.management.process import ProcessCommand
from desk.settings.schema import DeskConfig, get_config

if TYPE_CHECKING:
    from desk.supervisor.plan import SimulatedHost


class Command(ProcessCommand):
    help = "Start everything on one machine (Linux, macOS, WSL2), watch it, stop it in order."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--prepare", action="store_true", help="run manage.py prepare first")

    def handle(self, *args: Any, prepare: bool, **options: Any) -> None:
        if os.name != "posix":
            raise CommandError(
                "`up` needs Linux, macOS or WSL2. On a Windows QMT host run: manage.py qmthost --host NAME"
            )
        from desk.supervisor.lock import AlreadyRunning, SupervisorLock

        config = get_config()
        try:
            with SupervisorLock(config.run_dir / "up.lock"):
                self._run(config, prepare=prepare)
        except AlreadyRunning as error:
            raise CommandError(
                f"The platform already runs from this state folder (pid {error.pid}): "
                f"stop it first, or choose another folder with DESK_STATE_DIR."
            ) from error

    def _run(self, config: DeskConfig, *, prepare: bool) -> None:
        from desk.market_stamp import market_claim, market_problem
        from desk.supervisor.embedded import port_problem, run_embedded
        from desk.supervisor.merged_log import merged_log

        if problem := port_problem(config.bind, config.port) or _rpc_problem(config) or market_problem(config):
            raise CommandError(problem)
        market_claim(config)
        if prepare:
            call_command("prepare", stdout=self.stdout)
        if problem := database_problem():
            raise CommandError(problem)
        log = merged_log(config, "desk.log")
        try:
            failure = run_embedded(config, simulated_hosts(), log)
        finally:
            log.close()
        if failure:
            raise CommandError(failure)


def _rpc_problem(config: DeskConfig) -> str:
    """Why gRPC cannot be served; blank when it can."""
    from desk.settings.safety import rpc_problem
    from desk.supervisor.embedded import port_problem

    if problem := rpc_problem(config, config.rpc_bind):
        return f"{problem}."
    if not port_problem(config.rpc_bind, config.rpc_port):
        return ""
    return f"Port {config.rpc_port} of {config.rpc_bind} cannot be served for gRPC: choose another with DESK_RPC_PORT."


def simulated_hosts() -> list[SimulatedHost]:
    """The enabled simulated hosts of this installation, with their accounts; what others are fed from comes first."""
    from accounts.choices import HostKind
    from accounts.models import QmtHost
    from accounts.terminals import feed_source
    from desk.supervisor.plan import SimulatedHost

    hosts = QmtHost.objects.filter(enabled=True, kind=HostKind.SIMULATED).select_related("fed_from")
    return [
        SimulatedHost(
            host.name, tuple(account.account_no for account in host.accounts.all()), feed_source(host.fed_from)
        )
        for host in sorted(hosts.prefetch_related("accounts"), key=lambda host: (not host.serves_data, host.name))
    ]


def database_problem() -> str:
    """Say in one sentence why the databases cannot be started on; blank when they can."""
    from accounts.health import DATABASES
    from ops.health import check_database, check_migrations

    for alias in DATABASES:
        reached = check_database(alias)
        if not reached.ok:
            return f"The {alias} database cannot be reached ({reached.detail}): manage.py doctor says more."
        if not check_migrations(alias).ok:
            return f"The {alias} database is not up to date: run manage.py prepare first (make run does it)."
    return ""
