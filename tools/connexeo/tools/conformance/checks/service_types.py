"""Types of secondary web services."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from connexeo.tools.conformance.backend import BackEnd
from connexeo.tools.conformance.exchange import Exchange
from connexeo.tools.conformance.json_types import fits
from connexeo.tools.conformance.registry import check, requirement
from connexeo.tools.conformance.resources import answer_to
from connexeo.tools.conformance.serving import service_types, settings
from connexeo.tools.conformance.shapes import listed, mapping, objects, text
from connexeo.tools.conformance.verdicts import NotApplicable, Severity, Violation, require

_LIST = "GET /service_types"
_SOURCE = f"openEO API, {_LIST}"


@requirement(600, layer="services", operations=(_LIST,), mend="List the types that `POST /services` takes.")
def types(backend: BackEnd) -> Iterator[Violation]:
    """Where services can be created there are types of them."""
    answer = _answer(backend)
    if not answer.object():
        if not backend.offers("POST /services"):
            raise NotApplicable("there are no types, and services cannot be created")
        yield Violation("no type is listed, although services can be created", answer)


def _answer(backend: BackEnd) -> Exchange:
    answer = backend.once(answer_to("/service_types"))
    require(answer.ok, f"the types of services are answered with HTTP {answer.status}", answer)
    return answer


@requirement(601, layer="services", operations=(_LIST,), mend="Answer whether or not there is a token.")
def without_token(backend: BackEnd) -> Iterator[Violation]:
    """Anybody sees what the back-end could do."""
    answer = backend.once(answer_to("/service_types", anonymous=True))
    if not answer.ok:
        yield Violation(f"without a token the types are answered with HTTP {answer.status}", answer)


@requirement(
    602, layer="services", operations=(_LIST,), account=True, mend="Answer whether or not there is a token."
)
def with_token(backend: BackEnd) -> Iterator[Violation]:
    """Clients send the token with every request."""
    answer = backend.user.get("/service_types")
    if not answer.ok:
        yield Violation(f"with a token the types are answered with HTTP {answer.status}", answer)
    elif open_to_all := set(_names(backend.once(answer_to("/service_types", anonymous=True)))):
        missing = sorted(open_to_all - set(answer.object()))
        if missing:
            yield Violation(f"with a token types are missing: {listed(missing)}", answer)


def _names(answer: Exchange) -> Mapping[str, Any]:
    return answer.object() if answer.ok else {}


@requirement(
    603, layer="services", operations=(_LIST,),
    mend="Give each type the object `configuration` and the array `process_parameters`, empty where there are none.",
)  # fmt: skip
def told_in_full(backend: BackEnd) -> Iterator[Violation]:
    """Users know what can be configured, and what the process gets."""
    answer = _answer(backend)
    for name, about in backend.once(service_types).items():
        for key, kind in (("configuration", Mapping), ("process_parameters", list)):
            if not isinstance(about.get(key), kind):
                yield Violation(f"a type has no `{key}`", answer.showing({name: about}), place=_place(name))


def _place(name: str) -> str:
    return f"service type {name}"


@requirement(604, layer="services", operations=(_LIST,), mend="Add a title and a description.")
def titles(backend: BackEnd) -> Iterator[Violation]:
    """Users find out what a type is."""
    answer = _answer(backend)
    for name, about in backend.once(service_types).items():
        for key in ("title", "description"):
            if not text(about.get(key)):
                yield Violation(f"a type has no {key}", answer.showing({name: about}), place=_place(name))


@check(
    "service-types.distinct",
    "Names of service types differ by more than upper and lower case",
    layer="services",
    source=_SOURCE,
    operations=(_LIST,),
    mend="Names are matched without regard to case: give each type another one.",
)
def distinct(backend: BackEnd) -> Iterator[Violation]:
    """A name stands for one type."""
    seen: dict[str, str] = {}
    for name in backend.once(service_types):
        if name.lower() in seen:
            message = f"{seen[name.lower()]} and {name} cannot be told apart"
            yield Violation(message, _answer(backend))
        seen[name.lower()] = name


@check(
    "service-types.defaults",
    "Defaults of configuration parameters fit their schemas",
    layer="services",
    source=_SOURCE,
    operations=(_LIST,),
    mend="Correct the default, or the schema beside it.",
)
def defaults(backend: BackEnd) -> Iterator[Violation]:
    """What applies when nothing is said is one of the values that may be said."""
    for name, about in backend.once(service_types).items():
        for parameter, schema in settings(about).items():
            value = schema.get("default")
            if value is None:
                # Nothing applies, which no schema has to allow.
                continue
            if not fits(value, schema):
                yield Violation(
                    "the default of a configuration parameter does not fit its schema",
                    _answer(backend).showing({parameter: schema}),
                    place=f"{_place(name)}, {parameter}",
                )


@check(
    "service-types.parameters",
    "Process parameters of a service type have names of their own",
    layer="services",
    source=_SOURCE,
    operations=(_LIST,),
    severity=Severity.MINOR,
    mend="Give each parameter a name of its own.",
)
def parameters(backend: BackEnd) -> Iterator[Violation]:
    """A process refers to a parameter by its name."""
    for name, about in backend.once(service_types).items():
        names = [text(mapping(each).get("name")) for each in objects(about.get("process_parameters"))]
        twice = sorted({each for each in names if names.count(each) > 1})
        if twice:
            yield Violation(
                f"a type has two process parameters {listed(twice)}",
                _answer(backend).showing({name: about}),
                place=_place(name),
            )
