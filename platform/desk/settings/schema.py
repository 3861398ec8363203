"""The one place that reads the environment and the configuration file: every setting, typed and documented.

Applications never read `os.environ`; they ask `get_config()`. Variables carry the
prefix `DESK_` (only `PORT` is also accepted bare, because that is what people type). The same names
without the prefix, in lower case, are the keys of the file (see `file.py`); the environment wins.
"""

from __future__ import annotations

import hashlib
import ipaddress
import os
import re
import secrets
import tempfile
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AliasChoices, Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from .file import FileSource, file_path
from .secret_files import SecretFiles, secrets_folder

ROOT = Path(__file__).resolve().parents[3]
"""The project folder (the one with manage.py)."""

UNIX_SOCKET_PATH_LIMIT = 100
"""`sun_path` holds 108 bytes on Linux and 104 on macOS, terminator included."""

RPC_PORT_STEP = 1000
MAX_PORT = 65535

Environment = Literal["demo", "test", "production"]


def _split(value: Any) -> Any:
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return value


class DeskConfig(BaseSettings):
    """Configuration of one installation, read once per process."""

    model_config = SettingsConfigDict(
        env_prefix="DESK_", extra="ignore", frozen=True, env_ignore_empty=True, use_attribute_docstrings=True
    )

    env: Environment = "demo"
    """Profile: `demo` has demo people and data, `test` is for test runs, `production` refuses unsafe settings."""
    debug: bool = False
    """Django's debug pages. Refused in production."""
    secret_key: SecretStr | None = None
    """Signs sessions and links. Outside production one is generated and kept in the state folder."""
    encryption_key: SecretStr | None = None
    """Seals stored secrets. Several, separated by commas: the first seals, all of them open. Unset: one is generated
    and kept in the state folder, which serves one machine only."""
    state_dir: Path = ROOT / "var"
    """Folder of databases, logs, sockets and generated keys."""
    config_file: Path | None = None
    """The configuration file; unset: `desk.toml` in the state folder, if it is there."""
    secrets_dir: Path | None = None
    """Folder of secret files, each named as its variable in lower case (`desk_secret_key`); unset: `/run/secrets`, if
    it is there."""
    hosts: Annotated[list[str], NoDecode] = ["localhost", "127.0.0.1", "[::1]"]
    """Host names the portal answers to, separated by commas."""
    trusted_origins: Annotated[list[str], NoDecode] = []
    """Further origins whose forms are accepted, such as `https://desk.example.org`."""
    cors_origins: Annotated[list[Annotated[str, Field(pattern=r"^https?://[^\s/?#*]+$")]], NoDecode] = []
    """Other origins whose pages may call the API with a token, such as `https://research.example.org`; none when unset."""
    behind_tls_proxy: bool = False
    """The reverse proxy ends TLS and says so with X-Forwarded-Proto; cookies become Secure, plain HTTP is redirected."""
    trusted_proxies: Annotated[list[str], NoDecode] = ["127.0.0.1", "::1"]
    """Addresses and networks of the reverse proxies, separated by commas: only theirs X-Forwarded-For and
    X-Forwarded-Proto are believed, and only with `DESK_BEHIND_TLS_PROXY`."""

    public_url: Annotated[str, Field(pattern=r"^(https?://[^\s/?#]+)?$")] = ""
    """Where people reach the portal, `https://desk.example.org`: links in mails begin with it, never with what a
    request says its host is. Blank: mails carry no links, and passwords are reset by an administrator's link."""
    bind: str = "127.0.0.1"
    """Address the web process listens on."""
    port: int = Field(default=8000, ge=1, le=65535, validation_alias=AliasChoices("DESK_PORT", "PORT"))
    """Port the web process listens on."""
    rpc_bind: str = "127.0.0.1"
    """Address the gRPC server listens on; any but this machine's own needs the two TLS files."""
    rpc_port_given: Annotated[int | None, Field(ge=1, le=65535, validation_alias="DESK_RPC_PORT")] = None
    """Port the gRPC server listens on; unset: 1000 above the web's."""
    rpc_tls_certificate: Path | None = None
    """The gRPC server's certificate chain, a PEM file; with `DESK_RPC_TLS_KEY` connections are encrypted."""
    rpc_tls_key: Path | None = None
    """The certificate's private key, a PEM file."""

    database_url: SecretStr | None = None
    """PostgreSQL URL of the main database; unset: a SQLite file in the state folder."""
    quotes_url: SecretStr | None = None
    """PostgreSQL URL of the market-data database; unset: a SQLite file in the state folder."""
    redis_url_given: SecretStr | None = Field(default=None, validation_alias="DESK_REDIS_URL")
    """Redis or Valkey URL; unset: the bundled Valkey on a private socket."""
    tls_ca: Path | None = None
    """The authority that vouches for PostgreSQL and Redis, a PEM file: both must then prove their names."""
    tls_certificate: Path | None = None
    """The certificate that proves this machine to PostgreSQL and Redis, a PEM file; with `DESK_TLS_KEY`."""
    tls_key: Path | None = None
    """The certificate's private key, a PEM file."""
    qmt_host: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{0,32}$")] = ""
    """This machine is the QMT host of that name and nothing else: it holds none of the installation's keys and
    runs no process of the platform."""

    live_key: SecretStr | None = None
    """With which a QMT host signs what it publishes: 64 hexadecimal digits that it gets with its credentials."""

    installation: Annotated[str, Field(pattern=r"^[A-Za-z0-9]{0,6}$")] = ""
    """Prefix of order tags; blank: generated once and kept in the database."""
    allow_live: bool = False
    """Whether accounts of this installation may be switched to LIVE at all."""
    order_ttl_seconds: int = Field(default=30, ge=1, le=600)
    """An order that was not sent this long after its acceptance expires instead."""
    approval_seconds: int = Field(default=900, ge=1, le=28800)
    """An order that waits for approval and that nobody has decided on this long after expires; a rule may say less or more."""
    ipo_time: Annotated[str, Field(pattern=r"^(09:[345]\d|1[034]:[0-5]\d|11:[0-2]\d)$")] = "09:35"
    """Market time of day (HH:MM) from which accounts that opted in subscribe new issues; retried until 15:00."""
    order_response_seconds: float = Field(default=10.0, ge=1, le=120)
    """An order the terminal has not answered by then is UNKNOWN."""
    order_absence_seconds: float = Field(default=30.0, ge=1, le=600)
    """Absence at the terminal counts only this long after that deadline."""
    host_lease_seconds: float = Field(default=8.0, ge=3, le=60)
    """How long a trade worker owns its host after a renewal; a killed one's successor waits for it."""

    alert_window_seconds: int = Field(default=900, ge=1, le=86_400)
    """Repeats of one alert within this time are counted, not sent again."""
    alert_targets: Annotated[list[str], NoDecode] = []
    """Hosts and networks inside your own network that alerts may be sent to (`10.1.2.0/24`, `hooks.internal`).
    Everything private is refused otherwise."""
    mail_host: str = ""
    """SMTP server; blank: mail is written to the log (demo, test) and mail channels fail (production)."""
    mail_port: int = Field(default=587, ge=1, le=65535)
    """Port of the SMTP server."""
    mail_security: Literal["starttls", "tls", "none"] = "starttls"
    """How the connection to the SMTP server is encrypted."""
    mail_user: str = ""
    """User name at the SMTP server; blank: no login."""
    mail_password: SecretStr | None = None
    """Password at the SMTP server."""
    mail_from: str = "QMT Desk <desk@localhost>"
    """Sender of every mail."""

    marketdata_file: Path | None = None
    """File of the market-data settings; unset: `config/market_data.yaml`. Single keys of it are overridden by
    `DESK_MARKETDATA__SECTION__KEY`."""

    strategies_dir: Path = ROOT / "examples" / "strategies"
    """Folder of the team's strategies, one Python file or folder each."""
    strategy_memory_mb: int = Field(default=1024, ge=256, le=65_536)
    """Memory that one strategy's process may take, in MB (Linux)."""
    strategy_handler_seconds: float = Field(default=10.0, ge=0.5, le=300)
    """How long one call into a strategy may take; after it the run has failed."""
    backtest_memory_mb: int = Field(default=4096, ge=512, le=262_144)
    """Memory that the process of one back-test may take, in MB (Linux)."""
    backtest_seconds: float = Field(default=3600.0, ge=10, le=86_400)
    """How long one back-test may take, downloads included; after it the run has failed."""

    backup_dir: Path | None = None
    """Folder of backups, best on another disk; unset: `backups` in the state folder."""
    backup_time: Annotated[str, Field(pattern=r"^(([01]\d|2[0-3]):[0-5]\d)?$")] = "02:40"
    """Time of day (HH:MM) of the daily backup; blank: none is made."""
    backup_passphrase: SecretStr | None = None
    """Encrypts backups; without it nobody can read them. Unset: they are not encrypted."""
    backup_keep_daily: int = Field(default=7, ge=1, le=1000)
    """How many days' last backups are kept."""
    backup_keep_weekly: int = Field(default=4, ge=0, le=1000)
    """How many weeks' last backups are kept."""
    backup_keep_monthly: int = Field(default=12, ge=0, le=1000)
    """How many months' last backups are kept."""
    backup_max_age_hours: int = Field(default=30, ge=1, le=10_000)
    """An alert is raised when the newest backup is older."""
    disk_warn_mb: int = Field(default=2000, ge=1)
    """An alert is raised when the state folder's disk has less room, in MB."""
    disk_stop_mb: int = Field(default=200, ge=0)
    """With less room no new orders are taken, so that what the broker says can still be stored; 0: never, in MB."""

    sim_data: Path | None = None
    """File of real bars that the simulated terminal replays; unset: its seeded market."""
    sim_speed: float = Field(default=1.0, gt=0, le=1000)
    """How much faster than the wall clock a simulated market runs."""
    sim_seed: int = 20240102
    """Seed of the simulated market."""
    sim_fed: bool = False
    """Whether the demo has a second simulated host, `paper`, whose market is the first one's quotes."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """Least severity of logged lines."""
    log_format: Literal["text", "json"] = "text"
    """`text`: a line for people; `json`: an object a line, with what it is about (request, person, account, order, job)."""
    log_to: Literal["stderr", "files"] = "stderr"
    """`stderr` for whoever keeps it (`make run`, systemd, containers); `files`: a file per process in `log/` of the state
    folder."""
    log_file_mb: int = Field(default=20, ge=1, le=10_000)
    """A log file is turned over before it grows beyond this, in MB."""
    log_files: int = Field(default=3, ge=1, le=1000)
    """How many older files of each log are kept."""
    metrics_dir: Path | None = None
    """A folder in memory that this machine's containers or units share: each counts in a part of its own, and `/metrics` shows
    them together. Blank: one folder for the processes of one state folder."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Environment, then `.env`, then files of secrets, then the configuration file."""
        given = {**dotenv_settings(), **env_settings(), **init_settings()}
        state_dir = Path(given.get("state_dir", ROOT / "var")).expanduser()
        path = file_path(given.get("config_file"), state_dir)
        secret_files = SecretFiles(settings_cls, secrets_folder(given.get("secrets_dir"), str(given.get("env", ""))))
        return init_settings, env_settings, dotenv_settings, secret_files, FileSource(settings_cls, path)

    @field_validator("hosts", "trusted_origins", "trusted_proxies", "cors_origins", "alert_targets", mode="before")
    @classmethod
    def _lists(cls, value: Any) -> Any:
        return _split(value)

    @field_validator(
        "state_dir",
        "sim_data",
        "config_file",
        "secrets_dir",
        "marketdata_file",
        "strategies_dir",
        "metrics_dir",
        "tls_ca",
        "tls_certificate",
        "tls_key",
        mode="after",
    )
    @classmethod
    def _absolute(cls, value: Path | None) -> Path | None:
        return value if value is None else value.expanduser().resolve()

    @field_validator("live_key", mode="after")
    @classmethod
    def _hexadecimal(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and re.fullmatch(r"[0-9a-f]{64}", value.get_secret_value()) is None:
            raise ValueError("DESK_LIVE_KEY is 64 hexadecimal digits")
        return value

    @field_validator("trusted_proxies", mode="after")
    @classmethod
    def _networks(cls, value: list[str]) -> list[str]:
        return [str(ipaddress.ip_network(part)) for part in value]

    @property
    def secrets_folder(self) -> Path | None:
        """Folder that secrets are read from, if there is one."""
        return secrets_folder(self.secrets_dir, self.env)

    @property
    def backup_folder(self) -> Path:
        """Where backups lie."""
        return self.backup_dir or self.state_dir / "backups"

    @property
    def run_dir(self) -> Path:
        """Pid files, locks and sockets of this machine."""
        return self.state_dir / "run"

    @property
    def log_dir(self) -> Path:
        return self.state_dir / "log"

    @property
    def redis_socket(self) -> Path:
        """Unix socket of the bundled Valkey.

        Inside the state folder, so that commands outside the supervisor find it too. Where that
        path is too long for a socket: a private folder below the temporary one, named after it.
        """
        path = self.run_dir / "valkey.sock"
        if len(os.fsencode(path)) <= UNIX_SOCKET_PATH_LIMIT:
            return path
        digest = hashlib.sha256(os.fsencode(path)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"qmt-desk-{digest}" / "valkey.sock"

    @property
    def rpc_port(self) -> int:
        """Port of the gRPC server; without one of its own it follows the web's, so that two installations differ."""
        if self.rpc_port_given is not None:
            return self.rpc_port_given
        return self.port + (RPC_PORT_STEP if self.port + RPC_PORT_STEP <= MAX_PORT else -RPC_PORT_STEP)

    @property
    def redis_url(self) -> str:
        """Redis URL as redis-py reads it; the bundled Valkey's socket when none was given."""
        if self.redis_url_given is not None:
            return self.redis_url_given.get_secret_value()
        return f"unix://{self.redis_socket}"

    @property
    def bundled_redis(self) -> bool:
        return self.redis_url_given is None

    def secret_key_value(self) -> str:
        """Return the signing key; outside production one is generated and kept in the state folder.

        Raises
        ------
        ValueError
            In production without `DESK_SECRET_KEY`.
        """
        if self.secret_key is not None:
            return self.secret_key.get_secret_value()
        if self.env == "production" and not self.qmt_host:
            raise ValueError("DESK_SECRET_KEY is not set")
        return _generated_secret(self.state_dir / "secret_key")

    def encryption_keys(self) -> tuple[str, ...]:
        """Return the keys for stored secrets: the first seals, all of them open.

        Without `DESK_ENCRYPTION_KEY` one is generated and kept in the state folder (mode 0600).
        """
        given = _split(self.encryption_key.get_secret_value()) if self.encryption_key is not None else []
        return tuple(given) or (_generated_secret(self.state_dir / "encryption_key"),)


def _generated_secret(path: Path) -> str:
    """Read the installation's generated key, creating it (mode 0600) at the first start."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        return path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        pass
    # Written aside and linked into place: processes that start together must agree on one key.
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.")
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secrets.token_urlsafe(48))
    try:
        os.link(name, path)
    except FileExistsError:
        pass
    except OSError:  # a file system without hard links
        Path(name).replace(path)
    finally:
        Path(name).unlink(missing_ok=True)
    return path.read_text(encoding="ascii").strip()


@lru_cache(maxsize=1)
def get_config() -> DeskConfig:
    """Return the process's configuration (environment first, then a `.env` beside manage.py).

    The test environment reads no `.env`: a test run never meets an installation's databases.
    """
    env_file = None if os.environ.get("DESK_ENV") == "test" else ROOT / ".env"
    return DeskConfig(_env_file=env_file)  # type: ignore[call-arg]  # a BaseSettings argument
