"""Jobs with their results, logs and workers; files; stored processes; services; roles of users."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_TABLES = (
    "jobs", "job_results", "job_logs", "workers", "job_turns", "files", "stored_processes", "services", "service_logs",
)  # fmt: skip


def upgrade() -> None:
    """Create the tables, and give users roles."""
    op.add_column("users", sa.Column("roles", sa.Text))
    op.add_column("users", sa.Column("claimed_roles", sa.Text))
    _create_jobs()
    _create_logs("job_logs", "job_id")
    op.create_table(
        "workers",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("place", sa.String(40), nullable=False),
        sa.Column("started", sa.DateTime, nullable=False),
        sa.Column("beat", sa.BigInteger, nullable=False),
    )
    path = sa.String(1024).with_variant(sa.String(1024, collation="C"), "postgresql")
    op.create_table(
        "job_turns",
        sa.Column("user_id", sa.String(200), primary_key=True),
        sa.Column("turn", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "files",
        sa.Column("user_id", sa.String(200), primary_key=True),
        sa.Column("path", path, primary_key=True),
        sa.Column("blob", sa.String(40), nullable=False, unique=True),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("modified", sa.DateTime, nullable=False),
        sa.Column("media_type", sa.String(255), nullable=False),
        sa.Column("checksum", sa.String(64), nullable=False),
    )
    op.create_table(
        "stored_processes",
        sa.Column("user_id", sa.String(200), primary_key=True),
        sa.Column("id", sa.String(200), primary_key=True),
        sa.Column("definition", sa.Text, nullable=False),
        sa.Column("summary", sa.Text, nullable=False),
        sa.Column("created", sa.DateTime, nullable=False),
        sa.Column("updated", sa.DateTime, nullable=False),
    )
    _create_services()
    _create_logs("service_logs", "service_id")


def _create_jobs() -> None:
    op.create_table(
        "jobs",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("user_id", sa.String(200), nullable=False),
        sa.Column("title", sa.Text),
        sa.Column("description", sa.Text),
        sa.Column("plan", sa.Text),
        sa.Column("budget", sa.Float),
        sa.Column("log_level", sa.String(10), nullable=False),
        sa.Column("priority", sa.Integer, nullable=False),
        sa.Column("status", sa.String(10), nullable=False),
        sa.Column("progress", sa.Float),
        sa.Column("created", sa.DateTime, nullable=False),
        sa.Column("updated", sa.DateTime),
        sa.Column("queued", sa.DateTime),
        sa.Column("started", sa.DateTime),
        sa.Column("unpublished", sa.DateTime),
        sa.Column("costs", sa.Float),
        sa.Column("usage", sa.Text),
        sa.Column("run", sa.Integer, nullable=False),
        sa.Column("published", sa.Integer),
        sa.Column("worker_id", sa.String(40)),
        sa.Column("crashes", sa.Integer, nullable=False),
        sa.Column("losses", sa.Integer, nullable=False),
        sa.Column("process", sa.Text, nullable=False),
        sa.Column("extra", sa.Text),
    )
    op.create_index("jobs_of_user", "jobs", ["user_id", "created", "id"])
    op.create_index("jobs_to_do", "jobs", ["status", "user_id", "priority", "queued"])
    op.create_index("jobs_of_worker", "jobs", ["worker_id"])
    op.create_table(
        "job_results",
        sa.Column("job_id", sa.String(40), primary_key=True),
        sa.Column("run", sa.Integer, primary_key=True),
        sa.Column("document", sa.Text, nullable=False),
    )


def _create_services() -> None:
    op.create_table(
        "services",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("user_id", sa.String(200), nullable=False),
        sa.Column("type", sa.String(20), nullable=False),
        sa.Column("title", sa.Text),
        sa.Column("description", sa.Text),
        sa.Column("process", sa.Text, nullable=False),
        sa.Column("extra", sa.Text),
        sa.Column("enabled", sa.Boolean, nullable=False),
        sa.Column("configuration", sa.Text, nullable=False),
        sa.Column("plan", sa.Text),
        sa.Column("budget", sa.Float),
        sa.Column("log_level", sa.String(10), nullable=False),
        sa.Column("created", sa.DateTime, nullable=False),
        sa.Column("costs", sa.Float),
        sa.Column("usage", sa.Text),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("survey", sa.Text),
    )
    op.create_index("services_of_user", "services", ["user_id", "created", "id"])


def _create_logs(name: str, owner: str) -> None:
    op.create_table(
        name,
        sa.Column(owner, sa.String(40), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("time", sa.DateTime, nullable=False),
        sa.Column("level", sa.Integer, nullable=False),
        sa.Column("entry", sa.Text, nullable=False),
    )


def downgrade() -> None:
    """Drop them."""
    for name in _TABLES:
        op.drop_table(name)
    op.drop_column("users", "claimed_roles")
    op.drop_column("users", "roles")
