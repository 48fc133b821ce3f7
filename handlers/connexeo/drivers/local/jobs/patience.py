"""Waiting for a database that is away for a while."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any, TypeVar

import structlog

from connexeo.drivers.local.state import State
from connexeo.generated.errors import InfrastructureBusy

logger = structlog.get_logger("connexeo.jobs")

T = TypeVar("T")

TIMEOUT = 20.0
"""Seconds after which an answer of the database is not waited for any longer."""
RETRY = 1.0
"""Seconds until the next attempt."""


def now() -> float:
    """Seconds that no clock setting changes, and that go on while the machine sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


async def seen(state: State, function: Callable[..., T], *args: Any) -> T:
    """The value of ``function(connection, *args)`` in a transaction that only reads.

    Raises:
        InfrastructureBusy: when the database does not answer.
    """
    try:
        async with asyncio.timeout(TIMEOUT):
            return await state.read(function, *args)
    except TimeoutError:
        raise InfrastructureBusy() from None


async def written(state: State, function: Callable[..., T], *args: Any) -> T:
    """The value of ``function(connection, *args)`` in a transaction that writes.

    Raises:
        InfrastructureBusy: when the database does not answer. What was asked may have happened or not, or may happen
            yet: the thread that waits for it goes on.
    """
    try:
        async with asyncio.timeout(TIMEOUT):
            return await state.write(function, *args)
    except TimeoutError:
        raise InfrastructureBusy() from None


async def finally_written(state: State, function: Callable[..., T], *args: Any) -> T:
    """The same as soon as the database answers, however long that takes; asks again and again."""
    while True:
        try:
            return await written(state, function, *args)
        except InfrastructureBusy:
            await asyncio.sleep(RETRY)


def patiently(function: Callable[..., T], *, seconds: float) -> Callable[..., T]:
    """A blocking function that asks a database, and that is called again while that cannot be reached."""
    from sqlalchemy.exc import OperationalError, TimeoutError

    def repeated(*args: Any) -> T:
        end = time.monotonic() + seconds
        while True:
            try:
                return function(*args)
            except (OperationalError, TimeoutError, InfrastructureBusy):
                if time.monotonic() > end:
                    raise
                time.sleep(RETRY)

    return repeated
