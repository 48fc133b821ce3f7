"""What is wrong with a request by the contract, as far as it is clear."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import jsonschema_rs
import orjson

from connexeo.tools.conformance.contract import Contract, Operation
from connexeo.tools.conformance.exchange import Exchange
from connexeo.tools.spec.json_schema import SchemaJudge
from connexeo.tools.spec.references import resolve

LARGEST_LIMIT = 100
"""Page sizes up to this are taken everywhere; there may be a largest one."""

NEEDED = frozenset({"", "/process", "/process_graph", "/process/process_graph", "/type"})
"""Parts of bodies without which a request means nothing."""

_CLEAR = frozenset({"type", "required", "minimum", "enum"})
"""Rules that leave no freedom. Patterns and formats do: whoever takes more harms nobody."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with a request."""

    place: str
    """JSON pointer in the body, or the name of a parameter."""
    reason: str
    severe: bool = False
    """Whether nobody can make sense of the request."""

    def __str__(self) -> str:
        return f"{self.place or 'the body'} {self.reason}"


@dataclass(slots=True)
class RequestJudge:
    """Finds what is wrong with requests."""

    contract: Contract
    _bodies: dict[str, jsonschema_rs.Draft4Validator | None] = field(default_factory=dict)
    _headers: dict[tuple[str, int], dict[str, Mapping[str, Any]]] = field(default_factory=dict)
    _judge: SchemaJudge | None = None

    def faults(self, exchange: Exchange) -> tuple[Fault, ...] | None:
        """What is wrong; None when it cannot be told whether anything is."""
        operation = exchange.operation
        if operation is None:
            return None
        query = self._query(operation, exchange)
        body = self._body(operation, exchange)
        if query is None or body is None:
            return None
        return (*query, *body)

    def is_sound(self, exchange: Exchange) -> bool:
        """Whether nothing at all is wrong: what was stored otherwise is not what answers are judged by."""
        if (
            exchange.operation is None
            or self.faults(exchange)
            or not self._is_named(exchange.operation, exchange)
        ):
            return False
        if not exchange.request_body or "json" not in exchange.request_headers.get("content-type", ""):
            return True
        try:
            body = orjson.loads(exchange.request_body)
        except orjson.JSONDecodeError:
            return False
        return not self.contract.request_faults(exchange.operation, body)

    def _is_named(self, operation: Operation, exchange: Exchange) -> bool:
        """Whether identifiers in the path match their patterns."""
        document = self.contract.document
        nodes = [resolve(document, each) for each in operation.node.get("parameters", ())]
        patterns = {
            f"{{{node['name']}}}": resolve(document, node.get("schema", {})).get("pattern")
            for node in nodes
            if node.get("in") == "path"
        }
        template = operation.path.split("/")
        given = urlsplit(exchange.url).path.split("/")[-len(template) :]
        return all(
            patterns.get(part) is None or re.search(patterns[part], unquote(value), re.ASCII)
            for part, value in zip(template, given, strict=False)
        )

    def header_faults(self, exchange: Exchange) -> Iterator[tuple[str, str]]:
        """Headers of an answer that the contract describes, each with what is wrong with it."""
        if exchange.operation is None:
            return
        for name, schema in self._described(exchange.operation, exchange.status).items():
            value = exchange.headers.get(name)
            if value is None or name.lower() == "content-type":
                continue
            if schema.get("format") == "uri":
                yield name, "" if urlsplit(value).scheme else "is not an absolute URL"
            elif schema.get("type") == "string":
                validator = self._schemas().validator(
                    {k: schema[k] for k in ("type", "pattern") if k in schema}
                )
                yield name, "" if validator.is_valid(value) else "does not match the pattern of the contract"

    def _query(self, operation: Operation, exchange: Exchange) -> tuple[Fault, ...] | None:
        known = {
            node["name"]: resolve(self.contract.document, node.get("schema", {}))
            for node in (
                resolve(self.contract.document, each) for each in operation.node.get("parameters", ())
            )
            if node.get("in") == "query"
        }
        given = parse_qsl(urlsplit(exchange.url).query, keep_blank_values=True)
        names = [name for name, _ in given]
        if len(names) != len(set(names)):
            return None
        faults = []
        for name, value in given:
            fault = _parameter_fault(name, value, known.get(name))
            if fault is None:
                return None
            faults += fault
        return tuple(faults)

    def _body(self, operation: Operation, exchange: Exchange) -> tuple[Fault, ...] | None:
        request = resolve(self.contract.document, operation.node.get("requestBody", {}))
        sent = exchange.request_body
        if not request:
            return None if sent else ()
        if "application/json" not in request.get("content", {}):
            return None
        if not sent:
            needed = request.get("required") is True
            return (Fault("", "is missing", severe=operation.method != "PATCH"),) if needed else ()
        if exchange.request_headers.get("content-type", "").partition(";")[0].strip() != "application/json":
            return None
        try:
            value = orjson.loads(sent)
        except orjson.JSONDecodeError:
            return None if _is_json_to_others(sent) else (Fault("", "is not JSON", severe=True),)
        return self._value_faults(operation, request["content"]["application/json"], value)

    def _value_faults(
        self, operation: Operation, media: Mapping[str, Any], value: Any
    ) -> tuple[Fault, ...] | None:
        if operation.name not in self._bodies:
            schema = media.get("schema")
            self._bodies[operation.name] = self._schemas().validator(schema) if schema else None
        validator = self._bodies[operation.name]
        errors = list(validator.iter_errors(value)) if validator else []
        faults = [fault for fault in map(_body_fault, errors) if fault is not None]
        return tuple(dict.fromkeys(faults)) if len(faults) == len(errors) or faults else None

    def _schemas(self) -> SchemaJudge:
        if self._judge is None:
            self._judge = SchemaJudge(self.contract.document)
        return self._judge

    def _described(self, operation: Operation, status: int) -> Mapping[str, Mapping[str, Any]]:
        key = operation.name, status
        if key not in self._headers:
            document = self.contract.document
            responses = operation.node.get("responses", {})
            response = resolve(document, responses.get(str(status), {}))
            nodes = {name: resolve(document, node) for name, node in response.get("headers", {}).items()}
            self._headers[key] = {
                name: resolve(document, node.get("schema", {})) for name, node in nodes.items()
            }
        return self._headers[key]


def _parameter_fault(name: str, value: str, schema: Mapping[str, Any] | None) -> list[Fault] | None:
    """What is wrong with a parameter; None when it cannot be told."""
    if schema is None or not value:
        return None
    if schema.get("type") == "integer":
        return _integer_fault(name, value, schema)
    if schema.get("type") == "string" and "enum" in schema:
        return [] if value in schema["enum"] else [Fault(name, "is none of the values that there are")]
    return None


def _integer_fault(name: str, value: str, schema: Mapping[str, Any]) -> list[Fault] | None:
    if not re.fullmatch(r"-?[0-9]+", value):
        # `1.0` and `+1` are integers to some.
        return None if _is_number(value) else [Fault(name, "is not an integer")]
    number = int(value[:20])
    if number < schema.get("minimum", number):
        return [Fault(name, f"is less than {schema['minimum']}")]
    return [] if number <= LARGEST_LIMIT else None


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _body_fault(error: jsonschema_rs.ValidationError) -> Fault | None:
    kind = error.kind.name
    place = _place(error.instance_path)
    if kind not in _CLEAR:
        return None
    if isinstance(error.kind, jsonschema_rs.ValidationErrorKind.Required):
        place = f"{place}/{error.kind.property}"
        return Fault(place, "is missing", severe=place in NEEDED)
    if error.instance is None and place not in NEEDED:
        # Many take null for a property that is not there.
        return None
    if isinstance(error.kind, jsonschema_rs.ValidationErrorKind.Type):
        types = " or ".join(sorted(error.kind.types))
        return Fault(place, f"is not of the type {types}", severe=place in NEEDED)
    return Fault(place, "is too small" if kind == "minimum" else "is none of the values that there are")


def _place(path: list[str | int]) -> str:
    """A JSON pointer without what a request has named itself: nodes, and numbers of entries."""
    parts = ["*" if isinstance(part, int) else part for part in path]
    if "process_graph" in parts:
        start = parts.index("process_graph") + 1
        parts = [*parts[:start], *("*" for _ in parts[start : start + 1]), *parts[start + 1 : start + 2]]
        if len(parts) == start + 2 and parts[-1] not in {
            "process_id",
            "namespace",
            "arguments",
            "result",
            "description",
        }:
            parts[-1] = "*"
    else:
        parts = parts[:2]
    return "".join(f"/{part}" for part in parts)


def _is_json_to_others(body: bytes) -> bool:
    """Whether a parser that is less strict takes it."""
    try:
        json.loads(body)
    except (ValueError, RecursionError):
        return False
    return True
