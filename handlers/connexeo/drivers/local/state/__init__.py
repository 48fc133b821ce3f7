"""What lasts: the database with all tables, the secret, and the rule that everybody sees only what is theirs."""

from connexeo.drivers.local.state.state import State

__all__ = ["State"]
