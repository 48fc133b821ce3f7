"""Structural differences between two OpenAPI documents, and which of them break clients.

Compared is what goes over the wire. Prose does not count, nor where a schema is declared: references are
followed on both sides. What clients send and what they receive is judged separately, because to ask for more
breaks requests, while to promise less breaks responses.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from connexeo.tools.spec.build import operations
from connexeo.tools.spec.documents import json_copy
from connexeo.tools.spec.references import escape, pointer, resolve
from connexeo.tools.spec.schema_diff import ANY, Direction, SchemaComparison

Kind = Literal["added", "removed", "changed"]


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference, seen from the first document to the second."""

    place: str
    """JSON pointer, in the first document where it is there; ``$ref`` is followed silently."""
    kind: Kind
    message: str
    breaking: bool
    """Whether clients written for the first document may fail with the second."""


def diff_documents(first: Mapping[str, Any], second: Mapping[str, Any]) -> list[Difference]:
    """All differences, in the order of the documents; the same place is named once."""
    comparison = _DocumentComparison(json_copy(first), json_copy(second))
    comparison.compare()
    merged: dict[tuple[str, str, str], Difference] = {}
    for difference in comparison.differences:
        key = difference.place, difference.kind, difference.message
        known = merged.get(key)
        merged[key] = replace(difference, breaking=difference.breaking or bool(known and known.breaking))
    return list(merged.values())


class _DocumentComparison:
    def __init__(self, first: dict[str, Any], second: dict[str, Any]) -> None:
        self.first = first
        self.second = second
        self.differences: list[Difference] = []
        self._schemas = SchemaComparison(first, second, self._report)

    def _report(self, place: str, kind: str, message: str, breaking: bool) -> None:
        self.differences.append(Difference(place, kind, message, breaking))  # type: ignore[arg-type]

    def compare(self) -> None:
        version = "#/info/version"
        self._plain(version, self.first["info"].get("version"), self.second["info"].get("version"), False)
        self._security_schemes()
        mine = {(path, method): node for path, method, node in operations(self.first)}
        theirs = {(path, method): node for path, method, node in operations(self.second)}
        for key, node in mine.items():
            place = pointer("paths", *key)
            if key in theirs:
                self._operation(place, key[0], node, theirs[key])
            else:
                self._report(place, "removed", f"{_name(key)} is gone", True)
        for key in theirs:
            if key not in mine:
                self._report(pointer("paths", *key), "added", f"{_name(key)} is new", False)

    def _operation(self, place: str, path: str, mine: dict[str, Any], theirs: dict[str, Any]) -> None:
        self._plain(f"{place}/operationId", mine.get("operationId"), theirs.get("operationId"), False)
        self._plain(
            f"{place}/deprecated", mine.get("deprecated", False), theirs.get("deprecated", False), False
        )
        self._set(f"{place}/tags", mine.get("tags", ()), theirs.get("tags", ()), (False, False))
        self._security(place, mine, theirs)
        self._parameters(place, path, mine, theirs)
        self._request_body(f"{place}/requestBody", mine.get("requestBody"), theirs.get("requestBody"))
        self._responses(f"{place}/responses", mine.get("responses", {}), theirs.get("responses", {}))

    def _security_schemes(self) -> None:
        mine = self.first.get("components", {}).get("securitySchemes", {})
        theirs = self.second.get("components", {}).get("securitySchemes", {})
        place = "#/components/securitySchemes"
        self._set(place, mine, theirs, (True, False))
        for name in mine:
            if name in theirs:
                keys = [key for key in {**mine[name], **theirs[name]} if not _is_prose(key)]
                for key in keys:
                    one, other = mine[name].get(key), theirs[name].get(key)
                    # The format of a token is a hint for readers, says OpenAPI.
                    self._plain(f"{place}/{escape(name)}/{key}", one, other, key != "bearerFormat")

    def _security(self, place: str, mine: dict[str, Any], theirs: dict[str, Any]) -> None:
        one = _requirements(mine.get("security", self.first.get("security", ())))
        other = _requirements(theirs.get("security", self.second.get("security", ())))
        self._set(f"{place}/security", one, other, (True, False))

    def _parameters(self, place: str, path: str, mine: dict[str, Any], theirs: dict[str, Any]) -> None:
        ours = self._parameters_of(self.first, path, mine)
        others = self._parameters_of(self.second, path, theirs)
        for key, parameter in ours.items():
            where = f"{place}/parameters/{key[0]}:{escape(key[1])}"
            if key not in others:
                self._report(where, "removed", f"the {key[0]} parameter '{key[1]}' is gone", True)
                continue
            other = others[key]
            if parameter.get("required", False) != other.get("required", False):
                required = bool(other.get("required", False))
                self._report(where, "changed", "is required now" if required else "is optional now", required)
            for option, default in (("allowEmptyValue", False), ("style", None), ("explode", None)):
                one_value, other_value = parameter.get(option, default), other.get(option, default)
                self._plain(f"{where}/{option}", one_value, other_value, not other_value)
            self._schema(f"{where}/schema", parameter.get("schema"), other.get("schema"), "request")
        for key, parameter in others.items():
            if key not in ours:
                where = f"{place}/parameters/{key[0]}:{escape(key[1])}"
                needed = bool(parameter.get("required", False))
                message = f"the {'required' if needed else 'optional'} {key[0]} parameter '{key[1]}' is new"
                self._report(where, "added", message, needed)

    @staticmethod
    def _parameters_of(
        document: dict[str, Any], path: str, node: dict[str, Any]
    ) -> dict[tuple[str, str], dict[str, Any]]:
        shared = document["paths"][path].get("parameters", ())
        entries = [resolve(document, entry) for entry in (*shared, *node.get("parameters", ()))]
        return {(entry["in"], entry["name"]): entry for entry in entries}

    def _request_body(self, place: str, mine: Any, theirs: Any) -> None:
        if mine is None or theirs is None:
            if mine is not None:
                self._report(place, "removed", "there is no request body any more", True)
            elif theirs is not None:
                needed = bool(resolve(self.second, theirs).get("required", False))
                self._report(place, "added", "there is a request body now", needed)
            return
        mine, theirs = resolve(self.first, mine), resolve(self.second, theirs)
        needed = bool(theirs.get("required", False))
        self._plain(f"{place}/required", bool(mine.get("required", False)), needed, needed)
        self._content(place, mine, theirs, "request")

    def _responses(self, place: str, mine: dict[str, Any], theirs: dict[str, Any]) -> None:
        self._set(place, mine, theirs, (True, False))
        for status, response in mine.items():
            if status in theirs:
                where = f"{place}/{status}"
                one, other = resolve(self.first, response), resolve(self.second, theirs[status])
                self._headers(f"{where}/headers", one.get("headers", {}), other.get("headers", {}))
                self._content(where, one, other, "response")

    def _headers(self, place: str, mine: dict[str, Any], theirs: dict[str, Any]) -> None:
        self._set(place, mine, theirs, (True, False))
        for name, header in mine.items():
            if name in theirs:
                one, other = resolve(self.first, header), resolve(self.second, theirs[name])
                where = f"{place}/{escape(name)}"
                needed = bool(one.get("required", False))
                self._plain(f"{where}/required", needed, bool(other.get("required", False)), needed)
                self._schema(f"{where}/schema", one.get("schema"), other.get("schema"), "response")

    def _content(self, place: str, mine: dict[str, Any], theirs: dict[str, Any], way: Direction) -> None:
        ours, others = mine.get("content", {}), theirs.get("content", {})
        self._set(f"{place}/content", ours, others, (True, False))
        for name in ours:
            if name in others:
                where = f"{place}/content/{escape(name)}/schema"
                self._schema(where, ours[name].get("schema"), others[name].get("schema"), way)

    def _schema(self, place: str, mine: Any, theirs: Any, way: Direction) -> None:
        self._schemas.compare(place, mine or ANY, theirs or ANY, way)

    def _plain(self, place: str, mine: Any, theirs: Any, breaking: bool) -> None:
        if mine != theirs:
            self._report(place, "changed", f"{_show(mine)} → {_show(theirs)}", breaking)

    def _set(
        self, place: str, mine: Iterable[str], theirs: Iterable[str], breaking: tuple[bool, bool]
    ) -> None:
        ours, others = list(mine), list(theirs)
        for entry in ours:
            if entry not in others:
                self._report(f"{place}/{escape(entry)}", "removed", f"'{entry}' is gone", breaking[0])
        for entry in others:
            if entry not in ours:
                self._report(f"{place}/{escape(entry)}", "added", f"'{entry}' is new", breaking[1])


def _requirements(security: Iterable[Mapping[str, Any]]) -> list[str]:
    return sorted(" and ".join(sorted(requirement)) or "anonymous" for requirement in security)


def _name(key: tuple[str, str]) -> str:
    return f"{key[1].upper()} {key[0]}"


def _is_prose(key: str) -> bool:
    return key == "description" or key.startswith("x-")


def _show(value: Any) -> str:
    return "nothing" if value is None else str(value)
