"""What of the upstreams' capabilities belongs in those of the federation; its endpoints are its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from connexeo.drivers.federation.merging.contract import Contract, our_contract
from connexeo.drivers.federation.merging.equality import all_same
from connexeo.drivers.federation.merging.parts import Context, Merged, Part, canonical
from connexeo.drivers.federation.merging.presence import BACKENDS

RELATIONS = ("about", "terms-of-service", "privacy-policy", "contact", "license", "help")
"""Links of upstreams that concern whoever has work done there."""


@dataclass(frozen=True, slots=True)
class Member:
    """One back-end of the federation, as ``GET /`` shows it."""

    id: str
    url: str
    """Its API, of one version."""
    title: str
    online: bool
    last_status_check: datetime | None = None
    """None: never yet."""
    last_successful_check: datetime | None = None
    description: str | None = None
    experimental: bool = False
    deprecated: bool = False


def federation(members: Iterable[Member]) -> dict[str, dict[str, Any]]:
    """The ``federation`` of the capabilities, everything of each member that is known."""
    return {member.id: _shown(member) for member in members}


def _shown(member: Member) -> dict[str, Any]:
    checked = member.last_status_check
    # While it is online, the last check was the last successful one.
    good = checked if member.online and checked is not None else member.last_successful_check
    shown: dict[str, Any] = {
        "url": member.url,
        "title": member.title or member.id,
        "status": "online" if member.online else "offline",
        "experimental": member.experimental,
        "deprecated": member.deprecated,
    }
    if member.description:
        shown["description"] = member.description
    if checked is not None:
        shown["last_status_check"] = _text(checked)
    if good is not None:
        shown["last_successful_check"] = _text(good)
    return shown


def _text(time: datetime) -> str:
    zoned = time if time.tzinfo else time.replace(tzinfo=UTC)
    return zoned.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def merge_capabilities(
    parts: Iterable[Part], order: Sequence[str], *, contract: Contract | None = None
) -> Merged:
    """The properties that upstreams give to the capabilities: ``billing`` where unambiguous, ``links``.

    Args:
        parts: the documents of ``GET /`` of the upstreams, of any shape.
        order: the configured upstreams.
        contract: what to judge by; the one of this package if not given.
    """
    judge = contract or our_contract()
    heard = canonical(parts, order)
    upstreams = tuple(part.upstream for part in heard)
    context = Context(upstreams)
    document: dict[str, Any] = {}
    billing = _billing(heard, context.below("billing"), judge)
    if billing is not None:
        document["billing"] = billing
    links = _links(heard, judge)
    if links:
        document["links"] = links
    return Merged(document, upstreams, context.conflicts)


def _billing(parts: Sequence[Part], context: Context, judge: Contract) -> dict[str, Any] | None:
    """One currency only: amounts of two cannot be told apart. Plans only when all that bill have the same."""
    found = [(part.upstream, _sound(part.document.get("billing"), judge)) for part in parts]
    said = [(upstream, value) for upstream, value in found if value is not None]
    if not said:
        return None
    currencies = [(upstream, value["currency"]) for upstream, value in said]
    if not all_same(value for _, value in currencies):
        context.below("currency").note(None, currencies, "amounts in different currencies cannot be compared")
        return None
    billing: dict[str, Any] = {"currency": currencies[0][1]}
    for name in ("default_plan", "plans"):
        values = [(upstream, value[name]) for upstream, value in said if name in value]
        if len(values) == len(said) and all_same(value for _, value in values):
            billing[name] = values[0][1]
        elif values:
            context.below(name).note(
                None, values, "plans are shown only when all back-ends that bill have the same"
            )
    return billing


def _sound(billing: Any, judge: Contract) -> Mapping[str, Any] | None:
    """What the contract takes of a billing: all, its currency only, or nothing."""
    if not isinstance(billing, Mapping) or judge.is_capability("billing", billing):
        return billing if isinstance(billing, Mapping) else None
    currency = {key: value for key, value in billing.items() if key == "currency"}
    return currency if judge.is_capability("billing", currency) else None


def _links(parts: Sequence[Part], judge: Contract) -> list[dict[str, Any]]:
    """Links to terms, privacy policies and the like, each marked with whose they are."""
    found: dict[tuple[str, str], tuple[Mapping[str, Any], list[str]]] = {}
    for part in parts:
        links = part.document.get("links")
        for link in links if isinstance(links, list) else ():
            if (
                isinstance(link, Mapping)
                and judge.is_capability("links", [link])
                and link["rel"] in RELATIONS
            ):
                _, owners = found.setdefault((link["rel"], link["href"]), (link, []))
                if part.upstream not in owners:
                    owners.append(part.upstream)
    return [{**link, BACKENDS: owners} for link, owners in found.values()]
