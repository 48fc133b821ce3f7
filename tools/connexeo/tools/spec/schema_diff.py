"""Compares two schemas by what they accept, each in a document of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

import orjson

from connexeo.tools.spec.flatten import flatten_object
from connexeo.tools.spec.references import escape, reference_name, resolve

Direction = Literal["request", "response"]

Report = Callable[[str, str, str, bool], None]
"""Place, kind, message, breaking."""

_PROSE = {"title", "description", "example", "examples", "externalDocs", "xml", "discriminator"}
_COMBINED = ("allOf", "anyOf", "oneOf")
_STRUCTURAL = {"type", "nullable", "properties", "required", "enum", "items", "additionalProperties", "not"}
_STRUCTURAL |= set(_COMBINED)
_DEFAULTS: dict[str, Any] = {
    "minItems": 0,
    "minLength": 0,
    "minProperties": 0,
    "uniqueItems": False,
    "exclusiveMinimum": False,
    "exclusiveMaximum": False,
    "deprecated": False,
    "readOnly": False,
    "writeOnly": False,
}
_LOWER = {"minimum", "minItems", "minLength", "minProperties"}
_UPPER = {"maximum", "maxItems", "maxLength", "maxProperties"}
_HARMLESS = {"deprecated"}


ANY: Mapping[str, Any] = {}
"""The schema that accepts everything; one object, because pairs are remembered by identity."""


class SchemaComparison:
    """Compares schemas pairwise; cycles end because no pair is compared twice in one direction."""

    def __init__(self, first: Mapping[str, Any], second: Mapping[str, Any], report: Report) -> None:
        self._first = first
        self._second = second
        self._report = report
        self._seen: set[tuple[int, int, Direction]] = set()
        self._equal: dict[tuple[int, int], bool] = {}
        self._flat: dict[int, tuple[Any, Mapping[str, Any]]] = {}

    def compare(self, place: str, mine: Any, theirs: Any, way: Direction) -> None:
        """Report what differs. A place within a component of the same name on both sides names the component."""
        name = reference_name(mine)
        if name is not None and name == reference_name(theirs):
            place = f"#/components/schemas/{escape(name)}"
        mine, theirs = self._reduce(self._first, mine), self._reduce(self._second, theirs)
        key = id(mine), id(theirs), way
        if key in self._seen:
            return
        self._seen.add(key)
        self._types(place, mine, theirs, way)
        self._enum(place, mine, theirs, way)
        self._properties(place, mine, theirs, way)
        self._children(place, mine, theirs, way)
        mine, theirs = self._loosened(place, mine, theirs, way)
        for keyword in _COMBINED:
            self._combined(f"{place}/{keyword}", mine.get(keyword), theirs.get(keyword), keyword, way)
        for keyword in {**mine, **theirs}:
            if not _is_ignored(keyword) and keyword not in _STRUCTURAL:
                self._keyword(place, keyword, mine, theirs, way)

    def equal(self, mine: Any, theirs: Any) -> bool:
        """Whether two schemas have no difference."""
        key = id(mine), id(theirs)
        if key not in self._equal:
            # A cycle back to this pair holds no difference of its own.
            self._equal[key] = True
            found: list[str] = []
            trial = SchemaComparison(self._first, self._second, lambda place, *_: found.append(place))
            trial._flat = self._flat
            trial._equal = self._equal  # its own kind
            trial.compare("#", mine, theirs, "request")
            self._equal[key] = not found
        return self._equal[key]

    def _reduce(self, document: Mapping[str, Any], schema: Any) -> Mapping[str, Any]:
        """Follow references, and take the parts of ``allOf`` together where they make one schema."""
        while True:
            schema = resolve(document, schema)
            if not isinstance(schema, Mapping):
                return ANY
            parts = [key for key in schema if not _is_ignored(key)]
            if parts == ["allOf"] and len(schema["allOf"]) == 1:
                schema = schema["allOf"][0]
            else:
                return self._flatten(document, schema) if "allOf" in schema else schema

    def _flatten(self, document: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
        """The same object for the same schema, which is kept with it, as pairs are remembered by identity."""
        if id(schema) not in self._flat:
            self._flat[id(schema)] = schema, flatten_object(document, schema) or schema
        return self._flat[id(schema)][1]

    def _types(self, place: str, mine: Mapping[str, Any], theirs: Mapping[str, Any], way: Direction) -> None:
        one, other = mine.get("type"), theirs.get("type")
        if one != other:
            wider = other is None or (one == "integer" and other == "number")
            narrower = one is None or (one == "number" and other == "integer")
            message = f"{one or 'any type'} → {other or 'any type'}"
            breaking = _breaks(way, narrower=narrower, wider=wider)
            self._report(f"{place}/type", "changed", message, breaking)
        was, now = mine.get("nullable", False), theirs.get("nullable", False)
        if was != now:
            message = "null is accepted now" if now else "null is not accepted any more"
            self._report(f"{place}/nullable", "changed", message, _breaks(way, narrower=was, wider=now))

    def _enum(self, place: str, mine: Mapping[str, Any], theirs: Mapping[str, Any], way: Direction) -> None:
        one, other = mine.get("enum"), theirs.get("enum")
        if one is None and other is None:
            return
        place = f"{place}/enum"
        if one is None or other is None:
            kind = "added" if one is None else "removed"
            narrower = one is None
            message = f"the list of values is {'new' if narrower else 'gone'}"
            self._report(place, kind, message, _breaks(way, narrower=narrower, wider=not narrower))
            return
        for value in _missing(one, other):
            self._report(place, "removed", f"{value} is gone", _breaks(way, narrower=True, wider=False))
        for value in _missing(other, one):
            self._report(place, "added", f"{value} is new", _breaks(way, narrower=False, wider=True))

    def _properties(
        self, place: str, mine: Mapping[str, Any], theirs: Mapping[str, Any], way: Direction
    ) -> None:
        ours, others = mine.get("properties", {}), theirs.get("properties", {})
        for name in ours:
            where = f"{place}/properties/{escape(name)}"
            if name in others:
                self.compare(where, ours[name], others[name], way)
            else:
                self._report(where, "removed", f"the property '{name}' is gone", True)
        for name in others:
            if name not in ours:
                where = f"{place}/properties/{escape(name)}"
                self._report(where, "added", f"the property '{name}' is new", False)
        needed, needs = mine.get("required", ()), theirs.get("required", ())
        for name in sorted(set(needs) - set(needed)):
            self._report(f"{place}/required", "added", f"'{name}' is required now", way == "request")
        for name in sorted(set(needed) - set(needs)):
            self._report(f"{place}/required", "removed", f"'{name}' is optional now", way == "response")

    def _children(
        self, place: str, mine: Mapping[str, Any], theirs: Mapping[str, Any], way: Direction
    ) -> None:
        one, other = mine.get("additionalProperties", True), theirs.get("additionalProperties", True)
        where = f"{place}/additionalProperties"
        if one is True and other is True:
            pass
        elif one is False or other is False:
            if one is not other:
                narrower = other is False
                message = f"other properties are {'refused' if narrower else 'accepted'} now"
                self._report(where, "changed", message, _breaks(way, narrower=narrower, wider=not narrower))
        else:
            self.compare(where, ANY if one is True else one, ANY if other is True else other, way)
        for keyword in ("items", "not"):
            if keyword in mine or keyword in theirs:
                # What `not` refuses is looked at from the other side.
                turned: Direction = way if keyword == "items" else _turn(way)
                self.compare(f"{place}/{keyword}", mine.get(keyword, ANY), theirs.get(keyword, ANY), turned)

    def _loosened(
        self, place: str, mine: Mapping[str, Any], theirs: Mapping[str, Any], way: Direction
    ) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        """Report a change between oneOf and anyOf, and make both the same for comparing the alternatives."""
        for one, other in (("oneOf", "anyOf"), ("anyOf", "oneOf")):
            if one in mine and other in theirs and other not in mine and one not in theirs:
                wider = other == "anyOf"
                breaking = _breaks(way, narrower=not wider, wider=wider)
                self._report(f"{place}/{one}", "changed", f"{one} → {other}", breaking)
                return mine, {one if key == other else key: value for key, value in theirs.items()}
        return mine, theirs

    def _combined(self, place: str, mine: Any, theirs: Any, keyword: str, way: Direction) -> None:
        if not mine and not theirs:
            return
        if not mine or not theirs:
            gone = bool(mine)
            narrower = not gone
            message = f"'{keyword}' is {'gone' if gone else 'new'}"
            breaking = _breaks(way, narrower=narrower, wider=gone)
            self._report(place, "removed" if gone else "added", message, breaking)
            return
        ours, others = list(mine), list(theirs)
        for entry in list(ours):
            match = next((other for other in others if self.equal(entry, other)), None)
            if match is not None:
                ours.remove(entry)
                others.remove(match)
        pairs = min(len(ours), len(others))
        for one, other in zip(ours, others, strict=False):
            self.compare(f"{place}/{_position(mine, one)}", one, other, way)
        # One more alternative accepts more; one more part of allOf accepts less.
        for one in ours[pairs:]:
            breaking = _breaks(way, narrower=keyword != "allOf", wider=keyword == "allOf")
            where = f"{place}/{_position(mine, one)}"
            self._report(where, "removed", f"{_label(one)} is gone", breaking)
        for other in others[pairs:]:
            breaking = _breaks(way, narrower=keyword == "allOf", wider=keyword != "allOf")
            where = f"{place}/{_position(theirs, other)}"
            self._report(where, "added", f"{_label(other)} is new", breaking)

    def _keyword(
        self, place: str, keyword: str, mine: Mapping[str, Any], theirs: Mapping[str, Any], way: Direction
    ) -> None:
        one = mine.get(keyword, _DEFAULTS.get(keyword))
        other = theirs.get(keyword, _DEFAULTS.get(keyword))
        if one == other:
            return
        narrower, wider = _tendency(keyword, one, other)
        kind = "added" if one is None else "removed" if other is None else "changed"
        breaking = keyword not in _HARMLESS and _breaks(way, narrower=narrower, wider=wider)
        self._report(f"{place}/{keyword}", kind, f"{_text(one)} → {_text(other)}", breaking)


def _breaks(way: Direction, *, narrower: bool, wider: bool) -> bool:
    """Requests break by what accepts less, responses by what may send more; neither known: both break."""
    if narrower == wider:
        return True
    return narrower if way == "request" else wider


def _tendency(keyword: str, one: Any, other: Any) -> tuple[bool, bool]:
    if one is None or other is None:
        return one is None, other is None
    if keyword in _LOWER:
        return other > one, other < one
    if keyword in _UPPER:
        return other < one, other > one
    if isinstance(one, bool) and isinstance(other, bool):
        return other, one
    return False, False


def _turn(way: Direction) -> Direction:
    return "response" if way == "request" else "request"


def _is_ignored(keyword: str) -> bool:
    return keyword in _PROSE or keyword.startswith("x-")


def _missing(values: list[Any], others: list[Any]) -> list[str]:
    known = {orjson.dumps(value) for value in others}
    return [_text(value) for value in values if orjson.dumps(value) not in known]


def _position(entries: list[Any], entry: Any) -> int:
    return next(index for index, other in enumerate(entries) if other is entry)


def _label(schema: Any) -> str:
    name = reference_name(schema)
    if name is None and isinstance(schema, Mapping):
        name = schema.get("title") or schema.get("type")
    return f"'{name}'" if name else "a part"


def _text(value: Any) -> str:
    return "nothing" if value is None else orjson.dumps(value).decode()
