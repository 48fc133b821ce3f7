"""Where stored models lie: among results of batch jobs, among files of the user, or at addresses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from connexeo.generated.errors import FeatureUnsupported, ProcessParameterInvalid
from connexeo.processing.environment import Environment
from connexeo.processing.forest_files import MEDIA_TYPE, SUFFIX
from connexeo.processing.formats.models import CHECKPOINT


def find_model(place: str, environment: Environment) -> Path:
    """The file of a model.

    Args:
        place: Id of a batch job, path of an uploaded file, or the address of a STAC document or of results.
        environment: Files, results, and addresses.

    Raises:
        ProcessParameterInvalid: There is no model, or more than one.
        JobNotFound: The user has no such job.
        JobNotFinished: It has no results.
        FileNotFound: The user has no such file.
        FeatureUnsupported: There is no user here, or addresses are not fetched.
    """
    if "://" in place:
        return _at_address(place, environment)
    if environment.workspace is None:
        raise FeatureUnsupported("There is no user here who could have models.")
    if place.endswith(SUFFIX):
        return environment.workspace.file(place)
    return Path(_only(_models(environment.workspace.results(place))))


def _at_address(url: str, environment: Environment) -> Path:
    from connexeo.fetch import FetchError
    from connexeo.processing.planning.dry_run import PixelsNeeded

    if environment.web is None:
        raise FeatureUnsupported("Nothing is loaded from URLs in this environment.")
    local = environment.web.results(url)
    if local is not None:
        return Path(_only(_models(local)))
    if environment.dry_run is not None:
        raise PixelsNeeded
    try:
        href = _only(_models([environment.web.document(url)]))
        return environment.web.file(urljoin(url, href))
    except FetchError as error:
        raise _invalid(f"'{url.partition('?')[0][:200]}' cannot be loaded: {error}.") from error


def _models(documents: Iterable[Any]) -> Iterator[str]:
    """Addresses of models in Items or Collections of STAC."""
    for document in documents:
        assets = document.get("assets") if isinstance(document, Mapping) else None
        for asset in assets.values() if isinstance(assets, Mapping) else ():
            if isinstance(asset, Mapping) and isinstance(asset.get("href"), str) and _is_model(asset):
                yield asset["href"]


def _is_model(asset: Mapping[str, Any]) -> bool:
    roles = asset.get("roles")
    return asset.get("type") == MEDIA_TYPE or (isinstance(roles, list) and CHECKPOINT in roles)


def _only(found: Iterable[str]) -> str:
    models = list(dict.fromkeys(found))
    if len(models) != 1:
        raise _invalid(f"it leads to {len(models)} models, there must be one.")
    return models[0]


def _invalid(reason: str) -> ProcessParameterInvalid:
    return ProcessParameterInvalid(process="load_ml_model", parameter="id", reason=reason)
