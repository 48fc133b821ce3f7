"""What children ask their host for: files and results of the user."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from connexeo.generated.errors import FeatureUnsupported

if TYPE_CHECKING:
    from sqlalchemy import Engine

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
    """

    def __init__(self, engine: Engine, storage: Storage, user_id: str, scratch: Path, *, quota: int) -> None:
        self._engine = engine
        self._storage = storage
        self._user_id = user_id
        self._scratch = scratch
        self._quota = quota

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
        raise FeatureUnsupported(f"There is nothing called '{name}' here.")

    def _workspace(self) -> Workspace:
        from connexeo.drivers.local.workspace import LocalWorkspace

        self._scratch.mkdir(mode=0o700, parents=True, exist_ok=True)
        return LocalWorkspace(self._engine, self._storage, self._user_id, self._scratch, quota=self._quota)
