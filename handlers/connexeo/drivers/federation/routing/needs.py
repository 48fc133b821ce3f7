"""What a process needs of whoever runs it: read from the whole document, without running anything.

What depends on values that are not known before it runs is left out: whoever runs the process will say.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from connexeo.drivers.federation.routing.references import Reference, Urls, references_of
from connexeo.processing.calls import Call
from connexeo.processing.validation import process_graph_of

Json = Any

_READING = frozenset({"load_uploaded_files", "load_url"})
"""Processes whose `format` is one to read."""


@dataclass(frozen=True, slots=True)
class Needs:
    """What a back-end must have."""

    processes: Mapping[Call, frozenset[str]] = field(default_factory=dict)
    """Processes, with the names of the arguments that any call of them has."""
    collections: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Collections, with the bands that are asked for by name."""
    outputs: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Formats to save in, in lower case, with the options that are given."""
    inputs: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Formats of files to read, likewise."""
    runtimes: frozenset[tuple[str, str | None]] = frozenset()
    """Runtimes of user-defined functions, with the version where one is given."""
    references: tuple[Reference, ...] = ()
    """Files and results that lie somewhere."""
    service_type: str | None = None
    endpoints: frozenset[str] = frozenset()
    """Operations that are to be used, such as ``POST /jobs``."""
    plan: str | None = None
    """The billing plan that the user has chosen."""


def needs_of(
    process: Json,
    urls: Urls,
    *,
    service_type: str | None = None,
    endpoints: frozenset[str] = frozenset(),
    plan: str | None = None,
) -> Needs:
    """Read a process, child process graphs included.

    Args:
        process: With everything inlined that back-ends do not know.
        urls: Back-end → address of its API, for what lies there.
        service_type: Of the service that is to be made of it.
        endpoints: Operations that are to be used.
        plan: The billing plan.

    Raises:
        ProcessGraphMissing: It is none.
    """
    graph = process_graph_of(process)
    defaults = _defaults(process) if graph is not process else {}
    found = _Found()
    for process_id, namespace, arguments in nodes_of(graph):
        found.processes.setdefault(Call(process_id, namespace), set()).update(arguments)
        known = {name: _known(value, defaults) for name, value in arguments.items()}
        if namespace in (None, "backend"):
            found.read(process_id, known, urls)
    return Needs(
        {call: frozenset(names) for call, names in found.processes.items()},
        _frozen(found.collections),
        _frozen(found.outputs),
        _frozen(found.inputs),
        frozenset(found.runtimes),
        tuple(dict.fromkeys(found.references)),
        service_type,
        endpoints,
        plan,
    )


def nodes_of(value: Json) -> Iterator[tuple[str, str | None, dict[str, Json]]]:
    """Process id, namespace and arguments of all nodes, child process graphs included; nothing needs to be valid."""
    stack = [value]
    while stack:
        current = stack.pop()
        if isinstance(current, dict):
            process_id, namespace = current.get("process_id"), current.get("namespace")
            arguments = current.get("arguments")
            if isinstance(process_id, str) and (namespace is None or isinstance(namespace, str)):
                yield process_id, namespace, arguments if isinstance(arguments, dict) else {}
            stack += reversed(list(current.values()))
        elif isinstance(current, list):
            stack += reversed(current)


@dataclass(slots=True)
class _Found:
    processes: dict[Call, set[str]] = field(default_factory=dict)
    collections: dict[str, set[str]] = field(default_factory=dict)
    outputs: dict[str, set[str]] = field(default_factory=dict)
    inputs: dict[str, set[str]] = field(default_factory=dict)
    runtimes: set[tuple[str, str | None]] = field(default_factory=set)
    references: list[Reference] = field(default_factory=list)

    def read(self, process_id: str, known: Mapping[str, Json], urls: Urls) -> None:
        """What a call of a predefined process needs besides the process."""
        name, format_, runtime = known.get("id"), known.get("format"), known.get("runtime")
        options = known.get("options")
        given = set(options) if isinstance(options, dict) and not _refers(options) else set()
        if process_id == "load_collection" and isinstance(name, str):
            bands = known.get("bands")
            named = {each for each in bands if isinstance(each, str)} if isinstance(bands, list) else set()
            self.collections.setdefault(name, set()).update(named)
        elif process_id == "save_result" and isinstance(format_, str):
            self.outputs.setdefault(format_.casefold(), set()).update(given)
        elif process_id in _READING and isinstance(format_, str):
            self.inputs.setdefault(format_.casefold(), set()).update(given)
        elif process_id == "run_udf" and isinstance(runtime, str):
            version = known.get("version")
            self.runtimes.add((runtime, version if isinstance(version, str) else None))
        self.references += references_of(process_id, known, urls)


def _defaults(process: Mapping[str, Json]) -> dict[str, Json]:
    parameters = process.get("parameters")
    return {
        each["name"]: each["default"]
        for each in (parameters if isinstance(parameters, list) else ())
        if isinstance(each, dict) and isinstance(each.get("name"), str) and "default" in each
    }


def _known(value: Json, defaults: Mapping[str, Json]) -> Json:
    """An argument, or the default of the parameter that it is."""
    if isinstance(value, dict) and set(value) == {"from_parameter"}:
        name = value["from_parameter"]
        return defaults.get(name, value) if isinstance(name, str) else value
    if isinstance(value, list):
        return [_known(each, defaults) for each in value]
    return value


def _refers(options: Mapping[str, Json]) -> bool:
    return "from_node" in options or "from_parameter" in options


def _frozen(found: Mapping[str, set[str]]) -> dict[str, frozenset[str]]:
    return {name: frozenset(each) for name, each in found.items()}
