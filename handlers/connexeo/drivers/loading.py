"""Finds the driver that the settings name: an entry point, or ``package.module:factory``."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from importlib.metadata import EntryPoint, entry_points

from connexeo.drivers.interface import Driver
from connexeo.settings import Settings

DRIVERS = "connexeo.drivers"
"""Group of entry points."""


def load_driver(settings: Settings) -> Driver:
    """Make the driver.

    Raises:
        ValueError: when there is no such driver.
    """
    name = settings.driver
    factory: Callable[[Settings], Driver]
    if ":" in name:
        module, _, attribute = name.partition(":")
        try:
            factory = getattr(importlib.import_module(module), attribute)
        except (ModuleNotFoundError, AttributeError) as error:
            raise ValueError(f"the driver {name} cannot be imported: {error}") from error
    else:
        factory = find_driver(name).load()
    return factory(settings)


def find_driver(name: str) -> EntryPoint:
    """The entry point of an installed driver; nothing of it is imported.

    Raises:
        ValueError: when there is none.
    """
    found = {entry.name: entry for entry in entry_points(group=DRIVERS)}
    if name not in found:
        known = ", ".join(sorted(found)) or "none"
        raise ValueError(
            f"there is no driver '{name}'; installed: {known}; or name one as package.module:factory"
        )
    return found[name]
