"""Process definitions, prepared once for checking arguments and types."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, Literal

from connexeo.processing.registry import implemented

if TYPE_CHECKING:
    import jsonschema_rs

Json = Any
Kind = Literal[
    "null",
    "boolean",
    "integer",
    "number",
    "string",
    "array",
    "object",
    "datacube",
    "process-graph",
    "ml-model",
]
Kinds = frozenset[Kind]
"""What a value may be; empty where nothing definite is known."""

ANYTHING: Kinds = frozenset()

_CUBES = frozenset({"datacube", "raster-cube", "vector-cube"})
_ANNOTATIONS = frozenset({"title", "description", "examples", "default", "deprecated", "subtype"})
_UNCONSTRAINED = _ANNOTATIONS | {"type", "items", "dimensions", "parameters", "returns"}
_COMBINERS = ("anyOf", "oneOf", "allOf")


@dataclass(frozen=True)
class Parameter:
    """A parameter of a process, or one that a process passes to a child process graph."""

    name: str
    schemas: tuple[Mapping[str, Json], ...]
    """Alternatives of which a value must fulfil one."""
    required: bool
    default: Json = None

    @cached_property
    def kinds(self) -> Kinds:
        """What a value may be."""
        return kinds_of(self.schemas)

    @cached_property
    def subtypes(self) -> frozenset[str]:
        """Subtypes that the alternatives name."""
        return frozenset(
            schema["subtype"] for schema in self.schemas if isinstance(schema.get("subtype"), str)
        )

    @cached_property
    def constrained(self) -> bool:
        """Whether the schemas ask for more than kinds."""
        return any(
            not _UNCONSTRAINED.issuperset(schema) or _constrains(schema.get("items"))
            for schema in self.schemas
        )

    @cached_property
    def callback(self) -> CallbackSignature | None:
        """What a child process graph gets and gives, for parameters that take one."""
        return _first_callback(self.schemas)

    @cached_property
    def callbacks(self) -> CallbackSignature | None:
        """The same for each property of an object of child process graphs (subtype `metadata-filter`)."""
        additional = (schema.get("additionalProperties") for schema in self.schemas)
        return _first_callback([schema for schema in additional if isinstance(schema, Mapping)])

    @cached_property
    def is_valid(self) -> Callable[[Json], bool]:
        """Whether a value without references fulfils the JSON Schema."""
        return _validator(_any_of(self.schemas))

    @cached_property
    def is_valid_with_references(self) -> Callable[[Json], bool]:
        """Whether a value that holds references somewhere fulfils the JSON Schema everywhere else."""
        return _validator(_tolerant(_any_of(self.schemas)))

    def __getstate__(self) -> dict[str, Json]:
        """Without what was prepared on the way: validators cannot be pickled."""
        return {name: self.__dict__[name] for name in self.__dataclass_fields__}

    def __setstate__(self, state: dict[str, Json]) -> None:
        self.__dict__.update(state)


@dataclass(frozen=True)
class CallbackSignature:
    """The parameters that a process passes to a child process graph, and what it expects in return."""

    parameters: Mapping[str, Parameter]
    returns: Kinds

    @cached_property
    def kinds(self) -> Mapping[str, Kinds]:
        """Kinds of the parameters, by name."""
        return {name: parameter.kinds for name, parameter in self.parameters.items()}

    @cached_property
    def defaults(self) -> Mapping[str, Json]:
        """Values of the parameters that the process need not pass."""
        return defaults_of(self.parameters)


@dataclass(frozen=True)
class ProcessDefinition:
    """One process, predefined or user-defined."""

    id: str
    parameters: Mapping[str, Parameter]
    returns: Kinds
    exceptions: frozenset[str]
    open: bool = False
    """Whether arguments beyond the parameters are accepted, because the parameters have not been told."""
    user: bool = False
    """Whether a user has defined the process."""

    @cached_property
    def required(self) -> tuple[str, ...]:
        """Parameters that every call must pass."""
        return tuple(name for name, parameter in self.parameters.items() if parameter.required)

    @cached_property
    def required_names(self) -> frozenset[str]:
        """The same, to be compared with the arguments of a call."""
        return frozenset(self.required)

    @cached_property
    def defaults(self) -> Mapping[str, Json]:
        """Values of the parameters that a call need not pass."""
        return defaults_of(self.parameters)

    @classmethod
    def from_json(cls, raw: Mapping[str, Json], *, user: bool = False) -> ProcessDefinition:
        """Read a process description as `GET /processes` and `GET /process_graphs/{id}` give it."""
        parameters = raw.get("parameters")
        return cls(
            id=str(raw.get("id", "")),
            parameters=read_parameters(parameters),
            returns=kinds_of(_alternatives((raw.get("returns") or {}).get("schema"))),
            exceptions=frozenset(raw.get("exceptions") or ()),
            open=parameters is None,
            user=user,
        )


class Definitions(Mapping[str, Mapping[str, Json]]):
    """The predefined processes: process id to definition as published."""

    def __init__(self, definitions: Iterable[Mapping[str, Json]]) -> None:
        self._raw = {definition["id"]: definition for definition in definitions}
        self._read: dict[str, ProcessDefinition] = {}

    def __getitem__(self, process_id: str) -> Mapping[str, Json]:
        return self._raw[process_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._raw)

    def __len__(self) -> int:
        return len(self._raw)

    def read(self, process_id: str) -> ProcessDefinition | None:
        """The prepared definition; None where there is no such process."""
        known = self._read.get(process_id)
        if known is None and process_id in self._raw:
            known = self._read[process_id] = ProcessDefinition.from_json(self._raw[process_id])
        return known

    def restricted_to(self, process_ids: Iterable[str]) -> Definitions:
        """Those of the given processes that are defined."""
        wanted = frozenset(process_ids)
        return Definitions(definition for id_, definition in self._raw.items() if id_ in wanted)


@cache
def default_definitions() -> Definitions:
    """All processes of the contract that are implemented."""
    from connexeo.generated import load_processes

    return Definitions(load_processes()).restricted_to(implemented())


def read_parameters(parameters: Sequence[Mapping[str, Json]] | None) -> Mapping[str, Parameter]:
    """Parameters by name, in their order."""
    return {
        parameter["name"]: Parameter(
            name=parameter["name"],
            schemas=_with_default(_alternatives(parameter.get("schema")), parameter),
            required=not (parameter.get("optional", False) or "default" in parameter),
            default=parameter.get("default"),
        )
        for parameter in parameters or ()
        if isinstance(parameter, Mapping) and isinstance(parameter.get("name"), str)
    }


def defaults_of(parameters: Mapping[str, Parameter]) -> Mapping[str, Json]:
    """Values of parameters that need not be passed."""
    return {name: parameter.default for name, parameter in parameters.items() if not parameter.required}


def kinds_of(schemas: Iterable[Mapping[str, Json]]) -> Kinds:
    """What values that fulfil one of the schemas may be; `ANYTHING` when one of them does not say."""
    found: set[Kind] = set()
    for schema in schemas:
        kinds = _kinds_of_one(schema)
        if not kinds:
            return ANYTHING
        found |= kinds
    return frozenset(found)


def compatible(given: Kinds, accepted: Kinds) -> bool:
    """Whether some value of the given kinds may be accepted; unknown kinds are compatible with everything."""
    if not given or not accepted or given & accepted:
        return True
    numbers = {"integer", "number"}
    return bool(given & numbers) and bool(accepted & numbers)


def _constrains(items: Json) -> bool:
    """Whether the schema of an array's items refuses anything."""
    return isinstance(items, Mapping) and not _ANNOTATIONS.issuperset(items)


def _kinds_of_one(schema: Mapping[str, Json]) -> Kinds:
    subtype = schema.get("subtype")
    if subtype in _CUBES:
        return frozenset({"datacube"})
    if subtype == "process-graph":
        return frozenset({"process-graph"})
    if subtype == "ml-model":
        return frozenset({"ml-model"})
    types = schema.get("type")
    if types is None:
        combined = next((schema[key] for key in _COMBINERS if key in schema), ())
        return kinds_of(combined)
    named: list[Kind] = [types] if isinstance(types, str) else types  # type: ignore[list-item]  # JSON
    found = set(named)
    if "object" in found and subtype is None:
        found |= {"datacube", "ml-model"}
    return frozenset(found)


def _alternatives(schema: Json) -> tuple[Mapping[str, Json], ...]:
    if isinstance(schema, Mapping):
        return (_without_range(schema),)
    alternatives: Sequence[Json] = schema or [{}]
    return tuple(_without_range(one) for one in alternatives if isinstance(one, Mapping))


def _with_default(
    alternatives: tuple[Mapping[str, Json], ...], parameter: Mapping[str, Json]
) -> tuple[Mapping[str, Json], ...]:
    """The alternatives with null, where it is the default: `merge_cubes` may be told so, though no schema allows it."""
    kinds = kinds_of(alternatives)
    if "default" not in parameter or parameter["default"] is not None or not kinds or "null" in kinds:
        return alternatives
    return (*alternatives, {"type": "null"})


def _without_range(schema: Mapping[str, Json]) -> Mapping[str, Json]:
    """The schema of a number that may be no-data, i.e. of a pixel, without limits to its range.

    The processes that name a range for such numbers (`ln`, `arcsin`, …) say that the result is NaN outside of it.
    """
    if schema.get("type") != ["number", "null"]:
        return schema
    return {key: value for key, value in schema.items() if key not in ("minimum", "maximum")}


def _first_callback(schemas: Iterable[Mapping[str, Json]]) -> CallbackSignature | None:
    for schema in schemas:
        if schema.get("subtype") == "process-graph":
            returns = (schema.get("returns") or {}).get("schema")
            return CallbackSignature(
                read_parameters(schema.get("parameters")), kinds_of(_alternatives(returns))
            )
    return None


def _any_of(schemas: Sequence[Mapping[str, Json]]) -> Mapping[str, Json]:
    return schemas[0] if len(schemas) == 1 else {"anyOf": list(schemas)}


def _validator(schema: Mapping[str, Json]) -> Callable[[Json], bool]:
    return make_validator(schema).is_valid


def make_validator(schema: Mapping[str, Json]) -> jsonschema_rs.Draft7Validator:
    """A validator that opens no files and fetches no URLs, whatever the schema refers to: users write schemas too.

    Raises:
        ValueError: the schema is none.
    """
    import jsonschema_rs

    return jsonschema_rs.Draft7Validator(dict(schema), validate_formats=True, retriever=_refuse)


def _refuse(uri: str) -> Json:
    raise ValueError(f"schemas must be complete in themselves; {uri} is not read")


_REFERENCE = {
    "type": "object",
    "minProperties": 1,
    "maxProperties": 1,
    "propertyNames": {"enum": ["from_node", "from_parameter"]},
}


def _tolerant(schema: Json) -> Json:
    """The schema with references allowed wherever a value is described."""
    if not isinstance(schema, Mapping):
        return schema
    changed: dict[str, Json] = dict(schema)
    for key in _COMBINERS:
        if key in schema:
            changed[key] = [_tolerant(one) for one in schema[key]]
    if "properties" in schema:
        changed["properties"] = {name: _or_reference(one) for name, one in schema["properties"].items()}
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), Mapping):
            changed[key] = _or_reference(schema[key])
    changed.pop("uniqueItems", None)
    return changed


def _or_reference(schema: Json) -> Json:
    return {"anyOf": [_REFERENCE, _tolerant(schema)]}
