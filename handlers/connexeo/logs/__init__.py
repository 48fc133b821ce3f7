"""What the processes of connexeo log: events, as JSON or as text."""

from connexeo.logs.events import configure_logging, log_formatter

__all__ = ["configure_logging", "log_formatter"]
