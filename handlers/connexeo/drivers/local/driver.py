"""The local driver: a complete back-end on one machine."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, cast

from connexeo.drivers.interface import (
    AccountManagement,
    BatchJobs,
    Capabilities,
    DataDiscovery,
    DataProcessing,
    FileStorage,
    ProcessDiscovery,
    SecondaryServices,
    UserDefinedProcesses,
)
from connexeo.drivers.local.accounts import LocalAccounts
from connexeo.drivers.local.accounts.limits import quota_of
from connexeo.drivers.local.capabilities import CapabilitiesWithUdfs, LocalCapabilities
from connexeo.drivers.local.catalogue import Catalogue
from connexeo.drivers.local.computing.computing import Computing
from connexeo.drivers.local.discovery import LocalDiscovery
from connexeo.drivers.local.environment import Sources, load_definitions
from connexeo.drivers.local.files.file_storage import LocalFileStorage
from connexeo.drivers.local.jobs.batch_jobs import LocalBatchJobs
from connexeo.drivers.local.jobs.billing import Billing
from connexeo.drivers.local.jobs.gauges import QueueGauges
from connexeo.drivers.local.known_collections import KnownCollections
from connexeo.drivers.local.processing import LocalProcessDiscovery, LocalProcessing
from connexeo.drivers.local.services.services import LocalServices
from connexeo.drivers.local.services.types import PARAMETER_NAMES
from connexeo.drivers.local.state import State
from connexeo.drivers.local.state.secret import load_secrets
from connexeo.drivers.local.storage import Storage
from connexeo.drivers.local.stored_processes.checking import ProcessChecks
from connexeo.drivers.local.stored_processes.finding import ProcessFinder
from connexeo.drivers.local.stored_processes.user_defined_processes import LocalUserDefinedProcesses
from connexeo.drivers.local.temporary import TemporaryFolder
from connexeo.settings import Settings

if TYPE_CHECKING:
    from connexeo.drivers.local.jobs.worker import Worker


class LocalDriver:
    """STAC collections, our own process engine, accounts in a database.

    The microservices have the types of their Protocols, so that a provider's subclass may put others in their places.
    """

    capabilities: Capabilities
    data_discovery: DataDiscovery | None
    process_discovery: ProcessDiscovery | None
    data_processing: DataProcessing | None
    batch_jobs: BatchJobs | None = None
    file_storage: FileStorage | None = None
    user_defined_processes: UserDefinedProcesses | None = None
    secondary_services: SecondaryServices | None = None
    account_management: AccountManagement | None

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._sources = sources = Sources.from_settings(settings)
        definitions = load_definitions(sources)
        self._state = State.from_settings(settings)
        self._accounts = LocalAccounts.from_settings(settings, self._state)
        self._storage = Storage.from_settings(settings)
        self._temporary = TemporaryFolder()
        self._computing = Computing(settings, sources, self._state, self._storage, temporary=self._temporary)
        self._files = LocalFileStorage(self._state, self._storage, quota=quota_of(settings))
        self.account_management = self._accounts
        self.file_storage = self._files
        # Without sandboxes it leaves out list_udf_runtimes: the operation does not exist then.
        capabilities = CapabilitiesWithUdfs if sources.udfs else LocalCapabilities
        self.capabilities = cast(
            Capabilities,
            capabilities(
                self._accounts, Billing.from_settings(settings), self._storage, QueueGauges(self._state)
            ),
        )
        catalogue = Catalogue(sources.catalogues)
        self.data_discovery = LocalDiscovery(catalogue)
        self.process_discovery = LocalProcessDiscovery(definitions)
        finder = ProcessFinder(settings, self._state, definitions)
        checks = ProcessChecks(finder, definitions, KnownCollections(catalogue))
        self.user_defined_processes = LocalUserDefinedProcesses(self._state, definitions, finder, checks)
        processing = LocalProcessing(settings, checks, self._computing, self._temporary)
        self.data_processing = processing
        self.batch_jobs = LocalBatchJobs(
            settings,
            self._state,
            self._storage,
            self._computing,
            processing.check_process,
            partial(load_secrets, settings),
        )
        # Tiles have children of their own, so that long computations do not hold them up.
        drawing = Computing(
            settings,
            sources,
            self._state,
            self._storage,
            processes=settings.tile_processes,
            temporary=self._temporary,
        )
        self._services = LocalServices(
            settings, self._state, drawing, partial(checks.check, parameters=PARAMETER_NAMES)
        )
        self.secondary_services = self._services

    def job_worker(self) -> Worker:
        """What runs batch jobs, for a process that does nothing else and does not start the driver."""
        from connexeo.drivers.local.jobs.worker import Worker

        return Worker(self._settings, self._sources, self._state, self._storage)

    async def start(self) -> None:
        """Open the database and make the signing key, if they are not there yet; sweep temporary files."""
        await asyncio.to_thread(self._temporary.sweep)
        await self._accounts.start()
        await self._files.start()

    async def stop(self) -> None:
        """Stop computations and close the database."""
        await self._services.stop()
        await self._computing.stop()
        await self._files.stop()
        await self._accounts.stop()
        await asyncio.to_thread(self._temporary.remove)


def create_driver(settings: Settings) -> LocalDriver:
    """Make the driver; the entry point ``local``."""
    return LocalDriver(settings)
