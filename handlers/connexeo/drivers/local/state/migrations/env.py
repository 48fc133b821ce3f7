"""Run by alembic: migrate over the connection, and in the transaction, that ``database.py`` hands over.

A further revision is a further file in ``versions/``; ``database.HEAD`` names the newest one.
"""

from __future__ import annotations

from alembic import context

from connexeo.drivers.local.state.database import VERSION_TABLE
from connexeo.drivers.local.state.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
