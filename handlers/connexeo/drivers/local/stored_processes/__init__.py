"""The processes that users store, and which of them a process graph needs."""

from connexeo.drivers.local.stored_processes.use import used_by

__all__ = ["used_by"]
