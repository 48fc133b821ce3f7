"""Capabilities of the local driver."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from connexeo.drivers.interface import Gauge, Json, User
from connexeo.drivers.local.accounts import LocalAccounts
from connexeo.drivers.local.jobs.billing import Billing
from connexeo.drivers.local.jobs.gauges import QueueGauges
from connexeo.drivers.local.storage import Storage
from connexeo.processing.formats import list_formats
from connexeo.processing.udf.runtimes import list_runtimes


class LocalCapabilities:
    """File formats, whether database and storage answer, and how long the queue is."""

    def __init__(
        self, accounts: LocalAccounts, billing: Billing, storage: Storage, gauges: QueueGauges
    ) -> None:
        self._accounts = accounts
        self._storage = storage
        self._billing = billing
        self._gauges = gauges

    async def capabilities(self, user: User | None) -> Json:
        """Currency and plans, where the deployment charges."""
        return self._billing.capabilities()

    async def list_file_types(self, user: User | None) -> Json:
        """The formats that the process engine reads and writes."""
        return list_formats()

    async def ready(self) -> Mapping[str, bool]:
        """Whether the database and the storage answer."""
        database, storage = await asyncio.gather(
            self._accounts.ready(), asyncio.to_thread(self._storage.check)
        )
        return {"database": database, "storage": storage}

    async def gauges(self) -> Sequence[Gauge]:
        """Jobs that wait or run, and workers."""
        return await self._gauges.read()


class CapabilitiesWithUdfs(LocalCapabilities):
    """The same where code of users can run: elsewhere the operation does not exist."""

    async def list_udf_runtimes(self, user: User | None) -> Json:
        """This Python, with the libraries that are installed beside it."""
        return list_runtimes()
