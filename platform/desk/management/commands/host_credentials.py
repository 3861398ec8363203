"""Let a QMT host on another machine in, or shut it out: `manage.py host_credentials NAME --out FOLDER`."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from desk.settings.schema import get_config

MAX_MINUTES = 24 * 60


class Command(BaseCommand):
    help = (
        "Make credentials for one QMT host: SQL and an access-control line for the servers, and a one-time code "
        "with which the host's machine fetches its own half. --revoke takes everything back."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("host", help="name of the QMT host in the platform")
        parser.add_argument("--out", type=Path, required=True, help="folder that the files are written to")
        parser.add_argument("--revoke", action="store_true", help="write what ends its access, and void its codes")
        parser.add_argument(
            "--refresh", action="store_true", help="write the SQL of this release's privileges; passwords stay"
        )
        parser.add_argument("--minutes", type=int, default=60, help="how long the code may be used (default 60)")
        parser.add_argument(
            "--database-address", default="", metavar="HOST:PORT", help="as the host reaches PostgreSQL"
        )
        parser.add_argument("--redis-address", default="", metavar="HOST:PORT", help="as the host reaches Redis")
        parser.add_argument("--tls-ca", type=Path, help="the authority of both servers, handed to the host")
        parser.add_argument("--tls-certificate", type=Path, help="the host's own certificate, handed to it")
        parser.add_argument("--tls-key", type=Path, help="the certificate's key, handed to it")

    def handle(
        self, *args: Any, host: str, out: Path, revoke: bool, refresh: bool, minutes: int, **options: Any
    ) -> None:
        from accounts.models import QmtHost

        row = QmtHost.objects.filter(name=host).first()
        if row is None:
            raise CommandError(f"There is no QMT host {host!r}.")
        if not 1 <= minutes <= MAX_MINUTES:
            raise CommandError(f"--minutes is 1 to {MAX_MINUTES}.")
        if (options["tls_certificate"] is None) != (options["tls_key"] is None):
            raise CommandError("--tls-certificate and --tls-key belong together.")
        if revoke and refresh:
            raise CommandError("--revoke and --refresh exclude each other.")
        if revoke:
            self._revoke(row, out)
        elif refresh:
            self._refresh(row, out)
        else:
            self._issue(row, out, timedelta(minutes=minutes), options)

    def _issue(self, host: Any, out: Path, lifetime: timedelta, options: dict[str, Any]) -> None:
        from accounts.services.enrolment import enrolment_issue
        from desk.hosts.bundle import FILES, Addresses, NotShared, make_credentials
        from ops.audit import Actor

        given = {name: options[name.removeprefix("DESK_").lower()] for name in FILES}
        try:
            made = make_credentials(
                get_config(),
                host.name,
                addresses=Addresses(options["database_address"], options["redis_address"]),
                pem_files={name: path for name, path in given.items() if path is not None},
            )
        except (NotShared, OSError, UnicodeDecodeError) as error:
            raise CommandError(str(error)) from error
        self._write(out, made.files)
        code = enrolment_issue(actor=Actor.system("command-line"), host=host, bundle=made.bundle, lifetime=lifetime)
        self.stderr.write(
            "Give the .sql files to psql as each database's owner, put the .acl line into the server's ACL file\n"
            "(ACL LOAD), then enter this code on the host within "
            f"{int(lifetime.total_seconds() // 60)} minutes. It is not shown again:"
        )
        self.stdout.write(code)

    def _refresh(self, host: Any, out: Path) -> None:
        from desk.hosts.bundle import NotShared, privilege_files

        try:
            self._write(out, privilege_files(get_config(), host.name))
        except NotShared as error:
            raise CommandError(str(error)) from error

    def _revoke(self, host: Any, out: Path) -> None:
        from accounts.services import host_save
        from accounts.services.enrolment import enrolments_void
        from desk.hosts.bundle import NotShared, revocation_files
        from ops.audit import Actor

        actor = Actor.system("command-line")
        try:
            files = revocation_files(get_config(), host.name)
        except NotShared as error:
            raise CommandError(str(error)) from error
        self._write(out, files)
        enrolments_void(actor=actor, host=host)
        if host.enabled:
            # Its accounts' authority ends here and now, whatever the servers still let in.
            host.enabled = False
            host_save(actor=actor, host=host)
        self.stderr.write(
            f"{host.name} is disabled and its codes are void. Run the .revoke.sql files with psql as each database's\n"
            "owner, the .revoke.redis commands with valkey-cli, and take its line out of the server's ACL file."
        )

    def _write(self, out: Path, files: dict[str, str]) -> None:
        try:
            out.mkdir(parents=True, exist_ok=True)
            for name, text in files.items():
                (out / name).write_text(text, encoding="ascii")
                self.stderr.write(f"written: {out / name}")
        except OSError as error:
            raise CommandError(f"{out}: {error}") from error
