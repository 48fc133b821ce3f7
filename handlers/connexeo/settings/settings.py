"""Twelve-factor settings: ``CONNEXEO_*`` environment variables win over a TOML file, which wins over defaults.

Every field below is both: ``title`` is ``CONNEXEO_TITLE`` in the environment and ``title = …`` in the file.
Lists are comma-separated in the environment. Relative paths in the file start at the file's folder, all others at
the working directory. Only the server, the drivers and the command line read settings;
lower layers get plain arguments.
"""

from __future__ import annotations

import os
import re
import tomllib
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from connexeo.settings.federation import Federation

LOOPBACK = ("127.0.0.1", "::1", "localhost")

Names = Annotated[tuple[str, ...], NoDecode]
Paths = Annotated[tuple[Path, ...], NoDecode]


class OidcClient(BaseModel):
    """A client of an OpenID Connect provider that users need not register; it has no secret."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(min_length=1)
    grant_types: tuple[
        Literal[
            "implicit",
            "authorization_code",
            "authorization_code+pkce",
            "urn:ietf:params:oauth:grant-type:device_code",
            "urn:ietf:params:oauth:grant-type:device_code+pkce",
            "refresh_token",
        ],
        ...,
    ] = Field(min_length=1)
    redirect_urls: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _check_redirect_urls(self) -> Self:
        if not self.redirect_urls and any(
            grant.startswith(("implicit", "authorization_code")) for grant in self.grant_types
        ):
            raise ValueError("clients with the implicit or an authorization code grant need redirect_urls")
        return self


class OidcProvider(BaseModel):
    """An OpenID Connect provider that users may log in with (``GET /credentials/oidc``)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(pattern=r"^[\d\w]{1,20}$")
    issuer: str
    title: str
    description: str | None = None
    scopes: tuple[str, ...] = ("openid", "email")
    default_clients: tuple[OidcClient, ...] = ()
    """Clients that users need not register."""
    authorization_parameters: dict[str, str] = Field(default_factory=dict)
    """Parameters that clients send to the provider's authorization endpoint, such as ``prompt``."""
    audience: str | None = None
    """Expected ``aud`` of access tokens; any audience is accepted when unset."""
    roles_claim: str | None = None
    """Claim that lists a user's roles, for example ``eduperson_entitlement`` or ``realm_access.roles``."""
    role_values: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Values of that claim that give a role, by role; ``*`` stands for any characters. Without any, the values
    are the roles."""
    required_roles: tuple[str, ...] = ()
    """Roles of which a user must have one to be let in; anybody is when empty."""
    allow_private_network: bool = False
    """Let the issuer live on a private or loopback address (an issuer inside the own network, or a test)."""

    @field_validator("scopes")
    @classmethod
    def _with_openid(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if "openid" not in value:
            raise ValueError("must include `openid`")
        return value

    @field_validator("role_values", mode="before")
    @classmethod
    def _one_or_several(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return {role: (given,) if isinstance(given, str) else given for role, given in value.items()}


class Instance(BaseModel):
    """Another address at which this back-end is served, such as one for development."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str = Field(pattern=r"^https?://[^/]")
    api_version: str = Field(pattern=r"^\d+\.\d+\.\d+")
    production: bool = True


class Role(BaseModel):
    """What users with a role may do beyond, or short of, the others."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1)
    priority: int = 0
    """Of two waiting jobs of one user or of several, the one with the higher priority runs first."""
    jobs_per_user: int | None = Field(default=None, ge=1)
    """In place of the setting of this name."""
    storage_quota: int | None = Field(default=None, ge=0)
    """In place of the setting of this name."""


class BillingPlan(BaseModel):
    """A plan that users choose, and its prices."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1, max_length=100)
    description: str
    paid: bool
    url: str | None = None
    price_per_cpu_hour: float = Field(default=0.0, ge=0)
    price_per_megapixel: float = Field(default=0.0, ge=0)
    """Of pixels that are read."""


class Billing(BaseModel):
    """What a deployment charges for, and in which currency."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    currency: str = Field(min_length=1)
    """ISO 4217 code, or a unit such as ``credits``."""
    default_plan: str | None = None
    plans: tuple[BillingPlan, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _check_names(self) -> Self:
        names = [plan.name.casefold() for plan in self.plans]
        if len(set(names)) < len(names):
            raise ValueError("the names of plans must differ, and not only in upper and lower case")
        if self.default_plan is not None and self.default_plan.casefold() not in names:
            raise ValueError(f"the default plan '{self.default_plan}' is none of the plans")
        return self


class Settings(BaseSettings):
    """Everything that a deployment decides."""

    model_config = SettingsConfigDict(
        env_prefix="CONNEXEO_",
        env_nested_delimiter="__",
        frozen=True,
        extra="forbid",
    )

    # What the back-end calls itself.
    id: str = "connexeo"
    title: str = "connexeo"
    description: str = "An openEO back-end built with connexeo."

    # Where it listens, and how it is seen from outside.
    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65535)
    workers: int = Field(default=2, ge=1)
    base_path: str = ""
    """Path below which the API lives, such as ``/openeo/1.3``; the well-known document stays at the root."""
    public_url: str | None = None
    """Absolute URL of the API as clients see it; without it, links follow the request's ``Host``."""
    production: bool = True
    """Value of ``production`` in the capabilities."""
    instances: tuple[Instance, ...] = ()
    """Further instances that the well-known document lists, such as those of other API versions."""

    # What is served.
    driver: str = "local"
    """Name of an entry point in the group ``connexeo.drivers``, or ``package.module:factory``."""
    handlers: Names = ()
    """Handler packages of the deployment; they are asked before ours, operation by operation."""
    contract: Path | None = None
    """A merged OpenAPI document (``connexeo spec build``) instead of the one that ships."""
    overlays: Paths = ()
    """Overlay documents that ``connexeo serve`` merges into the contract at start."""
    disabled: Names = ()
    """operationIds that are switched off: not listed, and answered with FeatureUnsupported."""
    process_definitions: Paths = ()
    """Folders with the definitions of further processes, one YAML or JSON file each."""
    process_modules: Names = ()
    """Modules with further process implementations."""

    # State.
    data: Path = Path("connexeo-data")
    """Folder of everything that lasts: database, secret, demo data."""
    database: str | None = None
    """SQLAlchemy URL; an SQLite file in the data folder when unset."""
    storage: str | None = None
    """Folder or fsspec URL of uploaded files and results; a folder in the data folder when unset."""
    catalogues: Names = ()
    """Folders with static STAC catalogues, and URLs of STAC APIs."""
    stac_folders: Paths = ()
    """Folders of this machine from which all users may load STAC, by its path."""
    demo: bool = False
    """Serve the demo collections and the account demo/demo; refused on anything but loopback."""

    # Accounts.
    secret: SecretStr | None = None
    """Key that signs tokens; kept in a file in the data folder when unset."""
    former_secrets: tuple[SecretStr, ...] = ()
    """Earlier values of ``secret``: what they signed stays valid until it expires."""
    token_lifetime: int = Field(default=8 * 3600, ge=1)
    """Seconds until a Basic token expires."""
    oidc: tuple[OidcProvider, ...] = ()
    roles: tuple[Role, ...] = ()
    """What users with certain roles may do; roles that are not here change nothing."""

    # Limits.
    max_body: int = Field(default=16 * 2**20, ge=1024)
    """Largest JSON request body, in bytes, compressed or not."""
    result_timeout: float = Field(default=300.0, gt=0)
    """Seconds after which ``POST /result`` is stopped."""
    result_memory: int = Field(default=2 * 2**30, ge=2**26)
    """Bytes of input pixels above which ``POST /result`` is refused."""
    discovery_cache: float = Field(default=5.0, ge=0)
    """Seconds for which a public discovery document is answered without asking the driver again."""
    allow_private_network: bool = False
    """Let URLs in process graphs lead to loopback and private addresses, and the back-ends of a federation redirect to
    other hosts there. Whoever can run process graphs can then read what this machine can reach without a password, and
    send something there."""
    soft_errors: float = Field(default=0.0, ge=0, le=1)
    """The part of all assets of a computation that may be unreadable, and no data then, unless users say otherwise."""
    download_limit: int = Field(default=4 * 2**30, ge=0)
    """Bytes of files at URLs in process graphs that one computation may download."""

    # User-defined functions.
    udf: bool = True
    """Run code of users, where the machine can isolate it; see ``docs/udf.md``."""
    udf_memory: int = Field(default=2**30, ge=2**26)
    """Bytes of memory that each process with code of users may take, besides those for libraries."""
    udf_timeout: float = Field(default=300.0, gt=0)
    """Seconds after which a call of a user-defined function, on one block, is stopped."""
    udf_processes: int = Field(default=2, ge=1)
    """Processes with code of users that one computation may have at a time."""

    dask: str | None = None
    """Address of a dask scheduler, such as ``tcp://scheduler:8786``, whose workers compute pixels of jobs and of
    ``POST /result``; without it, threads of this machine do."""

    # Batch jobs.
    job_workers: int = Field(default=1, ge=0)
    """Worker processes that ``connexeo serve`` starts; 0 where only others run jobs."""
    job_slots: int = Field(default=1, ge=1)
    """Jobs that one worker runs at a time."""
    jobs_per_user: int = Field(default=2, ge=1)
    """Jobs of one user that run at a time, on all workers."""
    jobs_in_total: int = Field(default=0, ge=0)
    """Jobs that run at a time, on all workers; 0 for as many as there are slots."""
    job_tries: int = Field(default=3, ge=1)
    """How often a job is tried whose computing process dies."""
    job_timeout: float = Field(default=24 * 3600.0, gt=0)
    """Seconds after which a job is ended with an error."""
    job_memory: int = Field(default=4 * 2**30, ge=2**26)
    """Bytes of memory that a job may take."""
    result_lifetime: float = Field(default=90 * 86400.0, gt=0)
    """Seconds for which results of jobs are kept."""
    link_lifetime: float = Field(default=7 * 86400.0, gt=0)
    """Seconds for which signed links to results are valid."""

    # Billing.
    billing: Billing | None = None
    """Currency, plans and prices; nothing is charged when unset."""

    # Federation.
    federation: Federation | None = None
    """The back-ends that the driver ``federation`` stands in front of."""

    # Files.
    storage_quota: int = Field(default=10 * 2**30, ge=0)
    """Bytes that the files of one user may take."""

    # Services.
    tile_cache: int = Field(default=512 * 2**20, ge=0)
    """Bytes of tiles that are kept."""
    tile_lifetime: float = Field(default=86400.0, ge=0)
    """Seconds after which a tile is drawn again, as the data may have changed."""
    tile_timeout: float = Field(default=30.0, gt=0)
    """Seconds after which drawing a tile is stopped, and for which it waits for a free process before."""
    tile_processes: int = Field(default=1, ge=1)
    """Processes of each web worker that draw tiles."""

    # Operations.
    log_format: Literal["json", "text"] = "text"
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    access_log: bool = True
    metrics: bool = False
    """Serve Prometheus metrics at ``/metrics``."""
    shutdown_timeout: int = Field(default=30, ge=1)
    """Seconds that running requests are given when the server stops."""

    @field_validator(
        "handlers",
        "disabled",
        "process_modules",
        "process_definitions",
        "catalogues",
        "overlays",
        "stac_folders",
        mode="before",
    )
    @classmethod
    def _split(cls, value: Any) -> Any:
        return _names(value) if isinstance(value, str) else value

    @field_validator("base_path")
    @classmethod
    def _canonical_base_path(cls, value: str) -> str:
        value = value.strip("/")
        return f"/{value}" if value else ""

    @field_validator("dask")
    @classmethod
    def _usable_cluster(cls, value: str | None) -> str | None:
        if value is None:
            return None
        if not re.fullmatch(r"(tcp|tls|ws|wss)://[^/\s]+:\d+", value):
            raise ValueError("must be the address of a dask scheduler, such as tcp://scheduler:8786")
        if find_spec("distributed") is None:
            raise ValueError("needs the package distributed: pip install 'connexeo[dask]'")
        return value

    @field_validator("public_url")
    @classmethod
    def _canonical_public_url(cls, value: str | None) -> str | None:
        if value is None:
            return None
        if not value.startswith(("http://", "https://")):
            raise ValueError("must start with http:// or https://")
        return value.rstrip("/")

    @property
    def in_production(self) -> bool:
        """What the API says of itself; a demo never is."""
        return self.production and not self.demo

    @property
    def database_url(self) -> str:
        """SQLAlchemy URL of the database in use."""
        return self.database or f"sqlite:///{self.data.resolve() / 'connexeo.sqlite'}"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments win over the environment, the environment over the file that ``CONNEXEO_CONFIG`` names."""
        sources = [init_settings, env_settings]
        config = os.environ.get("CONNEXEO_CONFIG")
        if config:
            sources.append(InitSettingsSource(settings_cls, read_file(Path(config))))
        return tuple(sources)


def read_file(path: Path) -> dict[str, Any]:
    """The settings in a TOML file, relative paths resolved against its folder.

    Raises:
        ValueError: when it cannot be read as TOML.
    """
    try:
        with path.open("rb") as file:
            values = tomllib.load(file)
    except OSError as error:
        raise ValueError(f"the settings file {path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"the settings file {path} is not valid TOML: {error}") from error
    folder = path.resolve().parent
    return {key: _resolved(key, value, folder) for key, value in values.items()}


def _resolved(key: str, value: Any, folder: Path) -> Any:
    """A setting of the file, with paths made absolute; what has the wrong type is left to the validation."""
    if key in ("contract", "data") and isinstance(value, str):
        return folder / value
    if key == "storage":
        return _path_beside(value, folder)
    if key in ("overlays", "catalogues", "process_definitions", "stac_folders"):
        entries = _names(value) if isinstance(value, str) else value
        if isinstance(entries, list | tuple):
            return tuple(_path_beside(entry, folder) for entry in entries)
    return value


def _path_beside(entry: Any, folder: Path) -> Any:
    return str(folder / entry) if isinstance(entry, str) and "://" not in entry else entry


def _names(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def load_settings(**overrides: Any) -> Settings:
    """Read the settings; arguments that are None count as not given.

    Raises:
        ValueError: with one readable line for each setting that is wrong.
    """
    config = os.environ.get("CONNEXEO_CONFIG")
    if config and not Path(config).is_file():
        raise ValueError(f"the settings file {config} does not exist")
    try:
        return Settings(**{key: value for key, value in overrides.items() if value is not None})
    except ValidationError as error:
        faults = (f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise ValueError("wrong settings: " + "; ".join(faults)) from None


def require_loopback(settings: Settings) -> None:
    """Refuse to show the demo to the world.

    Raises:
        ValueError: when other machines could reach it.
    """
    if settings.demo and settings.host not in LOOPBACK:
        raise ValueError(
            f"the demo has a well-known password, so it is only served on loopback, not on {settings.host}"
        )
