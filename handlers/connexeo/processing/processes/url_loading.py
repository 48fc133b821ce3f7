"""Loading a file from the web: `load_url`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from connexeo.generated.errors import FeatureUnsupported, ProcessParameterInvalid
from connexeo.processing.environment import Environment
from connexeo.processing.formats.inputs import find_input
from connexeo.processing.process import process

if TYPE_CHECKING:
    import xarray as xr


@process
def load_url(
    url: str, format: str, options: Mapping[str, Any] | None = None, *, environment: Environment
) -> xr.DataArray:
    """Load a file from the web as a cube, in the way of `load_uploaded_files`.

    The file is copied as a whole before it is opened, within the limits of `environment.web`.

    Raises:
        FormatUnsuitable: the file cannot be read with the format.
        ProcessParameterInvalid: there is no such input format or option, or the file cannot be had.
        FeatureUnsupported: addresses are not fetched here.
    """
    known, chosen = find_input(format, options or {}, "load_url")
    if environment.web is None:
        raise FeatureUnsupported("Nothing is loaded from URLs in this environment.")
    from connexeo.fetch import FetchError
    from connexeo.processing.planning.dry_run import PixelsNeeded
    from connexeo.processing.reading.uploads import open_files

    if environment.dry_run is not None:
        # What a file costs is told by its header, which is not fetched without the file.
        raise PixelsNeeded
    try:
        path = environment.web.file(url)
    except FetchError as error:
        shown = url.partition("?")[0][:200]
        reason = f"'{shown}' cannot be loaded: {error}."
        raise ProcessParameterInvalid(process="load_url", parameter="url", reason=reason) from error
    name = unquote(urlsplit(url).path.rpartition("/")[2]) or "file"
    return open_files([(path, name)], known, chosen, environment, process="load_url")
