"""Jobs that are split among the back-ends of a federation."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_TABLES = ("split_jobs", "split_job_parts", "split_job_logs")


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "split_jobs",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("user_id", sa.String(200), nullable=False),
        sa.Column("provider", sa.String(20), nullable=False),
        sa.Column("title", sa.Text),
        sa.Column("description", sa.Text),
        sa.Column("plan", sa.Text),
        sa.Column("budget", sa.Float),
        sa.Column("log_level", sa.String(10), nullable=False),
        sa.Column("status", sa.String(10), nullable=False),
        sa.Column("progress", sa.Float),
        sa.Column("created", sa.DateTime, nullable=False),
        sa.Column("updated", sa.DateTime),
        sa.Column("queued", sa.DateTime),
        sa.Column("started", sa.DateTime),
        sa.Column("expires", sa.DateTime),
        sa.Column("run", sa.Integer, nullable=False),
        sa.Column("active", sa.Boolean, nullable=False),
        sa.Column("driven_by", sa.String(40)),
        sa.Column("driven_until", sa.DateTime),
        sa.Column("upstreams", sa.Text, nullable=False),
        sa.Column("token", sa.Text),
        sa.Column("process", sa.Text, nullable=False),
        sa.Column("extra", sa.Text),
    )
    op.create_index("split_jobs_of_user", "split_jobs", ["user_id", "created", "id"])
    op.create_index("split_jobs_to_do", "split_jobs", ["active"])
    op.create_table(
        "split_job_parts",
        sa.Column("job_id", sa.String(40), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("upstream", sa.String(40), nullable=False),
        sa.Column("status", sa.String(10), nullable=False),
        sa.Column("progress", sa.Float),
        sa.Column("remote", sa.Text),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("logged", sa.Text),
        sa.Column("updated", sa.DateTime),
        sa.Column("former", sa.Text),
        sa.Column("document", sa.Text, nullable=False),
    )
    op.create_table(
        "split_job_logs",
        sa.Column("job_id", sa.String(40), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("time", sa.DateTime, nullable=False),
        sa.Column("level", sa.Integer, nullable=False),
        sa.Column("entry", sa.Text, nullable=False),
    )


def downgrade() -> None:
    """Drop them."""
    for name in _TABLES:
        op.drop_table(name)
