"""The bands of STAC collections: names, the assets that hold them, and what is declared about their values.

Understands STAC 1.0 (`eo:bands`, `raster:bands`, the item-assets extension) and 1.1 (`bands`). Works on plain documents
and imports nothing heavy: discovery uses it too.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

Document = Mapping[str, Any]
Kind = Literal["image", "array"]

_NOT_DATA = frozenset({"thumbnail", "overview", "metadata", "visual", "tilejson", "documentation"})
_TYPES: dict[str, Kind] = {
    "image/tiff": "image",
    "image/vnd.stac.geotiff": "image",
    "image/geotiff": "image",
    "image/jp2": "image",
    "application/netcdf": "array",
    "application/x-netcdf": "array",
    "application/x-hdf5": "array",
    "application/vnd+zarr": "array",
    "application/vnd.zarr": "array",
    "application/x-zarr": "array",
}
_SUFFIXES: dict[str, Kind] = {
    ".tif": "image",
    ".tiff": "image",
    ".jp2": "image",
    ".nc": "array",
    ".nc4": "array",
    ".zarr": "array",
}


@dataclass(frozen=True)
class SourceBand:
    """A band and where its values lie."""

    name: str
    """Label in the cube."""
    asset: str
    """Key of the asset in the items."""
    index: int = 1
    """Number of the band in the asset, from 1."""
    of: int = 1
    """How many bands the asset has."""
    kind: Kind = "image"
    """Whether the asset is an image (read through rasterio) or multidimensional arrays, then bands are variables."""
    common_name: str | None = None
    center_wavelength: float | None = None
    """In micrometres."""
    data_type: str | None = None
    """As the raster extension spells it, which is as numpy does; None where not declared."""
    nodata: float | None = None
    """Value that means no data, may be NaN; None where none is declared."""


def asset_kind(asset: Document) -> Kind | None:
    """How the pixels of an asset are read; None where it holds none."""
    roles = set(asset.get("roles") or ())
    if roles & _NOT_DATA and "data" not in roles:
        return None
    media_type = str(asset.get("type") or "").partition(";")[0].strip().lower()
    if media_type in _TYPES:
        return _TYPES[media_type]
    path = str(asset.get("href") or "").partition("?")[0].lower().rstrip("/")
    return next((kind for suffix, kind in _SUFFIXES.items() if path.endswith(suffix)), None)


def asset_bands(key: str, asset: Document) -> tuple[SourceBand, ...]:
    """The bands of one asset of an item or of `item_assets`; none where it is not pixels."""
    kind = asset_kind(asset)
    if kind is None:
        return ()
    raster = _objects(asset.get("raster:bands"))
    described = _objects(asset.get("bands")) or _objects(asset.get("eo:bands")) or [{}] * max(len(raster), 1)
    found = []
    for position, band in enumerate(described):
        values = {**asset, **(raster[position] if position < len(raster) else {}), **band}
        alone = key if len(described) == 1 else f"{key}_{position + 1}"
        found.append(
            SourceBand(
                name=str(band.get("name") or alone),
                asset=key,
                index=position + 1,
                of=len(described),
                kind=kind,
                common_name=_text(band.get("common_name") or band.get("eo:common_name")),
                center_wavelength=_number(band.get("center_wavelength") or band.get("eo:center_wavelength")),
                data_type=_text(values.get("data_type")),
                nodata=_number(values.get("nodata")),
            )
        )
    return tuple(found)


def collection_bands(collection: Document, items: Iterable[Document] = ()) -> tuple[SourceBand, ...]:
    """All bands of a collection, in the order of its `cube:dimensions`.

    Args:
        collection: a STAC Collection.
        items: some of its items, asked where the collection has no `item_assets`.
    """
    declared = collection.get("item_assets") or {}
    assets = declared if declared else {key: asset for item in items for key, asset in _assets(item)}
    bands = _unique(band for key, asset in assets.items() for band in asset_bands(key, asset))
    bands = tuple(_with_summary(band, collection) for band in bands)
    labels = band_labels(collection)
    return _relabelled(bands, labels) if labels else bands


def band_labels(collection: Document) -> tuple[str, ...]:
    """The labels of the collection's bands dimension; none where it is not declared."""
    dimensions = collection.get("cube:dimensions") or {}
    for dimension in dimensions.values():
        if dimension.get("type") == "bands":
            return tuple(str(value) for value in dimension.get("values") or ())
    return ()


def select_bands(bands: Sequence[SourceBand], names: Sequence[str] | None) -> tuple[SourceBand, ...]:
    """The bands with the names or common names that a user asks for, in this order; names go before common names.

    Raises:
        KeyError: nothing has this name; its argument is the name.
    """
    if names is None:
        return tuple(bands)
    chosen: dict[str, SourceBand] = {}
    for name in names:
        matches = [band for band in bands if band.name == name]
        matches = matches or [band for band in bands if band.common_name == name]
        if not matches:
            raise KeyError(name)
        chosen.update((band.name, band) for band in matches)
    return tuple(chosen.values())


def find_in_item(band: SourceBand, item: Document) -> tuple[SourceBand, Document] | None:
    """The band as this item has it, with the asset; None where the item lacks it."""
    assets = dict(_assets(item))
    keys = [band.asset, *(key for key in assets if key != band.asset)]
    for key in keys:
        if key not in assets:
            continue
        here = asset_bands(key, assets[key])
        # Assets without a description of their bands are as the collection says. What an item has in another kind of
        # file as well, such as a netCDF file beside images, is read once only.
        same = next((each for each in here if (each.name, each.kind) == (band.name, band.kind)), None)
        if same is None and key == band.asset and len(here) <= 1 and assets[key].get("href"):
            same = here[0] if here else band
            same = replace(same, index=band.index)
        if same is not None:
            return _inherited(same, band), assets[key]
    return None


def _inherited(here: SourceBand, band: SourceBand) -> SourceBand:
    """What an item's asset says, completed with what the collection says."""
    return replace(
        here,
        name=band.name,
        kind=band.kind if here.kind is None else here.kind,
        data_type=here.data_type or band.data_type,
        nodata=band.nodata if here.nodata is None else here.nodata,
    )


def _assets(item: Document) -> Iterator[tuple[str, Document]]:
    for key, asset in (item.get("assets") or {}).items():
        if isinstance(asset, Mapping):
            yield str(key), asset


def _unique(bands: Iterable[SourceBand]) -> tuple[SourceBand, ...]:
    """One band per name; a file of its own goes before a composite of several bands."""
    chosen: dict[str, SourceBand] = {}
    for band in bands:
        if band.name not in chosen or band.of < chosen[band.name].of:
            chosen[band.name] = band
    return tuple(chosen.values())


def _with_summary(band: SourceBand, collection: Document) -> SourceBand:
    """Completed with what the collection's summaries say about the band."""
    summaries = collection.get("summaries") or {}
    told = (
        _objects(collection.get("bands"))
        + _objects(summaries.get("bands"))
        + _objects(summaries.get("eo:bands"))
    )
    for each in told:
        if each.get("name") == band.name:
            return replace(
                band,
                common_name=band.common_name or _text(each.get("common_name") or each.get("eo:common_name")),
                center_wavelength=band.center_wavelength
                or _number(each.get("center_wavelength") or each.get("eo:center_wavelength")),
            )
    return band


def _relabelled(bands: tuple[SourceBand, ...], labels: tuple[str, ...]) -> tuple[SourceBand, ...]:
    """The bands in the order of the labels, found by name, else by asset; labels that nothing matches are left out."""
    by_name = {band.name: band for band in bands}
    by_asset = {band.asset: band for band in bands if band.of == 1}
    found = ((label, by_name.get(label) or by_asset.get(label)) for label in labels)
    return tuple(replace(band, name=label) for label, band in found if band is not None)


def _objects(value: Any) -> list[Document]:
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _number(value: Any) -> float | None:
    """A number, or one of the words that STAC allows where JSON has no number."""
    if isinstance(value, str):
        return {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}.get(value.lower())
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None
