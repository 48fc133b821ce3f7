"""How many ways there are to have something computed."""

from __future__ import annotations

from collections.abc import Iterator

from connexeo.tools.conformance.backend import BackEnd
from connexeo.tools.conformance.registry import requirement
from connexeo.tools.conformance.resources import answer_to
from connexeo.tools.conformance.verdicts import Violation

_WAYS = {"POST /result": "synchronous processing", "POST /jobs": "batch jobs", "POST /services": "services"}


@requirement({701: 1, 702: 2}, layer="jobs", mend="Offer more ways to compute, and list their endpoints.")
def ways(backend: BackEnd, case: int) -> Iterator[Violation]:
    """There are enough of them."""
    found = [name for operation, name in _WAYS.items() if backend.offers(operation)]
    if len(found) < case:
        told = " and ".join(found) or "no way of processing"
        message = f"there is {told}, where {'one way is' if case == 1 else 'two ways are'} needed at least"
        yield Violation(message, backend.once(answer_to("/")))
