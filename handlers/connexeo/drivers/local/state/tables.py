"""Tables of the local driver's database.

Every table of users' things has a column ``user_id``; `connexeo.drivers.local.state.ownership` is the only way to
their rows. A change here wants a revision in ``migrations/versions`` and a new ``database.HEAD``.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Float,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
)
from sqlalchemy.types import TypeDecorator

metadata = MetaData()


class UtcDateTime(TypeDecorator[datetime]):
    """Aware instants, kept as UTC also where the database knows no time zones."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """To a naive UTC time."""
        return None if value is None else value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        """From a naive UTC time."""
        return None if value is None else value.replace(tzinfo=UTC)


class JsonText(TypeDecorator[Any]):
    """JSON values, kept as text so that the order of keys and every number stay as the user wrote them."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any | None, dialect: Dialect) -> Any:
        """To text; NUL characters, which PostgreSQL cannot keep, are escaped by JSON already."""
        return None if value is None else orjson.dumps(value).decode()

    def process_result_value(self, value: Any | None, dialect: Dialect) -> Any:
        """From text."""
        return None if value is None else orjson.loads(value)


users = Table(
    "users",
    metadata,
    # As in `User.id`: the name of a Basic account, `<provider>~<subject>` of an OpenID Connect user.
    Column("id", String(200), primary_key=True),
    Column("name", String(256)),
    Column("provider", String(20), nullable=False),
    # argon2id in its own text format; null where somebody else checks the password.
    Column("password", String(255)),
    Column("created", UtcDateTime, nullable=False),
    Column("disabled", Boolean, nullable=False),
    # Tokens carry the generation they were made in; older ones are no longer valid.
    Column("token_generation", Integer, nullable=False),
    # Lists: what the administrator gave, and what the OpenID Connect provider said last.
    Column("roles", JsonText),
    Column("claimed_roles", JsonText),
)

jobs = Table(
    "jobs",
    metadata,
    # ``j-`` and 32 hexadecimal digits: cannot be guessed.
    Column("id", String(40), primary_key=True),
    Column("user_id", String(200), nullable=False),
    Column("title", Text),
    Column("description", Text),
    Column("plan", Text),
    Column("budget", Float),
    Column("log_level", String(10), nullable=False),
    Column("priority", Integer, nullable=False),
    # created, queued, running, canceled, finished, error
    Column("status", String(10), nullable=False),
    Column("progress", Float),
    Column("created", UtcDateTime, nullable=False),
    Column("updated", UtcDateTime),
    Column("queued", UtcDateTime),
    Column("started", UtcDateTime),
    # When the results go.
    Column("unpublished", UtcDateTime),
    Column("costs", Float),
    Column("usage", JsonText),
    # Number of the run: one more each time that a worker takes the job. Whatever a worker writes about a job names
    # the run it is at, and counts only if it still is the present one.
    Column("run", Integer, nullable=False),
    # Run whose results can be downloaded; they lie in the storage below ``jobs/<id>/<run>/``.
    Column("published", Integer),
    # Worker that is at it; null unless running.
    Column("worker_id", String(40)),
    # How often a run ended with the death of the computing process, or of its worker, since the job was queued.
    Column("crashes", Integer, nullable=False),
    Column("losses", Integer, nullable=False),
    # Large, so last: SQLite reads all that stands before what it looks for, and lists do without these.
    Column("process", JsonText, nullable=False),
    # Properties of the request that the contract does not know.
    Column("extra", JsonText),
    Index("jobs_of_user", "user_id", "created", "id"),
    Index("jobs_to_do", "status", "user_id", "priority", "queued"),
    Index("jobs_of_worker", "worker_id"),
)

job_results = Table(
    "job_results",
    metadata,
    Column("job_id", String(40), primary_key=True),
    Column("run", Integer, primary_key=True),
    # What `connexeo.drivers.local.jobs.results` makes STAC documents of.
    Column("document", JsonText, nullable=False),
)

job_logs = Table(
    "job_logs",
    metadata,
    Column("job_id", String(40), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("time", UtcDateTime, nullable=False),
    # 1 debug, 2 info, 3 warning, 4 error
    Column("level", Integer, nullable=False),
    # Everything else of the entry, as the contract has it.
    Column("entry", JsonText, nullable=False),
)

workers = Table(
    "workers",
    metadata,
    Column("id", String(40), primary_key=True),
    # Workers of one place share a folder of lock files, and so can tell at once who is dead.
    Column("place", String(40), nullable=False),
    Column("started", UtcDateTime, nullable=False),
    # Counts on while the worker lives; others watch whether it does, whatever their clocks say.
    Column("beat", BigInteger, nullable=False),
)

job_turns = Table(
    "job_turns",
    metadata,
    Column("user_id", String(200), primary_key=True),
    # Counts on with each job that starts, so that users with the same number of running jobs take turns.
    Column("turn", BigInteger, nullable=False),
)

files = Table(
    "files",
    metadata,
    Column("user_id", String(200), primary_key=True),
    # In the order of bytes, in which a folder is one range, and which is the same in every database.
    Column("path", String(1024).with_variant(String(1024, collation="C"), "postgresql"), primary_key=True),
    # Key of the content in the storage; a replaced file gets a new one.
    Column("blob", String(40), nullable=False, unique=True),
    Column("size", BigInteger, nullable=False),
    Column("modified", UtcDateTime, nullable=False),
    Column("media_type", String(255), nullable=False),
    # SHA-256, hexadecimal.
    Column("checksum", String(64), nullable=False),
)

stored_processes = Table(
    "stored_processes",
    metadata,
    Column("user_id", String(200), primary_key=True),
    Column("id", String(200), primary_key=True),
    Column("definition", JsonText, nullable=False),
    # What lists show of it.
    Column("summary", JsonText, nullable=False),
    Column("created", UtcDateTime, nullable=False),
    Column("updated", UtcDateTime, nullable=False),
)

services = Table(
    "services",
    metadata,
    # ``s-`` and 32 hexadecimal digits: cannot be guessed, since whoever knows it can see the maps.
    Column("id", String(40), primary_key=True),
    Column("user_id", String(200), nullable=False),
    Column("type", String(20), nullable=False),
    Column("title", Text),
    Column("description", Text),
    Column("process", JsonText, nullable=False),
    Column("extra", JsonText),
    Column("enabled", Boolean, nullable=False),
    Column("configuration", JsonText, nullable=False),
    Column("plan", Text),
    Column("budget", Float),
    Column("log_level", String(10), nullable=False),
    Column("created", UtcDateTime, nullable=False),
    Column("costs", Float),
    Column("usage", JsonText),
    # One more with each change: what was drawn before is out of date.
    Column("version", Integer, nullable=False),
    # Where the data of this version lies and which values it has; null until somebody wants to see them.
    Column("survey", JsonText),
    Index("services_of_user", "user_id", "created", "id"),
)

service_logs = Table(
    "service_logs",
    metadata,
    Column("service_id", String(40), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("time", UtcDateTime, nullable=False),
    Column("level", Integer, nullable=False),
    Column("entry", JsonText, nullable=False),
)

split_jobs = Table(
    "split_jobs",
    metadata,
    # ``p-`` and 32 hexadecimal digits; users see ``split~`` and the digits.
    Column("id", String(40), primary_key=True),
    Column("user_id", String(200), nullable=False),
    # As of `users`.
    Column("provider", String(20), nullable=False),
    Column("title", Text),
    Column("description", Text),
    Column("plan", Text),
    Column("budget", Float),
    Column("log_level", String(10), nullable=False),
    # As of `jobs`; ``deleted`` as long as there is something left at the back-ends.
    Column("status", String(10), nullable=False),
    Column("progress", Float),
    Column("created", UtcDateTime, nullable=False),
    Column("updated", UtcDateTime),
    Column("queued", UtcDateTime),
    Column("started", UtcDateTime),
    # When it is given up.
    Column("expires", UtcDateTime),
    # One more each time that the job is started.
    Column("run", Integer, nullable=False),
    # Whether there is something to do at the back-ends.
    Column("active", Boolean, nullable=False),
    # The place whose worker sees to it, and until when others leave it alone.
    Column("driven_by", String(40)),
    Column("driven_until", UtcDateTime),
    # Ids of the back-ends, that of the primary part first.
    Column("upstreams", JsonText, nullable=False),
    # Encrypted; null when it is not needed, or the back-ends know the user by an account.
    Column("token", Text),
    Column("process", JsonText, nullable=False),
    # What goes along with each part, such as `job_options`; and properties that the contract does not know.
    Column("extra", JsonText),
    Index("split_jobs_of_user", "user_id", "created", "id"),
    Index("split_jobs_to_do", "active"),
)

split_job_parts = Table(
    "split_job_parts",
    metadata,
    Column("job_id", String(40), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("name", String(40), nullable=False),
    Column("upstream", String(40), nullable=False),
    # waiting, creating, created, queued, running, finished, error, canceled
    Column("status", String(10), nullable=False),
    Column("progress", Float),
    # Identifier of the job at the back-end.
    Column("remote", Text),
    # How often a job was made for it there since the split job was started.
    Column("tries", Integer, nullable=False),
    # Identifier of the last entry of its log there that has been copied.
    Column("logged", Text),
    Column("updated", UtcDateTime),
    # Federated identifiers of the jobs of former tries and runs, to be deleted.
    Column("former", JsonText),
    Column("document", JsonText, nullable=False),
)

split_job_logs = Table(
    "split_job_logs",
    metadata,
    Column("job_id", String(40), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("time", UtcDateTime, nullable=False),
    Column("level", Integer, nullable=False),
    Column("entry", JsonText, nullable=False),
)
