"""Reads OpenAPI documents: YAML or JSON, from a file or a URL.

YAML is read as JSON would be: dates stay strings, only ``true`` and ``false`` are booleans, keys are strings,
and a key that stands twice is an error.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
import yaml

Document = dict[str, Any]


class SpecError(ValueError):
    """Something is wrong with a source of the contract; the message is one readable line."""


# The C loader is ten times faster; wheels of PyYAML have it, builds from source may not.
_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_NOT_JSON = {"tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:bool"}


class JsonLoader(_Base):  # type: ignore[misc]
    """YAML loader that yields what JSON can hold."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - the name and kind that PyYAML asks for
        first: [(tag, regexp) for tag, regexp in resolvers if tag not in _NOT_JSON]
        for first, resolvers in _Base.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[str, Any]:
        """Build a mapping with string keys.

        Raises:
            SpecError: when a key stands twice.
        """
        self.flatten_mapping(node)
        mapping: dict[str, Any] = {}
        for key_node, value_node in node.value:
            # The text as written: the key 200 of a response is "200", and 1.0 does not become "1".
            key = str(key_node.value)
            if key in mapping:
                mark = key_node.start_mark
                raise SpecError(f"line {mark.line + 1}: the key '{key}' stands twice")
            mapping[key] = self.construct_object(value_node, deep=deep)
        return mapping


def _boolean_resolver() -> None:
    import re

    JsonLoader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|false)$"), list("tf"))


_boolean_resolver()


def parse_document(text: bytes, place: str) -> Any:
    """Read YAML or JSON; ``place`` names the source in error messages.

    Raises:
        SpecError: when it is neither.
    """
    if text.lstrip()[:1] in (b"{", b"["):
        try:
            return orjson.loads(text)
        except orjson.JSONDecodeError:
            pass  # YAML in flow style, or JSON with a fault that the YAML parser will name
    try:
        return yaml.load(text, Loader=JsonLoader)  # noqa: S506 - derived from the safe loader
    except yaml.MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        raise SpecError(f"{place}: {line}{error.problem}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SpecError(f"{place}: {' '.join(str(error).split())}") from error
    except SpecError as error:
        raise SpecError(f"{place}: {error}") from None


def read_mapping(path: Path) -> Document:
    """Read a file that holds a mapping.

    Raises:
        SpecError: when it cannot be read or holds something else.
    """
    try:
        text = path.read_bytes()
    except OSError as error:
        raise SpecError(f"{path} cannot be read: {error.strerror}") from error
    return _mapping(parse_document(text, str(path)), str(path))


def load_document(source: str | Path) -> Document:
    """Read an OpenAPI document from a file or an http(s) URL.

    Raises:
        SpecError: when it cannot be had or is not an OpenAPI 3.0 document.
    """
    document = fetch_mapping(source)
    require_openapi(document, str(source))
    return document


def fetch_mapping(source: str | Path) -> Document:
    """Read YAML or JSON that holds a mapping from a file or an http(s) URL.

    Raises:
        SpecError: when it cannot be had or holds something else.
    """
    place = str(source)
    if place.startswith(("http://", "https://")):
        return _mapping(parse_document(_download(place), place), place)
    return read_mapping(Path(source))


def require_openapi(document: Mapping[str, Any], place: str) -> None:
    """Refuse what is not an OpenAPI 3.0 document.

    Raises:
        SpecError: with what was found instead.
    """
    version = str(document.get("openapi", ""))
    if not version.startswith("3.0"):
        raise SpecError(f"{place} is not an OpenAPI 3.0 document (openapi: {version or 'missing'})")
    if not isinstance(document.get("paths"), Mapping):
        raise SpecError(f"{place} has no paths")


def dump_document(document: Any) -> bytes:
    """Pretty JSON with a final newline; the order of keys is kept."""
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def json_copy(value: Any) -> Any:
    """A deep copy through JSON: nothing is shared with the original, nor within the copy."""
    return orjson.loads(orjson.dumps(value))


def _mapping(value: Any, place: str) -> Document:
    if not isinstance(value, dict):
        raise SpecError(f"{place} does not hold a mapping")
    return value


def _download(url: str) -> bytes:
    import httpx

    try:
        response = httpx.get(url, follow_redirects=True, timeout=30)
        response.raise_for_status()
    except httpx.HTTPError as error:
        raise SpecError(f"{url} cannot be read: {error}") from error
    return response.content
