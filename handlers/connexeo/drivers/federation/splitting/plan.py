"""How a process that no back-end can run alone is cut: pure functions on process graphs.

One back-end, the primary, runs the join and everything behind it. What it cannot load itself, others load for it: each
`load_collection` with the steps that follow it and need nothing else, as far as their value is used in one place only,
becomes a part that ends with `save_result`. In the primary part a `load_stac` stands for them. What others take the
value of keeps its id.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol, Self

from connexeo.drivers.federation.splitting.cubes import SOURCES, TRAVELLING, makes_cube, reduced_by
from connexeo.generated.errors import OpenEOError
from connexeo.processing.graph import Graph, read_graph

Json = Any
Nodes = Mapping[str, Json]

FORMATS = ("netCDF", "GTiff")
"""In which data travel, the preferred one first."""
PRIMARY = "main"
"""Name of the part that makes the results."""
PLACEHOLDER = "https://split.invalid/"
"""Begin of the address that stands for the results of a part, which are nowhere yet."""


class Abilities(Protocol):
    """What back-ends can run; given by routing."""

    def __call__(self, process_graph: Json) -> Mapping[str, str]:
        """Back-end → why it cannot run a graph; empty where it can.

        Graphs are single nodes of the process, with references to nodes that are not there. All that can be asked are
        named, in the order of preference.
        """
        ...


class CannotSplit(Exception):
    """A process cannot be cut.

    Attributes:
        reason: Why, as a sentence.
        reasons: Back-end → why it cannot be the one that runs the join; empty where the process itself is at fault.
    """

    def __init__(self, reason: str, reasons: Mapping[str, str] | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.reasons = dict(reasons or {})


class NobodyCan(CannotSplit):
    """There is a node that no back-end can run: splitting is no help."""


@dataclass(frozen=True, slots=True)
class Part:
    """What one back-end runs."""

    name: str
    upstream: str
    process_graph: Nodes
    nodes: tuple[str, ...]
    """Nodes of the whole process that are run here."""
    inputs: Mapping[str, str] = field(default_factory=dict)
    """Node of `load_stac` → name of the part that it loads the results of."""


@dataclass(frozen=True, slots=True)
class Plan:
    """All parts, the primary one last: each comes after those that it needs."""

    parts: tuple[Part, ...]

    @property
    def primary(self) -> Part:
        """The part that makes the results."""
        return self.parts[-1]

    @property
    def upstreams(self) -> list[str]:
        """Back-ends that take part, that of the primary part first."""
        return list(dict.fromkeys(part.upstream for part in reversed(self.parts)))

    def part(self, name: str) -> Part:
        """The part of a name."""
        return next(part for part in self.parts if part.name == name)

    def to_json(self) -> Json:
        """For the database."""
        return [asdict(part) for part in self.parts]

    @classmethod
    def from_json(cls, document: Json) -> Self:
        """From the database."""
        return cls(tuple(Part(**{**each, "nodes": tuple(each["nodes"])}) for each in document))


def split(process_graph: Nodes, abilities: Abilities) -> Plan:
    """Cut a process.

    Where one back-end can run all of it, the plan has one part.

    Args:
        process_graph: With everything inlined that back-ends do not know.
        abilities: Who can run which node.

    Raises:
        CannotSplit: when it cannot be cut into parts that can be run.
    """
    try:
        graph = read_graph(process_graph)
    except OpenEOError as error:
        raise CannotSplit(error.message) from error
    _check_parameters(graph)
    lacking = {node.id: abilities({node.id: _bare(process_graph[node.id])}) for node in graph.nodes}
    for node, reasons in lacking.items():
        if reasons and all(reasons.values()):
            told = "; ".join(f"{upstream}: {reason}" for upstream, reason in reasons.items())
            process_id = process_graph[node]["process_id"]
            raise NobodyCan(f"No back-end can run the node '{node}' ({process_id}): {told}.")
    cutting = _Cutting(process_graph, graph, lacking, abilities)
    plans: list[Plan] = []
    refused: dict[str, str] = {}
    for upstream in next(iter(lacking.values())):
        try:
            plans.append(cutting.around(upstream))
        except CannotSplit as error:
            refused[upstream] = error.reason
    if not plans:
        told = "; ".join(f"{upstream}: {reason}" for upstream, reason in refused.items())
        raise CannotSplit(f"No back-end can run what joins the data. {told}", refused)
    # Of equal ones the first, which is that of the preferred back-end.
    return max(plans, key=lambda plan: (len(plan.primary.nodes), -len(plan.parts)))


def placeholder(name: str) -> str:
    """The address that stands for the results of a part."""
    return f"{PLACEHOLDER}{name}"


def filled(part: Part, addresses: Mapping[str, str]) -> dict[str, Json]:
    """The graph of a part, with the addresses of the results that it loads.

    Args:
        part: A part.
        addresses: Name of a part → address of its results.
    """
    loads = {node: {"url": addresses[name]} for node, name in part.inputs.items()}
    return {
        node_id: {**node, "arguments": {**node["arguments"], **loads[node_id]}} if node_id in loads else node
        for node_id, node in part.process_graph.items()
    }


@dataclass(frozen=True)
class _Chain:
    """A source and what follows it, at one back-end."""

    upstream: str
    nodes: tuple[str, ...]
    format: str
    reduced: tuple[str, ...]
    """Dimensions that have to be added for the journey."""


class _Cutting:
    """Cuts one process in different ways.

    Args:
        nodes: The process graph.
        graph: The same, read.
        lacking: Node → back-end → why it cannot run it.
        abilities: Who can run what else.
    """

    def __init__(
        self,
        nodes: Nodes,
        graph: Graph,
        lacking: Mapping[str, Mapping[str, str]],
        abilities: Abilities,
    ) -> None:
        self._nodes = nodes
        self._graph = graph
        self._lacking = lacking
        self._users: dict[str, list[str]] = {node.id: [] for node in graph.nodes}
        self._needed: dict[str, list[str]] = {}
        for node in graph.nodes:
            targets = [each.target for each in node.references if each.kind == "from_node"]
            self._needed[node.id] = list(dict.fromkeys(targets))
            for target in self._needed[node.id]:
                self._users[target].append(node.id)
        self._saving = {each: abilities({"save": _saving("load", each)}) for each in FORMATS}
        self._loading = abilities({"load": _loading(placeholder("part"))})
        self._adding = abilities({"add": _adding("load", "t")})
        self._dropping = abilities({"drop": _dropping("load", "t")})

    def around(self, primary: str) -> Plan:
        """The plan with a back-end as the primary one.

        Raises:
            CannotSplit: when it cannot be.
        """
        chains = [
            self._chain(node.id, primary)
            for node in self._graph.nodes
            if not self._can(primary, node.id) and self._is_source(node.id)
        ]
        away = {node for chain in chains for node in chain.nodes}
        for node in self._graph.nodes:
            if node.id not in away and not self._can(primary, node.id):
                reason = self._lacking[node.id][primary]
                raise CannotSplit(f"it cannot run the node '{node.id}' ({node.process_id}): {reason}")
        if chains and self._loading.get(primary, ""):
            raise CannotSplit(f"it cannot load results of others: {self._loading[primary]}")
        return self._plan(primary, chains)

    def _plan(self, primary: str, chains: Sequence[_Chain]) -> Plan:
        parts = [self._part(f"part-{number}", chain) for number, chain in enumerate(chains, start=1)]
        ends = {chain.nodes[-1]: part.name for chain, part in zip(chains, parts, strict=True)}
        away = {node for chain in chains for node in chain.nodes}
        nodes = {key: node for key, node in self._nodes.items() if key not in away}
        inputs: dict[str, str] = {}
        for chain in chains:
            end = chain.nodes[-1]
            arrival = _arrival(end, chain.reduced, placeholder(ends[end]), self._nodes)
            nodes |= arrival
            inputs[next(iter(arrival))] = ends[end]
        own = tuple(node.id for node in self._graph.nodes if node.id not in away)
        return Plan((*parts, Part(PRIMARY, primary, nodes, own, inputs)))

    def _part(self, name: str, chain: _Chain) -> Part:
        nodes = {node: _bare(self._nodes[node]) for node in chain.nodes}
        last = chain.nodes[-1]
        for dimension in chain.reduced:
            added = _free(f"add_{dimension}", nodes)
            nodes[added] = _adding(last, dimension)
            last = added
        nodes[_free("save", nodes)] = _saving(last, chain.format)
        return Part(name, chain.upstream, nodes, chain.nodes)

    def _chain(self, source: str, primary: str) -> _Chain:
        """The longest chain from a source that the primary back-end lacks.

        Raises:
            CannotSplit: when there is none.
        """
        found: list[_Chain] = []
        why: list[str] = []
        for upstream, reason in self._lacking[source].items():
            if reason:
                continue
            written = self._format(upstream, primary)
            if written is None:
                why.append(f"'{upstream}' writes no format that it reads as well ({', '.join(FORMATS)})")
                continue
            nodes, reduced = self._follow(source, upstream, primary)
            found.append(_Chain(upstream, nodes, written, reduced))
        if not self._users[source] and found:
            raise CannotSplit(f"nothing uses the value of the node '{source}', which it cannot run")
        if not found:
            raise CannotSplit(
                f"nobody can run the node '{source}' for it: {'; '.join(why) or 'no back-end can'}"
            )
        return max(found, key=lambda chain: len(chain.nodes))

    def _follow(self, source: str, upstream: str, primary: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """A source with all that follows and needs nothing else, as far as a back-end can run it.

        Returns:
            The nodes, and the dimensions that they reduce.
        """
        nodes, reduced = [source], dict[str, None]()
        restorable = not self._adding.get(upstream, "") and not self._dropping.get(primary, "")
        while len(self._users[nodes[-1]]) == 1:
            following = self._users[nodes[-1]][0]
            raw = self._nodes[following]
            unary = self._needed[following] == [nodes[-1]]
            # What nothing uses makes results, and these are the primary's.
            inner = bool(self._users[following]) and following != self._graph.result
            if not (unary and inner and makes_cube(raw) and self._can(upstream, following)):
                break
            if (dimension := reduced_by(raw)) is not None:
                if not restorable:
                    break
                reduced[dimension] = None
            nodes.append(following)
        return tuple(nodes), tuple(name for name in TRAVELLING if name in reduced)

    def _format(self, upstream: str, primary: str) -> str | None:
        return next(
            (
                name
                for name, lacking in self._saving.items()
                if not lacking[upstream] and not lacking[primary]
            ),
            None,
        )

    def _can(self, upstream: str, node: str) -> bool:
        return not self._lacking[node].get(upstream, "")

    def _is_source(self, node: str) -> bool:
        raw = self._nodes[node]
        return (
            raw["process_id"] in SOURCES
            and not self._needed[node]
            and makes_cube(raw)
            and node != self._graph.result
        )


def _check_parameters(graph: Graph) -> None:
    """Parts are jobs of their own, which are given no values.

    Raises:
        CannotSplit: when some parameter is used.
    """
    for node in graph.nodes:
        for reference in node.references:
            if reference.kind == "from_parameter":
                raise CannotSplit(
                    f"The node '{node.id}' uses the parameter '{reference.target}'. Only processes without parameters "
                    "can be split."
                )


def _bare(node: Json) -> dict[str, Json]:
    """A node of another graph, where it is not the result."""
    return {key: value for key, value in node.items() if key != "result"}


def _saving(node: str, format: str) -> dict[str, Json]:
    arguments = {"data": {"from_node": node}, "format": format}
    return {"process_id": "save_result", "arguments": arguments, "result": True}


def _loading(url: str) -> dict[str, Json]:
    return {"process_id": "load_stac", "arguments": {"url": url}}


def _adding(node: str, dimension: str) -> dict[str, Json]:
    arguments = {"data": {"from_node": node}, "name": dimension, **TRAVELLING[dimension]}
    return {"process_id": "add_dimension", "arguments": arguments}


def _dropping(node: str, dimension: str) -> dict[str, Json]:
    return {
        "process_id": "drop_dimension",
        "arguments": {"data": {"from_node": node}, "name": dimension},
    }


def _arrival(end: str, reduced: Sequence[str], url: str, taken: Nodes) -> dict[str, Json]:
    """Nodes that load the value of a node of another part; the first one loads, the last one has the node's id."""
    ids = [_free(f"{end}_{name}", taken) for name in ("loaded", *reduced)[: len(reduced)]] + [end]
    nodes: dict[str, Json] = {ids[0]: _loading(url)}
    for before, node_id, dimension in zip(ids, ids[1:], reduced, strict=False):
        nodes[node_id] = _dropping(before, dimension)
    return nodes


def _free(wanted: str, taken: Mapping[str, Json]) -> str:
    """An id that no node has."""
    name, number = wanted, 1
    while name in taken:
        number += 1
        name = f"{wanted}{number}"
    return name
