"""The service's settings: read once from the environment and an optional TOML file, frozen, passed down as an argument.

Every setting is `TALLYWAY_<NAME>`; a secret may stand in a file named by `TALLYWAY_<NAME>_FILE`. The TOML file is
named by `TALLYWAY_CONFIG`; the environment wins over it. docs/configuration.md is made from the descriptions here.
"""

import ipaddress
import re
import tomllib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field, SecretStr, ValidationError, field_validator

from models.base import Frozen
from models.errors import ConfigurationError
from models.validation import problems_of

PREFIX = "TALLYWAY_"
CONFIG = "TALLYWAY_CONFIG"
NOT_SETTINGS = frozenset({CONFIG, "TALLYWAY_URL", "TALLYWAY_KEY"})
"""Variables of the same prefix that are not settings: the command line reads them for itself."""

# Kubernetes puts these into every pod beside a service that is called tallyway.
SERVICE_LINK = re.compile(r"TALLYWAY_(SERVICE_(HOST|PORT)|PORT)(_|$)")


def _listed(value: Any) -> Any:
    """A comma-separated text as a list, so that lists can be written in the environment."""
    if not isinstance(value, str):
        return value
    return tuple(part.strip() for part in value.split(",") if part.strip() not in ("", "none"))


def _network(text: str) -> str:
    return str(ipaddress.ip_network(text, strict=False))


Networks = Annotated[tuple[Annotated[str, AfterValidator(_network)], ...], BeforeValidator(_listed)]
Texts = Annotated[tuple[str, ...], BeforeValidator(_listed)]


class Settings(Frozen):
    """What the operator decides. Sizes are bytes, times are seconds."""

    data: Path = Field(default=Path("data"), description="Directory of everything that is kept: catalog, events, keys.")
    admin_key: SecretStr | None = Field(
        default=None,
        description="A platform administrator's API key. Without it, `tallyway keys create --admin` makes one.",
    )
    now: AwareDatetime | None = Field(
        default=None, description="Freezes the clock at an RFC 3339 time; for demonstrations and tests."
    )
    public_url: str = Field(
        default="",
        description="Where browsers reach this service, such as `https://stats.example.com`; for links and snippets. "
        "Without it they begin with a Host header that is one of `TALLYWAY_HOSTS`, else with the address listened on.",
    )
    events: SecretStr | None = Field(
        default=None,
        description="Event store: empty for the embedded one in the data directory, or a ClickHouse address.",
    )
    geo_mmdb: Path | None = Field(
        default=None,
        description="An MMDB file with cities (MaxMind, DB-IP or IPinfo schema) instead of the shipped countries. "
        "It is copied into the data directory at the start: a newer one needs another start.",
    )
    geo_attribution: str | None = Field(
        default=None, description="Text that the licence of that file asks to be shown; without it, the file's own."
    )
    vault_key: SecretStr | None = Field(
        default=None,
        description="Key-encryption key of the vault: 32 bytes in base64 or hex; several, comma-separated: the first "
        "writes, all read. Without it, a key file is generated in the data directory.",
    )
    vault_key_command: str | None = Field(
        default=None,
        description="A command that prints the vault's keys, run once at the start and without a shell.",
    )
    trusted_proxies: Networks = Field(
        default=("127.0.0.0/8", "::1/128"),
        description="Networks whose X-Forwarded-For and kin are believed, as CIDRs; `none` for nobody.",
    )
    client_address_header: str = Field(
        default="x-forwarded-for",
        pattern=r"^[a-z0-9-]{1,64}$",
        description="The one header in which those proxies write the client's address, for limits by address, such as "
        "`x-real-ip`, `cf-connecting-ip` or `forwarded`. It must be one that the proxy sets or appends to itself: "
        "clients can send every other one. Of a list, the last address that is no trusted proxy counts.",
    )
    allow_private_networks: Networks = Field(
        default=(),
        description="Private networks that backends may live in, as CIDRs; public addresses are always allowed.",
    )
    allow_http: bool = Field(default=False, description="Allow backends without TLS.")
    hosts: Texts = Field(
        default=(),
        description="Host names this service answers to; empty for any. Health checks (`/healthz`, `/readyz`) are "
        "answered under all.",
    )
    body_limit: int = Field(default=64 * 1024, ge=1024, description="Largest request body, in bytes.")
    event_body_limit: int = Field(
        default=1_000_000, ge=1024, description="Largest body of a tracker or events request."
    )
    import_body_limit: int = Field(default=8 * 2**30, ge=1024, description="Largest import, in bytes.")
    event_backlog_bytes: int = Field(
        default=2**30,
        ge=128 * 2**20,
        description="Bytes of the journal that may wait for the event store; beyond, events are answered 503 with "
        "Retry-After. The file that is written to counts as a whole, up to 64 MB.",
    )
    cache_bytes: int = Field(default=64 * 2**20, ge=0, description="Memory for kept answers, in bytes; 0 keeps none.")
    key_cache_seconds: float = Field(
        default=5.0, ge=0, le=5, description="How long a key's look-up is remembered, at most; bounds revocation."
    )
    query_timeout: float = Field(default=30.0, gt=0, description="Longest time one query may take, in seconds.")
    receive_timeout: float = Field(
        default=30.0,
        ge=0,
        description="Seconds that a request may take to arrive, headers and body, and one more for every 16 KB of it; "
        "0 for no limit.",
    )
    vendor_timeout: float = Field(
        default=20.0, gt=0, description="Longest time one call to a backend may take, in seconds."
    )
    vendor_body_limit: int = Field(default=32 * 2**20, ge=1024, description="Largest answer read from a backend.")
    key_rate_limit: int = Field(
        default=30_000,
        ge=0,
        description="Most requests a minute with one key, for each process; 0 for no limit. `TALLYWAY_ADMIN_KEY` has "
        "none.",
    )
    address_rate_limit: int = Field(
        default=12_000,
        ge=0,
        description="Most requests a minute from one address, for each process; 0 for no limit. Events of trackers, "
        "and trusted proxies that name no client, are not counted.",
    )
    event_rate_limit: int = Field(
        default=0,
        ge=0,
        description="Most events of trackers a minute from one address, for each process; 0 for no limit. Those over "
        "it are refused and lost, and many visitors may share an address.",
    )
    auth_failure_limit: int = Field(
        default=20,
        ge=0,
        description="Most failed attempts a minute from one address with one key prefix; 0 for no limit.",
    )
    creation_rate_limit: int = Field(
        default=60,
        ge=0,
        description="Most new keys a minute of one tenant, and as many clients, shared links, invitations and imports, "
        "for each process; 0 for no limit. Administrators of the installation have none.",
    )
    metrics_port: int = Field(
        default=0, ge=0, le=65535, description="Port of its own for /metrics, without a key; 0 for none."
    )
    metrics_host: str = Field(default="127.0.0.1", description="Address that port listens on.")
    metrics_token: SecretStr | None = Field(
        default=None, description="A token that may read /metrics beside the API, as its Bearer."
    )
    otel_endpoint: str = Field(
        default="",
        description="OTLP/HTTP address for traces, such as `http://collector:4318/v1/traces`; needs the extra `otel`.",
    )
    max_sites: int = Field(default=1000, ge=1, description="Most sites one query may span.")
    smtp_url: SecretStr | None = Field(
        default=None,
        description="Mail server for invitations: `smtp://user:password@host:587` (STARTTLS where it is offered) or "
        "`smtps://...:465`. Without it, invitation links are returned to whoever invites.",
    )
    mail_from: str = Field(default="Tallyway <tallyway@localhost>", max_length=320, description="Sender of mails.")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least level that is logged."
    )
    log_format: Literal["json", "console"] = Field(default="json", description="JSON lines, or text for people.")
    access_log: bool = Field(default=True, description="One line for each request.")

    @field_validator("client_address_header", mode="before")
    @classmethod
    def _is_a_header(cls, value: Any) -> Any:
        return value.strip().lower() if isinstance(value, str) else value

    @field_validator("public_url")
    @classmethod
    def _is_an_origin(cls, value: str) -> str:
        if value and not value.startswith(("http://", "https://")):
            raise ValueError("must start with https:// or http://")
        return value.rstrip("/")

    @field_validator("admin_key")
    @classmethod
    def _is_long_enough(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value()) < 16:
            raise ValueError("must have at least 16 characters")
        return value

    @field_validator("smtp_url")
    @classmethod
    def _is_a_mail_server(cls, value: SecretStr | None) -> SecretStr | None:
        parts = urlsplit(value.get_secret_value()) if value is not None else None
        if parts is not None and (parts.scheme not in ("smtp", "smtps") or not parts.hostname):
            raise ValueError("must look like smtp://user:password@host:587 or smtps://host:465")
        return value

    def clock(self) -> datetime:
        """The time: frozen if the operator froze it."""
        return self.now.astimezone(UTC) if self.now is not None else datetime.now(UTC)


SECRETS = frozenset(name for name, field in Settings.model_fields.items() if "SecretStr" in str(field.annotation))


def read_settings(environment: Mapping[str, str]) -> Settings:
    """The settings in an environment and the TOML file it names.

    Raises ConfigurationError with every problem found; values of secrets are never part of it.
    """
    given = _from_toml(environment.get(CONFIG, "")) | _from_environment(environment)
    try:
        return Settings.model_validate(given)
    except ValidationError as error:
        said = "; ".join(f"{PREFIX}{p.field.upper()}: {p.reason}" for p in problems_of(error))
        raise ConfigurationError(said) from None  # the original shows the values, and with them secrets


def _from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for variable, value in environment.items():
        if not variable.startswith(PREFIX) or variable in NOT_SETTINGS or value == "" or SERVICE_LINK.match(variable):
            continue
        name = variable.removeprefix(PREFIX).lower()
        if name.removesuffix("_file") in SECRETS and name.endswith("_file"):
            if environment.get(variable.removesuffix("_FILE")):
                raise ConfigurationError(f"{variable.removesuffix('_FILE')} and {variable} are both set; use one")
            found[name.removesuffix("_file")] = _from_file(variable, value)
        else:
            found[name] = value
    return found


def _from_file(variable: str, path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{variable}: cannot read {path}: {type(error).__name__}") from error


def _from_toml(path: str) -> dict[str, Any]:
    if not path:
        return {}
    try:
        return tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError(f"{CONFIG}: cannot read {path}: {error}") from error
