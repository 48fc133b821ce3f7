"""What children ask their host for: files and results of the user."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from connexeo.generated.errors import FeatureUnsupported

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from connexeo.drivers.local.accounts.limits import Quota
    from connexeo.drivers.local.storage import Storage
    from connexeo.processing.environment import Workspace


class Questions:
    """Answers the questions of one task; blocking.

    Args:
        engine: The database.
        storage: Where files and results lie.
        user_id: Whose they are.
        scratch: Folder for local copies; made when it is first needed.
        quota: Bytes that the user's files may take.
        secrets: What addresses of results are signed with.
    """

    def __init__(
        self,
        engine: Engine,
        storage: Storage,
        user_id: str,
        scratch: Path,
        *,
        quota: Quota,
        secrets: Callable[[], Sequence[bytes]],
    ) -> None:
        self._engine = engine
        self._storage = storage
        self._user_id = user_id
        self._scratch = scratch
        self._quota = quota
        self._secrets = secrets

    def __call__(self, name: str, arguments: Mapping[str, Any]) -> Any:
        """The answer, a JSON value.

        Raises:
            OpenEOError: what the workspace raises.
        """
        workspace = self._workspace()
        match name:
            case "file":
                return str(workspace.file(arguments["path"]))
            case "results":
                return workspace.results(arguments["job_id"])
            case "save":
                return workspace.save(arguments["path"], Path(arguments["source"]))
            case "results_at":
                return self._results_at(arguments["url"])
            case "scratch":
                return str(self._scratch)
        raise FeatureUnsupported(f"There is nothing called '{name}' here.")

    def _results_at(self, url: str) -> list[dict[str, Any]] | None:
        from connexeo.drivers.local.jobs.addresses import items_at
        from connexeo.drivers.local.state.state import transaction

        with transaction(self._engine, writing=False) as connection:
            return items_at(connection, self._storage, self._secrets(), self._user_id, url, self._scratch)

    def _workspace(self) -> Workspace:
        from connexeo.drivers.local.workspace import LocalWorkspace

        self._scratch.mkdir(mode=0o700, parents=True, exist_ok=True)
        return LocalWorkspace(self._engine, self._storage, self._user_id, self._scratch, quota=self._quota)
