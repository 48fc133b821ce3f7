"""Mistakes in graphs, each told by the check that it belongs to."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from conformance.doctored import Answer, Change
from connexeo.tools.conformance.report import Result
from connexeo.tools.conformance.verdicts import State

Look = Callable[..., Result]


def _overlooking(*words: str) -> Change:
    """Finds graphs valid in which one of these words is."""

    def apply(request: httpx.Request, send: Answer) -> httpx.Response:
        body = request.content.decode()
        overlooked = any(word in body for word in words)
        return httpx.Response(200, json={"errors": []}) if overlooked else send(request)

    return Change("POST", "/validation", apply)


@pytest.mark.parametrize(
    ("words", "state"),
    [
        (("no_such_argument",), State.PASS),
        (("reducer",), State.FAIL),
        (("reducer", "no_such_argument"), State.FAIL),
    ],
)
def test_what_is_found_nowhere_is_no_fault_of_child_processes(
    words: tuple[str, ...], state: State, look: Look
) -> None:
    assert look("validation.child-process", _overlooking(*words)).state is state
    expected = State.FAIL if "no_such_argument" in words else State.PASS
    assert look("validation.unknown-argument", _overlooking(*words)).state is expected
