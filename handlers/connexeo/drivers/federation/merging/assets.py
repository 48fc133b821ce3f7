"""Assets of collections, and what they say of the assets of their items."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connexeo.drivers.federation.merging.equality import same
from connexeo.drivers.federation.merging.parts import Context, Said
from connexeo.drivers.federation.merging.rules import Rule, by_name, first_text, merge_entry, union
from connexeo.drivers.federation.merging.summaries import BAND_RULES

_RULES: dict[str, Rule] = {
    "title": first_text,
    "description": first_text,
    "roles": union,
    **BAND_RULES,
}


def item_assets(said: Said, context: Context) -> dict[str, Any]:
    """The rule for ``item_assets``: by key, property by property, bands by name."""
    return by_name(said, context, _RULES)


def assets(said: Said, context: Context) -> dict[str, Any]:
    """The rule for ``assets``: by key; another file under the same key gets the key ``<key>@<upstream>``."""
    context = context.within(tuple(upstream for upstream, value in said if isinstance(value, Mapping)))
    result: dict[str, Any] = {}
    for key, files in _files(said).items():
        for number, entries in enumerate(files):
            upstream = entries[0][0]
            name = key if number == 0 else f"{key}@{upstream}"
            result[name] = merge_entry(entries, context.below(name), _RULES)
        if len(files) > 1:
            everything = [entry for entries in files for entry in entries]
            context.below(key).note(
                files[0][0][1], everything, "different files; each is kept under a key of its own"
            )
    return result


def _files(said: Said) -> dict[str, list[list[tuple[str, Any]]]]:
    """Key → entries for the same file, for each file."""
    found: dict[str, list[list[tuple[str, Any]]]] = {}
    for upstream, value in said:
        for key, asset in value.items() if isinstance(value, Mapping) else ():
            files = found.setdefault(key, [])
            known = next((entries for entries in files if same(_href(entries[0][1]), _href(asset))), None)
            if known is None:
                files.append([(upstream, asset)])
            else:
                known.append((upstream, asset))
    return found


def _href(asset: Any) -> Any:
    return asset.get("href") if isinstance(asset, Mapping) else asset
