"""Processes that load STAC from addresses, and results of batch jobs: `load_stac`, `load_result`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from connexeo.generated.errors import FeatureUnsupported, NoDataAvailable, ProcessParameterInvalid
from connexeo.processing.environment import Environment, Web
from connexeo.processing.process import process
from connexeo.processing.reading.bands import SourceBand, asset_bands, asset_kind, find_in_item
from connexeo.processing.reading.choosing import Condition, choose_bands, meets
from connexeo.processing.reading.extents import parse_interval, parse_spatial_extent
from connexeo.processing.reading.folders import SCHEME, Folders, as_local_url
from connexeo.processing.reading.footprints import footprint, matches
from connexeo.processing.reading.opening import NO_DATA, open_found
from connexeo.processing.reading.search import search_box, search_boxes

if TYPE_CHECKING:
    import xarray as xr

    from connexeo.processing.reading.footprints import Box, Interval
    from connexeo.processing.reading.gaps import Gaps
    from connexeo.processing.reading.stac import Source

Document = Mapping[str, Any]
Documents = Web | Folders

_NAMELESS = "data"
"""Key of the only asset with data, where the asset does not name its only band."""
_THREADS = 8
"""Files that are copied at a time."""


@process
def load_stac(
    url: str,
    spatial_extent: Any = None,
    temporal_extent: Sequence[str | None] | None = None,
    bands: Sequence[str] | None = None,
    properties: Mapping[str, Condition] | None = None,
    *,
    environment: Environment,
) -> xr.DataArray:
    """Load STAC as a lazy cube, with grid, dates and data type as `load_collection` makes them.

    Results of batch jobs here are read where they lie. Files at other addresses are copied before they are opened, as
    far as they may lie in the extents and have one of the bands: so that all that is fetched, redirects included,
    stays within the limits of the deployment. Documents from elsewhere never make us open a path of this machine; what
    lies in `Environment.folders` is read where it is, by its path or a URL with the scheme ``file``.

    Raises:
        NoDataAvailable: nothing in the extents meets the conditions.
        TemporalExtentEmpty: the interval does not end after it begins.
        ProcessParameterInvalid: nothing useful is at the address; a band or extent does not exist.
        FeatureUnsupported: addresses are not fetched here.
    """
    return _load("load_stac", url, spatial_extent, temporal_extent, bands, properties or {}, environment)


@process
def load_result(
    id: str,
    spatial_extent: Any = None,
    temporal_extent: Sequence[str | None] | None = None,
    bands: Sequence[str] | None = None,
    *,
    environment: Environment,
) -> xr.DataArray:
    """Load results of a batch job of the user, or those at a signed address, like `load_stac`.

    Raises:
        JobNotFound: the user has no such job.
        JobNotFinished: it has no results.
        NoDataAvailable: nothing lies in the extents.
        TemporalExtentEmpty: the interval does not end after it begins.
        ProcessParameterInvalid: a band or extent does not exist.
        FeatureUnsupported: there is no user here who could have jobs.
    """
    return _load("load_result", id, spatial_extent, temporal_extent, bands, {}, environment)


def _load(
    name: str,
    place: str,
    spatial_extent: Any,
    temporal_extent: Sequence[str | None] | None,
    bands: Sequence[str] | None,
    conditions: Mapping[str, Condition],
    environment: Environment,
) -> xr.DataArray:
    from connexeo.processing.planning.dry_run import PixelsNeeded

    extent = parse_spatial_extent(spatial_extent, process=name)
    interval = parse_interval(temporal_extent, process=name)
    boxes = search_boxes(extent, environment.window)
    if not boxes:
        raise NoDataAvailable(NO_DATA)
    box = search_box(extent, environment.window)
    own = as_local_url(place) if name == "load_stac" else None
    local = _local_items(name, place, environment) if own is None else None
    web = environment.web if own is None else Folders(environment.folders)
    source = _source(name, own or place, box, interval, web) if local is None else _as_source(local)
    found: Sequence[Document] = [
        item
        for item in source.items
        if any(matches(footprint(item), each, interval) for each in boxes) and meets(item, conditions)
    ]
    if not found:
        raise NoDataAvailable(NO_DATA)
    found = list(_with_uniform_assets(found))
    collection = _described(source.document, found)
    chosen = choose_bands(collection, found, bands, process=name)
    if local is None:
        if environment.dry_run is not None and own is None:
            # What a file costs is told by its header, which is not fetched without the file.
            raise PixelsNeeded
        found = _copied(name, found, chosen, web, environment.gaps)
    return open_found(collection, found, chosen, extent, interval, environment)


def _local_items(name: str, place: str, environment: Environment) -> list[dict[str, Any]] | None:
    """Items of results of batch jobs here; None where the place is another address."""
    if name == "load_result" and "://" not in place:
        if environment.workspace is None:
            raise FeatureUnsupported("There are no results of batch jobs in this environment.")
        return environment.workspace.results(place)
    return _web(environment).results(place)


def _web(environment: Environment) -> Web:
    if environment.web is None:
        raise FeatureUnsupported("Nothing is loaded from URLs in this environment.")
    return environment.web


def _as_source(items: Sequence[Document]) -> Source:
    from connexeo.processing.reading.stac import Source

    return Source({}, tuple(items))


def _source(name: str, url: str, box: Box | None, interval: Interval, web: Documents | None) -> Source:
    from connexeo.fetch import FetchError
    from connexeo.processing.reading.stac import REMOTE, read_source

    assert web is not None
    schemes = {SCHEME} if isinstance(web, Folders) else REMOTE
    try:
        return read_source(web.document, url, box, interval, schemes)
    except FetchError as error:
        raise _wrong(name, url, f"cannot be loaded: {error}.") from error
    except ValueError as error:
        raise _wrong(name, url, f"has {error}.") from error


def _wrong(name: str, url: str, reason: str) -> ProcessParameterInvalid:
    parameter = "id" if name == "load_result" else "url"
    return ProcessParameterInvalid(process=name, parameter=parameter, reason=f"{_shown(url)} {reason}")


def _shown(url: str) -> str:
    """An address for use in a message, without what may be a secret in it."""
    return f"'{url.partition('?')[0][:200]}'"


def _with_uniform_assets(items: Sequence[Document]) -> Iterator[dict[str, Any]]:
    """Items whose only file of data has the same key in all of them, where its bands have no names of their own.

    Results of jobs are often one file per date, and each has its own name: it is still the same band.
    """
    for item in items:
        data = {key: asset for key, asset in item["assets"].items() if asset_kind(asset) is not None}
        nameless = [
            asset for key, asset in data.items() if len(asset_bands(key, asset)) == 1 and not _names(asset)
        ]
        if len(data) == len(nameless) == 1:
            yield {**item, "assets": {_NAMELESS: nameless[0]}}
        else:
            yield {**item, "assets": data}


def _names(asset: Document) -> list[str]:
    """Names that an asset gives to its bands."""
    bands = [each for key in ("bands", "eo:bands") if isinstance(each := asset.get(key), list)]
    return [band["name"] for each in bands for band in each if isinstance(band, dict) and band.get("name")]


def _described(document: Document, items: Sequence[Document]) -> dict[str, Any]:
    """What of a document is used, if it is as it has to be: anybody may have written it."""
    kept = {
        name: document[name]
        for name in ("item_assets", "summaries")
        if isinstance(document.get(name), dict)
        and all(isinstance(each, dict | list) for each in document[name].values())
    }
    if isinstance(document.get("bands"), list):
        kept["bands"] = document["bands"]
    dimensions = document.get("cube:dimensions")
    if isinstance(dimensions, dict) and all(isinstance(each, dict) for each in dimensions.values()):
        return {**kept, "cube:dimensions": dimensions}
    names = {
        band.name
        for item in items
        for key, asset in item["assets"].items()
        for band in asset_bands(key, asset)
    }
    if names != {_NAMELESS}:
        return kept
    axes = {axis: {"type": "spatial", "axis": axis} for axis in ("x", "y")}
    return {**kept, "cube:dimensions": {**axes, "t": {"type": "temporal"}}}


def _copied(
    name: str,
    items: Sequence[Document],
    bands: Sequence[SourceBand],
    web: Documents | None,
    gaps: Gaps | None,
) -> list[dict[str, Any]]:
    """The items with local copies of the files that have one of the bands; without those that are gaps."""
    from concurrent.futures import ThreadPoolExecutor

    from connexeo.fetch import FetchError

    assert web is not None
    wanted: dict[str, tuple[str, str]] = {}
    for item in items:
        for band in bands:
            here = find_in_item(band, item)
            if here is not None:
                wanted[str(here[1]["href"])] = here[0].asset, str(item.get("id"))
    if gaps is not None:
        gaps.expect(wanted)

    def copy(href: str) -> Path | None:
        asset, id = wanted[href]
        try:
            return web.file(href)
        except FetchError as error:
            if gaps is None:
                host = urlsplit(href).netloc.rpartition("@")[2] or "this back-end"
                place = f"the asset '{asset}' of the item '{id}' at {host}"
                raise _wrong(name, place, f"cannot be loaded: {error}.") from error
            gaps.leave({"href": href, "item": id, "asset": asset, "reason": str(error)})
            gaps.check()
            return None

    with ThreadPoolExecutor(_THREADS, thread_name_prefix="copy") as executor:
        fetched = zip(wanted, executor.map(copy, wanted), strict=True)
        copies = {href: path for href, path in fetched if path is not None}
    if bands[0].kind == "array":
        _check_containers(name, copies)
    return [_with_copies(item, copies) for item in items]


def _check_containers(name: str, copies: Mapping[str, Path]) -> None:
    """Refuse files that would make us open other files of this machine."""
    from connexeo.processing.reading.containers import leads_elsewhere

    for href, copy in copies.items():
        try:
            refused = leads_elsewhere(copy)
        except OSError:
            refused = True
        if refused:
            raise _wrong(name, href, "is no netCDF file that holds all its values itself.")


def _with_copies(item: Document, copies: Mapping[str, Any]) -> dict[str, Any]:
    """An item with its copied files only."""
    assets = {
        key: {**asset, "href": str(copies[asset["href"]])}
        for key, asset in item["assets"].items()
        if asset["href"] in copies
    }
    return {**item, "assets": assets}
