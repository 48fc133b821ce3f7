"""What the contract says of requests and answers: which operation a request is, and what is wrong with a body."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

import jsonschema_rs

from connexeo.tools.conformance.discovery import anonymous_template
from connexeo.tools.conformance.faults import describe
from connexeo.tools.conformance.versions import extended, nearest_version, version_document
from connexeo.tools.spec.build import operations, order_paths, path_pattern
from connexeo.tools.spec.documents import Document
from connexeo.tools.spec.json_schema import SchemaJudge
from connexeo.tools.spec.references import resolve

_REQUEST = "request"

_STAC = re.compile(r"/collections/.+/(items|queryables|sortables|aggregate|aggregations)(/.*)?")
"""What STAC APIs and other extensions have below a collection: identifiers of collections may hold slashes, yet these
are none."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of the contract."""

    method: str
    """In upper case."""
    path: str
    """Template, such as ``/jobs/{job_id}``."""
    id: str
    """``operationId``; empty when a document of a user has none."""
    secured: bool
    """Whether nobody is answered without a token."""
    optional_token: bool
    """Whether a token may be sent but need not."""
    basic: bool
    """Whether user name and password are sent, by HTTP Basic."""
    node: Mapping[str, Any] = field(repr=False, compare=False)
    """As it stands in the document."""

    @property
    def name(self) -> str:
        """``GET /jobs/{job_id}``."""
        return f"{self.method} {self.path}"


class Contract:
    """A document of the openEO API, to judge by.

    Validators are made when they are needed first, and kept.
    """

    def __init__(self, document: Document, version: str, notes: Iterable[str] = ()) -> None:
        self.document = document
        self.version = version
        """Major and minor number of the API version that the document is of."""
        self.notes = tuple(notes)
        """What a reader of the report must know about the choice of the document."""
        self.operations = tuple(_operations(document))
        self._by_template = {anonymous_template(each.name): each for each in self.operations}
        self._routes = _routes(document, self.operations)
        self._validators: dict[tuple[str, str, str], jsonschema_rs.Draft4Validator | None] = {}

    @cached_property
    def _judge(self) -> SchemaJudge:
        return SchemaJudge(self.document)

    def match(self, method: str, path: str) -> Operation | None:
        """The operation that a request is, by its path below the API's URL."""
        path = path or "/"
        for pattern, methods in self._routes:
            if pattern.fullmatch(path):
                found = methods.get(method.upper())
                foreign = (
                    found and anonymous_template(found.path) == "/collections/{}" and _STAC.fullmatch(path)
                )
                return None if foreign else found
        return None

    def operation(self, name: str) -> Operation | None:
        """The operation of a name such as ``GET /jobs/{job_id}``; names of parameters do not matter."""
        return self._by_template.get(anonymous_template(name))

    def documented(self, operation: Operation, status: int) -> bool:
        """Whether the contract says what an answer with this status looks like."""
        return self._response(operation, status) is not None

    def media_types(self, operation: Operation, status: int) -> tuple[str, ...]:
        """Media types that an answer with this status may have; none when it has no body."""
        _, response = self._response(operation, status) or ("", {})
        return tuple(response.get("content", ()))

    def response_headers(self, operation: Operation, status: int) -> tuple[str, ...]:
        """Headers that an answer with this status must have."""
        _, response = self._response(operation, status) or ("", {})
        headers = {name: resolve(self.document, node) for name, node in response.get("headers", {}).items()}
        return tuple(name for name, node in headers.items() if node.get("required") is True)

    def faults(self, operation: Operation, status: int, media_type: str | None, body: Any) -> list[str]:
        """What is wrong with the JSON body of an answer, each fault with its JSON pointer.

        A body of a status or media type that the contract does not know has no faults here; a body that says less
        than the media type of the contract does (``application/json`` for ``application/geo+json``) is judged.
        """
        found = self._response(operation, status)
        if found is None:
            return []
        key, response = found
        return self._faults(operation, key, response.get("content", {}), media_type, body)

    def request_faults(self, operation: Operation, body: Any) -> list[str]:
        """What is wrong with the JSON body of a request, each fault with its JSON pointer."""
        request = resolve(self.document, operation.node.get("requestBody", {}))
        return self._faults(operation, _REQUEST, request.get("content", {}), "application/json", body)

    def _faults(
        self, operation: Operation, key: str, content: Mapping[str, Any], media_type: str | None, body: Any
    ) -> list[str]:
        chosen = _choose(content, media_type)
        if chosen is None:
            return []
        place = operation.name, key, chosen
        if place not in self._validators:
            schema = content[chosen].get("schema")
            self._validators[place] = self._judge.validator(schema) if schema else None
        validator = self._validators[place]
        try:
            return describe(validator.iter_errors(body)) if validator else []
        except ValueError:
            # It goes down some hundred levels and no further: what is below has no faults that could be told.
            return []

    def _response(self, operation: Operation, status: int) -> tuple[str, Mapping[str, Any]] | None:
        responses = operation.node.get("responses", {})
        for key in (str(status), f"{status // 100}XX", "default"):
            if key in responses:
                return key, resolve(self.document, responses[key])
        return None


def load_contract(api_version: str, *, federation: bool = False, extra: Iterable[str] = ()) -> Contract:
    """The contract that a back-end of this API version has to keep.

    Args:
        api_version: as the back-end says; the nearest known version is taken.
        federation: whether it says that it is a federation.
        extra: files or URLs of overlays, or of an OpenAPI document instead of the standard's.

    Raises:
        SpecError: when a source is at fault, or the version too old.
    """
    sources = tuple(extra)
    # What a user gives may be another file the next time.
    return _made(api_version, federation, sources) if sources else _standard(api_version, federation)


def _made(api_version: str, federation: bool, extra: Iterable[str] = ()) -> Contract:
    version, note = nearest_version(api_version)
    document = version_document(version, federation=federation)
    _accept_version(document, api_version)
    return Contract(extended(document, extra), version, [note] if note else [])


_standard = lru_cache(maxsize=8)(_made)
"""Kept with its validators, as nobody changes it: whoever tests several back-ends needs it each time."""


def _accept_version(document: Document, api_version: str) -> None:
    """The document lists its own number only, of which there are several with the same minor version."""
    answer = document["paths"]["/"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    answer["properties"]["api_version"]["enum"] = [api_version]


def _operations(document: Document) -> Iterable[Operation]:
    schemes = document.get("components", {}).get("securitySchemes", {})
    kinds = {name: str(node.get("scheme", node.get("type"))).lower() for name, node in schemes.items()}
    for path, method, node in operations(document):
        alternatives = node.get("security", document.get("security")) or ()
        ways = [{kinds.get(name, "") for name in alternative} for alternative in alternatives]
        token = any(way and "basic" not in way for way in ways)
        anonymous = not ways or any(not way for way in ways)
        yield Operation(
            method=method.upper(),
            path=path,
            id=str(node.get("operationId", "")),
            secured=token and not anonymous,
            optional_token=token and anonymous,
            basic=any("basic" in way for way in ways),
            node=node,
        )


_Route = tuple[re.Pattern[str], Mapping[str, Operation]]


def _routes(document: Document, known: Iterable[Operation]) -> tuple[_Route, ...]:
    """Patterns of paths, of which the first that matches is the right one."""
    by_path: dict[str, dict[str, Operation]] = {}
    for operation in known:
        by_path.setdefault(operation.path, {})[operation.method] = operation
    return tuple(
        (path_pattern(document, path, item), by_path.get(path, {}))
        for path, item in order_paths(document).items()
    )


def _choose(content: Mapping[str, Any], media_type: str | None) -> str | None:
    """The entry of ``content`` to judge a JSON body by."""
    given = (media_type or "application/json").partition(";")[0].strip().lower()
    main = given.partition("/")[0]
    for entry in (given, f"{main}/*", "*/*"):
        if entry in content:
            return entry
    return next((entry for entry in content if _is_json(given) and _is_json(entry)), None)


def _is_json(media_type: str) -> bool:
    return media_type == "application/json" or media_type.endswith("+json")
