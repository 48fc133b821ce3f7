"""Asks ``POST /validation`` about processes: it changes nothing and costs nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connexeo.tools.conformance.backend import BackEnd
from connexeo.tools.conformance.exchange import Exchange
from connexeo.tools.conformance.resources import may_call
from connexeo.tools.conformance.shapes import objects, text
from connexeo.tools.conformance.verdicts import require

Faults = list[Mapping[str, Any]]


def validate(backend: BackEnd, graph: Mapping[str, Any], **properties: Any) -> tuple[Faults, Exchange]:
    """What the back-end finds wrong with a process.

    Raises:
        Violated: when it is not answered with a list of errors.
        NotApplicable, Skipped: when there is no validation, or not for us.
    """
    answer = may_call(backend, "POST /validation").post("/validation", {"process_graph": graph, **properties})
    require(answer.ok, f"a process is not validated, but answered with HTTP {answer.status}", answer)
    errors = answer.object().get("errors")
    require(isinstance(errors, list), "there is no array `errors`", answer)
    return objects(errors), answer


def finds_fault(backend: BackEnd, graph: Mapping[str, Any]) -> tuple[bool, Exchange]:
    """Whether the back-end finds a process wrong, in whichever way it says so.

    Raises:
        NotApplicable, Skipped: when there is no validation, or not for us.
    """
    answer = may_call(backend, "POST /validation").post("/validation", {"process_graph": graph})
    if not answer.ok:
        return True, answer
    return answer.object().get("errors") != [], answer


def told(faults: Faults) -> str:
    """The faults in a few words."""
    return "; ".join(f"{text(each.get('code'))}: {text(each.get('message'))}"[:200] for each in faults[:3])
