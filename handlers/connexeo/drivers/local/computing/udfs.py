"""User-defined functions, as a deployment lets them run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from connexeo.settings import Settings


def udf_limits(settings: Settings) -> dict[str, Any]:
    """What user-defined functions may take, as children are told it."""
    return {
        "memory": settings.udf_memory,
        "timeout": settings.udf_timeout,
        "processes": settings.udf_processes,
        "hidden": _folders(settings),
    }


def can_run_udfs(settings: Settings) -> bool:
    """Whether user-defined functions are offered: the deployment wants them, and they can be isolated here."""
    if not settings.udf:
        return False
    from connexeo.processing.udf import isolation

    reason = isolation.why_not()
    if reason is not None:
        import structlog  # here, as children need none of it

        logger = structlog.get_logger("connexeo.processing")
        logger.warning("udf.not_offered", reason=reason)
    return reason is None


def _folders(settings: Settings) -> list[str]:
    """Folders with data of users, which lie among those of Python in no sensible deployment."""
    folders = [str(settings.data.resolve())]
    if settings.storage is not None and "://" not in settings.storage:
        folders.append(settings.storage)
    return folders
