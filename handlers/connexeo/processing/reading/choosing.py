"""Which items and bands are loaded, of those that were found."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from connexeo.generated.errors import FeatureUnsupported, ProcessParameterInvalid
from connexeo.processing.reading.bands import SourceBand, collection_bands, select_bands

Document = Mapping[str, Any]
Condition = Callable[..., Any]


def meets(item: Document, conditions: Mapping[str, Condition]) -> bool:
    """Whether all conditions hold for the item's properties, its `id` and `collection`; null is no yes."""
    own = {name: item[name] for name in ("id", "collection") if name in item}
    properties = {**own, **(item.get("properties") or {})}
    return all(_is_true(condition(value=properties.get(name))) for name, condition in conditions.items())


def choose_bands(
    collection: Document, items: Sequence[Document], names: Sequence[str] | None, *, process: str
) -> tuple[SourceBand, ...]:
    """The bands that were asked for, all of one kind.

    Raises:
        ProcessParameterInvalid: there is no such band; the message names those that there are.
        FeatureUnsupported: there are none at all.
    """
    available = collection_bands(collection, items)
    if not available:
        raise FeatureUnsupported("The collection has no raster data.")
    try:
        chosen = select_bands(available, names)
    except KeyError as error:
        existing = ", ".join(
            f"{band.name} ({band.common_name})" if band.common_name else band.name for band in available
        )
        reason = f"there is no band '{error.args[0]}'; available bands: {existing}."
        raise ProcessParameterInvalid(parameter="bands", process=process, reason=reason) from error
    if len({band.kind for band in chosen}) > 1:
        reason = "bands of image files and of netCDF or Zarr files cannot be loaded together."
        raise ProcessParameterInvalid(parameter="bands", process=process, reason=reason)
    return chosen


def _is_true(answer: Any) -> bool:
    """Whether a condition says yes: null and NaN, which logical processes return for no-data, do not."""
    return bool(answer == True)  # noqa: E712 -- numpy's True too, and whatever else equals it
