"""Views as the web workers want them in memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from connexeo.drivers.federation.snapshots import kinds


@dataclass(frozen=True, slots=True)
class CollectionsView:
    """All collections, in the order of their ids."""

    upstreams: frozenset[str]
    """Those that had a part in it."""
    ids: Sequence[str]
    having: Mapping[str, Sequence[str]]
    """Who hosts each."""
    documents: Mapping[str, Mapping[str, Any]] = field(repr=False)
    """What a list shows of each; properties besides ``id`` and ``links`` are serialised already."""


@dataclass(frozen=True, slots=True)
class EntriesView:
    """Processes, UDF runtimes, or service types."""

    upstreams: frozenset[str]
    entries: Mapping[str, Mapping[str, Any]] = field(repr=False)
    having: Mapping[str, Sequence[str]] = field(repr=False)
    names: Mapping[str, Mapping[str, str]] = field(repr=False)
    """What single back-ends call an entry, where that differs."""


@dataclass(frozen=True, slots=True)
class FormatsView:
    """File formats."""

    upstreams: frozenset[str]
    document: Mapping[str, Any] = field(repr=False)
    """As the contract has it."""
    having: Mapping[str, Mapping[str, Sequence[str]]] = field(repr=False)
    """``input`` and ``output``: who has each format."""


@dataclass(frozen=True, slots=True)
class ProvidersView:
    """OpenID Connect providers of each back-end, by its address."""

    upstreams: frozenset[str]
    providers: Mapping[str, Sequence[Mapping[str, Any]]]


@dataclass(frozen=True, slots=True)
class CapabilitiesView:
    """What the capabilities of the back-ends say."""

    upstreams: frozenset[str]
    document: Mapping[str, Any]
    """What of them belongs into ours."""
    titles: Mapping[str, str]
    endpoints: Mapping[str, frozenset[str]]
    """Such as ``GET /jobs/{}``, by back-end."""
    billing: Mapping[str, Any] = field(default_factory=dict)
    """What each says of money."""


def _collections(body: bytes) -> CollectionsView:
    view = orjson.loads(body)
    documents: dict[str, Mapping[str, Any]] = {}
    for identifier, _, raw in view["entries"]:
        documents[identifier] = {
            **{key: orjson.Fragment(text) for key, text in raw.items()},
            "id": identifier,
            "links": orjson.loads(raw.get("links", "[]")),
        }
    return CollectionsView(
        frozenset(view["upstreams"]),
        tuple(documents),
        {identifier: having for identifier, having, _ in view["entries"]},
        documents,
    )


def _entries(body: bytes) -> EntriesView:
    view = orjson.loads(body)
    return EntriesView(frozenset(view["upstreams"]), view["entries"], view["having"], view.get("names", {}))


def _formats(body: bytes) -> FormatsView:
    view = orjson.loads(body)
    return FormatsView(
        frozenset(view["upstreams"]),
        {"input": view["input"], "output": view["output"]},
        {"input": view["having_input"], "output": view["having_output"]},
    )


def _providers(body: bytes) -> ProvidersView:
    view = orjson.loads(body)
    return ProvidersView(frozenset(view["upstreams"]), view["providers"])


def _capabilities(body: bytes) -> CapabilitiesView:
    view = orjson.loads(body)
    endpoints = {upstream: frozenset(each) for upstream, each in view["endpoints"].items()}
    return CapabilitiesView(
        frozenset(view["upstreams"]), view["document"], view["titles"], endpoints, view.get("billing", {})
    )


LOADERS: Mapping[str, Callable[[bytes], Any]] = {
    kinds.CAPABILITIES: _capabilities,
    kinds.COLLECTIONS: _collections,
    kinds.PROCESSES: _entries,
    kinds.UDF_RUNTIMES: _entries,
    kinds.SERVICE_TYPES: _entries,
    kinds.FILE_FORMATS: _formats,
    kinds.PROVIDERS: _providers,
}
"""What makes a view of its serialised form, by kind."""
