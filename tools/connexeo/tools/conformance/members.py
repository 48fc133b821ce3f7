"""Which back-ends of a federation are there, for checks of everything else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connexeo.tools.conformance.backend import BackEnd
from connexeo.tools.conformance.shapes import mapping

BACKENDS = "federation:backends"


def member_names(backend: BackEnd) -> list[str]:
    """All back-ends of a federation; none of whoever is no federation."""
    return [str(name) for name in mapping(backend.capabilities.get("federation"))]


def online_members(backend: BackEnd) -> list[str]:
    """Those that the capabilities say are online."""
    members = mapping(backend.capabilities.get("federation"))
    return [
        str(name)
        for name, about in members.items()
        if str(mapping(about).get("status", "online")) == "online"
    ]


def is_served(backend: BackEnd, collection: Mapping[str, Any]) -> bool:
    """Whether somebody who has a collection is online: what is known of it stays listed when nobody is."""
    members = member_names(backend)
    return not members or not set(hosts_of(collection) or members).isdisjoint(online_members(backend))


def hosts_of(collection: Mapping[str, Any]) -> list[str]:
    """Of a collection: the extension's text has the property at the top, its example in the summaries."""
    below = mapping(collection.get("summaries")).get(BACKENDS)
    return sorted(names_of(collection.get(BACKENDS) or below))


def names_of(value: Any) -> list[str]:
    """Identifiers of back-ends in a list; none when it is no list."""
    return [str(each) for each in value] if isinstance(value, list) else []
