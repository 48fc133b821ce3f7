"""Runtimes of user-defined functions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from connexeo.tools.conformance.backend import BackEnd
from connexeo.tools.conformance.exchange import Exchange
from connexeo.tools.conformance.registry import requirement
from connexeo.tools.conformance.resources import answer_to
from connexeo.tools.conformance.shapes import mapping, text
from connexeo.tools.conformance.verdicts import NotApplicable, Violation
from connexeo.tools.conformance.workload import has

_OPERATION = "GET /udf_runtimes"


def _runtimes(backend: BackEnd) -> Iterator[tuple[str, Mapping[str, Any], Exchange]]:
    answer = backend.once(answer_to("/udf_runtimes"))
    if answer.ok:
        for name, about in answer.object().items():
            yield name, mapping(about), answer.showing({name: about})


@requirement(71, layer="profiles", mend="Offer GET /udf_runtimes with what `run_udf` can run.")
def listed(backend: BackEnd) -> Iterator[Violation]:
    """Who can run functions of users says in which languages."""
    if not backend.offers(_OPERATION):
        if backend.offers("GET /processes") and has(backend, "run_udf"):
            yield Violation("there is the process run_udf, but no list of runtimes", place=_OPERATION)
            return
        raise NotApplicable("user-defined functions are not offered")
    answer = backend.once(answer_to("/udf_runtimes"))
    if not answer.ok:
        yield Violation(f"the runtimes are answered with HTTP {answer.status}", answer)
    elif not answer.object():
        yield Violation("no runtime is listed", answer)


@requirement(
    74, layer="profiles", operations=(_OPERATION,), mend="Let `default` be one of the versions or tags."
)
def complete(backend: BackEnd) -> Iterator[Violation]:
    """Type, default and versions are there, and the default is one of the versions."""
    for name, about, evidence in _runtimes(backend):
        for key in ("type", "default"):
            if not text(about.get(key)):
                yield Violation(f"the runtime {name} has no `{key}`", evidence)
        kind = about.get("type")
        key = "tags" if kind == "docker" else "versions"
        there = about.get(key)
        if kind in {"language", "docker"} and not there:
            yield Violation(f"the runtime {name} has no `{key}`", evidence)
        elif isinstance(there, dict | list) and about.get("default") not in there:
            yield Violation(
                f"the default {about.get('default')} of the runtime {name} is not in `{key}`", evidence
            )


@requirement(
    75, layer="profiles", operations=(_OPERATION,), mend="Give each runtime a title and a description."
)
def titles_and_descriptions(backend: BackEnd) -> Iterator[Violation]:
    """Users see what a runtime is."""
    for name, about, evidence in _runtimes(backend):
        for key in ("title", "description"):
            if not text(about.get(key)):
                yield Violation(f"the runtime {name} has no {key}", evidence)
