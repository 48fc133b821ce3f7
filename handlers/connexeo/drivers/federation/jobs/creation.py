"""What back-ends say of the things that they have made."""

from __future__ import annotations

from urllib.parse import unquote

from connexeo.drivers.federation.connection import Answer
from connexeo.drivers.federation.faults import Garbled
from connexeo.drivers.federation.translation import translated


def identifier_of(answer: Answer) -> str:
    """What a new thing is called at its back-end.

    Raises:
        OpenEOError: when the back-end does not say.
    """
    identifier = answer.headers.get("openeo-identifier")
    if not identifier:
        identifier = unquote(answer.headers.get("location", "").rstrip("/").rpartition("/")[2])
    if not identifier:
        raise translated(Garbled(answer.upstream, "it does not say what the new thing is called"))
    return identifier
