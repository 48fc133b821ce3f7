"""Turning failures to store into the error that the standard has for them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from connexeo.generated.errors import StorageFailure


@contextmanager
def storing(*failures: type[Exception]) -> Iterator[None]:
    """For code that does nothing but write files.

    Args:
        failures: What the library that writes raises besides `OSError`.

    Raises:
        StorageFailure: in place of these.
    """
    translated: tuple[type[Exception], ...] = (OSError, *failures)
    try:
        yield
    except translated as error:
        raise StorageFailure() from error
