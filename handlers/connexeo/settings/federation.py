"""Settings of a federation: its back-ends, and how long anybody waits for them."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

_HOUR = 3600.0

SPLIT = "split"
"""In place of the id of a back-end in the identifiers of jobs that are split among several."""


class Selection(BaseModel):
    """Which identifiers of a back-end are taken: those that a pattern of ``allow`` fits, and none of ``deny``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    allow: tuple[str, ...] = ("*",)
    """Patterns in which ``*`` stands for any characters."""
    deny: tuple[str, ...] = ()

    def takes(self, identifier: str) -> bool:
        """Whether an identifier is taken."""
        return any(fnmatchcase(identifier, each) for each in self.allow) and not any(
            fnmatchcase(identifier, each) for each in self.deny
        )


Agreement = Literal["union", "intersection"]
"""Whether what any back-end has is listed, or only what all of them have."""


class Merging(BaseModel):
    """What lists show, kind by kind; back-ends that have no such list, or have not answered yet, do not count."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    collections: Agreement = "union"
    processes: Agreement = "union"
    file_formats: Agreement = "union"
    udf_runtimes: Agreement = "union"
    service_types: Agreement = "union"


class BasicAccount(BaseModel):
    """User name and password at a back-end."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    username: str = Field(min_length=1)
    password: SecretStr


class Upstream(BaseModel):
    """A back-end of the federation."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$")
    """Short and stable: it is part of the identifiers of jobs, files and services."""
    url: str = Field(pattern=r"^https?://[^/\s]")
    """Of the API of one version, as the well-known document of the back-end lists it."""
    title: str | None = None
    """The back-end's own title when unset."""
    description: str | None = None
    experimental: bool = False
    deprecated: bool = False
    weight: float = Field(default=1.0, gt=0)
    """Of several back-ends that can run a process, one with a higher weight is preferred."""

    deadline: float | None = Field(default=None, gt=0)
    """In place of the deadline of the federation, in seconds."""
    connect_timeout: float = Field(default=2.0, gt=0)
    """Seconds until a connection must stand."""
    retries: int = Field(default=1, ge=0, le=5)
    """How often a request that changes nothing is repeated when the back-end says that it is busy."""

    token: SecretStr | None = None
    """Bearer token for background checks, for back-ends that show nothing to the anonymous."""
    account: BasicAccount | None = None
    """The same, with HTTP Basic."""
    oidc: dict[str, str] = Field(default_factory=dict)
    """Provider of this federation to provider of the back-end, where several have the same issuer. Tokens only ever
    go to back-ends that name the issuer of the token among their own providers."""
    accounts: dict[str, BasicAccount] = Field(default_factory=dict)
    """User name of HTTP Basic here to account at the back-end; ``*`` stands for everybody who is not named."""
    ca_file: str | None = None
    """Certificates that are trusted besides those of the system."""

    collections: Selection = Selection()
    processes: Selection = Selection()

    @field_validator("id")
    @classmethod
    def _not_reserved(cls, value: str) -> str:
        if value.casefold() == SPLIT:
            raise ValueError(f"'{SPLIT}' stands for jobs of several upstreams; choose another id")
        return value

    @field_validator("url")
    @classmethod
    def _without_slash(cls, value: str) -> str:
        return value.rstrip("/")


class Breaker(BaseModel):
    """When a back-end is not asked any longer, and when it is tried again."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    failures: int = Field(default=3, ge=1)
    """Requests in a row that fail, after which nobody waits for the back-end."""
    pause: float = Field(default=10.0, gt=0)
    """Seconds until it is tried again, in the background."""


class Federation(BaseModel):
    """What the driver ``federation`` is told in ``[federation]``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    upstreams: tuple[Upstream, ...] = Field(min_length=1)
    deadline: float = Field(default=3.0, gt=0)
    """Seconds after which a list is answered with what is there."""
    request_timeout: float = Field(default=30.0, gt=0)
    """Seconds that a request for one thing of one back-end may take."""
    probe_interval: float = Field(default=15.0, gt=0)
    """Seconds between checks of whether a back-end is there."""
    refresh_interval: float = Field(default=300.0, gt=0)
    """Seconds after which collections, processes and the like are asked for again."""
    refresh_timeout: float = Field(default=60.0, gt=0)
    """Seconds that one of these may take, in the background."""
    max_document: int = Field(default=64 * 2**20, ge=2**16)
    """Bytes of a document that are read at most."""
    breaker: Breaker = Breaker()
    prefer: tuple[str, ...] = ()
    """Back-ends in the order in which their titles, descriptions and the like are preferred; then those that are
    left, as they are configured."""
    merge: Merging = Merging()
    split_jobs: bool = True
    """Whether a job that needs several back-ends is split."""
    job_interval: float = Field(default=10.0, gt=0)
    """Seconds between questions about the parts of split jobs."""
    split_lifetime: float = Field(default=24 * _HOUR, gt=0)
    """Seconds that parts of split jobs may take."""

    @model_validator(mode="after")
    def _check_ids(self) -> Self:
        ids = [upstream.id for upstream in self.upstreams]
        if len({each.casefold() for each in ids}) < len(ids):
            raise ValueError("the ids of upstreams must differ, and not only in upper and lower case")
        unknown = sorted(set(self.prefer) - set(ids))
        if unknown:
            raise ValueError(f"prefer names no upstream: {', '.join(unknown)}")
        return self

    @property
    def order(self) -> tuple[str, ...]:
        """Ids of all back-ends, the preferred ones first."""
        return tuple(dict.fromkeys((*self.prefer, *(upstream.id for upstream in self.upstreams))))

    def upstream(self, identifier: str) -> Upstream | None:
        """The back-end with this id."""
        return next((each for each in self.upstreams if each.id == identifier), None)

    def deadline_of(self, upstream: Upstream) -> float:
        """Seconds that a list may wait for a back-end."""
        return upstream.deadline if upstream.deadline is not None else self.deadline
