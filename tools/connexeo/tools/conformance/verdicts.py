"""What can be said of a back-end: states of checks, and the violations that they find."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NoReturn

from connexeo.tools.conformance.exchange import Exchange


class State(StrEnum):
    """How a check ended."""

    PASS = "pass"  # noqa: S105 - not a password
    FAIL = "fail"
    WARNING = "warning"
    """Only violations that a client survives."""
    NOT_APPLICABLE = "not-applicable"
    """The back-end does not offer what the check is about."""
    NOT_TESTABLE = "not-testable"
    """Nobody can tell from outside, or what the check builds on is broken."""
    SKIPPED = "skipped"
    """The user did not allow it, or time was up."""
    ERROR = "error"
    """The check itself is at fault."""


class Severity(StrEnum):
    """How bad a violation is."""

    CRITICAL = "critical"
    """Users see, change or lose what they must not."""
    MAJOR = "major"
    """The contract is broken: clients fail or get wrong data."""
    MINOR = "minor"
    """A recommendation is not followed: clients get by."""

    @property
    def rank(self) -> int:
        """0 is the worst."""
        return list(Severity).index(self)


@dataclass(frozen=True, slots=True)
class Violation:
    """One thing that is wrong."""

    message: str
    """Why it is wrong, with what was expected and what came instead."""
    exchange: Exchange | None = None
    """The request that shows it."""
    mend: str | None = None
    """What to change; by default what the check says."""
    severity: Severity | None = None
    """By default that of the check."""
    place: str | None = None
    """Operation, collection, process … that it is about, by default the operation of the exchange. Violations of one
    check with equal message and place are one finding."""


class Violated(Exception):
    """Ends a check with a violation."""

    def __init__(self, message: str, exchange: Exchange | None = None, **more: Any) -> None:
        super().__init__(message)
        self.violation = Violation(message, exchange, **more)


class NotApplicable(Exception):
    """Ends a check: the back-end does not offer what it is about; the text says what."""


class NotTestable(Exception):
    """Ends a check: it cannot be told from outside; the text says why."""


class Skipped(Exception):
    """Ends a check: it was not allowed, or there was no time; the text says what to do."""


def require(condition: object, message: str, exchange: Exchange | None = None, **more: Any) -> None:
    """End the check with a violation unless the condition holds.

    Raises:
        Violated: with the message.
    """
    if not condition:
        violated(message, exchange, **more)


def violated(message: str, exchange: Exchange | None = None, **more: Any) -> NoReturn:
    """End the check with a violation.

    Raises:
        Violated: always.
    """
    raise Violated(message, exchange, **more)
