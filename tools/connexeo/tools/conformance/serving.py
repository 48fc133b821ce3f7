"""Secondary web services that checks make: ordered, described, and removed in the end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from connexeo.tools.conformance.answer import created_name
from connexeo.tools.conformance.backend import BackEnd, encoded
from connexeo.tools.conformance.batch import need_processing
from connexeo.tools.conformance.exchange import Exchange
from connexeo.tools.conformance.json_types import alternatives
from connexeo.tools.conformance.logs import LEVELS
from connexeo.tools.conformance.resources import Entry, answer_to, file_formats
from connexeo.tools.conformance.shapes import mapping, objects
from connexeo.tools.conformance.verdicts import NotTestable, Severity, Skipped, Violated, require
from connexeo.tools.conformance.workload import Graph, Workload, has, node, of, with_result, workload

DESCRIPTION = "Made by a *conformance* test."

_EASIEST_FIRST = ("xyz", "wmts", "wms")

_TRIED = 2
"""Types that are tried at most."""

_UNFIT = {400, 402, 422}
"""Answers that may be the fault of what was ordered."""

_MEND = "When the process is not one for this back-end give another one by --process-graph or --collection."


@dataclass(frozen=True, slots=True)
class Service:
    """A service of the user, as it was ordered."""

    backend: BackEnd
    id: str
    creation: Exchange
    given: Mapping[str, Any]
    """The body of the request."""

    @property
    def path(self) -> str:
        """Its path in the API."""
        return f"/services/{encoded(self.id)}"

    @property
    def type(self) -> str:
        """The type that was ordered."""
        return str(self.given["type"])

    def answer(self) -> Exchange:
        """Ask for its metadata."""
        return self.backend.user.get(self.path)

    def described(self) -> Entry:
        """Its metadata, with the answer they came in.

        Raises:
            NotApplicable: when services are not described.
            Violated: when it is not there.
        """
        self.backend.need("GET /services/{service_id}")
        answer = self.answer()
        require(answer.ok, f"the metadata of the service are answered with HTTP {answer.status}", answer)
        return Entry(answer.object(), answer)

    def change(self, **properties: Any) -> Exchange:
        """Change properties of it."""
        return self.backend.user.patch(self.path, properties)

    def delete(self) -> Exchange:
        """Remove it."""
        return self.backend.user.delete(self.path)


def service_types(backend: BackEnd) -> dict[str, Mapping[str, Any]]:
    """What ``GET /service_types`` lists, by name.

    Raises:
        NotTestable: when there is no type.
        Violated: when there is no answer that has them.
    """
    backend.need("GET /service_types")
    answer = backend.once(answer_to("/service_types"))
    require(answer.ok, f"the types of services are answered with HTTP {answer.status}", answer)
    types = {name: mapping(about) for name, about in answer.object().items()}
    if not types:
        raise NotTestable("there is no type of service")
    return types


def settings(about: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Configuration parameters of a type, as JSON Schemas: `required` means something else there."""
    found: dict[str, Mapping[str, Any]] = {}
    for name, schema in mapping(about.get("configuration")).items():
        plain = dict(mapping(schema))
        if isinstance(plain.get("required"), bool):
            del plain["required"]
        found[name] = plain
    return found


def created_service(backend: BackEnd) -> Service:
    """A service that is switched off, as of the first type and process that the back-end takes.

    Checks must leave it as it is.

    Raises:
        Skipped: when nothing may be created.
        Violated: when none is taken.
    """
    if not backend.options.write:
        raise Skipped("creates a service: allow it with --write")
    backend.need("POST /services")
    refusals: list[Exchange] = []
    for given in _orders(backend):
        answer = backend.user.post("/services", given)
        if answer.ok:
            return _service(backend, answer, given)
        refusals.append(answer)
    first = refusals[0]
    told = f"a service is refused with HTTP {first.status} {first.code or ''}".rstrip()
    unfit = first.status in _UNFIT
    raise Violated(told, first, severity=Severity.MINOR if unfit else None, mend=_MEND if unfit else None)


def enabled_service(backend: BackEnd) -> Service:
    """A service that is on, because nobody said otherwise; checks must leave it as it is.

    Raises:
        Skipped: when it may cost something.
        Violated: when it is refused.
    """
    need_processing(backend)
    given = order(backend, title=backend.name("enabled"), log_level="debug")
    del given["enabled"]
    return _ordered(backend, given)


def order(backend: BackEnd, **changes: Any) -> dict[str, Any]:
    """The body of a request for a service like the first one, with other properties."""
    given = backend.once(created_service).given
    return {**given, "title": backend.name("service"), **changes}


def create_service(backend: BackEnd, **changes: Any) -> Service:
    """Another service like the first one, with other properties; switched off unless they say otherwise.

    Raises:
        Violated: when it is refused.
    """
    return _ordered(backend, order(backend, **changes))


def _ordered(backend: BackEnd, given: Mapping[str, Any]) -> Service:
    answer = backend.user.post("/services", given)
    told = f"HTTP {answer.status} {answer.code or ''}".rstrip()
    require(answer.ok, f"a service like another one that was accepted is refused with {told}", answer)
    return _service(backend, answer, given)


def _service(backend: BackEnd, answer: Exchange, given: Mapping[str, Any]) -> Service:
    identifier = created_name(answer.headers)
    require(identifier, "neither OpenEO-Identifier nor Location tells what the new service is called", answer)
    return Service(backend, str(identifier), answer, given)


def _orders(backend: BackEnd) -> Iterator[dict[str, Any]]:
    """Requests for services, the likeliest to be taken first."""
    types = backend.once(service_types)
    work = backend.once(workload)
    for name in sorted(types, key=lambda name: _rank(name, types[name]))[:_TRIED]:
        for graph in _graphs(backend, work, types[name]):
            yield {
                "type": name,
                "title": backend.name("service"),
                "description": DESCRIPTION,
                "process": {"process_graph": graph},
                "enabled": False,
                **_needed(types[name]),
            }


def _rank(name: str, about: Mapping[str, Any]) -> tuple[bool, int, str]:
    unsteady = about.get("deprecated") is True or about.get("experimental") is True
    known = name.lower() in _EASIEST_FIRST
    return unsteady, _EASIEST_FIRST.index(name.lower()) if known else len(_EASIEST_FIRST), name


def _needed(about: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration with the parameters that must be given, as far as there is any."""
    found: dict[str, Any] = {}
    for name, schema in mapping(about.get("configuration")).items():
        if mapping(schema).get("required") is True:
            choice = mapping(schema).get("enum")
            found[name] = schema.get("default", choice[0] if isinstance(choice, list) and choice else None)
    return {"configuration": found} if found else {}


def _graphs(backend: BackEnd, work: Workload, about: Mapping[str, Any]) -> list[Graph]:
    """Processes for a type: of the extent that is asked for and with a log, of a fixed extent, without saving."""
    if work.collection is None or "load" not in work.graph:
        return [work.graph]
    plain = {name: each for name, each in work.graph.items() if name != "save"}
    fixed = {**plain, "save": _saved(backend, work, list(plain)[-1])}
    extent = _extent(about)
    load = plain["load"]
    asked = {**plain}
    if extent is not None:
        arguments = {**load["arguments"], "spatial_extent": {"from_parameter": extent}}
        asked["load"] = {**load, "arguments": arguments}
    if has(backend, "inspect"):
        for level in LEVELS:
            said = {"message": f"conformance {level}", "code": "Conformance", "level": level}
            asked[level] = node("inspect", data=of(list(asked)[-1]), **said)
    asked["save"] = _saved(backend, work, list(asked)[-1])
    return [with_result(graph) for graph in (asked, fixed, plain)]


def _saved(backend: BackEnd, work: Workload, last: str) -> dict[str, Any]:
    """Maps are pictures, where the back-end writes some."""
    listed = backend.once(file_formats)["output"]
    pictures = (each for each in listed if each.lower() == "png")
    return node("save_result", data=of(last), format=next(pictures, work.format))


def _extent(about: Mapping[str, Any]) -> str | None:
    """Name of the parameter that brings the extent that is asked for."""
    for parameter in objects(about.get("process_parameters")):
        schemas = alternatives(parameter.get("schema"))
        if any(each.get("subtype") == "bounding-box" for each in schemas):
            name = parameter.get("name")
            return name if isinstance(name, str) else None
    return None
