"""The driver ``federation``: many back-ends behind one API."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from connexeo.drivers.federation.accounts import FederatedAccounts
from connexeo.drivers.federation.asking import Asking
from connexeo.drivers.federation.capabilities import FederatedCapabilities
from connexeo.drivers.federation.configuration import Configuration
from connexeo.drivers.federation.credentials import Credentials
from connexeo.drivers.federation.discovery import FederatedDiscovery, FederatedProcesses
from connexeo.drivers.federation.fanout import Fanout
from connexeo.drivers.federation.files import FederatedFiles
from connexeo.drivers.federation.jobs.all_jobs import AllJobs
from connexeo.drivers.federation.jobs.split_jobs import SplitJobs
from connexeo.drivers.federation.jobs.split_tokens import TokenBox
from connexeo.drivers.federation.members import Members
from connexeo.drivers.federation.processing import FederatedProcessing
from connexeo.drivers.federation.routing.choosing import Load
from connexeo.drivers.federation.routing.router import ProcessRouter
from connexeo.drivers.federation.services import FederatedServices
from connexeo.drivers.federation.snapshots.kinds import PROCESSES, PROVIDERS
from connexeo.drivers.federation.snapshots.reading import Snapshots
from connexeo.drivers.federation.stored_processes import (
    FederatedChecks,
    FederatedFinder,
    MergedDefinitions,
)
from connexeo.drivers.federation.user_defined_processes import FederatedUserDefinedProcesses
from connexeo.drivers.federation.views.loading import LOADERS, ProvidersView
from connexeo.drivers.federation.watching import Watching
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
from connexeo.drivers.local.state import State
from connexeo.drivers.local.state.secret import load_secrets
from connexeo.settings import Settings

if TYPE_CHECKING:
    from connexeo.drivers.federation.jobs.split_worker import SplitWorker


class FederationDriver:
    """The same API in front of many openEO back-ends."""

    capabilities: Capabilities
    data_discovery: DataDiscovery | None
    process_discovery: ProcessDiscovery | None
    data_processing: DataProcessing | None
    batch_jobs: BatchJobs | None
    file_storage: FileStorage | None
    user_defined_processes: UserDefinedProcesses | None
    secondary_services: SecondaryServices | None
    account_management: AccountManagement | None

    def __init__(self, settings: Settings) -> None:
        self._members = Members(Configuration(settings))
        self._snapshots = Snapshots(settings.data, lambda: self._members.ids, LOADERS)
        self._watching = Watching(settings)
        self._fanout = Fanout(self._members, self._snapshots)
        self._settings = settings
        self._state = state = State.from_settings(settings)
        self._accounts = FederatedAccounts(settings, state)
        self.account_management = self._accounts
        self.credentials = Credentials(settings.oidc, self._providers, self._providers_told)
        self.capabilities = FederatedCapabilities(
            self._members, self._snapshots, self._fanout, self._accounts
        )
        self.data_discovery = FederatedDiscovery(self._members, self._snapshots, self._fanout)
        self.process_discovery = FederatedProcesses(self._members, self._snapshots)
        definitions = MergedDefinitions(self._snapshots)
        finder = FederatedFinder(settings, state, definitions)
        checks = FederatedChecks(finder, definitions)
        load = Load()
        router = ProcessRouter(self._members, self._snapshots, self.credentials, finder, definitions, load)
        self.user_defined_processes = FederatedUserDefinedProcesses(
            state, definitions, finder, checks, router, self._snapshots, self._processes_told
        )
        self._asking = asking = Asking(self._members, self._fanout, self.credentials)
        # Each of these leaves out operations that do not exist here.
        processing = FederatedProcessing(
            asking, self._fanout, router, checks, self._snapshots, load, settings.result_timeout
        )
        self.data_processing = cast(DataProcessing, processing)
        split = SplitJobs(state, asking, router, lambda: TokenBox(load_secrets(settings)))
        self.batch_jobs = cast(BatchJobs, AllJobs(asking, router, split, self._snapshots))
        self.file_storage = FederatedFiles(asking, self._snapshots)
        self.secondary_services = cast(SecondaryServices, FederatedServices(asking, router, self._snapshots))

    def job_worker(self) -> SplitWorker:
        """What sees to split jobs, for a process that does nothing else and does not start the driver."""
        from connexeo.drivers.federation.jobs.split_worker import SplitWorker

        services = (self._watching, self._snapshots, self._members)
        return SplitWorker(self._settings, self._state, self._asking, services)

    async def start(self) -> None:
        """Open the files, and see to it that somebody watches the back-ends."""
        await self._accounts.start()
        await self._watching.start()
        await self._snapshots.start()
        await self._members.start()

    async def stop(self) -> None:
        """Close everything again."""
        await self._fanout.close()
        await self._members.stop()
        await self._snapshots.stop()
        await self._watching.stop()
        await self._accounts.stop()

    async def _processes_told(self) -> None:
        await self._snapshots.wait_for(PROCESSES, self._members.federation.deadline)

    async def _providers_told(self) -> None:
        await self._snapshots.wait_for(PROVIDERS, self._members.federation.deadline)

    def _providers(self) -> dict[str, list[dict[str, object]]]:
        view = self._snapshots.view(PROVIDERS)
        return dict(view.providers) if isinstance(view, ProvidersView) else {}  # type: ignore[arg-type]


def create_driver(settings: Settings) -> FederationDriver:
    """Make the driver; the entry point ``federation``.

    Raises:
        ValueError: when the settings name no back-ends.
    """
    return FederationDriver(settings)
