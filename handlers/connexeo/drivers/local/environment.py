"""What process graphs of the local driver run in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from connexeo.processing.environment import Environment


def make_environment(
    catalogues: tuple[str, ...], process_modules: tuple[str, ...], *, log: Callable[[Any], None]
) -> Environment:
    """An environment with the STAC catalogues of the deployment.

    Args:
        catalogues: Folders and STAC API URLs.
        process_modules: Modules with further process implementations.
        log: Takes the log entries that processes write.
    """
    from connexeo.drivers.local.catalogue import Catalogue

    return Environment(catalogue=Catalogue(catalogues), process_modules=process_modules, log=log)
